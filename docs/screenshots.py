"""Take the pictures of the pages: of the demo, light and dark, in a window and on a phone; and write their page.

Run it with the dependencies of the tests in a browser: ``nox -s screenshots``.
"""

from __future__ import annotations

import sys
from io import BytesIO
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import FloatRect

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

from support.chromium import HEIGHTS, Scheme, chromium, demo_in, furnished  # noqa: E402
from support.server import serving  # noqa: E402
from support.ui_pages import UI_PAGES, UiPage  # noqa: E402

IMAGES = ROOT / "docs" / "images"
PAGE = ROOT / "docs" / "explanation" / "pictures.md"
INTRODUCTION = """# Pictures of the pages

The pages at `/ui/` and the reference at `/docs`, with the demo of `albumcore serve --demo`: light, dark, and on a phone
of 360 pixels. `nox -s screenshots` takes them anew; of a long page they show the beginning.
"""
LOOKS: tuple[tuple[str, int, Scheme], ...] = (
    ("light", 1280, "light"),
    ("dark", 1280, "dark"),
    ("phone", 360, "light"),
)
PICTURED = tuple(page for page in UI_PAGES if page.is_pictured)
TALLEST = 2  # windows
QUALITY = 60


def main() -> None:
    """Take every picture of the table of pages, as WebP; none of a page that there was."""
    IMAGES.mkdir(exist_ok=True)
    for former in IMAGES.glob("*.webp"):
        former.unlink()
    with (
        TemporaryDirectory() as folder,
        serving(Path(folder) / "data", "--demo", workers=1) as server,
        chromium() as browser,
        demo_in(browser, server) as signed_in,
    ):
        demo = furnished(signed_in)
        for (look, width, scheme), page in product(LOOKS, PICTURED):
            with demo.window(width, scheme, signed_in=page.signed_in) as window:
                shown = window.open(page)
                shown.evaluate("for (const one of document.images) one.loading = 'eager'")
                window.await_images()
                height = min(window.height(), TALLEST * HEIGHTS[width])
                part: FloatRect = {"x": 0, "y": 0, "width": width, "height": height}
                picture = shown.screenshot(full_page=True, clip=part)
                Image.open(BytesIO(picture)).save(IMAGES / _file(page, look), quality=QUALITY)
    PAGE.write_text("\n".join([INTRODUCTION, *map(_shown, PICTURED)]).rstrip() + "\n", "utf-8")


def _file(page: UiPage, look: str) -> str:
    return f"{page.name}-{look}.webp"


def _shown(page: UiPage) -> str:
    """The pictures of a page, under its title."""
    title = page.name.replace("-", " ").capitalize()
    pictures = [f"![{title}, {look}](../images/{_file(page, look)})\n" for look, _, _ in LOOKS]
    return "\n".join([f"## {title}\n", *pictures])


if __name__ == "__main__":
    main()
