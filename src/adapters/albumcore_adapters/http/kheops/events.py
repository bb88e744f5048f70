"""The events of an album, and the filters of that list (Kheops API 7.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, time
from functools import partial
from typing import Any

from attrs import evolve, frozen

from albumcore import Album, Albumcore, EntryKind, FeedQuery, Permission
from albumcore.albums.undo import UNDO_EVENTS
from albumcore.errors import ChangedSince, UserNotFound
from albumcore.feed import FEED, MUTATIONS, Family, FeedForm
from albumcore.ids import ReportProviderId, UserId
from albumcore.times import Clock
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.taking_back import take_back
from albumcore_adapters.base.random_ids import MakeId
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.conditional import ETAG, etag_of
from albumcore_adapters.http.kheops.feed_json import render
from albumcore_adapters.http.kheops.later_events import later_entries
from albumcore_adapters.http.kheops.parameters import (
    MOMENT_NAMES,
    BadQuery,
    Fields,
    Page,
    asked_moment,
    user_named,
)
from albumcore_adapters.http.kheops.report_providers import PROVIDER_ID_LENGTH
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import ALBUM_THEN, DONE, PAGE, followed
from albumcore_adapters.http.live import AFTER, LIVE, READER, WAIT, Live
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC, UID
from albumcore_adapters.http.openapi.specs import ParameterSpec, one_of
from albumcore_adapters.http.openapi.value_schemas import DAY_OR_MOMENT, USER, any_case
from albumcore_adapters.http.response import NEXT_CURSOR, NO_CONTENT, TOTAL, Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.sql.database import Database

Texts = Collection[str]

_MOST_DIGITS = 19
"""Fewer digits than these make a number of 64 bits."""


@frozen
class Named:
    """The components that the values of filters are looked up in.

    Attributes:
        people: The directory of users.
        catalogue: The catalogue of studies and series.
        album: The album of the feed.
    """

    people: People
    catalogue: Catalogue
    album: Callable[[], Album]


@frozen
class FilterParameter:
    """A query parameter that is a filter by itself.

    Attributes:
        field: The field of `FeedQuery`.
        read: Returns the value of the field from the name of the parameter, the components, and the texts given.
        spec: Its documentation.
    """

    field: str
    read: Callable[[str, Named, Texts], Any]
    spec: ParameterSpec


def list_all(
    request: ApiRequest,
    albums: Albumcore,
    people: People,
    catalogue: Catalogue,
    claims: SeriesClaims,
    clock: Clock,
    form: FeedForm,
    database: Database,
    live: Live,
    auth: Authentication,
) -> Response:
    """List a page of the entries that the caller may see, newest first; of the past, those that they saw then.

    With ``after``, it is a page of the entries after a cursor, oldest first, and the request may wait for them.

    Raises:
        BadQuery: a parameter is malformed or unknown.
        CursorGone: the cursor is of another history.
    """
    album, query, stream = request.album, request.query, request.stream
    request.req.env[READER] = request.caller.user
    named = Named(people, catalogue, lambda: albums.load(stream))
    wanted = feed_query(query, named, form)
    shown_with = {*query.texts("with")}
    if not shown_with <= {"version", "cursor"}:
        raise BadQuery("with", "version or cursor is expected")
    is_later = AFTER in query.values
    if is_later:
        page = later_entries(request, albums, database, live, auth, wanted)
        last = page.entries[-1] if page.entries else None
        cursor = live.cursor_after(last.recorded) if last else query.text(AFTER)
    else:
        version = _version_asked(request, albums, clock)
        feed = partial(albums.feed, album, request.caller.user, version=version)
        page = feed(wanted)
        # The first entry is the newest, on the first page.
        newest = (
            page if not wanted.offset and page.entries else feed(evolve(wanted, limit=1, offset=0))
        )
        cursor = live.cursor_after_newest(stream, newest)
    about = people, catalogue, claims
    entries = render(page, album, *about, form, versions="version" in shown_with)
    if "cursor" in shown_with:
        for one, entry in zip(page.entries, entries, strict=True):
            entry["cursor"] = live.cursor_after(one.recorded)
    return _with_cursor(
        Response.json(entries, total=page.total),
        cursor or live.beginning(stream),
        tagged=not is_later,
    )


def _version_asked(request: ApiRequest, albums: Albumcore, clock: Clock) -> int | None:
    """The version of the moment that a request names; None for the present.

    Raises:
        BadQuery: a parameter is malformed, or needs ``after``.
    """
    query = request.query
    if WAIT in query.values:
        raise BadQuery(WAIT, "it needs after")
    if query.values.keys().isdisjoint(MOMENT_NAMES):
        return None
    moment = asked_moment(query, albums, request.stream, clock)
    return None if moment is None else moment.version


def _with_cursor(response: Response, cursor: str, *, tagged: bool) -> Response:
    """A response with the cursor to go on from, and an entity tag if it may be asked for again."""
    headers = {**response.headers, NEXT_CURSOR: cursor}
    if tagged:
        assert isinstance(response.body, bytes)
        headers[ETAG] = etag_of(response.body, cursor, headers[TOTAL])
    return evolve(response, headers=headers)


def take_event_back(
    request: ApiRequest, holdings: Holdings, people: People, form: FeedForm, make_id: MakeId
) -> Response:
    """Take back an event that the caller sees in the feed. Again is 204 too, and records nothing."""
    version = _version(request.path["version"])
    try:
        take_back(
            holdings,
            people,
            request.caller,
            request.album,
            version,
            ReportProviderId(make_id(PROVIDER_ID_LENGTH)),
        )
    except ChangedSince as error:
        shown_as = error.mutation_type and form.shown_as(error.mutation_type)
        raise ChangedSince(error.version, shown_as) from None
    return NO_CONTENT


def _version(text: str) -> int:
    """The version that a path names; 0, which no event has, if it is greater than any.

    Raises:
        BadQuery: it is no number.
    """
    if not (text.isascii() and text.isdigit()):
        raise BadQuery("version", "a number is expected")
    digits = text.lstrip("0")
    return int(digits or 0) if len(digits) < _MOST_DIGITS else 0


def feed_query(query: Fields, named: Named, form: FeedForm) -> FeedQuery:
    """The query of the feed for the parameters.

    Filters apply only if the only kind is mutations. Otherwise they are ignored and not checked, because most of them
    are meaningless for comments.

    Raises:
        BadQuery: a value is malformed or unknown.
    """
    page, kinds = Page.of(query), _kinds(query.texts("types"))
    chosen: dict[str, Any] = {}
    if kinds == {EntryKind.MUTATION}:
        for name, parameter in FILTER_PARAMETERS.items():
            if texts := query.texts(name):
                chosen[parameter.field] = parameter.read(name, named, texts)
        chosen["mutations"] = _mutations(query, form)
    return FeedQuery(kinds, page.limit, page.offset, **chosen)


# Kinds and mutations


def _kinds(texts: Texts) -> frozenset[EntryKind]:
    """The kinds that ``types`` names: repeated, separated by commas, or both. All kinds without it."""
    words = [word for text in texts for word in text.split(",")]
    try:
        return frozenset(map(EntryKind, words)) or frozenset(EntryKind)
    except ValueError:
        expected = ", ".join(kind.value for kind in EntryKind)
        raise BadQuery("types", f"some of {expected} are expected") from None


def _mutations(query: Fields, form: FeedForm) -> set[str] | None:
    """The mutations that ``type`` or ``family`` name; None if both are missing."""
    types, families = query.texts("type"), query.texts("family")
    if not types and not families:
        return None
    found: set[str] = set()
    for text in types:
        names = {name for name in _FAMILIES if form.shown_as(name) == text}
        if not names:
            raise BadQuery("type", "a mutation of this name does not exist")
        found |= names
    for text in families:
        names = {name for name, one in _FAMILIES.items() if one and one.value == text.upper()}
        if not names:
            raise BadQuery("family", f"one of {', '.join(one.value for one in Family)} is expected")
        found |= names
    return found


_FAMILIES: Mapping[str, Family | None] = {
    line.mutation: line.family for line in FEED.values() if line is not None and line.mutation
}


# The other filters


def _users(parameter: str, named: Named, texts: Texts) -> set[UserId]:
    try:
        return {user_named(named.people, text) for text in texts}
    except UserNotFound as error:
        raise BadQuery(parameter, error.detail) from None


def _studies(parameter: str, named: Named, texts: Texts) -> set[str]:
    return _all_known(parameter, texts, named.catalogue.study_exists)


def _series(parameter: str, named: Named, texts: Texts) -> set[str]:
    return _all_known(parameter, texts, named.catalogue.series_exists)


def _all_known(parameter: str, texts: Texts, exists: Callable[[Any], bool]) -> set[str]:
    if not all(map(exists, texts)):
        raise BadQuery(parameter, "the UID is unknown")
    return set(texts)


def _providers(parameter: str, named: Named, texts: Texts) -> set[str]:
    return _all_of_album(parameter, texts, named.album().report_providers)


def _capability_tokens(parameter: str, named: Named, texts: Texts) -> set[str]:
    return _all_of_album(parameter, texts, named.album().capability_tokens)


def _all_of_album(parameter: str, texts: Texts, ids: Collection[str]) -> set[str]:
    if not set(texts) <= set(ids):
        raise BadQuery(parameter, "the id is unknown in the album")
    return set(texts)


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SECOND = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", re.ASCII)


def _time(of_day: time, parameter: str, named: Named, texts: Texts) -> datetime:
    """A time in whole seconds (UTC); for a day alone, the time ``of_day``."""
    text = next(iter(texts))
    try:
        if _DAY.fullmatch(text):
            return datetime.combine(datetime.fromisoformat(text), of_day, UTC)
        if _SECOND.fullmatch(text):
            # Events are recorded to the microsecond: an end includes the whole second.
            at = datetime.fromisoformat(text)
            return at.replace(microsecond=of_day.microsecond, tzinfo=UTC)
    except ValueError:
        pass
    raise BadQuery(parameter, "YYYY-MM-DD is expected, or YYYY-MM-DD hh:mm:ss")


_since, _until = partial(_time, time.min), partial(_time, time.max)

_USERS = ParameterSpec(USER, "The author, or the user acted upon.", repeated=True)
_UIDS = ParameterSpec(UID, repeated=True)
_IDS = ParameterSpec(ALPHANUMERIC, repeated=True)

FILTER_PARAMETERS: Mapping[str, FilterParameter] = {
    "user": FilterParameter("users", _users, _USERS),
    "studies": FilterParameter("studies", _studies, _UIDS),
    "series": FilterParameter("series", _series, _UIDS),
    "reportProvider": FilterParameter("providers", _providers, _IDS),
    "capabilityToken": FilterParameter("capability_tokens", _capability_tokens, _IDS),
    "startDate": FilterParameter("since", _since, ParameterSpec(DAY_OR_MOMENT, "Inclusive.")),
    "endDate": FilterParameter(
        "until", _until, ParameterSpec(DAY_OR_MOMENT, "Inclusive; a day stands for its end.")
    ),
}
"""The query parameters that are one filter of `FeedQuery` each; ``type`` and ``family`` together are another one."""

_TYPES = ParameterSpec(one_of("comments", "mutations"), "Without it, both.", repeated=True)
_FAMILY = ParameterSpec(any_case("WEBHOOKS", "SENDING", "USERS", "REPORT_PROVIDER"), repeated=True)

_WITH = ParameterSpec(
    one_of("version", "cursor"),
    "version: each entry has its version, and the version that it takes back, if any. cursor: each entry has the"
    " cursor after it.",
    repeated=True,
)

ROUTES = (
    Route(
        *("GET", "/albums/{album}/events", list_all),
        summary="List the events of an album, newest first, or after a cursor. Filters apply to mutations only.",
        callers=Callers.ANY_TOKEN,
        permission=Permission.READ_COMMENT,
        query={
            **PAGE,
            **ALBUM_THEN,
            **LIVE,
            "types": _TYPES,
            "type": ParameterSpec(one_of(*MUTATIONS), repeated=True),
            "family": _FAMILY,
            **{name: parameter.spec for name, parameter in FILTER_PARAMETERS.items()},
            "with": _WITH,
        },
        responses=followed("Event"),
        errors=(410,),
        from_store=True,
        unless_live=AFTER,
    ),
    Route(
        *("POST", "/albums/{album}/events/{version}/undo", take_event_back),
        summary="Take back an event of an album.",
        permission=Permission.READ_COMMENT,
        needs="the permission of the inverse; a series that comes back is where the caller may send it from",
        records=UNDO_EVENTS,
        responses=DONE,
        errors=(409,),
    ),
)
