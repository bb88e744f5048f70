"""What a link opens in a browser: the studies that its token can read, to be looked at without an account."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from html import unescape

import falcon.testing
import pytest

from albumcore import remove_member, revoke_capability_token
from albumcore.ids import CapabilityTokenId
from albumcore_adapters.http.app import components
from albumcore_adapters.http.ui.csrf import CsrfTokens
from albumcore_adapters.http.ui.link_pages import LinkApi
from albumcore_adapters.http.ui.session import SessionCookies
from support.browser import Browser, signed_in
from support.kheops import ALBUM, ALICE, CAROL, OTHER, World, open_world, settle
from support.pictured import CT_SERIES, CT_STUDY, TWO_FRAMES, TWO_FRAMES_SERIES, store_pictures

STUDIES = f"/ui/albums/{ALBUM}/studies"
CLOSED = "This link does not open anything"
GRANTS = {
    "looking": {"read": True},
    "downloading": {"read": True, "download": True},
    "sending": {"write": True},
}


def begin(world: World) -> None:
    """Three studies in the album, and a comment on one."""
    settle(world)
    store_pictures(world)
    world.request(ALICE, "POST", f"/studies/{CT_STUDY}/comments", form={"comment": "Seen before"})


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with links."""
    made = open_world(tmp_path_factory.mktemp("world"), kheops_prefix="/api", start=begin)
    for name, grants in GRANTS.items():
        made.album_token(name, **grants)
    made.user_token("own", ALICE)
    yield made
    made.service.close()


def link(world: World, name: str, path: str = "") -> str:
    """The address of a path through a link."""
    return f"/link/{world.token_of(name)}{path}"


def addresses(browser: Browser) -> list[str]:
    """All addresses that the shown page leads to, sends to or shows images of; without static files."""
    found = re.findall(r'(?:href|src|action|hx-post|data-pattern)="([^"]*)"', browser.page)
    return [unescape(one) for one in found if "/ui/static/" not in one and one != "#main"]


def page_of(browser: Browser, path: str) -> str:
    """The words of a page that is shown."""
    assert browser.get(path).status_code == 200, browser.words
    return browser.words


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize("end", ["", "/", "/ui", "/ui/"])
def test_a_link_leads_a_browser_to_the_studies(world: World, prefix: str, end: str) -> None:
    """Every address on its pages is below the link, under the prefix that it was asked under."""
    browser = Browser(world.client)
    root = prefix + link(world, "looking")
    answer = browser.get(root + end)
    assert answer.status_code == 200
    assert "Trial You look at this with a link: nothing can be changed here." in browser.words
    [study] = [one for one in addresses(browser) if one.endswith(f"/studies/{CT_STUDY}")][:1]
    assert study == f"{root}{STUDIES}/{CT_STUDY}"
    for path in (study, f"{study}/series/{CT_SERIES}"):
        assert browser.get(path).status_code == 200
        shown = addresses(browser)
        assert shown
        assert [one for one in shown if not one.startswith(root + "/")] == []
    assert browser.cookies == {}


