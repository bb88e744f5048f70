"""Bodies in parts: any split of the same bytes has the same parts, and what is malformed is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from attrs import frozen
from hypothesis import assume, given
from hypothesis import strategies as st

from albumcore_adapters.base.multipart import (
    READ_AT_ONCE,
    MalformedBody,
    MediaType,
    read_parts,
)

BOUNDARY = "0f3cf5c0-70e0"
RELATED = f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"'


@frozen
class Sent:
    """A part as a client sends it."""

    content: bytes
    headers: Sequence[tuple[str, str]] = (("Content-Type", "application/dicom"),)

    def encoded(self) -> bytes:
        """Its header fields, the empty line and its content."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        return lines.encode() + b"\r\n" + self.content


def body_of(
    parts: Sequence[Sent], boundary: str = BOUNDARY, before: bytes = b"", after: bytes = b"\r\n"
) -> bytes:
    """A multipart body."""
    delimiter = f"--{boundary}".encode()
    encoded = b"".join(delimiter + b"\r\n" + part.encoded() + b"\r\n" for part in parts)
    return before + encoded + delimiter + b"--" + after


def reader(pieces: Sequence[bytes]) -> Callable[[int], bytes]:
    """A function that returns one piece a call, and then none."""
    left = [piece for piece in pieces if piece][::-1]

    def read(size: int) -> bytes:
        piece = left.pop() if left else b""
        if len(piece) > size:
            left.append(piece[size:])
        return piece[:size]

    return read


def parsed(content_type: str, pieces: Sequence[bytes]) -> list[tuple[str, str | None, bytes]]:
    """Media type, location and content of each part."""
    parts = read_parts(MediaType.of(content_type), reader(pieces))
    return [(one.media_type.name, one.location, b"".join(one.pieces())) for one in parts]


# Contents that look like delimiters at their ends are the ones that a parser gets wrong.
NEARLY = [
    *(f"\r\n--{BOUNDARY}"[:length].encode() for length in range(len(BOUNDARY) + 4)),
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"-", b"--", f"--{BOUNDARY}--".encode(), b"\0\xff"),
]
CONTENTS = st.lists(st.sampled_from(NEARLY) | st.binary(max_size=20), max_size=6).map(b"".join)


@st.composite
def splits(draw: st.DrawFn, body: bytes) -> list[bytes]:
    """The same bytes in pieces."""
    places = sorted(draw(st.lists(st.integers(0, len(body)), max_size=12)))
    return [
        body[start:stop] for start, stop in zip([0, *places], [*places, len(body)], strict=True)
    ]


@given(st.data(), st.lists(CONTENTS, max_size=4), st.sampled_from([b"", b"\r\n"]))
def test_any_split_of_a_body_has_the_parts_that_were_sent(
    data: st.DataObject, contents: list[bytes], before: bytes
) -> None:
    """Types, locations and contents are those that were sent, wherever the body is split between two reads."""
    delimiter = f"\r\n--{BOUNDARY}".encode()
    contents = [one for one in contents if delimiter not in b"\r\n" + one + b"\r\n"]
    sent = [
        Sent(one, (("content-type", "application/dicom"), ("Content-Location", f"urn:{place}")))
        for place, one in enumerate(contents)
    ]
    body = body_of(sent, before=before, after=data.draw(st.sampled_from([b"", b"\r\n", b"end"])))
    pieces = data.draw(splits(body))
    assert parsed(RELATED, pieces) == [
        ("application/dicom", f"urn:{place}", one) for place, one in enumerate(contents)
    ]


@given(st.data(), st.lists(CONTENTS, min_size=1, max_size=3))
def test_a_body_without_its_last_delimiter_is_refused_whatever_its_split(
    data: st.DataObject, contents: list[bytes]
) -> None:
    """A body that was cut off is never taken for a whole one."""
    whole = body_of([Sent(one) for one in contents], after=b"")
    end = whole.rfind(f"--{BOUNDARY}--".encode())
    cut = whole[: data.draw(st.integers(1, end + len(BOUNDARY) + 3))]
    assume(f"--{BOUNDARY}--".encode() not in cut)
    with pytest.raises(MalformedBody):
        parsed(RELATED, data.draw(splits(cut)))


@given(st.data(), CONTENTS)
def test_a_body_without_parts_is_one_by_itself(data: st.DataObject, content: bytes) -> None:
    """A bare body is one part, and an empty one is none."""
    assert parsed("application/dicom", data.draw(splits(content))) == (
        [("application/dicom", None, content)] if content else []
    )


@pytest.mark.parametrize(
    "content_type",
    [
        f"multipart/related; type=application/dicom; boundary={BOUNDARY}",
        f'Multipart/Related; BOUNDARY="{BOUNDARY}"; Type="application/dicom"',
        f"multipart/related;boundary={BOUNDARY}",
    ],
)
def test_quotes_and_case_of_the_content_type_do_not_matter(content_type: str) -> None:
    """Clients leave quotes out, though the slash in the type needs them."""
    assert parsed(content_type, [body_of([Sent(b"x")])]) == [("application/dicom", None, b"x")]


def test_the_name_of_a_form_field_is_read_beside_the_file_name() -> None:
    """A name may contain what separates parameters, and text in UTF-8."""
    disposition = 'form-data; name="ré; 1f"; filename="a;b.dcm"'
    sent = Sent(b"x", [("Content-Disposition", disposition)])
    media_type = MediaType.of(f"multipart/form-data; boundary={BOUNDARY}")
    [part] = read_parts(media_type, reader([body_of([sent])]))
    assert (part.name, part.file_name, part.media_type.name) == ("ré; 1f", "a;b.dcm", "")


def test_content_that_is_left_unread_is_passed_over() -> None:
    """The next part begins where it does, though the one before was not read."""
    body = body_of([Sent(b"a" * 3 * READ_AT_ONCE), Sent(b"b")])
    parts = read_parts(MediaType.of(RELATED), reader([body]))
    next(parts)
    assert b"".join(next(parts).pieces()) == b"b"
    assert list(parts) == []


def test_a_part_is_never_in_memory_as_a_whole() -> None:
    """Content is yielded as it is read, and no read is ahead of it."""
    asked: list[int] = []

    def endless(size: int) -> Iterator[bytes]:
        yield f"--{BOUNDARY}\r\n\r\n".encode()
        while True:
            yield bytes(size)

    pieces = endless(READ_AT_ONCE)

    def read(size: int) -> bytes:
        asked.append(size)
        return next(pieces)

    content = next(read_parts(MediaType.of(RELATED), read)).pieces()
    assert max(len(next(content)) for _ in range(100)) <= READ_AT_ONCE + len(BOUNDARY) + 4
    assert len(asked) < 104


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/related",
        "multipart/related; boundary=",
        f"multipart/form-data; boundary={'b' * 201}",
    ],
)
def test_a_boundary_is_required(content_type: str) -> None:
    """Without a boundary there are no parts."""
    with pytest.raises(MalformedBody, match="boundary"):
        parsed(content_type, [body_of([Sent(b"x")])])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        f"--{BOUNDARY}\r\nno colon\r\n\r\nx\r\n--{BOUNDARY}--".encode(),
        body_of([Sent(b"x", [("X-Many", "x")] * 40)]),
        body_of([Sent(b"x", [("X-Long", "x" * 10_000)])]),
    ],
)
def test_a_malformed_body_is_refused(body: bytes) -> None:
    """Text before the first delimiter, and headers that are malformed, too many or too long."""
    with pytest.raises(MalformedBody):
        parsed(RELATED, [body])
