"""Queries of the feed's posting lists: a page of entries, and counts, without a scan.

A posting list is the rows of `FeedLaneRow` of one stream and one ``lane``, in the order of versions. Its entries are
numbered, so that a count is the number of its last entry, and the place of a page is found by binary search.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from attrs import frozen

from albumcore.index import Choice, FeedLaneRow, Versions
from albumcore_adapters.sql.database import MAX_INTEGER, Cursor
from albumcore_adapters.store.rows import (
    TABLES,
    Statement,
    can_be_stored,
    condition_of,
)

_POSTINGS = TABLES[FeedLaneRow]
_DEEP_OFFSET = 200
"""The offset from which on the place of a page is searched for, instead of skipping entries."""
_MOST_MERGED = 50
"""Posting lists that are merged in the order of their versions; more are collected and sorted."""


@frozen
class _Source:
    """A query of versions: a posting list, whose entries are numbered, or an intersection of several."""

    select: Statement
    lane: str | None


def find_page(
    c: Cursor,
    stream: str,
    choices: Sequence[Choice],
    within: Versions,
    limit: int | None,
    offset: int,
    oldest: bool = False,
) -> tuple[Statement | None, int]:
    """The statement that selects the versions of a page, newest first, and the number of entries that are chosen.

    With ``oldest``, the page begins with the oldest. The statement is None if the page is empty.
    """
    after, until = within[0], MAX_INTEGER if within[1] is None else within[1]
    if until <= after:
        return None, 0
    sources = [one for choice in choices for one in _sources(c, stream, choice, (after, until))]
    lanes = [one.lane for one in sources if one.lane is not None]
    total = _count(c, stream, sources, (after, until))
    wanted = total if limit is None else limit
    if offset >= total or not wanted:
        return None, total
    if oldest:
        return _first(sources, min(wanted, MAX_INTEGER), offset, "ASC"), total
    if offset >= _DEEP_OFFSET and len(lanes) == len(sources):
        until = _version_at(c, stream, sources, lanes, offset)
        sources, offset = [_posting_list(stream, lane, (after, until)) for lane in lanes], 0
    return _first(sources, min(wanted, MAX_INTEGER), offset, "DESC"), total


def count_postings(c: Cursor, streams: Sequence[str], lanes: Sequence[str]) -> Mapping[str, int]:
    """How many entries some posting lists of each stream have; streams without any are left out.

    There must not be more streams than half as many parameters as one statement may have.

    Args:
        c: The cursor.
        streams: The streams.
        lanes: The lists.
    """
    asked = [lane for lane in lanes if can_be_stored(lane)]
    if not streams or not asked:
        return {}
    counted = " + ".join([_count_of("feed.stream")] * len(asked))
    values = [value for lane in asked for value in (lane, MAX_INTEGER)]
    c.execute(
        f"WITH feed (stream) AS (VALUES {', '.join(['(?)'] * len(streams))}) "  # noqa: S608
        f"SELECT stream, {counted} AS number FROM feed",
        [*streams, *values],
    )
    return {row["stream"]: row["number"] for row in c.fetchall() if row["number"]}


def newest_postings(
    streams: Sequence[str], lanes: Sequence[str], after: Mapping[str, int], most: int
) -> Statement:
    """The statement that selects the streams and versions of the newest entries of some posting lists of each stream.

    There must not be more streams than half as many parameters as one statement may have.

    Args:
        streams: The streams; at least one.
        lanes: The lists; at least one.
        after: The version of each stream up to which entries are left out.
        most: The most entries of each list.
    """
    last = (
        f"SELECT version FROM {_POSTINGS} WHERE stream = feed.stream AND lane = lists.lane "  # noqa: S608
        "ORDER BY version DESC LIMIT 1 OFFSET ?"
    )
    # One bound, which the index is searched by: two would be a search by one of them, and a filter of what it finds.
    return (
        f"WITH feed (stream, seen) AS (VALUES {', '.join(['(?, ?)'] * len(streams))}), "  # noqa: S608
        f"lists (lane) AS (VALUES {', '.join(['(?)'] * len(lanes))}), "
        f"bounds AS (SELECT stream, lane, seen, ({last}) AS last FROM feed CROSS JOIN lists) "
        f"SELECT found.stream AS stream, found.version AS version FROM bounds JOIN {_POSTINGS} AS found "
        "ON found.stream = bounds.stream AND found.lane = bounds.lane AND found.version > "
        "CASE WHEN bounds.last > bounds.seen THEN bounds.last ELSE bounds.seen END",
        [
            *(value for one in streams for value in (one, after[one])),
            *lanes,
            most,
        ],
    )


def last_postings(events: str, stream: str, lanes: Sequence[str], until: int) -> Statement:
    """The statement that selects each posting list with the version and stored name of its last entry up to a version.

    There must not be more lists than one statement may have parameters.
    """
    asked = [lane for lane in lanes if can_be_stored(lane)]
    if not asked:
        return "SELECT NULL AS lane, NULL AS version, NULL AS topic WHERE 1 = 0", []
    last = (
        f"SELECT version FROM {_POSTINGS} WHERE stream = ? AND lane = wanted.lane AND version <= ? "  # noqa: S608
        "ORDER BY version DESC LIMIT 1"
    )
    return (
        f"WITH wanted (lane) AS (VALUES {', '.join(['(?)'] * len(asked))}) "  # noqa: S608
        "SELECT page.lane AS lane, page.version AS version, e.topic AS topic "
        f"FROM (SELECT lane, ({last}) AS version FROM wanted) AS page JOIN {events} AS e "
        "ON e.originator_id = ? AND e.originator_version = page.version",
        [*asked, stream, until, stream],
    )


def sampled(events: str, columns: str, stream: str, lanes: Collection[str], step: int) -> Statement:
    """The statement that selects the events of the first entry of some posting lists, and of every step-th after it.

    There must not be more lists than one statement may have parameters.

    Args:
        events: The table of events.
        columns: The columns that are selected of it.
        stream: The stream.
        lanes: The lists.
        step: How many entries further the next one is; at least 1.
    """
    condition, matched = condition_of(
        {"stream": stream, "lane": [lane for lane in lanes if can_be_stored(lane)]}
    )
    every = "" if step == 1 else " AND (number - 1) / ? * ? = number - 1"
    return (
        f"SELECT {columns} FROM (SELECT DISTINCT version FROM {_POSTINGS} WHERE {condition}{every}) AS found "  # noqa: S608
        f"JOIN {events} ON originator_id = ? AND originator_version = found.version "
        "ORDER BY originator_version",
        [*matched, *([] if step == 1 else [step, step]), stream],
    )


def _sources(c: Cursor, stream: str, choice: Choice, within: tuple[int, int]) -> list[_Source]:
    groups = [[lane for lane in group if can_be_stored(lane)] for group in choice.groups]
    if not all(groups):
        return []
    if choice.is_simple and len(groups[0]) <= _MOST_MERGED:
        return [_posting_list(stream, lane, within) for lane in groups[0]]
    # The shortest group first: each of its entries is looked up in the others. To count them costs next to nothing.
    groups.sort(key=lambda group: _count_until(c, stream, group, within[1]))
    condition, matched = condition_of({"stream": stream, "lane": groups[0]})
    select = f"SELECT DISTINCT version FROM {_POSTINGS} AS one WHERE {condition}"  # noqa: S608
    for group in groups[1:]:
        other, values = condition_of({"stream": stream, "lane": group})
        select += f" AND EXISTS (SELECT 1 FROM {_POSTINGS} WHERE {other} AND version = one.version)"  # noqa: S608
        matched = [*matched, *values]
    select = f"SELECT version FROM ({select} AND version > ? AND version <= ?) AS found"  # noqa: S608
    return [_Source((select, [*matched, *within]), None)]


def _posting_list(stream: str, lane: str, within: tuple[int, int]) -> _Source:
    select = f"SELECT version FROM {_POSTINGS} WHERE stream = ? AND lane = ? AND version > ? AND version <= ?"  # noqa: S608
    return _Source((select, [stream, lane, *within]), lane)


def _count(c: Cursor, stream: str, sources: Sequence[_Source], within: tuple[int, int]) -> int:
    lanes = [one.lane for one in sources if one.lane]
    after, until = within
    total = _count_until(c, stream, lanes, until)
    if after:
        total -= _count_until(c, stream, lanes, after)
    for one in sources:
        if one.lane is None:
            select, matched = one.select
            c.execute(f"SELECT COUNT(*) AS number FROM ({select}) AS every", matched)  # noqa: S608
            total += _number(c)
    return total


def _version_at(
    c: Cursor, stream: str, sources: Sequence[_Source], lanes: Sequence[str], offset: int
) -> int:
    """The version up to which all but the newest ``offset`` entries of some posting lists are, by binary search."""
    c.execute(*_first(sources, 1, 0, "DESC"))
    [newest] = c.fetchall()
    low, high = 0, int(newest["version"])
    wanted = _count_until(c, stream, lanes, high) - offset
    while low < high:
        middle = (low + high) // 2
        if _count_until(c, stream, lanes, middle) < wanted:
            low = middle + 1
        else:
            high = middle
    return low


def _first(sources: Sequence[_Source], limit: int, offset: int, order: str) -> Statement:
    # A limit in each: without it, PostgreSQL would read all of them and sort.
    each = f"SELECT version FROM ({{select}} ORDER BY version {order} LIMIT ?) AS first"  # noqa: S608
    union = " UNION ALL ".join(each.format(select=one.select[0]) for one in sources)
    reach = min(limit + offset, MAX_INTEGER)
    matched = [value for one in sources for value in (*one.select[1], reach)]
    return f"{union} ORDER BY version {order} LIMIT ? OFFSET ?", [*matched, limit, offset]


def _count_until(c: Cursor, stream: str, lanes: Sequence[str], until: int) -> int:
    """How many entries the posting lists have up to a version."""
    number = 0
    for start in range(0, len(lanes), _MOST_MERGED):
        some = lanes[start : start + _MOST_MERGED]
        c.execute(
            f"SELECT {' + '.join([_count_of('?')] * len(some))} AS number",
            [value for lane in some for value in (stream, lane, until)],
        )
        number += _number(c)
    return number


def _number(c: Cursor) -> int:
    """The ``number`` in the only row of a result."""
    [row] = c.fetchall()
    number: int = row["number"]
    return number


def _count_of(stream: str) -> str:
    """SQL for the number of the last entry of a posting list up to a version; 0 if it has none."""
    return (
        f"COALESCE((SELECT number FROM {_POSTINGS} WHERE stream = {stream} AND lane = ? AND version <= ? "  # noqa: S608
        "ORDER BY version DESC LIMIT 1), 0)"
    )
