"""Given a history, when something is decided, then these events follow, or this error: the form of every rule test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from attrs import evolve, frozen

from albumcore.albums import Album
from albumcore.errors import AlbumcoreError, Invalid
from albumcore.ids import UserId
from albumcore.kernel import Act, Event, Source

S = TypeVar("S")
P = ParamSpec("P")

START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
"""When the first given event happened; the next ones follow a minute apart."""

NOW = START + timedelta(days=1)
"""When the decision is taken, unless the test says otherwise."""

ALICE = Source(UserId("alice"))
"""The source of every given event for which no other is named."""


@frozen
class By(Generic[S]):
    """A given event that somebody other than Alice led to, or that happened at a moment of its own."""

    source: Source
    event: Event[S]
    at: datetime | None = None


@frozen
class Outcome(Generic[S]):
    """What a decision led to: events, or an error."""

    state: S
    act: Act
    decide: Callable[[S, Act], tuple[Event[S], ...]]
    events: tuple[Event[S], ...]
    error: AlbumcoreError | None

    def then(self, *expected: Event[S]) -> Outcome[S]:
        """These events and no others, in this order; what follows is asked of the state after them."""
        if self.error is not None:
            raise self.error
        assert self.events == expected
        state = self.state
        for event in self.events:
            state = event.evolve(state, self.act)
        return evolve(self, state=state)

    def refused(self, error: type[AlbumcoreError], field: str | None = None) -> None:
        """This very error, and the field it names where it is about one."""
        assert self.error is not None, f"not refused, but {self.events}"
        assert type(self.error) is error, repr(self.error)
        assert (self.error.field if isinstance(self.error, Invalid) else None) == field

    def again(self) -> Outcome[S]:
        """The same decision by the same source, on the state it led to."""
        return _decided(self.state, self.act, self.decide)


@frozen
class Given(Generic[S]):
    """A state, and the moment at which something is decided on it."""

    state: S
    now: datetime = NOW

    def at(self, now: datetime) -> Given[S]:
        """The same, but decided at another moment."""
        return evolve(self, now=now)

    def when(
        self,
        decision: Callable[Concatenate[S, Act, P], tuple[Event[S], ...]],
        source: Source,
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Outcome[S]:
        """Let the source decide."""
        return _decided(
            self.state,
            Act(source, self.now),
            lambda state, act: decision(state, act, *args, **kwargs),
        )


def given(*history: Event[Album] | By[Album]) -> Given[Album]:
    """An album with this history."""
    return given_on(Album(), *history)


def given_on(initial: S, *history: Event[S] | By[S]) -> Given[S]:
    """Any other state with this history."""
    return Given(folded(initial, history))


def folded(initial: S, history: Iterable[Event[S] | By[S]]) -> S:
    """The state that a history leads to, its events a minute apart."""
    state = initial
    for minute, one in enumerate(history):
        past: By[S] = one if isinstance(one, By) else By(ALICE, one)
        act = Act(past.source, past.at or START + timedelta(minutes=minute))
        state = past.event.evolve(state, act)
    return state


def _decided(state: S, act: Act, decide: Callable[[S, Act], tuple[Event[S], ...]]) -> Outcome[S]:
    events: tuple[Event[Any], ...] = ()
    refusal: AlbumcoreError | None = None
    before = repr(state)
    try:
        events = decide(state, act)
    except AlbumcoreError as error:
        refusal = error
    assert repr(state) == before, "a decision changed the state it was taken on"
    assert isinstance(events, tuple)
    return Outcome(state, act, decide, events, refusal)
