"""The commands: their output, their effects, and their exit status."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pydicom.data
import pytest
from attrs import fields
from rich.console import Console

from albumcore import (
    Content,
    ImageType,
    Source,
    add_image,
    add_member,
    album_stream,
    create_album,
    delete_album,
    delete_patient,
    edit_album,
    import_study,
    patient_stream,
    post_comment,
    remove_image,
    utc_now,
)
from albumcore.feed import FEED
from albumcore.ids import AlbumId, ImageId, UserId
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.cli.opening import user_with_sub
from albumcore_adapters.directory.accounts import Account
from albumcore_adapters.directory.patients import Patient
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.identity.callers import caller_of
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.jwt import JwtVerifier
from albumcore_adapters.server import demo
from albumcore_adapters.service import open_service
from albumcore_adapters.store import database_of
from albumcore_adapters.transfer.marker import mark_unfinished
from support.command_line import Run
from support.in_clear import put
from support.kheops import Clock
from support.server import opened, user_of
from support.store_form import make_store

ALBUM = AlbumId("Q7bZ2mP0xT")
FILES = Path(pydicom.data.__file__).parent / "test_files"


def test_version_is_that_of_the_package(run: Run) -> None:
    """It is that of the installed package."""
    assert run("--version")[:2] == (0, f"{version('albumcore')}\n")


def test_token_prints_a_jwt_and_nothing_else(run: Run, tmp_path: Path) -> None:
    """The output is one token with the subject and the lifetime of the options."""
    status, out, err = run(
        *("token", "--sub", "alice", "--email", "alice@clinic.example", "--name", "Alice Ndiaye"),
        *("--ttl", "60", "--create", "--data", tmp_path),
    )
    assert (status, err) == (0, "")
    jwt = out.removesuffix("\n")
    with opened(tmp_path) as service:
        claims = service.auth.verifier.verify(jwt)
        later = JwtVerifier.of(
            Settings(jwt_leeway=0),
            service.secret,
            lambda: datetime.now(UTC) + timedelta(seconds=61),
        )
    assert (claims.sub, claims.email, claims.name) == (
        "alice",
        "alice@clinic.example",
        "Alice Ndiaye",
    )
    with pytest.raises(Exception, match="expired"):
        later.verify(jwt)


def test_token_is_good_for_an_hour_unless_told(run: Run, tmp_path: Path) -> None:
    """It is valid from now on, with the claims that the help describes."""
    person = ("--sub", "alice", "--email", "a@b.example", "--name", "A")
    began = time.time()
    payload = run("token", *person, "--create", "--data", tmp_path)[1].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["exp"] - claims["iat"] == 3600
    assert int(began) <= claims["iat"] <= time.time()


def test_token_is_refused_where_a_provider_issues_them(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a JWKS URL, a token of the service would not be accepted, so none is printed."""
    monkeypatch.setenv("ALBUMCORE_JWKS_URL", "https://id.example/keys")
    monkeypatch.setenv("ALBUMCORE_JWT_ISSUER", "https://id.example")
    monkeypatch.setenv("ALBUMCORE_JWT_AUDIENCE", "albumcore")
    status, out, err = run(
        *("token", "--sub", "a", "--email", "a@b.example", "--name", "A"),
        *("--create", "--data", tmp_path),
    )
    assert (status, out) == (2, "")
    assert "ALBUMCORE_JWKS_URL" in err


def test_token_revoke_all_ends_those_of_one_user(run: Run, tmp_path: Path) -> None:
    """Only earlier tokens of this user are invalid. For an unknown sub there is a warning."""
    with opened(tmp_path):
        pass
    person = ("--email", "a@b.example", "--name", "A", "--data", tmp_path)
    before, other = (run("token", "--sub", sub, *person)[1].strip() for sub in ("alice", "bob"))
    status, out, err = run("token", "--revoke-all", "alice", "--data", tmp_path)
    assert (status, err) == (1, "no user of that sub was seen yet: is it the right one?\n")
    assert out.startswith("every JWT of alice issued before 20")
    assert out.endswith(" has ended\n")
    after = run("token", "--sub", "alice", *person)[1].strip()
    with opened(tmp_path) as service:
        for token in (after, other):
            assert caller_of(service.auth, token).in_person
        with pytest.raises(Unauthorized, match="was revoked"):
            caller_of(service.auth, before)
    assert run("token", "--revoke-all", "alice", "--data", tmp_path)[0] == 0


