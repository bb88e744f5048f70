"""Finding people: one by a reference, or some by a part of a name or address (Kheops API 13.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from albumcore import Permission
from albumcore.errors import StudyNotFound
from albumcore.feed import Person
from albumcore.ids import AlbumId, StudyUID, UserId, is_uid
from albumcore.index import MemberRow
from albumcore_adapters.access.series import (
    can_see,
    sees,
    users_sharing_with,
    viewers_of,
)
from albumcore_adapters.base.settings import UserSearch
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.kheops.common import PAGE
from albumcore_adapters.http.kheops.feed_json import Json, present
from albumcore_adapters.http.kheops.params import BadQuery, Page
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.openapi.parts import (
    TEXT,
    ParameterSpec,
    ResponseSpec,
    array,
    exactly_one,
    group,
    ref,
    text,
)
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC, UID
from albumcore_adapters.http.route import Route

LEAST = 3
"""Fewer characters than this would find nearly everybody."""


def find(request: ApiRequest) -> None:
    """Find the one that ``reference`` names, or those that ``search`` is a part of; 204 for nobody.

    Raises:
        BadQuery: not exactly one of the two is there, or what belongs to it is not good.
        StudyNotFound: those who see a study are searched, and the caller does not see it.
    """
    reference, search = request.query.text("reference"), request.query.text("search")
    page = Page.of(request.query)
    if reference is not None and search is None:
        found: Json | list[Json] | None = _referred_to(request, reference)
    elif search is not None and reference is None:
        found = _searched(request, search, page)
    else:
        raise BadQuery("reference", "either it or search is needed")
    if found:
        request.answer(found)
    else:
        request.done()


def _study(request: ApiRequest) -> StudyUID | None:
    text = request.query.text("studyInstanceUID")
    if text is not None and not is_uid(text):
        raise BadQuery("studyInstanceUID", "it is no UID")
    return None if text is None else StudyUID(text)


def _referred_to(request: ApiRequest, reference: str) -> Json | None:
    """One person, and whether he has access to the album and to the study that are named."""
    album, study = request.query.text("album"), _study(request)
    person = request.service.people.find(reference.strip())
    if person is None:
        return None
    member = {"album_id": album, "sub": person.sub}
    rows = request.service.albums.index.rows
    return _json(
        person,
        album_access=None if album is None else bool(rows(MemberRow, member)),
        study_access=None
        if study is None
        # Of a study that the caller does not see, they do not learn who sees it either.
        else sees(request.service.holdings, request.caller, study)
        and person.sub in can_see(request.service.holdings, study, [person.sub]),
    )


def _searched(request: ApiRequest, search: str, page: Page) -> list[Json]:
    """Those whom the text fits, without the caller: members of an album, those who see a study, or as is set."""
    if len(search) < LEAST:
        raise BadQuery("search", f"at least {LEAST} characters are needed")
    album, study = request.query.text("album"), _study(request)
    admins: dict[UserId, bool] = {}
    among: set[UserId] | None
    if album is not None:
        rows = request.service.albums.index.rows(MemberRow, {"album_id": AlbumId(album)})
        admins = {UserId(row.sub): row.is_admin for row in rows}
        among = set(admins)
    elif study is not None:
        if not sees(request.service.holdings, request.caller, study):
            raise StudyNotFound("no such study, or you cannot see it")
        among = viewers_of(request.service.holdings, [study])
    else:
        among = AMONG[request.service.settings.user_search](request)
    people = request.service.people
    known = people.everyone() if among is None else people.people(among).values()
    ordered = sorted(
        filter(_fitting(search), known), key=lambda person: (person.email or "", person.sub)
    )
    return [
        _json(person, is_admin=admins.get(person.sub))
        for person in ordered[page.slice]
        if person.sub != request.caller.user
    ]


# Among whom, where neither an album nor a study is named

AMONG: Mapping[UserSearch, Callable[[ApiRequest], set[UserId] | None]] = {
    "shared": lambda request: users_sharing_with(request.service.holdings, request.caller),
    "all": lambda request: None,
    "off": lambda request: set(),
}
"""Among whom is searched, by the value of the setting; None for everyone who is registered."""


def _fitting(search: str) -> Callable[[Person], bool]:
    """Whether a text is part of a name, or of what stands before the ``@``; with an ``@``, how an address begins."""
    wanted = search.casefold()

    def fits(person: Person) -> bool:
        email = (person.email or "").casefold()
        in_email = email.startswith(wanted) if "@" in wanted else wanted in email.partition("@")[0]
        return in_email or wanted in (person.name or "").casefold()

    return fits


def _json(person: Person, **told: bool | None) -> Json:
    return present(email=person.email, name=person.name, sub=person.sub, **told)


ROUTES = (
    Route(
        *("GET", "/users", find, "Find users: one by reference, or some by what they are called."),
        query_permission=Permission.LIST_USERS,
        needs="among those who see a study: the study is seen",
        query={
            **PAGE,
            "who": group(
                {
                    "reference": ParameterSpec(TEXT, "A sub, or an e-mail address."),
                    "search": ParameterSpec(text(3), "Part of a name or an address."),
                    "album": ParameterSpec(ALPHANUMERIC, "Search among its members."),
                    "studyInstanceUID": ParameterSpec(UID, "Search among those who see it."),
                },
                exactly_one("reference", "search"),
                required=True,
            ),
        },
        responses={
            200: ResponseSpec(
                "One user, or a list.",
                {JSON: {"oneOf": [ref("KnownUser"), array(ref("KnownUser"))]}},
            ),
            204: ResponseSpec("Nobody was found."),
        },
        from_store=True,
    ),
)
