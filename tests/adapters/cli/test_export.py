"""`albumcore export`: what is in the tables, whom they name, and how a file comes to be, on both databases."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import product
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from attrs import frozen
from falcon import testing

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
    patient_stream,
    post_comment,
    remove_image,
    utc_now,
)
from albumcore.feed import UPSTREAM
from albumcore.feed.entries import PLACEHOLDERS, WITHDRAWN
from albumcore.ids import AlbumId, ImageId, PatientId
from albumcore.kernel import ERASED
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.export.tables import (
    ExportedEntry,
    ExportedImage,
    export_columns,
    pseudonym_of,
)
from albumcore_adapters.http.app import create_app
from albumcore_adapters.identity.jwt import issue_token
from albumcore_adapters.server import demo
from albumcore_adapters.service import Service, open_service
from support.command_line import Run
from support.copying import copied
from support.places import SYSTEMS, Place, place_for
from support.server import user_of

GONE, OTHER = AlbumId("Gone000001"), AlbumId("Other00001")
FORMULA, WITHDRAWN_TEXT = '=HYPERLINK("https://elsewhere.example")', "Said too early"
KEY = hashlib.sha256(b"the key of the tests").digest()
Rows = Sequence[Mapping[str, Any]]
Export = Callable[..., bytes]


@frozen
class Store:
    """A store to export.

    Attributes:
        place: Where it is.
        made: What the demo made in it.
    """

    place: Place
    made: demo.Demo

    def open(self) -> Service:
        """The service over it."""
        return open_service(Settings(data=self.place.data, database=self.place.database))


@pytest.fixture(scope="module", params=SYSTEMS)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """The demo, and what it has none of; tests read it."""
    with ExitStack() as stack:
        place = place_for(request.param, tmp_path_factory.mktemp("research"), stack)
        with closing(open_service(Settings(data=place.data, database=place.database))) as service:
            yield Store(place, _furnished(service))


def _furnished(service: Service) -> demo.Demo:
    made = demo.fill(service)
    ada, ben, cat = (user_of(service, sub) for sub in demo.PEOPLE)
    albums, by = service.albums, Source(ada)
    album = album_stream(AlbumId(made.album_id))
    albums.handle(album, add_member, by, ben)
    albums.handle(album, post_comment, Source(ben), FORMULA)
    [said] = albums.handle(album, post_comment, by, WITHDRAWN_TEXT)
    albums.undo(AlbumId(made.album_id), said.version, by)
    for other in (OTHER, GONE):
        albums.handle(album_stream(other), create_album, Source(cat), "Another")
    albums.handle(album_stream(GONE), delete_album, Source(cat))
    images = patient_stream(PatientId(made.patient))
    albums.handle(images, remove_image, by, ImageId(made.images["Xray"]))
    content = Content("ab" * 32, 5_011, "image/png")
    another = patient_stream(PatientId(made.patient + 2))
    albums.handle(another, add_image, by, ImageId(901), 5, 6, ImageType.XRAY, content)
    deleted = patient_stream(PatientId(made.patient + 1))
    albums.handle(deleted, add_image, by, ImageId(900), None, None, ImageType.XRAY, content)
    albums.handle(deleted, delete_patient, by)
    return made


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The file of a key."""
    path = tmp_path / "key"
    path.write_bytes(KEY)
    path.chmod(0o600)
    return path