def test_token_revoke_all_where_a_provider_issues_them(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens of an identity provider are invalidated too."""
    with opened(tmp_path) as service:
        service.people.register("alice")
    monkeypatch.setenv("ALBUMCORE_JWKS_URL", "https://id.example/keys")
    monkeypatch.setenv("ALBUMCORE_JWT_ISSUER", "https://id.example")
    monkeypatch.setenv("ALBUMCORE_JWT_AUDIENCE", "albumcore")
    assert run("token", "--revoke-all", "alice", "--data", tmp_path)[0] == 0


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--sub", "alice", "--name", "Alice"),
        ("--revoke-all", "alice", "--sub", "alice"),
        ("--revoke-all", ""),
        ("--revoke-all", "alice", "--data", "nowhere"),
        ("--revoke-all", "alice", "--create", "--data", "nowhere"),
    ],
)
def test_token_asked_for_wrongly(run: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Both or neither of the two forms, no sub, no store: status 2, without output or effect."""
    with opened(tmp_path):
        pass
    place = () if "--data" in options else ("--data", tmp_path)
    status, out, err = run("token", *options, *place)
    assert (status, out, err != "") == (2, "", True)
    assert not Path("nowhere").exists()


def test_data_directory_belongs_to_its_owner(run: Run, tmp_path: Path) -> None:
    """The generated secret is private, and one that other users can read is refused."""
    data = tmp_path / "new"
    user = ("tscharts-user", "nurse", "--password-stdin", "--create", "--data", data)
    assert run(*user, stdin="x\n")[0] == 0
    secret = data / "secret"
    made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in data.iterdir()}
    assert {name: mode & 0o077 for name, mode in made.items()} == dict.fromkeys(made, 0)
    assert made["secret"] == 0o600
    secret.chmod(0o644)
    status, _, err = run("verify", "--data", data)
    assert (status, "secret" in err) == (2, True)


WRITING = (
    ("token", "--sub", "alice", "--email", "alice@clinic.example", "--name", "Alice"),
    ("tscharts-user", "nurse", "--password-stdin"),
    ("import-dicom", "--owner", "alice", FILES / "CT_small.dcm"),
)
"""Commands that may be the first to write to a store."""


@pytest.mark.parametrize(
    "command",
    [("verify",), ("rebuild",), ("events", "Q7bZ2mP0xT"), *WRITING],
    ids=lambda one: str(one[0]),
)
def test_a_mistyped_directory_is_no_empty_store(
    run: Run, tmp_path: Path, command: tuple[str | Path, ...]
) -> None:
    """Every command but `serve` refuses a missing store, or an empty file, and creates nothing."""
    status, out, err = run(*command, "--data", tmp_path / "typo")
    assert (status, out, "there is no store" in err) == (2, "", True)
    assert not (tmp_path / "typo").exists()
    (tmp_path / "albumcore.sqlite").touch()
    assert run(*command, "--data", tmp_path)[0] == 2


@pytest.mark.parametrize("command", WRITING, ids=lambda one: str(one[0]))
def test_a_store_is_made_where_it_is_asked_for(
    run: Run, tmp_path: Path, command: tuple[str | Path, ...]
) -> None:
    """The message mentions `--create`, which creates the store, but does not open an unfinished copy."""
    place = ("--data", tmp_path / "new")
    assert run(*command, *place)[2].endswith("to make one, add --create\n")
    assert run(*command, "--create", *place, stdin="secret\n")[0] == 0
    assert run(*command, *place, stdin="secret\n")[0] == 0
    with opened(tmp_path / "new") as service:
        mark_unfinished(database_of(service.albums), utc_now())
    for options in ((), ("--create",)):
        status, _, err = run(*command, *options, *place)
        assert (status, "unfinished copy" in err, "--create" in err) == (2, True, False)


def test_a_store_of_a_newer_release_is_refused(run: Run, tmp_path: Path) -> None:
    """Every command fails with one sentence and status 2."""
    with opened(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / "albumcore.sqlite")) as file:
        file.execute("PRAGMA user_version = 1000")
    for command in ("verify", "rebuild"):
        status, out, err = run(command, "--data", tmp_path)
        assert (status, out) == (2, "")
        assert err.startswith(
            "albumcore: a newer albumcore wrote the store: its schema version is 1000"
        )


def test_damage_of_the_whole_file_is_told_in_a_line(run: Run, tmp_path: Path) -> None:
    """A file that is no database fails with status 1, without a traceback."""
    with opened(tmp_path):
        pass
    (tmp_path / "albumcore.sqlite").write_bytes(b"no database at all" * 1000)
    status, out, err = run("verify", "--data", tmp_path)
    assert (status, out) == (1, "")
    assert err.startswith("albumcore: the database cannot be used")


def test_a_reader_who_has_seen_enough_is_no_trouble(tmp_path: Path) -> None:
    """A closed pipe, as in ``albumcore events ... | head -0``, causes no traceback."""
    with opened(tmp_path) as service:
        service.albums.handle(album_stream(ALBUM), create_album, Source(UserId("alice")), "Cases")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "albumcore_adapters", "events", ALBUM, "--data", str(tmp_path)]
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_bad_setting_is_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid value of a setting is refused, with the name of its variable."""
    monkeypatch.setenv("ALBUMCORE_COMPAT", "sideways")
    status, _, err = run("verify", "--data", tmp_path)
    assert (status, "ALBUMCORE_COMPAT" in err) == (2, True)


def test_tscharts_user_can_log_in(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password comes from standard input or the prompt, and can be changed."""
    status, out, _ = run(
        *("tscharts-user", "nurse", "--password-stdin", "--create", "--data", tmp_path),
        stdin="first\n",
    )
    assert (status, out) == (0, "account 1: nurse\n")
    with opened(tmp_path) as service:
        assert service.accounts.check("nurse", "first") is not None
        assert service.accounts.check("nurse", "first\n") is None
    monkeypatch.setattr("getpass.getpass", lambda: "second")
    assert run("tscharts-user", "nurse", "--data", tmp_path)[0] == 0
    with opened(tmp_path) as service:
        assert service.accounts.check("nurse", "first") is None
        assert service.accounts.check("nurse", "second") is not None


