"""The studies of an album or an inbox, and the page of one: its series, its comments, and what may be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from albumcore import FeedQuery, Permission
from albumcore.errors import Forbidden, NotFound, StudyNotFound
from albumcore.ids import AlbumId, StudyUID
from albumcore_adapters.access.albums import may
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.images import ImageAccess, downloadable
from albumcore_adapters.access.series import can_see, sees
from albumcore_adapters.base.dicom_json import text_value
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims
from albumcore_adapters.directory.people import People
from albumcore_adapters.directory.study_search import StudyQuery, known_attributes
from albumcore_adapters.http.dicomweb.zip_download import ZIP
from albumcore_adapters.http.kheops.album_overview import members_json
from albumcore_adapters.http.kheops.feed_json import render_comments
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.album_then import AlbumThen
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import page
from albumcore_adapters.http.ui.sentences import Sentences, name_of, other_in
from albumcore_adapters.http.ui.study_cards import (
    Shelf,
    day_of,
    list_studies,
    series_cards,
    study_card,
    study_cards,
    written_name,
)
from albumcore_adapters.http.ui.study_names import StudyNames
from albumcore_adapters.http.ui.templates import show
from albumcore_adapters.http.ui.then import Then
from albumcore_adapters.http.ui.timeline import FORM, TimelineSource
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.sql.database import Database

_PANEL = 12
"""Studies beside the timeline of an album."""

_COMMENTS = 100
"""Comments on the page of a study."""

_TEXT_FACTS = (
    ("patient_id", "00100020"),
    ("sex", "00100040"),
    ("accession", "00080050"),
    ("study_id", "00200010"),
)


def panel(
    request: PageRequest, holdings: Holdings, database: Database, then: AlbumThen | None
) -> Mapping[str, object]:
    """The studies beside the timeline of an album, as ``album/studies.html`` shows them.

    ``then`` is the album as of a moment of the past; None for the present.
    """
    shelf = Shelf(request, holdings, request.api.album, then)
    query = StudyQuery(limit=_PANEL, with_description=True)
    cards, total = study_cards(shelf, database, query)
    return {"shelf": shelf, "cards": cards, "total": total}


def studies_page(request: PageRequest, holdings: Holdings, database: Database) -> Response:
    """Show the studies of an album, or of what a link opens: all, or the favourites."""
    shelf = Shelf.of(request, holdings)
    favorites = shelf.favorites()
    filters: Mapping[str, Callable[[StudyUID], bool]] = {
        "all": lambda uid: True,
        "favorites": lambda uid: bool(favorites.get(uid)),
    }
    return show(
        request,
        "studies.html",
        shelf=shelf,
        then=shelf.then,
        listing=list_studies(shelf, database, filters),
        may=permissions_on(request, holdings, shelf),
    )


def study_page(
    request: PageRequest,
    holdings: Holdings,
    access: ImageAccess,
    database: Database,
    people: People,
    catalogue: Catalogue,
    claims: SeriesClaims,
    settings: Settings,
) -> Response:
    """Show a study: its series, its comments, and the acts that the reader may do.

    Raises:
        StudyNotFound: it is not where the reader looks, or they cannot see it.
    """
    shelf, study = Shelf.of(request, holdings), request.api.study
    # A link shows images; who takes part also sees what was added without them.
    if not (shelf.held(study) if request.link is None else shelf.visible(study)):
        raise StudyNotFound("no such study, or you cannot see it")
    then, is_present = shelf.then, shelf.then is None
    # A link shows images alone. Then as now, comments are for those who see the study now: what they see elsewhere has
    # no past.
    takes_part = request.link is None
    sees_it = takes_part and sees(holdings, request.caller, study)
    lines, total = _comments(request, shelf, people, then) if sees_it else ((), 0)
    may, arrival = permissions_on(request, holdings, shelf), None
    if shelf.album is not None and Permission.READ_COMMENT.name in may:
        source = TimelineSource(holdings.albums, people, catalogue, claims)
        arrival = source.arrival(request, shelf.album, study)
    return show(
        request,
        "study.html",
        shelf=shelf,
        study=study,
        then=then,
        card=study_card(shelf, database, study),
        series=series_cards(shelf, database, study),
        facts=_facts(request, shelf, database, study),
        lines=lines,
        unseen=total - len(lines),
        may=may,
        arrival=arrival,
        takes_part=takes_part,
        sees=sees_it,
        readers=_readers(request, holdings, people, shelf) if is_present and takes_part else (),
        albums=albums_to_add_to(request, holdings, shelf) if is_present and takes_part else (),
        zip=_zip_address(request, access, shelf, study) if is_present else None,
        ohif=settings.ohif is not None and is_present and takes_part,
        added=request.query.text("added"),
        name_of=name_of,
    )


def permissions_on(request: PageRequest, holdings: Holdings, shelf: Shelf) -> frozenset[str]:
    """The names of the permissions that the reader has: in the album, or all in their inbox.

    None in the past, and none through a link: its pages are for looking.
    """
    if shelf.then is not None or request.link is not None:
        return frozenset()
    if shelf.album is None:
        return frozenset(one.name for one in Permission)
    caller, at = request.signed_in.caller, request.now
    album = shelf.album
    return frozenset(one.name for one in Permission if may(holdings.albums, caller, album, one, at))


def _facts(
    request: PageRequest, shelf: Shelf, database: Database, study: StudyUID
) -> Sequence[tuple[str, object]]:
    """What is known of a study and its patient, with the key of what it is."""
    if not shelf.visible(study):
        return ()
    known, _ = known_attributes(database, study)
    found: list[tuple[str, object]] = [
        ("patient", written_name(text_value(known, "00100010"))),
        ("birthday", day_of(request, known, "00100030")),
        ("date", day_of(request, known, "00080020")),
        ("referring", written_name(text_value(known, "00080090"))),
        *((name, text_value(known, tag)) for name, tag in _TEXT_FACTS),
    ]
    return [(name, value) for name, value in found if value]


def _comments(
    request: PageRequest, shelf: Shelf, people: People, then: Then | None
) -> tuple[Sequence[Mapping[str, object]], int]:
    """The comments on the study in the path, up to a moment, newest first, and how many the reader may see."""
    holdings, viewer, study = shelf.holdings, request.signed_in.caller.user, request.api.study
    query = FeedQuery(limit=_COMMENTS, until=None if then is None else then.moment.at)
    entries, total = holdings.albums.study_comments(study, viewer, query)
    users = {user for one in entries for user in (one.author, one.target) if user is not None}
    shown = render_comments(entries, can_see(holdings, study, users), people, FORM)
    sentences = Sentences(request, shelf.album or AlbumId(""), viewer, StudyNames(request))
    return [
        {
            "sentence": sentences.say(entry, json),
            "at": entry.recorded.at,
            "comment": entry.shown_comment,
            "is_private": entry.is_private,
            "private_with": other_in(entry, json, viewer) if entry.is_private else "",
        }
        for entry, json in zip(entries, shown, strict=True)
    ], total


def _readers(
    request: PageRequest, holdings: Holdings, people: People, shelf: Shelf
) -> Sequence[Mapping[str, object]]:
    """The members of the album whom a private comment can be for."""
    if shelf.album is None:
        return ()
    viewer = people.person(request.signed_in.caller.user)
    members = members_json(holdings.albums.index, people, shelf.album)
    return [one for one in members if viewer is None or one["sub"] != viewer.sub]


def albums_to_add_to(
    request: PageRequest, holdings: Holdings, shelf: Shelf
) -> Sequence[tuple[AlbumId, str]]:
    """The other albums that the reader may add studies to, if they may take them from here."""
    caller, at = request.signed_in.caller, request.now
    can = partial(may, holdings.albums, caller)
    if shelf.album is not None and not can(shelf.album, Permission.SEND_SERIES, at):
        return ()
    return [
        (one.album_id, one.row.name)
        for one in holdings.albums.albums_of(caller.user)
        if one.album_id != shelf.album and can(one.album_id, Permission.ADD_SERIES, at)
    ]


def _zip_address(
    request: PageRequest, access: ImageAccess, shelf: Shelf, study: StudyUID
) -> str | None:
    """The address of a study as a ZIP archive; None if the reader may download no series of it."""
    try:
        downloadable(access, request.caller, shelf.place, study, None)
    except (Forbidden, NotFound, Unauthorized):
        return None
    return shelf.data(f"/studies/{study}", accept=ZIP)


_read = partial(page, permission=Permission.READ_SERIES, has_past=True)

ROUTES = (
    _read("/ui/albums/{album}/studies", studies_page, "Show the studies of an album."),
    _read("/ui/albums/{album}/studies/{study}", study_page, "Show a study of an album."),
    page("/ui/inbox/studies/{study}", study_page, "Show a study of the inbox."),
)
