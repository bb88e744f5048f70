"""Whose images a caller may view, download and store: one rule for each, by series (DICOMweb; Kheops API 2 and 12).

Images are viewed where a series is confirmed to be held, and claims show none. Reading is decided before a byte is
read. Storing is decided for the request, before its body is read (`upload_to`); for each series, before its images are
written (`require_storable`); and again in the transaction that stores them (`put_images`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from attrs import evolve, frozen

from albumcore import (
    Act,
    Album,
    Permission,
    RecordedEvent,
    ReportAdded,
    SeriesImported,
    Source,
    add_report,
    album_stream,
    import_series,
)
from albumcore.errors import Forbidden, SeriesNotFound, StudyNotFound
from albumcore.ids import AlbumId, SeriesUID, StudyUID
from albumcore_adapters.access.albums import may, permitted
from albumcore_adapters.access.claims import put_in_inbox, without_claims, write_claims
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.series import (
    Place,
    Sent,
    confirmed_holdings,
    held_anywhere,
    reach,
    sees,
    series_in_album,
    takeable,
)
from albumcore_adapters.base.settings import Compat
from albumcore_adapters.directory.claims import (
    Holder,
    Holding,
    album_held_by,
    album_holder,
    inbox_holder,
)
from albumcore_adapters.identity.callers import Caller
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.sql.database import LOCK_SECONDS

UNSEEN_SERIES: Mapping[Compat, type[SeriesNotFound | Unauthorized]] = {
    "documented": SeriesNotFound,
    "upstream": Unauthorized,
}
"""The error for images of a series that the caller cannot see, by the ``compat`` setting."""


@frozen
class ImageAccess:
    """What the rules about images depend on.

    Attributes:
        holdings: Where series are held.
        enforces_download: Whether a caller needs the permission to download (`Permission.DOWNLOAD_SERIES`).
        unseen_series: See `UNSEEN_SERIES`.
    """

    holdings: Holdings
    enforces_download: bool = True
    unseen_series: type[SeriesNotFound | Unauthorized] = SeriesNotFound


# Reading


def viewable(
    access: ImageAccess,
    caller: Caller,
    place: Place,
    study: StudyUID,
    series: SeriesUID | None = None,
) -> frozenset[SeriesUID]:
    """The series of a study whose images a caller may view: rendered, as frames, as metadata; never empty.

    Args:
        access: The rules.
        caller: Who reads.
        place: Only as it is held here.
        study: The study.
        series: Only this series of it.

    Raises:
        StudyNotFound: there are none, of the study.
        SeriesNotFound: the caller may not view the one series that is named (`Unauthorized` upstream).
    """
    held = _viewed(access, caller, place, study, series)
    return frozenset(one.series for one in held)


def downloadable(
    access: ImageAccess,
    caller: Caller,
    place: Place,
    study: StudyUID,
    series: SeriesUID | None = None,
) -> frozenset[SeriesUID]:
    """The series of a study whose DICOM files a caller may download, of those they may view; never empty.

    They may download from their inbox, and from albums where they hold `Permission.DOWNLOAD_SERIES`. A report provider,
    which makes its report from the images, may download whatever it may view; and so may all callers where downloads
    are not restricted.

    Args:
        access: The rules.
        caller: Who downloads.
        place: Only as it is held here.
        study: The study.
        series: Only this series of it.

    Raises:
        StudyNotFound, SeriesNotFound: as for `viewable`.
        Forbidden: the caller may view them, but download none.
    """
    held = _viewed(access, caller, place, study, series)
    holders = {one.holder for one in held}
    allowed = {holder for holder in holders if _may_download(access, caller, holder)}
    found = frozenset(one.series for one in held if one.holder in allowed)
    if not found:
        raise Forbidden("you may view these images, but not download them")
    return found


ReadingRule: TypeAlias = Callable[
    [ImageAccess, Caller, Place, StudyUID, SeriesUID | None], frozenset[SeriesUID]
]
"""`viewable` or `downloadable`."""


def _viewed(
    access: ImageAccess,
    caller: Caller,
    place: Place,
    study: StudyUID,
    series: SeriesUID | None,
) -> list[Holding]:
    holdings = access.holdings
    held = reach(holdings, caller, place, study=study, series=series)
    found = confirmed_holdings(holdings.claims, held)
    if found:
        return found
    if series is None:
        raise StudyNotFound("no such study, or you cannot see it")
    raise access.unseen_series("no such series, or you cannot see it")


def _may_download(access: ImageAccess, caller: Caller, holder: Holder) -> bool:
    album, provider = album_held_by(holder), caller.source.report_provider
    if album is None or provider is not None or not access.enforces_download:
        return True
    holdings = access.holdings
    return may(holdings.albums, caller, album, Permission.DOWNLOAD_SERIES, holdings.clock())


# Storing


class SeriesNotWritable(Forbidden):
    """The caller may not add images to the series.

    Attributes:
        series_uid: SeriesInstanceUID, (0020,000E).
    """

    code = "series_not_writable"

    def __init__(self, series_uid: SeriesUID, detail: str) -> None:
        super().__init__(detail)
        self.series_uid = series_uid


ImportDecision: TypeAlias = Callable[
    [Album, Act, StudyUID, SeriesUID], tuple[SeriesImported | ReportAdded, ...]
]


@frozen
class Upload:
    """Where the images of a request are put, and in whose name.

    Attributes:
        caller: Who sends them.
        album: The album that the series are added to; None for the caller's inbox.
    """

    caller: Caller
    album: AlbumId | None

    @property
    def source(self) -> Source:
        """Who adds the series, as events name them."""
        return self.caller.source

    @property
    def holder(self) -> Holder:
        """The album or inbox."""
        return inbox_holder(self.caller.user) if self.album is None else album_holder(self.album)

    @property
    def decision(self) -> ImportDecision:
        """The decision that adds one series to the album: a report provider adds reports."""
        return add_report if self.source.report_provider is not None else import_series

    @property
    def sent(self) -> Sent:
        """The origin of the series."""
        return Sent(self.source.user if self.source.in_person else None)


def upload_to(access: ImageAccess, caller: Caller, album: str | None = None) -> Upload:
    """Where a caller stores images: what a request is checked for, before its body is read.

    A user names an album, or the series are put into their inbox. A token for an album or for some studies names none:
    it stores into its album; into the inbox, if it is for no album.

    Args:
        access: The rules.
        caller: Who stores.
        album: The album that the request names.

    Raises:
        AlbumNotFound: the album does not exist for the caller.
        Forbidden: the caller, or the scope of their token, lacks `Permission.ADD_SERIES`; or a token names an album.
    """
    if album is not None and not caller.acts_as_user:
        raise Forbidden("this token stores into its own album or inbox, and cannot name one")
    target = album if album is not None else caller.album
    if target is not None:
        holdings = access.holdings
        permitted(holdings.albums, caller, target, Permission.ADD_SERIES, holdings.clock())
        return Upload(caller, AlbumId(target))
    if caller.permissions is not None and Permission.ADD_SERIES not in caller.permissions:
        raise Forbidden(f"the scope of the token does not include {Permission.ADD_SERIES.value}")
    return Upload(caller, None)


def require_storable(
    access: ImageAccess, upload: Upload, study: StudyUID, series: SeriesUID
) -> bool:
    """Check that the sender of an upload may add images to a series.

    All callers may add to a series that is in no album or inbox, apart from claims. To any other, a user may add who
    has it in their inbox, or may send it from an album, or has brought images of it and adds more to the album that has
    it. A token of an album, and a report provider, may add to series of the album; a provider only to series of its
    studies.

    Returns:
        Whether the images must have every attribute as it is known of their study and series, also those that they
        could leave out, and whatever the request asks for. It is so where storing them makes visible to the
        caller what was not: other images of a series that is in no album or inbox, or the attributes of a study.

    Raises:
        SeriesNotWritable: they may not.
    """
    caller, holdings = upload.caller, access.holdings
    if caller.studies is not None and study not in caller.studies:
        raise SeriesNotWritable(series, "the token is for another study")
    if caller.source.report_provider is not None and not _is_in_album(holdings, upload, study):
        raise SeriesNotWritable(series, "the study is not in the album of the report provider")
    held = confirmed_holdings(holdings.claims, held_anywhere(holdings, series))
    if not held:
        populated = holdings.catalogue.populated_series([study])
        return (study, series) in populated or (
            bool(populated) and not sees(holdings, caller, study)
        )
    if not _may_add(holdings, upload, series, {one.holder for one in held}):
        raise SeriesNotWritable(series, "the series is held where you may not add to it")
    return False


def reads_place(access: ImageAccess, upload: Upload) -> bool:
    """Whether the sender of an upload may read what is where it is put; a token may be for adding alone."""
    caller, holdings, read = upload.caller, access.holdings, Permission.READ_SERIES
    if upload.album is None:
        return caller.permissions is None or read in caller.permissions
    return may(holdings.albums, caller, upload.album, read, holdings.clock())


def _is_in_album(holdings: Holdings, upload: Upload, study: StudyUID) -> bool:
    return upload.album is not None and bool(
        series_in_album(holdings.albums.index, upload.album, study)
    )


def _may_add(
    holdings: Holdings, upload: Upload, series: SeriesUID, holders: Collection[Holder]
) -> bool:
    caller, is_there = upload.caller, upload.holder in holders
    if not caller.source.in_person:
        return is_there
    if any(True for _ in takeable(holdings, caller, holders)):
        return True
    if not is_there or upload.album is None:
        return False
    # A viewer's scope says that it may write; what its user may do with the series, the album says.
    user, at = evolve(caller, permissions=None), holdings.clock()
    return holdings.claims.has_brought(caller.user, series) or may(
        holdings.albums, user, upload.album, Permission.SEND_SERIES, at
    )


Strictness: TypeAlias = dict[tuple[StudyUID, SeriesUID], bool]
"""Whether the images of each series must have every attribute as it is known; see `require_storable`."""


def put_images(
    access: ImageAccess,
    upload: Upload,
    series: Collection[tuple[StudyUID, SeriesUID]],
    store: Callable[[Strictness], None],
) -> tuple[RecordedEvent[Any], ...]:
    """Put the series of images that are stored into the album or inbox of an upload, in one transaction.

    Args:
        access: The rules.
        upload: Where they are put.
        series: The series of the images, each once, with their studies.
        store: Writes the images to the catalogue. It is called in the transaction, after the events are appended, with
            what `require_storable` found of each series before; what it writes through the database of the store is
            committed together with them.

    Returns:
        The recorded events: one for each series that is new to the album; none of an inbox.

    Raises:
        SeriesNotWritable, AlbumcoreError: as for `require_storable` and the decision, or of ``store``. Nothing is
            stored then.
    """
    holdings, holder = access.holdings, upload.holder
    found: Strictness = {}

    def require() -> None:
        # Once the events are appended, the album has the series, and it would be too late to ask.
        for study, uid in series:
            found[study, uid] = require_storable(access, upload, study, uid)

    if upload.album is None:
        with holdings.albums.index.write_transaction(LOCK_SECONDS):
            require()
            store(found)
            for study, uid in series:
                put_in_inbox(holdings, upload.caller.user, upload.sent, study, [uid])
        return ()

    def decide(state: Album, act: Act) -> tuple[SeriesImported | ReportAdded, ...]:
        require()
        return tuple(
            event
            for study, uid in series
            for event in upload.decision(
                without_claims(holdings.claims, holder, state, study, [uid]), act, study, uid
            )
        )

    def project(recorded: tuple[RecordedEvent[Any], ...]) -> None:
        store(found)
        for study, uid in series:
            write_claims(holdings, holder, upload.sent, study, [uid], [uid])

    return holdings.albums.handle_projected(
        project, album_stream(upload.album), decide, upload.source
    )