def test_no_password_is_entered(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt that is left says how a password is given without one."""

    def left() -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", left)
    status, out, err = run("tscharts-user", "nurse", "--create", "--data", tmp_path)
    assert (status, out, "--password-stdin reads it" in err) == (2, "", True)


def test_tscharts_user_is_disabled(run: Run, tmp_path: Path) -> None:
    """Login and token are disabled until a new password is set; no password is read."""
    user = ("tscharts-user", "nurse", "--data", tmp_path)
    assert run(*user, "--password-stdin", "--create", stdin="first\n")[0] == 0
    with opened(tmp_path) as service:
        token = service.accounts.token(Account(1, "nurse", active=True))
    assert run(*user, "--disable") == (0, "disabled: nurse\n", "")
    with opened(tmp_path) as service:
        assert service.accounts.check("nurse", "first") is None
        assert service.accounts.by_token(token) == Account(1, "nurse", active=False)
    assert run(*user, "--password-stdin", stdin="first\n")[0] == 0
    with opened(tmp_path) as service:
        assert service.accounts.check("nurse", "first") == Account(1, "nurse", active=True)


def test_disabling_what_is_not_there(run: Run, tmp_path: Path) -> None:
    """An unknown name gives status 1, a missing store or a password 2; nothing is changed."""
    user = ("tscharts-user", "nurse", "--data", tmp_path)
    assert run(*user, "--password-stdin", "--create", stdin="first\n")[0] == 0
    assert run("tscharts-user", "doctor", "--disable", "--data", tmp_path) == (
        *(1, "", "there is no account 'doctor'\n"),
    )
    for option in ("--password-stdin", "--create"):
        status, out, err = run(*user, "--disable", option, stdin="first\n")
        assert (status, out, "--disable takes no password" in err) == (2, "", True)
    assert run("tscharts-user", "nurse", "--disable", "--data", tmp_path / "typo")[0] == 2
    assert not (tmp_path / "typo").exists()
    with opened(tmp_path) as service:
        assert service.accounts.check("nurse", "first") is not None


def test_import_dicom_reads_real_files_and_counts_the_others(run: Run, tmp_path: Path) -> None:
    """Files go to the catalogue and the inbox; others are counted by reason, or listed."""
    data = tmp_path / "data"
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "notes.txt").write_text("not a scan")
    (texts / os.fsdecode(b"caf\xe9.txt")).write_text("not a scan either")
    scans = FILES / "dicomdirtests" / "98892003"
    command = ("import-dicom", "--owner", "alice", "--data", data)
    paths = (scans, FILES / "CT_small.dcm", FILES / "MR_truncated.dcm", texts)
    status, out, err = run(*command, *paths, "--create")
    files = sum(one.is_file() for one in scans.rglob("*")) + 1
    found = f"{files} instances in 8 series of 4 studies; 3 passed over"
    assert (status, without_progress(err)) == (0, "")
    assert out.splitlines() == [
        "2 passed over: not a DICOM file",
        "1 passed over: truncated",
        f"{found}; -v names them",
    ]
    with opened(data) as service:
        studies = service.inbox.contents(user_of(service, "alice"))
        assert len(studies) == 4
        stored = [
            one
            for study, series in studies.items()
            for uid in series
            for one in StoredInstances(service.database).of_series(study, uid)
        ]
    contents = [path.read_bytes() for path in [*scans.rglob("*"), paths[1]] if path.is_file()]
    assert {one.digest for one in stored} == {
        hashlib.sha256(content).hexdigest() for content in contents
    }
    lines = run(*command, *paths, "-v")[1].splitlines()
    assert lines[-1] == found
    assert f"passed over: {str(texts / 'notes.txt')!r}: not a DICOM file" in lines
    assert any(r"caf\udce9.txt': " in line for line in lines)


def test_import_dicom_of_a_missing_path(run: Run, tmp_path: Path) -> None:
    """The missing path gives status 1, and the others are imported; broken links are skipped."""
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "dangling").symlink_to(folder / "gone")
    gone = tmp_path / "gone"
    command = ("import-dicom", "--owner", "alice", "--create", "--data", tmp_path)
    status, out, err = run(*command, gone, FILES / "CT_small.dcm", folder)
    expected = f"'{gone}': cannot be read: No such file or directory\n"
    assert (status, without_progress(err)) == (1, expected)
    assert out.splitlines()[-1].startswith("1 instances in 1 series of 1 studies; 2 passed over")
    assert run(*command, folder)[0] == 0


def test_import_dicom_of_headers_alone(run: Run, tmp_path: Path) -> None:
    """The catalogue has the series, and no bytes are stored; a later import stores them."""
    command = ("import-dicom", "--owner", "alice", "--data", tmp_path, FILES / "CT_small.dcm")
    assert run(*command, "--create", "--headers-only")[0] == 0

    def digests() -> list[str | None]:
        with opened(tmp_path) as service:
            [(study, [series])] = service.inbox.contents(user_of(service, "alice")).items()
            found = StoredInstances(service.database).of_series(study, series)
            return [one.digest for one in found]

    assert digests() == [None]
    assert run(*command)[1].startswith("1 instances in 1 series of 1 studies; 0 passed over")
    digest = hashlib.sha256((FILES / "CT_small.dcm").read_bytes()).hexdigest()
    assert digests() == [digest]


def test_import_dicom_into_a_series_of_others(run: Run, tmp_path: Path) -> None:
    """The owner gets no series that another user has, and a changed file does not replace the first."""
    changed = tmp_path / "changed.dcm"
    changed.write_bytes((FILES / "CT_small.dcm").read_bytes() + bytes(2))
    command = ("import-dicom", "--data", tmp_path / "data", "--owner")
    assert run(*command, "alice", FILES / "CT_small.dcm", "--create")[0] == 0
    out = run(*command, "bob", FILES / "CT_small.dcm")[1]
    assert out.startswith("1 passed over: the series is held where you may not add to it\n")
    out = run(*command, "alice", changed)[1]
    assert out.startswith("1 passed over: another file with this SOP instance UID is stored\n")


def without_progress(text: str) -> str:
    """What a command writes to standard error, without the line of one that lasts longer than two seconds."""
    return text.removeprefix("reading files ...\n")


def test_import_dicom_prints_names_that_forge_nothing(run: Run, tmp_path: Path) -> None:
    """Line breaks and terminal control sequences in a name are escaped."""
    odd = tmp_path / "scans"
    odd.mkdir()
    names = [
        "\x1b[2J\r\x7f",
        "a\npassed over: 'b': forged",
        os.fsdecode(b"caf\xe9"),
        "\u202etxt.mcd",
    ]
    for name in names:
        (odd / name).write_text("not a scan")
    command = ("import-dicom", "--owner", "alice", "--data", tmp_path / "data", odd)
    status, out, err = run(*command, "--create", "-v")
    assert status == 0
    assert all(line.isprintable() for line in (out + err).splitlines())
    lines = out.splitlines()
    assert [line.startswith("passed over: ") for line in lines] == [True] * 4 + [False]
    status, out, err = run(*command, "--json")
    assert (status, err, out.count("\n"), out.isascii()) == (0, "", 1, True)
    assert out.removesuffix("\n").isprintable()
    found = json.loads(out)
    told = found.pop("passed_over")
    assert found == {"instances": 0, "series": 0, "studies": 0}
    assert [Path(one["path"]).name for one in told] == sorted(names)
    assert {one["reason"] for one in told} == {"not a DICOM file"}


def test_import_dicom_inflates_as_much_as_the_setting_says(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A deflated file is imported, or skipped if it exceeds the limit."""
    with opened(tmp_path):
        pass
    command = ("import-dicom", "--owner", "alice", "--data", tmp_path, FILES / "image_dfl.dcm")
    assert "1 instances" in run(*command)[1]
    monkeypatch.setenv("ALBUMCORE_MAX_INFLATED", "1KiB")
    expected = "1 passed over: inflated, it is more than 1024 bytes longer than the file\n"
    assert run(*command)[1].startswith(expected)


def test_import_dicom_needs_a_path(run: Run, tmp_path: Path) -> None:
    """Without a path the command is refused."""
    assert run("import-dicom", "--owner", "alice", "--data", tmp_path)[0] == 2


@pytest.fixture(params=["Asia/Kathmandu", "America/Lima"])
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A local time zone ahead of UTC, or behind it."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", request.param)
        time.tzset()
        assert datetime(2026, 3, 14).astimezone().utcoffset() != timedelta(0)
        yield
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
def test_events_shows_what_a_viewer_saw_at_a_time(run: Run, tmp_path: Path) -> None:
    """The feed is one JSON object per line, newest first, now or as of a time, as a member or as the operator sees it.

    A time without a zone is UTC, whatever the local zone is.
    """
    with opened(tmp_path) as service:
        stream, alice = album_stream(ALBUM), Source(UserId("alice"))
        service.albums.handle(stream, create_album, alice, "Cases")
        service.albums.handle(stream, add_member, alice, UserId("bob"))
        moment = utc_now()
        service.albums.handle(stream, post_comment, alice, "to me", target=UserId("alice"))

    def shown(*options: str) -> list[str]:
        status, out, _ = run("events", ALBUM, "--data", tmp_path, *options)
        assert status == 0
        return [
            (one := json.loads(line)).get("mutation_type") or one["comment"]
            for line in out.splitlines()
        ]

    assert shown() == ["to me", "ADD_USER", "CREATE_ALBUM"]
    assert shown("--viewer", "alice") == ["to me", "ADD_USER", "CREATE_ALBUM"]
    assert shown("--viewer", "bob") == ["ADD_USER", "CREATE_ALBUM"]
    assert shown("--at", moment.isoformat()) == ["ADD_USER", "CREATE_ALBUM"]
    without_zone = moment.replace(tzinfo=None).isoformat()
    assert shown("--viewer", "alice", "--at", without_zone) == ["ADD_USER", "CREATE_ALBUM"]
    assert run("events", "Other00001", "--data", tmp_path) == (2, "", "albumcore: no such album\n")
    status, out, err = run("events", ALBUM, "--viewer", "carol", "--data", tmp_path)
    assert (status, out, "no such album" in err) == (2, "", True)


