"""Row classes of the index, changes of rows, and the `Index` protocol of a store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar

from attrs import frozen

from albumcore.index.postings import Choice


@frozen
class AlbumRow:
    """An open album, with what lists of albums show, filter and sort by."""

    KEY: ClassVar[tuple[str, ...]] = ("album_id",)
    LOOKUPS: ClassVar[tuple[tuple[str, ...], ...]] = ()

    album_id: str
    name: str
    description: str
    created_at: datetime
    last_event_at: datetime
    add_user: bool
    download_series: bool
    send_series: bool
    delete_series: bool
    add_series: bool
    write_comments: bool


@frozen
class MemberRow:
    """A member of an open album."""

    KEY: ClassVar[tuple[str, ...]] = ("album_id", "sub")
    LOOKUPS: ClassVar[tuple[tuple[str, ...], ...]] = (("sub",),)

    album_id: str
    sub: str
    is_admin: bool
    notification_new_series: bool = False
    notification_new_comment: bool = False
    is_favorite: bool = False


@frozen
class FeedLaneRow:
    """A posting: an entry of a feed in the posting list of a term (`albumcore.index.postings`).

    The first of a list is number 1. Postings are only ever added at the end, so the number of the last is the length.

    Attributes:
        lane: The term.
        number: Place in the list.
    """

    KEY: ClassVar[tuple[str, ...]] = ("stream", "lane", "version")
    LOOKUPS: ClassVar[tuple[tuple[str, ...], ...]] = ()

    stream: str
    lane: str
    version: int
    number: int


@frozen
class SeriesRow:
    """A series in an open album, and whether it is a favourite there."""

    KEY: ClassVar[tuple[str, ...]] = ("album_id", "series_uid", "study_uid")
    LOOKUPS: ClassVar[tuple[tuple[str, ...], ...]] = (("series_uid",), ("study_uid", "album_id"))

    album_id: str
    study_uid: str
    series_uid: str
    is_favorite: bool = False


@frozen
class ProviderRow:
    """A report provider of an open album, removed ones included."""

    KEY: ClassVar[tuple[str, ...]] = ("provider_id", "album_id")
    LOOKUPS: ClassVar[tuple[tuple[str, ...], ...]] = (("album_id",),)

    album_id: str
    provider_id: str
    name: str
    is_removed: bool = False


@frozen
class CapabilityTokenRow:
    """Where a capability token is: found by the digest of its secret, its id, its creator or its stream."""

    KEY: ClassVar[tuple[str, ...]] = ("digest",)
    LOOKUPS: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("stream", "token_id"),
        ("token_id",),
        ("creator",),
    )

    digest: str
    stream: str
    token_id: str
    title: str
    creator: str
    issued_at: datetime
    expires_at: datetime
    is_revoked: bool = False


@frozen
class CommandRow:
    """Idempotency key of a command: the position of its first event, and the hash of its content; None if erased."""

    KEY: ClassVar[tuple[str, ...]] = ("command",)
    LOOKUPS: ClassVar[tuple[tuple[str, ...], ...]] = ()

    command: str
    stream: str
    version: int
    content: str | None


@frozen
class UndoneRow:
    """That an event of a stream was taken back, and the version of an event that took it back."""

    KEY: ClassVar[tuple[str, ...]] = ("stream", "undone", "version")
    LOOKUPS: ClassVar[tuple[tuple[str, ...], ...]] = ()

    stream: str
    undone: int
    version: int


@frozen
class AddedImageRow:
    """That an image was added to the set of a patient, by which event and when; also if it can no longer be shown."""

    KEY: ClassVar[tuple[str, ...]] = ("image_id", "patient", "version")
    LOOKUPS: ClassVar[tuple[tuple[str, ...], ...]] = ()

    image_id: int
    patient: int
    version: int
    at: datetime


@frozen
class ImageRow:
    """An image: the version of the event that added it, and what it is searched by.

    It can be shown if it is `SHOWN`: an image that was removed, or whose patient was deleted, may be restored.
    """

    KEY: ClassVar[tuple[str, ...]] = ("image_id",)
    LOOKUPS: ClassVar[tuple[tuple[str, ...], ...]] = (
        # All columns: a covering index, so that the images of a patient are read in one place.
        (
            "patient",
            "image_id",
            "version",
            "clinic",
            "station",
            "type",
            "at",
            "is_removed",
            "is_closed",
        ),
        ("clinic", "station", "image_id"),
        ("station", "image_id"),
    )

    image_id: int
    patient: int
    version: int
    clinic: int | None
    station: int | None
    type: str
    at: datetime
    is_removed: bool = False
    is_closed: bool = False


SHOWN: Mapping[str, bool] = {"is_removed": False, "is_closed": False}
"""The condition on rows of images that can be shown."""

ROWS_FORMAT = 1
"""To be raised where `albumcore.index.changes` comes to mean something else by values that `examples` has none of."""

IndexRow = (
    AlbumRow
    | MemberRow
    | FeedLaneRow
    | SeriesRow
    | ProviderRow
    | CapabilityTokenRow
    | CommandRow
    | UndoneRow
    | AddedImageRow
    | ImageRow
)
ROWS: tuple[type[IndexRow], ...] = (
    AlbumRow,
    MemberRow,
    FeedLaneRow,
    SeriesRow,
    ProviderRow,
    CapabilityTokenRow,
    CommandRow,
    UndoneRow,
    AddedImageRow,
    ImageRow,
)
R = TypeVar(
    "R",
    AlbumRow,
    MemberRow,
    FeedLaneRow,
    SeriesRow,
    ProviderRow,
    CapabilityTokenRow,
    CommandRow,
    UndoneRow,
    AddedImageRow,
    ImageRow,
)
Where = Mapping[str, Any]
"""Values by column, combined with AND; a list, tuple or set means any of its values."""
Versions = tuple[int, int | None]
"""A range of versions: after the first, and up to the second if it is not None."""


@frozen
class Put:
    """Insert a row whose key is not used."""

    row: IndexRow


@frozen(slots=False)
class Enter:
    """Append a posting to the list of each term."""

    stream: str
    terms: tuple[str, ...]
    version: int


@frozen(slots=False)
class Set:
    """Update the rows that match."""

    kind: type[IndexRow]
    where: Where
    values: Mapping[str, Any]


@frozen
class Drop:
    """Delete the rows that match."""

    kind: type[IndexRow]
    where: Where


Change = Put | Enter | Set | Drop


class Index(Protocol):
    """What the application needs of a store beside the events."""

    def rows(self, kind: type[R], where: Where) -> list[R]:
        """The rows that match, in the order of their keys."""
        ...

    def feed_page(
        self,
        stream: str,
        choices: Sequence[Choice],
        within: Versions,
        limit: int | None,
        offset: int,
        oldest: bool = False,
    ) -> tuple[Sequence[Any], int]:
        """The stored events of one page of the choices, newest first, and the number of entries in all of them.

        With ``oldest``, the page begins with the oldest.
        """
        ...

    def count_entries(self, streams: Sequence[str], terms: Sequence[str]) -> Mapping[str, int]:
        """The total length of the posting lists of some terms, for each stream; streams without any are left out."""
        ...

    def newest(self, terms: Sequence[str], after: Mapping[str, int], most: int) -> Sequence[Any]:
        """The stored events of the newest entries in the posting lists of some terms, for each stream of ``after``.

        They are at most so many of each list, in no order, and come after the version that the stream has there.
        """
        ...

    def latest(
        self, stream: str, terms: Collection[str], until: int
    ) -> Mapping[str, tuple[int, str]]:
        """The last entry up to a version in the posting list of each term: its version, and its stored name.

        Terms whose list has none are left out.
        """
        ...

    def sample(self, stream: str, terms: Collection[str], step: int) -> Sequence[Any]:
        """The stored events, oldest first, of the first entry of each posting list, and of every step-th after it.

        Only their versions, their stored names and their times can be read.
        """
        ...

    def last_version(self, stream: str, holds: Callable[[Any], bool]) -> int:
        """The last version of a stream whose stored event satisfies a condition; 0 if none does.

        Binary search: the condition holds up to some version, and for none after it.
        """
        ...

    def write_transaction(self, seconds: float) -> AbstractContextManager[None]:
        """A transaction of all that this thread reads and appends in the block: nothing else is appended meanwhile.

        Args:
            seconds: How long to wait for others who write.
        """
        ...

    def in_read_snapshot(self) -> bool:
        """Whether this thread reads in a read snapshot, and so may not see what others have appended meanwhile."""
        ...

    def positions(self, stream: str, first: int, last: int) -> list[int]:
        """The positions, in the order of recording, of the versions of a stream from one to another."""
        ...

    def next_number(self, name: str) -> int:
        """The next number of a sequence: greater than all before it, never given twice."""
        ...

    def rebuild(self, changes_of: Callable[[Any], Iterable[Change]]) -> None:
        """Drop all rows and snapshots, and rebuild the rows from all stored events, in one transaction."""
        ...

    def differences(self, changes_of: Callable[[Any], Iterable[Change]]) -> list[str]:
        """One line for each row that differs from what the stored events give."""
        ...
