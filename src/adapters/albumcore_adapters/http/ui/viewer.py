"""A viewer that scrolls the frames of a series: to look, not to diagnose.

Each frame has an address, so that it works by links alone; script loads the pictures without the page around them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from attrs import field, frozen
from markupsafe import Markup

from albumcore import Permission
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.images import ImageAccess, viewable
from albumcore_adapters.base.dicom_json import Attributes, integer_value, text_value, text_values
from albumcore_adapters.directory.stored_instances import StoredInstance
from albumcore_adapters.directory.study_search import metadata_of
from albumcore_adapters.http.dicomweb.documents import document_type
from albumcore_adapters.http.dicomweb.rendered import JPEG
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import page
from albumcore_adapters.http.ui.study_cards import (
    SeriesCard,
    Shelf,
    day_of,
    series_cards,
    study_card,
)
from albumcore_adapters.http.ui.templates import show
from albumcore_adapters.http.ui.windows import AS_SENT, windows_of
from albumcore_adapters.instances.reading import InstanceNotFound, InstanceReader
from albumcore_adapters.sql.database import Database

_SIDE = 1024
"""The longest side of a picture, in pixels; a larger image is scaled down."""

_MOST_ATTRIBUTES = 400
_LONGEST_VALUE = 200

_FACTS = (
    ("body_part", "00180015", ""),
    ("slice", "00180050", " mm"),
    ("position", "00201041", " mm"),
    ("kvp", "00180060", " kV"),
    ("exposure", "00181152", " mAs"),
    ("repetition", "00180080", " ms"),
    ("echo", "00180081", " ms"),
    ("station", "00081010", ""),
    ("manufacturer", "00080070", ""),
)
"""What is said of an image: the key of its text, the tag, and the unit."""


@frozen
class ShownInstance:
    """An instance with frames.

    Attributes:
        instance: The instance.
        frames: How many frames it has.
        is_large: Whether it is larger than a picture is shown.
    """

    instance: StoredInstance = field(repr=False)
    frames: int
    is_large: bool


@frozen
class FrameAt:
    """A frame of a series.

    Attributes:
        instance: Its instance.
        number: Its number in the instance, from 1.
    """

    instance: StoredInstance = field(repr=False)
    number: int


@frozen
class SeriesFrames:
    """The frames of a series, one after the other, in order of their instances.

    Attributes:
        instances: The instances that have frames.
        documents: The media type and the instance of what is a document or a video.
    """

    instances: Sequence[ShownInstance]
    documents: Sequence[tuple[str, StoredInstance]]

    @property
    def number(self) -> int:
        """How many frames there are."""
        return sum(one.frames for one in self.instances)

    def at(self, number: int) -> FrameAt:
        """The frame with a number from 1.

        Raises:
            IndexError: there are fewer.
        """
        ends = accumulate(one.frames for one in self.instances)
        for one, end in zip(self.instances, ends, strict=True):
            if number <= end:
                return FrameAt(one.instance, number - end + one.frames)
        raise IndexError(number)

    @classmethod
    def of(
        cls, reader: InstanceReader, database: Database, study: StudyUID, series: SeriesUID
    ) -> SeriesFrames:
        """Those of a series, as far as its bytes are stored."""
        try:
            stored = reader.of_series(study, [series])
        except InstanceNotFound:
            return cls((), ())
        known = {text_value(one, "00080018"): one for one in metadata_of(database, study, [series])}
        documents = [(kind, one) for one in stored if (kind := document_type(one)) is not None]
        others = [one for one in stored if document_type(one) is None]
        shown = [_shown(one, known.get(one.sop_instance_uid, {})) for one in others]
        return cls([one for one in shown if one.frames > 0], documents)


def _shown(instance: StoredInstance, known: Attributes) -> ShownInstance:
    rows, columns = integer_value(known, "00280010") or 0, integer_value(known, "00280011") or 0
    frames = integer_value(known, "00280008")
    number = 0 if 0 in (rows, columns) else 1 if frames is None else frames
    return ShownInstance(instance, number, max(rows, columns) > _SIDE)


def viewer_page(
    request: PageRequest,
    holdings: Holdings,
    access: ImageAccess,
    reader: InstanceReader,
    database: Database,
) -> Response:
    """Show one frame of a series, in a window, with what is known of it; for htmx this alone."""
    shelf, study, series = Shelf.of(request, holdings), request.api.study, request.api.series
    viewable(access, request.caller, shelf.place, study, series)
    cards = series_cards(shelf, database, study)
    card = next((one for one in cards if one.uid == series), None)
    frames = SeriesFrames.of(reader, database, study, series)
    if card is None or not frames.number:
        values: dict[str, Any] = {
            "card": card,
            "documents": _documents(shelf, study, series, frames),
        }
        return _show(request, shelf, database, cards, frames=frames, **values)
    number = min(max(request.query.number("frame") or 1, 1), frames.number)
    frame = frames.at(number)
    attributes = reader.attributes(frame.instance)
    windows = windows_of(card.modality, attributes)
    wanted = request.query.text("window")
    window = next((one for one in windows if one.name == wanted), windows[0])
    facts: dict[str, Any] = {
        "facts": list(_facts(request, card, attributes)),
        "attributes": list(_attributes(attributes)),
        "frame": number,
    }
    if request.is_fragment:
        return show(request, "viewer_about.html", card=card, **facts)
    side = any(one.is_large for one in frames.instances)
    address = _Address(shelf, study, series, f"{_SIDE},{_SIDE}" if side else None)
    return _show(
        request,
        shelf,
        database,
        cards,
        card=card,
        frames=frames,
        documents=_documents(shelf, study, series, frames),
        windows=windows,
        window=window,
        picture=address.of(frame.instance.sop_instance_uid, frame.number, window.value),
        pattern=address.pattern(),
        **facts,
    )


def _show(
    request: PageRequest,
    shelf: Shelf,
    database: Database,
    cards: Sequence[SeriesCard],
    **values: Any,
) -> Response:
    study = request.api.study
    return show(
        request,
        "viewer.html",
        then=shelf.then,
        shelf=shelf,
        study=study,
        of_study=study_card(shelf, database, study),
        series=cards,
        chosen=request.api.series,
        AS_SENT=AS_SENT,
        **values,
    )


@frozen
class _Address:
    """The addresses of the pictures of a series."""

    shelf: Shelf
    study: StudyUID
    series: SeriesUID
    viewport: str | None

    def of(self, instance: str, frame: int | str, window: str | None) -> str:
        """That of a frame."""
        path = f"/studies/{self.study}/series/{self.series}/instances/{instance}/frames/{frame}/rendered"
        return self.shelf.data(path, accept=JPEG, viewport=self.viewport, window=window)

    def pattern(self) -> str:
        """That of any frame, with places for the instance and the frame."""
        return self.of("{instance}", "{frame}", None)


def _documents(
    shelf: Shelf, study: StudyUID, series: SeriesUID, frames: SeriesFrames
) -> Sequence[Mapping[str, str]]:
    path = f"/studies/{study}/series/{series}/instances"
    return [
        {
            "kind": kind,
            "url": shelf.data(f"{path}/{one.sop_instance_uid}/rendered", accept=kind),
        }
        for kind, one in frames.documents
    ]


def _facts(
    request: PageRequest, card: SeriesCard, attributes: Attributes
) -> Iterator[tuple[str, Markup | str]]:
    """What is said of a series and an image, each with the key of its text."""
    yield "modality", card.modality
    day = day_of(request, attributes, "00080021")
    if day is not None:
        yield "date", day
    rows, columns = integer_value(attributes, "00280010"), integer_value(attributes, "00280011")
    bits = integer_value(attributes, "00280101")
    if rows and columns:
        size = request.say("viewer.pixels", columns=columns, rows=rows)
        yield "size", size if bits is None else request.say("viewer.bits", size=size, bits=bits)
    match attributes.get("00280030", {}).get("Value"):
        case [int() | float() as high, int() | float() as wide]:
            yield "spacing", request.say("viewer.spacing", wide=f"{wide:g}", high=f"{high:g}")
    for key, tag, unit in _FACTS:
        value = next(text_values(attributes, tag), None)
        if value:
            yield key, value + unit


def _attributes(attributes: Attributes) -> Iterator[tuple[str, str]]:
    """The attributes of an image as tag and text; without sequences and bulk data."""
    for tag, one in sorted(attributes.items())[:_MOST_ATTRIBUTES]:
        if one.get("vr") != "SQ" and "Value" in one:
            text = " \\ ".join(text_values(attributes, tag))
            cut = text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
            yield f"{tag[:4]},{tag[4:]}", cut


_SERIES = "studies/{study}/series/{series}"

ROUTES = (
    page(
        f"/ui/albums/{{album}}/{_SERIES}",
        viewer_page,
        "Show the frames of a series of an album.",
        permission=Permission.READ_SERIES,
        has_past=True,
    ),
    page(f"/ui/inbox/{_SERIES}", viewer_page, "Show the frames of a series of the inbox."),
)
