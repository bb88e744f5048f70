"""The studies of an album, the page of one, and what is done there."""

from __future__ import annotations

import re

import pytest

from albumcore import edit_album, import_series, remove_series
from albumcore.ids import AlbumId, SeriesUID
from albumcore_adapters.directory.forgetting import forget_study
from albumcore_adapters.http.ui import study as study_pages
from albumcore_adapters.http.ui import study_cards
from support.browser import Browser, signed_in
from support.dicom_files import dicom_file
from support.kheops import ALBUM, ALICE, BOB, CAROL, CT, DAVE, MR, STUDY, World
from support.pictured import CT_SERIES, CT_STUDY, MR_STUDY, TWO_FRAMES, store_pictures

HERE = f"/ui/albums/{ALBUM}"


@pytest.fixture
def pictured(world: World) -> World:
    """A world with three studies in the album."""
    store_pictures(world)
    return world


def test_the_studies_are_beside_the_timeline(pictured: World) -> None:
    """With a picture, a title, a date and the name of the patient; and with the acts of the reader alone."""
    browser = signed_in(pictured, ALICE)
    browser.get(HERE)
    for words in (
        "Studies 3",
        "e+1 19 January 2004 · CT · 1 series, 1 imageCompressedSamples, CT1",
        "A study of 26 August 2004 (MR)",
    ):
        assert words in browser.words
    address = f"/ui/data/studies/{CT_STUDY}/thumbnail?album={ALBUM}&amp;viewport=192%2C192"
    assert f'src="{address}"' in browser.page
    answer = browser.ask("GET", address.replace("&amp;", "&"), headers={"Accept": "image/*"})
    assert answer.headers["content-type"] == "image/jpeg"
    assert f"/studies/{CT_STUDY}/remove" in browser.page
    pictured.request(ALICE, "PATCH", f"/albums/{ALBUM}", form={"deleteSeries": "false"})
    plain = signed_in(pictured, BOB)
    plain.get(HERE)
    assert f"/studies/{CT_STUDY}/remove" not in plain.page
    assert plain.post(f"{HERE}/studies/{CT_STUDY}/remove").status_code == 403


def test_an_album_is_found_by_the_patients_in_it(pictured: World) -> None:
    """By every word in the name of one of them and what the album is called; not by one who was removed or erased."""
    pictured.act(ALICE, edit_album, "Trial")
    browser, other = signed_in(pictured, BOB), signed_in(pictured, DAVE)

    def is_found(query: str, browser: Browser = browser) -> bool:
        browser.get(f"/ui/albums?q={query}")
        return f'href="{HERE}"' in browser.page

    for query, expected in (
        ("compressedsamples", True),
        ("CompressedSamples,+CT1", True),
        ("ct1+trial", True),
        ("ct1+mr1", False),
        ("ct2", False),
    ):
        assert is_found(query) == expected, query
        assert not is_found(query, other), query
    browser.get(HERE)
    signed = signed_in(pictured, ALICE)
    signed.get(HERE)
    signed.post(f"{HERE}/studies/{CT_STUDY}/remove")
    assert not is_found("ct1")
    assert is_found("mr1")
    with pictured.service.database.transaction(commit=True) as cursor:
        forget_study(cursor, MR_STUDY)
    assert not is_found("mr1")


def test_a_patient_whose_images_an_album_does_not_have_does_not_lead_to_it(pictured: World) -> None:
    """It names a series of their study that there are no images of."""
    pictured.request(ALICE, "POST", "/albums", form={"name": "Empty"})
    browser = signed_in(pictured, ALICE)
    browser.get("/ui/albums?q=empty")
    [empty] = re.findall(r'href="/ui/albums/(\w+)"', browser.page)
    pictured.act(ALICE, import_series, CT_STUDY, "1.2.3.4.5", album=AlbumId(empty))
    pictured.service.catalogue.add_placeholder(CT_STUDY, SeriesUID("1.2.3.4.5"))
    browser.get("/ui/albums?q=ct1")
    assert f'href="{HERE}"' in browser.page
    assert empty not in browser.page


def test_a_study_that_is_gone_is_shown_as_it_was(world: World) -> None:
    """The timeline and the changes name it, and lead to it as of the entry, or as of before its removal."""
    world.clock.tick(60)
    then = world.clock.now.isoformat().replace("+00:00", "Z")
    store_pictures(world)
    world.clock.tick(1)
    browser = signed_in(world, ALICE)
    browser.post(f"{HERE}/studies/{CT_STUDY}/remove")
    browser.get(HERE)
    links = [re.findall(r'href="([^"]*)">e\+1<', browser.page)]
    browser.get(f"{HERE}?at={then}&changes=1")
    assert "Came and went: e+1 came and went" in browser.words
    links += [re.findall(r'href="([^"]*)">e\+1<', browser.page)]
    assert [len(one) for one in links] == [2, 1]
    for address in {*links[0], *links[1]}:
        assert browser.get(address).status_code == 200, address
        assert "<h1>e+1</h1>" in browser.page


