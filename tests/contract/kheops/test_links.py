"""Every route below ``/link/{token}``, and the configuration of a viewer that is opened by such an address."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from functools import partial

import falcon.testing
import pytest

from albumcore import import_series
from albumcore_adapters.http.app import create_app
from support.kheops import ALBUM, ALICE, BOB, CT, DAVE, MR, STUDY, World, open_world, settle
from support.logs import written

COVERS = ("GET /ohifservermetadata",)

ROOT = "https://albums.example"
SERIES = f"/studies/{STUDY}/series"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A settled world with a study in the album, and all routes under /api too."""
    data = tmp_path_factory.mktemp("data")
    made = open_world(data, public_url=ROOT, kheops_prefix="/api", start=settle)
    made.store({CT: "CT", MR: "MR"})
    for series in (CT, MR):
        made.act(ALICE, import_series, STUDY, series)
    made.album_token("reading", read=True)
    yield made
    made.service.close()


def link(world: World, by: str, path: str, prefix: str = "") -> str:
    """The address of a path through a link."""
    return f"{prefix}/link/{world.token_of(by)}{path}"


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize(
    ("by", "method", "path", "status"),
    [
        (ALICE, "GET", f"/albums/{ALBUM}", 200),
        (DAVE, "GET", f"/albums/{ALBUM}", 404),
        ("reading", "GET", SERIES, 200),
        ("reading", "HEAD", SERIES, 200),
        ("reading", "DELETE", f"{SERIES}/{CT}", 403),
        ("reading", "POST", SERIES, 405),
        ("reading", "GET", "/nothing", 404),
        ("reading", "OPTIONS", SERIES, 200),
    ],
)
def test_a_link_is_its_token(
    by: str, method: str, path: str, status: int, prefix: str, world: World
) -> None:
    """The same is answered as with the token in the header, but for the addresses in it."""
    through = world.request(None, method, link(world, by, path, prefix))
    by_header = world.request(by, method, prefix + path)
    assert (through.status_code, by_header.status_code) == (status, status)
    assert {**through.headers}.keys() == {**by_header.headers}.keys()


def test_the_token_of_the_path_counts(world: World) -> None:
    """Another one in the header does not, nor does a link within a link."""
    stranger = {"Authorization": f"Bearer {world.token_of(DAVE)}"}
    path = f"/albums/{ALBUM}"
    assert world.request(None, "GET", link(world, ALICE, path), headers=stranger).status_code == 200
    nested = link(world, ALICE, link(world, DAVE, path))
    assert world.request(None, "GET", nested).status_code == 404


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "nobody%2Bknows%3D"])
def test_a_link_without_a_valid_token_is_unauthorized(token: str, world: World) -> None:
    """As without the header; how to authenticate is said."""
    answer = world.request(None, "GET", f"/link/{token}{SERIES}")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Basic, Bearer"


@pytest.mark.parametrize("path", ["/link/", "/link/x", "/link/x/", "/link/a b/albums", "/link"])
def test_what_is_no_link_is_no_address(path: str, world: World) -> None:
    """A token has letters, digits and few signs, and a path comes after it."""
    assert world.request(None, "GET", path.replace(" ", "%20")).status_code == 404


def test_a_token_may_be_percent_encoded(world: World) -> None:
    """As some clients encode what they put into a path."""
    encoded = "".join(f"%{ord(character):02X}" for character in world.token_of("reading"))
    assert world.request(None, "GET", f"/link/{encoded}{SERIES}").status_code == 200


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_addresses_in_the_answer_begin_with_the_link(prefix: str, world: World) -> None:
    """Whoever follows one needs no header either; and the same path with a header has its own."""
    root = f"{ROOT}/api{link(world, 'reading', '')}"
    for _ in range(2):
        through = world.request(None, "GET", link(world, "reading", SERIES, prefix))
        urls = [one["00081190"]["Value"][0] for one in through.json]
        assert urls == [f"{root}{SERIES}/{uid}" for uid in (CT, MR)]
        by_header = world.request("reading", "GET", prefix + SERIES)
        urls = [one["00081190"]["Value"][0] for one in by_header.json]
        assert urls == [f"{ROOT}/api{SERIES}/{uid}" for uid in (CT, MR)]


def test_what_is_cached_for_a_link_is_for_the_link_only(world: World) -> None:
    """A person's answers are cached: by the link with its addresses, by the header without."""
    for _ in range(2):
        for path, by, start in (
            (link(world, BOB, SERIES), None, f"{ROOT}/api/link/"),
            (SERIES, BOB, f"{ROOT}/api/studies/"),
        ):
            [first, _] = world.request(by, "GET", path).json
            assert first["00081190"]["Value"][0].startswith(start)


def test_the_other_api_has_no_links(world: World) -> None:
    """Its tokens are of another kind."""
    answer = world.request(None, "GET", link(world, ALICE, "/tscharts/v1/image/"))
    assert answer.status_code == 404


def test_the_log_has_no_token(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Neither of a request that succeeds, nor of one that is refused or fails."""
    caplog.set_level(logging.DEBUG, "albumcore")
    client = falcon.testing.TestClient(create_app(world.service))
    ask = partial(client.simulate_get, headers={"traceparent": "x"})
    for path in (SERIES, "/nothing", "/studies/x/series"):
        ask(link(world, "reading", path))
        ask(link(world, "reading", path, "/api"))
    lines = written(caplog)
    assert lines.count('"event":"request"') + lines.count('"event": "request"') == 6
    assert world.token_of("reading") not in lines


def test_viewer_configuration(world: World) -> None:
    """It names the root of the API; through a link, that of the link."""
    for path, root in (
        ("/ohifservermetadata", f"{ROOT}/api"),
        (f"/link/{world.token_of('reading')}/ohifservermetadata", None),
    ):
        by = None if root is None else "reading"
        expected = root or f"{ROOT}/api/link/{world.token_of('reading')}"
        answer = world.request(by, "GET", path, headers={"Origin": "https://viewer.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["content-type"] == "application/json"
        body = json.loads(answer.content)
        [server] = body["servers"]["dicomWeb"]
        assert body["transactionId"]
        assert server["qidoRoot"] == server["wadoRoot"] == expected
        assert server["wadoUriRoot"] == f"{expected}/wado"
        assert "staticWado" not in server


def test_viewer_configuration_needs_a_token(world: World) -> None:
    """As everything that a viewer asks for."""
    assert world.request(None, "GET", "/ohifservermetadata").status_code == 401
