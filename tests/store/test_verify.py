"""Verifying a store: each thing that can be wrong with it is found and named."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest

from albumcore import (
    Albumcore,
    Content,
    ImageAdded,
    ImageType,
    add_image,
    add_member,
    create_album,
    import_series,
    post_comment,
)
from albumcore.ids import AlbumId, PatientId
from albumcore.streams import album_stream, patient_stream
from albumcore_adapters.store import open_memory
from support.album import CT, S1, bob
from support.given import ALICE
from support.raw import INTO_EVENTS, query, tamper

A1 = album_stream(AlbumId("A1"))
PATIENT = patient_stream(PatientId(7))
BYTES = Content("0f" * 32, 30, "image/png")


@pytest.fixture(autouse=True)
def told(app: Albumcore) -> None:
    """An album of four events, and a patient with one image."""
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle(A1, add_member, ALICE, bob)
    app.handle(A1, import_series, ALICE, CT, S1)
    app.handle(A1, post_comment, ALICE, "Hm")
    image_id = app.next_image_id()
    app.handle(PATIENT, add_image, ALICE, image_id, 2, 3, ImageType.XRAY, BYTES)


def stored(app: Albumcore, version: int) -> dict[str, object]:
    """What is kept of an event of the album."""
    statement = "SELECT state FROM stored_events WHERE originator_id = ? AND originator_version = ?"
    ((state,),) = query(app, statement, A1.name, version)
    found: dict[str, object] = orjson.loads(state)
    return found


def rewrite(app: Albumcore, version: int, **changes: object) -> None:
    """Change what is kept of an event of the album."""
    statement = (
        "UPDATE stored_events SET state = ? WHERE originator_id = ? AND originator_version = ?"
    )
    tamper(app, statement, orjson.dumps({**stored(app, version), **changes}), A1.name, version)


def test_a_sound_store(app: Albumcore) -> None:
    """Nothing is found, every event is counted, and every image's bytes are asked for once."""
    told: list[int] = []
    asked: list[ImageAdded] = []

    def check(added: ImageAdded) -> str | None:
        asked.append(added)
        return None

    assert app.verify(check, told.append) == []
    assert told == [1, 2, 3, 4, 5]
    assert [one.content for one in asked] == [BYTES]
    assert app.verify() == []


@pytest.mark.parametrize(
    ("damage", "problems"),
    [
        (
            "DELETE FROM member_row WHERE sub = 'bob'",
            [
                "member_row album_id='A1', sub='bob', is_admin=0, notification_new_series=0, "
                "notification_new_comment=0, is_favorite=0: in the history, not in the index"
            ],
        ),
        (
            "INSERT INTO series_row VALUES ('A1', '1.2', '1.2.3', 1)",
            [
                "series_row album_id='A1', study_uid='1.2', series_uid='1.2.3', is_favorite=1: "
                "in the index, not in the history"
            ],
        ),
        (
            "UPDATE image_row SET clinic = NULL, at = 'x'",
            [
                "image_row image_id=1, patient=7, version=1, clinic=None, station=3, type='Xray', "
                "at='x', is_removed=0, is_closed=0: in the index, not in the history",
                "image_row image_id=1, patient=7, version=1, clinic=2, station=3, type='Xray', "
                "at='2026-03-01T09:30:04.000000+00:00', is_removed=0, is_closed=0: "
                "in the history, not in the index",
            ],
        ),
    ],
)
def test_rows_that_differ(app: Albumcore, damage: str, problems: list[str]) -> None:
    """Missing, in excess, or changed, each by its name; and looking at them mends nothing."""
    tamper(app, damage)
    assert app.verify() == problems
    assert app.verify() == problems


def test_a_gap_in_the_versions(app: Albumcore) -> None:
    """An event was taken out, and the one after it follows the wrong one."""
    tamper(
        app, "DELETE FROM stored_events WHERE originator_id = 'album-A1' AND originator_version = 3"
    )
    problems = app.verify()
    assert problems[0] == "album-A1 version 4: it follows version 2"
    assert {one.partition(" ")[0] for one in problems[1:]} == {"feed_lane_row", "series_row"}


def test_a_history_without_its_beginning(app: Albumcore) -> None:
    """The first event that is left follows none, and the later ones may not fit."""
    tamper(
        app, "DELETE FROM stored_events WHERE originator_id = 'album-A1' AND originator_version = 1"
    )
    assert app.verify()[0] == "album-A1 version 2: it follows version 0"


def test_a_time_that_goes_back(app: Albumcore) -> None:
    """Within its stream; another stream's is no concern of it."""
    rewrite(app, 4, at="2026-03-01T09:30:01.999999+00:00")
    problems = app.verify()
    assert problems[0] == "album-A1 version 4: it is earlier than the event before it"
    assert {one.partition(" ")[0] for one in problems[1:]} == {"album_row"}


