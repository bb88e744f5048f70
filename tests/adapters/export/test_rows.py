"""Rows of exports against the feeds and image sets that they are of."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from albumcore import (
    Album,
    Albumcore,
    Content,
    ImageType,
    PatientImageSet,
    Source,
    add_image,
    album_stream,
    delete_patient,
    patient_stream,
    restore_patient,
)
from albumcore.errors import AlbumcoreError, AlbumNotFound
from albumcore.feed import Entry, EntryKind
from albumcore.feed.entries import WITHDRAWN
from albumcore.index import AlbumRow
from albumcore.testing import (
    ALBUMS,
    CAST,
    IMAGES,
    PATIENTS,
    START,
    Clock,
    Command,
    album_commands,
    image_set_commands,
)
from albumcore_adapters.directory.people import People
from albumcore_adapters.export.reading import ExportSource, exported_entries, exported_images
from albumcore_adapters.store import database_of, open_memory
from support.playing import on, play

ALBUM, PATIENT = ALBUMS[0], PATIENTS[0]
PAGES = st.sampled_from([1, 2, 1000])
MOMENTS = st.none() | st.integers(0, 100).map(lambda minutes: START + timedelta(minutes=minutes))


def source_of(store: Albumcore, **options: Any) -> ExportSource:
    """What is exported, where no person is registered."""
    database = database_of(store)
    return ExportSource(store, database, People(database), **options)


def row_of(one: Entry) -> dict[str, Any]:
    """An entry as the columns have it."""
    event = one.recorded.event
    about = {
        "study_uid": "study_uid" if one.type.study else None,
        "provider_id": "provider_id" if one.type.provider else None,
    }
    is_comment = one.kind is EntryKind.COMMENT
    return {
        "album_id": ALBUM,
        "version": one.recorded.version,
        "recorded_at": one.recorded.at,
        "event_type": "Comment" if is_comment else "Mutation",
        "mutation_type": one.type.mutation,
        "source": one.author,
        "source_token_id": one.recorded.act.source.capability_token,
        "source_provider_id": one.recorded.act.source.report_provider,
        "target": one.target,
        "is_private": one.is_private,
        **{name: place and getattr(event, place) for name, place in about.items()},
        "series_uids": one.series_uids,
        "undoes": one.recorded.act.undoes,
        "is_withdrawn": one.is_withdrawn,
        "is_erased": False,
        "comment": event.comment if is_comment and one.comment is not WITHDRAWN else None,
    }


@given(
    tried=album_commands(),
    taken_back=st.lists(st.integers(1, 20), max_size=5),
    at=MOMENTS,
    page=PAGES,
)
def test_entries_are_those_of_the_feed(
    tried: list[Command[Album]], taken_back: list[int], at: Any, page: int
) -> None:
    """Of the whole feed, now and at any time, oldest first; a deleted album has none."""
    clock = Clock()
    with open_memory(clock=clock) as store:
        play(store, clock, on(album_stream(ALBUM), tried))
        for version in taken_back:
            clock.now += timedelta(minutes=1)
            with suppress(AlbumcoreError):
                store.undo(ALBUM, version, tried[0].source)
        expected = []
        if store.index.rows(AlbumRow, {"album_id": ALBUM}):
            with suppress(AlbumNotFound):
                entries = store.feed(ALBUM, None, at=at).entries
                expected = [row_of(one) for one in reversed(entries)]
        rows = [*exported_entries(source_of(store, at=at, page=page), texts=True)]
        assert [asdict(row) for row in rows] == expected
        without = [*exported_entries(source_of(store, at=at, page=page))]
        assert [one.version for one in without] == [one.version for one in rows]
        assert all(one.comment is None for one in without)


@given(tried=image_set_commands(), at=MOMENTS, page=PAGES)
def test_images_are_those_of_the_set(
    tried: list[Command[PatientImageSet]], at: Any, page: int
) -> None:
    """Now and at any time, those that were removed too; none of a patient who is deleted, or was."""
    clock, stream = Clock(), patient_stream(PATIENT)
    with open_memory(clock=clock) as store:
        play(store, clock, on(stream, tried))
        then = store.load(stream, at=at)
        if then.is_closed or store.load(stream).is_closed:
            then = PatientImageSet()
        expected = sorted({**then.images, **then.removed}.items())
        found = [
            (
                (row.patient_id, int(row.image_id), row.is_removed),
                (row.clinic, row.station, row.type),
                (row.digest, row.size, row.media_type),
            )
            for row in exported_images(source_of(store, at=at, page=page))
        ]
        assert found == [
            (
                (str(PATIENT), one, one in then.removed),
                (image.clinic, image.station, image.type.value),
                (image.content.digest, image.content.length, image.content.media_type),
            )
            for one, image in expected
        ]


def test_a_patient_who_was_deleted_then_has_no_images_then() -> None:
    """Also if they were restored since: their images could not be shown."""
    clock, stream, by = Clock(), patient_stream(PATIENT), Source(CAST.users[0])
    content = Content("ab" * 32, 5_011, "image/png")
    with open_memory(clock=clock) as store:
        store.handle(stream, add_image, by, IMAGES[0], None, None, ImageType.XRAY, content)
        moments = []
        for decision in (delete_patient, restore_patient):
            clock.now += timedelta(minutes=1)
            store.handle(stream, decision, by)
            moments.append(clock.now)
        sources = [source_of(store, at=at) for at in (START, *moments, None)]
        assert [len([*exported_images(one)]) for one in sources] == [1, 0, 1, 1]
