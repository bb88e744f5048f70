"""The inboxes and their favourites."""

from __future__ import annotations

import pytest

from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.inbox import Inbox
from albumcore_adapters.sql.database import Database

HEAD, CHEST = StudyUID("1.1"), StudyUID("1.2")
T1, T2, XRAY = SeriesUID("1.1.1"), SeriesUID("1.1.2"), SeriesUID("1.2.1")
ANN, BOB, NOBODY = UserId("ann"), UserId("bob"), UserId("nobody")


@pytest.fixture
def inbox(database: Database) -> Inbox:
    """Ann's inbox has two series of a head and one of a chest; Bob's has that of the chest."""
    catalogue = Catalogue(database)
    for study, series in ((HEAD, T1), (HEAD, T2), (CHEST, XRAY)):
        catalogue.add_placeholder(study, series)
    inbox = Inbox(database)
    inbox.add(ANN, HEAD, [T1, T2])
    inbox.add(ANN, CHEST, [XRAY])
    inbox.add(BOB, CHEST, [XRAY])
    return inbox


def test_what_an_inbox_holds(inbox: Inbox) -> None:
    """An inbox has the series of one user, by study."""
    assert inbox.contents(ANN) == {HEAD: {T1, T2}, CHEST: {XRAY}}
    assert inbox.contents(BOB) == {CHEST: {XRAY}}
    assert inbox.contents(NOBODY) == {}
    assert inbox.studies(ANN) == {HEAD, CHEST}
    assert inbox.studies(NOBODY) == set()
    assert inbox.series(ANN, HEAD) == {T1, T2}
    assert inbox.series(BOB, HEAD) == set()
    assert inbox.holds(ANN, T1)
    assert not inbox.holds(BOB, T1)


def test_who_holds(inbox: Inbox) -> None:
    """Holdings are found by study and by series."""
    inbox.remove(ANN, HEAD, [T2])
    assert inbox.holdings([HEAD]) == [(ANN, HEAD, T1)]
    assert set(inbox.holdings([HEAD, CHEST, StudyUID("9")])) == {
        (ANN, HEAD, T1),
        (ANN, CHEST, XRAY),
        (BOB, CHEST, XRAY),
    }
    assert inbox.holdings([StudyUID("9")]) == []
    assert set(inbox.held([T1, T2, XRAY, SeriesUID("9")])) == {
        (ANN, HEAD, T1),
        (ANN, CHEST, XRAY),
        (BOB, CHEST, XRAY),
    }
    assert inbox.held([]) == []


def test_held_of_many(inbox: Inbox) -> None:
    """The number of requested series is not limited by the database."""
    many = [SeriesUID(f"1.3.{number}") for number in range(1200)]
    inbox.add(BOB, StudyUID("1.3"), many)
    assert {series for _, _, series in inbox.held([T1, *many])} == {T1, *many}


def test_add_what_is_there(inbox: Inbox) -> None:
    """Adding a series again counts nothing and leaves it a favourite."""
    inbox.set_favorites(ANN, HEAD, [T1], is_favorite=True)
    inbox.remove(ANN, HEAD, [T2])
    assert inbox.add(ANN, HEAD, [T1, T2]) == 1
    assert inbox.add(ANN, HEAD, [T1, T2]) == 0
    assert inbox.series(ANN, HEAD) == {T1, T2}
    assert inbox.favorites(ANN) == {HEAD: {T1}}


def test_remove(inbox: Inbox) -> None:
    """Removing affects one study of one inbox, and counts the series that were there."""
    assert inbox.remove(ANN, HEAD, [T2, XRAY]) == 1
    assert inbox.remove(ANN, HEAD, [T2]) == 0
    assert inbox.remove(BOB, HEAD, [T1]) == 0
    assert inbox.remove(ANN, CHEST, [XRAY]) == 1
    assert inbox.contents(ANN) == {HEAD: {T1}}
    assert inbox.contents(BOB) == {CHEST: {XRAY}}


@pytest.mark.parametrize("uid", ["1.1\0", "\ud800"])
def test_uid_that_no_database_can_hold(inbox: Inbox, uid: str) -> None:
    """A UID that no database can store is in no inbox."""
    assert inbox.series(ANN, StudyUID(uid)) == set()
    assert inbox.holdings([StudyUID(uid)]) == []
    assert inbox.held([T1, SeriesUID(uid)]) == [(ANN, HEAD, T1)]
    assert inbox.set_favorites(ANN, HEAD, [T1, SeriesUID(uid)], is_favorite=True) == 1
    assert inbox.remove(ANN, StudyUID(uid), [T1]) == 0
    assert not inbox.holds(ANN, SeriesUID(uid))


def test_favorites(inbox: Inbox) -> None:
    """A favourite is a series of one inbox; setting it again, or for a series not in the inbox, changes nothing."""
    for _ in range(2):
        assert inbox.set_favorites(ANN, HEAD, [T1, T2, XRAY], is_favorite=True) == 2
    assert inbox.set_favorites(BOB, CHEST, [XRAY], is_favorite=True) == 1
    assert inbox.set_favorites(BOB, HEAD, [T1], is_favorite=True) == 0
    assert inbox.favorites(ANN) == {HEAD: {T1, T2}}
    assert inbox.favorites(BOB) == {CHEST: {XRAY}}
    assert inbox.set_favorites(ANN, HEAD, [T2], is_favorite=False) == 1
    assert inbox.favorites(ANN) == {HEAD: {T1}}
    assert inbox.favorites(BOB) == {CHEST: {XRAY}}
    assert inbox.favorites(NOBODY) == {}
    assert inbox.contents(BOB) == {CHEST: {XRAY}}


def test_favorite_that_is_removed(inbox: Inbox) -> None:
    """A series that is removed and added again is not a favourite."""
    inbox.set_favorites(ANN, HEAD, [T1], is_favorite=True)
    inbox.remove(ANN, HEAD, [T1])
    inbox.add(ANN, HEAD, [T1])
    assert inbox.favorites(ANN) == {}