def test_at_shows_an_album_as_it_was(run: Run, tmp_path: Path) -> None:
    """As text and as JSON, also after it was deleted; a time that is none of the past is refused."""
    clock, alice = Clock(datetime(2026, 3, 14, 12, tzinfo=UTC)), Source(UserId("alice"))
    with closing(open_service(Settings(data=tmp_path), clock=clock)) as service:
        service.people.register("bob", "bob@clinic.example", "Bob")
        bob = user_with_sub(service.people, "bob")
        for decision, *arguments in (
            (create_album, "Knees\n", "About"),
            (import_study, "1.2.3", ["1.2.3.1", "1.2.3.2"]),
            (add_member, bob),
            (edit_album, "Hips"),
            (delete_album,),
        ):
            service.albums.handle(album_stream(ALBUM), decision, alice, *arguments)
            clock.tick()
    here = ("--data", tmp_path)
    status, out, _ = run("at", ALBUM, "2026-03-14T12:00:02", *here)
    assert (status, out.splitlines()) == (
        0,
        [
            f"album {ALBUM} as of 2026-03-14T12:00:02.999999, version 3, open",
            "name: 'Knees'",
            "description: 'About'",
            "2 users, 1 studies, 2 series",
            "member: 'bob', 'bob@clinic.example', 'Bob'",
            "admin: 'alice'",
            "study: 1.2.3, series: 1.2.3.1, 1.2.3.2",
        ],
    )
    found = json.loads(run("at", ALBUM, "2026-03-14T13:00:03+01:00", "--json", *here)[1])
    assert (found["version"], found["name"], found["add_user"]) == (4, "Hips", False)
    assert [one["is_admin"] for one in found["users"]] == [False, True]
    assert found["studies"] == [{"UID": "1.2.3", "series": ["1.2.3.1", "1.2.3.2"]}]
    assert "version 5, deleted" in run("at", ALBUM, "2026-03-14T12:00:04Z", *here)[1]
    for told, reason in (
        ("2026-03-14T11:59:59Z", "no such album then"),
        ("2999-01-01T00:00:00Z", "time: a time of the past is expected"),
        ("noon", "time: a time such as"),
    ):
        status, out, err = run("at", ALBUM, told, *here)
        assert (status, out, reason in err) == (2, "", True)


