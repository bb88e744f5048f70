"""The texts of the pages: one catalogue per language, whole sentences with named places.

A text is plain, never HTML. What is put into a place is escaped, unless it is markup that the page made itself.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from attrs import frozen
from markupsafe import Markup, escape

LANGUAGES: Mapping[str, str] = {"en": "English", "es": "Español"}
"""The languages of the pages, by their code (BCP 47), as each calls itself; the first is the default."""

DEFAULT = "en"


@frozen
class PageTexts:
    """The texts of one language.

    Attributes:
        language: Its code.
        texts: Each text by its key, such as ``album.members.title``.
    """

    language: str
    texts: Mapping[str, str]

    def say(self, key: str, **places: object) -> Markup:
        """The text of a key, with its places filled in.

        A text that depends on a number has two forms, ``key.one`` and ``key.other``: the place ``n`` chooses.

        Raises:
            KeyError: there is no such text, or a place of it is not given.
        """
        text = self.texts.get(key)
        if text is None:
            text = self.texts[f"{key}.{'one' if places['n'] == 1 else 'other'}"]
        return escape(text).format(**places)

    def listed(self, items: list[Markup]) -> Markup:
        """Some things as a list in words: "a, b and c"."""
        if len(items) < 2:
            return Markup("").join(items)
        return self.say("list.last", before=Markup(", ").join(items[:-1]), last=items[-1])


@cache
def texts_in(language: str) -> PageTexts:
    """The texts of one of `LANGUAGES`."""
    source = files(__package__).joinpath("texts", f"{language}.toml").read_text(encoding="utf-8")
    return PageTexts(language, dict(_flat("", tomllib.loads(source))))


def chosen_language(cookie: str | None, accepted: str | None) -> str:
    """The language of a page: that of the cookie, else the best of ``Accept-Language``, else English."""
    if cookie is not None and cookie in LANGUAGES:
        return cookie
    best: tuple[float, int] = (0, 0)
    found = DEFAULT
    for place, item in enumerate((accepted or "").split(",")):
        tag, _, quality = item.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _quality(quality)
        if language in LANGUAGES and (weight, -place) > best and weight > 0:
            best, found = (weight, -place), language
    return found


def _quality(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not text.strip():
        return 1.0
    try:
        weight = float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def _flat(beginning: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{beginning}{name}.", value)
        else:
            yield f"{beginning}{name}", value
