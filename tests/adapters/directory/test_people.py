"""People: registration, look-up, and unique e-mail addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from threading import Barrier

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from albumcore.errors import Invalid
from albumcore.feed import Person
from albumcore.ids import UserId
from albumcore_adapters.directory.people import EmailTaken, People
from albumcore_adapters.sql.database import Database
from albumcore_adapters.sql.sqlite import SQLiteDatabase
from support.databases import NewDatabase

ANN = Person(UserId("sub-ann"), "ann@example.org", "Ann")


@pytest.fixture
def people(database: Database) -> People:
    """People with Ann registered."""
    people = People(database)
    assert people.register("sub-ann", "ann@example.org", "Ann").person == ANN
    return people


def test_register_first_sight(people: People) -> None:
    """A person is registered at the first call, also without claims."""
    assert not people.known(UserId("sub-bob"))
    assert people.register("sub-bob").person == Person(UserId("sub-bob"))
    assert people.known(UserId("sub-bob"))


def test_register_again_refreshes(people: People) -> None:
    """A later call updates name and e-mail address."""
    renamed = people.register("sub-ann", " Ann.B@Example.ORG ", "Ann B").person
    assert renamed == Person(UserId("sub-ann"), "ann.b@example.org", "Ann B")
    assert people.person(UserId("sub-ann")) == renamed
    assert people.find("ann@example.org") is None


@pytest.mark.parametrize("missing", [None, "", "  ", "\ud800", "a\0b"])
def test_register_without_a_usable_claim_keeps_what_is_known(
    people: People, missing: str | None
) -> None:
    """A missing, blank or unstorable claim changes nothing."""
    assert people.register("sub-ann", missing, missing).person == ANN
    assert people.register("sub-ann", missing, "Anna").person.email == ANN.email


def test_register_with_the_longest_address(people: People) -> None:
    """An address of more than 255 characters changes nothing."""
    longest = "".join(chr(0x20000 + number * 149 % 40000) for number in range(255))
    assert people.register("sub-ann", longest + "a").person == ANN
    assert people.register("sub-ann", longest).person.email == longest
    assert people.register("sub-bob", longest + "a", "Bob").person.email is None


@pytest.mark.parametrize("sub", ["sub-bob", "sub-ann-2"])
def test_register_with_the_address_of_another(people: People, sub: str) -> None:
    """An address of another person is refused, and nothing is stored."""
    people.register("sub-bob", "bob@example.org", "Bob")
    before = people.with_sub(sub)
    with pytest.raises(EmailTaken) as refused:
        people.register(sub, "ANN@example.org", "Impostor")
    assert refused.value.code == "email_taken"
    assert people.with_sub(sub) == before
    assert people.find("ann@example.org") == people.with_sub("sub-ann")


def test_register_with_an_address_given_up(people: People) -> None:
    """An address that a person has given up is free."""
    people.register("sub-ann", "ann@example.net")
    assert people.register("sub-bob", "ann@example.org").person.email == "ann@example.org"


@pytest.mark.parametrize("sub", ["", "a\x00b", "\ud800", "x" * 256])
def test_register_without_a_usable_sub(people: People, sub: str) -> None:
    """An invalid sub is refused, and finds no person."""
    with pytest.raises(Invalid):
        people.register(sub)
    assert not people.known(UserId(sub))


def test_register_of_nothing_new_does_not_write(people: People) -> None:
    """A call without changes does not wait for the write lock."""
    people.register("sub-ann", "ann@example.org", "Ann")
    with people.database.transaction(commit=True) as writer:
        writer.execute("DELETE FROM directory_person WHERE 1 = 0")
        assert people.register("sub-ann", "ANN@example.org", "Ann").person == ANN
        assert people.register("sub-ann").person == ANN


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
        ("sub-ann\0", False),
        ("", False),
    ],
)
def test_find(people: People, reference: str, found: bool) -> None:
    """A reference with an @ is an address without regard to case, any other an exact sub; no wild cards."""
    user = people.find(reference)
    assert (user and user.person) == (ANN if found else None)


@pytest.mark.parametrize("email", ["É.Ünal@example.org", "ΟΔΟΣ@example.gr", "İ@example.tr"])
def test_find_by_an_address_beyond_ascii(people: People, email: str) -> None:
    """Lower case applies to every alphabet, when storing and when searching."""
    assert people.register("sub-x", email).person.email == email.lower()
    assert people.find(email) == people.find(email.lower()) == people.with_sub("sub-x")


def test_people_of_many_subs(people: People) -> None:
    """The number of requested subs is not limited by the database."""
    many = [UserId(f"sub-{number}") for number in range(1200)]
    with people.database.transaction(commit=True) as cursor:
        cursor.executemany(
            "INSERT INTO directory_person (sub, pid) VALUES (?, ?)", [(sub, sub) for sub in many]
        )
    asked = [*many, UserId("unknown"), UserId("sub-7")]
    assert people.people(asked) == {sub: Person(sub) for sub in many}
    assert people.people([]) == {}


SUBS = st.sampled_from(["s1", "s2", "s3"])
EMAILS = st.sampled_from([None, "a@x", "A@X ", "b@x", "B@x"])
NAMES = st.sampled_from([None, "N1", "N2"])


@given(calls=st.lists(st.tuples(SUBS, EMAILS, NAMES), max_size=12))
@example(
    calls=[("s1", "a@x", None), ("s2", "A@X ", None), ("s1", "b@x", None), ("s2", "a@x", None)]
)
def test_register_any_calls(
    new_database: NewDatabase,
    calls: list[tuple[str, str | None, str | None]],
) -> None:
    """Any sequence of registrations agrees with a model."""
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
                assert people.register(sub, email, name).person == model[sub]
            assert people.everyone() == model


@pytest.fixture
def databases(database: Database) -> Iterator[Sequence[Database]]:
    """One database, opened by four processes."""
    with ExitStack() as stack:
        if isinstance(database, SQLiteDatabase):
            name = database.db_name
            others = [SQLiteDatabase(name, 30) for _ in range(3)]
            yield [database, *[stack.enter_context(closing(one)) for one in others]]
        else:  # which has a connection for each thread
            yield [database] * 4


def test_register_by_several_connections_at_once(databases: Sequence[Database]) -> None:
    """Of concurrent registrations of one address, one succeeds."""
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
    assert people.people(map(UserId, subs)).keys() == subs - set(taken)
    assert len(taken) == rounds * (len(databases) - 1)


def test_an_address_does_not_shadow_the_user_whose_sub_it_is(people: People) -> None:
    """A sub that looks like an address is found exactly; in another case the reference is an address."""
    odd = people.register("ann@provider", name="Odd Ann")
    assert people.find("ann@provider") == odd
    named = people.register("sub-2", "ann@provider")
    assert people.find("ann@provider") == odd
    assert people.find("ANN@provider") == people.find(" ann@provider") == named


def test_an_address_that_is_another_in_lower_case(people: People) -> None:
    """An address that `changes_letters` in lower case is not stored, and finds no person."""
    kate = people.register("sub-kate", "kate@example.org")
    kelvin = "\u212aate@example.org"
    assert kelvin.lower() == kate.person.email
    assert people.find(kelvin) is None
    assert people.register("sub-x", kelvin, "X").person == Person(UserId("sub-x"), None, "X")
    assert people.register("sub-x", "x@example.org").person.email == "x@example.org"
    assert people.register("sub-x", kelvin).person.email == "x@example.org"
    assert people.find("KATE@example.org") == kate
