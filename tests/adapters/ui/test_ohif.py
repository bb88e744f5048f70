"""The viewer OHIF: its files below `/ohif`, a configuration for the session, and a policy of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.browser import Browser, signed_in
from support.kheops import ALBUM, ALICE, World, open_world, settle
from support.pictured import CT_SERIES, CT_STUDY, store_pictures

_PAGE = """<html><script>window.PUBLIC_URL = '/';</script><script src="/app.bundle.js"></script>"""
_FILES = {
    "index.html": _PAGE,
    "app-config.js": "theirs",
    "app.bundle.js": '__webpack_require__.p = "/";',
    "app.bundle.css": "url(/font.woff2)",
    "manifest.json": '"src": "/assets/a.png"',
    "17dd54813d5acc10bf8f.wasm": "wasm",
    "assets/notes": "notes",
}


@pytest.fixture
def with_ohif(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that serves the viewer, also under a prefix."""
    folder = tmp_path_factory.mktemp("ohif")
    for name, text in _FILES.items():
        path = folder / "dist" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    Path(folder, "secret").write_text("secret")
    made = open_world(
        tmp_path_factory.mktemp("world"),
        start=settle,
        ohif=folder / "dist",
        kheops_prefix="/api",
    )
    store_pictures(made)
    yield made
    made.service.close()


def test_its_files_are_below_a_path_of_its_own(with_ohif: World) -> None:
    """Their addresses too, and the scripts in its page are named in its policy."""
    browser = signed_in(with_ohif, ALICE)
    for prefix in ("", "/api"):
        browser.get(f"{prefix}/ui/sign-in")
        browser.cookies.update(signed_in(with_ohif, ALICE).cookies)
        for path in ("", "/", "/viewer", "/viewer/dicomwebproxy"):
            answer = browser.ask("GET", f"{prefix}/ohif{path}")
            assert answer.status_code == 200
            assert f'src="{prefix}/ohif/app.bundle.js"' in answer.text
            assert f"PUBLIC_URL = '{prefix}/ohif/'" in answer.text
            policy = answer.headers["content-security-policy"]
            assert "worker-src 'self' blob:" in policy
            assert policy.count("'sha256-") == 1
        answer = browser.ask("GET", f"{prefix}/ohif/app.bundle.js")
        assert answer.text == f'__webpack_require__.p = "{prefix}/ohif/";'
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert browser.ask("GET", "/ohif/app.bundle.css").text == "url(/ohif/font.woff2)"
    assert browser.ask("GET", "/ohif/manifest.json").text == '"src": "/ohif/assets/a.png"'
    answer = browser.ask("GET", "/ohif/17dd54813d5acc10bf8f.wasm")
    assert answer.headers["content-type"] == "application/wasm"
    assert "immutable" in answer.headers["cache-control"]
    answer = browser.ask("GET", "/ohif/assets/notes")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["cache-control"] == "no-cache"


def test_nothing_else_is_sent(with_ohif: World) -> None:
    """Nor what is beside the directory."""
    browser = signed_in(with_ohif, ALICE)
    for path in ("nothing.js", "../secret", "%2e%2e/secret", "assets/../../secret", "a%00b.js"):
        answer = browser.ask("GET", f"/ohif/{path}")
        assert answer.status_code in (200, 404), path
        assert "secret" not in answer.text.replace(path, ""), path


def test_it_reads_with_the_session(with_ohif: World) -> None:
    """What it is sent has addresses below the same path."""
    browser = signed_in(with_ohif, ALICE)
    script = browser.ask("GET", "/api/ohif/app-config.js").text
    config = json.loads(script.split("const config = ")[1].split(";\n")[0])
    assert config["routerBasename"] == "/api/ohif"
    assert 'location.origin + "/api/ui/data"' in script
    found = browser.ask("GET", f"/ui/data/studies/{CT_STUDY}/series", headers={"Accept": "*/*"})
    [series] = found.json
    assert series["00081190"]["Value"] == [
        f"http://127.0.0.1:8000/api/ui/data/studies/{CT_STUDY}/series/{CT_SERIES}"
    ]
    browser.get(f"/ui/albums/{ALBUM}/studies/{CT_STUDY}")
    assert f'href="/ohif/viewer?StudyInstanceUIDs={CT_STUDY}"' in browser.page


def test_without_a_session_it_needs_a_link(with_ohif: World) -> None:
    """Its page leads to the sign-in page otherwise."""
    browser = Browser(with_ohif.client)
    assert browser.ask("GET", "/ohif/viewer").headers["location"] == "/ui/sign-in"
    answer = browser.ask("GET", "/ohif/viewer/dicomwebproxy?url=http://127.0.0.1:8000/link/x")
    assert answer.status_code == 200


def test_it_is_not_served_unless_it_is_there(world: World, with_ohif: World) -> None:
    """A directory without its page is none."""
    browser = signed_in(world, ALICE)
    store_pictures(world)
    for path in ("/ohif", "/ohif/viewer", "/ohif/app-config.js"):
        assert browser.get(path).status_code == 404
    browser.get(f"/ui/albums/{ALBUM}/studies/{CT_STUDY}")
    assert "OHIF" not in browser.words
    folder = with_ohif.service.settings.ohif
    assert folder is not None
    (folder / "index.html").unlink()
    assert signed_in(with_ohif, ALICE).get("/ohif").status_code == 404