def test_undo_takes_an_event_back(run: Run, tmp_path: Path) -> None:
    """In somebody's name: the versions that it records, none again; what came since is named; a refusal is one."""
    alice = Source(UserId("alice"))
    with opened(tmp_path) as service:
        for decision, argument in ((create_album, "Trial"), (edit_album, "B"), (edit_album, "C")):
            service.albums.handle(album_stream(ALBUM), decision, alice, argument)
    undo = ("undo", ALBUM)
    by = ("--by", "alice", "--data", tmp_path)
    since = "albumcore: what this event changed was changed again since: version 3, EDIT_ALBUM\n"
    assert run(*undo, "2", *by) == (2, "", since)
    assert run(*undo, "3", *by) == (0, "4\n", "")
    assert run(*undo, "3", *by) == (0, "", "")
    assert run(*undo, "9", *by)[0] == run(*undo, "2", "--by", "bob", "--data", tmp_path)[0] == 2
    shown = [json.loads(line) for line in run("events", ALBUM, "--data", tmp_path)[1].splitlines()]
    assert [(one["version"], one.get("undoes")) for one in shown] == [
        (4, 3),
        (3, None),
        (2, None),
        (1, None),
    ]


def test_images_and_patients_are_restored(run: Run, tmp_path: Path) -> None:
    """Within the time that the setting says; what never was is refused."""
    nurse = Source(UserId("tscharts-1"))
    with opened(tmp_path) as service:
        digest = service.blobs.put(b"bytes")
        content = Content(digest, 5, "application/octet-stream")
        texts: dict[str, Any] = {one.name: "x" for one in fields(Patient)}
        birth = {"dob": date(2012, 4, 1), "gender": "Female", "oldid": -1}
        patient = service.patients.add(Patient(**texts | birth))
        images = patient_stream(patient)
        xray = ImageType.XRAY
        service.albums.handle(images, add_image, nurse, ImageId(1), None, None, xray, content)
        service.albums.handle(images, remove_image, nurse, ImageId(1))
        service.albums.handle(images, delete_patient, nurse)
        assert service.patients.set_aside(patient, utc_now())
    by = ("--by", "tscharts-1", "--data", tmp_path)
    assert run("restore-image", "1", *by)[0] == 2
    assert run("restore-patient", str(patient), *by) == (0, "", "")
    assert run("restore-image", "1", *by) == (0, "", "")
    assert run("restore-image", "2", *by)[0] == run("restore-patient", "9", *by)[0] == 2
    with opened(tmp_path) as service:
        assert service.albums.image(ImageId(1))[0].patient == patient
        assert service.patients.exists(patient)


