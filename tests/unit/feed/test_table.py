"""The feed table against the table of the documented API (Kheops API 7.1), and how an entry reads its event."""

from __future__ import annotations

from typing import Any

import pytest

from albumcore import (
    AdminAdded,
    AdminDemoted,
    AlbumDeleted,
    AlbumEdited,
    AlbumTextErased,
    CapabilityTokenRevoked,
    CommentPosted,
    CommentWithdrawn,
    ErasureRecorded,
    FavoriteAdded,
    FavoriteRemoved,
    FavoriteSet,
    ImageAdded,
    ImageRemoved,
    ImageRestored,
    ImagesErased,
    MemberAdded,
    MemberLeft,
    MemberPromoted,
    MemberRemoved,
    MemberSettingsRestored,
    NotificationsSet,
    PatientDeleted,
    PatientRestored,
    PersonRegistered,
    ReportAdded,
    ReportProviderDeleted,
    ReportProviderEdited,
    SeriesImported,
    SeriesRemoved,
    StoreSealed,
    StudyCommentPosted,
    StudyImported,
    StudyRemoved,
    StudyTextErased,
    UserTextErased,
    UserTokenIssued,
    UserTokenRevoked,
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    WebhookTriggered,
)
from albumcore.albums import Webhook, WebhookEvent
from albumcore.erasures import ErasureKind
from albumcore.feed import FEED, Entry, EntryKind, Family, entry
from albumcore.image_sets import Content, ImageType
from albumcore.kernel import STORED, Act, Event, RecordedEvent
from albumcore.user_tokens import Grants
from support.album import BELL, CT, DIGEST, KEY, OPEN, S1, S2, SCRIBE, SCRIBE_IN, bob, issued
from support.given import ALICE, NOW, START

# One event of each class, and the line that the documented API gives it: type, family, and what is shown with it.
SHOWN: list[tuple[Event[Any], str | None, str | None, str]] = [
    (OPEN, "CREATE_ALBUM", None, ""),
    (AlbumEdited("Hips"), "EDIT_ALBUM", None, ""),
    (MemberAdded(bob), "ADD_USER", "USERS", "target"),
    (AdminAdded(bob), "ADD_ADMIN", "USERS", "target"),
    (MemberPromoted(bob), "PROMOTE_ADMIN", "USERS", "target"),
    (AdminDemoted(bob), "DEMOTE_ADMIN", "USERS", "target"),
    (MemberRemoved(bob), "REMOVE_USER", "USERS", "target"),
    (MemberLeft(), "LEAVE_ALBUM", "USERS", ""),
    (StudyImported(CT, (S1, S2)), "IMPORT_STUDY", "SENDING", "study all-series"),
    (SeriesImported(CT, S1), "IMPORT_SERIES", "SENDING", "study one-series"),
    (ReportAdded(CT, S1), "NEW_REPORT", "SENDING", "study one-series"),
    (StudyRemoved(CT, (S1, S2)), "REMOVE_STUDY", "SENDING", "study all-series"),
    (SeriesRemoved(CT, S1), "REMOVE_SERIES", "SENDING", "study one-series"),
    (FavoriteAdded(CT, (S1, S2)), "ADD_FAV", None, "study all-series"),
    (FavoriteRemoved(CT, (S1, S2)), "REMOVE_FAV", None, "study all-series"),
    (SCRIBE_IN, "CREATE_REPORT_PROVIDER", "REPORT_PROVIDER", "provider"),
    (
        ReportProviderEdited(SCRIBE, "Pen", "u"),
        "EDIT_REPORT_PROVIDER",
        "REPORT_PROVIDER",
        "provider",
    ),
    (
        ReportProviderDeleted(SCRIBE),
        "DELETE_REPORT_PROVIDER",
        "REPORT_PROVIDER",
        "provider",
    ),
    (WebhookCreated(BELL, Webhook("Bell", "u")), "CREATE_WEBHOOK", "WEBHOOKS", "silent"),
    (WebhookEdited(BELL, Webhook("Bell", "u")), "EDIT_WEBHOOK", "WEBHOOKS", "silent"),
    (WebhookDeleted(BELL), "DELETE_WEBHOOK", "WEBHOOKS", "silent"),
    (
        WebhookTriggered(BELL, WebhookEvent.NEW_SERIES, CT, (S1,)),
        "TRIGGER_WEBHOOK",
        "WEBHOOKS",
        "silent",
    ),
    (CommentPosted("Psst", bob), None, None, "target comment private silent"),
    (CommentPosted("Hello"), None, None, "comment"),
    (StudyCommentPosted("Psst", bob), None, None, "target comment private silent"),
    (StudyCommentPosted("Hello"), None, None, "comment"),
]

