"""Search for users: one by a reference, or some by a part of a name or address (Kheops API 13.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from albumcore import Permission
from albumcore.errors import StudyNotFound
from albumcore.feed import Person
from albumcore.ids import AlbumId, StudyUID, UserId, is_uid
from albumcore.index import MemberRow
from albumcore.json_object import Json, present
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.series import (
    can_see,
    sees,
    users_sharing_with,
    viewers_of,
)
from albumcore_adapters.base.settings import Settings, UserSearch
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.kheops.parameters import BadQuery, Page
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import PAGE
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC, UID
from albumcore_adapters.http.openapi.specs import (
    TEXT,
    ParameterSpec,
    ResponseSpec,
    array,
    exactly_one,
    group,
    ref,
    text,
)
from albumcore_adapters.http.response import NO_CONTENT, Response
from albumcore_adapters.http.route import Route
from albumcore_adapters.identity.callers import Caller

LEAST = 3
"""The length of the shortest text to search for; a shorter one would match nearly all users."""


def find(request: ApiRequest, people: People, holdings: Holdings, settings: Settings) -> Response:
    """Find the user that ``reference`` names, or those that ``search`` matches; 204 if there is none.

    Raises:
        BadQuery: not exactly one of the two is given, or a parameter that belongs to it is invalid.
        StudyNotFound: the search is among those who see a study, and the caller does not see it.
    """
    reference, search = request.query.text("reference"), request.query.text("search")
    page = Page.of(request.query)
    if reference is not None and search is None:
        found: Json | list[Json] | None = _referred_to(request, reference, people, holdings)
    elif search is not None and reference is None:
        if len(search) < LEAST:
            raise BadQuery("search", f"at least {LEAST} characters are expected")
        among = _candidates(request, holdings, settings.user_search)
        found = _searched(search, people, among, page, request.caller.user)
    else:
        raise BadQuery("reference", "exactly one of reference and search is expected")
    return Response.json(found) if found else NO_CONTENT


def _study(request: ApiRequest) -> StudyUID | None:
    text = request.query.text("studyInstanceUID")
    if text is not None and not is_uid(text):
        raise BadQuery("studyInstanceUID", "it is not a UID")
    return None if text is None else StudyUID(text)


def _referred_to(
    request: ApiRequest, reference: str, people: People, holdings: Holdings
) -> Json | None:
    """One user, and whether they are a member of the album and see the study in the query.

    For a study that the caller does not see, access is not shown.
    """
    album, study = request.query.text("album"), _study(request)
    user = people.find(reference.strip())
    if user is None:
        return None
    member = {"album_id": album, "sub": user.id}
    return _json(
        user.person,
        album_access=None if album is None else bool(holdings.albums.index.rows(MemberRow, member)),
        study_access=None
        if study is None
        else sees(holdings, request.caller, study)
        and user.id in can_see(holdings, study, [user.id]),
    )


def _candidates(
    request: ApiRequest, holdings: Holdings, setting: UserSearch
) -> Mapping[UserId, bool | None] | None:
    """The users to search among, each with whether they are an admin of the album in the query; None for everyone."""
    album, study = request.query.text("album"), _study(request)
    if album is not None:
        rows = holdings.albums.index.rows(MemberRow, {"album_id": AlbumId(album)})
        return {UserId(row.sub): row.is_admin for row in rows}
    if study is None:
        users = AMONG[setting](holdings, request.caller)
    elif sees(holdings, request.caller, study):
        users = viewers_of(holdings, [study])
    else:
        raise StudyNotFound("no such study, or you cannot see it")
    return None if users is None else dict.fromkeys(users)


AMONG: Mapping[UserSearch, Callable[[Holdings, Caller], set[UserId] | None]] = {
    "shared": users_sharing_with,
    "all": lambda holdings, caller: None,
    "off": lambda holdings, caller: set(),
}
"""The users to search among without an album or a study, by the setting; None for everyone."""


def _searched(
    search: str,
    people: People,
    among: Mapping[UserId, bool | None] | None,
    page: Page,
    caller: UserId,
) -> list[Json]:
    """A page of the users that a text matches, by e-mail address, without the caller."""
    known = people.everyone() if among is None else people.people(among)
    fits = _fitting(search)
    found = [(user, person) for user, person in known.items() if fits(person)]
    found.sort(key=lambda one: (one[1].email or "", one[1].sub))
    return [
        _json(person, is_admin=(among or {}).get(user))
        for user, person in found[page.slice]
        if user != caller
    ]


def _fitting(search: str) -> Callable[[Person], bool]:
    """Matches a part of a name or of the local part of an address; a text with an ``@``, the start of an address."""
    wanted = search.casefold()

    def fits(person: Person) -> bool:
        email = (person.email or "").casefold()
        in_email = email.startswith(wanted) if "@" in wanted else wanted in email.partition("@")[0]
        return in_email or wanted in (person.name or "").casefold()

    return fits


def _json(person: Person, **facts: bool | None) -> Json:
    return present(email=person.email, name=person.name, sub=person.sub, **facts)


ROUTES = (
    Route(
        *(
            "GET",
            "/users",
            find,
            "Find one user by a reference, or users by a part of name or address.",
        ),
        query_permission=Permission.LIST_USERS,
        needs="with a study: the caller sees it",
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
            204: ResponseSpec("No user was found."),
        },
        from_store=True,
    ),
)
