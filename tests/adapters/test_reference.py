"""``/docs``: every operation and object of the OpenAPI document, for people, under a strict policy."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from falcon import testing
from markupsafe import escape

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.http.description import document
from albumcore_adapters.http.reference.page import reference_html
from albumcore_adapters.http.reference.schema_text import schema_text
from albumcore_adapters.service import open_service
from site_links import wrong_links

LINKS = {"style": "a.css", "script": "a.js", "openapi": "openapi.json"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[testing.TestClient]:
    """A service with a new store."""
    service = open_service(Settings(data=tmp_path_factory.mktemp("docs")))
    yield testing.TestClient(create_app(service))
    service.close()


def test_the_page_has_every_operation_and_object() -> None:
    """By method and path; those of OPTIONS, which every path has, are one sentence."""
    described = document("/api")
    html = reference_html(described, LINKS)
    shown = re.findall(r'<span class="method">(\w+)</span> <code>([^<]*)</code>', html)
    operations = {
        (method.upper(), path): operation["summary"]
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if method != "options"
    }
    assert sorted(shown) == sorted(operations)
    assert re.findall(r'id="schema-(\w+)"', html) == list(described["components"]["schemas"])
    assert [text for text in operations.values() if str(escape(text)) not in html] == []


def test_links_within_the_page_lead_to_an_operation_or_an_object(tmp_path: Path) -> None:
    """And ids are of one element each."""
    html = reference_html(document(None), LINKS)
    for name in ("a.css", "a.js", "openapi.json"):
        (tmp_path / name).touch()
    (tmp_path / "index.html").write_text(html, encoding="utf-8")
    assert list(wrong_links(tmp_path)) == []
    ids = re.findall(r'\bid="([^"]*)"', html)
    assert len(set(ids)) == len(ids)


def test_the_page_is_public_and_loads_its_own_files_alone(client: testing.TestClient) -> None:
    """Its policy permits no script or style in the page, and it has none."""
    page = client.simulate_get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert re.search(r"<style|<script>|\sstyle=|\son\w+=", page.text) is None
    loaded = re.findall(r'(?:script src|rel="stylesheet" href)="([^"]*)"', page.text)
    assert len(loaded) == 2
    for path in loaded:
        file = client.simulate_get(path)
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]


def test_the_page_is_sent_compressed_to_those_who_accept_it(client: testing.TestClient) -> None:
    """The same page, in less than 50 KiB."""
    sent = client.simulate_get("/docs", headers={"Accept-Encoding": "gzip, br"})
    assert sent.headers["content-encoding"] == "gzip"
    assert gzip.decompress(sent.content) == client.simulate_get("/docs").content
    assert len(sent.content) < 50 * 1024


def test_links_have_the_path_that_the_service_is_mounted_at(client: testing.TestClient) -> None:
    """An application around the service may have it below a path of its own."""
    page = client.simulate_get("/docs", root_path="/albumcore")
    assert page.text.count('="/albumcore/docs/reference-') == 2
    assert 'href="/albumcore/openapi.json"' in page.text


OF_A = '<a href="#schema-A">A</a>'


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "minLength": 2}, "text, at least 2 characters"),
        ({"type": "string", "minLength": 1, "maxLength": 64}, "text, 1 to 64 characters"),
        ({"type": "integer", "maximum": 9}, "whole number, at most 9"),
        ({"type": "integer", "minimum": 0}, "whole number"),
        ({"type": "string", "pattern": "^<$"}, "text, <code>^&lt;$</code>"),
        ({"type": "string", "pattern": "a" * 100}, "text"),
        ({"type": "string", "format": "date"}, "text, date"),
        ({"type": ["boolean", "string"]}, "true or false or text"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/A"}}, f"array of {OF_A}"),
        ({"anyOf": [{"type": "null"}, {"enum": ["<"]}]}, "null or one of <code>&lt;</code>"),
        ({"properties": {}, "oneOf": [{}], "type": "object"}, "object"),
        ({}, "any value"),
    ],
)
def test_a_schema_is_said_in_words(schema: dict[str, object], text: str) -> None:
    """What is not said in words of a schema is in its description."""
    assert schema_text(schema) == text
