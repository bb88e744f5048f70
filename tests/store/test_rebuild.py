"""Rebuilding the rows from the stream."""

from __future__ import annotations

from typing import Any

import pytest

from albumcore import (
    Albumcore,
    CommandKey,
    Content,
    ImageType,
    add_favorite,
    add_image,
    add_member,
    create_album,
    create_report_provider,
    import_study,
    issue_capability_token,
    issue_user_token,
    remove_image,
    set_favorite,
)
from albumcore.errors import AlbumcoreError, UnknownStoredEvent
from albumcore.ids import AlbumId, CapabilityTokenId, ImageId, PatientId
from albumcore.index import ROWS, CapabilityTokenRow, ImageRow, MemberRow, SeriesRow
from albumcore.streams import album_stream, patient_stream, user_stream
from support.album import CT, DIGEST, KEY, NO_GRANTS, S1, S2, SCRIBE, URL, alice, bob
from support.given import ALICE
from support.raw import INTO_EVENTS, query, tamper

A1 = album_stream(AlbumId("A1"))
PATIENT = patient_stream(PatientId(1))


@pytest.fixture
def full(app: Albumcore) -> Albumcore:
    """A store with rows of every class."""
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle_once(CommandKey("add", "ef" * 32), A1, add_member, ALICE, bob)
    app.handle(A1, import_study, ALICE, CT, [S1, S2])
    app.handle(A1, add_favorite, ALICE, CT, S2)
    app.handle(A1, set_favorite, ALICE, True)
    app.handle(A1, create_report_provider, ALICE, SCRIBE, "Scribe", URL)
    app.handle(A1, issue_capability_token, ALICE, KEY, DIGEST, "T", NO_GRANTS)
    app.handle(user_stream(alice), issue_user_token, ALICE, CapabilityTokenId("U"), "cd" * 32, "L")
    content = Content(DIGEST, 1, "image/png")
    app.handle(
        PATIENT,
        add_image,
        ALICE,
        app.next_image_id(),
        1,
        1,
        ImageType.XRAY,
        content,
    )
    app.undo(AlbumId("A1"), 6, ALICE)
    return app


def contents(app: Albumcore) -> dict[str, list[Any]]:
    """Every row of every class."""
    rows: Any = app.index.rows
    found: dict[str, list[Any]] = {kind.__name__: rows(kind, {}) for kind in ROWS}
    assert all(found.values())
    return found


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM member_row",
        "UPDATE album_row SET name = 'wrong'",
        "INSERT INTO series_row VALUES ('A1', '1.2', '1.2.9', 0)",
        "UPDATE member_row SET is_favorite = 0",
        "UPDATE series_row SET is_favorite = 1 - is_favorite",
        "UPDATE capability_token_row SET is_revoked = 1",
        "DELETE FROM feed_lane_row WHERE version = 1",
        "UPDATE feed_lane_row SET number = 7",
        "DROP TABLE feed_lane_row",
        "DELETE FROM image_row",
    ],
)
def test_rebuild_makes_the_rows_that_were_there(full: Albumcore, damage: str) -> None:
    """Whatever became of them since: lost, changed, added, or the whole table."""
    before = contents(full)
    tamper(full, damage)
    assert full.rebuild() == 10
    assert contents(full) == before
    assert full.verify() == []


def test_rebuild_of_an_empty_store(app: Albumcore) -> None:
    """There is nothing to read."""
    assert app.rebuild() == 0
    assert app.next_image_id() == 1


def test_rebuild_drops_snapshots_and_tells_how_far_it_is(full: Albumcore) -> None:
    """They are made from the stream as well."""
    tamper(full, "INSERT INTO stored_snapshots VALUES ('album-A1', 5, 'snapshot', '{}')")
    told: list[int] = []
    assert full.rebuild(told.append) == 10
    assert told == [*range(1, 11)]
    assert query(full, "SELECT * FROM stored_snapshots") == []


def test_rebuild_keeps_the_numbers_that_were_given(full: Albumcore) -> None:
    """An id once given is not given again, whether its image came, went, or never came."""
    assert full.next_image_id() == 2
    full.handle(PATIENT, remove_image, ALICE, ImageId(1))
    full.rebuild()
    assert full.next_image_id() == 3


def test_rebuild_finds_the_numbers_that_were_lost(full: Albumcore) -> None:
    """The greatest image id of the history is not given again, the image's being removed notwithstanding."""
    content = Content(DIGEST, 1, "image/png")
    for image_id in (41, 40):
        full.handle(
            PATIENT,
            add_image,
            ALICE,
            ImageId(image_id),
            1,
            1,
            ImageType.XRAY,
            content,
        )
    full.handle(PATIENT, remove_image, ALICE, ImageId(41))
    tamper(full, "DELETE FROM numbers")
    full.rebuild()
    assert full.next_image_id() == 42


def test_rebuild_that_passes_over_an_unreadable_event(full: Albumcore) -> None:
    """Its stream has rows up to there, and other streams have all of theirs."""
    tamper(
        full,
        "UPDATE stored_events SET topic = 'album.painted' "
        "WHERE originator_id = 'album-A1' AND originator_version = 3",
    )
    told: list[AlbumcoreError] = []
    assert full.rebuild(pass_over=told.append) == 10
    assert [one.code for one in told] == ["unknown_stored_event"]
    assert [row.sub for row in full.index.rows(MemberRow, {})] == ["alice", "bob"]
    assert full.index.rows(SeriesRow, {}) == []
    assert [row.token_id for row in full.index.rows(CapabilityTokenRow, {})] == ["U"]
    assert len(full.index.rows(ImageRow, {})) == 1


def test_rebuild_that_meets_an_unreadable_event_changes_nothing(full: Albumcore) -> None:
    """The rows and snapshots stay as they were."""
    before = contents(full)
    tamper(full, f"{INTO_EVENTS} VALUES ('album-A1', 9, 'album.painted', '{{}}')")
    with pytest.raises(UnknownStoredEvent):
        full.rebuild()
    assert contents(full) == before
