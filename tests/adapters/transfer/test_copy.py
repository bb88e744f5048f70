"""Copying a whole store: what is copied, what is refused, and resuming a copy that was cut off."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import fields

from albumcore import (
    Albumcore,
    Source,
    WebhookEvent,
    add_member,
    create_album,
    create_webhook,
    import_series,
    post_comment,
    post_study_comment,
    trigger_webhook,
    utc_now,
)
from albumcore.erasures import ErasureKind
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId, WebhookId
from albumcore.streams import album_stream, study_stream
from albumcore_adapters.base.data_directory import DATABASE_FILE, ERASURES_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.album_looks import AlbumLooks
from albumcore_adapters.directory.claims import Holding, inbox_holder
from albumcore_adapters.directory.instance_blobs import instance_problems
from albumcore_adapters.directory.patients import Patient
from albumcore_adapters.directory.sessions import Sessions
from albumcore_adapters.erasure.erasure_list import ListedErasure, append_erasure, read_erasures
from albumcore_adapters.server import demo
from albumcore_adapters.service import open_service
from albumcore_adapters.sql.migrations import MIGRATIONS
from albumcore_adapters.store import database_of, open_postgres, open_sqlite
from albumcore_adapters.store.configured import NoStore
from albumcore_adapters.transfer import tables
from albumcore_adapters.transfer.errors import TransferRefused
from albumcore_adapters.transfer.location import Location, location_of
from albumcore_adapters.transfer.tables import tables_beside_events
from albumcore_adapters.webhooks import catch_up, deliver_due, store_secret
from albumcore_adapters.webhooks.uploads import note_upload
from support.copying import copied, copy_and_die
from support.instances import store_instance
from support.postgres import empty_database
from support.server import opened, user_of
from support.store_form import make_store

ALBUM, HOOK = AlbumId("Copied0001"), WebhookId("h" * 20)
SOMEBODY = Source(UserId("somebody"))
STUDY, CT = StudyUID("1.2"), SeriesUID("1.2.1")
Dump = dict[str, list[tuple[Any, ...]]]


class Stopped(Exception):
    """The copy was cut off."""


def patient(first: str) -> Patient:
    """A patient with this name."""
    given: dict[str, Any] = dict.fromkeys((column.name for column in fields(Patient)), "")
    given |= {"first": first, "dob": date(2015, 6, 1), "gender": "Female", "oldid": 7}
    return Patient(**given)


def founder(store: Albumcore) -> Source:
    """The user who created the album, and is a member of it."""
    return next(iter(store.history(album_stream(ALBUM)))).act.source


def furnish(data: Path) -> None:
    """Add the demo, and rows in every table that it leaves empty; delete the last rows of some tables."""
    settings = Settings(data=data, allow_private_addresses=True, snapshot_every=5)
    service = open_service(settings)
    with closing(service):
        demo.fill(service)
        ada, ben, cat = (user_of(service, sub) for sub in demo.PEOPLE)
        secret = store_secret(service.outbox, "a secret")
        hook = (HOOK, "Hook", "http://127.0.0.1:9/", list(WebhookEvent), True, secret)

        def act(decision: Callable[..., Any], *args: Any) -> None:
            service.albums.handle(album_stream(ALBUM), decision, Source(ada), *args)

        act(create_album, "Copied 🦴", "é")
        act(create_webhook, *hook)
        catch_up(service.outbox)
        act(add_member, ben)
        act(import_series, STUDY, CT)
        act(trigger_webhook, HOOK, WebhookEvent.NEW_SERIES, STUDY, [CT])
        service.albums.handle(study_stream(STUDY), post_study_comment, Source(ben), [ben], "Psst")
        catch_up(service.outbox)
        deliver_due(service.outbox, utc_now())
        service.token_last_uses.record("token", utc_now())
        service.auth.jwt_revocations.revoke_all(cat, utc_now())
        held = Holding(inbox_holder(cat), StudyUID("1.2"), SeriesUID("1.2.3"))
        service.claims.add(held, cat, is_new=True)
        service.single_use_tokens.consume(
            "code", ends_at=utc_now() + timedelta(days=1), at=utc_now()
        )
        service.patients.delete(service.patients.add(patient("Gone")))
        service.patients.set_aside(service.patients.add(patient("Aside")), utc_now())
        service.albums.next_image_id()
        store_instance(service.database, service.blobs, "1.3.7.1.1", bytes(range(256)) * 300)
        with service.database.transaction(commit=True) as cursor:
            note_upload(cursor, Source(ada), STUDY, {CT: 1}, utc_now())
            cursor.execute("INSERT INTO directory_pacs_series VALUES (?)", [CT])
        at = utc_now()
        Sessions(service.database).begin("kheops", ada, at + timedelta(hours=1), at)
        AlbumLooks(service.database).record(ada, ALBUM, 2)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a row in every table. Tests do not change it."""
    data = tmp_path_factory.mktemp("copied") / "data"
    make_store(Settings(data=data), sealed=True)
    furnish(data)
    assert [name for name, found in dump(data).items() if not found] == []
    return data


