"""Consistency check of the keys of events: each is erased with the person, patient or album that its event is of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter

from albumcore import Albumcore
from albumcore.errors import AlbumcoreError
from albumcore.sealing import KeyedEvent, subject_of
from albumcore_adapters.directory.stored_instances import INSTANCE_STREAM
from albumcore_adapters.sql.database import Database, Row, rows_of
from albumcore_adapters.sql.pages import pages
from albumcore_adapters.store.sealing import KEYS_TABLE

_PAGE = 1000
_SELECT = (
    "SELECT stream, version, subject, topic, state FROM "  # noqa: S608
    f"(SELECT stream, version, subject FROM {KEYS_TABLE} WHERE (stream, version) > (?, ?)"
    f" ORDER BY stream, version LIMIT {_PAGE}) AS page"
    " LEFT JOIN stored_events ON originator_id = stream AND originator_version = version"
    " ORDER BY stream, version"
)


def subject_problems(albums: Albumcore, database: Database) -> list[str]:
    """Return one line for each key that is stored for another subject than that of its event.

    The erasure of a person, patient or album would leave it. An event that cannot be read is passed over.

    Args:
        albums: The open store.
        database: Its database.

    Raises:
        StoreError: a table is not readable.
    """
    return [*_problems(albums, database)]


def _problems(albums: Albumcore, database: Database) -> Iterator[str]:
    def read(last: tuple[str, int]) -> Sequence[Row]:
        return rows_of(database, _SELECT, *last)

    for page in pages(read, itemgetter("stream", "version"), ("", 0)):
        for row in page:
            stream, version = row["stream"], row["version"]
            if stream.startswith(INSTANCE_STREAM):
                continue  # of an instance, see `directory.consistency`
            wrong = f"{KEYS_TABLE} stream={stream!r}, version={version}"
            if row["topic"] is None:
                yield f"{wrong}: there is no such event"
                continue
            try:
                # Without the key: the subject is not encrypted.
                stored = KeyedEvent(stream, version, row["topic"], row["state"])
                subject = subject_of(albums.mapper.to_domain_event(stored))  # type: ignore[arg-type]
            except AlbumcoreError:
                continue
            if subject != row["subject"]:
                yield f"{wrong}: it would be erased with {row['subject']}, and is of {subject}"


__all__ = ["subject_problems"]
