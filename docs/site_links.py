"""Checks the links of a made site: ``python docs/site_links.py FOLDER``.

A link within the site leads to a file in it, and to an element with the id that it names. An outside link is checked
by its form alone: a name of a host, over HTTPS, or the machine of the reader.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LINKS = {
    "a": "href",
    "link": "href",
    "script": "src",
    "img": "src",
    "source": "src",
    "form": "action",
}
"""The attribute that leads somewhere, by element."""
LOADED = {"link", "script", "img", "source"}
"""Elements whose link a browser follows by itself; a site is whole without the network."""


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids.update(value for name in ("id", "name") if (value := values.get(name)))
        if tag in LINKS and (link := values.get(LINKS[tag])):
            self.links.append((tag, link))


@cache
def _page(path: Path) -> _Page:
    return _Page(path.read_text(encoding="utf-8"))


def wrong_links(site: Path) -> Iterator[str]:
    """Yield a sentence for each link of a site that leads nowhere."""
    for path in sorted(site.rglob("*.html")):
        for tag, link in _page(path).links:
            if reason := _wrong(path, tag, link):
                yield f"{path.relative_to(site)}: {link} {reason}"


def _wrong(path: Path, tag: str, link: str) -> str | None:
    parts = urlsplit(link)
    if parts.scheme == "data":
        return None
    if parts.scheme or parts.netloc:
        if tag in LOADED:
            return "is loaded from outside"
        is_outside = parts.scheme == "https" and "." in (parts.hostname or "")
        is_here = parts.scheme == "http" and parts.hostname == "127.0.0.1"
        return None if is_outside or is_here else "is not an https address of a host"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return "is not a file of the site"
    anchor = unquote(parts.fragment)
    if anchor and target.suffix == ".html" and anchor not in _page(target).ids:
        return "names no element of its page"
    return None


if __name__ == "__main__":
    found = list(wrong_links(Path(sys.argv[1])))
    sys.exit("\n".join(found) or None)
