"""Why something was refused, in the language of the reader; the APIs say it in English."""

from __future__ import annotations

from markupsafe import Markup

from albumcore.errors import AlbumcoreError, Invalid
from albumcore_adapters.http.errors import DETAILS
from albumcore_adapters.http.ui.page_request import PageRequest


def reason_of(request: PageRequest, error: AlbumcoreError) -> Markup:
    """Why a rule refuses, after what its field is called on the pages.

    The catalogue has a text for the rules that a page can lead to; any other reason is that of the error, in English.
    """
    texts = request.texts.texts
    if f"reason.{error.rule}" not in texts:
        return in_english(DETAILS.get(error.code, error.detail))
    places = {
        name: place if isinstance(place, int) else in_english(str(place))
        for name, place in error.places.items()
    }
    reason = request.say(f"reason.{error.rule}", **places)
    if not isinstance(error, Invalid):
        return reason
    label = f"reason.field.{error.field}"
    field = request.say(label) if label in texts else error.field
    return request.say("reason.of_field", field=field, reason=reason)


def refusal_of(request: PageRequest, refused: Invalid | None) -> dict[str, str | None]:
    """What a form is shown with: the field that was refused and why; neither of a form that was not."""
    if refused is None:
        return {"refused": None, "reason": ""}
    return {"refused": refused.field, "reason": reason_of(request, refused)}


def in_english(text: str) -> Markup:
    """A text that there is in English only: a screen reader reads it as such."""
    return Markup('<span lang="en">{}</span>').format(text)
