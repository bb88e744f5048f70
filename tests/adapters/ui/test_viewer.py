"""The viewer: frames by links, windows by modality, and what is known of each image."""

from __future__ import annotations

import re
from html import unescape

import pytest

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.base.dicom_json import element
from albumcore_adapters.http.ui import viewer
from albumcore_adapters.http.ui.windows import windows_of
from support.browser import Browser, signed_in
from support.dicom_files import dicom_file
from support.kheops import ALBUM, ALICE, BOB, CT, DAVE, MR, STUDY, World
from support.pictured import (
    CT_SERIES,
    CT_STUDY,
    TWO_FRAMES,
    TWO_FRAMES_SERIES,
    store_pictures,
)

HERE = f"/ui/albums/{ALBUM}/studies"
OF_CT = f"{HERE}/{CT_STUDY}/series/{CT_SERIES}"
OF_TWO = f"{HERE}/{TWO_FRAMES}/series/{TWO_FRAMES_SERIES}"


@pytest.fixture
def pictured(world: World) -> World:
    """A world with three studies in the album."""
    store_pictures(world)
    return world


def picture(browser: Browser) -> str:
    """The address of the picture on the page."""
    found = re.search(r'id="film" src="([^"]*)"', browser.page)
    assert found is not None, browser.words
    return unescape(found[1])


def test_a_frame_is_shown_in_the_windows_of_its_modality(pictured: World) -> None:
    """The picture is what the API renders."""
    browser = signed_in(pictured, BOB)
    browser.get(OF_CT)
    for words in (
        "As sent 1",
        "Brain 2",
        "Lung 5",
        "1 to 5: window",
        "1 of 1",
        "128 \N{MULTIPLICATION SIGN} 128, 16 bit",
        "not to diagnose",
    ):
        assert words in browser.words
    assert 'alt="Series 1, frame 1 of 1"' in browser.page
    plain = picture(browser)
    assert "window" not in plain
    browser.get(f"{OF_CT}?window=bone")
    assert "window=500%2C2000%2Clinear" in picture(browser)
    contents = set()
    for address in (plain, picture(browser)):
        answer = browser.ask("GET", address)
        assert answer.headers["content-type"] == "image/jpeg"
        contents.add(answer.content)
    assert len(contents) == 2


def test_frames_are_reached_by_links(pictured: World) -> None:
    """One a page; a number beyond the last is the last."""
    browser = signed_in(pictured, BOB)
    browser.get(OF_TWO)
    assert "Next frame" in browser.words
    assert "Previous frame" not in browser.words
    assert ": window" not in browser.words  # a keyboard has no key for the only one
    assert "Brain" not in browser.words
    first = browser.ask("GET", picture(browser)).content
    browser.get(f"{OF_TWO}?frame=99")
    assert "2 of 2" in browser.words
    assert "Previous frame" in browser.words
    assert "Next frame" not in browser.words
    assert browser.ask("GET", picture(browser)).content != first
    assert browser.get(f"{OF_TWO}?frame=0").status_code == 200
    assert browser.get(f"{OF_TWO}?frame=x").status_code == 400


