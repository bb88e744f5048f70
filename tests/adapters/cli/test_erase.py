"""`albumcore erase` and `albumcore gc`: what they print, what they refuse, and that they work beside a service."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from albumcore import (
    Content,
    ImageType,
    Source,
    add_image,
    add_member,
    album_stream,
    create_album,
    patient_stream,
    post_comment,
    post_study_comment,
    study_stream,
)
from albumcore.ids import AlbumId, ImageId, PatientId, StudyUID, UserId
from albumcore_adapters.service import Service
from albumcore_adapters.store import open_sqlite
from support.command_line import Run
from support.instances import store_instance
from support.sealed_place import seal
from support.server import opened, user_of

ALBUM, STUDY = AlbumId("Q7bZ2mP0xT"), StudyUID("1.2.3")
SERIES_STUDY = StudyUID("1.3.7")
SAID = "Something about Mr. Ndiaye"


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Service]:
    """An open service with a sealed store, in which Alice and Bob have commented."""
    seal(tmp_path)
    with opened(tmp_path) as service:
        for name in ("alice", "bob"):
            service.people.register(name, f"{name}@clinic.example", name.title())
        alice, bob = (user_of(service, name) for name in ("alice", "bob"))
        handle, stream = service.albums.handle, album_stream(ALBUM)
        handle(stream, create_album, Source(alice), "Ndiaye")
        handle(stream, add_member, Source(alice), bob)
        handle(stream, post_comment, Source(bob), SAID)
        handle(study_stream(STUDY), post_study_comment, Source(bob), {bob}, SAID)
        yield service


def add_an_image(service: Service) -> None:
    """Record an image of patient 7; its bytes are nowhere."""
    source, content = Source(user_of(service, "alice")), Content("ab" * 32, 5_011, "image/png")
    stream, xray = patient_stream(PatientId(7)), ImageType.XRAY
    service.albums.handle(stream, add_image, source, ImageId(63), None, None, xray, content)


def shown(run: Run, folder: Path) -> list[str]:
    """The comments in the album, and the mutations, newest first."""
    status, out, _ = run("events", ALBUM, "--data", folder)
    assert status == 0
    told = [json.loads(line) for line in out.splitlines()]
    return [one.get("comment") or one["mutation_type"] for one in told]


@pytest.mark.usefixtures("sealed")
def test_a_comment_is_erased_by_its_album_and_version(run: Run, tmp_path: Path) -> None:
    """A running service does not mind. A second time there is nothing to erase."""
    command = ("erase", "comment", ALBUM, "3", "--data", tmp_path)
    status, out, _ = run(*command)
    assert (status, out.splitlines()[0]) == (
        0,
        "1 events in 1 streams were erased, and 0 rows beside them",
    )
    assert shown(run, tmp_path) == ["[erased]", "ADD_USER", "CREATE_ALBUM"]
    assert run(*command)[:2] == (0, f"there is nothing to erase of comment {ALBUM}\n")
    status, out, _ = run("verify", "--data", tmp_path, "--json")
    assert json.loads(out)["erased"] == 1


@pytest.mark.usefixtures("sealed")
def test_a_comment_is_erased_by_its_study_and_version(run: Run, tmp_path: Path) -> None:
    """A StudyInstanceUID has dots, and an album id has none."""
    assert run("erase", "comment", STUDY, "1", "--data", tmp_path)[1].startswith("1 events in 1")


def test_a_person_is_erased_by_sub_or_address(run: Run, tmp_path: Path, sealed: Service) -> None:
    """Others see their comments as erased, and them as an unknown user; the same sub is a new person afterwards."""
    bob = user_of(sealed, "bob")
    status, out, _ = run("erase", "person", "BOB@clinic.example", "--data", tmp_path)
    assert (status, out.splitlines()[0]) == (
        0,
        "2 events in 2 streams were erased, and 1 rows beside them",
    )
    assert shown(run, tmp_path) == ["[erased]", "ADD_USER", "CREATE_ALBUM"]
    assert run("erase", "person", "bob", "--data", tmp_path)[1] == (
        "there is nothing to erase of person bob\n"
    )
    assert run("verify", "--data", tmp_path)[0] == 0
    assert sealed.people.person(bob) is None
    again = sealed.people.register("bob", "bob@clinic.example", "Bob")
    assert again.id != bob
    assert bob in sealed.albums.load(album_stream(ALBUM)).members
    listed = (tmp_path / "erasures.jsonl").read_text(encoding="utf-8")
    assert (json.loads(listed)["pid"], "bob" in listed.replace(bob, "")) == (bob, False)


def test_what_a_request_recorded_after_the_erasure_is_erased_by_the_pseudonym(
    run: Run, tmp_path: Path, sealed: Service
) -> None:
    """It had looked up its user before. The directory does not know them any more; the list does."""
    bob = user_of(sealed, "bob")
    assert run("erase", "person", "bob", "--data", tmp_path)[0] == 0
    sealed.albums.handle(album_stream(ALBUM), post_comment, Source(bob), SAID)
    assert shown(run, tmp_path)[0] == SAID
    out = run("erase", "person", bob, "--data", tmp_path)[1]
    assert out.startswith("1 events in 1 streams were erased, and 0 rows")
    assert shown(run, tmp_path)[:2] == ["[erased]", "[erased]"]
    assert run("verify", "--data", tmp_path)[0] == 0


def test_an_account_is_erased_by_its_name(run: Run, tmp_path: Path, sealed: Service) -> None:
    """Its token is not valid any more; events go on naming it by its number, which no other account gets."""
    nurse = sealed.accounts.add("Nurse Ratched", "correct horse")
    token = sealed.accounts.token(nurse)
    command = ("erase", "account", "Nurse Ratched", "--data", tmp_path)
    assert run(*command)[1].startswith("0 events in 0 streams were erased, and 1 rows")
    assert sealed.accounts.by_token(token) is None
    assert run(*command)[1] == "there is nothing to erase of account Nurse Ratched\n"
    assert "Ratched" not in (tmp_path / "erasures.jsonl").read_text(encoding="utf-8")
    assert sealed.accounts.add("Nurse Ratched", "correct horse").id != nurse.id


@pytest.mark.parametrize(
    ("what", "events"),
    [(("patient", "7"), 1), (("image", "63"), 1), (("album", ALBUM), 2), (("study", STUDY), 1)],
)
def test_the_other_kinds_are_erased_by_their_ids(
    run: Run, tmp_path: Path, sealed: Service, what: tuple[str, str], events: int
) -> None:
    """And the store is sound afterwards."""
    if what[0] in ("patient", "image"):
        add_an_image(sealed)
    status, out, _ = run("erase", *what, "--basis", "Art. 17", "--data", tmp_path)
    assert (status, out.startswith(f"{events} events in 1 streams")) == (0, True)
    status, out, _ = run("verify", "--data", tmp_path)
    assert (status, f"of which {events} were erased" in out) == (0, True), out


def test_what_must_be_stored_is_refused(
    run: Run, tmp_path: Path, sealed: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the time until which, unless there is a legal basis."""
    add_an_image(sealed)
    monkeypatch.setenv("ALBUMCORE_KEEP_AT_LEAST", "patient_images=10y")
    status, _, err = run("erase", "image", "63", "--data", tmp_path)
    assert (status, "must be stored until 20" in err, "--basis" in err) == (2, True, True)
    assert run("erase", "image", "63", "--basis", "Court order", "--data", tmp_path)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("comment", ALBUM), "needs an album or study, and a version"),
        (("album", ALBUM, "3"), "needs an album or study, and a version"),
        (("comment", ALBUM, "1"), "is no comment"),
        (("image", "sixty"), "is no number"),
        (("patient", "0"), "a positive number"),
        (("study", "1..2"), "a UID has"),
        (("album", "no album"), "letters and digits"),
        (("album", ALBUM, "--basis", ""), "basis"),
    ],
)
@pytest.mark.usefixtures("sealed")
def test_what_is_asked_for_wrongly(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Nothing is erased."""
    status, _, err = run("erase", *arguments, "--data", tmp_path)
    assert (status, said in err) == (2, True), err
    assert shown(run, tmp_path)[0] == SAID


def test_a_store_in_clear_names_the_command(run: Run, tmp_path: Path) -> None:
    """Whatever is to be erased, also what is not there."""
    with closing(open_sqlite(tmp_path / "albumcore.sqlite", sealed=False)) as albums:
        albums.handle(album_stream(ALBUM), create_album, Source(UserId("alice")), "In clear")
    for kind in ("person", "album", "patient"):
        status, _, err = run("erase", kind, "x", "--data", tmp_path)
        assert (status, "albumcore copy --seal" in err) == (2, True)


@pytest.mark.parametrize("what", [("study", SERIES_STUDY), ("dicom-patient", "MRN 7")])
def test_instances_in_a_store_in_clear_are_erased(
    run: Run, tmp_path: Path, what: tuple[str, str]
) -> None:
    """The comments stay, and the command says so; a restore of an older backup erases the instances again."""
    data, backup, list_ = tmp_path / "data", tmp_path / "backup", tmp_path / "erasures.jsonl"
    data.mkdir()
    with closing(open_sqlite(data / "albumcore.sqlite", sealed=False)) as albums:
        bob = UserId("bob")
        stream = study_stream(SERIES_STUDY)
        albums.handle(stream, post_study_comment, Source(bob), {bob}, SAID)
    with opened(data) as service:
        store_instance(service.database, service.blobs, "1.3.7.1.1", b"pixels")
    assert run("backup", backup, "--data", data)[0] == 0
    status, out, _ = run("erase", *what, "--data", data)
    assert (status, out.splitlines()) == (
        0,
        [
            "0 events in 0 streams were erased, and 7 rows beside them",
            f"study {SERIES_STUDY} has 1 comments, and none was erased",
            "`albumcore gc` removes them from the files, too",
        ],
    )
    assert run("gc", "--data", data)[0] == 0
    assert run("verify", "--data", data)[0] == 0
    with opened(data) as service:
        assert list(service.blobs.digests()) == []
    (data / "erasures.jsonl").rename(list_)
    restored = tmp_path / "restored"
    assert run("restore", backup, "--data", restored, "--erasures", list_)[0] == 0
    with opened(restored) as service:
        assert list(service.blobs.digests()) == []
    sealed = f"sqlite://{tmp_path / 'sealed'}"
    assert run("copy", "--seal", "--from", f"sqlite://{data}", "--to", sealed)[0] == 0
    assert run("verify", "--data", tmp_path / "sealed")[0] == 0


@pytest.mark.usefixtures("sealed")
def test_gc_works_beside_a_service(run: Run, tmp_path: Path) -> None:
    """It says what it did; a reader of an older state holds it up, and the status is 1."""
    run("erase", "comment", ALBUM, "3", "--data", tmp_path)
    with closing(sqlite3.connect(tmp_path / "albumcore.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM stored_events").fetchall()
        run("erase", "album", ALBUM, "--data", tmp_path)
        status, out, err = run("gc", "--wait", "0", "--data", tmp_path)
        assert (status, "image files" in out, "older state" in err) == (1, True, True)
    status, out, err = run("gc", "--data", tmp_path)
    assert (status, "truncated" in out, err) == (0, True, "")


@pytest.mark.parametrize("options", [("--older-than", "0"), ("--wait", "-1"), ("--wait", "3601")])
@pytest.mark.usefixtures("sealed")
def test_gc_asked_for_wrongly(run: Run, tmp_path: Path, options: tuple[str, str]) -> None:
    """The limits are named."""
    assert run("gc", *options, "--data", tmp_path)[0] == 2