def test_events_that_cannot_be_read(app: Albumcore) -> None:
    """Of an unknown name, or damaged; those after them are read, and no gap is seen where none is."""
    tamper(app, "UPDATE stored_events SET topic = 'album.painted' WHERE originator_version = 3")
    problems = app.verify()
    assert problems[0] == (
        "album-A1 version 3: the event 'album.painted' is unknown to this albumcore; a newer one wrote it"
    )
    assert not any("follows" in one for one in problems)
    tamper(app, "UPDATE stored_events SET state = '{' WHERE originator_version = 4")
    problems = app.verify()
    assert problems[1].startswith("album-A1 version 4: the stored 'album.comment_posted' cannot be")
    assert not any("follows" in one for one in problems)


def test_an_event_that_does_not_fit(app: Albumcore) -> None:
    """The promotion of a user who was never a member: it is reported, and nothing breaks."""
    tamper(
        app,
        "UPDATE stored_events SET topic = 'album.member_promoted', state = ? "
        "WHERE originator_id = 'album-A1' AND originator_version = 4",
        orjson.dumps({**stored(app, 4), "data": {"target": "nobody"}}),
    )
    assert app.verify()[0] == (
        "album-A1 version 4: it does not fit the history before it: KeyError('nobody')"
    )


def test_an_event_of_another_kind_of_stream(app: Albumcore) -> None:
    """An image in an album, an event in a stream of no kind: both are told, and nothing breaks."""
    tamper(
        app,
        f"{INTO_EVENTS} SELECT 'album-A1', 5, topic, state FROM stored_events "
        "WHERE originator_id = 'images-7'",
    )
    tamper(
        app,
        f"{INTO_EVENTS} SELECT 'ward-1', 1, topic, state FROM stored_events "
        "WHERE originator_id = 'images-7'",
    )
    first, second, *_ = app.verify()
    assert first.startswith("album-A1 version 5: it does not fit the history before it: ")
    assert second == "ward-1 version 1: it does not fit the history before it: KeyError('ward')"


def test_two_events_that_mean_the_same_row(app: Albumcore) -> None:
    """An image id that came twice."""
    tamper(
        app,
        f"{INTO_EVENTS} SELECT 'images-8', 1, topic, state FROM stored_events "
        "WHERE originator_id = 'images-7'",
    )
    assert app.verify() == [
        "images-8 version 1: there is a row of that key already, image_row image_id=1",
        "added_image_row image_id=1, patient=8, version=1, at='2026-03-01T09:30:04.000000+00:00': "
        "in the history, not in the index",
    ]


def test_numbers_that_could_come_again(app: Albumcore) -> None:
    """An image id that the history holds, and that the store does not remember to have given."""
    tamper(app, "DELETE FROM numbers")
    assert app.verify() == ["numbers: an image id up to 1 was given, and may be given again"]
    app.rebuild()
    assert app.verify() == []


def test_a_snapshot_that_tells_another_story(open_store: Callable[..., Albumcore]) -> None:
    """Commands would be decided on it."""
    app = open_store(snapshot_every=2)
    other = album_stream(AlbumId("A9"))
    app.handle(other, create_album, ALICE, "Knees")
    app.handle(other, add_member, ALICE, bob)
    app.handle(other, post_comment, ALICE, "Hm")
    assert app.verify() == []
    ((state,),) = query(
        app, "SELECT state FROM stored_snapshots WHERE originator_id = ?", other.name
    )
    told = orjson.loads(state)
    told["state"]["name"] = "Hips"
    tamper(
        app,
        "UPDATE stored_snapshots SET state = ? WHERE originator_id = ?",
        orjson.dumps(told),
        other.name,
    )
    assert app.verify() == ["album-A9: its snapshot is not what the history says"]
    app.rebuild()
    assert app.verify() == []


def test_bytes_of_an_image_that_are_not_sound(app: Albumcore) -> None:
    """Their problems are reported by the blob store."""
    problems = app.verify(
        lambda added: f"{added.content.digest[:4]} has 29 bytes of {added.content.length}"
    )
    assert problems == ["images-7 version 1: image 1: 0f0f has 29 bytes of 30"]


@pytest.mark.parametrize(
    ("damage", "told_of"),
    [
        (
            "UPDATE stored_events SET originator_version = 'x' WHERE originator_version = 3",
            "version x: it follows version 2",
        ),
        ("UPDATE numbers SET given = 'x'", "an image id up to 1 was given, and may be given again"),
    ],
)
def test_what_is_no_number(damage: str, told_of: str) -> None:
    """A damaged SQLite file may hold anything in any column; it is told of, with all else that is found."""
    with open_memory() as app:
        app.handle(A1, create_album, ALICE, "Knees")
        app.handle(A1, add_member, ALICE, bob)
        app.handle(A1, post_comment, ALICE, "Hm")
        app.handle(A1, post_comment, ALICE, "Hm")
        app.handle(
            PATIENT,
            add_image,
            ALICE,
            app.next_image_id(),
            2,
            3,
            ImageType.XRAY,
            BYTES,
        )
        tamper(app, damage)
        tamper(app, "UPDATE album_row SET name = 'Other'")
        problems = app.verify()
    assert [line for line in problems if told_of in line]
    assert [line for line in problems if "name='Other'" in line]
