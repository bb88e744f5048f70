"""Index rows of another form: a store that another albumcore wrote is opened, and its rows are made again."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from attrs import asdict, evolve, fields, frozen

from albumcore import (
    Albumcore,
    FeedQuery,
    add_favorite,
    add_member,
    create_album,
    import_study,
    issue_capability_token,
)
from albumcore.errors import UnknownStoredEvent
from albumcore.feed import FEED, Entry, EntryKind, Filter, visibility
from albumcore.ids import AlbumId
from albumcore.index import (
    DERIVED,
    Change,
    Drop,
    MemberRow,
    Put,
    SeriesRow,
    Set,
    examples,
    postings,
)
from albumcore.kernel import stored_name
from albumcore.streams import album_stream
from albumcore_adapters.store import StoreError, open_memory, open_sqlite, rows
from albumcore_adapters.store.rows import index_fingerprint
from support.album import CT, DIGEST, KEY, NO_GRANTS, S1, S2, bob
from support.facts import rows_of
from support.given import ALICE
from support.raw import INTO_EVENTS, query, tamper

ID = AlbumId("A1")
A1 = album_stream(ID)
Open = Callable[..., Albumcore]

BEFORE = """
DROP TABLE form_of_rows;
DROP TABLE feed_lane_row;
CREATE TABLE feed_row (stream TEXT NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL, mutation TEXT,
    author TEXT NOT NULL, target TEXT, is_private INTEGER NOT NULL, study_uid TEXT, at TEXT NOT NULL,
    PRIMARY KEY (stream, version)) WITHOUT ROWID;
CREATE INDEX feed_row_by_stream_kind_version ON feed_row (stream, kind, version);
DROP TABLE member_row;
CREATE TABLE member_row (album_id TEXT NOT NULL, sub TEXT NOT NULL, is_admin INTEGER NOT NULL,
    notification_new_series INTEGER NOT NULL, notification_new_comment INTEGER NOT NULL,
    PRIMARY KEY (album_id, sub)) WITHOUT ROWID;
INSERT INTO member_row VALUES ('A1', 'nobody', 1, 0, 0);
DROP TABLE series_row;
CREATE TABLE series_row (album_id TEXT NOT NULL, study_uid TEXT NOT NULL, series_uid TEXT NOT NULL,
    PRIMARY KEY (album_id, series_uid, study_uid)) WITHOUT ROWID;
DROP TABLE capability_token_row;
CREATE TABLE capability_token_row (digest TEXT NOT NULL, stream TEXT NOT NULL, token_id TEXT NOT NULL,
    title TEXT NOT NULL, PRIMARY KEY (digest)) WITHOUT ROWID;
"""
"""Makes of a store what the first release would have left: no form is told, and the rows have fewer columns."""


@pytest.fixture
def path(tmp_path: Path, open_file: Open) -> Path:
    """A store in a file, with an album, as the first release would have left it."""
    app = open_file()
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle(A1, add_member, ALICE, bob)
    app.handle(A1, import_study, ALICE, CT, [S1, S2])
    app.handle(A1, issue_capability_token, ALICE, KEY, DIGEST, "T", NO_GRANTS)
    app.close()
    return older(tmp_path / "store.sqlite")


def older(path: Path, script: str = BEFORE) -> Path:
    """Change the tables of a store that is not open."""
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()
    return path


def tables(path: Path) -> list[str]:
    """What the tables of a file look like, and what is in those of the members."""
    connection = sqlite3.connect(path)
    shapes = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    found = connection.execute("SELECT * FROM member_row").fetchall()
    connection.close()
    return [str(one) for one in (*shapes, *found)]


def nobody_has_open(path: Path) -> bool:
    """Whether no connection is left: SQLite leaves its write-ahead log for the last one alone."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    connection.close()
    return bool(mode == "delete")


def test_rows_of_an_older_form_are_made_again(path: Path, open_file: Open) -> None:
    """When the store is opened, and everything works on them. What an older process would write to is gone."""
    app = open_file()
    assert app.verify() == []
    assert query(app, "SELECT name FROM sqlite_master WHERE name LIKE 'feed_row%'") == []
    assert [row.sub for row in app.index.rows(MemberRow, {})] == ["alice", "bob"]
    assert app.feed(ID, bob, FeedQuery(series=[S1])).total == 1
    app.handle(A1, add_favorite, ALICE, CT, S2)
    assert [row.is_favorite for row in app.index.rows(SeriesRow, {})] == [False, True]
    assert app.verify() == []


