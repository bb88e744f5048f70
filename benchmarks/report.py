"""What a run leaves behind: a table for people, JSON, and the page of the documentation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
from rich.table import Table

Result = Mapping[str, Any]
_MARKS = re.compile(r"(<!-- figures -->\n).*?(<!-- end of figures -->\n)", re.DOTALL)


def number(value: float | None) -> str:
    """A number with three digits that count."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _cells(result: Result) -> tuple[str, ...]:
    ours, other, ratio = result["ours"], result["other"], result["ratio"]
    met = {True: "yes", False: "no", None: ""}[result["met"]]
    return (
        result["what"],
        f"{number(ours['median'])} {result['unit']}",
        "" if other is None else f"{number(other['median'])} ({result['against']})",
        ""
        if ratio is None
        else f"{ratio['median']:.2f} ({ratio['least']:.2f} to {ratio['most']:.2f})",
        result["reach"] or "",
        met,
    )


def line(result: Result) -> str:
    """A result in a line."""
    _, ours, other, ratio, reach, met = _cells(result)
    said = [
        ours,
        other and f"against {other}",
        ratio and f"= {ratio}",
        reach,
        met and f"met: {met}",
    ]
    return ", ".join(part for part in said if part)


_COLUMNS = ("figure", "ours", "other", "ratio (spread)", "reach", "met")


def table(results: Iterable[Result]) -> Table:
    """The results as a table for the terminal."""
    made = Table(
        title="Medians of the rounds; the ratio is that of each round, and its spread", expand=False
    )
    made.add_column("name", no_wrap=True)
    for column in _COLUMNS:
        made.add_column(column)
    for result in results:
        style = {True: "green", False: "red", None: None}[result["met"]]
        made.add_row(result["name"], *_cells(result), style=style)
    return made


def markdown(results: Iterable[Result]) -> str:
    """The results as a table in Markdown."""
    lines = [f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}"]
    lines += [f"| {' | '.join(_cells(result))} |" for result in results]
    return "\n".join(lines) + "\n"


def merged(path: Path, results: Iterable[Result], order: Iterable[str]) -> list[Result]:
    """The results kept at a path, with these in the place of older ones; what is measured no more is left out."""
    kept: dict[str, Result] = {}
    if path.exists():
        kept = {one["name"]: one for one in orjson.loads(path.read_bytes())["figures"]}
    kept |= {one["name"]: one for one in results}
    return [kept[name] for name in order if name in kept]


def write_json(path: Path, machine: Mapping[str, Any], results: Iterable[Result]) -> None:
    """Keep the results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {"machine": machine, "figures": list(results)}
    path.write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2) + b"\n")


def write_page(page: Path, machine: Mapping[str, Any], results: Iterable[Result]) -> None:
    """Put the results into the page of the documentation, between its marks."""
    synced = machine["fsync_microseconds"]
    said = (
        f"Measured on {machine['date'][:10]} with {machine['cpus']} CPUs, Python {machine['python']}, "
        f"SQLite {machine['sqlite']}, Falcon {machine['libraries']['falcon']} and "
        f"gunicorn {machine['libraries']['gunicorn']}; a sync of the disk takes {synced['median']} us.\n\n"
    )
    text = page.read_text(encoding="utf-8")
    filled = _MARKS.sub(lambda found: f"{found[1]}{said}{markdown(results)}{found[2]}", text)
    page.write_text(filled, encoding="utf-8")
