"""Downloading a study or a series as a ZIP archive with a media directory (Kheops API; DICOM PS3.18 section 8.7.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby

from attrs import evolve

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.base.dicom_json import Attributes, element
from albumcore_adapters.base.zip_stream import ZipEntry, zip_length, zip_pieces
from albumcore_adapters.dicom.directory_records import IMAGE_RECORD, record_type
from albumcore_adapters.dicom.media_directory import DirectoryFile, media_directory
from albumcore_adapters.directory.stored_instances import StoredInstance
from albumcore_adapters.directory.study_search import known_attributes
from albumcore_adapters.http.accept import DICOM, MULTIPART
from albumcore_adapters.http.conditional import ETAG, etag_of
from albumcore_adapters.http.dicomweb.choosing import syntax_of
from albumcore_adapters.http.dicomweb.media_ranges import MediaRange
from albumcore_adapters.http.response import BodyStream, Response
from albumcore_adapters.instances.reading import InstanceReader
from albumcore_adapters.sql.database import Database

ZIP = "application/zip"

_FILE_SET = "ALBUMCORE"
_NAME = "DICOM.ZIP"
_IN_FOLDER = 1000


def prefers_zip(ranges: Iterable[MediaRange]) -> bool:
    """Whether a client prefers a ZIP archive to the files in parts. It has to name it: ``*/*`` are the parts."""
    for one in ranges:
        if one.media_type == ZIP:
            return True
        if one.matches(MULTIPART) or one.matches(DICOM):
            return False
    return False


def zip_response(
    reader: InstanceReader,
    database: Database,
    study: StudyUID,
    instances: Sequence[StoredInstance],
    at: datetime,
) -> Response:
    """The response with a ZIP archive of instances, which are read while it is sent; its length is known.

    Args:
        reader: Reads the instances.
        database: The database of the catalogue.
        study: Their study.
        instances: The instances, those of one series side by side.
        at: When the archive is made.
    """
    # Where frames are is not needed, and may be much of a study with many frames.
    lean = [evolve(one, pixels=None) for one in instances]
    headers = {
        "Content-Disposition": f'attachment; filename="{_NAME}"',
        ETAG: etag_of(ZIP, *(str(one.digest) for one in lean), is_weak=True),
    }
    return Response(200, partial(_archive, reader, database, study, lean, at), ZIP, headers)


def _archive(
    reader: InstanceReader,
    database: Database,
    study: StudyUID,
    instances: Sequence[StoredInstance],
    at: datetime,
) -> BodyStream:
    paths = {one.sop_instance_uid: _path(number) for number, one in enumerate(instances, 1)}
    entries = [_entry(reader, one, paths[one.sop_instance_uid]) for one in instances]
    directory = _directory(reader, database, study, instances, paths)
    entries.append(ZipEntry("DICOMDIR", len(directory), lambda: [directory]))
    return BodyStream(zip_pieces(entries, at), zip_length(entries))


def _path(number: int) -> Sequence[str]:
    return "DICOM", str(number // _IN_FOLDER), str(number)


def _entry(reader: InstanceReader, instance: StoredInstance, path: Sequence[str]) -> ZipEntry:
    assert instance.length is not None
    read = reader.read(instance, [(0, instance.length)])
    return ZipEntry("/".join(path), instance.length, partial(read, 0, instance.length))


def _directory(
    reader: InstanceReader,
    database: Database,
    study: StudyUID,
    instances: Iterable[StoredInstance],
    paths: Mapping[str, Sequence[str]],
) -> bytes:
    """The media directory. An instance without the keys of a record has none, but is in the archive."""
    of_study, of_series = known_attributes(database, study)

    def series() -> Iterator[tuple[Attributes, Iterable[DirectoryFile]]]:
        for uid, group in groupby(instances, key=lambda one: one.series_uid):
            files = (_file(reader, one, paths[one.sop_instance_uid]) for one in group)
            yield of_series.get(SeriesUID(uid), {}), files

    return media_directory(_FILE_SET, of_study, series())


def _file(reader: InstanceReader, instance: StoredInstance, path: Sequence[str]) -> DirectoryFile:
    sop_class = instance.sop_class_uid or ""
    if record_type(sop_class) is not IMAGE_RECORD:
        known = reader.attributes(instance)
    elif instance.number is None:
        known = {}
    else:
        known = {"00200013": element("IS", instance.number)}
    return DirectoryFile(path, sop_class, instance.sop_instance_uid, syntax_of(instance), known)