def test_rows_of_this_form_are_left_alone(path: Path, open_file: Open) -> None:
    """They are made again once: opening a store reads no history."""
    app = open_file()
    tamper(app, "UPDATE member_row SET is_admin = 1 WHERE sub = 'bob'")
    app.close()
    again = open_file()
    assert again.index.rows(MemberRow, {"sub": "bob"})[0].is_admin
    assert query(again, "SELECT form FROM form_of_rows") == [(index_fingerprint(),)]


@pytest.mark.parametrize(
    "script",
    [
        "UPDATE form_of_rows SET form = 'of a newer release'",
        "DELETE FROM form_of_rows",
        "INSERT INTO form_of_rows VALUES ('another')",
        "DROP TABLE form_of_rows",
        "DROP INDEX member_row_by_sub",
        "ALTER TABLE series_row ADD COLUMN weight INTEGER",
    ],
)
def test_a_form_that_is_not_this_one(path: Path, open_file: Open, script: str) -> None:
    """Whatever is told of it: the rows are made again, and the form is told anew."""
    app = open_file()
    before = rows_of(app)
    app.close()
    older(path, f"{script}; UPDATE album_row SET name = 'wrong'; DROP TABLE image_row;")
    again = open_file()
    assert rows_of(again) == before
    assert query(again, "SELECT form FROM form_of_rows") == [(index_fingerprint(),)]


def test_tables_that_are_not_of_the_form_that_is_told(path: Path, open_file: Open) -> None:
    """An older release made one again since: the tables are asked, not what is told of them."""
    open_file().close()
    older(path, "DROP TABLE image_row; CREATE TABLE image_row (image_id INTEGER PRIMARY KEY)")
    assert open_file().verify() == []