@pytest.fixture
def export(run: Run, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Export:
    """Export the store to a file, and return its bytes."""

    def exported(what: str, form: str, *options: str | Path, place: Place = store.place) -> bytes:
        _point_at(place, monkeypatch)
        out = tmp_path / f"out.{form}"
        ways = ("--what", what, "--format", form, "--out", out)
        status, words, _ = run("export", *ways, "--data", place.data, *options)
        assert (status, words) == (0, "")  # progress is told after two seconds, to the other output
        return out.read_bytes()

    return exported


def _point_at(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALBUMCORE_DATABASE", raising=False)
    if place.database is not None:
        monkeypatch.setenv("ALBUMCORE_DATABASE", place.database)


def rows_of_lines(text: bytes) -> Rows:
    """The rows of JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


# What is in them


def as_exported(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of the endpoint as a row."""
    source, of = entry["source"], {name: entry.get(name, {}) for name in ("target", "study")}
    placeholders: dict[str | None, Any] = {text: what for what, text in PLACEHOLDERS.items()}
    comment = entry.get("comment")
    return {
        "version": entry["version"],
        "recorded_at": entry["post_date"],
        "event_type": entry["event_type"],
        "mutation_type": entry.get("mutation_type"),
        "source": source["sub"],
        "source_token_id": source.get("capability_token", {}).get("id"),
        "source_provider_id": source.get("report_provider", {}).get("client_id"),
        "target": of["target"].get("sub"),
        "is_private": entry.get("is_private", False),
        "study_uid": of["study"].get("UID"),
        "series_uids": [one["UID"] for one in of["study"].get("series", ())],
        "provider_id": entry.get("report_provider", {}).get("client_id"),
        "undoes": entry.get("undoes"),
        "is_withdrawn": placeholders.get(comment) is WITHDRAWN,
        "is_erased": placeholders.get(comment) is ERASED,
        "comment": None if comment in placeholders else comment,
    }


def test_the_feed_is_that_of_the_endpoint(export: Export, store: Store) -> None:
    """Oldest first, with what each member sees of it; the upstream form has the series of every entry."""
    rows = [
        {name: value for name, value in row.items() if name != "album_id"}
        for row in rows_of_lines(export("feed", "jsonl", "--identified", "--texts"))
        if row["album_id"] == store.made.album_id
    ]
    settings = Settings(data=store.place.data, database=store.place.database, compat="upstream")
    with closing(open_service(settings)) as service:
        client = testing.TestClient(create_app(service))
        for viewer in [*demo.PEOPLE][:2]:
            token = issue_token(service.secret, viewer, None, None, 60, utc_now())
            answer = client.simulate_get(
                f"/albums/{store.made.album_id}/events",
                query_string=urlencode({"with": "version", "limit": 1000}),
                headers={"Authorization": f"Bearer {token}"},
            )
            seen = [as_exported(one) for one in reversed(answer.json)]
            expected = [
                row
                | {
                    "recorded_at": row["recorded_at"].removesuffix("Z").removesuffix(".000000"),
                    "mutation_type": row["mutation_type"]
                    and UPSTREAM.shown_as(row["mutation_type"]),
                }
                for row in rows
                if not row["is_private"] or viewer in (row["source"], row["target"])
            ]
            assert seen == expected
            assert len(seen) > 25


def test_the_images_are_those_of_the_patients(export: Export, store: Store) -> None:
    """Removed ones say so; none is of a patient who was deleted."""
    rows = rows_of_lines(export("images", "jsonl", "--identified"))
    with closing(store.open()) as service:
        for row in rows:
            if row["is_removed"]:
                assert row["image_id"] == str(store.made.images["Xray"])
                continue
            shown, added = service.albums.image(ImageId(int(row["image_id"])))
            content = added.content
            assert row == {
                "patient_id": str(shown.patient),
                "image_id": str(shown.image_id),
                "recorded_at": f"{shown.at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z",
                "source": row["source"],
                "clinic": shown.clinic,
                "station": shown.station,
                "type": shown.type,
                "media_type": content.media_type,
                "size": content.length,
                "digest": content.digest,
                "is_removed": False,
            }
    assert [int(row["image_id"]) for row in rows] == [*sorted(store.made.images.values()), 901]


def test_albums_and_patients_are_chosen(export: Export, store: Store, run: Run) -> None:
    """The others are left out; what is not there is named."""
    ways, here = ("jsonl", "--identified"), ("--data", store.place.data)
    album, patient = store.made.album_id, str(store.made.patient)
    every = rows_of_lines(export("feed", *ways))
    assert {row["album_id"] for row in every} == {album, OTHER}
    both = export("feed", *ways, "--album", album, "--album", OTHER)
    assert rows_of_lines(both) == every
    [only] = rows_of_lines(export("feed", *ways, "--album", OTHER))
    assert only["album_id"] == OTHER
    images = rows_of_lines(export("images", *ways, "--patient", patient))
    assert [row["patient_id"] for row in images] == [patient] * len(store.made.images)
    for chosen in (("feed", "--album", GONE), ("images", "--patient", str(store.made.patient + 1))):
        what, *option = chosen
        command = ("export", "--what", what, "--format", "jsonl", "--identified")
        status, out, err = run(*command, *option, *here)
        assert (status, out) == (2, "")
        assert option[1] in err


# As of a time


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_past_is_what_was_exported_then(
    system: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, whatever came after it: comments that were withdrawn, images that were removed."""
    album, patient = AlbumId("Q7bZ2mP0xT"), PatientId(7)
    with ExitStack() as stack:
        place = place_for(system, tmp_path / "data", stack)
        _point_at(place, monkeypatch)

        def exports(*options: str) -> list[tuple[int, str, str]]:
            common = ("--format", "csv", "--identified", "--data", place.data, *options)
            return [
                run("export", "--what", "feed", "--texts", *common),
                run("export", "--what", "images", *common),
            ]

        settings = Settings(data=place.data, database=place.database)
        with closing(open_service(settings)) as service:
            by, handle = Source(service.people.register("alice").id), service.albums.handle
            content = Content("ab" * 32, 5_011, "image/png")
            xray = (None, 3, ImageType.XRAY, content)
            handle(album_stream(album), create_album, by, "Knees")
            [said] = handle(album_stream(album), post_comment, by, WITHDRAWN_TEXT)
            handle(patient_stream(patient), add_image, by, ImageId(1), *xray)
            then, at = exports(), utc_now().isoformat()
            assert all(WITHDRAWN_TEXT in out or "Xray" in out for _, out, _ in then)
            service.albums.undo(album, said.version, by)
            handle(patient_stream(patient), remove_image, by, ImageId(1))
            handle(patient_stream(patient), add_image, by, ImageId(2), *xray)
            handle(album_stream(OTHER), create_album, by, "Later")
        assert exports("--at", at) == then
        assert all(before != now for before, now in zip(then, exports(), strict=True))
        before = exports("--at", "2020-01-01T00:00:00Z")
        assert [out.count("\n") for _, out, _ in before] == [1, 1]


# Whom they name


@pytest.mark.parametrize(("what", "table"), [("feed", ExportedEntry), ("images", ExportedImage)])
def test_identifiers_are_replaced_by_pseudonyms(
    export: Export, key_file: Path, what: str, table: type[Any]
) -> None:
    """Each by that of the same thing, so that equal ones stay equal; all else is as it was, but in their order."""
    named = rows_of_lines(export(what, "jsonl", "--identified"))
    rows = rows_of_lines(export(what, "jsonl", "--key-file", key_file))
    things = {one.name: one.identifies for one in export_columns(table)}

    def hidden(name: str, value: Any) -> Any:
        thing = things[name]
        if thing is None or value is None:
            return value
        if isinstance(value, list):
            return [hidden(name, one) for one in value]
        return pseudonym_of(KEY, thing, value)

    expected = [{name: hidden(name, value) for name, value in row.items()} for row in named]
    first = next(iter(things))
    assert len({row[first] for row in rows}) == 2
    # Stable: within an album or a set they stay in order.
    assert rows == sorted(expected, key=itemgetter(first))
    assert things.keys() == named[0].keys()


def test_no_identifier_is_in_a_table_of_pseudonyms(
    export: Export, key_file: Path, store: Store
) -> None:
    """Nor any text of a comment, unless texts are asked for."""
    told = export("feed", "csv", "--key-file", key_file).decode()
    told += export("images", "csv", "--key-file", key_file).decode()
    for secret in (*demo.PEOPLE, store.made.album_id, OTHER, "1.2.8", "1.3.6", "angiogram"):
        assert secret not in told
    assert "angiogram" in export("feed", "csv", "--key-file", key_file, "--texts").decode()


def test_what_was_erased_or_withdrawn_does_not_appear(
    run: Run, tmp_path: Path, key_file: Path
) -> None:
    """The row of an erased comment says that it was erased; an erased image has no row."""
    data, album = tmp_path / "data", AlbumId("Q7bZ2mP0xT")
    with closing(open_service(Settings(data=data))) as service:
        by, handle = Source(service.people.register("alice").id), service.albums.handle
        handle(album_stream(album), create_album, by, "Knees")
        for text in ("Erase me", "Leave me"):
            handle(album_stream(album), post_comment, by, text)
        for image in (1, 2):
            content, key = service.image_bytes.put(b"A picture of %d" % image)
            arguments = (ImageId(image), None, None, ImageType.XRAY, content, key)
            handle(patient_stream(PatientId(7)), add_image, by, *arguments)
    assert run("erase", "comment", album, "2", "--data", data)[0] == 0
    assert run("erase", "image", "1", "--data", data)[0] == 0
    common = ("--format", "jsonl", "--identified", "--data", data)
    out = run("export", "--what", "feed", "--texts", *common)[1]
    rows = rows_of_lines(out.encode())
    assert [(row["comment"], row["is_erased"]) for row in rows] == [
        (None, False),
        (None, True),
        ("Leave me", False),
    ]
    images = rows_of_lines(run("export", "--what", "images", *common)[1].encode())
    assert [row["image_id"] for row in images] == ["2"]


@pytest.mark.parametrize(
    ("content", "mode", "status"),
    [(KEY, 0o600, 0), (KEY, 0o644, 2), (KEY[:31], 0o600, 2), (bytes(32), 0o600, 2)],
)
def test_a_key_is_random_and_private(
    run: Run,
    tmp_path: Path,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    mode: int,
    status: int,
) -> None:
    """Anyone who has it can find out whom a pseudonym stands for."""
    _point_at(store.place, monkeypatch)
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(mode)
    command = ("export", "--what", "feed", "--format", "csv", "--key-file", file)
    done = run(*command, "--data", store.place.data)
    assert (done[0], str(file) in done[2]) == (status, status != 0)


# How a file comes to be


def test_the_same_store_gives_the_same_bytes(
    export: Export,
    key_file: Path,
    store: Store,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Again, and from a copy in the other database."""
    [other] = {*SYSTEMS} - {"sqlite" if store.place.database is None else "postgres"}
    with ExitStack() as stack:
        copy = place_for(other, tmp_path / "copy", stack)
        assert copied(*(one.database or one.data for one in (store.place, copy))).is_whole
        capsys.readouterr()  # a server may have said its version
        for what, form in product(("feed", "images"), ("csv", "jsonl", "parquet")):
            first, again, of_copy = (
                export(what, form, "--key-file", key_file, place=place)
                for place in (store.place, store.place, copy)
            )
            assert first == again == of_copy


def test_without_a_file_it_is_printed(export: Export, run: Run, store: Store) -> None:
    """The same bytes."""
    for form in ("csv", "jsonl"):
        written = export("feed", form, "--identified", "--texts")
        command = ("export", "--what", "feed", "--format", form, "--identified", "--texts")
        assert run(*command, "--data", store.place.data)[:2] == (0, written.decode())


def test_csv_has_a_line_of_names_and_runs_no_formula(export: Export) -> None:
    """RFC 4180: lines end in CR LF, and quotes are doubled. A text that a spreadsheet would run has an apostrophe."""
    text = export("feed", "csv", "--identified", "--texts").decode()
    assert text.count("\r\n") == text.count("\n")
    header, *rows = csv.reader(text.splitlines(keepends=True))
    assert header == [column.name for column in export_columns(ExportedEntry)]
    assert f"'{FORMULA}" in {row[-1] for row in rows}
    assert {len(row) for row in rows} == {len(header)}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--key-file"),
        (("--identified", "--key-file", "key"), "--key-file"),
        (("--identified", "--patient", "7"), "--patient"),
        (("--what", "images", "--identified", "--album", "A"), "--album"),
        (("--what", "images", "--identified", "--texts"), "--texts"),
        (("--identified", "--format", "parquet"), "--out"),
        (("--identified", "--at", "2999-01-01"), "at:"),
        (("--key-file", "nowhere"), "nowhere"),
        (("--identified", "--out", "nowhere/feed.csv"), "nowhere"),
        (("--identified", "--out", "."), "."),
    ],
)
def test_what_cannot_be_exported(
    run: Run, tmp_path: Path, options: Sequence[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 2, a sentence, and no file."""
    monkeypatch.chdir(tmp_path)
    with closing(open_service(Settings(data=tmp_path / "data"))):
        pass
    given = {"--what": "feed", "--format": "csv"}
    rest = list(options)
    for name in given:
        if name in rest:
            given[name] = rest.pop(rest.index(name) + 1)
            rest.remove(name)
    ways = [word for pair in given.items() for word in pair]
    status, out, err = run("export", *ways, *rest, "--data", "data")
    assert (status, out) == (2, "")
    assert said in err
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_parquet_without_its_extra_says_what_to_install(
    run: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is opened or written."""
    for name in ("pyarrow", "albumcore_adapters.export.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    ways = ("--what", "feed", "--format", "parquet", "--identified", "--out", tmp_path / "out")
    said = "albumcore: Parquet needs more: pip install 'albumcore[export]'\n"
    assert run("export", *ways, "--data", store.place.data) == (2, "", said)
    assert not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_finished_is_not_there(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there before is; an event that cannot be read ends the export."""
    data, out = tmp_path / "data", tmp_path / "out" / "feed.csv"
    out.parent.mkdir()
    out.write_text("the last one")
    album = album_stream(AlbumId("Q7bZ2mP0xT"))
    with closing(open_service(Settings(data=data))) as service:
        by = Source(service.people.register("alice").id)
        service.albums.handle(album, create_album, by, "Knees")
        service.albums.handle(album, post_comment, by, "A text")
    Place(data).run(
        "UPDATE stored_events SET state = '{' WHERE originator_version = 2 AND originator_id LIKE 'album-%'"
    )
    command = ("export", "--what", "feed", "--format", "csv", "--identified", "--out", out)
    status, _, err = run(*command, "--data", data)
    assert status == 2
    assert "version 2" in err
    assert [path.read_text() for path in out.parent.iterdir()] == ["the last one"]
