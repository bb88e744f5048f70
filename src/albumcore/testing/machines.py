"""State machines that drive a store through every decision, so that projects can test their own projections.

A subclass opens a store, and may check it after each step::

    class MyMachine(AlbumMachine):
        @staticmethod
        def open_store(clock: Callable[[], datetime]) -> Albumcore:
            return open_memory(clock=clock)

        def check(self) -> None:
            assert my_projection(self.store) == what_it_should_be(self.history)


    TestMyMachine = MyMachine.TestCase
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from attrs import define
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from albumcore.errors import AlbumcoreError
from albumcore.kernel import Decision, Source, Stream
from albumcore.queries import Albumcore
from albumcore.testing.arguments import START, waits
from albumcore.testing.commands import Command, History

__all__ = [
    "Clock",
    "StoreMachine",
]


S = TypeVar("S")


@define
class Clock:
    """A clock that a test sets. Call it for the time."""

    now: datetime = START

    def __call__(self) -> datetime:
        """The present time (UTC)."""
        return self.now


class StoreMachine(RuleBasedStateMachine, Generic[S]):
    """Base class of the machines: a store, a clock, and the history that the store acknowledged.

    Attributes:
        clock: The clock of the store; rules move it.
        store: The open store. It is closed at the end.
        history: The events that the store acknowledged, of every stream, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.store = type(self).open_store(self.clock)
        self.history: History[S] = ()
        self.tries = 0

    @staticmethod
    def open_store(clock: Callable[[], datetime]) -> Albumcore:
        """Open an empty store that reads this clock; a subclass implements it."""
        raise NotImplementedError

    def teardown(self) -> None:
        """Close the store."""
        self.store.close()

    def handle(self, stream: Stream[S], command: Command[S]) -> History[S]:
        """Let the store handle a command. Override it to predict the result, or to compare another store.

        Raises:
            AlbumcoreError: the decision refuses.
        """
        return self.store.handle(stream, command.decision, command.source, *command.args)

    def check(self) -> None:
        """Called before the first rule and after each: override it to compare your own projection."""

    @invariant()
    def _check(self) -> None:
        self.check()

    def attempt(self, stream: Stream[S], source: Source, decision: Decision, *args: Any) -> bool:
        """Try a decision; returns whether an event was recorded. It may be refused, or change nothing.

        The clock advances by a second at every other try, so that some events have the same time.
        """
        self.tries += 1
        self.clock.now += timedelta(seconds=self.tries % 2)
        try:
            recorded = self.handle(stream, Command(source, decision, args))
        except AlbumcoreError:
            return False
        self.history += recorded
        return bool(recorded)

    @rule(by=waits())
    def time_passes(self, by: timedelta) -> None:
        """The clock advances."""
        self.clock.now += by

    @rule()
    def clock_is_set_back(self) -> None:
        """The clock is set back by a minute. The times of a history never decrease all the same."""
        self.clock.now -= timedelta(minutes=1)
