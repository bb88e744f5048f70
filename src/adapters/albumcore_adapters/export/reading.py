"""The rows of an export, read from the histories in pages. In a read snapshot, they are of one moment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, TypeVar

from attrs import field, frozen

from albumcore import Albumcore, ImageAdded
from albumcore.errors import AlbumNotFound, ImageNotFound
from albumcore.feed import Entry, EntryKind, Person, entry, with_withdrawn
from albumcore.feed.entries import WITHDRAWN
from albumcore.ids import AlbumId, ImageId, PatientId, UserId
from albumcore.index import UndoneRow
from albumcore.kernel import ERASED, Act, Event, RecordedEvent, Stream, fold
from albumcore.streams import album_stream, patient_stream
from albumcore_adapters.directory.people import People
from albumcore_adapters.export.tables import ExportedEntry, ExportedImage, pseudonym_of
from albumcore_adapters.sql.database import Database, rows_of

_ALBUMS = "SELECT album_id AS id FROM album_row"
_PATIENTS = "SELECT DISTINCT patient AS id FROM image_row WHERE is_closed = 0"

S = TypeVar("S")
K = TypeVar("K", str, int)


@frozen
class ExportSource:
    """What an export reads.

    Attributes:
        albums: The events.
        database: Their database.
        people: The people that they name.
        at: The time (UTC) as of which it is exported; None for the present.
        key: With it, albums and patients are in the order of their pseudonyms: that of their ids, which are given one
            after the other, would lead back to them.
        page: How many events are in memory together; of a patient, all.
    """

    albums: Albumcore = field(repr=False)
    database: Database = field(repr=False)
    people: People = field(repr=False)
    at: datetime | None = None
    key: bytes | None = field(default=None, repr=False)
    page: int = 1000

    def in_order(self, thing: str, ids: Iterable[K]) -> Sequence[K]:
        """The ids of things in the order of their rows."""
        key = self.key
        if key is None:
            return sorted(ids)
        return sorted(ids, key=lambda one: pseudonym_of(key, thing, str(one)))

    def version_of(self, stream: Stream[Any]) -> int | None:
        """The version of a stream up to which it is exported; None for all of it."""
        return None if self.at is None else self.albums.moment(stream, self.at).version

    def pages(
        self, stream: Stream[S], until: int | None
    ) -> Iterator[Sequence[RecordedEvent[Event[S]]]]:
        """The history of a stream, up to a version if there is one, some events at a time."""
        reached = 0
        while until is None or reached < until:
            end = reached + self.page if until is None else min(reached + self.page, until)
            page = tuple(self.albums.history(stream, reached, end))
            if not page:
                return
            yield page
            reached = end

    def known_people(self, users: Collection[UserId | None]) -> Mapping[UserId, Person]:
        """The registered ones of some users."""
        return self.people.people({user for user in users if user is not None})


def exported_entries(
    source: ExportSource, chosen: Iterable[AlbumId] = (), *, texts: bool = False
) -> Iterator[ExportedEntry]:
    """The entries of all feeds, private comments included, by album and version; none of a deleted album.

    Args:
        source: The store.
        chosen: The albums; all if it is empty.
        texts: Whether comments have their texts.

    Raises:
        AlbumNotFound: a chosen album does not exist.
        UnknownStoredEvent, DamagedStoredEvent: an event cannot be read.
    """
    there, wanted = {row["id"] for row in rows_of(source.database, _ALBUMS)}, {*chosen}
    for missing in sorted(wanted - there):
        raise AlbumNotFound(f"there is no album {missing}")
    for album in source.in_order("album", wanted or there):
        stream = album_stream(AlbumId(album))
        until = source.version_of(stream)
        for page in source.pages(stream, until):
            entries = _entries(source.albums, page, until)
            people = source.known_people(
                [user for one in entries for user in (one.author, one.target)]
            )
            for one in entries:
                yield _exported_entry(album, one, people, texts)


def _entries(
    albums: Albumcore, page: Sequence[RecordedEvent[Any]], until: int | None
) -> Sequence[Entry]:
    """The entries of a page of a history, with the comments withdrawn that were so by a version."""
    entries = [one for one in map(entry, page) if one is not None]
    comments = [one.recorded.version for one in entries if one.kind is EntryKind.COMMENT]
    rows = albums.index.rows(UndoneRow, {"stream": page[0].stream, "undone": comments})
    undone = {row.undone for row in rows if until is None or row.version <= until}
    return with_withdrawn(entries, undone)


def _exported_entry(
    album: AlbumId, one: Entry, people: Mapping[UserId, Person], texts: bool
) -> ExportedEntry:
    def sub(user: UserId | None) -> str | None:
        return None if user is None else people.get(user, Person(user)).sub

    act, comment = one.recorded.act, one.comment
    return ExportedEntry(
        album_id=album,
        version=one.recorded.version,
        recorded_at=act.at,
        event_type="Comment" if one.kind is EntryKind.COMMENT else "Mutation",
        mutation_type=one.type.mutation,
        source=people.get(one.author, Person(one.author)).sub,
        source_token_id=act.source.capability_token,
        source_provider_id=act.source.report_provider,
        target=sub(one.target),
        is_private=one.is_private,
        study_uid=one.study_uid,
        series_uids=one.series_uids,
        provider_id=one.provider_id,
        undoes=act.undoes,
        is_withdrawn=comment is WITHDRAWN,
        is_erased=comment is ERASED,
        comment=comment if texts and isinstance(comment, str) else None,
    )


def exported_images(
    source: ExportSource, chosen: Iterable[PatientId] = ()
) -> Iterator[ExportedImage]:
    """The images of all patients, removed ones included, by patient and id; none that was erased.

    There are none of a patient who is deleted, or was at the time of the export.

    Args:
        source: The store.
        chosen: The patients; all if it is empty.

    Raises:
        ImageNotFound: a chosen patient has no images.
        UnknownStoredEvent, DamagedStoredEvent: an event cannot be read.
    """
    there, wanted = {row["id"] for row in rows_of(source.database, _PATIENTS)}, {*chosen}
    for missing in sorted(wanted - there):
        raise ImageNotFound(f"there are no images of a patient {missing}")
    for patient in source.in_order("patient", wanted or there):
        yield from _images_of(source, PatientId(patient))


def _images_of(source: ExportSource, patient: PatientId) -> Iterator[ExportedImage]:
    stream = patient_stream(patient)
    then, added = stream.initial, dict[ImageId, tuple[Act, ImageAdded]]()
    for page in source.pages(stream, source.version_of(stream)):
        then = fold(then, page)
        added |= {
            one.event.image_id: (one.act, one.event)
            for one in page
            if isinstance(one.event, ImageAdded)
        }
    if then.is_closed:
        return
    people = source.known_people([act.user for act, _ in added.values()])
    for image_id, (act, event) in sorted(added.items(), key=itemgetter(0)):
        content = event.content
        if content.length is ERASED:
            continue
        yield ExportedImage(
            patient_id=str(patient),
            image_id=str(image_id),
            recorded_at=act.at,
            source=people.get(act.user, Person(act.user)).sub,
            clinic=event.clinic,
            station=event.station,
            type=event.type.value,
            media_type=content.media_type,
            size=content.length,
            digest=content.digest,
            is_removed=image_id in then.removed,
        )
