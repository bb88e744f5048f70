"""Sphinx makes the pages of this folder into a site: ``nox -s docs``.

The pages are Markdown that reads well without Sphinx. What a site needs besides is made here: the tree of pages from
the links of ``README.md``, and links to files of the source as plain text, which the site does not contain.
"""

from __future__ import annotations

import re
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent

project = "albumcore"
author = "the albumcore contributors"
version = release = installed("albumcore")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["README.md"]
default_role = "code"
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]  # `...` stands in JSON for what is left out

autodoc_member_order = "groupwise"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"albumcore {release}"
html_copy_source = False
html_show_copyright = False
html_theme_options = {"source_edit_link": ""}

_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#:]+)(#[^)]*)?\)")


def index() -> str:
    """The first page: ``README.md``, and below it the tree of the pages that it links to, by its headings."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    trees = []
    for part in text.split("\n## ")[1:]:
        caption = part.partition("\n")[0]
        pages = "\n".join(path.removesuffix(".md") for _, path, _ in _LINK.findall(part))
        trees.append(f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n")
    return "\n".join((text, *trees))


def without_source_links(page: Path, text: str) -> str:
    """The text of a page, in which links that leave this folder are the words that they are made of."""

    def plain(link: re.Match[str]) -> str:
        target = (page.parent / link[2]).resolve()
        return link[0] if target.is_relative_to(HERE) else link[1]

    return _LINK.sub(plain, text)


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    text = index() if name == "index" else source[0]
    source[0] = without_source_links(HERE / f"{name}.md", text)


def setup(app: Sphinx) -> None:
    """Have each page changed when it is read."""
    app.connect("source-read", _read)
