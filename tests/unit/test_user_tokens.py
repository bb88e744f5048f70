"""Capability tokens that act as their user (Kheops API 10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from albumcore import (
    PersonRegistered,
    UserTokenIssued,
    UserTokenRevoked,
    issue_user_token,
    register_person,
    revoke_user_token,
)
from albumcore.errors import CapabilityTokenNotFound, Forbidden, IdTaken, Invalid
from albumcore.streams import user_stream
from albumcore.user_tokens import CapabilityToken, Grants, UserTokens
from support.album import BOB, DIGEST, KEY, OTHER_KEY, SCRIBE, alice, reporting, through
from support.given import ALICE, NOW, START, Given, given_on

LATER = NOW + timedelta(days=1)
ISSUED = UserTokenIssued(KEY, DIGEST, "Laptop", START, LATER)


def given_tokens(*history: UserTokenIssued | UserTokenRevoked) -> Given[UserTokens]:
    """A user's tokens with this history."""
    return given_on(UserTokens(), *history)


def test_issue_keeps_the_digest_alone() -> None:
    """Kheops API 14, rule 57; the id is used up then."""
    made = given_tokens().when(issue_user_token, ALICE, KEY, DIGEST, "Laptop", START, LATER)
    state = made.then(ISSUED).state
    assert state.tokens == {KEY: CapabilityToken(DIGEST, "Laptop", alice, NOW, START, LATER)}
    assert state.tokens[KEY].grants == Grants()
    made.then(ISSUED).again().refused(IdTaken)


def test_issue_for_three_months_from_now() -> None:
    """Kheops API 14, rule 63."""
    until = datetime(2026, 6, 2, 9, 30, tzinfo=UTC)
    given_tokens().when(issue_user_token, ALICE, KEY, DIGEST, "Laptop").then(
        UserTokenIssued(KEY, DIGEST, "Laptop", NOW, until)
    )


@pytest.mark.parametrize("source", [through(KEY), reporting(SCRIBE)])
def test_issue_is_for_the_user_in_person(source: Any) -> None:
    """Kheops API 14, rule 59: neither a capability token nor a report provider makes one."""
    given_tokens().when(issue_user_token, source, KEY, DIGEST, "Laptop").refused(Forbidden)


def test_issue_among_somebody_elses_tokens_is_refused() -> None:
    """The tokens of one user have one owner: the stream's, or else whoever made the first."""
    own = given_on(user_stream(alice).initial)
    own.when(issue_user_token, BOB, OTHER_KEY, DIGEST, "L").refused(Forbidden)
    own.when(issue_user_token, ALICE, KEY, DIGEST, "Laptop", START, LATER).then(ISSUED)
    assert given_tokens().state.owner is None
    assert given_tokens(ISSUED).state.owner == alice
    given_tokens(ISSUED).when(issue_user_token, BOB, OTHER_KEY, DIGEST, "L").refused(Forbidden)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "t" * 256}, "title"),
        ({"digest": "secret"}, "digest"),
        ({"not_before": datetime(2026, 1, 1)}, "not_before_time"),
    ],
)
def test_issue_refuses_unsound_values(changes: Any, field: str) -> None:
    """As for the tokens of an album."""
    values: Any = {"digest": DIGEST, "title": "Laptop", **changes}
    given_tokens().when(issue_user_token, ALICE, KEY, **values).refused(Invalid, field)


def test_revoke_is_for_good() -> None:
    """A second time changes nothing (Kheops API 14, rule 62)."""
    revoked = given_tokens(ISSUED).when(revoke_user_token, ALICE, KEY)
    token = revoked.then(UserTokenRevoked(KEY)).state.tokens[KEY]
    assert (token.revoked_at, token.revoked_by) == (NOW, alice)
    assert not token.usable_at(NOW)
    revoked.then(UserTokenRevoked(KEY)).again().then()


def test_revoke_of_an_expired_token_changes_nothing() -> None:
    """It stays unrevoked (Kheops API 10); while it may still be used it is not expired."""
    end = LATER + timedelta(seconds=5)
    given_tokens(ISSUED).at(end).when(revoke_user_token, ALICE, KEY).then(UserTokenRevoked(KEY))
    after = given_tokens(ISSUED).at(end + timedelta(microseconds=1))
    after.when(revoke_user_token, ALICE, KEY).then()


def test_revoke_by_somebody_else_finds_no_token() -> None:
    """Nor does its owner find one that is not there."""
    given_tokens(ISSUED).when(revoke_user_token, BOB, KEY).refused(CapabilityTokenNotFound)
    given_tokens(ISSUED).when(revoke_user_token, ALICE, OTHER_KEY).refused(CapabilityTokenNotFound)


@pytest.mark.parametrize("source", [through(KEY), reporting(SCRIBE)])
def test_revoke_is_for_the_user_in_person(source: Any) -> None:
    """Kheops API 14, rule 59."""
    given_tokens(ISSUED).when(revoke_user_token, source, KEY).refused(Forbidden)


def test_a_revoked_token_keeps_its_owner() -> None:
    """Revoked tokens stay on the list."""
    state = given_tokens(ISSUED, UserTokenRevoked(KEY)).state
    assert (state.owner, set(state.tokens)) == (alice, {KEY})


REGISTERED = PersonRegistered(DIGEST)


def test_a_person_is_registered_in_their_own_stream() -> None:
    """By the pseudonym itself, in person, and before anything else; the tokens stay as they are."""
    own = given_on(user_stream(alice).initial)
    own.when(register_person, ALICE, DIGEST).then(REGISTERED)
    own.when(register_person, BOB, DIGEST).refused(Forbidden)
    own.when(register_person, through(KEY), DIGEST).refused(Forbidden)
    own.when(register_person, ALICE, "a secret").refused(Invalid, "commitment")
    given_tokens(ISSUED).when(register_person, ALICE, DIGEST).refused(IdTaken)
    assert given_on(UserTokens(), REGISTERED).state == UserTokens(owner=alice)