def test_a_favourite_is_shown_as_one_everywhere(pictured: World) -> None:
    """The form leads back to where it was."""
    browser = signed_in(pictured, ALICE)
    for back, words in (
        ("album", "Timeline"),
        ("studies", "Add studies All 3 Favourites 1"),
        ("", "No favourite any more"),
    ):
        browser.get(HERE)
        browser.post(f"{HERE}/studies/{CT_STUDY}/favorite", favorite="true", **{"from": back})
        assert words in browser.words
        browser.get(f"{HERE}/studies?show=favorites")
        assert "e+1" in browser.words
        assert "26 August" not in browser.words
        browser.post(f"{HERE}/studies/{CT_STUDY}/favorite", favorite="false", **{"from": back})
    browser.get(f"{HERE}/studies?show=favorites")
    assert "No favourite yet. Show all studies" in browser.words
    assert pictured.mutations()[:2] == ["REMOVE_FAV", "ADD_FAV"]


def test_a_study_is_removed_after_a_question(pictured: World) -> None:
    """The album of the past still names it, without pictures of it."""
    browser = signed_in(pictured, ALICE)
    then = pictured.clock.now.isoformat().replace("+00:00", "Z")
    pictured.clock.tick(60)
    browser.get(f"{HERE}/studies/{CT_STUDY}/remove")
    assert "Remove e+1?" in browser.words
    browser.post(f"{HERE}/studies/{CT_STUDY}/remove")
    assert "You removed the study e+1" in browser.words
    assert "Studies 2" in browser.words
    for path in (f"/studies/{CT_STUDY}", f"/studies/{CT_STUDY}/remove"):
        assert browser.get(HERE + path).status_code == 404
    browser.get(f"{HERE}/studies?at={then}")
    assert "Studies on Sunday 1 March" in browser.words
    assert "e+1" in browser.words
    assert "Its images are not here any more" in browser.words
    assert "/favorite" not in browser.page
    assert f"/studies/{CT_STUDY}/thumbnail" not in browser.page
    assert f"/studies/{MR_STUDY}/thumbnail" in browser.page
    assert browser.get(f"{HERE}/studies/{CT_STUDY}?at={then}").status_code == 200
    assert "e+1" in browser.words
    assert "Its images are not here any more" in browser.words
    assert "Look at the images" not in browser.words
    assert f"{CT_STUDY}/series/" not in browser.page
    assert 'method="post" action="/ui/albums' not in browser.page
    assert browser.get(f"{HERE}/studies?at=nonsense").status_code == 400


def test_a_series_that_was_removed_since_is_no_link(pictured: World) -> None:
    """The one that stayed is; the button leads to it."""
    store_pictures(
        pictured,
        *(
            dicom_file(STUDY, series, f"{series}.1", SeriesDescription=name, SeriesNumber=number)
            for number, (series, name) in enumerate(((CT, "Gone"), (MR, "Left")), 1)
        ),
    )
    then = pictured.clock.now.isoformat()[:19] + "Z"
    pictured.clock.tick(60)
    pictured.act(ALICE, remove_series, STUDY, CT)
    browser = signed_in(pictured, BOB)
    browser.get(f"{HERE}/studies/{STUDY}?at={then}")
    assert "Gone" in browser.words
    assert "any more" not in browser.words
    viewer = f"{HERE}/studies/{STUDY}/series/{MR}?at={then.replace(':', '%3A')}"
    assert re.findall(r'href="([^"]*/series/[^"]*)"', browser.page) == [viewer] * 2
    assert browser.get(viewer).status_code == 200
    assert "Gone" in browser.words
    assert f"/series/{CT}" not in browser.page


