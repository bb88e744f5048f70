"""Finding people: one by a reference, or some by a part of a name or address (Kheops API 13.1)."""

from __future__ import annotations

from collections.abc import Callable

from adapters.directory import Person
from adapters.http.kheops.ask import Ask
from adapters.http.kheops.params import BadQuery, Page
from adapters.http.kheops.render import Json, present
from adapters.http.kheops.series import can_see, sees, viewers_of
from albumcore.errors import StudyNotFound
from albumcore.ids import AlbumId, StudyUID, UserId, is_uid
from albumcore.index import MemberRow

LEAST = 3
"""Fewer characters than this would find nearly everybody."""


def find(ask: Ask) -> None:
    """Find the one that ``reference`` names, or those that ``search`` is a part of; 204 for nobody.

    Raises:
        BadQuery: not exactly one of the two is there, or what belongs to it is not good.
        StudyNotFound: those who see a study are searched, and the caller does not see it.
    """
    reference, search = ask.query.text("reference"), ask.query.text("search")
    if reference is not None and search is None:
        found: Json | list[Json] | None = _referred_to(ask, reference)
    elif search is not None and reference is None:
        found = _searched(ask, search)
    else:
        raise BadQuery("reference", "either it or search is needed")
    if found:
        ask.answer(found)
    else:
        ask.done()


def _study(ask: Ask) -> StudyUID | None:
    text = ask.query.text("studyInstanceUID")
    if text is not None and not is_uid(text):
        raise BadQuery("studyInstanceUID", "it is no UID")
    return None if text is None else StudyUID(text)


def _referred_to(ask: Ask, reference: str) -> Json | None:
    """One person, and whether he has access to the album and to the study that are named."""
    album, study = ask.query.text("album"), _study(ask)
    person = ask.deployment.people.find(reference.strip())
    if person is None:
        return None
    member = {"album_id": album, "sub": person.sub}
    rows = ask.deployment.albums.index.rows
    return _json(
        person,
        album_access=None if album is None else bool(rows(MemberRow, member)),
        study_access=None
        if study is None
        # Of a study that the caller does not see, they do not learn who sees it either.
        else sees(ask.deployment, ask.caller, study)
        and person.sub in can_see(ask.deployment, study, [person.sub]),
    )


def _searched(ask: Ask, search: str) -> list[Json]:
    """The members of an album, or those who see a study, whom the text fits; without the caller."""
    if len(search) < LEAST:
        raise BadQuery("search", f"at least {LEAST} characters are needed")
    page, album, study = Page.of(ask.query), ask.query.text("album"), _study(ask)
    admins: dict[UserId, bool] = {}
    if album is not None:
        rows = ask.deployment.albums.index.rows(MemberRow, {"album_id": AlbumId(album)})
        admins = {UserId(row.sub): row.is_admin for row in rows}
        among = set(admins)
    elif study is not None:
        if not sees(ask.deployment, ask.caller, study):
            raise StudyNotFound("no such study, or you cannot see it")
        among = viewers_of(ask.deployment, [study])
    else:
        raise BadQuery("album", "it, or studyInstanceUID, says among whom")
    fits = _fitting(search)
    people = filter(fits, ask.deployment.people.people(among).values())
    ordered = sorted(people, key=lambda person: (person.email or "", person.sub))
    return [
        _json(person, is_admin=admins.get(person.sub))
        for person in ordered[page.slice]
        if person.sub != ask.caller.user
    ]


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
