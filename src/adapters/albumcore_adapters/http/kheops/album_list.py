"""The list of a user's albums: filters, order, paging (Kheops API 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from albumcore.ids import UserId
from albumcore.index import AlbumOverview
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.base.dicom_matching import date_range, text_matcher
from albumcore_adapters.http.kheops.album_overview import Counts, album_json, counts
from albumcore_adapters.http.kheops.parameters import Fields, Page
from albumcore_adapters.http.kheops.shared_specs import PAGE_OF_SOME, sort_parameter
from albumcore_adapters.http.openapi.specs import TEXT, Parameters, ParameterSpec
from albumcore_adapters.http.openapi.value_schemas import DAYS, WORD

Keep = Callable[[AlbumOverview], bool]
AlbumFilter = Callable[[Fields], Keep | None]
SortKey = Callable[[AlbumOverview, Mapping[str, Counts]], Any]


def list_albums(
    holdings: Holdings, viewer: UserId, query: Fields
) -> tuple[list[dict[str, Any]], int]:
    """One page of the viewer's albums as album objects, and how many match in all.

    The contents are read only for the albums on the page, unless a filter or the order needs those of all.

    Raises:
        Invalid: a date, the order, limit or offset is malformed.
    """
    keeps = [keep for make in ALBUM_FILTERS if (keep := make(query)) is not None]
    key, descending = query.order(SORTS, "-created_time")
    modality = query.text("modality")
    page = Page.of(query, least_limit=1)
    found = [one for one in holdings.albums.albums_of(viewer) if all(keep(one) for keep in keeps)]
    needs_counts = modality is not None or key in COUNTED
    held = counts(holdings, viewer, found if needs_counts else [])
    if modality is not None:
        found = [one for one in found if _holds(held[one.row.album_id], modality)]
    # Rows come by album id. Sorting is stable, in reverse too: each order settles the ties of the next.
    found.sort(key=lambda one: one.row.last_event_at, reverse=True)
    found.sort(key=lambda one: SORTS[key](one, held), reverse=descending)
    shown = found[page.slice]
    held = counts(holdings, viewer, shown)
    return [album_json(one, held[one.row.album_id]) for one in shown], len(found)


def _holds(held: Counts, modality: str) -> bool:
    return modality.upper() in (one.upper() for one in held.contents.modalities)


# Filters


def _named(query: Fields) -> Keep | None:
    """Albums whose whole name matches ``name``, with wildcards and in any case, or whose name sounds similar."""
    name = query.text("name")
    if name is None:
        return None
    matches = text_matcher(name, fuzzy=query.flag("fuzzymatching") is True)
    return lambda one: matches(one.row.name)


def _within(parameter: str, time_of: Callable[[AlbumOverview], datetime]) -> AlbumFilter:
    """Albums whose time is on a day, or between two days, both included (UTC)."""

    def make(query: Fields) -> Keep | None:
        text = query.text(parameter)
        if text is None:
            return None
        try:
            first, last = date_range(text)
        except ValueError:
            raise query.refusal(
                parameter, "YYYYMMDD is expected, or a range of them with a hyphen"
            ) from None
        return lambda one: first <= time_of(one).date() <= last

    return make


def _only_if(parameter: str, keep: Keep) -> AlbumFilter:
    """Albums that ``keep`` holds for, if the parameter is true; otherwise all of them."""
    return lambda query: keep if query.flag(parameter) else None


ALBUM_FILTERS: tuple[AlbumFilter, ...] = (
    _named,
    _within("created_time", lambda one: one.row.created_at),
    _within("last_event_time", lambda one: one.row.last_event_at),
    _only_if("favorite", lambda one: one.member.is_favorite),
    _only_if("canAddSeries", lambda one: one.member.is_admin or one.row.add_series),
    _only_if("canCreateCapabilityToken", lambda one: one.member.is_admin),
)
"""Each reads its parameters and returns a predicate, or None if the query does not name them. All must hold.

The filter by modality is not among them: it needs the contents of the albums.
"""

# Order

COUNTED: Mapping[str, Callable[[Counts], int]] = {
    "number_of_users": lambda held: held.users,
    "number_of_studies": lambda held: held.contents.studies,
    "number_of_comments": lambda held: held.comments,
}
"""The orders that need the contents of the albums."""


def _by_count(number: Callable[[Counts], int]) -> SortKey:
    return lambda one, held: number(held[one.row.album_id])


SORTS: Mapping[str, SortKey] = {
    "created_time": lambda one, held: one.row.created_at,
    "last_event_time": lambda one, held: one.row.last_event_at,
    "name": lambda one, held: (one.row.name.casefold(), one.row.name),
    **{name: _by_count(number) for name, number in COUNTED.items()},
}
"""The values of ``sort``."""


LIST_PARAMETERS: Parameters = {
    **PAGE_OF_SOME,
    "name": ParameterSpec(TEXT, "The whole name, in any case; * matches any characters."),
    "fuzzymatching": ParameterSpec(WORD, "true: names that sound similar match too."),
    "modality": ParameterSpec(TEXT, "The modality of a series in the album."),
    "created_time": ParameterSpec(DAYS),
    "last_event_time": ParameterSpec(DAYS),
    "favorite": ParameterSpec(WORD, "true: favourites of the caller only."),
    "canAddSeries": ParameterSpec(WORD, "true: albums to which the caller may add series only."),
    "canCreateCapabilityToken": ParameterSpec(
        WORD, "true: albums of which the caller is an admin only."
    ),
    "sort": sort_parameter(*SORTS, about="With a hyphen before the key: descending."),
}
"""The query parameters: page, filters, and order."""
