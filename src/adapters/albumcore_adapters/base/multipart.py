"""Messages in parts (RFC 2046, RFC 2387, RFC 7578): parsed while they arrive, and framed for sending.

Three forms are read: ``multipart/related``, ``multipart/form-data``, and a body that is one part by itself. Of a part,
no more than one read is in memory, whatever its length.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from attrs import field, frozen
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from albumcore_adapters.base.random_ids import random_id

Read: TypeAlias = Callable[[int], bytes]
"""Reads up to so many bytes of a body; at its end, none."""

RELATED = "multipart/related"
FORM_DATA = "multipart/form-data"

READ_AT_ONCE = 256 * 1024
"""Bytes that are read at once."""

_MAX_HEADERS = 32  # of a part
_MAX_BOUNDARY = 200  # characters; RFC 2046 permits 70, and clients send some more
_BOUNDARY = 32  # characters, of more than 190 bits: no content has them by chance

# The parser logs each malformed body as a warning, with bytes of it.
logging.getLogger(MultipartParser.__module__).setLevel(logging.ERROR)


class MalformedBody(Exception):
    """A body in parts that is malformed, or ends before its last delimiter.

    Attributes:
        reason: What is wrong, in a few words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@frozen
class MediaType:
    """A media type with parameters, as ``Content-Type`` has it (RFC 9110 section 8.3).

    Attributes:
        name: Type and subtype, in lower case; "" if there is none.
        parameters: The parameters, by name in lower case, without the quotes that may surround them. A value with a
            slash or a plus sign is read without quotes too: clients send ``type=application/dicom``.
    """

    name: str
    parameters: Mapping[str, str]

    @classmethod
    def of(cls, text: str | None) -> MediaType:
        """Read a media type. No text is refused."""
        name, parameters = parse_options_header((text or "").encode("latin-1", "replace"))
        return cls(
            name.decode("latin-1"),
            {
                key.decode("latin-1"): value.decode("latin-1").strip()
                for key, value in parameters.items()
            },
        )


@frozen
class BodyPart:
    """One part of a body. Its content can be read once, before the next part is asked for.

    Attributes:
        media_type: The media type of its content.
        location: ``Content-Location``, or None.
        name: The name of its form field (RFC 7578), or None.
        file_name: The name of the file that the field has, or None; empty where a form has a field without a file.
    """

    media_type: MediaType
    location: str | None = None
    name: str | None = None
    file_name: str | None = None
    _pieces: Iterator[bytes] = field(factory=lambda: iter(()), repr=False)

    def pieces(self) -> Iterator[bytes]:
        """Return the content in pieces of at most `READ_AT_ONCE` bytes, none of them empty.

        Raises:
            MalformedBody: the body ends within the part, or is malformed.
            Exception: the errors of the function that reads the body.
        """
        return self._pieces


def read_parts(media_type: MediaType, read: Read) -> Iterator[BodyPart]:
    """Yield the parts of a body. What the caller leaves of the content of a part is read and dropped.

    A body that is neither ``multipart/related`` nor ``multipart/form-data`` is one part of its own media type; an empty
    one is no part.

    Args:
        media_type: The media type of the body.
        read: Reads the body.

    Raises:
        MalformedBody: there is no boundary, the body is malformed, or it ends before the last delimiter.
        Exception: the errors of ``read``.
    """
    if media_type.name in (RELATED, FORM_DATA):
        yield from _Parts(_boundary(media_type), read).parts()
    elif first := read(READ_AT_ONCE):
        yield BodyPart(media_type, pieces=_rest(first, read))


def _rest(piece: bytes, read: Read) -> Iterator[bytes]:
    while piece:
        yield piece
        piece = read(READ_AT_ONCE)


def _in_utf_8(text: str | None) -> str | None:
    return None if text is None else text.encode("latin-1").decode("utf-8", "replace")


def _boundary(media_type: MediaType) -> bytes:
    boundary = media_type.parameters.get("boundary", "")
    if not 0 < len(boundary) <= _MAX_BOUNDARY:
        raise MalformedBody(f"Content-Type names no boundary of 1 to {_MAX_BOUNDARY} characters")
    return boundary.encode("latin-1")


@frozen
class Framing:
    """What is around the parts of one ``multipart/related`` message that is sent.

    Attributes:
        boundary: The delimiter. It needs no quotes: some clients take it from the header, some from the body.
    """

    boundary: str = field(factory=lambda: random_id(_BOUNDARY))

    def content_type(self, media_type: str) -> str:
        """The Content-Type of a message whose parts have a media type."""
        return f'{RELATED}; type="{media_type}"; boundary={self.boundary}'

    def before(self, media_type: str, location: str | None = None, *, is_first: bool) -> bytes:
        """What is before the content of a part, in the spelling that viewers expect.

        Args:
            media_type: Its Content-Type.
            location: Its Content-Location; None without one.
            is_first: Whether it is the first part.
        """
        lines = [f"--{self.boundary}", f"Content-Type: {media_type}"]
        if location is not None:
            lines.append(f"Content-Location: {location}")
        return ("\r\n" * (not is_first) + "\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    @property
    def end(self) -> bytes:
        """What follows the last part."""
        return f"\r\n--{self.boundary}--\r\n".encode("latin-1")


class _End:
    """The end of a part."""


_END = _End()
_Event: TypeAlias = BodyPart | bytes | _End


class _Parts:
    """Turns the callbacks of the push parser into parts that are iterated over."""

    def __init__(self, boundary: bytes, read: Read) -> None:
        self._read = read
        self._events: deque[_Event] = deque()
        self._is_over = False
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": lambda: self._events.append(_END),
                "on_end": self._on_end,
            },
            max_header_count=_MAX_HEADERS,
        )

    def parts(self) -> Iterator[BodyPart]:
        """Yield the parts."""
        while (event := self._next()) is not None:
            # Between two parts there is nothing but the rest of one that was left unread.
            if isinstance(event, BodyPart):
                yield event

    def _content(self) -> Iterator[bytes]:
        """Yield the content of the part that was yielded last."""
        while isinstance(event := self._next(), bytes):
            yield event

    def _next(self) -> _Event | None:
        """Return the next event; None after the last delimiter. What follows that is read and dropped."""
        while not self._events:
            piece = self._read(READ_AT_ONCE)
            if not piece:
                if not self._is_over:
                    raise MalformedBody("the body ends before its last delimiter")
                return None
            try:
                self._parser.write(piece)
            except FormParserError as error:
                raise MalformedBody(str(error)) from None
        return self._events.popleft()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers.setdefault(self._name.lower(), self._value.strip())
        self._name = self._value = b""

    def _on_headers_finished(self) -> None:
        found = {name: value.decode("latin-1") for name, value in self._headers.items()}
        self._headers = {}
        # Content-Disposition has the form of a media type with parameters.
        disposition = MediaType.of(found.get(b"content-disposition")).parameters
        part = BodyPart(
            MediaType.of(found.get(b"content-type")),
            found.get(b"content-location"),
            _in_utf_8(disposition.get("name")),
            _in_utf_8(disposition.get("filename")),
            pieces=self._content(),
        )
        self._events.append(part)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def _on_end(self) -> None:
        self._is_over = True