def test_events_at_a_post_date_has_the_event_it_is_of(run: Run, tmp_path: Path) -> None:
    """A whole second includes events until its end, in any zone; a time with a fraction is exact; no other is taken."""
    clock = Clock(datetime(2026, 3, 14, 12, 0, 0, 250_000, tzinfo=UTC))
    with closing(open_service(Settings(data=tmp_path), clock=clock)) as service:
        for at_once in (["first", "second"], ["third"]):
            for name in at_once:
                clock.tick(0.25)
                source = Source(UserId("alice"))
                decision = create_album if name == "first" else edit_album
                service.albums.handle(album_stream(ALBUM), decision, source, name)
            clock.tick(10)

    def shown(*at: str) -> list[str]:
        status, out, _ = run("events", ALBUM, "--data", tmp_path, *at)
        assert status == 0
        return [json.loads(line)["post_date"] for line in out.splitlines()]

    early, late = "2026-03-14T12:00:00", "2026-03-14T12:00:11"
    assert shown() == [late, early, early]
    for moment in (early, f"{early}Z", "2026-03-14T13:00:00+01:00", f"{early}.999999"):
        assert shown("--at", moment) == [early, early]
    assert shown("--at", f"{early}.500000") == [early]
    assert shown("--at", late) == [late, early, early]
    for none, reason in (
        ("2999-01-01T00:00:00Z", "at: a time of the past is expected"),
        ("2026-03-14", "at: a time such as"),
        ("2 days", "at: a time such as"),
    ):
        status, out, err = run("events", ALBUM, "--data", tmp_path, "--at", none)
        assert (status, out, reason in err) == (2, "", True)


def test_verify_names_what_differs_and_rebuild_mends_it(run: Run, tmp_path: Path) -> None:
    """A changed index row is listed, with status 1; `rebuild` repairs it."""
    with opened(tmp_path) as service:
        service.albums.handle(album_stream(ALBUM), create_album, Source(UserId("alice")), "Cases")
    with sqlite3.connect(tmp_path / "albumcore.sqlite") as database:
        database.execute("UPDATE member_row SET is_admin = 0")
    database.close()
    status, out, err = run("verify", "--data", tmp_path)
    assert (status, "member_row" in out, "2 things differ" in err) == (1, True, True)
    status, as_json, same = run("verify", "--data", tmp_path, "--json")
    assert (status, same, as_json.count("\n")) == (1, err, 1)
    found = {"events": 1, "erased": 0, "problems": out.splitlines(), "left_out": []}
    assert json.loads(as_json) == found
    assert run("rebuild", "--data", tmp_path)[:2] == (0, "index rows made again from 1 events\n")
    status, out, _ = run("verify", "--data", tmp_path)
    assert (status, out.startswith("1 events replayed")) == (0, True)
    status, out, err = run("verify", "--data", tmp_path, "--json")
    assert (status, json.loads(out), err) == (0, {**found, "problems": []}, "")