def test_what_is_known_of_a_frame_is_a_part_of_its_own(pictured: World) -> None:
    """For script, which shows the pictures without the page."""
    browser = signed_in(pictured, BOB)
    answer = browser.ask("GET", OF_CT, headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert "0008,0060" in answer.text
    assert "7FE0" not in answer.text


def test_frames_of_several_instances_follow_one_another(world: World) -> None:
    """By instance number; what has no pixels is left out, and a large one is scaled down."""
    store_pictures(
        world,
        dicom_file(STUDY, MR, "1.2.3.2.1", InstanceNumber=2, Modality="MR"),
        dicom_file(
            *(STUDY, MR, "1.2.3.2.2", b"\0\1" * 64),
            InstanceNumber=1,
            Modality="MR",
            NumberOfFrames=2,
            PixelSpacing=[1, 2],
            SeriesDate="20260102",
            ManufacturerModelName="x",
            StationName="Station 3",
            InstitutionName="y" * 300,
        ),
        dicom_file(STUDY, MR, "1.2.3.2.3", InstanceNumber=3, Rows=None, Modality="MR"),
    )
    browser = signed_in(world, ALICE)
    here = f"{HERE}/{STUDY}/series/{MR}"
    for number, instance, frame in ((1, "1.2.3.2.2", 1), (2, "1.2.3.2.2", 2), (3, "1.2.3.2.1", 1)):
        browser.get(f"{here}?frame={number}&window=full")
        assert f"{number} of 3" in browser.words
        assert f"/instances/{instance}/frames/{frame}/rendered?" in picture(browser)
        assert "window=32768%2C65536%2Clinear" in picture(browser)
        assert "viewport" not in picture(browser)
    browser.get(here)
    for words in ("2 \N{MULTIPLICATION SIGN} 1 mm", "2 January 2026", "Station 3", "y" * 200 + "…"):
        assert words in browser.words
    assert 'data-instances="1.2.3.2.2:2 1.2.3.2.1:1 "' in browser.page


def test_a_large_picture_is_scaled_down(pictured: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """To what a screen shows."""
    monkeypatch.setattr(viewer, "_SIDE", 64)
    browser = signed_in(pictured, BOB)
    browser.get(OF_CT)
    assert "viewport=64%2C64" in picture(browser)


def test_a_series_without_pictures_says_so(world: World) -> None:
    """Its bytes may be elsewhere; a document has a link."""
    world.store({CT: "CT"}, owner=ALICE)
    browser = signed_in(world, ALICE)
    browser.get(f"/ui/inbox/studies/{STUDY}/series/{CT}")
    assert "This series has no pictures that can be shown here." in browser.words
    store_pictures(
        world,
        dicom_file(
            *(StudyUID("1.2.4"), SeriesUID("1.2.4.1"), "1.2.4.1.1"),
            SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1",
            Modality="DOC",
        ),
    )
    browser.get(f"{HERE}/1.2.4/series/1.2.4.1")
    assert "Open the document (application/pdf)" in browser.words
    assert "no pictures" not in browser.words


def test_only_those_who_see_a_series_look_at_it(pictured: World) -> None:
    """All others find nothing."""
    assert signed_in(pictured, DAVE).get(OF_CT).status_code == 404
    browser = signed_in(pictured, BOB)
    assert browser.get(f"{HERE}/{CT_STUDY}/series/1.2.3.4").status_code == 404
    assert browser.get(f"{HERE}/{CT_STUDY}/series/x").status_code == 400
    assert browser.get(f"/ui/inbox/studies/{CT_STUDY}/series/{CT_SERIES}").status_code == 404


def test_the_full_range_is_that_of_the_values() -> None:
    """With sign and rescaling; not for what does not say how many bits it has."""
    grey = {"00280004": element("CS", "MONOCHROME2")}
    bits = {**grey, "00280101": element("US", 12)}
    signed = {**bits, "00280103": element("US", 1)}
    for attributes, value in (
        (bits, "2048,4096,linear"),
        (signed, "0,4096,linear"),
        (
            {**signed, "00281053": element("DS", 2), "00281052": element("DS", -1024)},
            "-1024,8192,linear",
        ),
        ({**bits, "00281053": element("DS", None)}, "2048,4096,linear"),
    ):
        assert [one.value for one in windows_of("MR", attributes)] == [None, value]
    for attributes in (
        grey,
        {},
        {**bits, "00280004": element("CS", "RGB")},
        {**grey, "00280101": element("US", 64)},
        {**bits, "00281053": element("DS", 1e9)},
    ):
        assert [one.name for one in windows_of("MR", attributes)] == ["sent"]


def test_the_heading_leads_to_the_study(pictured: World) -> None:
    """Of the album or of the inbox; and each link of the page is an address from the root."""
    browser = signed_in(pictured, ALICE)
    browser.get(f"{HERE}/{CT_STUDY}")
    browser.post(f"{HERE}/{CT_STUDY}/add", album="inbox")
    for above in (f"{HERE}/{CT_STUDY}", f"/ui/inbox/studies/{CT_STUDY}"):
        browser.get(f"{above}/series/{CT_SERIES}")
        assert f'<h1><a href="{above}">e+1</a></h1>' in browser.page
        assert not re.findall(r'<a [^>]*href="(?![/#])[^"]*"', browser.page)
