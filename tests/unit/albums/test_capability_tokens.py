"""Capability tokens that open one album (Kheops API 10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from albumcore import (
    AdminDemoted,
    CapabilityTokenIssued,
    CapabilityTokenRevoked,
    issue_capability_token,
    revoke_capability_token,
)
from albumcore import MemberRemoved as Removed
from albumcore.errors import (
    AlbumNotFound,
    CapabilityTokenNotFound,
    Forbidden,
    IdTaken,
    Invalid,
)
from albumcore.ids import CapabilityTokenId
from albumcore.user_tokens import CapabilityToken, Grants
from support.album import (
    BOB,
    BOB_IN,
    CAROL,
    CAROL_ADMIN,
    DAVE,
    DIGEST,
    KEY,
    OPEN,
    OTHER_KEY,
    SCRIBE,
    SCRIBE_IN,
    alice,
    carol,
    issued,
    reporting,
    through,
)
from support.given import ALICE, NOW, START, By, given

READ = Grants(read=True)
LATER = NOW + timedelta(days=1)


def test_issue_capability_token() -> None:
    """Any admin makes one, and what is kept of its secret is the digest; its id is used up then."""
    made = given(OPEN, CAROL_ADMIN).when(
        issue_capability_token, CAROL, KEY, DIGEST, "Scanner 2", READ, START, LATER
    )
    event = CapabilityTokenIssued(KEY, DIGEST, "Scanner 2", START, LATER, READ)
    assert made.then(event).state.capability_tokens == {
        KEY: CapabilityToken(DIGEST, "Scanner 2", carol, NOW, START, LATER, READ)
    }
    made.then(event).again().refused(IdTaken)


def test_a_capability_token_is_valid_from_now_and_for_three_months() -> None:
    """Kheops API 14, rule 63."""
    made = given(OPEN).when(issue_capability_token, ALICE, KEY, DIGEST, "Scanner 2", READ)
    until = datetime(2026, 6, 2, 9, 30, tzinfo=UTC)
    made.then(CapabilityTokenIssued(KEY, DIGEST, "Scanner 2", NOW, until, READ))


def test_the_times_of_a_capability_token_are_told_in_utc() -> None:
    """Whatever the zone they are given in."""
    in_paris = timezone(timedelta(hours=2))
    made = given(OPEN).when(
        issue_capability_token,
        ALICE,
        KEY,
        DIGEST,
        "Scanner 2",
        READ,
        START.astimezone(in_paris),
        LATER.astimezone(in_paris),
    )
    (event,) = made.events
    assert isinstance(event, CapabilityTokenIssued)
    assert (event.not_before, event.expires_at) == (START, LATER)
    assert event.not_before.tzinfo is event.expires_at.tzinfo is UTC


def test_a_capability_token_may_be_expired_from_the_start() -> None:
    """No order of its times is asked for (Kheops API 10)."""
    made = given(OPEN).when(
        issue_capability_token, ALICE, KEY, DIGEST, "Scanner 2", READ, NOW, START
    )
    made.then(CapabilityTokenIssued(KEY, DIGEST, "Scanner 2", NOW, START, READ))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "t" * 256}, "title"),
        ({"title": "\ud800"}, "title"),
        ({"digest": "the secret itself"}, "digest"),
        ({"digest": DIGEST.upper()}, "digest"),
        ({"digest": DIGEST + "\n"}, "digest"),
        ({"grants": Grants(download=True, write=True)}, "download_permission"),
        ({"grants": Grants(appropriate=True)}, "appropriate_permission"),
        ({"not_before": datetime(2026, 1, 1)}, "not_before_time"),
        ({"expires_at": datetime(2026, 1, 1)}, "expiration_time"),
        (
            {"expires_at": datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))},
            "expiration_time",
        ),
    ],
)
def test_issue_capability_token_refuses_unsound_values(changes: Any, field: str) -> None:
    """Kheops API 10; rule 60 of section 14 is that downloading and copying out need reading."""
    values: Any = {"digest": DIGEST, "title": "Scanner 2", "grants": READ, **changes}
    given(OPEN).when(issue_capability_token, ALICE, KEY, **values).refused(Invalid, field)


@pytest.mark.parametrize(
    "grants",
    [
        Grants(),
        Grants(write=True),
        Grants(read=True, download=True),
        Grants(read=True, appropriate=True),
        Grants(True, True, True, True),
    ],
)
def test_issue_capability_token_takes_grants_that_hang_together(grants: Grants) -> None:
    """None at all are accepted too (Kheops API 10)."""
    made = given(OPEN).when(
        issue_capability_token, ALICE, KEY, DIGEST, "t" * 255, grants, START, LATER
    )
    made.then(CapabilityTokenIssued(KEY, DIGEST, "t" * 255, START, LATER, grants))


@pytest.mark.parametrize("source", [BOB, through(KEY), reporting(SCRIBE)])
def test_issue_capability_token_is_for_an_admin_in_person(source: Any) -> None:
    """Kheops API 14, rules 58 and 59: a token makes no other."""
    album = given(OPEN, BOB_IN, SCRIBE_IN, issued(Grants(True, True, True, True)))
    album.when(issue_capability_token, source, OTHER_KEY, DIGEST, "T", READ).refused(Forbidden)


def test_issue_capability_token_by_a_stranger_finds_no_album() -> None:
    """Kheops API 14, rule 58."""
    given(OPEN).when(issue_capability_token, DAVE, KEY, DIGEST, "T", READ).refused(AlbumNotFound)


# Revoking


def test_revoke_by_its_creator() -> None:
    """At once and for good (Kheops API 14, rule 62): a second time changes nothing."""
    album = given(OPEN, issued(READ, expires_at=LATER))
    revoked = album.when(revoke_capability_token, ALICE, KEY)
    token = revoked.then(CapabilityTokenRevoked(KEY)).state.capability_tokens[KEY]
    assert (token.revoked_at, token.revoked_by) == (NOW, alice)
    revoked.then(CapabilityTokenRevoked(KEY)).again().then()


def test_revoke_by_another_admin() -> None:
    """Kheops API 14, rule 58."""
    album = given(OPEN, CAROL_ADMIN, issued(READ, expires_at=LATER))
    revoked = album.when(revoke_capability_token, CAROL, KEY)
    token = revoked.then(CapabilityTokenRevoked(KEY)).state.capability_tokens[KEY]
    assert token.revoked_by == carol


@pytest.mark.parametrize("ending", [AdminDemoted(carol), Removed(carol)])
def test_revoke_by_its_creator_who_is_no_admin_any_more(ending: Any) -> None:
    """A creator can always take back what he made (Kheops API 14, rule 58)."""
    album = given(OPEN, CAROL_ADMIN, By(CAROL, issued(READ, expires_at=LATER)), ending)
    album.when(revoke_capability_token, CAROL, KEY).then(CapabilityTokenRevoked(KEY))


def test_revoke_of_an_expired_token_changes_nothing() -> None:
    """It stays unrevoked (Kheops API 10); while it may still be used it is not expired."""
    end = NOW + timedelta(seconds=5)
    album = given(OPEN, issued(READ, expires_at=NOW))
    usable = album.at(end).when(revoke_capability_token, ALICE, KEY)
    usable.then(CapabilityTokenRevoked(KEY))
    after = album.at(end + timedelta(microseconds=1))
    after.when(revoke_capability_token, ALICE, KEY).then()


@pytest.mark.parametrize("source", [BOB, DAVE, through(KEY, BOB.user), reporting(SCRIBE, BOB.user)])
def test_revoke_by_anybody_else_finds_no_token(source: Any) -> None:
    """Kheops API 14, rule 58: plain members and strangers alike."""
    album = given(OPEN, BOB_IN, SCRIBE_IN, issued(READ, expires_at=LATER))
    album.when(revoke_capability_token, source, KEY).refused(CapabilityTokenNotFound)


def test_revoke_of_an_unknown_token_finds_none() -> None:
    """Admin or not."""
    unknown = CapabilityTokenId("nothing")
    given(OPEN).when(revoke_capability_token, ALICE, unknown).refused(CapabilityTokenNotFound)


@pytest.mark.parametrize("source", [through(KEY), reporting(SCRIBE)])
def test_revoke_is_for_a_user_in_person(source: Any) -> None:
    """Kheops API 14, rule 59: a token does not even revoke itself."""
    album = given(OPEN, SCRIBE_IN, issued(Grants(True, True, True, True), expires_at=LATER))
    album.when(revoke_capability_token, source, KEY).refused(Forbidden)
