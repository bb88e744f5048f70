"""Take the pictures of the pages: of the demo, light and dark, in a window and on a phone; and write their page.

Run it with the dependencies of the tests in a browser: ``nox -s screenshots``.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

from support.chromium import HEIGHTS, Scheme, chromium, demo_in  # noqa: E402
from support.server import serving  # noqa: E402
from support.ui_pages import UI_PAGES, UiPage  # noqa: E402

IMAGES = ROOT / "docs" / "images"
PAGE = ROOT / "docs" / "explanation" / "pictures.md"
INTRODUCTION = """# Pictures of the pages

The pages at `/ui/` with the demo of `albumcore serve --demo`: light, dark, and on a phone of 360 pixels.
`nox -s screenshots` takes them anew; of a long page they show the beginning.
"""
LOOKS: tuple[tuple[str, int, Scheme], ...] = (
    ("light", 1280, "light"),
    ("dark", 1280, "dark"),
    ("phone", 360, "light"),
)
TALLEST = 2  # windows
QUALITY = 60


def main() -> None:
    """Take every picture of the table of pages, as WebP."""
    IMAGES.mkdir(exist_ok=True)
    with (
        TemporaryDirectory() as folder,
        serving(Path(folder) / "data", "--demo", workers=1) as server,
        chromium() as browser,
        demo_in(browser, server) as demo,
    ):
        for look, width, scheme in LOOKS:
            for page in UI_PAGES:
                if page.is_pictured:
                    with demo.window(width, scheme, signed_in=page.signed_in) as window:
                        shown = window.open(page)
                        shown.evaluate("for (const one of document.images) one.loading = 'eager'")
                        shown.wait_for_function("[...document.images].every((one) => one.complete)")
                        _save(shown.screenshot(full_page=True), f"{page.name}-{look}.webp", width)
    PAGE.write_text(
        "\n".join([INTRODUCTION, *map(_shown, UI_PAGES)]).rstrip() + "\n", encoding="utf-8"
    )


def _shown(page: UiPage) -> str:
    """The pictures of a page, under its title; nothing for a page without any."""
    if not page.is_pictured:
        return ""
    title = page.name.replace("-", " ").capitalize()
    names = [(look, f"../images/{page.name}-{look}.webp") for look, _, _ in LOOKS]
    pictures = [f"![{title}, {look}]({path})\n" for look, path in names]
    return "\n".join([f"## {title}\n", *pictures])


def _save(picture: bytes, name: str, width: int) -> None:
    """Save a picture; of a long page, its beginning."""
    with Image.open(BytesIO(picture)) as whole:
        height = min(whole.height, TALLEST * HEIGHTS[width])
        whole.crop((0, 0, whole.width, height)).save(IMAGES / name, quality=QUALITY)


if __name__ == "__main__":
    main()
