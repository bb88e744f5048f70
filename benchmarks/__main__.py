"""Measure: ``python -m benchmarks [--quick] [NAME ...]``. The status is 0 also where a limit is not kept."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import evolve
from rich.console import Console

from benchmarks import report
from benchmarks.bench import FULL, QUICK, Bench, Scale
from benchmarks.figures import LeftOut, Measure, result_of
from benchmarks.load import LoadFailed
from benchmarks.machine import busy, machine
from benchmarks.measures import MEASURES
from benchmarks.picture import draw
from benchmarks.stores import Shelf, form_of_stores

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".bench"
RESULTS = Path("benchmarks") / "results.json"
PICTURE = Path("benchmarks") / "growth.svg"
PAGE = Path("explanation") / "benchmarks.md"
NAMES = tuple(one.name for one in MEASURES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for, and write down what came of it."""
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("--quick", action="store_true", help="small sizes; leaves docs/ alone")
    parser.add_argument("names", nargs="*", help="measure these rows alone")
    given = parser.parse_args(arguments)
    wanted = [one for one in MEASURES if not given.names or _is_named(one.name, given.names)]
    if not wanted:
        parser.error(f"there is no such row; there are {', '.join(NAMES)}")
    # So that what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(width=None if sys.stdout.isatty() else 180)
    try:
        with _alone(), _work() as work:
            return int(_run(console, work, QUICK if given.quick else FULL, wanted))
    except LoadFailed as error:
        console.print(f"[red]{error}")
        return 1


def _is_named(name: str, given: Sequence[str]) -> bool:
    """Whether a row is among those given; what is no name of a row stands for all that begin so."""
    beginnings = tuple(one for one in given if one not in NAMES)
    return name in given or name.startswith(beginnings)


def _run(console: Console, work: Path, scale: Scale, wanted: Sequence[Measure]) -> bool:
    facts = machine(work)
    results, failed = [], False
    with console.status("measuring") as status:
        shelf = Shelf(CACHE / "stores", form_of_stores(), status.update)
        shelf.forget_others()
        bench = Bench(scale, work, status.update, shelf)
        for measure in wanted:
            bench.about = measure.name
            began, others = time.perf_counter(), busy()
            told = _sizes(scale)
            named = evolve(
                measure,
                what=measure.what.format(**told),
                against=measure.against and measure.against.format(**told),
            )
            try:
                taken = measure.take(bench)
            except LeftOut as error:
                console.print(f"{measure.name}: left out, {error}")
                continue
            except LoadFailed as error:
                console.print(f"[red]{measure.name}: {error}")
                failed = True
                continue
            result: dict[str, Any] = result_of(named, taken)
            result["details"] |= {"busy_before": others, "date": facts["date"][:10]}
            results.append(result)
            seconds = time.perf_counter() - began
            console.print(f"{measure.name}: {report.line(result)} [dim]{seconds:.0f} s[/]")
            _write(scale, facts, results)  # each time: a run may be broken off
    console.print(report.table(results))
    return failed


def _write(scale: Scale, facts: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> None:
    """Write down what came of the run so far, in the documentation if it was no mere try."""
    docs = CACHE / "quick" if scale is QUICK else ROOT / "docs"
    every = report.merged(docs / RESULTS, results, NAMES)
    report.write_json(docs / RESULTS, facts, every)
    draw(every, docs / PICTURE)
    if scale is FULL:
        report.write_page(docs / PAGE, facts, every)


def _sizes(scale: Scale) -> dict[str, int]:
    """The sizes that descriptions of measures name."""
    return {
        "least": scale.least,
        "second": scale.sizes[1],
        "middle": scale.middle,
        "long": scale.long,
        "greatest": scale.greatest,
        "far": scale.greatest * 9 // 10,
    }


@contextmanager
def _alone() -> Iterator[None]:
    """Let one run at a time measure: two would measure each other."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _work() -> Iterator[Path]:
    """An empty directory on the disk that the repository is on, gone afterwards."""
    for left in CACHE.glob("run-*"):
        shutil.rmtree(left)  # of a run that was killed
    work = Path(tempfile.mkdtemp(prefix="run-", dir=CACHE))
    try:
        yield work
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    os.environ.pop("ALBUMCORE_DATA", None)
    sys.exit(main())
