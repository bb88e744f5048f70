"""The tables of an export: a class for each, whose fields are the columns, and pseudonyms for what identifies."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import Attribute, field, fields, frozen

_PSEUDONYM_DIGITS = 32
_OF = "identifies"


def _id_of(thing: str) -> Mapping[str, str]:
    """Metadata of a column with the identifier of something, or with several of them."""
    return {_OF: thing}


@frozen
class ExportedEntry:
    """An entry of an album's feed.

    Attributes:
        album_id: The album.
        version: Its place in the history of the album. Events that the feed does not show leave gaps.
        recorded_at: When it happened (UTC).
        event_type: ``Comment`` or ``Mutation``.
        mutation_type: What a mutation did; None for a comment.
        source: Who acted: a ``sub``.
        source_token_id: The capability token that they acted through.
        source_provider_id: The report provider that they acted through.
        target: The user acted upon, or the reader of a private comment: a ``sub``.
        is_private: Whether it is a comment that only its author and its target see.
        study_uid: The StudyInstanceUID that it is about.
        series_uids: The SeriesInstanceUIDs that it is about.
        provider_id: The report provider that it is about.
        undoes: The version of the event that it takes back.
        is_withdrawn: Whether it is a comment that was withdrawn.
        is_erased: Whether it is a comment that was erased.
        comment: The text of a comment; None if texts are left out, or it was withdrawn or erased.
    """

    album_id: str = field(metadata=_id_of("album"))
    version: int
    recorded_at: datetime
    event_type: str
    mutation_type: str | None
    source: str = field(metadata=_id_of("user"))
    source_token_id: str | None = field(metadata=_id_of("token"))
    source_provider_id: str | None = field(metadata=_id_of("provider"))
    target: str | None = field(metadata=_id_of("user"))
    is_private: bool
    study_uid: str | None = field(metadata=_id_of("study"))
    series_uids: tuple[str, ...] = field(metadata=_id_of("series"))
    provider_id: str | None = field(metadata=_id_of("provider"))
    undoes: int | None
    is_withdrawn: bool
    is_erased: bool
    comment: str | None


@frozen
class ExportedImage:
    """An image of a patient.

    Attributes:
        patient_id: The patient.
        image_id: The image.
        recorded_at: When it was added (UTC).
        source: Who added it.
        clinic: The clinic it was taken at.
        station: The station it was taken at.
        type: What it shows.
        media_type: Of its bytes, such as ``image/jpeg``.
        size: Number of its bytes.
        digest: SHA-256 of its bytes as they are stored, in hexadecimal.
        is_removed: Whether it was removed from the set.
    """

    patient_id: str = field(metadata=_id_of("patient"))
    image_id: str = field(metadata=_id_of("image"))
    recorded_at: datetime
    source: str = field(metadata=_id_of("user"))
    clinic: int | None
    station: int | None
    type: str
    media_type: str
    size: int
    digest: str = field(metadata=_id_of("content"))
    is_removed: bool


ExportedRow = ExportedEntry | ExportedImage


@frozen
class ExportColumn:
    """A column of a table.

    Attributes:
        name: The name.
        type: The type of its values, as it is annotated: ``tuple[str, ...]`` is a list of texts.
        is_optional: Whether values may be missing.
        identifies: What its values identify; None if they identify nothing.
    """

    name: str
    type: str
    is_optional: bool
    identifies: str | None


def export_columns(table: type[ExportedRow]) -> Sequence[ExportColumn]:
    """The columns of a class of rows, in their order."""
    return [*map(_column, fields(table))]


def _column(one: Attribute[Any]) -> ExportColumn:
    annotation = str(one.type)
    type_ = annotation.removesuffix(" | None")
    return ExportColumn(one.name, type_, type_ != annotation, one.metadata.get(_OF))


def export_values(
    row: ExportedRow, columns: Sequence[ExportColumn], key: bytes | None
) -> Mapping[str, Any]:
    """The values of a row by column; with a key, `pseudonym_of` each identifier."""
    values = {one.name: getattr(row, one.name) for one in columns}
    if key is None:
        return values
    for column in columns:
        thing, value = column.identifies, values[column.name]
        if thing is None or value is None:
            continue
        if isinstance(value, str):
            values[column.name] = pseudonym_of(key, thing, value)
        else:
            values[column.name] = tuple(pseudonym_of(key, thing, one) for one in value)
    return values


def pseudonym_of(key: bytes, thing: str, identifier: str) -> str:
    """A pseudonym: 32 hexadecimal digits of the HMAC-SHA-256 of what is identified, a colon, and the identifier.

    The same key gives the same pseudonym in every column, file and export. Without the key, it leads nowhere.
    """
    return hmac.digest(key, f"{thing}:{identifier}".encode(), "sha256").hex()[:_PSEUDONYM_DIGITS]
