"""What an erasure does, in sealed stores on both databases: texts and images are gone at once, and nothing else is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve, fields

from albumcore import (
    Albumcore,
    AlbumTextErased,
    CommandKey,
    Content,
    ErasureRecorded,
    Grants,
    ImageNotFound,
    ImageType,
    Invalid,
    Source,
    add_image,
    add_member,
    create_album,
    create_report_provider,
    create_webhook,
    delete_album,
    edit_album,
    edit_report_provider,
    edit_webhook,
    import_study,
    issue_capability_token,
    issue_user_token,
    open_memory,
    patient_stream,
    post_comment,
    post_study_comment,
    remove_image,
    restore_image,
    study_stream,
    user_stream,
)
from albumcore.erasures import ErasureKind
from albumcore.ids import (
    AlbumId,
    CapabilityTokenId,
    ImageId,
    PatientId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
    WebhookId,
)
from albumcore.index import (
    AlbumRow,
    CapabilityTokenRow,
    CommandRow,
    ImageRow,
    ProviderRow,
)
from albumcore.kernel import ERASED, ERASED_TEXT
from albumcore.sealing import user_subject
from albumcore.streams import album_stream, erasures_stream
from albumcore_adapters.base.retention import parse_retention
from albumcore_adapters.directory.patients import Patient
from albumcore_adapters.erasure.erasing import (
    Eraser,
    ErasureRefused,
    ErasureTargets,
    KeptUntil,
    StoreInClear,
    erase,
    keys_of_subject,
)
from albumcore_adapters.erasure.erasure_list import ListedErasure, read_erasures
from albumcore_adapters.erasure.subject_check import subject_problems
from albumcore_adapters.erasure.subjects import (
    erase_again,
    erase_album,
    erase_comment,
    erase_image,
    erase_patient,
    erase_study,
)
from albumcore_adapters.store import database_of
from support.clock import Clock
from support.facts import rows_of
from support.sealed_place import Place

ALBUM, OTHER = AlbumId("Q7bZ2mP0xT"), AlbumId("otherAlbum")
ALICE, BOB = UserId("p-alice"), UserId("p-bob")
STUDY, SERIES = StudyUID("1.2.3"), SeriesUID("1.2.3.1")
PROVIDER, HOOK, TOKEN = ReportProviderId("scribe"), WebhookId("bell"), CapabilityTokenId("key1")
PATIENT, IMAGE = PatientId(7), ImageId(63)
CONTENT = Content("ab" * 32, 5_011, "image/png")
SAID = "Something about Mr. Ndiaye"
KEY = CommandKey("again", "cd" * 32)


def fill(albums: Albumcore) -> None:
    """An album with everything that has a text, a study with comments, an image."""
    alice, bob = Source(ALICE), Source(BOB)
    stream = album_stream(ALBUM)
    albums.handle(stream, create_album, alice, "Ndiaye's knees", "All of them")
    albums.handle(stream, add_member, alice, BOB)
    albums.handle(stream, import_study, alice, STUDY, [SERIES])
    albums.handle_once(KEY, stream, post_comment, bob, SAID)
    albums.handle(stream, post_comment, alice, "Between us", BOB)
    albums.handle(
        stream, create_report_provider, alice, PROVIDER, "Scribe", "https://scribe.example"
    )
    albums.handle(stream, create_webhook, alice, HOOK, "Bell", "https://bell.example")
    albums.handle(
        stream, issue_capability_token, alice, TOKEN, "01" * 32, "Scanner", Grants(read=True)
    )
    albums.handle(
        user_stream(BOB), issue_user_token, bob, CapabilityTokenId("own"), "02" * 32, "Lap"
    )
    for who in (alice, bob):
        albums.handle(study_stream(STUDY), post_study_comment, who, {ALICE, BOB}, SAID)
    albums.handle(patient_stream(PATIENT), add_image, alice, IMAGE, 1, 2, ImageType.XRAY, CONTENT)


def comments_of(albums: Albumcore, viewer: UserId = ALICE) -> list[object]:
    """The texts of the comments that a member sees, oldest first."""
    entries = albums.feed(ALBUM, viewer).entries
    return [one.comment for one in reversed(entries) if one.comment is not None]


def rows_in(place: Place, table: str) -> list[tuple[object, ...]]:
    """The first two columns of all rows of a table."""
    with place.database.transaction(commit=False) as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        return [tuple(row[name] for name in [*row.keys()][:2]) for row in cursor.fetchall()]


def test_a_comment_is_erased_and_stays_an_entry(place: Place) -> None:
    """For every process at once; the other comments stay as they are."""
    fill(place.albums)
    warm = place.open_again()
    assert comments_of(warm, BOB) == [SAID, "Between us"]
    erased = erase_comment(place.eraser, album_stream(ALBUM).name, 4)
    assert (erased.events, erased.streams, erased.rows) == (1, 1, 0)
    for albums in (place.albums, warm, place.open_again()):
        assert comments_of(albums, BOB) == [ERASED, "Between us"]
        assert albums.load(album_stream(ALBUM)).name == "Ndiaye's knees"
        assert albums.verify() == []


def test_a_second_erasure_finds_nothing(place: Place) -> None:
    """No event is recorded, and no line is listed."""
    fill(place.albums)
    stream = album_stream(ALBUM).name
    erase_comment(place.eraser, stream, 4)
    before = len(place.albums.follow(0, 100))
    assert erase_comment(place.eraser, stream, 4).is_nothing
    assert len(place.albums.follow(0, 100)) == before
    assert len(read_erasures(place.folder / "erasures.jsonl")) == 1


def test_what_is_no_comment_is_refused(place: Place) -> None:
    """The name of an album is erased with the album."""
    fill(place.albums)
    for stream, version in ((album_stream(ALBUM).name, 1), (album_stream(OTHER).name, 1)):
        with pytest.raises(ErasureRefused, match="is no comment"):
            erase_comment(place.eraser, stream, version)


def test_an_album_is_erased_with_all_its_texts(place: Place) -> None:
    """Members and series stay. A later name is not that of the album when it was erased."""
    fill(place.albums)
    warm = place.open_again()
    warm.load(album_stream(ALBUM))
    assert erase_album(place.eraser, ALBUM).events == 6
    for albums in (warm, place.albums):
        album = albums.load(album_stream(ALBUM))
        assert (album.name, album.description) == (ERASED, ERASED)
        assert album.report_providers[PROVIDER].name is ERASED
        assert album.webhooks[HOOK].url is ERASED
        assert album.capability_tokens[TOKEN].title is ERASED
        assert (set(album.members), set(album.studies)) == ({ALICE, BOB}, {STUDY})
        assert comments_of(albums, BOB) == [ERASED, ERASED]
        [row] = albums.index.rows(AlbumRow, {"album_id": ALBUM})
        assert (row.name, row.description) == (ERASED_TEXT, ERASED_TEXT)
        assert [one.name for one in albums.index.rows(ProviderRow, {})] == [ERASED_TEXT]
        titles = {one.token_id: one.title for one in albums.index.rows(CapabilityTokenRow, {})}
        assert titles == {TOKEN: ERASED_TEXT, "own": "Lap"}
    warm.handle(album_stream(ALBUM), edit_album, Source(ALICE), "Hips")
    assert place.albums.load(album_stream(ALBUM)).name == "Hips"
    assert place.albums.load(album_stream(ALBUM)).description is ERASED
    before = rows_of(warm)
    assert warm.verify() == []
    warm.rebuild()
    assert rows_of(warm) == before


def test_the_past_has_no_erased_text(place: Place) -> None:
    """As of a version or time before the erasure, also where a snapshot of it was stored."""
    fill(place.albums)
    at = place.clock.now
    before = place.albums.load(album_stream(ALBUM))
    assert before.name == "Ndiaye's knees"
    place.albums.states.save(album_stream(ALBUM), place.albums.states.current(album_stream(ALBUM)))
    erase_album(place.eraser, ALBUM)
    for albums in (place.albums, place.open_again()):
        assert albums.load(album_stream(ALBUM), version=2).name is ERASED
        assert albums.load(album_stream(ALBUM), at=at).name is ERASED
        page = albums.feed(ALBUM, BOB, at=at)
        assert {one.comment for one in page.entries} == {None, ERASED}


def test_a_snapshot_from_before_is_not_stored_afterwards(place: Place) -> None:
    """Another process may be about to store one with the texts, of the newest state or of an older one."""
    fill(place.albums)
    warm = place.open_again()
    stream = album_stream(ALBUM)
    newest, older = warm.states.current(stream), warm.states.as_of(stream, 5, saves=False)
    position = warm.recorder.max_notification_id() or 0
    erase_album(place.eraser, ALBUM)
    warm.states.save(stream, newest)
    warm.states.save(stream, older, position)
    assert warm.load(stream, version=newest.version).name is ERASED
    assert warm.load(stream, version=5).name is ERASED
    # A replay that begins now stores what it reads.
    position = warm.recorder.max_notification_id() or 0
    warm.states.save(stream, warm.states.as_of(stream, 5, saves=False), position)
    assert warm.load(stream, version=5).name is ERASED
    assert warm.verify() == []


def test_a_study_is_erased_with_its_comments(place: Place) -> None:
    """Comments in albums name no study; a person has to look at those."""
    fill(place.albums)
    erased = erase_study(place.eraser, STUDY)
    assert erased.events == 2
    [note] = erased.notes
    assert note.startswith(f"album {ALBUM} has series of study {STUDY}: its 1 comments to all")
    entries, total = place.albums.study_comments(STUDY, ALICE)
    assert ([one.comment for one in entries], total) == ([ERASED, ERASED], 2)
    assert place.albums.verify() == []


def test_an_image_is_erased(place: Place) -> None:
    """It is not in the set and not found, as if it had been removed; its id is as before."""
    fill(place.albums)
    warm = place.open_again()
    assert warm.image(IMAGE)
    assert erase_image(place.eraser, IMAGE).events == 1
    for albums in (warm, place.albums):
        with pytest.raises(ImageNotFound):
            albums.image(IMAGE)
        assert albums.load(patient_stream(PATIENT)).images == {}
        assert albums.index.rows(ImageRow, {}) == []
        assert albums.verify() == []
    assert erase_image(place.eraser, IMAGE).is_nothing


def test_a_removed_image_is_erased(place: Place) -> None:
    """It has no row, and is found by reading the events."""
    fill(place.albums)
    place.albums.handle(patient_stream(PATIENT), remove_image, Source(ALICE), IMAGE)
    assert erase_image(place.eraser, IMAGE).events == 1
    with pytest.raises(ImageNotFound):
        place.albums.handle(patient_stream(PATIENT), restore_image, Source(ALICE), IMAGE)
    assert place.albums.verify() == []
    assert erase_image(place.eraser, ImageId(64)).is_nothing


def test_a_patient_is_erased(place: Place) -> None:
    """With all images, and the row of the directory."""
    fill(place.albums)
    columns = [one.name for one in fields(Patient) if one.name != "oldid"]
    marks = ", ".join("?" * (len(columns) + 1))
    with place.database.transaction(commit=True) as cursor:
        cursor.execute(
            f"INSERT INTO directory_patient (id, {', '.join(columns)}) VALUES ({marks})",
            (PATIENT, *columns),
        )
    erased = erase_patient(place.eraser, PATIENT)
    assert (erased.events, erased.rows) == (1, 1)
    assert erase_patient(place.eraser, PATIENT).is_nothing
    assert place.albums.verify() == []


def test_a_retry_after_an_erasure_finds_its_command(place: Place) -> None:
    """By its id alone: its content is erased, too, since the text could be guessed from it."""
    fill(place.albums)
    erase_comment(place.eraser, album_stream(ALBUM).name, 4)
    [row] = place.albums.index.rows(CommandRow, {"command": "again"})
    assert row.content is None
    [found] = place.albums.handle_once(KEY, album_stream(ALBUM), post_comment, Source(BOB), SAID)
    assert (found.version, found.event.comment) == (4, ERASED)


def test_an_erased_address_is_not_edited_in_part(place: Place) -> None:
    """The rest of it is gone: a new name and address are asked for."""
    fill(place.albums)
    erase_album(place.eraser, ALBUM)
    handle, stream, alice = place.albums.handle, album_stream(ALBUM), Source(ALICE)
    for arguments in ((edit_report_provider, PROVIDER), (edit_webhook, HOOK)):
        decision, one = arguments
        with pytest.raises(Invalid, match="name: "):
            handle(stream, decision, alice, one, None, "https://new.example")  # type: ignore[arg-type]
        with pytest.raises(Invalid, match="url: "):
            handle(stream, decision, alice, one, "New", None)  # type: ignore[arg-type]
        handle(stream, decision, alice, one, "New", "https://new.example")  # type: ignore[arg-type]
    album = place.albums.load(stream)
    assert album.report_providers[PROVIDER].name == album.webhooks[HOOK].name == "New"


def test_a_deleted_album_is_erased(place: Place) -> None:
    """Nothing of it is shown; what its events say is forgotten all the same."""
    fill(place.albums)
    place.albums.handle(album_stream(ALBUM), delete_album, Source(ALICE))
    assert erase_album(place.eraser, ALBUM).events == 6
    assert place.albums.verify() == []


def test_secrets_of_webhooks_are_erased_with_their_album(place: Place) -> None:
    """Also one that was not projected yet, and one that a delivery of the deleted album still needs."""
    fill(place.albums)
    secrets = {"detached": "bell", "not projected": "gong", "of another album": "horn"}
    with place.database.transaction(commit=True) as cursor:
        for name, secret in secrets.items():
            row = (name, secret, "2026-03-01T09:30:00")
            cursor.execute("INSERT INTO webhook_secret VALUES (?, ?, ?)", row)
        cursor.execute(
            "INSERT INTO webhook_trigger (number, trigger_id, album_id, webhook_id, event, is_manual, at, sub,"
            " is_study_gone, url, secret, due_at)"
            " VALUES (1, 't', ?, ?, 'delete_album', 0, '', ?, 0, 'https://bell.example', 'detached', '')",
            (ALBUM, HOOK, ALICE),
        )
    stream, alice = album_stream(ALBUM), Source(ALICE)
    place.albums.handle(stream, edit_webhook, alice, HOOK, secret="detached")
    place.albums.handle(stream, edit_webhook, alice, HOOK, secret="not projected")
    place.albums.handle(stream, delete_album, alice)
    assert erase_album(place.eraser, ALBUM).rows == 3
    assert rows_in(place, "webhook_secret") == [("of another album", "horn")]
    assert rows_in(place, "webhook_trigger") == []


def test_the_store_and_the_list_record_an_erasure(place: Place) -> None:
    """By ids, with the legal basis."""
    fill(place.albums)
    erase_album(place.eraser, ALBUM, "Art. 17(1)(b)")
    [recorded] = place.albums.history(erasures_stream())
    assert recorded.event == ErasureRecorded(ErasureKind.ALBUM, ALBUM, None, "Art. 17(1)(b)")
    [listed] = read_erasures(place.folder / "erasures.jsonl")
    assert (listed.kind, listed.key, listed.basis) == (ErasureKind.ALBUM, ALBUM, "Art. 17(1)(b)")
    *_, notice = place.albums.history(album_stream(ALBUM))
    assert isinstance(notice.event, AlbumTextErased)
    assert notice.event.versions == (1, 4, 5, 6, 7, 8)


def test_what_must_be_stored_is_erased_with_a_basis_alone(place: Place) -> None:
    """The refusal has the date until which it must be stored; afterwards none is needed."""
    fill(place.albums)
    eraser = evolve(
        place.eraser, retention=parse_retention("patient_images=10y,study_comments=30d")
    )
    with pytest.raises(KeptUntil, match=r"patient_images .* until 2036-03-01 .*--basis") as refused:
        erase_patient(eraser, PATIENT)
    assert refused.value.until.year == 2036
    with pytest.raises(KeptUntil, match="study_comments"):
        erase_study(eraser, STUDY)
    assert len(place.albums.follow(0, 100)) == 12
    assert erase_album(eraser, ALBUM).events == 6
    assert erase_image(eraser, IMAGE, "Court order 17/2026").events == 1
    place.clock.now += timedelta(days=31)
    assert erase_study(eraser, STUDY).events == 2


def test_an_error_leaves_everything_as_it_was(place: Place) -> None:
    """Nothing is erased that the list does not have."""
    fill(place.albums)
    eraser = evolve(place.eraser, file=Path("/nowhere/erasures.jsonl"))
    with pytest.raises(OSError, match="nowhere"):
        erase_album(eraser, ALBUM)
    assert comments_of(place.albums, BOB) == [SAID, "Between us"]
    assert place.albums.verify() == []


def test_a_key_that_is_lost_is_told_from_an_erased_one(place: Place) -> None:
    """And so is one that came back, as after the restore of an older backup."""
    fill(place.albums)
    stream, numbers = album_stream(ALBUM).name, list[int]()
    select = "SELECT key FROM directory_event_key WHERE stream = ? AND version = 4"
    with place.database.transaction(commit=True) as cursor:
        cursor.execute(select, (stream,))
        [row] = cursor.fetchall()
        cursor.execute(
            "DELETE FROM directory_event_key WHERE stream = ? AND version = 5", (stream,)
        )
    erase_comment(place.eraser, stream, 4)
    lost = f"{stream} version 5: its key is lost, and with it what was sealed"
    assert place.albums.verify(count_erased=numbers.append) == [lost]
    assert numbers == [1]
    with place.database.transaction(commit=True) as cursor:
        cursor.execute(
            "INSERT INTO directory_event_key VALUES (?, 4, 'album', ?)", (stream, row["key"])
        )
    assert f"{stream} version 4: it was erased, and its key is there again" in place.albums.verify()


def test_a_key_of_another_subject_is_found(place: Place) -> None:
    """The erasure of its author would leave it. So is a key of no event."""
    fill(place.albums)
    stream = album_stream(ALBUM).name
    assert subject_problems(place.albums, place.database) == []
    with place.database.transaction(commit=True) as cursor:
        cursor.execute(
            "UPDATE directory_event_key SET subject = 'user:p-eve' WHERE stream = ? AND version = 4",
            (stream,),
        )
        cursor.execute(
            "INSERT INTO directory_event_key SELECT ?, 3, subject, key FROM directory_event_key LIMIT 1",
            (OTHER,),
        )
        cursor.execute(
            "UPDATE stored_events SET topic = 'album.newer' WHERE originator_id = ?"
            " AND originator_version = 6",
            (stream,),
        )
    assert subject_problems(place.albums, place.database) == [
        f"directory_event_key stream={stream!r}, version=4: it would be erased with user:p-eve, and is of "
        f"user:{BOB}",
        f"directory_event_key stream={OTHER!r}, version=3: there is no such event",
    ]


def test_a_restored_store_is_erased_again_by_the_list(place: Place) -> None:
    """What is not there is passed over; the list stays as it is, and retention was decided before."""
    fill(place.albums)
    at = place.clock.now
    listed = [
        ListedErasure(at, ErasureKind.COMMENT, album_stream(ALBUM).name, version=4),
        ListedErasure(at, ErasureKind.COMMENT, album_stream(OTHER).name, version=4),
        ListedErasure(at, ErasureKind.IMAGE, str(IMAGE)),
        ListedErasure(at, ErasureKind.PATIENT, str(PATIENT)),
        ListedErasure(at, ErasureKind.STUDY, STUDY),
        ListedErasure(at, ErasureKind.ALBUM, OTHER),
    ]
    eraser = evolve(place.eraser, retention=parse_retention("patient_images=10y"))
    assert erase_again(eraser, listed).events == 4
    assert not (place.folder / "erasures.jsonl").exists()
    assert comments_of(place.albums, BOB) == [ERASED, "Between us"]
    assert erase_again(eraser, listed).is_nothing
    assert place.albums.verify() == []


def test_what_came_after_an_erasure_stays_when_the_list_is_applied(place: Place) -> None:
    """A backup from after an erasure has it. One that was applied before is known by its time, too."""
    fill(place.albums)
    place.clock.now += timedelta(days=1)
    earlier = ListedErasure(place.clock.now, ErasureKind.STUDY, StudyUID("1.2.4"))
    assert erase_again(place.eraser, [earlier]).is_nothing
    erase_album(place.eraser, ALBUM)
    listed = [earlier, *read_erasures(place.folder / "erasures.jsonl")]
    stream, alice = album_stream(ALBUM), Source(ALICE)
    place.albums.handle(stream, edit_album, alice, name="New")
    place.albums.handle(stream, post_comment, alice, "After it")
    other = study_stream(StudyUID("1.2.4"))
    place.albums.handle(other, post_study_comment, alice, {ALICE}, SAID)
    assert erase_again(place.eraser, listed).is_nothing
    assert place.albums.load(stream).name == "New"
    assert comments_of(place.albums) == [ERASED, ERASED, "After it"]
    later = evolve(listed[1], at=place.clock.now)
    assert erase_again(place.eraser, [*listed, later]).events == 2
    assert comments_of(place.albums) == [ERASED, ERASED, ERASED]
    assert place.albums.verify() == []


def test_keys_of_an_author_are_erased_in_every_stream(place: Place) -> None:
    """Their comments in albums and on studies, and the titles of their own tokens."""
    fill(place.albums)
    listed = ListedErasure(place.clock.now, ErasureKind.PERSON, BOB)
    erased = erase(
        place.eraser,
        listed,
        lambda cursor: ErasureTargets(keys_of_subject(cursor, user_subject(BOB))),
    )
    assert (erased.events, erased.streams) == (3, 3)
    assert comments_of(place.albums, BOB) == [ERASED, "Between us"]
    entries, _ = place.albums.study_comments(STUDY, ALICE)
    assert [one.comment for one in entries] == [ERASED, SAID]
    [token] = place.albums.load(user_stream(BOB)).tokens.values()
    assert (token.title, token.digest) == (ERASED, "02" * 32)
    assert place.albums.verify() == []


def test_a_store_in_clear_refuses(tmp_path: Path) -> None:
    """It names the command that makes a sealed one of it."""
    clock = Clock()
    with open_memory(clock=clock) as albums:
        fill(albums)
        eraser = Eraser(albums, database_of(albums), clock, {}, tmp_path / "erasures.jsonl")
        with pytest.raises(StoreInClear, match="albumcore copy --seal"):
            erase_album(eraser, ALBUM)
        with pytest.raises(StoreInClear):
            erase_comment(eraser, album_stream(ALBUM).name, 4)
        with pytest.raises(StoreInClear):
            erase_image(eraser, IMAGE)
    assert not (tmp_path / "erasures.jsonl").exists()
