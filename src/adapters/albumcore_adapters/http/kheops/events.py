"""The feed of an album over HTTP, and the filters of its query (Kheops API 7.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, time
from typing import Any

from albumcore import Album, FeedQuery, Kind, Permission
from albumcore.errors import UserNotFound
from albumcore.feed import FEED, Family
from albumcore_adapters.http.kheops.common import PAGE, listed
from albumcore_adapters.http.kheops.compat import FORMS
from albumcore_adapters.http.kheops.feed_json import render
from albumcore_adapters.http.kheops.params import BadQuery, Page
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.openapi.parts import ParameterSpec, one_of
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC, MUTATIONS, UID
from albumcore_adapters.http.openapi.values import DAY_OR_MOMENT, USER, any_case
from albumcore_adapters.http.route import Callers, Route

Texts = Collection[str]
Read = Callable[[ApiRequest, Texts], Any]


def list_all(request: ApiRequest) -> None:
    """Show one page of what the caller may see, newest first, and how much that is in all."""
    service = request.service
    page = service.albums.feed(request.album, request.caller.user, wanted(request))
    form = FORMS[service.settings.compat]
    about = service.people, service.catalogue, service.claims
    request.answer(render(page, request.album, *about, form), total=page.total)


def wanted(request: ApiRequest) -> FeedQuery:
    """The selection that the query asks for.

    Filters apply where mutations alone are asked for. Elsewhere they are passed over unread, as comments know
    nothing of most of them.

    Raises:
        BadQuery: a value that is read is none.
    """
    query = request.query
    page, kinds = Page.of(query), _kinds(query.texts("types"))
    chosen: dict[str, Any] = {}
    if kinds == {Kind.MUTATION}:
        for name, (parameter, read) in PARAMETERS.items():
            if texts := query.texts(parameter):
                chosen[name] = read(request, texts)
        names = _mutations(request)
        if names is not None:
            chosen["mutations"] = names
    return FeedQuery(kinds, page.limit, page.offset, **chosen)


# Kinds and mutations


def _kinds(texts: Texts) -> frozenset[Kind]:
    """The kinds that ``types`` names, once or more, each time one or several with commas; without it, all."""
    words = [word for text in texts for word in text.split(",")]
    try:
        return frozenset(map(Kind, words)) or frozenset(Kind)
    except ValueError:
        expected = ", ".join(kind.value for kind in Kind)
        raise BadQuery("types", f"some of {expected} are expected") from None


def _mutations(request: ApiRequest) -> set[str] | None:
    """The names of mutations that ``type`` and ``family`` ask for together; None where neither is there."""
    form = FORMS[request.service.settings.compat]
    types, families = request.query.texts("type"), request.query.texts("family")
    if not types and not families:
        return None
    found: set[str] = set()
    for text in types:
        names = {name for name in _FAMILIES if form.shown_as(name) == text}
        if not names:
            raise BadQuery("type", "there is no such mutation")
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


def _users(request: ApiRequest, texts: Texts) -> set[str]:
    return {_user(request, text) for text in texts}


def _user(request: ApiRequest, text: str) -> str:
    try:
        return request.user_named(text)
    except UserNotFound as error:
        raise BadQuery("user", error.detail) from None


def _studies(request: ApiRequest, texts: Texts) -> set[str]:
    return {_known("studies", text, request.service.catalogue.study_exists) for text in texts}


def _series(request: ApiRequest, texts: Texts) -> set[str]:
    return {_known("series", text, request.service.catalogue.series_exists) for text in texts}


def _known(parameter: str, text: str, exists: Callable[[Any], bool]) -> str:
    if not exists(text):
        raise BadQuery(parameter, "nothing is known by this UID")
    return text


def _in_album(parameter: str, there: Callable[[Album], Collection[str]]) -> Read:
    """Ids of what the album has, or had."""

    def read(request: ApiRequest, texts: Texts) -> set[str]:
        if not set(texts) <= set(there(request.service.albums.load(request.stream))):
            raise BadQuery(parameter, "the album has none of this id")
        return set(texts)

    return read


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", re.ASCII)


def _moment(parameter: str, of_day: time) -> Read:
    """A moment of one second (UTC), or a day, which stands for one moment of it."""

    def read(request: ApiRequest, texts: Texts) -> datetime:
        text = next(iter(texts))
        try:
            if _DAY.fullmatch(text):
                return datetime.combine(datetime.fromisoformat(text), of_day, UTC)
            if _MOMENT.fullmatch(text):
                # The last one counts to its end, as times are kept to the microsecond.
                moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
                return moment.replace(microsecond=of_day.microsecond)
        except ValueError:
            pass
        raise BadQuery(parameter, "YYYY-MM-DD is expected, or YYYY-MM-DD hh:mm:ss")

    return read


PARAMETERS: Mapping[str, tuple[str, Read]] = {
    "users": ("user", _users),
    "studies": ("studies", _studies),
    "series": ("series", _series),
    "providers": (
        "reportProvider",
        _in_album("reportProvider", lambda album: album.report_providers),
    ),
    "capability_tokens": (
        "capabilityToken",
        _in_album("capabilityToken", lambda album: album.capability_tokens),
    ),
    "since": ("startDate", _moment("startDate", time.min)),
    "until": ("endDate", _moment("endDate", time.max)),
}
"""The filters of `FeedQuery`, each with its query parameter and how that is read. Only ``type`` and ``family`` are
two for one."""


ROUTES = (
    Route(
        "GET",
        "/albums/{album}/events",
        list_all,
        summary="List what happened in an album, newest first. Filters apply to mutations alone.",
        callers=Callers.ANY_TOKEN,
        permission=Permission.READ_COMMENT,
        query={
            **PAGE,
            "types": ParameterSpec(
                one_of("comments", "mutations"), "Both when left out.", repeated=True
            ),
            "type": ParameterSpec(one_of(*MUTATIONS), repeated=True),
            "family": ParameterSpec(
                any_case("WEBHOOKS", "SENDING", "USERS", "REPORT_PROVIDER"), repeated=True
            ),
            "user": ParameterSpec(USER, "Who did it, or to whom.", repeated=True),
            "studies": ParameterSpec(UID, repeated=True),
            "series": ParameterSpec(UID, repeated=True),
            "reportProvider": ParameterSpec(ALPHANUMERIC, repeated=True),
            "capabilityToken": ParameterSpec(ALPHANUMERIC, repeated=True),
            "startDate": ParameterSpec(DAY_OR_MOMENT, "Included."),
            "endDate": ParameterSpec(DAY_OR_MOMENT, "Included; a day to its end."),
        },
        responses=listed("Event"),
        from_store=True,
    ),
)
