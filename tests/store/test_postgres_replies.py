"""Connections to PostgreSQL that break: what is told of a write is true, wherever in it they break."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from attrs import evolve

from albumcore import Albumcore, commands, create_album, post_comment
from albumcore.ids import AlbumId
from albumcore.streams import album_stream
from albumcore_adapters.sql import postgres_transaction
from albumcore_adapters.sql.postgres import ConnectionLost, PostgresDatabase
from albumcore_adapters.sql.postgres_transaction import TransactionId
from albumcore_adapters.store import StoreUnavailable, open_postgres
from support.databases import postgres_of
from support.given import ALICE
from support.postgres import empty_database, postgres_server
from support.proxy import COMMIT, CUTS, Cut, Proxy, proxied

A1 = album_stream(AlbumId("A1"))


@pytest.fixture(scope="module", params=[False, True], ids=["in clear", "sealed"])
def is_sealed(request: pytest.FixtureRequest) -> bool:
    """Whether the store is sealed: then an event is stored in other bytes each time that it is made."""
    return bool(request.param)


@pytest.fixture(scope="module")
def url(is_sealed: bool) -> Iterator[str]:
    """The address of a database."""
    with empty_database() as made:
        yield made


@pytest.fixture(scope="module")
def direct(url: str, is_sealed: bool) -> Iterator[Albumcore]:
    """A store, with an album, without any network before it."""
    app = open_postgres(url, sealed=is_sealed)
    with postgres_of(app).transaction(commit=True) as cursor:
        cursor.execute("CREATE TABLE notes (number INTEGER PRIMARY KEY, name TEXT NOT NULL)")
    app.handle(A1, create_album, ALICE, "Knees")
    yield app
    app.close()


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    """A network before that database."""
    with proxied(url) as made:
        yield made


@pytest.fixture
def app(direct: Albumcore, proxy: Proxy) -> Iterator[Albumcore]:
    """The same store, over the network."""
    opened = open_postgres(proxy.url, snapshot_every=2)
    yield opened
    opened.close()


def comments(app: Albumcore) -> list[str]:
    """What was said in the album."""
    return [one.event.comment for one in app.history(A1, after=1)]  # type: ignore[attr-defined]


def notes(app: Albumcore) -> list[str]:
    """What was noted."""
    with postgres_of(app).transaction(commit=False) as cursor:
        cursor.execute("SELECT name FROM notes ORDER BY number")
        return [row["name"] for row in cursor.fetchall()]


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_command_is_stored_once_wherever_its_connection_breaks(
    app: Albumcore, direct: Albumcore, proxy: Proxy, cut: Cut
) -> None:
    """It succeeds, for it is tried again where nothing of it was kept, and only there."""
    before = comments(direct)
    app.load(A1)
    proxy.cut = cut
    (posted,) = app.handle(A1, post_comment, ALICE, "Hm")
    assert proxy.broke == 1
    assert comments(direct) == [*before, "Hm"]
    assert direct.load(A1, version=posted.version) == app.load(A1)
    app.handle(A1, post_comment, ALICE, "Well")
    assert comments(direct) == [*before, "Hm", "Well"]
    assert direct.verify() == []


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_what_is_told_of_a_command_under_the_write_lock_is_true(
    app: Albumcore, direct: Albumcore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, cut: Cut
) -> None:
    """It succeeded and is stored, or failed and is not; and others need not wait for it."""
    monkeypatch.setattr(commands, "_TRIES", 0)
    before = comments(direct)
    app.load(A1)
    proxy.cut = cut
    kept = ["Hm"]
    try:
        app.handle(A1, post_comment, ALICE, "Hm")
    except StoreUnavailable:
        kept = []
    assert proxy.broke == 1
    assert comments(direct) == before + kept
    app.handle(A1, post_comment, ALICE, "Well")
    assert comments(direct) == [*before, *kept, "Well"]
    assert app.load(A1) == direct.load(A1)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_what_is_told_of_a_transaction_is_true_wherever_its_connection_breaks(
    app: Albumcore, direct: Albumcore, proxy: Proxy, cut: Cut
) -> None:
    """An error means that nothing of it was kept, none that all of it was; and others need not wait for it."""
    before = notes(direct)
    proxy.cut = cut
    kept = 1
    try:
        with postgres_of(app).transaction(commit=True) as cursor:
            cursor.execute("INSERT INTO notes (name) VALUES ('one')")
    except ConnectionLost:
        kept = 0
    assert proxy.broke == 1
    assert len(notes(direct)) == len(before) + kept
    if cut.done and cut.at == COMMIT:
        assert kept
    if not cut.heard:
        assert not kept
    with postgres_of(direct).transaction(commit=True) as cursor:
        cursor.execute("INSERT INTO notes (name) VALUES ('next')")


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_database_that_stays_gone_is_not_said_to_have_kept_nothing(
    app: Albumcore,
    direct: Albumcore,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    is_kept: bool,
) -> None:
    """The outcome is unknown, and the error says so."""
    monkeypatch.setattr(postgres_transaction, "SETTLE_SECONDS", 0.2)
    monkeypatch.setattr(postgres_of(app).pool, "timeout", 0.1)
    before = comments(direct)
    proxy.cut, proxy.stays_broken = (
        CUTS["after the commit" if is_kept else "before the commit"],
        True,
    )
    with pytest.raises(StoreUnavailable):
        app.handle(A1, post_comment, ALICE, "Hm")
    assert comments(direct) == before + ["Hm"] * is_kept


def test_a_command_is_known_by_its_id_where_the_server_knows_it_no_more(
    app: Albumcore, direct: Albumcore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server took over, on another timeline: what is stored there is compared with what was to be stored."""
    before = comments(direct)

    def unknown(*_: object) -> bool:
        raise StoreUnavailable("the outcome is unknown")

    monkeypatch.setattr(PostgresDatabase, "_was_committed", unknown)
    proxy.cut = CUTS["after the commit"]
    app.handle(A1, post_comment, ALICE, "Hm")
    assert comments(direct) == [*before, "Hm"]
    proxy.cut = CUTS["before the commit"]
    with pytest.raises(StoreUnavailable):
        app.handle(A1, post_comment, ALICE, "Well")
    assert comments(direct) == [*before, "Hm"]


