"""The picture of how latency grows with size."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import matplotlib

from benchmarks.report import Result

matplotlib.use("svg")

LINES = {
    "page-growth": ("events page over HTTP, by events in the album", "#1f77b4"),
    "command-growth": ("durable comment, by events in the album", "#d62728"),
    "search-growth": ("search by patient over HTTP, by images", "#2ca02c"),
}


def draw(results: Iterable[Result], path: Path) -> None:
    """Draw the median of each size, and the spread of the rounds; nothing where no growth was measured."""
    from matplotlib import pyplot

    grown = [(one, *LINES[one["name"]]) for one in results if one["name"] in LINES]
    if not grown:
        return
    # The same results make the same file.
    pyplot.rcParams["svg.hashsalt"] = "albumcore"
    figure, axes = pyplot.subplots(figsize=(7.5, 4.5), layout="constrained")
    for result, label, color in grown:
        sizes = sorted(map(int, result["curve"]))
        points = [result["curve"][str(size)] for size in sizes]
        middle = [one["median"] for one in points]
        axes.plot(sizes, middle, marker="o", color=color, label=label)
        least, most = ([one[end] for one in points] for end in ("least", "most"))
        axes.fill_between(sizes, least, most, color=color, alpha=0.15, linewidth=0)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("events in the album, or images in the store")
    axes.set_ylabel("median latency (ms), one client")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