NEVER_SHOWN: list[Event[Any]] = [
    AlbumDeleted(),
    NotificationsSet(new_series=True, new_comment=True),
    MemberSettingsRestored(bob, True, True, True),
    CommentWithdrawn(1),
    FavoriteSet(is_favorite=True),
    issued(Grants()),
    CapabilityTokenRevoked(KEY),
    PersonRegistered(DIGEST),
    UserTokenIssued(KEY, DIGEST, "Laptop", START, NOW),
    UserTokenRevoked(KEY),
    ImageAdded(1, 2, 3, ImageType.XRAY, Content(DIGEST, 1, "image/png")),  # type: ignore[arg-type]
    ImageRemoved(1),  # type: ignore[arg-type]
    ImageRestored(1),  # type: ignore[arg-type]
    PatientDeleted(),
    PatientRestored(),
    AlbumTextErased((1,), without_name=True),
    StudyTextErased((1,)),
    UserTextErased((1,)),
    ImagesErased((1,)),
    ErasureRecorded(ErasureKind.ALBUM, "A1"),
    StoreSealed(7),
]


def shown(event: Event[Any]) -> Entry | None:
    """How an event of Alice's shows."""
    return entry(RecordedEvent("album-A1", 1, Act(ALICE, START), event))


def test_every_stored_class_is_shown_or_hidden_here() -> None:
    """The expectations below are of all classes there are."""
    expected = {type(one[0]) for one in SHOWN} | {type(one) for one in NEVER_SHOWN}
    assert expected == set(STORED.values()) == set(FEED)


@pytest.mark.parametrize(("event", "mutation", "family", "parts"), SHOWN, ids=str)
def test_an_event_shows_as_documented(
    event: Event[Any], mutation: str | None, family: str | None, parts: str
) -> None:
    """Its type and family, and of study, series, target and report provider exactly those it is about."""
    one = shown(event)
    assert one is not None
    having = parts.split()
    assert one.type.mutation == mutation
    assert one.type.family == (None if family is None else Family(family))
    assert one.kind is (EntryKind.COMMENT if "comment" in having else EntryKind.MUTATION)
    assert one.author == "alice"
    assert one.target == (bob if "target" in having else None)
    assert one.study_uid == (CT if "study" in having else None)
    assert one.series_uids == (
        (S1, S2) if "all-series" in having else (S1,) if "one-series" in having else ()
    )
    assert one.provider_id == (SCRIBE if "provider" in having else None)
    assert one.comment == (getattr(event, "comment") if "comment" in having else None)  # noqa: B009
    assert one.is_private is ("private" in having)


@pytest.mark.parametrize("event", NEVER_SHOWN, ids=str)
def test_an_event_that_is_no_news_never_shows(event: Event[Any]) -> None:
    """Capability tokens record no mutation, nor do a member's own settings (Kheops API 7.1)."""
    assert shown(event) is None


@pytest.mark.parametrize(("event", "parts"), [(one[0], one[3]) for one in SHOWN], ids=str)
def test_what_moves_the_last_event_time(event: Event[Any], parts: str) -> None:
    """Kheops API 14, rules 26 and 39: all but private comments and webhooks."""
    one = shown(event)
    assert one is not None
    assert one.moves_last_event_time is ("silent" not in parts.split())


def test_families_hold_the_documented_mutations() -> None:
    """Kheops API 7.1; creating and editing the album are in none, nor are favourites."""
    families: dict[str | None, set[str | None]] = {}
    for _, mutation, family, _ in SHOWN:
        if mutation is not None:
            families.setdefault(family, set()).add(mutation)
    found: dict[str | None, set[str | None]] = {}
    for line in FEED.values():
        if line is not None and line.kind is EntryKind.MUTATION:
            found.setdefault(line.family and line.family.value, set()).add(line.mutation)
    assert found == families
    assert len(set().union(*families.values())) == 22
