"""Stores that stay: what is true of a store in a file, and of one in a PostgreSQL database."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from albumcore import (
    Albumcore,
    create_album,
    edit_album,
    issue_capability_token,
    post_comment,
)
from albumcore.errors import IdTaken
from albumcore.ids import AlbumId, CapabilityTokenId
from albumcore.index import CapabilityTokenRow
from albumcore.streams import album_stream
from albumcore_adapters.store import database_of
from support.album import DIGEST, KEY, NO_GRANTS
from support.given import ALICE
from support.raw import query

A1, A2 = (album_stream(AlbumId(name)) for name in ("A1", "A2"))
Open = Callable[..., Albumcore]


def test_the_history_stays_when_the_store_is_closed(open_again: Open) -> None:
    """And with it the rows."""
    first = open_again()
    first.handle(A1, create_album, ALICE, "Knees")
    first.close()
    second = open_again()
    assert second.load(A1).name == "Knees"
    assert second.feed(AlbumId("A1"), ALICE.user).total == 1


def test_two_who_have_it_open_see_each_others_writes(open_again: Open) -> None:
    """At once, also if they have cached the state before."""
    one, other = open_again(), open_again()
    one.handle(A1, create_album, ALICE, "Knees")
    assert other.load(A1).name == "Knees"
    one.handle(A1, edit_album, ALICE, name="Hips")
    assert other.load(A1).name == "Hips"
    (edited,) = other.handle(A1, edit_album, ALICE, name="Ankles")
    assert edited.version == 3
    assert one.load(A1).name == "Ankles"


def test_a_state_that_is_not_at_hand_is_replayed(open_again: Open) -> None:
    """With room for one stream only."""
    app = open_again(cache_size=1)
    for stream in (A1, A2, A1, A2):
        app.handle(stream, post_comment if app.load(stream).members else create_album, ALICE, "Hm")
    assert [one.version for one in app.history(A1)] == [1, 2]
    assert [one.version for one in app.history(A2)] == [1, 2]


def test_events_and_rows_are_written_together_or_not_at_all(open_again: Open) -> None:
    """A row that cannot be takes its event with it."""
    app = open_again()
    for stream in (A1, A2):
        app.handle(stream, create_album, ALICE, "Knees")
    issue = issue_capability_token
    app.handle(A1, issue, ALICE, KEY, DIGEST, "T", NO_GRANTS)
    with pytest.raises(IdTaken):
        app.handle(A2, issue, ALICE, CapabilityTokenId("other"), DIGEST, "T", NO_GRANTS)
    assert [one.version for one in app.history(A2)] == [1]
    (row,) = app.index.rows(CapabilityTokenRow, {})
    assert (row.stream, row.token_id) == ("album-A1", KEY)
    assert app.verify() == []


def test_writers_at_once_lose_nothing(open_again: Open) -> None:
    """Every acknowledged command is in the stream once, versions 1 to n, image numbers unique."""
    stores = [open_again(), open_again()]
    stores[0].handle(A1, create_album, ALICE, "Knees")
    acknowledged: list[int] = []
    numbers: list[int] = []

    def write(app: Albumcore) -> None:
        for _ in range(10):
            (posted,) = app.handle(A1, post_comment, ALICE, "Hm")
            acknowledged.append(posted.version)
            numbers.append(app.next_image_id())

    threads = [threading.Thread(target=write, args=(stores[n % 2],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(acknowledged) == list(range(2, 42))
    assert [one.version for one in stores[0].history(A1)] == list(range(1, 42))
    assert sorted(numbers) == list(range(1, 41))
    assert stores[1].verify() == []


def test_the_database_is_there_for_tables_beside_it(open_again: Open) -> None:
    """Others keep theirs in the same place."""
    app = open_again()
    with database_of(app).transaction(commit=True) as cursor:
        cursor.execute("CREATE TABLE beside (name TEXT)")
        cursor.execute("INSERT INTO beside VALUES ('x')")
    assert query(app, "SELECT name FROM beside") == [("x",)]
