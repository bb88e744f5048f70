"""The store in a PostgreSQL database: shared by many, made once, and not made anew without need."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from albumcore import (
    Album,
    Albumcore,
    add_member,
    create_album,
    edit_album,
    post_comment,
    remove_member,
)
from albumcore.errors import UnknownStoredEvent
from albumcore.ids import AlbumId
from albumcore.index import MemberRow
from albumcore.kernel import Act
from albumcore.streams import album_stream
from albumcore_adapters.sql import postgres_server as postgres_server_seen
from albumcore_adapters.store import (
    MissingExtra,
    NoAddress,
    StoreError,
    StoreUnavailable,
    database_of,
    has_postgres_store,
    open_postgres,
    postgres,
)
from albumcore_adapters.store.postgres import URL, PostgresRecorder
from albumcore_adapters.store.rows import index_fingerprint
from support.album import bob
from support.crowd import SHARED, SOMEBODY
from support.facts import rows_of
from support.given import ALICE
from support.postgres import empty_database, postgres_server
from support.raw import INTO_EVENTS, query, tamper

ID = AlbumId("A1")
A1 = album_stream(ID)
TESTS = Path(__file__).parents[1]


@pytest.fixture
def url() -> Iterator[str]:
    """The address of an empty database."""
    with empty_database() as made:
        yield made


@pytest.fixture
def app(url: str) -> Iterator[Albumcore]:
    """A store with an album."""
    opened = open_postgres(url)
    opened.handle(A1, create_album, ALICE, "Knees")
    opened.handle(A1, add_member, ALICE, bob)
    yield opened
    opened.close()


def test_a_polling_reader_sees_what_eight_processes_write(url: str) -> None:
    """Every event once, in the order of the positions, none too late: those who write wait for each other."""
    writers, times = 8, 12
    with open_postgres(url) as app:
        app.handle(SHARED, create_album, SOMEBODY, "Shared")
        # Between the number of an event and its being kept others would get in, were it not for the lock.
        tamper(
            app,
            "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(random() * 0.01); RETURN NULL; END $$",
        )
        tamper(
            app,
            "CREATE TRIGGER linger AFTER INSERT ON stored_events FOR EACH ROW EXECUTE FUNCTION linger()",
        )
        crowd = subprocess.Popen(
            [sys.executable, "-m", "support.crowd", url, str(writers), str(times)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
        )
        seen: list[tuple[int, str, int]] = []
        while True:
            is_over = (
                crowd.poll() is not None
            )  # asked first, so that the last look is after the end
            found = app.follow(seen[-1][0] if seen else 0, limit=7)
            seen += [(position, one.stream, one.version) for position, one in found]
            if is_over and not found:
                break
        assert crowd.returncode == 0
        assert [position for position, _, _ in seen] == sorted(
            {position for position, _, _ in seen}
        )
        assert len(seen) == 1 + writers * (times + 1)
        for stream in {stream for _, stream, _ in seen}:
            versions = [version for _, name, version in seen if name == stream]
            assert versions == list(range(1, len(versions) + 1))
        assert app.verify() == []


def test_the_functions_that_append_without_a_lock_are_refused(url: str) -> None:
    """Followers would miss events."""
    env = {"PERSISTENCE_MODULE": "albumcore_adapters.store.postgres:Factory", URL: url}
    with pytest.raises(ValueError, match="must not be set") as refused:
        Albumcore({**env, "POSTGRES_ENABLE_DB_FUNCTIONS": "y"})
    assert "without a lock" in str(refused.value)
    Albumcore({**env, "POSTGRES_ENABLE_DB_FUNCTIONS": "n"}).close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE form_of_rows SET form = 'of a newer release'",
        "DELETE FROM form_of_rows",
        "DROP INDEX member_row_by_sub",
        "ALTER TABLE series_row ADD COLUMN weight BIGINT",
        "DROP TABLE image_row",
    ],
)
def test_rows_of_another_form_are_made_again(app: Albumcore, url: str, damage: str) -> None:
    """When the store is opened; the form is told anew."""
    before = rows_of(app)
    tamper(app, "UPDATE album_row SET name = 'wrong'")
    tamper(app, damage)
    with open_postgres(url) as again:
        assert rows_of(again) == before
        assert again.verify() == []
        assert query(again, "SELECT form FROM form_of_rows") == [(index_fingerprint(),)]


def test_rows_of_this_form_are_left_alone(app: Albumcore, url: str) -> None:
    """Opening a store reads no history."""
    tamper(app, "UPDATE member_row SET is_admin = 1 WHERE sub = 'bob'")
    with open_postgres(url) as again:
        assert again.index.rows(MemberRow, {"sub": "bob"})[0].is_admin


def test_an_event_of_a_newer_release_is_refused(app: Albumcore, url: str) -> None:
    """That release has made rows of it, which this one must not replace: all stays as it is."""
    tamper(app, "UPDATE form_of_rows SET form = 'of a newer release'")
    tamper(app, f"{INTO_EVENTS} VALUES ('album-A1', 3, 'album.painted', '{{}}')")
    before = rows_of(app)
    with pytest.raises(UnknownStoredEvent, match="album-A1 version 3"):
        open_postgres(url)
    assert rows_of(app) == before
    assert query(app, "SELECT form FROM form_of_rows") == [("of a newer release",)]


def test_an_index_is_not_made_again_without_need(
    app: Albumcore, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What PostgreSQL says of its tables and indexes is what is expected there: no name is cut off."""
    caplog.set_level(logging.INFO)
    with open_postgres(url) as again:
        assert again.verify() == []
    assert not [one for one in caplog.records if "rebuilt" in one.getMessage()]


