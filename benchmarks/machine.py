"""What is known of the machine that was measured on; nothing that tells whose it is."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import load

LIBRARIES = ("attrs", "cattrs", "eventsourcing", "falcon", "gunicorn", "orjson")
_SYNCS = 200


def machine(work: Path) -> dict[str, Any]:
    """The facts, by name."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "libraries": {name: version(name) for name in LIBRARIES},
        "load_tool": load.version(),
        "file_system": file_system(work),
        "fsync_microseconds": fsync_microseconds(work),
    }


def fsync_microseconds(work: Path) -> dict[str, float]:
    """How long it takes to write 4 KB at the end of a file and to have them on the disk."""
    seen = []
    path = work / "synced"
    with path.open("wb") as file:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            seen.append((time.perf_counter() - began) * 1e6)
    path.unlink()
    parts = statistics.quantiles(seen, n=20)
    return {"median": round(statistics.median(seen)), "p95": round(parts[-1])}


def file_system(path: Path) -> str:
    """The kind of file system that a path is on."""
    wanted = os.stat(path).st_dev
    kinds = {}
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, mounted, kind, *_ = line.split()
        try:
            kinds[os.stat(mounted).st_dev] = kind
        except OSError:
            continue
    return kinds.get(wanted, "unknown")


def busy(seconds: float = 0.5) -> float:
    """The share of the processors' time that others take, seen while we do nothing."""
    before = _times()
    time.sleep(seconds)
    after = _times()
    spent = [now - then for then, now in zip(before, after, strict=True)]
    return round(1 - (spent[3] + spent[4]) / max(1, sum(spent)), 2)


def _times() -> list[int]:
    with open("/proc/stat", encoding="ascii") as file:
        return [int(one) for one in file.readline().split()[1:9]]
