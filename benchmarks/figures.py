"""What a measure is, what comes of one, and whether that is good enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from attrs import field, frozen

if TYPE_CHECKING:
    from benchmarks.bench import Bench


@frozen
class Reach:
    """A limit that a figure is to keep.

    Attributes:
        sign: Whether it is to be at least or at most that.
        limit: The limit.
        of: What is compared with it: the ratio of ours and the other, or ours alone, in its unit.
        aim: What would be better still.
    """

    sign: Literal["at least", "at most"]
    limit: float
    of: Literal["ratio", "ours"] = "ratio"
    aim: float | None = None

    def is_met(self, value: float) -> bool:
        """Whether a value keeps the limit."""
        return value >= self.limit if self.sign == "at least" else value <= self.limit

    def text(self, unit: str) -> str:
        """The limit in words, with its aim if it has one."""
        suffix = " x" if self.of == "ratio" else f" {unit}"
        said = f"{self.sign} {self.limit:g}{suffix}"
        return said if self.aim is None else f"{said} (aim {self.aim:g})"


def ratio_at_least(limit: float, aim: float | None = None) -> Reach:
    """Ours is to be at least that many times the other."""
    return Reach("at least", limit, aim=aim)


def ratio_at_most(limit: float) -> Reach:
    """Ours is to be at most that many times the other."""
    return Reach("at most", limit)


def at_most(limit: float, aim: float | None = None) -> Reach:
    """Ours is to be at most that, in its unit."""
    return Reach("at most", limit, of="ours", aim=aim)


class LeftOut(Exception):
    """A measure cannot be taken here, for want of something it does not depend on otherwise."""


Rounds = list[float]
"""What was seen, once a round, in the order of the rounds."""


@frozen
class Taken:
    """What came of one measure.

    Attributes:
        ours: What was seen of us.
        other: What was seen of the other in the same rounds; none where there is no other.
        details: What else is worth knowing: facts by name.
        curve: What was seen at each size, where it was measured at several.
    """

    ours: Rounds
    other: Rounds | None = None
    details: Mapping[str, Any] = field(factory=dict)
    curve: Mapping[int, Rounds] = field(factory=dict)

    @property
    def ratios(self) -> Rounds:
        """Ours by the other's, round by round: what disturbs one side of a round mostly disturbs both."""
        if self.other is None:
            return []
        return [mine / its for mine, its in zip(self.ours, self.other, strict=True)]


def by_cpu(costs: Mapping[str, Rounds], of: str) -> dict[str, float]:
    """What ours and the other cost in processor time (microseconds), and their ratio; others disturb it the least."""
    cpu = {name: median(some) for name, some in costs.items()}
    details = {f"{name}_cpu_microseconds_a_{of}": round(one, 1) for name, one in cpu.items()}
    return details | {"ratio_by_cpu": round(cpu["other"] / cpu["ours"], 3)}


@frozen
class Measure:
    """One row of the table: a figure, and how it is come by.

    Attributes:
        name: What it is asked for by.
        what: What is measured.
        unit: In which unit.
        take: How.
        reach: Which limit it is to keep; none where it is only reported.
        against: What it is compared with; nothing where it stands for itself.
    """

    name: str
    what: str
    unit: str
    take: Callable[[Bench], Taken]
    reach: Reach | None = None
    against: str | None = None


def spread(rounds: Rounds) -> dict[str, Any]:
    """The median of some rounds, the least, the most, and all of them."""
    kept = [float(f"{value:.4g}") for value in rounds]
    return {"median": median(kept), "least": min(kept), "most": max(kept), "rounds": kept}


def result_of(measure: Measure, taken: Taken) -> dict[str, Any]:
    """A measure and what came of it, as they are kept in JSON."""
    result: dict[str, Any] = {
        "name": measure.name,
        "what": measure.what,
        "against": measure.against,
        "unit": measure.unit,
        "ours": spread(taken.ours),
        "other": None if taken.other is None else spread(taken.other),
        "ratio": spread(taken.ratios) if taken.ratios else None,
        "reach": None,
        "met": None,
        "details": dict(taken.details),
        "curve": {str(size): spread(rounds) for size, rounds in taken.curve.items()},
    }
    if measure.reach is not None:
        result["reach"] = measure.reach.text(measure.unit)
        result["met"] = measure.reach.is_met(result[measure.reach.of]["median"])
    return result