@pytest.mark.parametrize("is_new", [True, False])
def test_several_open_a_store_at_once(
    url: str, caplog: pytest.LogCaptureFixture, is_new: bool
) -> None:
    """Of a new one each finds the tables; of one with rows of another form, one process makes them again."""
    caplog.set_level(logging.INFO)
    if not is_new:
        with open_postgres(url) as app:
            app.handle(A1, create_album, ALICE, "Knees")
            tamper(app, "UPDATE form_of_rows SET form = 'another'")
    opened: list[Albumcore] = []
    threads = [threading.Thread(target=lambda: opened.append(open_postgres(url))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 6
    for app in opened:
        assert app.verify() == []
        app.close()
    made = [one for one in caplog.records if "rebuilt from 1 events" in one.getMessage()]
    assert len(made) == (0 if is_new else 1)


def test_rows_are_made_again_however_long_that_takes(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements that take longer than those of a request may are not ended."""
    monkeypatch.setattr(postgres_server_seen, "STATEMENT_SECONDS", 0.05)
    with open_postgres(url, busy_seconds=0.05) as app:
        recorder: PostgresRecorder = app.recorder  # type: ignore[assignment]
        with recorder.rebuild_transaction() as (_, writing):
            writing.execute("SELECT pg_sleep(0.3)")


def test_one_who_opens_a_store_does_not_wait_for_ever(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For others who are opening it."""
    monkeypatch.setattr(postgres, "OPENING_SECONDS", 0.05)
    with (
        postgres.exclusive_open(url),
        pytest.raises(StoreUnavailable, match="opening"),
        postgres.exclusive_open(url),
    ):
        pass
    with postgres.exclusive_open(url):
        pass


def test_rows_can_be_read_while_they_are_made_again(app: Albumcore) -> None:
    """Those that were there are, until the new ones are all made."""
    tamper(app, "UPDATE member_row SET is_admin = 1")
    seen: list[list[bool]] = []

    def look(done: int) -> None:
        seen.append([row.is_admin for row in app.index.rows(MemberRow, {})])

    app.rebuild(look)
    assert seen == [[True, True]] * 2
    assert [row.is_admin for row in app.index.rows(MemberRow, {})] == [True, False]


def test_who_may_not_make_tables_uses_those_that_are_there(app: Albumcore, url: str) -> None:
    """It is enough to be let read and write; a table that is missing is an error of the store."""
    server, name = postgres_server(), url.split("/")[3].split("?")[0]
    server.execute("CREATE ROLE clerk LOGIN")
    try:
        server.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", name)
        server.execute(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk", name
        )
        with open_postgres(server.url(name, "clerk"), snapshot_every=1) as clerks:
            (posted,) = clerks.handle(A1, post_comment, ALICE, "Hm")
            clerks.rebuild()
            assert clerks.next_image_id() == 1
            assert clerks.verify() == []
        assert [*app.history(A1, after=2)] == [posted]
        tamper(app, "DROP TABLE stored_snapshots")
        with pytest.raises(StoreError, match="permission denied"):
            open_postgres(server.url(name, "clerk"))
    finally:
        server.execute("DROP OWNED BY clerk", name)
        server.execute("DROP ROLE clerk")


def test_the_present_form_takes_no_snapshot_of_an_older_version(app: Albumcore, url: str) -> None:
    """The newest snapshot of a stream takes the place of the others."""
    with open_postgres(url, snapshot_every=1) as often:
        for _ in range(3):
            often.handle(A1, post_comment, ALICE, "Hm")
        assert query(app, "SELECT originator_version FROM stored_snapshots") == [(5,)]


def test_whether_there_is_a_store(url: str) -> None:
    """To look for one makes none."""
    assert not has_postgres_store(url)
    assert not has_postgres_store(url)
    open_postgres(url).close()
    assert has_postgres_store(url)
    with pytest.raises(NoAddress):
        has_postgres_store("postgresql://?nonsense=1")


def test_a_store_in_a_later_schema_is_not_touched(app: Albumcore, url: str) -> None:
    """What the search path names first has its own tables, however odd its name is."""
    before = rows_of(app)
    postgres_server().execute('CREATE SCHEMA "Ward 2"', url.split("/")[3].split("?")[0])
    ours = f"{url}&options=-csearch_path%3D%22Ward%5C%202%22,public"
    assert not has_postgres_store(ours)
    with open_postgres(ours) as other:
        assert [*other.follow()] == []
        other.handle(A1, create_album, ALICE, "Hips")
        assert other.verify() == []
    assert has_postgres_store(ours)
    assert rows_of(app) == before
    assert app.verify() == []


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not installed by itself."""
    for name in ("albumcore_adapters.store.postgres", "albumcore_adapters.sql.postgres"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"albumcore\[postgres\]"):
        open_postgres("postgresql:///albums")


def test_a_read_snapshot(app: Albumcore, url: str) -> None:
    """The reads of one thread share a snapshot, also those of one statement each."""
    database = database_of(app)
    with open_postgres(url) as other, database.read_snapshot():
        before = app.index.rows(MemberRow, {})
        other.handle(A1, remove_member, ALICE, bob)
        assert app.index.rows(MemberRow, {}) == before
    assert len(app.index.rows(MemberRow, {})) == 1


@pytest.mark.parametrize("is_looked_at", [True, False])
def test_a_standby_takes_over_that_the_last_events_had_not_reached(
    app: Albumcore, is_looked_at: bool
) -> None:
    """The cached state is of a history that is gone: it is dropped, and the next event follows the last."""
    for name in ("Hips", "Toes"):
        app.handle(A1, edit_album, ALICE, name=name)
    tamper(app, "DELETE FROM stored_events WHERE originator_version > 2")
    app.rebuild()
    if is_looked_at:
        assert app.load(A1).name == "Knees"
    app.handle(A1, edit_album, ALICE, name="Heads")
    assert [one.version for one in app.history(A1)] == [1, 2, 3]
    assert app.load(A1).name == "Heads"
    assert app.verify() == []


def test_numbers_are_given_without_waiting_for_the_disk(app: Albumcore) -> None:
    """And only they: the next transaction waits for it again."""
    recorder: PostgresRecorder = app.recorder  # type: ignore[assignment]
    assert [recorder.next_number("scan") for _ in range(3)] == [1, 2, 3]
    with recorder.datastore.single_read() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == {"synchronous_commit": "on"}


def test_one_who_meets_others_again_and_again(app: Albumcore, url: str) -> None:
    """The driver prepares a statement that comes often, also where what it travels with is refused."""
    with open_postgres(url) as other:
        for turn in range(8):
            tries = 0

            def say(album: Album, act: Act) -> Any:
                nonlocal tries
                tries += 1
                if tries < 3:
                    other.handle(A1, post_comment, ALICE, "me first")
                return post_comment(album, act, "Hm")

            (posted,) = app.handle(A1, say, ALICE)
            assert posted.version == 5 + 3 * turn
        assert app.verify() == []
