"""The rules of an album, whoever tries what in whatever state, against a naive model of the documented ones."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from albumcore import (
    Act,
    Album,
    Grants,
    Source,
    UserTokens,
    add_admin,
    album_stream,
    create_album,
    demote_admin,
    fold,
    import_series,
    issue_capability_token,
    revoke_capability_token,
    user_stream,
)
from albumcore.errors import AlbumcoreError
from albumcore.kernel import record
from albumcore.testing import (
    ALBUMS,
    CAST,
    START,
    Command,
    album_arguments,
    album_commands,
    user_token_commands,
)
from support.facts import facts_of, facts_predicted
from support.naive import NaiveAlbum, NaiveUserTokens

STREAM = album_stream(ALBUMS[0])
SOURCES = CAST.sources()


KEY = CAST.tokens[0]
EDGE = timedelta(seconds=5)
INSTANT = timedelta(microseconds=1)


def try_by(
    album: Album,
    naive: NaiveAlbum,
    command: Command[Album],
    at: datetime,
    sources: Sequence[Source] = SOURCES,
) -> list[tuple[Album, NaiveAlbum]]:
    """Everybody tries the same on a state of their own; what came of it, by the album and by the model."""
    outcomes = []
    for source in sources:
        act, model, after = Act(source, at), deepcopy(naive), album
        try:
            events = command.decision(album, act, *command.args)
        except AlbumcoreError as error:
            outcome: str | int = error.code
        else:
            outcome = len(events)
            after = fold(album, record(STREAM.name, 0, act, events))
        predicted = model.predict(command.name, source, at, command.args)
        said = predicted if isinstance(predicted, str) else len(predicted)
        assert outcome == said, (command.name, command.args, source)
        assert facts_of(after) == facts_predicted(model), (command.name, command.args, source)
        outcomes.append((after, model))
    return outcomes


@given(tried=album_commands(), data=st.data())
def test_everybody_may_do_what_the_rules_say(
    tried: list[Command[Album]], data: st.DataObject
) -> None:
    """After any history every decision, with any arguments, has the predicted outcome for every source."""
    album, naive, at = STREAM.initial, NaiveAlbum(), START
    for command in tried:
        at += command.wait
        ((album, naive),) = try_by(album, naive, command, at, [command.source])
    for decision, arguments in album_arguments(CAST).items():
        last = Command[Album](SOURCES[0], decision, data.draw(arguments))
        try_by(album, naive, last, at)


@given(tried=user_token_commands())
def test_everybody_may_do_what_the_rules_say_with_user_tokens(
    tried: list[Command[UserTokens]],
) -> None:
    """Only the user in person makes and revokes tokens that act as the user, and is registered."""
    stream = user_stream(CAST.users[0])
    state, naive, at = stream.initial, NaiveUserTokens(CAST.users[0]), START
    for command in tried:
        at += command.wait
        for source in [*SOURCES, command.source]:
            act, model = Act(source, at), deepcopy(naive)
            try:
                events = command.decision(state, act, *command.args)
            except AlbumcoreError as error:
                outcome: str | int = error.code
            else:
                outcome = len(events)
                after = fold(state, record(stream.name, 0, act, events))
            predicted = model.predict(command.name, source, at, command.args)
            assert outcome == predicted, (command.name, command.args, source)
        if not isinstance(outcome, str):
            state, naive = after, model


@given(
    life=st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted),
    at_end=st.booleans(),
    shift=st.sampled_from([-EDGE, timedelta(0), EDGE]),
    instant=st.sampled_from([-INSTANT, timedelta(0), INSTANT]),
)
def test_capability_token_works_from_edge_to_edge_of_its_validity(
    life: list[int], at_end: bool, shift: timedelta, instant: timedelta
) -> None:
    """Five seconds either side count as valid, for using it, for revoking it, and for losing it with one's right."""
    start, end = (START + timedelta(minutes=minutes) for minutes in life)
    rights = Grants(read=True, write=True)
    album, naive, alice = STREAM.initial, NaiveAlbum(), SOURCES[0]
    before: list[Command[Album]] = [
        Command(alice, create_album, ("Album",)),
        Command(alice, issue_capability_token, (KEY, "0" * 64, "Key", rights, start, end)),
        Command(alice, add_admin, (CAST.users[1],)),
    ]
    for command in before:
        album, naive = try_by(album, naive, command, START)[0]
    at = (end if at_end else start) + shift + instant
    tried: list[Command[Album]] = [
        Command(alice, import_series, CAST.series[0]),
        Command(alice, revoke_capability_token, (KEY,)),
        Command(alice, demote_admin, (alice.user,)),
    ]
    for command in tried:
        try_by(album, naive, command, at)
