"""Uploads: albums are notified of images that are stored in their series, new ones and old ones (Kheops API 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from albumcore import (
    Grants,
    Source,
    WebhookEvent,
    create_album,
    create_report_provider,
    edit_webhook,
    import_series,
    issue_capability_token,
    remove_series,
)
from albumcore.ids import AlbumId, CapabilityTokenId, ReportProviderId, SeriesUID
from albumcore_adapters.access.claims import put_in_album
from albumcore_adapters.access.images import Upload, put_images
from albumcore_adapters.access.series import Claim
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.identity.callers import Caller
from albumcore_adapters.sql.database import Row
from albumcore_adapters.webhooks import Outbox, catch_up, deliver_due, note_upload
from albumcore_adapters.webhooks.batches import enqueue_due_batches
from albumcore_adapters.webhooks.uploads import noted_uploads, take_uploads
from support.dicom_files import RELATED, dicom_file, message
from support.kheops import ALBUM, ALICE, BOB, CT, MR, OTHER, STUDY, digest_of
from support.webhooks import HOOK, OTHER_HOOK, Hooked, bodies_of, rows

KEY, SCRIBE = CapabilityTokenId("key0000001"), ReportProviderId("scribe")
NEW_SERIES = WebhookEvent.NEW_SERIES


@pytest.fixture
def hooks(world: Hooked) -> Hooked:
    """A world with a webhook for new series."""
    world.hook(NEW_SERIES)
    return world


def upload(
    hooks: Hooked,
    *numbers: int,
    series: SeriesUID = CT,
    by: str = ALICE,
    album: AlbumId | None = ALBUM,
    token: CapabilityTokenId | None = None,
    provider: ReportProviderId | None = None,
    fails: bool = False,
) -> None:
    """Store instances of a series, by their numbers, a second after whatever was before; or fail at the end."""
    world, at = hooks.world, hooks.world.clock.tick()
    catalogue, database = world.service.catalogue, world.service.database
    source = Source(world.user(by), token, provider)
    caller = Caller(source, album=None if source.in_person else album)
    records = [
        InstanceRecord(STUDY, series, f"{series}.{number}", {}, {}, {}) for number in numbers
    ]

    def count() -> int:
        known = catalogue.series([series]).get(series)
        return 0 if known is None else known.instances

    def store(_: object) -> None:
        before = count()
        catalogue.store(records)
        with database.transaction(commit=True) as cursor:
            note_upload(cursor, source, STUDY, {series: count() - before}, at)
        if fails:
            raise ZeroDivisionError

    put_images(world.service.image_access, Upload(caller, album), [(STUDY, series)], store)


def told(bodies: list[dict[str, Any]]) -> list[tuple[str, dict[str, int]]]:
    """Of each body, how the series came, and the number of new instances of each."""
    return [
        (
            body["import_source"],
            {
                one["series_uid"]: one["number_of_new_instances"]
                for one in body["updated_study"]["series"]
            },
        )
        for body in bodies
    ]


def test_a_series_that_is_new_to_the_album_has_all_its_instances(hooks: Hooked) -> None:
    """Thirty seconds after the last upload, however many there were."""
    upload(hooks, 1, 2)
    assert hooks.run(28) == []
    upload(hooks, 3)
    upload(hooks, 1, series=MR)
    assert hooks.run(29) == []
    assert told(hooks.bodies(1)) == [("upload", {CT: 3, MR: 1})]
    assert hooks.run(3600) == []


def test_of_a_series_that_is_there_the_increase_counts(hooks: Hooked) -> None:
    """No event says so; several uploads add up, and the same instances again are none."""
    upload(hooks, 1, 2)
    hooks.run(30)
    position = hooks.world.position()
    upload(hooks, 3)
    hooks.run(10)
    upload(hooks, 4, 5)
    upload(hooks, 1, 5)
    at = hooks.world.clock.now
    assert hooks.run(29) == []
    [body] = hooks.bodies(1)
    assert told([body]) == [("upload", {CT: 3})]
    assert body["event_time"] == at.isoformat().replace("+00:00", "Z")
    assert body["updated_study"]["series"][0]["number_of_series_related_instances"] == 5
    assert hooks.world.position() == position
    upload(hooks, 1)
    assert hooks.run(3600) == []


def test_every_album_with_the_series_is_notified(hooks: Hooked) -> None:
    """Also of an upload into an inbox; but not one that only claims the series."""
    claimed = AlbumId("Claims0001")
    for album in (OTHER, claimed):
        hooks.act(create_album, "Another", album=album)
        hooks.hook(NEW_SERIES, album=album, url=f"{hooks.receiver.address}/{album}")
    holdings, user = hooks.world.service.holdings, hooks.world.user(BOB)
    claim = Claim(None, user, is_first=False, may_show=False)
    put_in_album(
        holdings, Source(hooks.world.user(ALICE)), claimed, import_series, claim, STUDY, CT
    )
    upload(hooks, 1, 2)
    hooks.act(import_series, STUDY, CT, album=OTHER)
    hooks.run(60)
    upload(hooks, 3, 4, 5, album=None)
    requests = hooks.run(30)
    assert sorted(request.path for request in requests) == [f"/{OTHER}", f"/{HOOK}"]
    assert told(bodies_of(requests)) == [("upload", {CT: 3})] * 2


def test_what_is_sent_is_told_apart(hooks: Hooked) -> None:
    """A user sends one series and uploads another one of the study: two deliveries."""
    hooks.world.store({MR: "MR"})
    hooks.act(import_series, STUDY, MR)
    upload(hooks, 1)
    found = told(hooks.bodies(30))
    assert sorted(found, key=str) == [("send", {MR: 1}), ("upload", {CT: 1})]


def test_an_upload_of_a_series_that_was_sent_is_an_upload(hooks: Hooked) -> None:
    """The series is new to the album, and so are all its instances."""
    hooks.world.store({CT: "CT"}, instances=3)
    hooks.act(import_series, STUDY, CT)
    upload(hooks, 4)
    assert told(hooks.bodies(30)) == [("upload", {CT: 4})]


def test_nothing_new_but_for_the_album(hooks: Hooked) -> None:
    """Images that were stored before are uploaded into an album that does not have them."""
    upload(hooks, 1, 2, album=None)
    upload(hooks, 1, 2)
    assert told(hooks.bodies(30)) == [("upload", {CT: 2})]


def test_the_source_is_told(hooks: Hooked) -> None:
    """A batch for each; with the capability token or the report provider."""
    grants = Grants(read=True, write=True)
    hooks.act(issue_capability_token, KEY, digest_of("k"), "Scanner", grants)
    hooks.act(create_report_provider, SCRIBE, "Scribe", "https://scribe.example/c")
    upload(hooks, 1)
    upload(hooks, 2, token=KEY)
    upload(hooks, 3, provider=SCRIBE)
    bodies = hooks.bodies(30)
    assert [found for _, found in told(bodies)] == [{CT: 3}, {CT: 1}, {CT: 1}]
    sources = [body["source"] for body in bodies]
    assert [one["sub"] for one in sources] == [ALICE] * 3
    assert [one.get("capability_token") for one in sources] == [
        None,
        {"id": KEY, "title": "Scanner"},
        None,
    ]
    assert [one.get("report_provider") for one in sources] == [
        None,
        None,
        {"name": "Scribe", "client_id": SCRIBE},
    ]


@pytest.mark.parametrize("change", [{"enabled": False}, {"events": (WebhookEvent.NEW_USER,)}])
def test_who_does_not_want_it_is_not_notified(hooks: Hooked, change: dict[str, Any]) -> None:
    """A webhook that is disabled, or does not subscribe to new series."""
    upload(hooks, 1)
    hooks.run(30)
    hooks.act(edit_webhook, HOOK, **change)
    upload(hooks, 2)
    assert hooks.run(3600) == []


def test_a_series_that_left_is_not_told(hooks: Hooked) -> None:
    """Neither before the upload is projected, nor after."""
    upload(hooks, 1)
    hooks.run(30)
    upload(hooks, 2)
    hooks.run(5)
    upload(hooks, 3)
    hooks.act(remove_series, STUDY, CT)
    assert hooks.run(3600) == []


# Once, whatever happens


def take_and_fail(outbox: Outbox, notes: Sequence[Row]) -> None:
    """Take notes in a transaction that ends without a commit."""
    with outbox.albums.index.write_transaction(30):
        take_uploads(outbox, notes)
        raise ZeroDivisionError


def test_an_upload_that_fails_is_not_noted(hooks: Hooked) -> None:
    """The note is written in the transaction that stores the images."""
    upload(hooks, 1)
    hooks.run(30)
    with pytest.raises(ZeroDivisionError):
        upload(hooks, 2, fails=True)
    assert hooks.run(3600) == []


def test_notes_survive(hooks: Hooked) -> None:
    """Nothing of an upload is in a process: it may end before it has projected anything, or in the middle of it."""
    upload(hooks, 1)
    hooks.reopen()
    assert hooks.run(10) == []
    upload(hooks, 2)
    notes = noted_uploads(hooks.outbox)
    with pytest.raises(ZeroDivisionError):
        take_and_fail(hooks.outbox, notes)
    hooks.reopen()
    assert told(hooks.bodies(30)) == [("upload", {CT: 2})]


def test_a_note_is_taken_once(hooks: Hooked) -> None:
    """Two processes read it; the second finds it taken."""
    upload(hooks, 1)
    hooks.run(30)
    upload(hooks, 2)
    notes = noted_uploads(hooks.outbox)
    for _ in range(2):
        take_uploads(hooks.outbox, notes)
    assert told(hooks.bodies(30)) == [("upload", {CT: 1})]
    assert rows(hooks.outbox, "SELECT * FROM webhook_upload") == []


def test_a_batch_waits_for_notes_of_its_study(hooks: Hooked) -> None:
    """A long backlog of events is projected in parts: the events of an upload may be there before its note."""
    upload(hooks, 1)
    hooks.world.clock.tick(60)
    hooks.world.act(ALICE, import_series, STUDY, MR)
    catch_up(hooks.outbox, limit=hooks.world.position() - 1)
    assert noted_uploads(hooks.outbox)
    assert enqueue_due_batches(hooks.outbox, hooks.world.clock.now) == 0
    catch_up(hooks.outbox)
    deliver_due(hooks.outbox, hooks.world.clock.tick(30))
    found = told(bodies_of(hooks.receiver.requests))
    assert ("upload", {CT: 1}) in found


def test_two_webhooks_of_an_album(hooks: Hooked) -> None:
    """Each is notified."""
    hooks.hook(NEW_SERIES, webhook_id=OTHER_HOOK)
    upload(hooks, 1)
    hooks.run(30)
    upload(hooks, 2)
    assert told(hooks.bodies(30)) == [("upload", {CT: 1})] * 2


def test_over_http(hooks: Hooked) -> None:
    """Instances that are sent in several messages, and some of them again."""

    def send(*numbers: int) -> None:
        files = [dicom_file(STUDY, CT, f"{CT}.{number}") for number in numbers]
        body, headers = message(files), {"Content-Type": RELATED}
        query = {"album": ALBUM}
        answer = hooks.world.request(ALICE, "POST", "/studies", None, query, headers, body)
        assert answer.status_code == 200

    send(1, 2)
    send(2, 3)
    assert told(hooks.bodies(30)) == [("upload", {CT: 3})]
    send(4, 4)
    send(3)
    assert told(hooks.bodies(30)) == [("upload", {CT: 1})]
    send(4)
    assert hooks.run(3600) == []
