"""The viewer OHIF at an origin of its own: what is there, who reads there, and what is nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import falcon.testing
import pytest
from attrs import frozen

from albumcore_adapters.directory.single_use import SingleUseTokens
from albumcore_adapters.identity.issuing import end_all
from albumcore_adapters.identity.service_tokens import sign_in_code
from support.browser import Browser, signed_in
from support.kheops import ALBUM, ALICE, BOB, World, open_world, settle
from support.pictured import CT_SERIES, CT_STUDY, store_pictures

MAIN, OWN = "https://albums.example", "https://viewer.example"
STUDY = f"/ohif/viewer?StudyInstanceUIDs={CT_STUDY}"
DATA = f"/ui/data/studies/{CT_STUDY}/series"
JSON = {"Accept": "application/dicom+json"}
_FILES = {"index.html": "<html><script>1</script>", "app.bundle.js": "script"}


@frozen
class Hosts:
    """A world with two hosts, and a browser at each: cookies are of one host alone."""

    world: World
    pages: Browser
    viewer: Browser

    def led(self, browser: Browser, path: str) -> tuple[str, str]:
        """The origin that a path leads to, and the path there."""
        answer = browser.ask("GET", path)
        assert answer.status_code == 303, answer.text
        where = urlsplit(answer.headers["location"])
        origin = f"{where.scheme}://{where.netloc}" if where.netloc else ""
        return origin, where.path + (f"?{where.query}" if where.query else "")

    def hand_over(self, path: str = STUDY) -> str:
        """Open the viewer from the pages; the address with the code."""
        origin, address = self.led(self.pages, path)
        assert origin == OWN
        origin, used = self.led(self.viewer, address)
        assert origin == OWN
        assert self.led(self.viewer, used) == (OWN, path)
        return address

    def reads(self, path: str = DATA) -> int:
        """The status of what the viewer reads."""
        return self.viewer.ask("GET", path, headers=JSON).status_code


@pytest.fixture(scope="module")
def two_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose viewer has a host of its own, also under a prefix."""
    folder = tmp_path_factory.mktemp("ohif")
    for name, text in _FILES.items():
        (folder / name).write_text(text)
    made = open_world(
        tmp_path_factory.mktemp("world"),
        start=settle,
        ohif=folder,
        ohif_url=OWN,
        public_url=MAIN,
        kheops_prefix="/api",
    )
    store_pictures(made)
    yield made
    made.service.close()


@pytest.fixture
def hosts(two_hosts: World) -> Hosts:
    """Alice is signed in at the pages, and not at the viewer."""
    viewer = Browser(two_hosts.client, {"Host": "viewer.example"})
    return Hosts(two_hosts, signed_in(two_hosts, ALICE, Host="albums.example"), viewer)


def test_at_the_host_of_the_viewer_there_is_nothing_else(hosts: Hosts) -> None:
    """However the host is written, and with any session: not the pages, not the APIs, not the numbers."""
    token = hosts.world.token(ALICE)
    hosts.viewer.cookies.update(hosts.pages.cookies)
    for host in ("viewer.example", "Viewer.EXAMPLE:443", "viewer.example:8000"):
        for method, path in (
            *(("GET", one) for one in ("/", "/ui", "/ui/", "/ui/albums", "/ui/sign-in")),
            *(("GET", f"/ui/albums/{ALBUM}"), ("POST", "/ui/sign-in"), ("POST", "/ui/sign-out")),
            *(("GET", one) for one in ("/albums", "/api/albums", "/api/ui/albums", "/metrics")),
            *(("GET", one) for one in ("/healthz", "/openapi.json", "/docs", "/ohifx", "/users")),
            *(("GET", f"/link/{token}{one}") for one in ("/albums", "/studies", "/ohif")),
            ("GET", "/ui/data/tscharts/v1/patient/1/events"),
            *(("GET", "/tscharts/v1/login"), ("POST", "/tscharts/v1/login"), ("POST", "/studies")),
        ):
            headers = {"Host": host, "Authorization": f"Bearer {token}"}
            answer = hosts.viewer.ask(method, path, headers=headers)
            assert answer.status_code == 404, (host, path)
            assert answer.headers["content-type"] == "application/json", (host, path)
        assert hosts.viewer.ask("GET", "/ohif/nothing.js").json["message"] == "Not Found"