def test_progress_is_shown_when_it_takes_long(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that takes longer than two seconds shows its progress on standard error."""
    with opened(tmp_path) as service:
        service.albums.handle(album_stream(ALBUM), create_album, Source(UserId("alice")), "Cases")
    told = threading.Event()
    monkeypatch.setattr("albumcore_adapters.base.progress._DELAY", 0.0)
    say = Console.print

    def heard(console: Console, *objects: object) -> None:
        say(console, *objects)
        told.set()

    monkeypatch.setattr(Console, "print", heard)
    monkeypatch.setattr("albumcore.Albumcore.rebuild", lambda self, progress: int(told.wait(60)))
    status, _, err = run("rebuild", "--data", tmp_path)
    assert (status, err) == (0, "reading events ...\n")


def test_serve_fills_the_demo_once_and_prints_what_to_paste(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The album has every documented mutation and both kinds of comment; a second start adds nothing."""
    monkeypatch.setattr(
        "albumcore_adapters.cli.serve.serve_until_stopped",
        lambda settings, announce: announce("http://127.0.0.1:8000"),
    )
    command = ("serve", "--demo", "--bind", "127.0.0.1:0", "--data", tmp_path)
    status, first, _ = run(*command)
    assert status == 0
    with opened(tmp_path) as service:
        made = demo.fill(service)
        page = service.albums.feed(AlbumId(made.album_id), user_of(service, demo.ADA))
        position = service.albums.follow()[-1][0]
        assert service.albums.verify(service.image_bytes.check) == []
    documented = {line.mutation for line in FEED.values() if line is not None}
    assert {one.type.mutation for one in page.entries} == documented
    assert {one.is_private for one in page.entries if one.comment is not None} == {True, False}
    assert set(made.images) == {"Headshot", "Xray", "Surgery", "Audiogram"}
    assert f"/albums/{made.album_id}/events" in first
    assert first.count("/tscharts/v1/image/") == 4
    status, second, _ = run(*command)
    assert status == 0
    assert f"/albums/{made.album_id}/events" in second
    with opened(tmp_path) as service:
        assert service.albums.follow()[-1][0] == position


def test_the_demo_happened_over_weeks(tmp_path: Path) -> None:
    """Every entry of the feed has a second of its own, and none is in the future."""
    before = utc_now()
    with opened(tmp_path) as service:
        album = AlbumId(demo.fill(service).album_id)
        times = [one.at for _, one in service.albums.follow()]
        feed = service.albums.feed(album, user_of(service, demo.ADA)).entries
    assert times == sorted(times)
    assert before - timedelta(weeks=4) < times[0] < before - timedelta(weeks=2)
    assert before - timedelta(days=1) < times[-1] <= utc_now()
    seconds = [one.recorded.at.replace(microsecond=0) for one in feed]
    assert seconds == sorted(set(seconds), reverse=True)


def test_the_demo_happens_when_its_clock_says(tmp_path: Path) -> None:
    """A given clock provides the time of every event."""
    clock = Clock(datetime(2026, 3, 14, 12, 0, tzinfo=UTC))
    with opened(tmp_path) as service:
        demo.fill(service, clock)
        assert {one.at for _, one in service.albums.follow()} == {clock()}


def test_backup_and_restore(run: Run, tmp_path: Path) -> None:
    """Both report what they did; a refusal gives status 2, and damage status 1."""
    data, backup = tmp_path / "data", tmp_path / "backup"
    at = ("--data", data)
    assert run("backup", backup, *at) == (2, "", f"albumcore: there is no store in {data}\n")
    with opened(data) as service:
        service.albums.handle(album_stream(ALBUM), create_album, Source(UserId("alice")), "Cases")
    status, out, err = run("backup", backup, *at)
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "1 events, the last of them at position 1, are backed up",
        "0 image files, 0 bytes together, are with them",
        "the secret that tokens are signed with is not in the backup: --with-secret puts it in",
        "the backup is verified",
    ]
    status, out, _ = run("backup", tmp_path / "other", *at, "--with-secret", "--json")
    told = json.loads(out)
    assert told == json.loads((tmp_path / "other" / "manifest.json").read_text())
    assert (status, told["has_secret"]) == (0, True)
    assert run("backup", tmp_path / "fourth", *at, "--with-secret")[1].count("secret") == 0
    status, out, err = run("restore", backup, *at, "--none-since")
    assert (status, err) == (0, "")
    first, *lines = out.splitlines()
    assert first.startswith("the store is as it was at 20")
    assert first.endswith(
        "Z: 1 events, the last of them at position 1, and 0 image files; it is verified"
    )
    assert lines == [
        f"what was there before is {data}.before-restore",
        "the secret stays as it was: tokens go on working",
    ]
    status, out, err = run("restore", backup, *at, "--none-since")
    assert (status, out, err.startswith("albumcore: ")) == (2, "", True)
    status, out, _ = run(
        "restore", tmp_path / "other", "--none-since", "--json", "--data", tmp_path / "third"
    )
    manifest = json.loads((tmp_path / "other" / "manifest.json").read_text())
    assert json.loads(out) == {
        "old": None,
        "secret": "backup",
        "erased": 0,
        "backup": manifest,
    }
    assert run("restore", backup, "--none-since", "--data", tmp_path / "new")[1].count("\n") == 2
    (backup / "albumcore.sqlite").write_bytes(b"")
    told = run("restore", backup, "--none-since", "--data", tmp_path / "newer")
    assert told == (1, "", "albumcore: albumcore.sqlite: its content has changed\n")


