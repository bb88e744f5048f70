"""Studies and series as pages show them: title, date, size, and a picture."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen
from markupsafe import Markup

from albumcore import Albumcore, Permission, album_stream
from albumcore.errors import Forbidden
from albumcore.ids import AlbumId, SeriesUID, StudyUID
from albumcore.index import SeriesRow
from albumcore.kernel import shown_text
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.series import (
    Place,
    by_study,
    confirmed_holdings,
    holdings_then,
    reach,
)
from albumcore_adapters.base.dicom_json import (
    Attributes,
    integer_value,
    text_value,
    text_values,
)
from albumcore_adapters.base.dicom_matching import date_value
from albumcore_adapters.directory.claims import Holding
from albumcore_adapters.directory.study_search import (
    FoundStudy,
    StudyQuery,
    search_studies,
    series_of_study,
)
from albumcore_adapters.http.ui.album_then import AlbumThen, album_at
from albumcore_adapters.http.ui.data import DATA
from albumcore_adapters.http.ui.page_request import PageRequest, neighbours
from albumcore_adapters.http.ui.study_names import study_without_name
from albumcore_adapters.sql.database import Database

_STUDIES = 50  # on a page of them
_THUMBNAIL = "192,192"
_INBOX = "/ui/inbox"


def present_series(albums: Albumcore, album: AlbumId) -> set[SeriesUID]:
    """The series that an album has at present: what it had before has no picture any more."""
    rows = albums.index.rows(SeriesRow, {"album_id": album})
    return {SeriesUID(row.series_uid) for row in rows}


@frozen
class Shelf:
    """Where a page shows studies: an album as it is, an album as it was, or the inbox of the reader.

    Attributes:
        request: The request of the page.
        holdings: Where series are held.
        album: The album; None for the inbox.
        then: The album as of a moment of the past; None for the present.
    """

    request: PageRequest = field(repr=False)
    holdings: Holdings = field(repr=False)
    album: AlbumId | None
    then: AlbumThen | None = None

    @classmethod
    def of(cls, request: PageRequest, holdings: Holdings) -> Shelf:
        """The one that the path names, as of the moment that ``at`` names.

        Raises:
            BadQuery: ``at`` is no time of the past.
            NotMemberThen: the reader was no member then.
            Forbidden: the token of a link is not for an inbox.
        """
        named = request.path.get("album")
        if named is None and not request.caller.inbox:
            raise Forbidden("the token is not for an inbox")
        if named is None:
            return cls(request, holdings, None)
        then = album_at(request, holdings.albums, Permission.READ_SERIES)
        return cls(request, holdings, AlbumId(named), then)

    @property
    def place(self) -> Place:
        """Where the reader reads."""
        return Place(self.album, inbox=self.album is None)

    @property
    def named(self) -> Mapping[str, str]:
        """The query parameters by which the APIs name it."""
        return {"inbox": "true"} if self.album is None else {"album": self.album}

    @property
    def name(self) -> str | None:
        """The name of the album, as it was then; None for the inbox."""
        if self.album is None:
            return None
        if self.then is not None:
            return shown_text(self.then.album.name)
        return shown_text(self.holdings.albums.load(album_stream(self.album)).name)

    @property
    def path(self) -> str:
        """The path of its page."""
        return _INBOX if self.album is None else f"/ui/albums/{self.album}"

    def held(self, study: StudyUID | None = None) -> list[Holding]:
        """What the reader may read of it, claims included; optionally of one study."""
        caller = self.request.caller
        if self.album is None or self.then is None:
            return reach(self.holdings, caller, self.place, study=study)
        found = holdings_then(caller, self.album, self.then.album)
        return [one for one in found if study in (None, one.study)]

    def visible(self, study: StudyUID | None = None) -> dict[StudyUID, set[SeriesUID]]:
        """The series whose images the reader sees there, by study."""
        return by_study(confirmed_holdings(self.holdings.claims, self.held(study)))

    def favorites(self) -> Mapping[StudyUID, Collection[SeriesUID]]:
        """Its favourite series, by study."""
        if self.album is None:
            return self.holdings.inbox.favorites(self.request.caller.user)
        if self.then is not None:
            album = self.then.album
            return {study: series & album.favorites for study, series in album.studies.items()}
        found: dict[StudyUID, set[SeriesUID]] = {}
        wanted = {"album_id": self.album, "is_favorite": True}
        for row in self.holdings.albums.index.rows(SeriesRow, wanted):
            found.setdefault(StudyUID(row.study_uid), set()).add(SeriesUID(row.series_uid))
        return found

    def pictured(self) -> Collection[SeriesUID] | None:
        """The series of which there are pictures, those that it has now; None for all."""
        if self.album is None or self.then is None:
            return None
        return present_series(self.holdings.albums, self.album)

    def thumbnail(self, study: StudyUID, series: SeriesUID) -> str:
        """The address of the thumbnail of a series."""
        return self.data(f"/studies/{study}/series/{series}/thumbnail", viewport=_THUMBNAIL)

    def data(self, path: str, **query: str | None) -> str:
        """The address of a route of the APIs that reads from it: by the session, or by the token of the link."""
        root = DATA if self.request.link is None else ""
        return self.request.url(root + path, **self.named, **query)

    def url(self, path: str = "", **query: str | int | None) -> str:
        """The address of a page of it, as of the same moment."""
        return self.request.url(self.path + path, **query, at=self.request.at)


@frozen
class StudyCard:
    """A study, as it is shown.

    Attributes:
        uid: StudyInstanceUID, (0020,000D).
        title: What it is called: its description, or a few words made of its date and modalities.
        patient: The name of the patient; None if there is none.
        born: The birthday of the patient in words; None if it is not known.
        about: Its date, its modalities, and how much of it there is.
        size: How much of it there is.
        is_favorite: Whether one of its series is a favourite.
        thumbnail: The address of its picture; None if there is none any more.
        url: The address of its page.
    """

    uid: StudyUID
    title: Markup | str
    patient: str | None
    born: Markup | None
    about: str
    size: str
    is_favorite: bool
    thumbnail: str | None
    url: str


@frozen
class SeriesCard:
    """A series, as it is shown.

    Attributes:
        uid: SeriesInstanceUID, (0020,000E).
        title: What it is called.
        modality: Modality, (0008,0060); empty if it is not known.
        images: How many instances it has.
        is_favorite: Whether it is a favourite.
        thumbnail: The address of its picture; None if there is none any more.
        url: The address of its viewer; None if there is no picture any more.
    """

    uid: SeriesUID
    title: Markup | str
    modality: str
    images: int
    is_favorite: bool
    thumbnail: str | None
    url: str | None


@frozen
class StudyListing:
    """A page of the studies of a shelf, with filters.

    Attributes:
        cards: The studies.
        counts: The number that each filter leaves.
        chosen: The filter that is chosen.
        newer: The offset of the page before; None for the first.
        older: The offset of the page after; None for the last.
    """

    cards: Sequence[StudyCard]
    counts: Mapping[str, int]
    chosen: str
    newer: int | None
    older: int | None


def list_studies(
    shelf: Shelf, database: Database, filters: Mapping[str, Callable[[StudyUID], bool]]
) -> StudyListing:
    """The page of studies that the address asks for with ``show`` and ``offset``.

    Args:
        shelf: The shelf.
        database: The database of the catalogue.
        filters: Whether a study is shown, by the name of the filter; the first one is that without ``show``.

    Raises:
        BadQuery: ``offset`` is no number.
    """
    query = shelf.request.query
    offset, show = query.number("offset") or 0, query.text("show") or ""
    chosen = show if show in filters else next(iter(filters))
    visible = shelf.visible()
    shown = StudyQuery(limit=_STUDIES, offset=offset, with_description=True)
    found = {
        name: search_studies(
            database,
            {uid: series for uid, series in visible.items() if keep(uid)},
            shown if name == chosen else evolve(shown, limit=0),
        )
        for name, keep in filters.items()
    }
    studies, total = found[chosen]
    newer, older = neighbours(offset, _STUDIES, total)
    return StudyListing(
        _study_cards(shelf, studies),
        {name: number for name, (_, number) in found.items()},
        chosen,
        newer,
        older,
    )


def study_cards(
    shelf: Shelf, database: Database, query: StudyQuery
) -> tuple[Sequence[StudyCard], int]:
    """The studies of a shelf that a search finds, and the number of all of them."""
    found, total = search_studies(database, shelf.visible(), query)
    return _study_cards(shelf, found), total


def _study_cards(shelf: Shelf, studies: Iterable[FoundStudy]) -> Sequence[StudyCard]:
    favorites, pictured = shelf.favorites(), shelf.pictured()
    return [
        _study_card(shelf, one.study_uid, one.attributes, one.series_uids, favorites, pictured)
        for one in studies
    ]


def study_card(shelf: Shelf, database: Database, study: StudyUID) -> StudyCard | None:
    """One study of a shelf; None if the reader sees no image of it there."""
    visible = shelf.visible(study)
    found, _ = search_studies(database, visible, StudyQuery(with_description=True))
    favorites, pictured = shelf.favorites(), shelf.pictured()
    for one in found:
        return _study_card(shelf, study, one.attributes, one.series_uids, favorites, pictured)
    return None


def series_cards(shelf: Shelf, database: Database, study: StudyUID) -> list[SeriesCard]:
    """The series of a study that the reader sees on a shelf, by number."""
    visible, say = shelf.visible(study).get(study, set()), shelf.request.say
    favorites, pictured = shelf.favorites().get(study, ()), shelf.pictured()
    cards = []
    for one in series_of_study(database, study, visible):
        has_picture = pictured is None or one.series_uid in pictured
        cards.append(
            SeriesCard(
                uid=one.series_uid,
                title=text_value(one.attributes, "0008103E") or _series_title(say, one.attributes),
                modality=text_value(one.attributes, "00080060") or "",
                images=integer_value(one.attributes, "00201209") or 0,
                is_favorite=one.series_uid in favorites,
                thumbnail=shelf.thumbnail(study, one.series_uid) if has_picture else None,
                url=shelf.url(f"/studies/{study}/series/{one.series_uid}") if has_picture else None,
            )
        )
    return cards


def written_name(name: str | None) -> str | None:
    """A name of VR PN as people write it: family name, given names (DICOM PS3.5 section 6.2)."""
    if name is None:
        return None
    family, *others = (one.strip() for one in name.split("^"))
    given = " ".join(filter(None, others[:2]))
    return ", ".join(filter(None, (family, given))) or None


def day_of(request: PageRequest, attributes: Attributes, tag: str) -> Markup | None:
    """A date of VR DA in words; None if there is none."""
    day = date_value(text_value(attributes, tag) or "")
    return None if day is None else request.times.date(day)


def _study_card(
    shelf: Shelf,
    study: StudyUID,
    attributes: Mapping[str, Any],
    series: Collection[SeriesUID],
    favorites: Mapping[StudyUID, Collection[SeriesUID]],
    pictured: Collection[SeriesUID] | None,
) -> StudyCard:
    request = shelf.request
    taken = date_value(text_value(attributes, "00080020") or "")
    day = None if taken is None else request.times.date(taken)
    modalities = [*text_values(attributes, "00080061")]
    size = request.say(
        "study.size",
        series=request.say("study.series", n=integer_value(attributes, "00201206") or 0),
        images=request.say("study.images", n=integer_value(attributes, "00201208") or 0),
    )
    shown = [one for one in sorted(series) if pictured is None or one in pictured]
    whole = shelf.data(f"/studies/{study}/thumbnail", viewport=_THUMBNAIL)
    return StudyCard(
        uid=study,
        title=text_value(attributes, "00081030")
        or study_without_name(request, taken, modalities, "title"),
        patient=written_name(text_value(attributes, "00100010")),
        born=day_of(request, attributes, "00100030"),
        about=" · ".join(filter(None, (str(day or ""), ", ".join(modalities)))),
        size=str(size),
        is_favorite=bool(set(favorites.get(study, ())) & set(series)),
        thumbnail=whole if shown else None,
        url=shelf.url(f"/studies/{study}"),
    )


def _series_title(say: Callable[..., Markup], attributes: Attributes) -> Markup:
    number = integer_value(attributes, "00200011")
    if number is None:
        return say("study.series_without_name")
    return say("study.series_number", number=number)