def test_at_other_hosts_there_is_no_viewer(hosts: Hosts) -> None:
    """Its paths lead to its host, also those of files; a host that is like it is another."""
    for host in ("albums.example", "viewer.example.evil.example", "xviewer.example", "viewer"):
        hosts.pages.headers["Host"] = host
        for path in ("/ohif", "/ohif/viewer", "/ohif/app.bundle.js", "/api/ohif/app-config.js"):
            origin, address = hosts.led(hosts.pages, path)
            assert origin == OWN
            assert address.startswith(f"{path}?handover=")
    del hosts.pages.headers["Host"]
    assert hosts.pages.get("/ui/albums").status_code == 200


def test_a_study_opens_from_its_page(hosts: Hosts) -> None:
    """The code is gone from the address, and the viewer reads with a cookie of its own."""
    hosts.pages.get(f"/ui/albums/{ALBUM}/studies/{CT_STUDY}")
    assert f'href="{STUDY}"' in hosts.pages.page
    origin, address = hosts.led(hosts.pages, STUDY)
    assert hosts.reads() == 401
    answer = hosts.viewer.ask("GET", address)
    assert (origin, answer.headers["location"]) == (OWN, f"{OWN}{STUDY}&handover=used")
    assert answer.headers["cache-control"] == "no-store"
    name, _, rest = answer.headers["set-cookie"].partition("=")
    assert name == "albumcore_ohif"
    assert rest.partition(";")[2] == " Path=/; HttpOnly; SameSite=Lax; Secure"
    assert hosts.led(hosts.viewer, f"{STUDY}&handover=used") == (OWN, STUDY)
    answer = hosts.viewer.ask("GET", STUDY)
    assert answer.status_code == 200
    assert "'unsafe-eval'" in answer.headers["content-security-policy"]
    assert hosts.viewer.ask("GET", "/ohif/app.bundle.js").text == "script"
    found = hosts.viewer.ask("GET", DATA, headers=JSON)
    [series] = found.json
    assert series["00081190"]["Value"] == [
        f"{OWN}/api/ui/data/studies/{CT_STUDY}/series/{CT_SERIES}"
    ]
    assert "access-control-allow-origin" not in found.headers


def test_a_path_and_a_query_stay_as_they_are(hosts: Hosts) -> None:
    """Also under a prefix, where the cookie is for its paths alone."""
    path = "/api/ohif/a%0Ab%C3%A9?StudyInstanceUIDs=1.2&StudyInstanceUIDs=3&x=%C3%A9+%26"
    _, address = hosts.led(hosts.pages, path)
    answer = hosts.viewer.ask("GET", address)
    assert answer.headers["location"] == f"{OWN}{path}&handover=used"
    assert hosts.led(hosts.viewer, f"{path}&handover=used") == (OWN, path)
    assert "; Path=/api; " in answer.headers["set-cookie"]
    assert hosts.reads(f"/api{DATA}") == 200


@pytest.mark.parametrize("path", [STUDY, "/ohif", f"/api{STUDY}"])
@pytest.mark.parametrize(
    ("language", "words", "again"),
    [
        ("en", "OHIF is at viewer.example", "Try again"),
        ("es", "OHIF está en viewer.example", "Intentar de nuevo"),
    ],
)
def test_a_browser_without_cookies_is_led_once(
    hosts: Hosts, path: str, language: str, words: str, again: str
) -> None:
    """It is then told that they are blocked, at the pages; from there it may try again."""
    hosts.pages.headers["Accept-Language"] = language
    browser, where = hosts.pages, (MAIN, path)
    for origin in (OWN, OWN, MAIN):
        where = hosts.led(browser, where[1])
        assert where[0] == origin
        browser = hosts.pages if origin == MAIN else hosts.viewer
        hosts.viewer.cookies.clear()
    assert hosts.pages.get(where[1]).status_code == 403
    assert words in hosts.pages.words
    assert f'href="{path}">{again}<' in hosts.pages.page
    hosts.hand_over(path)
    assert hosts.viewer.ask("GET", path).status_code == 200