def test_many_studies_are_on_pages(pictured: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the timeline are the latest."""
    monkeypatch.setattr(study_pages, "_PANEL", 1)
    monkeypatch.setattr(study_cards, "_STUDIES", 2)
    browser = signed_in(pictured, BOB)
    browser.get(HERE)
    assert "All 3 studies" in browser.words
    assert "e+1 19 January" not in browser.words
    browser.get(f"{HERE}/studies")
    assert "26 August 2004" in browser.words
    assert "offset=2" in browser.page
    browser.get(f"{HERE}/studies?offset=2")
    assert "e+1" in browser.words
    assert "offset=0" in browser.page
    assert browser.get(f"{HERE}/studies?offset=x").status_code == 400


def test_the_page_of_a_study_has_its_series_and_what_is_known_of_it(pictured: World) -> None:
    """Series as pictures, each leading to its viewer."""
    browser = signed_in(pictured, BOB)
    browser.get(f"{HERE}/studies/{CT_STUDY}")
    assert "In this album Alice added a series, without a name, of e+1today, " in browser.words
    for words in ("e+1", "PatientCompressedSamples, CT1", "Patient ID1CT1", f"UID{CT_STUDY}"):
        assert words in browser.words
    assert browser.page.count(f"{HERE}/studies/{CT_STUDY}/series/") >= 1
    assert browser.get(f"{HERE}/studies/1.2.3.4.5").status_code == 404
    assert browser.get(f"{HERE}/studies/nonsense").status_code == 400
    assert signed_in(pictured, DAVE).get(f"{HERE}/studies/{CT_STUDY}").status_code == 404


def test_an_album_without_studies_says_where_they_come_from(world: World) -> None:
    """To those who may add some; in the past, it says that there were none."""
    browser = signed_in(world, ALICE)
    browser.get("/ui/new-album")
    browser.post("/ui/albums", name="Empty")
    here = browser.page.split('data-events="/ui/data')[1].split("/events")[0]
    link = f'<a class="button primary" href="/ui{here}/upload">'
    assert link in browser.page
    browser.get(f"/ui{here}/studies")
    assert browser.page.count(f'href="/ui{here}/upload"') == 1
    assert "No study yet." in browser.words
    browser.get(f"/ui{here}/studies?at={world.clock.now.isoformat()[:19]}Z")
    assert "No study yet." in browser.words
    assert "upload" not in browser.page


def test_pages_of_studies_say_loudly_that_they_show_the_past(pictured: World) -> None:
    """In a band, in the title and in the frame; from there it is one step to the album as it is."""
    browser = signed_in(pictured, ALICE)
    browser.post(f"{HERE}/studies/{CT_STUDY}/favorite", favorite="true")
    then = pictured.clock.now.isoformat()[:19] + "Z"
    pictured.clock.tick(60)
    study = f"{HERE}/studies/{CT_STUDY}"
    for path in (f"{HERE}/studies", study, f"{study}/series/{CT_SERIES}"):
        browser.get(path)
        assert "You are looking at the past." not in browser.words
        assert '<body class=""' in browser.page
        browser.get(f"{path}?at={then}")
        assert browser.words.startswith("Sunday 1 March")
        assert "This is the album as it was on Sunday 1 March" in browser.words
        assert '<body class="is-past"' in browser.page
        assert f'data-now href="{HERE}"' in browser.page
        assert '<span class="starred">' in browser.page
        assert "Favourite" in browser.words
        assert "\N{MIDDLE DOT} Favourite" not in browser.words
        assert "has commented" not in browser.words


def test_a_study_without_images_has_a_page(world: World) -> None:
    """It can be spoken of."""
    world.act(ALICE, import_series, STUDY, CT)
    browser = signed_in(world, ALICE)
    browser.get(f"{HERE}/studies/{STUDY}")
    assert "A study without images" in browser.words
    browser.get(f"{HERE}/studies/{STUDY}/remove")
    assert "Remove A study without images?" in browser.words


def test_comments_on_a_study_are_for_those_who_see_it(pictured: World) -> None:
    """A private one for one of them; the newest come first."""
    browser = signed_in(pictured, ALICE)
    here = f"{HERE}/studies/{CT_STUDY}"
    browser.get(here)
    assert "Nobody has commented on this study." in browser.words
    browser.post(f"{here}/comments", comment="For all", to_user="")
    browser.post(f"{here}/comments", comment="For Bob", to_user=BOB)
    assert "You to Bob Private" in browser.words
    for sub, is_shown in ((BOB, True), (CAROL, False)):
        other = signed_in(pictured, sub)
        other.get(here)
        assert ("For Bob" in other.words) is is_shown
        assert "Alice to everyone" in other.words
    assert browser.post(f"{here}/comments", comment="").status_code == 400


def test_comments_of_the_past_are_those_made_until_then(pictured: World) -> None:
    """Read by those who see the study now; whom it has left is told why there are none."""
    browser = signed_in(pictured, ALICE)
    here = f"{HERE}/studies/{CT_STUDY}"
    moments = []
    for words in ("", "First", "Second"):
        browser.get(here)
        if words:
            browser.post(f"{here}/comments", comment=words, to_user=BOB)
        moments.append(pictured.clock.now.isoformat()[:19] + "Z")
        pictured.clock.tick(60)
    browser.get(f"{here}?at={moments[0]}")
    assert "Nobody had commented on this study yet." in browser.words
    browser.get(f"{here}?at={moments[1]}")
    assert "You to Bob Private" in browser.words
    assert "First" in browser.words
    assert "Second" not in browser.words
    assert 'id="composer"' not in browser.page
    other = signed_in(pictured, CAROL)
    other.get(f"{here}?at={moments[2]}")
    assert "Nobody had commented on this study yet." in other.words
    browser.get(here)
    browser.post(f"{here}/remove")
    browser.get(f"{here}?at={moments[2]}")
    assert "Comments are for those who see this study now, and you do not." in browser.words
    assert "Second" not in browser.words


def test_only_the_latest_comments_are_shown(
    pictured: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says how many more there are."""
    monkeypatch.setattr(study_pages, "_COMMENTS", 1)
    browser = signed_in(pictured, ALICE)
    here = f"{HERE}/studies/{CT_STUDY}"
    browser.get(here)
    for words in ("First", "Second"):
        browser.post(f"{here}/comments", comment=words)
    assert "1 older comment is not shown." in browser.words
    assert "First" not in browser.words


def test_a_study_is_added_elsewhere(pictured: World) -> None:
    """To another album, or to the inbox of the reader, whence it can be removed again."""
    browser = signed_in(pictured, ALICE)
    browser.get("/ui/new-album")
    browser.post("/ui/albums", name="Board")
    board = browser.page.split('data-events="/ui/data/albums/')[1].split("/")[0]
    here = f"{HERE}/studies/{CT_STUDY}"
    browser.get(here)
    assert f'<option value="{board}">Board</option>' in browser.page
    browser.post(f"{here}/add", album=board)
    assert "The study was added." in browser.words
    browser.get(f"/ui/albums/{board}")
    assert "You added the study e+1" in browser.words
    browser.get(here)
    browser.post(f"{here}/add", album="inbox")
    there = f"/ui/inbox/studies/{CT_STUDY}"
    browser.get(there)
    assert "In the inbox" in browser.words
    browser.post(f"{there}/favorite", favorite="true")
    assert "No favourite any more" in browser.words
    browser.post(f"{there}/comments", comment="Mine")
    browser.post(f"{there}/add", album=ALBUM)
    assert "The study was added." in browser.words
    browser.get(f"{there}/remove")
    assert "The study leaves your inbox." in browser.words
    browser.post(f"{there}/remove")
    assert browser.get(there).status_code == 404
    browser.get(here)
    assert browser.post(f"{here}/add").status_code == 400
    assert browser.post(f"{here}/add", album="Nowhere001").status_code == 404


def test_who_may_not_take_or_download_has_no_such_acts(pictured: World) -> None:
    """Downloading is a right of its own."""
    here = f"{HERE}/studies/{CT_STUDY}"
    browser = signed_in(pictured, ALICE)
    browser.get(here)
    address = browser.page.split('" download')[0].rsplit('"', 1)[1].replace("&amp;", "&")
    answer = browser.ask("GET", address)
    assert answer.headers["content-type"] == "application/zip"
    pictured.request(
        ALICE, "PATCH", f"/albums/{ALBUM}", form={"downloadSeries": "false", "sendSeries": "false"}
    )
    plain = signed_in(pictured, BOB)
    plain.get(here)
    assert "Download zip" not in plain.words
    assert "Add to another album" not in plain.words


def test_a_study_without_a_date_or_a_kind_has_a_title(world: World) -> None:
    """And a patient without a name is not named."""
    store_pictures(
        world,
        dicom_file(STUDY, CT, "1.2.3.1.1", Modality=None, PatientName="^^", PatientBirthDate="x"),
    )
    browser = signed_in(world, ALICE)
    browser.get(f"{HERE}/studies")
    assert "A study without a name" in browser.words
    browser.get(f"{HERE}/studies/{STUDY}")
    assert "born" not in browser.words


def test_the_color_study_is_found(pictured: World) -> None:
    """By the UID in the address."""
    browser = signed_in(pictured, BOB)
    assert browser.get(f"{HERE}/studies/{TWO_FRAMES}").status_code == 200


def test_a_star_is_answered_with_itself_where_it_takes_the_place_of_the_old_one(
    pictured: World,
) -> None:
    """On lists, for script; on the page of a study, and without script, with the page."""
    browser = signed_in(pictured, ALICE)
    browser.get(HERE)
    browser.headers["HX-Request"] = "true"
    star, act = f'<form id="study-{CT_STUDY}"', f"{HERE}/studies/{CT_STUDY}/favorite"
    for wanted in ("true", "false"):
        browser.post(act, favorite=wanted, **{"from": "studies"})
        assert browser.page.strip().startswith(star)
        assert f'action="{act}"' in browser.page
        assert 'name="from" value="studies"' in browser.page
        assert f'aria-pressed="{wanted}"' in browser.page
    browser.post(act, favorite="true")
    assert '<section class="card stack close" id="acts"' in browser.page
    browser.post(f"{HERE}/favorite", favorite="true", **{"from": "albums"})
    assert browser.page.strip().startswith(f'<form id="album-{ALBUM}"')
    assert 'aria-pressed="true" aria-label="Make Trial a favourite"' in browser.page
