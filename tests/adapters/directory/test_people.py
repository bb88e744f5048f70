"""People: registering them, finding them again, and one e-mail address for one person."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Barrier

import pytest
from eventsourcing.sqlite import SQLiteDatastore
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.directory import EmailTaken, People, Person, create_tables
from albumcore.errors import Invalid
from albumcore.ids import UserId

ANN = Person(UserId("sub-ann"), "ann@example.org", "Ann")


@pytest.fixture
def people(database: SQLiteDatastore) -> People:
    """People among whom Ann is known."""
    people = People(database)
    assert people.register("sub-ann", "ann@example.org", "Ann") == ANN
    return people


def test_register_first_sight(people: People) -> None:
    """Whoever is seen for the first time is known from then on, claims or none."""
    assert not people.known("sub-bob")
    assert people.register("sub-bob") == Person(UserId("sub-bob"))
    assert people.known("sub-bob")


def test_register_again_refreshes(people: People) -> None:
    """A later call brings name and e-mail up to date."""
    renamed = people.register("sub-ann", " Ann.B@Example.ORG ", "Ann B")
    assert renamed == Person(UserId("sub-ann"), "ann.b@example.org", "Ann B")
    assert people.person("sub-ann") == renamed
    assert people.find("ann@example.org") is None


@pytest.mark.parametrize("missing", [None, "", "  ", "\ud800"])
def test_register_without_a_usable_claim_keeps_what_is_known(
    people: People, missing: str | None
) -> None:
    """A missing, blank or unstorable claim says nothing."""
    assert people.register("sub-ann", missing, missing) == ANN
    assert people.register("sub-ann", missing, "Anna").email == ANN.email


@pytest.mark.parametrize("sub", ["sub-bob", "sub-ann-2"])
def test_register_with_the_address_of_another(people: People, sub: str) -> None:
    """An address names one person; the refused call stores nothing, not even the sub."""
    people.register("sub-bob", "bob@example.org", "Bob")
    before = people.person(sub)
    with pytest.raises(EmailTaken) as refused:
        people.register(sub, "ANN@example.org", "Impostor")
    assert refused.value.code == "email_taken"
    assert people.person(sub) == before
    assert people.find("ann@example.org") == ANN


def test_register_with_an_address_given_up(people: People) -> None:
    """An address that its holder left is free."""
    people.register("sub-ann", "ann@example.net")
    assert people.register("sub-bob", "ann@example.org").email == "ann@example.org"


@pytest.mark.parametrize("sub", ["", "a\x00b", "\ud800", "x" * 256])
def test_register_without_a_usable_sub(people: People, sub: str) -> None:
    """What is no user id is refused, and asking for it finds nobody."""
    with pytest.raises(Invalid):
        people.register(sub)
    assert not people.known(sub)


def test_register_of_nothing_new_does_not_write(tmp_path: Path) -> None:
    """A call that changes nothing need not wait for a writer, so every request can make it."""
    path = tmp_path / "directory.sqlite"
    database = SQLiteDatastore(str(path), lock_timeout=1, originator_id_type="text")
    create_tables(database)
    people = People(database)
    people.register("sub-ann", "ann@example.org", "Ann")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        assert people.register("sub-ann", "ANN@example.org", "Ann") == ANN
        assert people.register("sub-ann") == ANN
    finally:
        writer.close()
        database.close()


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("sub-ann", True),
        (" sub-ann", False),
        ("SUB-ANN", False),
        ("sub-", False),
        ("ann@example.org", True),
        ("\tAnn@EXAMPLE.org ", True),
        ("a%@example.org", False),
        ("___@example.org", False),
        ("@", False),
        ("\ud800@example.org", False),
        ("\ud800", False),
        ("", False),
    ],
)
def test_find(people: People, reference: str, found: bool) -> None:
    """A reference with an @ is an address in any case, another one a sub as it is; no wildcards."""
    assert people.find(reference) == (ANN if found else None)


@pytest.mark.parametrize("email", ["É.Ünal@example.org", "ΟΔΟΣ@example.gr", "İ@example.tr"])
def test_find_by_an_address_beyond_ascii(people: People, email: str) -> None:
    """Case is folded for every alphabet, alike when storing and when looking."""
    assert people.register("sub-x", email).email == email.lower()
    assert people.find(email) == people.find(email.lower()) == people.person("sub-x")


def test_people_of_many_subs(people: People) -> None:
    """However many subs are asked for, the known ones among them come back."""
    many = [people.register(f"sub-{number}", name=str(number)) for number in range(1200)]
    found = people.people([*(person.sub for person in many), "unknown", "sub-7"])
    assert found == {person.sub: person for person in many}
    assert people.people([]) == {}


SUBS = st.sampled_from(["s1", "s2", "s3"])
EMAILS = st.sampled_from([None, "a@x", "A@X ", "b@x", "B@x"])
NAMES = st.sampled_from([None, "N1", "N2"])


@given(calls=st.lists(st.tuples(SUBS, EMAILS, NAMES), max_size=12))
@example(
    calls=[("s1", "a@x", None), ("s2", "A@X ", None), ("s1", "b@x", None), ("s2", "a@x", None)]
)
def test_register_any_calls(
    new_database: Callable[[], AbstractContextManager[SQLiteDatastore]],
    calls: list[tuple[str, str | None, str | None]],
) -> None:
    """After any calls, what is known is what a plain dictionary with the same rules holds."""
    model: dict[str, Person] = {}
    with new_database() as database:
        people = People(database)
        for sub, email, name in calls:
            known = model.get(sub, Person(UserId(sub)))
            address = email.strip().lower() if email else known.email
            holders = {person.email: person.sub for person in model.values()}
            if address and holders.get(address, sub) != sub:
                with pytest.raises(EmailTaken):
                    people.register(sub, email, name)
            else:
                model[sub] = Person(UserId(sub), address, name or known.name)
                assert people.register(sub, email, name) == model[sub]
            assert people.people(["s1", "s2", "s3"]) == model


def test_register_by_several_connections_at_once(tmp_path: Path) -> None:
    """Connections that register at the same moment wait for each other, and one gets an address."""
    databases = [
        SQLiteDatastore(str(tmp_path / "directory.sqlite"), originator_id_type="text")
        for _ in range(4)
    ]
    create_tables(databases[0])
    rounds, start = 40, Barrier(len(databases), timeout=30)

    def register(worker: int) -> list[str]:
        people, taken = People(databases[worker]), []
        for number in range(rounds):
            start.wait()
            people.register("everybody", name=f"{worker} {number}")
            try:
                people.register(f"{worker} {number}", f"{number}@example.org")
            except EmailTaken:
                taken.append(f"{worker} {number}")
        return taken

    with ThreadPoolExecutor(len(databases)) as pool:
        taken = [sub for refused in pool.map(register, range(len(databases))) for sub in refused]

    people = People(databases[0])
    subs = {f"{worker} {number}" for worker in range(len(databases)) for number in range(rounds)}
    assert people.people(subs).keys() == subs - set(taken)
    assert len(taken) == rounds * (len(databases) - 1)
    for database in databases:
        database.close()


def test_find_by_a_sub_that_looks_like_an_address(people: People) -> None:
    """It is found where it is nobody's address; an address comes first."""
    odd = people.register("ann@provider", name="Odd Ann")
    assert people.find("ann@provider") == odd
    named = people.register("sub-2", "ann@provider")
    assert people.find("ann@provider") == named