def test_who_has_signed_out_meanwhile_is_not_told_of_cookies(hosts: Hosts) -> None:
    """They sign in, and the code for that session is a new one."""
    stranger = Browser(hosts.world.client)
    assert hosts.led(stranger, f"{STUDY}&handover=used") == ("", "/ui/sign-in")


def test_a_code_is_used_once(hosts: Hosts) -> None:
    """Whoever has it then gets no cookie, and is led to where codes are made."""
    address = hosts.hand_over()
    other = Browser(hosts.world.client, {"Host": "viewer.example"})
    number = hosts.world.service.make_id(22)
    at = hosts.world.clock.now
    sign_in = sign_in_code(hosts.world.service.auth.issuer, ALICE, None, number, at)
    [cookie] = hosts.viewer.cookies.values()
    for path in (
        *(address, f"{STUDY}&handover=", f"{STUDY}&handover=x", f"{STUDY}&handover={sign_in}"),
        f"{STUDY}&handover={cookie}",
    ):
        assert hosts.led(other, path) == (OWN, STUDY)
        assert not other.cookies
    assert hosts.led(other, STUDY) == (MAIN, STUDY)
    assert other.ask("GET", DATA, headers=JSON).status_code == 401


def test_a_code_ends_by_every_clock(hosts: Hosts) -> None:
    """After a minute; until the slowest clock refuses it, the fastest one remembers that it was used."""
    _, late = hosts.led(hosts.pages, STUDY)
    used = hosts.hand_over()
    began = hosts.world.clock.now
    minute = timedelta(minutes=1)
    fastest = began + 3 * minute - timedelta(seconds=1)
    spent = SingleUseTokens(hosts.world.service.database)
    assert spent.consume("other", "1", ends_at=fastest + minute, at=fastest)
    other = Browser(hosts.world.client, {"Host": "viewer.example"})
    hosts.world.clock.tick(119)
    hosts.led(other, used)
    assert not other.cookies
    hosts.world.clock.tick(2)
    hosts.led(other, late)
    assert not other.cookies


def test_neither_cookie_is_good_for_the_other_host(hosts: Hosts) -> None:
    """Under whatever name it is sent; nor is a code, nor the digest that both are about."""
    hosts.hand_over()
    [own] = hosts.viewer.cookies.values()
    main = hosts.pages.cookies["albumcore_session"]
    _, address = hosts.led(hosts.pages, STUDY)
    [code] = parse_qs(urlsplit(address).query)["handover"]
    names = ("albumcore_session", "albumcore_ohif", "albumcore_account")
    other = Browser(hosts.world.client)
    for value in (own, code):
        other.cookies = dict.fromkeys(names, value)
        assert other.ask("GET", "/ui/albums").headers["location"].startswith("/ui/sign-in")
        assert other.ask("GET", DATA, headers=JSON).status_code == 401
        assert other.ask("GET", STUDY).headers["location"] == "/ui/sign-in"
    hosts.viewer.cookies.clear()
    for value in (main, code):
        hosts.viewer.cookies.update(dict.fromkeys(names, value))
        assert hosts.reads() == 401
        assert hosts.led(hosts.viewer, STUDY) == (MAIN, STUDY)


