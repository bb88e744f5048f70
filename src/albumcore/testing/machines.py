"""State machines that drive a store through every decision, for projects that want to test projections of their own.

A subclass says how to open a store, and may look at it after each step::

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

from albumcore.application import Albumcore
from albumcore.errors import AlbumcoreError
from albumcore.kernel import Decision, Source, Stream
from albumcore.testing.arguments import START, waits
from albumcore.testing.commands import Command, History

__all__ = [
    "Clock",
    "StoreMachine",
]


S = TypeVar("S")


@define
class Clock:
    """A clock that stands still until it is told otherwise. Call it for the time."""

    now: datetime = START

    def __call__(self) -> datetime:
        """The present moment (UTC)."""
        return self.now


class StoreMachine(RuleBasedStateMachine, Generic[S]):
    """What the machines have in common: a store, a clock, and the history that the store acknowledged.

    Attributes:
        clock: The clock of the store; rules move it.
        store: The open store. It is closed at the end.
        history: What the store acknowledged so far, of every stream, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.store = type(self).open_store(self.clock)
        self.history: History[S] = ()
        self.tries = 0

    @staticmethod
    def open_store(clock: Callable[[], datetime]) -> Albumcore:
        """To be given by a subclass: open an empty store that reads this clock."""
        raise NotImplementedError

    def teardown(self) -> None:
        """Close the store."""
        self.store.close()

    def handle(self, stream: Stream[S], command: Command[S]) -> History[S]:
        """Let the store handle a command. Override it to predict the outcome, or to ask another store too.

        Raises:
            AlbumcoreError: what the decision refuses with.
        """
        return self.store.handle(stream, command.decision, command.source, *command.args)

    def check(self) -> None:
        """Called before the first rule and after each: override it to compare your own projection."""

    @invariant()
    def _check(self) -> None:
        self.check()

    def attempt(self, stream: Stream[S], source: Source, decision: Decision, *args: Any) -> bool:
        """Try something, and tell whether it was recorded: it may be refused, or change nothing.

        Every other try takes a second, so that some happen at the same moment and some do not.
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
        """Nothing happens for a while."""
        self.clock.now += by

    @rule()
    def clock_is_set_back(self) -> None:
        """The clock of the machine was fast, and is put right. No history goes back with it."""
        self.clock.now -= timedelta(minutes=1)
