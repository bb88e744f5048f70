"""What webhooks tell by hand, and how that is shown (Kheops API 11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from albumcore import WebhookEvent, WebhookTriggered, create_webhook, import_study
from albumcore.ids import WebhookId
from albumcore_adapters.webhooks import catch_up, deliver_due
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CT,
    DAVE,
    MR,
    NOBODY,
    SR,
    STUDY,
    World,
    email_of,
    open_world,
    settle,
)
from support.kheops_cases import (
    BAD_FORM,
    NO_SERIES,
    NO_USER,
    Acts,
    Case,
    check,
    each,
    held,
)
from support.receiver import Answer, Receiver, receiving

COVERS = (
    "POST /albums/{album}/webhooks/{webhook}/trigger",
    "GET /albums/{album}/webhooks/{webhook}",
)

HERE = f"/albums/{ALBUM}/webhooks"
HOOK = WebhookId("h" * 20)
ONE = f"{HERE}/{HOOK}"
TRIGGER = f"{ONE}/trigger"
HAD: Acts = (
    (
        ALICE,
        create_webhook,
        {"webhook_id": HOOK, "name": "Hook", "url": "https://hook.example"},
    ),
)

NEW_SERIES, NEW_USER = WebhookEvent.NEW_SERIES, WebhookEvent.NEW_USER


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A settled world that may send requests to this machine."""
    made = open_world(
        tmp_path, allow_private_addresses=True, public_url="https://albums.example", start=settle
    )
    yield made
    made.service.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Who is told."""
    with receiving() as made:
        yield made


def deliver(world: World) -> None:
    """Send what is due."""
    catch_up(world.service.outbox)
    deliver_due(world.service.outbox, world.clock.now)


SERIES_FORM = {"event": "new_series", "StudyInstanceUID": STUDY, "SeriesInstanceUID": CT}
USER_FORM = {"event": "new_user", "user": BOB}
HELD = (*HAD, *held(CT, MR))


def triggered(
    about: str,
    form: Mapping[str, str | Sequence[str]],
    event: WebhookEvent,
    *told: Any,
) -> Case:
    """Something that is told by hand."""
    recorded = [WebhookTriggered(HOOK, event, *told)]
    return Case(about, ALICE, f"POST {TRIGGER}", 202, None, recorded, form, given=HELD)


def untold(about: str, form: Mapping[str, str | Sequence[str]], status: int, message: str) -> Case:
    """Something that is not told."""
    return Case(about, ALICE, f"POST {TRIGGER}", status, message, form=form, given=HELD)


TRIGGERS = [
    triggered("series", SERIES_FORM, NEW_SERIES, STUDY, (CT,)),
    triggered(
        "several series",
        SERIES_FORM | {"event": "NEW_Series", "SeriesInstanceUID": [MR, CT, MR]},
        NEW_SERIES,
        STUDY,
        (MR, CT),
    ),
    triggered("user", USER_FORM, NEW_USER, None, (), BOB),
    triggered("user by address", USER_FORM | {"user": email_of(BOB)}, NEW_USER, None, (), BOB),
    untold("no event", {}, 400, BAD_FORM),
    untold("empty event", USER_FORM | {"event": ""}, 400, BAD_FORM),
    untold("unknown event", USER_FORM | {"event": "x"}, 400, BAD_FORM),
    untold("two events", USER_FORM | {"event": ["new_user", "new_user"]}, 400, BAD_FORM),
    untold("removed series", SERIES_FORM | {"event": "remove_series"}, 400, BAD_FORM),
    untold("deleted album", {"event": "delete_album"}, 400, BAD_FORM),
    untold("no study", {"event": "new_series", "SeriesInstanceUID": CT}, 400, BAD_FORM),
    untold("no series", {"event": "new_series", "StudyInstanceUID": STUDY}, 400, BAD_FORM),
    untold("no user", {"event": "new_user"}, 400, BAD_FORM),
    untold("series and user", SERIES_FORM | {"user": BOB}, 400, BAD_FORM),
    untold("user and study", USER_FORM | {"StudyInstanceUID": STUDY}, 400, BAD_FORM),
    untold("user and empty study", USER_FORM | {"StudyInstanceUID": ""}, 400, BAD_FORM),
    untold("no study UID", SERIES_FORM | {"StudyInstanceUID": "1..2"}, 400, BAD_FORM),
    untold("no series UID", SERIES_FORM | {"SeriesInstanceUID": [CT, "x"]}, 400, BAD_FORM),
    untold("study elsewhere", SERIES_FORM | {"StudyInstanceUID": "9.9"}, 404, NO_SERIES),
    untold("series elsewhere", SERIES_FORM | {"SeriesInstanceUID": [CT, SR]}, 404, NO_SERIES),
    untold("unknown user", USER_FORM | {"user": NOBODY}, 404, NO_USER),
    untold("stranger", USER_FORM | {"user": DAVE}, 404, "Not a member"),
]


@pytest.mark.parametrize("case", each(TRIGGERS))
def test_trigger(case: Case, world: World) -> None:
    """Series of the album and members are told by hand; whatever else is asked for is refused."""
    check(case, world)


def test_triggers(world: World, receiver: Receiver) -> None:
    """What a disabled webhook told by hand is shown in full with it, page by page, and in short in the list."""
    world.act(ALICE, create_webhook, HOOK, "Hook", receiver.address, (), False)
    world.store({CT: "CT"})
    world.act(ALICE, import_study, STUDY, [CT])
    receiver.answer(Answer(status=500), Answer(status=204))
    assert world.request(ALICE, "POST", TRIGGER, form=SERIES_FORM).status_code == 202
    deliver(world)
    assert world.request(ALICE, "POST", TRIGGER, form=USER_FORM).status_code == 202
    deliver(world)
    at = world.clock.now
    shown = world.get(ALICE, ONE)
    newest, oldest = shown["triggers"]
    assert (shown["number_of_triggers"], "last_triggers" in shown) == (2, False)
    assert newest == {
        "id": newest["id"],
        "is_manual_trigger": True,
        "event": "new_user",
        "attempts": [{"status": 204, "time": f"{at:%Y-%m-%dT%H:%M:%S}Z", "attempt": 1}],
        "user": {"email": email_of(BOB), "name": "Bob", "sub": BOB},
    }
    address = f"https://albums.example/studies/{STUDY}"
    assert oldest["study"] == {
        "study_uid": STUDY,
        "retrieve_url": address,
        "series": [{"series_uid": CT, "retrieve_url": f"{address}/series/{CT}"}],
    }
    assert world.get(ALICE, ONE, limit="1")["triggers"] == [newest]
    assert world.get(ALICE, ONE, limit="1", offset="1")["triggers"] == [oldest]
    assert world.get(ALICE, ONE, offset="2") == {**shown, "triggers": []}
    in_short = [
        {"id": newest["id"], "status": "pass"},
        {"id": oldest["id"], "status": "fail"},
    ]
    [listed] = world.get(ALICE, HERE)
    assert (listed["number_of_triggers"], listed["last_triggers"]) == (2, in_short)
    assert world.request(ALICE, "PATCH", ONE).json == listed
