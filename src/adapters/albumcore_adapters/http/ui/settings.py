"""The settings of the reader, in cookies of the browser, and what is known of them; the list of keys."""

from __future__ import annotations

from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers
from albumcore_adapters.http.ui.page_request import KEYS_COOKIE, PageRequest
from albumcore_adapters.http.ui.pages import act, page
from albumcore_adapters.http.ui.templates import show
from albumcore_adapters.http.ui.texts import LANGUAGES

_YEAR = 365 * 24 * 3600

KEYS = (
    ("?", "list"),
    ("/", "search"),
    ("G A", "albums"),
    ("G I", "inbox"),
    ("G P", "patients"),
    ("C", "comment"),
    ("Ctrl Enter", "send"),
    ("N", "now"),
    (".", "new"),
    ("← →", "slider"),
    ("← →", "pictures"),
    ("J K", "frame"),
    ("1 to 5", "window"),
    ("I", "metadata"),
    ("Esc", "close"),
)
"""The keys of the pages, each with the key of its text below ``keyboard``."""


def settings_page(request: PageRequest) -> Response:
    """Show the settings of the reader."""
    return show(request, "settings.html", languages=LANGUAGES, saved=request.query.text("saved"))


def save_settings(request: PageRequest) -> Response:
    """Set the cookies ``lang`` and ``keys``; a language that there is none of changes nothing."""
    language = request.form.text("language")
    cookies = [_cookie(request, KEYS_COOKIE, "on" if request.form.flag("keys") else "off")]
    if language in LANGUAGES:
        cookies.append(_cookie(request, "lang", str(language)))
    return request.to("/ui/settings", *cookies, saved=1)


def keyboard_page(request: PageRequest) -> Response:
    """Show the keys."""
    return show(request, "keyboard.html", keys=KEYS)


def _cookie(request: PageRequest, name: str, value: str) -> str:
    return f"{name}={value}; Path={request.prefix or '/'}; Max-Age={_YEAR}; SameSite=Lax"


ROUTES = (
    page("/ui/settings", settings_page, "Show the settings.", callers=Callers.ANYBODY),
    act("/ui/settings", save_settings, "Change the settings.", callers=Callers.ANYBODY),
    page("/ui/keyboard", keyboard_page, "Show the keys.", callers=Callers.ANYBODY),
)
