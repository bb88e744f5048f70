"""Users get other names everywhere: in every event, and in every column that names one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from attrs import field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from albumcore import RecordedEvent, Source, utc_now
from albumcore.albums import WebhookEvent, comments, webhooks
from albumcore.codec import Codec
from albumcore.ids import UserId, WebhookId
from albumcore.kernel import ERASED, STORED, Act, CommandKey, Erased
from albumcore.testing import recorded
from albumcore_adapters.transfer.renaming import (
    USER_COLUMNS,
    has_users,
    renamed,
    renamed_event,
    renamed_row,
)
from albumcore_adapters.transfer.tables import tables_beside_events

ADA, BEN = UserId("ada"), UserId("ben")

NO_USERS = {
    "directory_account": ("name", "password_hash", "token_digest"),
    "directory_claim": ("study_uid", "series_uid"),
    "directory_bringer": ("series_uid",),
    "directory_clinic": ("location", "starts", "ends"),
    "directory_inbox": ("study_uid", "series_uid"),
    "directory_event_key": ("stream", "subject", "key"),
    "directory_sealed": ("cipher",),
    "directory_instance": ("sop_instance_uid", "series_uid", "sop_class_uid", "attributes"),
    "directory_stored_instance": (
        "sop_instance_uid",
        "series_uid",
        "blob",
        "digest",
        "transfer_syntax",
        "pixels",
        "stored_at",
        "dicom_patient_id",
    ),
    "directory_header": ("sop_instance_uid", "series_uid", "header"),
    "directory_thumbnail": ("series_uid", "media_type", "image"),
    "directory_pacs_series": ("series_uid",),
    "directory_spent": ("digest", "ends_at"),
    "directory_session": ("session_digest", "kind", "expires_at", "signed_in_at"),
    "directory_album_look": ("album_id",),
    "directory_station": ("name",),
    "directory_token_use": ("token_id", "last_used"),
    "numbers": ("name",),
    "webhook_attempt": ("trigger_id", "at"),
    "webhook_group": (
        "album_id",
        "webhook_id",
        "study_uid",
        "token_id",
        "provider_id",
        "at",
        "due_at",
    ),
    "webhook_group_series": ("series_uid", "at"),
    "webhook_known": ("album_id", "webhook_id", "name", "url", "events", "secret"),
    "webhook_line": ("album_id", "webhook_id", "lease", "leased_until"),
    "webhook_position": (),
    "webhook_secret": ("name", "secret", "kept_at"),
    "webhook_trigger": (
        *("trigger_id", "album_id", "webhook_id", "event", "at", "token_id", "provider_id"),
        *("study_uid", "url", "secret", "due_at", "first_at"),
    ),
    "webhook_trigger_series": ("trigger_id", "series_uid"),
    "webhook_upload": ("study_uid", "series_uid", "token_id", "provider_id", "at"),
}
"""The other columns of texts, of tables that may name users."""

ABOUT_OTHERS = {
    "directory_patient",
    "directory_deleted_patient",
    "directory_series",
    "directory_study",
}
"""Tables of patients and of DICOM headers, which name no user in any column."""

OF_THE_COPY = {"directory_person"}
"""Tables that a copy of this kind writes by itself."""


def other(user: UserId) -> UserId:
    """Another name."""
    return UserId(f"p-{user[::-1]}")


def back(user: UserId) -> UserId:
    """The name before."""
    return UserId(user.removeprefix("p-")[::-1])


@pytest.mark.parametrize("cls", STORED.values(), ids=STORED)
@settings(max_examples=max(10, settings().max_examples // 5))
@given(data=st.data())
def test_every_event(cls: type[Any], data: st.DataObject) -> None:
    """Renamed there and back, every event is what it was; and no user has the former name."""
    one: RecordedEvent[Any] = data.draw(recorded(cls))
    there = renamed_event(one, other)
    assert renamed_event(there, back) == one
    assert there.act.user == other(one.act.user)
    assert (there.version, there.act.at, there.act.command) == (
        one.version,
        one.act.at,
        one.act.command,
    )
    stored = orjson.loads(Codec().to_stored_event(there).state)
    assert stored["by"].startswith("p-")
    for name in ("target", "user"):
        if stored["data"].get(name) is not None:
            assert stored["data"][name].startswith("p-")


def test_of_which_events() -> None:
    """A private comment names its target, a trigger its user; undoes and the command stay."""
    act = Act(Source(ADA), utc_now(), CommandKey("key", "ab" * 32), 7)
    posted = RecordedEvent("user-ada", 9, act, comments.CommentPosted("Ada and ada", BEN))
    there = renamed_event(posted, other)
    assert there.stream == "user-p-ada"
    assert there.event == comments.CommentPosted("Ada and ada", UserId("p-neb"))
    assert (there.act.undoes, there.act.command) == (7, act.command)
    triggered = webhooks.WebhookTriggered(WebhookId("h"), WebhookEvent.NEW_USER, user=BEN)
    assert renamed(triggered, other).user == UserId("p-neb")


@frozen
class _Inner:
    user: UserId | Erased | None
    number: int = 0


@frozen
class _Outer:
    inner: _Inner
    all_of_them: tuple[UserId, ...] = ()
    texts: tuple[str, ...] = ("ada",)
    note: str | Erased | None = field(default="ada")


@pytest.mark.parametrize("value", [None, ERASED])
def test_in_values_of_values(value: Any) -> None:
    """Users are found in nested values and in tuples; a text that is equal to one is none."""
    one = _Outer(_Inner(ADA), (ADA, BEN))
    assert renamed(one, other) == _Outer(_Inner(other(ADA)), (other(ADA), other(BEN)))
    assert renamed(_Outer(_Inner(value)), other) == _Outer(_Inner(value))


@frozen
class _Mapped:
    by: Mapping[UserId, int]


@frozen
class _Mixed:
    by: UserId | tuple[UserId, ...]


def test_of_an_unknown_kind() -> None:
    """A field that may hold users in a way that is not known is refused, and never passed over."""
    with pytest.raises(TypeError, match="of users of an unknown kind"):
        renamed(_Mapped({ADA: 1}), other)
    with pytest.raises(TypeError, match="a user among other values"):
        renamed(_Mixed(ADA), other)


def test_every_column() -> None:
    """Each column of texts either names users or is known not to: a new one has to be looked at."""
    tables = {table.name: table for table in tables_beside_events()}
    for name, table in tables.items():
        if name in ABOUT_OTHERS | OF_THE_COPY:
            assert not has_users(table)
            continue
        users = {column for of, column in USER_COLUMNS if of == name}
        assert has_users(table) == bool(users)
        assert set(table.columns) - table.numbers == users | set(NO_USERS.get(name, ())), name
    assert {table for table, _ in USER_COLUMNS} | set(NO_USERS) <= tables.keys()


def test_a_row() -> None:
    """A place is an inbox of a user, or an album; nothing stays nothing."""
    tables = {table.name: table for table in tables_beside_events()}
    claim = tables["directory_claim"]
    for place, there in (("inbox:ada", "inbox:p-ada"), ("album:ada", "album:ada")):
        row = tuple({"place": place, "claimed_by": "ben"}.get(one) for one in claim.columns)
        found = dict(zip(claim.columns, renamed_row(claim, row, other), strict=True))
        assert found["place"] == there
        assert found["claimed_by"] == "p-neb"
        assert found["study_uid"] is None
        unknown = tuple({"place": place, "claimed_by": ""}.get(one) for one in claim.columns)
        assert renamed_row(claim, unknown, other)[claim.columns.index("claimed_by")] == ""
    trigger = tables["webhook_trigger"]
    nothing = (None,) * len(trigger.columns)
    assert renamed_row(trigger, nothing, other) == nothing
    spent = tables["directory_spent"]
    assert renamed_row(spent, ("ada", "ben"), other) == ("ada", "ben")