def test_what_is_damaged_is_passed_over(
    path: Path, open_file: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """With the rest of its stream; other streams have their rows, and it is logged and found by verifying."""
    older(path, f"{INTO_EVENTS} VALUES ('album-A1', 5, 'album.edited', '{{}}')")
    older(
        path,
        f"{INTO_EVENTS} SELECT 'album-A1', 6, topic, state FROM stored_events "
        "WHERE originator_version = 2; "
        f"{INTO_EVENTS} SELECT 'album-A2', originator_version, topic, state "
        "FROM stored_events WHERE originator_version < 3 AND originator_id = 'album-A1'",
    )
    app = open_file()
    found = app.index.rows(MemberRow, {})
    assert [(row.album_id, row.sub) for row in found] == [
        ("A1", "alice"),
        ("A1", "bob"),
        ("A2", "alice"),
        ("A2", "bob"),
    ]
    (told,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert "album-A1 version 5: the stored 'album.edited' cannot be read" in told.getMessage()
    assert any("album-A1 version 5" in one for one in app.verify())


def test_rows_that_cannot_be_made_leave_the_file_as_it_is(path: Path) -> None:
    """Two events mean the same row: nothing of the new form is left, and no connection is."""
    older(
        path,
        f"{INTO_EVENTS} SELECT 'album-A2', originator_version, topic, state "
        "FROM stored_events WHERE originator_version IN (1, 4)",
    )
    older(path, "CREATE TABLE IF NOT EXISTS form_of_rows (form TEXT NOT NULL)")
    before = tables(path)
    for _ in range(2):
        with pytest.raises(StoreError) as refused:
            open_sqlite(path)
        assert nobody_has_open(path), refused
    assert tables(path) == before


def test_an_event_of_a_newer_release_is_refused(path: Path) -> None:
    """That release has made rows of it, which this one must not replace: the file stays as it is."""
    older(path, f"{INTO_EVENTS} VALUES ('album-A1', 5, 'album.painted', '{{}}')")
    older(path, "CREATE TABLE IF NOT EXISTS form_of_rows (form TEXT NOT NULL)")
    before = tables(path)
    for _ in range(2):
        with pytest.raises(UnknownStoredEvent, match="album-A1 version 5"):
            open_sqlite(path)
    assert tables(path) == before


def test_several_open_an_older_store_at_once(path: Path) -> None:
    """One makes the rows, and the others find them made."""
    opened: list[Albumcore] = []
    threads = [threading.Thread(target=lambda: opened.append(open_sqlite(path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    for app in opened:
        assert app.feed(ID, bob).total == 3
        assert app.verify() == []
        app.close()


def test_making_rows_of_an_older_store_is_logged(
    path: Path, open_file: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """It may take a while; a new store has nothing to tell."""
    caplog.set_level(logging.INFO)
    open_memory().close()
    assert caplog.records == []
    open_file()
    (told,) = caplog.records
    assert told.getMessage() == "the index had another fingerprint: rebuilt from 4 events"


def test_the_form_changes_with_the_row_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column, a lookup or a class more; or what they mean, which only people can tell."""

    @frozen
    class One:
        """A row."""

        KEY: ClassVar[tuple[str, ...]] = ("key",)
        LOOKUPS: ClassVar[tuple[tuple[str, ...], ...]] = ()
        key: str

    @frozen
    class More(One):
        """A row with a column more."""

        kind: str | None = None

    @frozen
    class Looked(One):
        """A row that is looked up otherwise."""

        LOOKUPS: ClassVar[tuple[tuple[str, ...], ...]] = (("key",),)

    forms = {form()}
    monkeypatch.setattr(rows, "ROWS_FORMAT", 0)
    forms.add(form())
    tables: dict[type, str] = {One: "one", More: "more", Looked: "looked"}
    monkeypatch.setattr(rows, "TABLES", {**rows.TABLES, **tables})
    for classes in ((One,), (More,), (Looked,), (One, More), ()):
        monkeypatch.setattr(rows, "ROWS", classes)
        forms.add(form())
    assert len(forms) == 7


# What the rows mean


@pytest.fixture(autouse=True)
def rules_as_they_are() -> Iterator[None]:
    """Whatever a test makes of the rules, the next one finds them as they are."""
    yield
    index_fingerprint.cache_clear()
    postings._values_of.cache_clear()


def form() -> str:
    """The form by the rules of this moment."""
    index_fingerprint.cache_clear()
    postings._values_of.cache_clear()
    return index_fingerprint()


SHOWN = [cls for cls, line in FEED.items() if line is not None]


@pytest.mark.parametrize("cls", SHOWN, ids=lambda cls: cls.__name__)
def test_the_form_changes_with_how_an_event_shows(
    cls: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another name, hidden, or without each of the things that it is found by."""
    line: Any = FEED[cls]
    others = [None, evolve(line, mutation="OTHER")]
    others += [
        evolve(line, **{name: False})
        for name in ("study", "provider", "target")
        if getattr(line, name)
    ]
    if stored_name(cls).name.startswith("album."):
        others.append(evolve(line, is_latest=not line.is_latest))
    forms = {form_with(monkeypatch, FEED, cls, other) for other in others}
    assert len(forms | {form()}) == len(others) + 1


def form_with(patch: pytest.MonkeyPatch, table: Any, key: Any, value: Any) -> str:
    """The form by the rules of this moment, but for one row of a table; None is for none."""
    with patch.context() as changed:
        changed.setitem(table, key, value)
        return form()


VALUES: dict[str, list[Callable[[Entry], Any]]] = {
    "mutations": [lambda one: (one.kind.value,)],
    "users": [lambda one: (one.author,), lambda one: (one.target,)],
    "studies": [lambda one: one.series_uids],
    "series": [lambda one: one.series_uids[:1], lambda one: one.series_uids[1:]],
    "providers": [
        lambda one: (one.provider_id,),
        lambda one: (one.recorded.act.source.report_provider,),
    ],
    "capability_tokens": [lambda one: (one.recorded.act.source.report_provider,)],
}
"""For each filter that has posting lists, other values that entries could have."""


def test_the_form_changes_with_each_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what entries say there, and with a filter that goes or comes."""
    forms, posted = [form()], dict(postings.POSTED)
    assert posted.keys() == VALUES.keys()
    for name, row in posted.items():
        for values in VALUES[name]:
            changed = {**posted, name: evolve(row, values=values)}
            monkeypatch.setattr(postings, "POSTED", changed)
            forms.append(form())
        monkeypatch.setattr(postings, "POSTED", {key: posted[key] for key in posted if key != name})
        forms.append(form())
    assert len(set(forms)) == len(forms)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (postings, "SEPARATOR"),
        (visibility, "SEPARATOR"),
        (visibility, "MUTATIONS_SCOPE"),
        (visibility, "COMMENTS_SCOPE"),
        (visibility, "_PRIVATE"),
        (postings, "_MEMBERS"),
        (postings, "_PROVIDERS"),
    ],
)
def test_the_form_changes_with_the_names_of_terms(
    module: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that are under other names would not be found."""
    before = form()
    monkeypatch.setattr(module, name, "other")
    assert form() != before


@pytest.mark.parametrize("cls", postings.MEMBERSHIP, ids=lambda cls: cls.__name__)
def test_the_form_changes_with_what_changes_a_membership(
    cls: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event class more or less."""
    before = form()
    rest = {one: after for one, after in postings.MEMBERSHIP.items() if one is not cls}
    monkeypatch.setattr(postings, "MEMBERSHIP", rest)
    assert form() != before


def test_the_form_changes_with_who_may_see_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said to oneself alone, once; what is private, to both."""
    forms = {form()}
    for scopes in (
        lambda one: ("mutations",),
        lambda one: ("comments",) if one.kind is EntryKind.COMMENT else ("mutations",),
    ):
        monkeypatch.setattr(postings, "scopes_with", scopes)
        forms.add(form())
    assert len(forms) == 3


@pytest.mark.parametrize("cls", DERIVED, ids=lambda cls: cls.__name__)
def test_the_form_changes_with_what_an_event_means(
    cls: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing, or each of its changes alone, or another truth or text in any of them."""
    derive, forms = DERIVED[cls], {form()}

    def but(change: Callable[[Change], list[Change]]) -> Any:
        return lambda recorded, event: [
            new for one in derive(recorded, event) for new in change(one)
        ]

    for other in (lambda one: [], lambda one: [one, one], inverted):
        forms.add(form_with(monkeypatch, DERIVED, cls, but(other)))
    assert len(forms) == 4


def inverted(one: Change) -> list[Change]:
    """A change with other values."""
    if isinstance(one, Put):
        row: Any = one.row
        last = [*asdict(row)][-1]
        return [Put(evolve(row, **{last: not getattr(row, last)}))]
    if isinstance(one, Set):
        return [Set(one.kind, one.where, {name: not value for name, value in one.values.items()})]
    assert isinstance(one, Drop)
    return [Drop(one.kind, {name: f"not {value}" for name, value in one.where.items()})]


def test_no_two_fields_of_an_example_are_alike_throughout() -> None:
    """Or a rule that takes one for the other would not be seen; and what is optional is there, and is missing."""
    for cls in FEED:
        events: list[Any] = [one.event for one in examples() if type(one.event) is cls]
        columns: Any = fields(cast(Any, cls))
        values = {column.name: [getattr(one, column.name) for one in events] for column in columns}
        if flags := values.pop("flags", None):
            given = [asdict(one) for one in flags if one is not None]
            values |= {name: [one[name] for one in given] for name in given[0]}
        assert len({repr(found) for found in values.values()}) == len(values), cls
        for column in columns:
            found = values.get(column.name, [])
            if "None" in str(column.type):
                assert column.name == "flags" or {*found} > {None}
            elif column.type == "bool":
                assert {*found} == {True, False}


def test_the_form_is_the_same_in_every_process() -> None:
    """Whatever the seed of its hashes: processes that disagreed would make the rows again in turns."""
    command = (
        "from albumcore_adapters.store.rows import index_fingerprint; print(index_fingerprint())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", command],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert told == {form()}


@frozen
class Asked(FeedQuery):
    """A query with one filter more."""

    authors: Collection[str] | None = None


def test_a_filter_that_came_later_finds_what_was_there(
    path: Path, open_file: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are made again when the store is opened."""
    open_file().close()
    more = {**postings.POSTED, "authors": Filter(lambda one: (one.author,), is_single=True)}
    monkeypatch.setattr(postings, "POSTED", more)
    form()
    app = open_file()
    assert (
        app.feed(ID, bob, Asked(authors={"alice"})).total == app.feed(ID, bob, Asked()).total == 3
    )
    assert app.feed(ID, bob, Asked(authors={"bob"})).total == 0
    assert app.verify() == []
