"""The check of a made site's links: what it finds, and what it lets pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from site_links import wrong_links


def site(folder: Path, link: str) -> list[str]:
    """What is wrong with a site of two pages, of which one has a link."""
    (folder / "more").mkdir()
    (folder / "more" / "two.html").write_text('<h1 id="there">Two</h1>', encoding="utf-8")
    (folder / "file.txt").touch()
    (folder / "index.html").write_text(f"<p id='here'>{link}</p>", encoding="utf-8")
    return list(wrong_links(folder))


GOOD = (
    *('<a href="more/two.html#there">', '<a href="#here">', '<a href="file.txt">'),
    *('<a href="https://example.org/a b">', '<img src="data:image/png;base64,AAAA">', "<a>"),
    '<a href="http://127.0.0.1:8000/">',
)
WRONG = {
    '<a href="more/three.html">': "is not a file of the site",
    '<a href="more">': "is not a file of the site",
    '<a href="more/two.html#here">': "names no element of its page",
    '<a href="#there">': "names no element of its page",
    '<a href="http://example.org/">': "is not an https address of a host",
    '<a href="https://example/">': "is not an https address of a host",
    '<script src="https://example.org/a.js"></script>': "is loaded from outside",
    '<img src="//example.org/a.png">': "is loaded from outside",
}


@pytest.mark.parametrize("link", GOOD)
def test_a_link_that_leads_somewhere_passes(link: str, tmp_path: Path) -> None:
    """Within the site, to an element, or to a host outside."""
    assert site(tmp_path, link) == []


@pytest.mark.parametrize("link", WRONG)
def test_a_link_that_leads_nowhere_is_named(link: str, tmp_path: Path) -> None:
    """With the page that it is on, and the reason."""
    [found] = site(tmp_path, link)
    assert found.startswith("index.html: ")
    assert found.endswith(WRONG[link])
