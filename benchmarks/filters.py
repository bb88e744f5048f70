"""Every filter of an album's feed, through the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from albumcore import EntryKind, FeedQuery
from benchmarks import history
from benchmarks.bench import Bench, milliseconds
from benchmarks.figures import Taken
from benchmarks.history import ALBUM, VIEWERS
from benchmarks.pages import READER


@frozen
class Case:
    """One way to filter the feed, and whether that leaves little."""

    name: str
    query: Mapping[str, Any]
    is_selective: bool


_STUDIES = tuple(history.study(number) for number in range(10, 10 + history.STUDIES))
_MUTATIONS = {"kinds": frozenset({EntryKind.MUTATION})}
_END, _STEP = history.END, history.STEP
CASES: tuple[Case, ...] = (
    Case("mutations", {"mutations": {"NEW_REPORT"}}, True),
    Case("users", {"users": {history.RARE_USER}}, True),
    Case("studies", {"studies": {history.RARE_STUDY}}, True),
    Case("series", {"series": {history.RARE_SERIES}}, True),
    Case("providers", {"providers": {history.RARE_PROVIDER}}, True),
    Case("capability_tokens", {"capability_tokens": {history.RARE_TOKEN}}, True),
    Case("since", {"since": _END - 100 * _STEP}, True),
    Case("mutations-users", _MUTATIONS | {"users": {history.RARE_USER}}, True),
    Case("mutations-since", _MUTATIONS | {"since": _END - 100 * _STEP}, True),
    Case("users-studies", {"users": {history.BUSY_USER}, "studies": {history.RARE_STUDY}}, True),
    Case("since-until", {"since": _END - 500 * _STEP, "until": _END - 300 * _STEP}, True),
    Case("kinds", _MUTATIONS, False),
    Case("comments", {"kinds": frozenset({EntryKind.COMMENT})}, False),
    Case("mutations", {"mutations": {"IMPORT_SERIES", "REMOVE_SERIES"}}, False),
    Case("users", {"users": {history.BUSY_USER}}, False),
    Case("many_users", {"users": set(VIEWERS)}, False),
    Case("studies", {"studies": {history.BUSY_STUDY}}, False),
    Case("many_studies", {"studies": set(_STUDIES)}, False),
    Case("series", {"series": {history.BUSY_SERIES}}, False),
    Case("providers", {"providers": {history.BUSY_PROVIDER}}, False),
    Case("capability_tokens", {"capability_tokens": {history.BUSY_TOKEN}}, False),
    Case("until", {"until": _END - 100 * _STEP}, False),
    Case("mutations-users", _MUTATIONS | {"users": {history.BUSY_USER}}, False),
    Case("mutations-until", _MUTATIONS | {"until": _END - 100 * _STEP}, False),
    Case("users-studies", {"users": {history.BUSY_USER}, "studies": {history.BUSY_STUDY}}, False),
)
"""Every filter of `FeedQuery`, with values that leave little and with values that leave much."""


def filtered(case: Case) -> Callable[[Bench], Taken]:
    """How a filter is measured: a page of it in the library, and a page without it, in the same process."""

    def take(bench: Bench) -> Taken:
        store = bench.store(bench.scale.greatest)
        with store.opened() as service:
            feed = service.albums.feed
            query = FeedQuery(limit=20, **case.query)
            page = feed(ALBUM, READER, query)
            seen = bench.alternate(
                {
                    "filtered": lambda: milliseconds(lambda: feed(ALBUM, READER, query)),
                    "unfiltered": lambda: milliseconds(
                        lambda: feed(ALBUM, READER, FeedQuery(limit=20))
                    ),
                },
                turns=bench.scale.turns,
            )
        return Taken(seen["filtered"], seen["unfiltered"], {"entries": page.total})

    return take