def test_it_ends_with_the_session_that_it_came_from(hosts: Hosts) -> None:
    """By signing out, by the end of its time, and by the revocation of the user's tokens."""
    world = hosts.world
    for end in (
        lambda one: one.post("/ui/sign-out"),
        lambda one: world.clock.tick(3600),
        lambda one: end_all(world.service.auth, ALICE, world.clock.now),
    ):
        one = Hosts(world, signed_in(world, ALICE), hosts.viewer)
        world.clock.tick(11 * 3600)
        one.pages.get("/ui/albums")
        one.hand_over()
        assert one.reads() == 200
        _, unused = one.led(one.pages, STUDY)
        end(one.pages)
        assert one.reads() == 401
        assert one.led(one.viewer, STUDY) == (MAIN, STUDY)
        one.viewer.cookies.clear()
        one.led(one.viewer, unused)
        assert one.reads() == 401
        world.clock.tick(2)  # after the moment up to which tokens are revoked


def test_who_signs_in_anew_is_who_reads(hosts: Hosts) -> None:
    """The button hands over the session that there is, whatever was handed over before."""
    hosts.hand_over()
    Hosts(hosts.world, signed_in(hosts.world, BOB), hosts.viewer).hand_over()
    hosts.pages.get("/ui/albums")
    hosts.pages.post("/ui/sign-out")
    assert hosts.reads() == 200


def test_the_viewer_reads_images_alone(hosts: Hosts) -> None:
    """What the pages read beside them is not at its host: albums, people, comments, webhooks, tokens."""
    hosts.hand_over()
    series = f"{DATA}/{CT_SERIES}"
    for path in ("/ui/data/studies", DATA, f"{series}/instances", f"{series}/metadata", series):
        answer = hosts.viewer.ask("GET", path, headers={"Accept": "*/*"})
        assert answer.status_code == 200, path
    for path in (
        *("albums", f"albums/{ALBUM}", f"albums/{ALBUM}/events", f"albums/{ALBUM}/webhooks"),
        *("capabilities", "inboxinfo", f"studies/{CT_STUDY}/comments"),
    ):
        for browser, status in ((hosts.pages, 200), (hosts.viewer, 404)):
            answer = browser.ask("GET", f"/ui/data/{path}", headers={"Accept": "*/*"})
            assert answer.status_code == status, path


def test_without_a_session_one_signs_in_at_the_pages(hosts: Hosts) -> None:
    """The viewer leads there with its address, and from there on."""
    assert hosts.led(hosts.viewer, STUDY) == (MAIN, STUDY)
    for browser in (hosts.viewer, Browser(hosts.world.client)):
        read = browser.ask("GET", DATA, headers=JSON)
        assert read.status_code == 401
        assert read.headers["www-authenticate"] == "Bearer"  # for which no browser asks its user
    stranger = Browser(hosts.world.client)
    assert hosts.led(stranger, STUDY) == ("", "/ui/sign-in")


def test_a_link_needs_no_session(hosts: Hosts) -> None:
    """Nor is one handed over; what it leads to is all that the viewer may read at the other host."""
    path = "/ohif/viewer/dicomwebproxy?url=https%3A%2F%2Falbums.example%2Flink%2Fx"
    for browser in (hosts.pages, Browser(hosts.world.client)):
        assert hosts.led(browser, path) == (OWN, path)
    answer = hosts.viewer.ask("GET", path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    links = f"{MAIN}/link/ {MAIN}/api/link/"
    assert f"connect-src 'self' data: blob: {links};" in policy
    assert policy.count(MAIN) == policy.count(f"{MAIN}/link/") + policy.count(f"{MAIN}/api/link/")
    assert "frame-ancestors 'none'" in policy


def test_its_configuration_is_for_its_own_origin(hosts: Hosts) -> None:
    """It reads where its page is from."""
    script = hosts.viewer.ask("GET", "/ohif/app-config.js").text
    assert 'location.origin + "/ui/data"' in script
    assert json.loads(script.split("const config = ")[1].split(";\n")[0])["showStudyList"]


def test_a_host_may_be_missing(two_hosts: World) -> None:
    """As in HTTP/1.0: it is not that of the viewer."""
    client: falcon.testing.TestClient = two_hosts.client
    answer = client.simulate_get("/openapi.json", http_version="1.0")
    assert answer.status_code == 200
