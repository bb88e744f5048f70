"""Why something was refused, in the language of the reader."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import albumcore
import albumcore_adapters
from albumcore_adapters.http.ui.texts import texts_in
from support.browser import signed_in
from support.kheops import ALBUM, ALICE, BOB, World

HERE = f"/ui/albums/{ALBUM}"
_SOURCES = [Path(str(one.__file__)).parent for one in (albumcore, albumcore_adapters)]


def _rules() -> Iterator[tuple[str, set[str]]]:
    """The rules that the sources name where they refuse, each with the names of its places."""
    for source in (path for root in _SOURCES for path in root.rglob("*.py")):
        for one in ast.walk(ast.parse(source.read_text())):
            if isinstance(one, ast.Call):
                given = {found.arg: found.value for found in one.keywords if found.arg}
                rule = given.pop("rule", None)
                if isinstance(rule, ast.Constant):
                    yield str(rule.value), set(given)


def test_every_rule_that_is_named_has_a_text_with_its_places() -> None:
    """And a text is that of a rule; the other languages have the same texts."""
    texts = texts_in("en").texts
    found = dict(_rules())
    for rule, places in found.items():
        named = {
            name for _, name, _, _ in string.Formatter().parse(texts[f"reason.{rule}"]) if name
        }
        assert named <= places, rule
    of_codes = {"of_field", "series_in_another_study"}
    written = {key.split(".")[1] for key in texts if key.startswith("reason.")} - {"field"}
    assert written == found.keys() | of_codes


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("/ui/albums", {"name": ""}, "Nombre: debe tener de 1 a 255 caracteres"),
        (f"{HERE}/comments", {"comment": ""}, "Comentario: debe tener de 1 a 1024 caracteres"),
        (f"{HERE}/settings", {"name": "x" * 256}, "Nombre: debe tener de 1 a 255 caracteres"),
        (
            f"{HERE}/tokens",
            {"title": "T", "expiration_time": "x"},
            "Hasta: se esperan una fecha y una hora",
        ),
        (
            f"{HERE}/webhooks",
            {"name": "N", "url": "x"},
            "Dirección: se espera una dirección que empiece por",
        ),
        (f"{HERE}/members/add", {"user": ALICE}, "Usted no puede añadirse a sí mismo"),
    ],
)
def test_a_refused_form_says_why_in_spanish(
    world: World, path: str, form: dict[str, str], said: str
) -> None:
    """At the field, for the whole form, and on the page of an error."""
    browser = signed_in(world, ALICE)
    browser.cookies["lang"] = "es"
    browser.get("/ui/new-album")
    assert browser.post(path, **form).status_code in (400, 403)
    assert said in browser.words


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("at=yesterday", "Momento: se esperan una fecha y una hora"),
        ("at=2099-01-01T00:00:00Z", "Momento: se espera un momento del pasado"),
        ("before=x", "before: se espera un número entero de 0 a 2147483647"),
    ],
)
def test_a_refused_address_says_why_in_spanish(world: World, query: str, said: str) -> None:
    """A field that has no name on the pages is called what the address calls it."""
    browser = signed_in(world, BOB)
    browser.cookies["lang"] = "es"
    assert browser.get(f"{HERE}?{query}").status_code == 400
    assert said in browser.words


def test_what_there_is_in_english_only_is_marked_as_such(world: World) -> None:
    """So that it is read aloud as English."""
    browser = signed_in(world, ALICE)
    browser.cookies["lang"] = "es"
    browser.get(f"{HERE}/webhooks")
    form = {"name": "N", "url": "https://pacs.example/", "event": "none"}
    assert browser.post(f"{HERE}/webhooks", **form).status_code == 400
    assert '<span lang="en">event: one of new_series, ' in browser.page


def test_the_api_says_it_in_english(world: World) -> None:
    """Whatever the language of the client."""
    spanish = {"Accept-Language": "es"}
    answer = world.request(ALICE, "POST", "/albums", form={"name": ""}, headers=spanish)
    assert "name: it has 1 to 255 characters" in answer.text