def test_the_images_are_shown(world: World) -> None:
    """Thumbnails, and every frame in the viewer."""
    browser = Browser(world.client)
    browser.get(link(world, "looking"))
    thumbnails = [one for one in addresses(browser) if "thumbnail" in one]
    assert len(thumbnails) == 3
    browser.get(
        link(world, "looking", f"{STUDIES}/{TWO_FRAMES}/series/{TWO_FRAMES_SERIES}?frame=2")
    )
    assert "2 of 2" in browser.words
    [film] = re.findall(r'id="film" src="([^"]*)"', browser.page)
    for one in (*thumbnails, unescape(film)):
        answer = browser.ask("GET", one, headers={"Accept": "image/*"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    about = browser.ask("GET", link(world, "looking", f"{STUDIES}/{CT_STUDY}/series/{CT_SERIES}"))
    assert "0008,0060" in about.text


@pytest.mark.parametrize(("name", "number"), [("looking", 0), ("downloading", 1)])
def test_a_study_is_downloaded_where_the_token_may(world: World, name: str, number: int) -> None:
    """Otherwise nothing is offered."""
    browser = Browser(world.client)
    browser.get(link(world, name, f"{STUDIES}/{CT_STUDY}"))
    offered = [one for one in addresses(browser) if "zip" in one]
    assert len(offered) == number
    for one in offered:
        archive = browser.ask("GET", one, headers={"Accept": "*/*"}).content
        assert len(zipfile.ZipFile(io.BytesIO(archive)).namelist()) == 2


def test_it_is_for_looking_alone(world: World) -> None:
    """Also where the token may write: no comments, no acts, no members, no script that leads around."""
    world.album_token("all", read=True, write=True, download=True, appropriate=True)
    browser = Browser(world.client)
    assert "Seen before" in page_of(signed_in(world, ALICE), f"{STUDIES}/{CT_STUDY}")
    for path in (STUDIES, f"{STUDIES}/{CT_STUDY}", f"{STUDIES}/{CT_STUDY}/series/{CT_SERIES}"):
        shown = page_of(browser, link(world, "all", path))
        assert 'method="post"' not in browser.page
        for words in ("Seen before", "Comments", "Bob", "Alice", "Sign", "Albums", "Inbox"):
            assert words not in shown
        assert re.findall(r"/(htmx.min|ui|viewer).js", browser.page) in ([], ["viewer"])


@pytest.mark.parametrize(
    "path",
    [
        "/ui/albums",
        "/ui/inbox",
        f"/ui/albums/{ALBUM}",
        f"/ui/albums/{ALBUM}/members",
        f"{STUDIES}/{CT_STUDY}/remove",
        "/ui/sign-in",
        "/ui/keyboard",
        f"/ui/data/albums/{ALBUM}/events",
        "/ohif/viewer",
        "/ohif",
    ],
)
def test_other_pages_are_not_opened(world: World, path: str) -> None:
    """Not by a session either: cookies are not read there."""
    browser = signed_in(world, ALICE)
    browser.cookies["lang"] = "es"
    assert browser.get(link(world, "looking", path)).status_code == 404
    assert CLOSED in browser.words


def test_a_session_opens_nothing_through_a_link(world: World) -> None:
    """The token alone counts, for pages and for what the API has below the link."""
    browser = signed_in(world, ALICE)
    assert browser.get(link(world, "sending", STUDIES)).status_code == 403
    assert browser.get(f"/link/unknown{STUDIES}").status_code == 401
    assert browser.get(f"/link/unknown/ui/data/albums/{ALBUM}").status_code == 404


def test_forms_are_not_taken(world: World) -> None:
    """A link has pages, and no acts."""
    answer = Browser(world.client).ask("POST", link(world, "downloading", STUDIES))
    assert answer.status_code == 405


def closed(world: World, name: str) -> None:
    """The link is refused in a browser, with the status that the API gives; no reason is said."""
    answer = world.request(None, "GET", link(world, name, f"/studies?album={ALBUM}"))
    for path in ("", STUDIES, f"{STUDIES}/{CT_STUDY}", f"{STUDIES}/{CT_STUDY}/series/{CT_SERIES}"):
        browser = Browser(world.client)
        page = browser.get(link(world, name, path))
        assert page.status_code == answer.status_code
        assert CLOSED in browser.words
        assert world.token_of(name) not in browser.page
        assert addresses(browser) == []
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert "www-authenticate" not in page.headers


PICTURE = f"/studies/{CT_STUDY}/thumbnail?album={ALBUM}"
BASIC, BEARER = "Basic, Bearer", "Bearer"


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, BASIC),
        ({"Accept": "image/jpeg"}, BASIC),
        ({"Accept": "image/webp,*/*;q=0.8", "Sec-Fetch-Site": "same-origin"}, BEARER),
        ({"Sec-Fetch-Site": "cross-site"}, BEARER),
        ({"HX-Request": "true"}, BEARER),
    ],
)
def test_no_browser_asks_for_a_password(
    world: World, headers: dict[str, str], challenge: str
) -> None:
    """Not for pictures, nor for what script reads; other clients are told all that they can authenticate with."""
    world.act(ALICE, revoke_capability_token, CapabilityTokenId("looking"))
    for path in (PICTURE, STUDIES):
        answer = world.request(None, "GET", link(world, "looking", path), headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == challenge
        assert answer.json["message"] == "Unauthorized"


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_a_download_of_a_revoked_link_is_answered_with_words(world: World, prefix: str) -> None:
    """As any address below it that a person opens: the same page as in place of the studies."""
    path = f"/studies/{CT_STUDY}?accept=application/zip&album={ALBUM}"
    browser = Browser(world.client)
    assert browser.get(prefix + link(world, "looking", path)).status_code == 403
    assert CLOSED in browser.words
    world.act(ALICE, revoke_capability_token, CapabilityTokenId("looking"))
    page = browser.get(prefix + link(world, "looking", path))
    assert page.status_code == 401
    assert CLOSED in browser.words
    assert "www-authenticate" not in page.headers
    assert page.headers["referrer-policy"] == "no-referrer"


def test_a_revoked_link_opens_nothing(world: World) -> None:
    """From then on."""
    world.act(ALICE, revoke_capability_token, CapabilityTokenId("looking"))
    closed(world, "looking")


def test_the_link_of_a_former_admin_opens_nothing(world: World) -> None:
    """As its token."""
    world.act(CAROL, remove_member, ALICE)
    closed(world, "looking")


def test_a_link_that_ended_opens_nothing(world: World) -> None:
    """Its time is that of the token."""
    issued = world.request(
        ALICE,
        "POST",
        "/capabilities",
        form={
            "title": "T",
            "scope_type": "album",
            "album": ALBUM,
            "read_permission": "true",
            "expiration_time": "2027-01-01T00:00:00Z",
        },
    )
    address = f"/link/{issued.json['secret']}"
    browser = Browser(world.client)
    assert browser.get(address).status_code == 200
    world.clock.tick(366 * 24 * 3600)
    assert browser.get(address).status_code == 401
    assert CLOSED in browser.words


@pytest.mark.parametrize("name", ["sending", "unknown"])
def test_a_link_that_is_not_for_looking_opens_nothing(world: World, name: str) -> None:
    """Nor does one that was never made."""
    closed(world, name)


def test_another_album_is_not_opened(world: World) -> None:
    """Nor the inbox of who made the link, nor a study that is elsewhere."""
    browser = Browser(world.client)
    for path in (
        f"/ui/albums/{OTHER}/studies",
        f"{STUDIES}/1.2.3",
        f"{STUDIES}/{CT_STUDY}/series/1.2.3",
    ):
        assert browser.get(link(world, "looking", path)).status_code == 404
        assert CLOSED in browser.words
    for path in ("/ui/inbox/studies", f"/ui/inbox/studies/{CT_STUDY}"):
        assert browser.get(link(world, "looking", path)).status_code == 403
        assert CLOSED in browser.words


def test_the_past_is_not_opened(world: World) -> None:
    """Who was a member when is not said either."""
    browser = Browser(world.client)
    for moment in ("at=2020-01-01", "version=1"):
        assert browser.get(link(world, "looking", f"{STUDIES}?{moment}")).status_code == 400
        assert "the present only" in browser.words
        assert "My albums" not in browser.words


@pytest.mark.parametrize("start", ["/", "//"])
@pytest.mark.parametrize("space", ["", "%20", "%09"])
def test_no_address_of_a_link_has_a_session(world: World, start: str, space: str) -> None:
    """However it is written: there is nothing of the reader on the page, and nothing leads to another host."""
    browser = signed_in(world, ALICE)
    path = f"{start}link/{space}{world.token_of('looking')}"
    for end in ("", f"/ui{STUDIES.removeprefix('/ui')}"):
        answer = browser.ask("GET", path + end)
        assert answer.status_code in (200, 303, 401, 404)
        assert "Sign out" not in answer.text
        location = answer.headers.get("location", "/")
        assert location.startswith("/")
        assert not location.startswith("//")
        assert " " not in location
        assert "\t" not in location
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("space", ["%20", "%09", "%0A", "%C2%A0"])
def test_a_link_with_a_space_opens_nothing(world: World, space: str) -> None:
    """Nor has it the language of the reader, which their cookie has: no cookie is read."""
    browser = signed_in(world, ALICE)
    browser.cookies["lang"] = "es"
    for token in (f"{space}{world.token_of('looking')}", f"{world.token_of('looking')}{space}"):
        answer = browser.ask("GET", f"/link/{token}{STUDIES}")
        assert answer.status_code == 401
        assert CLOSED in answer.text


def test_the_request_of_a_link_has_no_session(world: World) -> None:
    """Whether its cookies were dropped before or not."""
    token, session = world.token_of("looking"), signed_in(world, ALICE).cookies
    cookie = "; ".join(f"{name}={value}" for name, value in session.items())
    found = components(world.service)[SessionCookies]
    api = LinkApi(world.service.database, found, CsrfTokens(b"secret"))  # type: ignore[arg-type]
    req = falcon.testing.create_req(headers={"Cookie": cookie})
    request = api.request(req, {"token": token, "album": ALBUM})
    assert (request.user, request.account, request.csrf) == (None, None, "")


def test_a_study_that_was_only_claimed_is_not_opened(world: World) -> None:
    """As in the API: a link shows images, and there are none."""
    claim = f"/studies/9.8.7/series/9.8.7.1/albums/{ALBUM}"
    assert world.request(ALICE, "PUT", claim).status_code == 201
    browser = Browser(world.client)
    path = link(world, "looking", f"{STUDIES}/9.8.7")
    assert browser.get(path).status_code == 404
    assert signed_in(world, ALICE).get(f"{STUDIES}/9.8.7").status_code == 200


def test_a_token_of_a_user_opens_their_inbox(world: World) -> None:
    """The albums of the user are not listed."""
    world.request(ALICE, "PUT", f"/studies/{CT_STUDY}", query={"album": ALBUM})
    browser = Browser(world.client)
    browser.get(link(world, "own"))
    root = link(world, "own", "/ui/inbox/studies")
    assert f"{root}/{CT_STUDY}" in addresses(browser)
    assert "Trial" not in browser.words
    browser.get(f"{root}/{CT_STUDY}/series/{CT_SERIES}")
    [film] = re.findall(r'id="film" src="([^"]*)"', browser.page)
    assert "inbox=true" in film
    assert browser.ask("GET", unescape(film), headers={"Accept": "*/*"}).status_code == 200


def test_its_headers_do_not_pass_it_on(world: World) -> None:
    """The address has the token: it is not sent elsewhere, not stored, not read by other pages, and not indexed."""
    answer = Browser(world.client).get(link(world, "looking"))
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "access-control-allow-origin" not in answer.headers
    assert "set-cookie" not in answer.headers


def test_other_clients_are_answered_as_by_the_api(world: World) -> None:
    """They are not led to pages, and an error is JSON for them."""
    for path in ("/link/x", link(world, "looking"), f"/link/x{STUDIES}"):
        answer = world.request(None, "GET", path)
        assert answer.status_code == (401 if "ui" in path else 404)
        assert answer.json["message"]


def test_the_page_of_a_made_link_has_its_address(world: World) -> None:
    """It opens the studies; a link that is not for looking has the address for DICOMweb alone."""
    browser = signed_in(world, ALICE)
    for grant, number in (("read", 1), ("write", 0)):
        browser.get(f"/ui/albums/{ALBUM}/tokens/new")
        browser.post(
            f"/ui/albums/{ALBUM}/tokens",
            **{"title": "T", f"{grant}_permission": "true"},
            expiration_time="2026-03-09T13:00",
        )
        found = re.findall(r'id="page" readonly value="[^"]*(/api/link/[^"]*)"', browser.page)
        assert len(found) == browser.words.count("Link, to open in a browser") == number
        assert "Address for DICOMweb" in browser.words
        for address in found:
            stranger = Browser(world.client)
            assert stranger.get(address).status_code == 200
            assert "CompressedSamples" in stranger.words


def test_spanish_is_chosen_by_the_browser(world: World) -> None:
    """There is no cookie that says so."""
    browser = Browser(world.client, {"Accept-Language": "es"})
    browser.get(link(world, "looking"))
    assert "no se puede cambiar nada" in browser.words
    browser.get(link(world, "unknown"))
    assert "Este enlace no abre nada" in browser.words
