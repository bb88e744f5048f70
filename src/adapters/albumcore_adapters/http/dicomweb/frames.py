"""Retrieving frames, as stored or decoded (WADO-RS; DICOM PS3.18 section 10.4.1.1.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from attrs import evolve, frozen

from albumcore import Permission
from albumcore.errors import NotFound
from albumcore_adapters.access.images import ImageAccess, viewable
from albumcore_adapters.base.dicom_json import integer_value
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.decoding import DECODING_ERRORS, PixelPlaces
from albumcore_adapters.dicom.pixel_places import MAX_FRAMES, NativeFrames
from albumcore_adapters.directory.stored_instances import StoredInstance
from albumcore_adapters.http.accept import MULTIPART, OCTETS
from albumcore_adapters.http.conditional import ETAG
from albumcore_adapters.http.dicomweb.addressed import addressed_series, instance_url
from albumcore_adapters.http.dicomweb.choosing import (
    IMAGE_TYPES,
    Representation,
    accepted,
    frame_choice,
    not_acceptable,
    syntax_of,
)
from albumcore_adapters.http.dicomweb.media_ranges import MediaRange
from albumcore_adapters.http.dicomweb.multipart_response import Part, parts_response
from albumcore_adapters.http.kheops.parameters import BadQuery
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import ACCEPT, IN
from albumcore_adapters.http.links import public_root
from albumcore_adapters.http.openapi.specs import TEXT, ResponseSpec, binary
from albumcore_adapters.http.response import RangedBody, Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.instances.reading import InstanceReader, length_of, places_of

PIXEL_DATA = frozenset({"7FE00008", "7FE00009", "7FE00010"})
"""The attributes that have frames: (Float, Double Float) Pixel Data."""

_NUMBER_OF_FRAMES = "00280008"
_NUMBERS = re.compile(r"[0-9]{1,9}(,[0-9]{1,9})*")


class FrameNotFound(NotFound):
    """The instance has no frame with this number."""

    code = "frame_not_found"


def retrieve_frames(
    request: ApiRequest, access: ImageAccess, reader: InstanceReader, settings: Settings
) -> Response:
    """Send frames of an instance, in the order in which they are named."""
    addressed_series(request, access, viewable)
    numbers = frame_numbers(request.path["frames"])
    instance = reader.one(request.study, request.series, request.instance)
    frames = Frames.of(reader, instance)
    if max(numbers) > frames.number:
        raise FrameNotFound(f"the instance has {frames.number} frames")
    choice = frames.choice(accepted(request), is_alone=len(numbers) == 1)
    url = instance_url(public_root(request, settings), instance)
    return frames_response(frames, numbers, choice, f"{url}/frames")


def frames_response(
    frames: Frames, numbers: Sequence[int], choice: Representation, url: str | None
) -> Response:
    """The response with some frames.

    Args:
        frames: The frames of the instance.
        numbers: Those that are sent, from 1.
        choice: Their form.
        url: The address of each, without its number; None if the parts have none.
    """
    parts = [
        Part(
            choice.content_type,
            partial(frames.decoded, number) if choice.is_decoded else frames.stored(number),
            None if url is None else f"{url}/{number}",
        )
        for number in numbers
    ]
    tags = str(frames.instance.digest), choice.content_type, *map(str, numbers)
    return parts_response(parts, choice.media_type, tags, is_multipart=choice.is_multipart)


def frame_numbers(text: str) -> list[int]:
    """The numbers of frames that a path names, from 1, separated by commas.

    Raises:
        BadQuery: it is no such list.
    """
    numbers = [int(one) for one in text.split(",")] if _NUMBERS.fullmatch(text) else [0]
    if 0 in numbers:
        raise BadQuery("frames", "numbers from 1 are expected, separated by commas")
    return numbers


@frozen
class Frames:
    """The frames of a stored instance.

    Attributes:
        reader: Reads them.
        instance: The instance.
        places: Where they are in the file; None if they have to be decoded, as those of deflated and big endian files.
        number: Their number; 0 if there are none, or if the data set names a number that cannot be: below 1, or above
            `MAX_FRAMES` without known places.
    """

    reader: InstanceReader
    instance: StoredInstance
    places: PixelPlaces | None
    number: int

    @classmethod
    def of(cls, reader: InstanceReader, instance: StoredInstance) -> Frames:
        """The frames of an instance."""
        places = places_of(instance)
        lean = evolve(instance, pixels=None)
        if places is None or places.frames is None:
            attributes = reader.attributes(instance)
            number = integer_value(attributes, _NUMBER_OF_FRAMES) or 1
            has_frames = PIXEL_DATA & attributes.keys() and 1 <= number <= MAX_FRAMES
            return cls(reader, lean, None, number if has_frames else 0)
        return cls(reader, lean, places, places.frames.number)

    def choice(self, ranges: Sequence[MediaRange], *, is_alone: bool) -> Representation:
        """The form of frames that the client prefers.

        Raises:
            falcon.HTTPNotAcceptable: it accepts none.
        """
        stored, is_known = syntax_of(self.instance), self.places is not None
        found = frame_choice(ranges, stored, is_alone=is_alone, is_place_known=is_known)
        if found is None:
            image = IMAGE_TYPES.get(stored, OCTETS)
            raise not_acceptable(f'{MULTIPART}; type="{image}"; transfer-syntax={stored}')
        return found

    def stored(self, number: int) -> RangedBody:
        """A frame as stored. It refers to the places of this frame alone."""
        places, reader, instance = self.places, self.reader, self.instance
        assert places is not None
        frames, ranges = places.frames, places.ranges(number)
        if not isinstance(frames, NativeFrames) or frames.bits % 8 == 0:
            return RangedBody(length_of(ranges), reader.read(instance, ranges))

        def read(start: int, stop: int) -> Iterator[bytes]:
            # Frames of single bits follow each other without a gap.
            yield PixelPlaces(frames).frame(reader.open(instance), number)[start:stop]

        return RangedBody((frames.bits + 7) // 8, read)

    def decoded(self, number: int) -> Sequence[bytes]:
        """A frame as Explicit VR Little Endian has it, in pieces.

        Raises:
            falcon.HTTPNotAcceptable: it cannot be decoded.
        """
        try:
            return self.reader.decoder.frames(self.reader.open(self.instance), [number])
        except DECODING_ERRORS as error:
            stored = syntax_of(self.instance)
            offered = f"{IMAGE_TYPES.get(stored, OCTETS)}; transfer-syntax={stored}, as {error}"
            raise not_acceptable(offered) from None


FRAME_TYPES = (OCTETS, *dict.fromkeys(IMAGE_TYPES.values()))
"""The media types of a frame, decoded or as stored."""

ROUTES = (
    Route(
        *(
            "GET",
            "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
            retrieve_frames,
        ),
        summary="Retrieve frames, by their numbers from 1.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs="the caller sees the series",
        query={**IN, **ACCEPT},
        responses={
            200: ResponseSpec(
                "The frames in the order of their numbers, each a part with its transfer syntax.",
                binary(MULTIPART, *FRAME_TYPES),
                {ETAG: TEXT},
            ),
            206: ResponseSpec("The range of the frame that Range names.", binary(*FRAME_TYPES)),
            304: ResponseSpec("The client has them, as If-None-Match says."),
        },
        errors=(416,),
        from_store=True,
        negotiates=True,
    ),
)