def test_backup_and_restore_by_relative_paths(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths may be relative to the working directory."""
    monkeypatch.chdir(tmp_path)
    with opened(Path("data")):
        pass
    assert run("backup", "backup", "--data", "data")[0] == 0
    assert run("restore", "backup", "--none-since", "--data", "data")[0] == 0
    assert run("verify", "--read-only", "--data", "data")[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"backup", "data", "data.before-restore"}


def test_copy(run: Run, tmp_path: Path) -> None:
    """It reports what was copied; the copy can be opened, and is no target of another copy."""
    source, target = tmp_path / "source", tmp_path / "target"
    with opened(source) as service:
        service.people.register("alice")
        service.albums.handle(album_stream(ALBUM), create_album, Source(UserId("alice")), "Cases")
        service.blobs.put(b"an image")
        events = len(service.albums.follow())
    addresses = ("--from", f"sqlite://{source}", "--to", f"sqlite://{target}")
    status, out, err = run("copy", *addresses)
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"{events} events, the last of them at position {events}, and 5 rows beside them are there",
        "1 image files were copied",
        "the secret of the data directory was copied: tokens go on working",
        "the copy equals the source, and is verified",
    ]
    assert run("verify", "--data", target)[0] == 0
    status, out, err = run("copy", *addresses)
    assert (status, out) == (2, "")
    assert err.endswith("name an empty place\n")


def test_copy_of_images_to_a_place_of_their_own(run: Run, tmp_path: Path) -> None:
    """Images are copied to the named place, and not into the data directory."""
    source, target, images = (tmp_path / name for name in ("source", "target", "images"))
    with opened(source) as service:
        digest = service.blobs.put(b"an image")
    addresses = ("--from", f"sqlite://{source}", "--to", f"sqlite://{target}")
    assert run("copy", *addresses, "--blobs-to", f"file://{images}")[0] == 0
    assert [one.name for one in images.glob("*/*")] == [digest[2:]]
    assert not (target / "blobs").exists()


def test_copy_that_finds_something(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Problems of the source are listed, with status 1; so are writes to the source meanwhile."""
    source = tmp_path / "source"
    with opened(source) as service:
        service.albums.handle(album_stream(ALBUM), create_album, Source(UserId("alice")), "Cases")
    with sqlite3.connect(source / "albumcore.sqlite") as connection:
        connection.execute("UPDATE stored_events SET state = '{}'")
    connection.close()
    status, out, err = run("copy", "--from", f"sqlite://{source}", "--to", f"sqlite://{tmp_path}/1")
    assert (status, err) == (1, "1 things differ, as in the source\n")
    assert "album-Q7bZ2mP0xT version 1" in out.splitlines()[-1]
    other = f"sqlite://{tmp_path}/3"
    status, as_json, same = run("copy", "--from", f"sqlite://{source}", "--to", other, "--json")
    assert (status, same, as_json.count("\n")) == (1, err, 1)
    told = json.loads(as_json)
    assert told.pop("problems") == out.splitlines()[-1:]
    assert f" and {told.pop('rows')} rows beside them" in out
    assert told == {
        "events": 1,
        "position": 1,
        "images": 0,
        "damaged_images": 0,
        "secret": True,
        "whole": True,
    }
    monkeypatch.setattr("albumcore_adapters.transfer.copy._are_equal", lambda *sides: False)
    status, _, err = run("copy", "--from", f"sqlite://{source}", "--to", f"sqlite://{tmp_path}/2")
    assert (status, err.startswith("the source was written to meanwhile")) == (1, True)
    status, _, err = run("verify", "--data", tmp_path / "2")
    assert (status, "unfinished copy" in err) == (2, True)


def test_copy_to_a_sealed_store(run: Run, tmp_path: Path) -> None:
    """A store in clear becomes a sealed one, which is none to be sealed again."""
    source, target = put(tmp_path / "clear"), tmp_path / "sealed"
    addresses = ("--from", f"sqlite://{source}", "--to", f"sqlite://{target}")
    status, _, err = run("copy", "--seal", *addresses)
    assert (status, "by `albumcore verify`" in err) == (2, True)
    assert run("verify", "--data", str(source))[0] == 0
    status, out, err = run("copy", "--seal", *addresses)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "the copy says what the source says, and is sealed and verified"
    assert run("verify", "--data", str(target))[0] == 0
    other = ("--from", f"sqlite://{target}", "--to", f"sqlite://{tmp_path}/other")
    status, _, err = run("copy", "--seal", *other)
    assert (status, "copy it without --seal" in err) == (2, True)
    assert run("copy", *other)[0] == 0
    assert run("verify", "--data", f"{tmp_path}/other")[0] == 0


def test_restore_erases_again(run: Run, tmp_path: Path) -> None:
    """The list of erasures is named, or it is said that there were none; both at once make no sense."""
    data, backup, listed = tmp_path / "data", tmp_path / "backup", tmp_path / "listed"
    make_store(Settings(data=data), sealed=True)
    with opened(data) as service:
        demo.fill(service)
    assert run("backup", backup, "--data", data)[0] == 0
    assert run("erase", "person", demo.PEOPLE[demo.BEN][0], "--data", data)[0] == 0
    shutil.move(data / "erasures.jsonl", listed)
    new = ("--data", tmp_path / "new")
    status, _, err = run("restore", backup, *new)
    assert (status, "by --erasures FILE" in err) == (2, True)
    assert run("restore", backup, *new, "--erasures", listed, "--none-since")[0] == 2
    (tmp_path / "no list").write_text("{}\n")
    status, _, err = run("restore", backup, *new, "--erasures", tmp_path / "no list")
    assert (status, "line 1 of the list is no erasure" in err) == (2, True)
    status, out, err = run("restore", backup, *new, "--erasures", listed)
    assert (status, err) == (0, "")
    assert " events were erased again" in out
    assert run("verify", *new)[0] == 0
