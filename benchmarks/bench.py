"""What the measures of one run share: sizes, stores, and the rounds in which two things are measured side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from statistics import median
from typing import TypeVar

from attrs import define, field, frozen

from benchmarks.figures import Rounds, Taken
from benchmarks.stores import Shelf, Store

T = TypeVar("T")


@frozen
class Scale:
    """How much a run does.

    Attributes:
        sizes: The sizes at which growth is measured, from the least to the greatest.
        middle: The size of the store that most is measured on.
        long: The size of the album that commands are compared at.
        rounds: How many rounds there are.
        turns: How many turns of each side make a round.
        seconds: How long a server is put under load in a turn.
        commands: How many commands make a round.
    """

    sizes: Sequence[int]
    middle: int
    long: int
    rounds: int
    turns: int
    seconds: int
    commands: int

    @property
    def least(self) -> int:
        """The size of the smallest store."""
        return self.sizes[0]

    @property
    def greatest(self) -> int:
        """The size of the largest store."""
        return self.sizes[-1]


FULL = Scale((100, 1000, 10_000, 100_000, 1_000_000), 10_000, 100_000, 5, 3, 2, 200)
QUICK = Scale((100, 1000, 10_000), 10_000, 10_000, 3, 1, 1, 50)


@define
class Bench:
    """One run.

    Attributes:
        scale: How much it does.
        work: A directory of its own, on the disk; emptied afterwards.
        about: The name of the measure that is being taken.
    """

    scale: Scale
    work: Path
    _show: Callable[[str], None]
    _shelf: Shelf
    about: str = ""
    _stores: dict[int, Store] = field(factory=dict, init=False)
    _taken: dict[str, Taken] = field(factory=dict, init=False)
    _numbers: Iterator[int] = field(factory=count, init=False)

    def say(self, text: str) -> None:
        """Tell what is being done."""
        self._show(f"{self.about}: {text}")

    def store(self, size: int) -> Store:
        """The store of a size, which this run may write in."""
        if size not in self._stores:
            self._stores[size] = self._shelf.copy(size, self.work / f"store-{size}")
        return self._stores[size]

    def directory(self) -> Path:
        """The path of a directory that is not there yet."""
        return self.work / f"part-{next(self._numbers)}"

    def once(self, name: str, take: Callable[[Bench], Taken]) -> Taken:
        """What two figures are made of, taken once."""
        if name not in self._taken:
            self._taken[name] = take(self)
        return self._taken[name]

    def alternate(
        self, sides: Mapping[str, Callable[[], float]], rounds: int | None = None, turns: int = 1
    ) -> dict[str, Rounds]:
        """Measure some things in turns, after a first turn that does not count; every other turn goes backwards.

        A round is the median of so many turns of each: whatever else the machine does falls on all alike.
        """
        names = list(sides)
        seen: dict[str, Rounds] = {name: [] for name in names}
        for name in names:
            self.say(f"warming up: {name}")
            sides[name]()
        total = rounds or self.scale.rounds
        for number in range(total):
            self.say(f"round {number + 1} of {total}")
            taken: dict[str, Rounds] = {name: [] for name in names}
            for turn in range(turns):
                for name in names if (number + turn) % 2 == 0 else reversed(names):
                    taken[name].append(sides[name]())
            for name in names:
                seen[name].append(median(taken[name]))
        return seen


def milliseconds(call: Callable[[], object], seconds: float = 0.05, least: int = 5) -> float:
    """The median time of a call, in milliseconds, over so many calls and seconds; of a slow one, over fewer calls."""
    seen: list[float] = []
    began = time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds or (
        len(seen) < least and spent < 5 * seconds
    ):
        before = time.perf_counter()
        call()
        seen.append((time.perf_counter() - before) * 1e3)
    return median(seen)
