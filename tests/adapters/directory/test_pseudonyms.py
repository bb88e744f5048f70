"""Pseudonyms: registration in the history, and the check that finds an exchanged person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albumcore import (
    Albumcore,
    PersonRegistered,
    Source,
    add_member,
    album_stream,
    create_album,
    user_stream,
)
from albumcore.errors import IdTaken
from albumcore.feed import Person
from albumcore.ids import AlbumId, UserId
from albumcore.user_tokens import UserTokens
from albumcore_adapters.base.random_ids import random_id
from albumcore_adapters.directory.people import EmailTaken, People
from albumcore_adapters.directory.pseudonyms import Pseudonyms, commitment_of, is_pseudonym
from albumcore_adapters.directory.registrations import registration_problems
from albumcore_adapters.store import database_of, open_postgres, open_sqlite
from support.postgres import empty_database
from support.raw import query, tamper

SALT = "SELECT salt FROM directory_person WHERE sub = ?"
FORGET = "DELETE FROM directory_person WHERE pid = ?"


@pytest.fixture
def albums(system: str, tmp_path: Path) -> Iterator[Albumcore]:
    """An empty store."""
    if system == "sqlite":
        with closing(open_sqlite(tmp_path / "store.sqlite")) as made:
            yield made
    else:
        with empty_database() as url, closing(open_postgres(url)) as made:
            yield made


def people_of(albums: Albumcore, make_id: Callable[[int], str] = random_id) -> People:
    """People of a store with pseudonyms."""
    return People(database_of(albums), Pseudonyms(albums, make_id))


def registrations(albums: Albumcore) -> dict[UserId, str]:
    """The commitment of each user: the only event of each stream."""
    found = [one for _, one in albums.follow(limit=10_000)]
    assert {(one.version, type(one.event)) for one in found} <= {(1, PersonRegistered)}
    return {
        one.act.user: one.event.commitment for one in found if one.stream == f"user-{one.act.user}"
    }


def test_a_person_is_registered_under_a_pseudonym(albums: Albumcore) -> None:
    """Once, whatever comes later; the event says of them what the salt is needed to check."""
    people = people_of(albums)
    ann = people.register("sub-ann", "Ann@example.org", "Ann")
    assert is_pseudonym(ann.id)
    assert ann.person == Person("sub-ann", "ann@example.org", "Ann")
    [(salt,)] = query(albums, SALT, "sub-ann")
    assert registrations(albums) == {ann.id: commitment_of(salt, "sub-ann")}
    assert albums.load(user_stream(ann.id)) == UserTokens(owner=ann.id)
    assert people.register("sub-ann", "ann@example.org", "Ann") == ann
    renamed = people.register("sub-ann", None, "Ann B")
    assert (renamed.id, renamed.person.name) == (ann.id, "Ann B")
    assert people.find("ANN@example.org") == people.with_sub("sub-ann") == renamed
    assert people.find(ann.id) is None
    assert (
        people.people([ann.id, UserId("sub-ann")]) == people.everyone() == {ann.id: renamed.person}
    )
    assert (people.person(ann.id), people.person(UserId("sub-ann"))) == (renamed.person, None)
    assert registrations(albums).keys() == {ann.id}
    assert registration_problems(albums, people.database) == []


SUBS = st.sampled_from(["s1", "s2", "s3"])
EMAILS = st.sampled_from([None, "a@x", "A@X ", "b@x"])
NAMES = st.sampled_from([None, "N1", "N2"])
CALLS = st.lists(st.tuples(SUBS, EMAILS, NAMES) | SUBS, max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(calls=CALLS)
def test_any_registrations_and_erasures(
    albums: Albumcore, calls: list[tuple[str, str | None, str | None] | str]
) -> None:
    """As without pseudonyms, but that who comes again after their row was deleted is another user."""
    people = people_of(albums)
    tamper(albums, "DELETE FROM directory_person")
    before, erased = registrations(albums).keys(), set[UserId]()
    model: dict[str, Person] = {}
    ids: dict[str, UserId] = {}
    for call in calls:
        if isinstance(call, str):
            if model.pop(call, None):
                tamper(albums, FORGET, ids[call])
                erased.add(ids.pop(call))
            continue
        sub, email, name = call
        known = model.get(sub, Person(sub))
        address = email.strip().lower() if email else known.email
        if address and any(one.email == address and one.sub != sub for one in model.values()):
            with pytest.raises(EmailTaken):
                people.register(sub, email, name)
            continue
        model[sub] = Person(sub, address, name or known.name)
        user = people.register(sub, email, name)
        assert user.person == model[sub]
        assert user.id == ids.setdefault(sub, user.id)
        assert user.id not in before | erased
    assert people.everyone() == {ids[sub]: person for sub, person in model.items()}
    assert registrations(albums).keys() - before == {*ids.values(), *erased}
    assert registration_problems(albums, people.database, before | erased) == []


def test_first_registrations_at_once(albums: Albumcore) -> None:
    """Of several requests that bring a new person, one registers them, and all see the same user."""
    rounds, workers = 12, 4
    start = Barrier(workers, timeout=30)

    def register(worker: int) -> list[UserId]:
        people, found = people_of(albums), []
        for number in range(rounds):
            start.wait()
            found.append(people.register(f"sub-{number}", f"{number}@x", f"By {worker}").id)
        return found

    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(register, range(workers)))
    assert found.count(found[0]) == workers
    assert registrations(albums).keys() == set(found[0]) == people_of(albums).everyone().keys()


def test_an_id_that_was_given_before(albums: Albumcore) -> None:
    """The second registration is refused, and nothing of it is stored."""
    people = people_of(albums, lambda length: "x" * length)
    ann = people.register("sub-ann")
    with pytest.raises(IdTaken):
        people.register("sub-bob")
    assert people.everyone().keys() == registrations(albums).keys() == {ann.id}


# The check

DAMAGE = {
    "UPDATE directory_person SET pid = CASE pid WHEN '{ann}' THEN '{bob}' ELSE '{ann}' END"
    " WHERE pid IN ('{ann}', '{bob}')": [
        "directory_person pid='{ann}': it was registered for another sub",
        "directory_person pid='{bob}': it was registered for another sub",
    ],
    "UPDATE directory_person SET sub = 'sub-eve' WHERE pid = '{ann}'": [
        "directory_person pid='{ann}': it was registered for another sub"
    ],
    "UPDATE directory_person SET salt = 'no salt' WHERE pid = '{ann}'": [
        "directory_person pid='{ann}': it was registered for another sub"
    ],
    "UPDATE directory_person SET salt = NULL WHERE pid = '{ann}'": [
        "directory_person pid='{ann}': it has no salt, and is not the sub itself"
    ],
    "UPDATE directory_person SET pid = 'p-0' WHERE pid = '{ann}'": [
        "directory_person pid='p-0': its registration is not in the history",
        "user-{ann}: its person is not in the directory",
    ],
    "DELETE FROM directory_person WHERE pid = '{ann}'": [
        "user-{ann}: its person is not in the directory"
    ],
    "UPDATE member_row SET sub = 'p-01234567890123456789' WHERE sub = '{ann}'": [
        "member_row sub='p-01234567890123456789': its registration is not in the history"
    ],
    "UPDATE member_row SET sub = 'anybody' WHERE sub = '{ann}'": [],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_who_is_not_who_was_registered(albums: Albumcore, damage: str) -> None:
    """The line names the pseudonym alone."""
    people = people_of(albums)
    users = {name: people.register(f"sub-{name}").id for name in ("ann", "bob")}
    # PostgreSQL checks uniqueness row by row.
    tamper(albums, "DROP INDEX directory_person_pid")
    stream = album_stream(AlbumId("A1"))
    albums.handle(stream, create_album, Source(users["ann"]), "Knees")
    albums.handle(stream, add_member, Source(users["ann"]), users["bob"])
    assert registration_problems(albums, people.database) == []
    tamper(albums, damage.format(**users))
    expected = [line.format(**users) for line in DAMAGE[damage]]
    assert Counter(registration_problems(albums, people.database)) == Counter(expected)


def test_a_store_without_pseudonyms(albums: Albumcore) -> None:
    """There is no registration, and no problem."""
    people = People(database_of(albums))
    people.register("sub-ann")
    assert registration_problems(albums, people.database) == []
    assert query(albums, SALT, "sub-ann") == [(None,)]
