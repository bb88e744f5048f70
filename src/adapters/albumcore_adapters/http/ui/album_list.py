"""The albums of the reader: searched, filtered, with what is new since they last looked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from attrs import frozen

from albumcore import Albumcore, album_stream, create_album, set_favorite
from albumcore.errors import Invalid
from albumcore.ids import AlbumId
from albumcore.index import AlbumOverview
from albumcore.newest import newest_entries
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.base.random_ids import MakeId
from albumcore_adapters.directory.album_looks import AlbumLooks
from albumcore_adapters.http.kheops.album_overview import (
    Counts,
    confirmed_series,
    counts,
    overview,
)
from albumcore_adapters.http.kheops.albums import ALBUM_ID_LENGTH
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers
from albumcore_adapters.http.ui.acts import after_star
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import act, page
from albumcore_adapters.http.ui.reasons import refusal_of
from albumcore_adapters.http.ui.study_cards import written_name
from albumcore_adapters.http.ui.templates import show
from albumcore_adapters.http.ui.timeline import ENTRIES, is_new


@frozen
class AlbumLine:
    """An album in the list.

    Attributes:
        overview: Its rows.
        counts: The numbers of things in it.
        new: How many of the entries that its page shows are marked there as new.
    """

    overview: AlbumOverview
    counts: Counts
    new: int


ALBUM_FILTER_CHIPS: Mapping[str, Callable[[AlbumOverview, bool], bool]] = {
    "all": lambda one, is_new: True,
    "new": lambda one, is_new: is_new,
    "favorites": lambda one, is_new: one.member.is_favorite,
    "admin": lambda one, is_new: one.member.is_admin,
}
"""What each filter of the list shows, by its value of ``show``."""


def home(request: PageRequest) -> Response:
    """Lead to the albums, or, for an account of the TSCharts API alone, to the patients."""
    is_account = request.user is None and request.account is not None
    return request.to("/ui/patients" if is_account else "/ui/albums")


def list_page(request: PageRequest, holdings: Holdings, looks: AlbumLooks) -> Response:
    """Show the albums of the reader, the one with the latest event first."""
    viewer = request.signed_in.caller.user
    query = request.query.text("q") or ""
    chosen = request.query.text("show") or "all"
    chosen = chosen if chosen in ALBUM_FILTER_CHIPS else "all"
    mine = sorted(
        holdings.albums.albums_of(viewer), key=lambda one: one.row.last_event_at, reverse=True
    )
    new = _new(holdings.albums, looks, request, mine)
    found = _found(holdings, mine, query.casefold().split())
    shown = [one for one in found if ALBUM_FILTER_CHIPS[chosen](one, one.album_id in new)]
    held = counts(holdings, viewer, shown)
    return show(
        request,
        "albums.html",
        query=query,
        chosen=chosen,
        total=len(mine),
        new=len(new),
        counts={
            name: sum(keep(one, one.album_id in new) for one in found)
            for name, keep in ALBUM_FILTER_CHIPS.items()
        },
        lines=[AlbumLine(one, held[one.album_id], new.get(one.album_id, 0)) for one in shown],
    )


def _new(
    albums: Albumcore, looks: AlbumLooks, request: PageRequest, mine: Sequence[AlbumOverview]
) -> Mapping[str, int]:
    """How many entries the page of each album would mark as new; albums without any are left out."""
    viewer = request.signed_in.caller.user
    seen = looks.of(viewer)
    looked = {AlbumId(one.album_id): seen.get(AlbumId(one.album_id), 0) for one in mine}
    newest = newest_entries(albums, viewer, looked, ENTRIES)
    numbers = {
        album: sum(is_new(one, viewer, looked[album]) for one in entries)
        for album, entries in newest.items()
    }
    return {album: number for album, number in numbers.items() if number}


def _found(
    holdings: Holdings, mine: Sequence[AlbumOverview], words: Sequence[str]
) -> list[AlbumOverview]:
    """The albums that have every word of a search, in any case: in their name, their description or that of a patient.

    The patients are those whose images the reader sees in the album; they are read where the album is not found by
    what it is called.
    """
    texts = {one.album_id: f"{one.row.name}\n{one.row.description}".casefold() for one in mine}
    others = [AlbumId(album) for album, text in texts.items() if not _has_all(words, text)]
    patients = _patients(holdings, others) if others else {}
    return [
        one
        for one in mine
        if one.album_id not in patients
        or any(_has_all(words, f"{texts[one.album_id]}\n{name}") for name in patients[one.album_id])
    ]


def _has_all(words: Sequence[str], text: str) -> bool:
    return all(word in text for word in words)


def _patients(holdings: Holdings, albums: Sequence[AlbumId]) -> Mapping[str, Collection[str]]:
    """The names of the patients in each of some albums, as the pages write them, in any case."""
    held = confirmed_series(holdings, albums)
    names = holdings.catalogue.patient_names({uid for found in held.values() for _, uid in found})
    return {
        album: {(written_name(names.get(one)) or "").casefold() for one in found}
        for album, found in held.items()
    }


def new_album_page(request: PageRequest) -> Response:
    """Show the form of a new album."""
    return _new_album(request)


def _new_album(request: PageRequest, refused: Invalid | None = None) -> Response:
    """The form of a new album: empty, or as it was filled in and why it was refused."""
    return show(
        request,
        "new_album.html",
        status=200 if refused is None else 400,
        album_name=request.form.text("name") or "",
        album_description=request.form.text("description") or "",
        **refusal_of(request, refused),
    )


def create(request: PageRequest, albums: Albumcore, make_id: MakeId) -> Response:
    """Create an album, and show it; a refused form is shown again with the reason."""
    form, album = request.form, AlbumId(make_id(ALBUM_ID_LENGTH))
    name, description = form.text("name") or "", form.text("description") or ""
    try:
        albums.handle(album_stream(album), create_album, request.source, name, description)
    except Invalid as error:
        return _new_album(request, error)
    return request.to(f"/ui/albums/{album}")


def set_album_favorite(request: PageRequest, albums: Albumcore) -> Response:
    """Make an album a favourite of the reader, or not any more."""
    is_favorite = request.form.flag("favorite") is True
    albums.handle(request.api.stream, set_favorite, request.source, is_favorite)
    album = request.api.album
    name = overview(albums.index, request.signed_in.caller.user, album).row.name
    label = request.say("albums.favorite", album=name)
    back = f"/ui/albums/{album}" if request.form.text("from") == "album" else "/ui/albums"
    return after_star(request, back, f"album-{album}", is_favorite, label)


ROUTES = (
    page("/ui", home, "Lead to the albums.", callers=Callers.ANYBODY),
    page("/ui/albums", list_page, "Show the albums of the reader."),
    page("/ui/new-album", new_album_page, "Show the form of a new album."),
    act("/ui/albums", create, "Create an album."),
    act("/ui/albums/{album}/favorite", set_album_favorite, "Make an album a favourite."),
)