@pytest.fixture
def hosted(direct: Albumcore, url: str, proxy: Proxy) -> Iterator[Albumcore]:
    """The same store, over the network, for a user whom the server does not let see which history it is of."""
    server, name = postgres_server(), url.split("/")[3].split("?")[0]
    function = "FUNCTION pg_current_wal_lsn()"
    server.execute("CREATE ROLE hosted LOGIN")
    try:
        server.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO hosted", name)
        server.execute(f"REVOKE EXECUTE ON {function} FROM PUBLIC", name)
        with open_postgres(proxy.url.replace("//albumcore@", "//hosted@")) as opened:
            yield opened
    finally:
        server.execute(f"GRANT EXECUTE ON {function} TO PUBLIC", name)
        server.execute("DROP OWNED BY hosted", name)
        server.execute("DROP ROLE hosted")


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_server_that_does_not_tell_its_history(
    hosted: Albumcore, direct: Albumcore, proxy: Proxy, cut: Cut
) -> None:
    """Where a connection breaks, what was stored is found by the command's id, and nothing is guessed."""
    before = comments(direct)
    hosted.load(A1)
    assert not postgres_of(hosted).server.tells_history
    proxy.cut = cut
    kept = ["Hm"]
    try:
        hosted.handle(A1, post_comment, ALICE, "Hm")
    except StoreUnavailable:
        kept = []
    assert proxy.broke == 1
    assert comments(direct) == before + kept
    assert kept or not cut.heard or not cut.done or cut.at != COMMIT
    hosted.handle(A1, post_comment, ALICE, "Well")
    assert comments(direct) == [*before, *kept, "Well"]


def test_another_history_is_no_answer(app: Albumcore) -> None:
    """The name may be that of another transaction, on another timeline or after a crash, which a checkpoint ends."""
    database = postgres_of(app)
    with database.transaction(commit=True) as cursor:
        cursor.execute(f"SELECT {database.server.transaction_columns}")
        [row] = cursor.fetchall()
    ours = TransactionId(0, row["xid"], row["history"])
    assert database._was_committed(ours)
    with pytest.raises(StoreUnavailable, match="outcome of the transaction is unknown"):
        database._was_committed(evolve(ours, history="0000FFFF" + row["history"][8:]))
    postgres_server().execute("CHECKPOINT")
    with pytest.raises(StoreUnavailable, match="outcome of the transaction is unknown"):
        database._was_committed(ours)


@pytest.fixture
def waiting(direct: Albumcore, url: str) -> Iterator[TransactionId]:
    """A transaction that is being kept, and waits for a synchronous standby that is not there."""
    server, name = postgres_server(), url.split("/")[3].split("?")[0]
    with postgres_of(direct).single_read() as cursor:
        cursor.execute(f"SELECT {postgres_of(direct).server.history} AS history")
        [row] = cursor.fetchall()
    server.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
    server.execute("SELECT pg_reload_conf()")
    writes: list[threading.Thread] = []
    who = "SELECT pid, backend_xid::text FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    try:
        while not (found := server.execute(who)):
            write = "SELECT pg_logical_emit_message(true, '', '')"
            writes.append(threading.Thread(target=server.execute, args=[write, name]))
            writes[-1].start()
            writes[-1].join(0.05)
        yield TransactionId(found[0][0], found[0][1], row["history"])
    finally:
        server.execute("ALTER SYSTEM RESET synchronous_standby_names")
        server.execute("SELECT pg_reload_conf()")
        for one in writes:
            one.join()


def test_what_a_standby_does_not_have_yet_is_not_said_to_be_kept(
    direct: Albumcore, waiting: TransactionId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that waits for it is not ended: the server would take it for kept at once."""
    monkeypatch.setattr(postgres_transaction, "SETTLE_SECONDS", 0.5)
    with pytest.raises(StoreUnavailable, match="outcome of the transaction is unknown"):
        postgres_of(direct)._was_committed(waiting)


def test_another_transaction_of_the_same_backend_is_not_ended(direct: Albumcore) -> None:
    """Behind a pooler, or where its process id was reused, it is another client's."""
    database = postgres_of(direct)
    with database.transaction(commit=True) as cursor:
        cursor.execute(f"SELECT {database.server.transaction_columns}")
        [row] = cursor.fetchall()
    with database.transaction(commit=True) as cursor:
        backend = cursor.connection.info.backend_pid
        assert database._was_committed(TransactionId(backend, row["xid"], row["history"]))
        cursor.execute("INSERT INTO notes (name) VALUES ('of another')")
    assert notes(direct)[-1] == "of another"