@pytest.fixture
def own(store: Path, tmp_path: Path) -> Path:
    """A copy of it, which a test may change."""
    return Path(shutil.copytree(store, tmp_path / "own"))


def dump(data: Path) -> Dump:
    """Every row that is not derived from the events, and the events with their positions."""
    with closing(sqlite3.connect(data / DATABASE_FILE)) as connection:
        found = {
            one.name: connection.execute(
                f"SELECT * FROM {one.name} ORDER BY " + ", ".join(f'"{key}"' for key in one.key)
            ).fetchall()
            for one in tables_beside_events()
        }
        events = connection.execute("SELECT rowid, * FROM stored_events ORDER BY rowid").fetchall()
        return {"stored_events": events, **found}


def run_sql(data: Path, *statements: str) -> None:
    """Change a database file without albumcore."""
    with closing(sqlite3.connect(data / DATABASE_FILE)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def problems(data: Path) -> list[str]:
    """The problems that `verify` finds."""
    with opened(data) as service:
        found = service.albums.verify(service.image_bytes.check)
        return found + instance_problems(service.database, service.blobs)


# What arrives


def test_there_and_back_again(store: Path, tmp_path: Path) -> None:
    """Through PostgreSQL, every event comes back byte for byte at its position, and every row unchanged."""
    back, expected = tmp_path / "back", dump(store)
    with empty_database() as url:
        there = copied(store, url)
        copied(url, back)
        with closing(open_postgres(url)) as half_way:
            positions = [position for position, _ in half_way.follow()]
            half_way.handle(album_stream(ALBUM), post_comment, founder(half_way), "Next")
            assert half_way.follow()[-1][0] > there.position
            assert half_way.verify() == []
    assert positions == [row[0] for row in expected["stored_events"]]
    assert dump(back) == expected
    assert (there.is_whole, there.problems, there.blobs, there.secret) == (True, [], None, False)
    assert there.events == len(expected["stored_events"])


def test_to_another_directory(store: Path, tmp_path: Path) -> None:
    """Images and the secret are copied too, so the other directory can replace this one."""
    new = tmp_path / "new"
    told = copied(store, new)
    files = len([*(store / "blobs").glob("*/*")])
    assert (told.blobs, told.damaged_blobs, told.secret) == (files, 0, True)
    assert dump(new) == dump(store)
    assert problems(new) == []
    assert (new / "secret").read_bytes() == (store / "secret").read_bytes()
    assert (new / "secret").stat().st_mode & 0o777 == 0o600


def test_the_list_of_erasures_is_copied(store: Path, tmp_path: Path) -> None:
    """A backup of the old directory may be restored over the new one. A copy that goes on adds no line again."""
    old, new = tmp_path / "old", tmp_path / "new"
    shutil.copytree(store, old)
    listed = ListedErasure(utc_now(), ErasureKind.PERSON, "p-1")
    (old / ERASURES_FILE).write_bytes(b"{}\n")
    with pytest.raises(TransferRefused, match=r"erasures\.jsonl: line 1 "):
        copied(old, new)
    (old / ERASURES_FILE).unlink()
    for folder in (old, new):
        append_erasure(folder / ERASURES_FILE, listed)
    copied(old, new)
    assert read_erasures(new / ERASURES_FILE) == [listed]


@pytest.mark.parametrize("way", ["sqlite", "postgres"])
def test_numbers_are_not_given_again(way: str, store: Path, tmp_path: Path) -> None:
    """Identity columns continue where those of the source would, even after deleted rows."""
    new = tmp_path / "new"
    with empty_database() as url:
        if way == "postgres":
            copied(store, url)
        copied(url if way == "postgres" else store, new)
    own = Path(shutil.copytree(store, tmp_path / "own"))
    given = []
    for data in (own, new):
        with opened(data) as service:
            ids = (
                service.patients.add(patient("Next")),
                service.albums.next_image_id(),
                service.clinics.add_station("Next"),
            )
            given.append(ids)
    assert given[0] == given[1]


def test_a_source_of_another_release(own: Path, tmp_path: Path) -> None:
    """An older store must be migrated first, because a copy does not change its source."""
    newer = len(MIGRATIONS) + 1
    for version, expected in (
        (newer, "a newer albumcore wrote"),
        (0, "of an older albumcore: stop"),
    ):
        run_sql(own, f"PRAGMA user_version = {version}")
        before = (own / DATABASE_FILE).read_bytes()
        assert expected in refused(own, tmp_path / "new")
        assert (own / DATABASE_FILE).read_bytes() == before
    assert not (tmp_path / "new").exists()


def test_what_is_damaged_is_told(own: Path, tmp_path: Path) -> None:
    """A copy of a damaged store is equal to it, and lists the problems of both."""
    rotten, missing, *sound = sorted(one for one in (own / "blobs").glob("*/*"))
    rotten.write_bytes(b"x" * rotten.stat().st_size)
    missing.unlink()
    new = tmp_path / "new"
    told = copied(own, new)
    assert (told.blobs, told.damaged_blobs, told.is_whole) == (len(sound), 1, True)
    assert len(told.problems) == 2
    assert len(problems(own)) == 2
    with opened(new) as service:
        assert len(service.albums.follow()) == told.events


# Cut off


def stopping(after: int) -> Any:
    """Shows nothing, and cuts the copy off at the n-th report of progress."""
    told: list[int] = []

    def tell(done: int) -> None:
        told.append(done)
        if len(told) > after:
            raise Stopped

    @contextmanager
    def stage(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        tell(0)
        yield tell

    return stage


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
def test_cut_off_and_run_again(
    to: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that was cut off anywhere cannot be opened; it completes when it is repeated often enough."""
    monkeypatch.setattr(tables, "BATCH", 9)
    new, runs = tmp_path / "new", 0
    with empty_database() as url:
        target = new if to == "sqlite" else url
        served = tmp_path / "service"
        settings = Settings(data=new) if to == "sqlite" else Settings(data=served, database=url)
        for after in (0, 3, 6, 9, 12, 14, 40, 100, 1000):
            stage = stopping(after)
            with suppress(Stopped):
                assert copied(store, target, stage).is_whole
                break
            runs += 1
            with pytest.raises(NoStore, match="unfinished copy"):
                open_service(settings)
        assert runs > 5
        if to == "postgres":
            copied(url, new)
    assert dump(new) == dump(store)
    assert [line for line in problems(new) if "missing" not in line] == []


def test_killed_and_run_again(store: Path, tmp_path: Path) -> None:
    """A killed process leaves nothing that prevents the next from continuing."""
    new = tmp_path / "new"
    for after in (2, 8):
        process = multiprocessing.get_context("spawn").Process(
            target=copy_and_die, args=(store, new, after)
        )
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
    assert copied(store, new).is_whole
    assert dump(new) == dump(store)


# A source that is in use


def at_stage(name: str, do: Callable[[], object]) -> Any:
    """Shows nothing, and runs a function when a stage begins."""

    @contextmanager
    def stage(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        if what == name:
            do()
        yield lambda done: None

    return stage


def write(data: Path) -> None:
    """Add a person, swap the addresses of two others, delete a row and insert one."""
    with opened(data) as service:
        act = service.albums.handle
        ada = user_of(service, demo.ADA)
        act(album_stream(ALBUM), post_comment, Source(ada), "Meanwhile")
        service.single_use_tokens.consume(
            "other", ends_at=utc_now() + timedelta(days=1), at=utc_now()
        )
        study, series = service.inbox.contents(ada).popitem()
        service.inbox.remove(ada, study, series)
    run_sql(
        data,
        "UPDATE directory_person SET email = 'x' WHERE sub = 'demo-ada'",
        "UPDATE directory_person SET email = 'ada@clinic.example' WHERE sub = 'demo-ben'",
        "UPDATE directory_person SET email = 'ben@clinic.example' WHERE sub = 'demo-ada'",
    )


@pytest.mark.parametrize(
    "when", ["copying events", "copying what is beside them", "copying image files"]
)
def test_written_to_meanwhile(when: str, own: Path, tmp_path: Path) -> None:
    """The copy is of one snapshot. It cannot be opened until it is repeated, which adds the later changes."""
    new, before = tmp_path / "new", dump(own)
    told = copied(own, new, at_stage(when, lambda: write(own)))
    assert (told.is_whole, told.problems) == (False, ())
    assert dump(new) == before
    with pytest.raises(NoStore):
        open_service(Settings(data=new))
    told = copied(own, new)
    assert told.is_whole
    assert dump(new) == dump(own) != before
    assert problems(new) == []


def test_written_to_meanwhile_on_postgresql(store: Path, tmp_path: Path) -> None:
    """Reads in several statements are of one snapshot there too."""
    with empty_database() as url:
        copied(store, url)

        def post() -> None:
            with closing(open_postgres(url)) as there:
                there.handle(album_stream(ALBUM), post_comment, founder(there), "Meanwhile")
                with database_of(there).transaction(commit=True) as cursor:
                    cursor.execute("DELETE FROM directory_person WHERE sub > ?", ["demo-ada"])

        new = tmp_path / "new"
        assert not copied(url, new, at_stage("copying events", post)).is_whole
        assert dump(new) == dump(store)
        assert copied(url, new).is_whole
    assert len(dump(new)["directory_person"]) == 1


# Refused


def refused(source: Path | str, target: Path | str) -> str:
    """The message of the refusal."""
    with pytest.raises(TransferRefused) as said:
        copied(source, target)
    return str(said.value)


def test_a_target_that_is_in_use(own: Path, store: Path, tmp_path: Path) -> None:
    """A store and a finished copy are no targets; an opened store without content is."""
    assert "name an empty place" in refused(own, store)
    new = tmp_path / "new"
    with opened(new):
        pass
    assert copied(own, new).is_whole
    assert "name an empty place" in refused(own, new)
    known = tmp_path / "known"
    with opened(known) as service:
        service.people.register("alice")
    assert "name an empty place" in refused(own, known)
    for sealed in (False, True):
        form = tmp_path / f"sealed: {sealed}"
        form.mkdir()
        with closing(open_sqlite(form / DATABASE_FILE, sealed=sealed)) as there:
            there.handle(album_stream(ALBUM), create_album, SOMEBODY, "There")
        other = "sealed" if sealed else "in clear"
        with (
            pytest.raises(TransferRefused, match=f"there is a store {other} at the place"),
            Location(directory=form).target(sealed=not sealed),
        ):
            pass


def test_the_unfinished_copy_of_another(own: Path, tmp_path: Path) -> None:
    """Its events are compared: if they differ from those of the source, it is not changed."""
    new, other = tmp_path / "new", tmp_path / "other"
    stage = stopping(3)
    with pytest.raises(Stopped):
        copied(own, new, stage)
    before = dump(new)
    make_store(Settings(data=other), sealed=True)
    with opened(other) as service:
        for number in range(60):
            name = f"Album {number}"
            service.albums.handle(
                album_stream(AlbumId(f"A{number:09}")), create_album, SOMEBODY, name
            )
    assert "another store" in refused(other, new)
    assert dump(new) == before
    assert "is an unfinished copy itself" in refused(new, tmp_path / "third")


def test_an_event_that_differs_in_the_middle(own: Path, tmp_path: Path) -> None:
    """A copy with the newest event of the source, but another older event, is never complete."""
    new = tmp_path / "new"
    change = "UPDATE stored_events SET topic = 'album.forged' WHERE topic = 'album.created'"
    with pytest.raises(TransferRefused, match="another store"):
        copied(own, new, at_stage("comparing", lambda: run_sql(new, change)))
    with pytest.raises(NoStore):
        open_service(Settings(data=new))


def test_no_source(tmp_path: Path) -> None:
    """A mistyped address creates nothing, and does not pass for an empty store."""
    new = tmp_path / "new"
    assert "no store to copy from" in refused(tmp_path / "none", new)
    assert list(tmp_path.iterdir()) == []
    with empty_database() as url:
        assert "no store to copy from" in refused(url, new)
        assert "both addresses are the same" in refused(url, url)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/srv/albumcore",
        "sqlite://srv/albumcore",
        "sqlite:///",
        "sqlite://[x",
        "sqlite:///srv/x%00y",
        "mysql://host/x",
        "postgresql://al:[x@h/db",
    ],
)
def test_an_address_that_is_none(address: str) -> None:
    """The message shows the format of an address."""
    with pytest.raises(TransferRefused, match="sqlite:///PATH"):
        location_of(address)


def test_an_address_of_a_directory() -> None:
    """Special characters of a path are percent-encoded."""
    assert location_of("sqlite:///srv/a%20b") == Location(directory=Path("/srv/a b"))
    assert "secret" not in repr(location_of("postgresql://me:secret@host/name"))


def test_a_row_that_the_target_cannot_hold(own: Path, tmp_path: Path) -> None:
    """The error names the row; PostgreSQL stores no NUL in a text."""
    run_sql(own, "UPDATE directory_study SET description = 'a' || char(0) WHERE 1")
    with empty_database() as url:
        said = refused(own, url)
    assert "directory_study '1." in said


def test_a_store_that_no_service_has_opened(tmp_path: Path) -> None:
    """A store made by the library alone has no rows beside the events, and no generated identities."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    with closing(open_sqlite(old / DATABASE_FILE)) as app:
        recorded = app.handle(album_stream(ALBUM), create_album, SOMEBODY, "Knees")
    assert copied(old, new).is_whole
    with opened(new) as service:
        assert tuple(service.albums.history(album_stream(ALBUM))) == recorded
