"""Upload of DICOM files: each is stored or refused by itself, with the reason in one sentence."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import pytest

from albumcore_adapters.http.ui import upload as upload_pages
from albumcore_adapters.instances.outcomes import InstanceRefused
from albumcore_adapters.instances.storing import Storing
from support.browser import Browser, signed_in
from support.dicom_files import dicom_file
from support.kheops import ALBUM, ALICE, BOB, CT, DAVE, MR, STUDY, World
from support.pictured import CT_STUDY, store_pictures
from support.stored_files import pydicom_file

HERE = f"/ui/albums/{ALBUM}/upload"
_BOUNDARY = "a-boundary"


def send(
    browser: Browser,
    files: Mapping[str, bytes],
    *,
    to: str = HERE,
    token: str | None = None,
    end: str = "--",
    **headers: str,
) -> Any:
    """Send files as the form does, with the token of the shown page."""
    csrf = browser.page.split('name="_csrf" value="')[1].split('"')[0] if token is None else token
    parts = [f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="_csrf"\r\n\r\n{csrf}\r\n']
    for name, content in files.items():
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"'
        parts.append(f"{head}\r\n\r\n{content.decode('latin-1')}\r\n")
    body = "".join((*parts, f"--{_BOUNDARY}{end}")).encode("latin-1")
    sent = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}", **headers}
    answer = browser.ask("POST", to, body, sent)
    if "html" in answer.headers["content-type"]:
        browser.page = answer.text
    return answer


def test_files_are_stored_or_refused_each_by_itself(world: World) -> None:
    """Refused ones come first, then those that were here before."""
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    assert "They go into the album Trial." in browser.words
    assert "A file has at most 2 GB." in browser.words
    small = pydicom_file("CT_small.dcm")
    send(browser, {"one/IM0": small})
    other = pydicom_file("MR_small.dcm")
    send(browser, {"": b"", "one/IM1": other, "notes.docx": b"PK" + bytes(200), "IM2": small})
    for words in ("3 of 3 files read", "1 refused", "1 already here", "1 added"):
        assert words in browser.words, browser.words
    assert browser.page.index("notes.docx") < browser.page.index("IM2") < browser.page.index("IM1")
    assert "It is no DICOM file that can be read" in browser.words
    assert f"/ui/albums/{ALBUM}/studies/{CT_STUDY}" in browser.page
    browser.get(f"/ui/albums/{ALBUM}")
    assert "You added a series" in browser.words


def test_script_is_told_in_json(world: World) -> None:
    """In the language of the reader."""
    browser = signed_in(world, ALICE, **{"Accept-Language": "es"})
    browser.get("/ui/inbox/upload")
    assert "Van a su bandeja." in browser.words
    files = {"a.dcm": pydicom_file("CT_small.dcm")}
    answer = send(browser, files, to="/ui/inbox/upload", Accept="application/json")
    assert answer.json == {
        "files": [
            {
                "name": "a.dcm",
                "outcome": "added",
                "text": "Está guardado, y en su estudio.",
                "url": f"/ui/inbox/studies/{CT_STUDY}",
            }
        ]
    }


def test_each_reason_has_its_sentence(world: World) -> None:
    """It says what to do."""
    store_pictures(world, dicom_file(STUDY, CT, "1.2.3.1.1", PatientName="A"))
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    for content, words in (
        (dicom_file(STUDY, CT, "1.2.3.1.2", PatientName="B"), "It contradicts what is stored"),
        (dicom_file(STUDY, CT, "1.2.3.1.1", PatientName="A", Rows=2), "under the same UID"),
    ):
        send(browser, {"x": content})
        assert words in browser.words, browser.words
    other = signed_in(world, DAVE)
    other.get("/ui/inbox/upload")
    send(other, {"x": dicom_file(STUDY, CT, "1.2.3.1.3")}, to="/ui/inbox/upload")
    assert "You may not add to this series" in other.words


def test_what_an_archive_says_is_shown_as_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words are escaped once: they may have signs of HTML."""
    said = "Modality isn't <one> of A & B"
    refused = InstanceRefused(1, said, None)
    monkeypatch.setattr(Storing, "finish", lambda storing: [refused])
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    assert said in send(browser, {"x": b""}, Accept="application/json").json["files"][0]["text"]
    send(browser, {"x": b""})
    assert html.escape(said).replace("&#x27;", "&#39;") in browser.page


def test_a_form_that_is_forged_or_broken_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came before the break is stored; without the right to add there is no form."""
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    page = browser.page
    small = {"a": pydicom_file("CT_small.dcm")}
    assert send(browser, small, token="forged").status_code == 403
    browser.page = page
    assert send(browser, small, to=f"{HERE}?at=2026-03-01T12:00:00Z").status_code == 409
    assert browser.ask("POST", HERE, "_csrf=x").status_code == 415
    nothing = {"Content-Type": "multipart/form-data"}
    assert browser.ask("POST", HERE, "x", nothing).status_code == 400
    empty = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    assert browser.ask("POST", HERE, f"--{_BOUNDARY}--", empty).status_code == 403
    browser.page = page
    assert send(browser, small, end="").status_code == 400
    monkeypatch.setattr(upload_pages, "_MOST_FILES", 1)
    browser.page = page
    series = {"a": dicom_file(STUDY, MR, "1.2.3.2.1"), "b": dicom_file(STUDY, MR, "1.2.3.2.2")}
    assert send(browser, series).status_code == 413
    browser.get(f"/ui/albums/{ALBUM}/studies")
    assert "Studies" in browser.words
    world.request(ALICE, "PATCH", f"/albums/{ALBUM}", form={"addSeries": "false"})
    plain = signed_in(world, BOB)
    plain.get(f"/ui/albums/{ALBUM}/studies")
    assert "Add studies" not in plain.words
    assert plain.get(HERE).status_code == 403


@pytest.mark.parametrize(
    ("length", "words"), [(2**31, "2 GB"), (1536, "1.5 kB"), (2**41, "2048 GB")]
)
def test_sizes_are_said_in_their_unit(length: int, words: str) -> None:
    """One of a thousand and twenty-four of the one before."""
    assert upload_pages._size(length) == words
