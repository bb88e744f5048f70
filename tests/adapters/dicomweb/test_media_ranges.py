"""What clients accept: media types with parameters, quoted or not, in their order of preference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.http.dicomweb.media_ranges import MediaRange, includes, media_ranges

OF_CLIENTS = [
    (
        'multipart/related; type="application/dicom"; transfer-syntax=*',
        ("multipart/related", "application/dicom", "*"),
    ),
    (
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
        ("multipart/related", "application/octet-stream", "*"),
    ),
    (
        'multipart/related;type="application/octet-stream";transfer-syntax="*"',
        ("multipart/related", "application/octet-stream", "*"),
    ),
    ('multipart/related; type="*/*"', ("multipart/related", "*/*", None)),
    (
        'Multipart/Related; TYPE="Image/JPEG"; Transfer-Syntax=1.2.840.10008.1.2.4.50',
        ("multipart/related", "image/jpeg", "1.2.840.10008.1.2.4.50"),
    ),
    ("image/*", ("image/*", "*/*", None)),
    ("*/*", ("*/*", "*/*", None)),
]


@pytest.mark.parametrize(("accept", "expected"), OF_CLIENTS, ids=[one for one, _ in OF_CLIENTS])
def test_what_clients_send(accept: str, expected: tuple[str, str, str | None]) -> None:
    """Quotes are optional."""
    [found] = media_ranges(accept)
    assert (found.media_type, found.parts, found.transfer_syntax) == expected


@pytest.mark.parametrize("accept", [None, "", "  "])
def test_without_a_header_all_is_accepted(accept: str | None) -> None:
    """An empty one says nothing either."""
    assert media_ranges(accept) == [MediaRange("*/*", {})]


def test_several_are_in_the_order_of_preference() -> None:
    """By quality, then in the order of the text. What has none, or is malformed, is left out."""
    accept = (
        'image/png;q=0.5, multipart/related; type="a/b, c;d"; q="0.7", image/jpeg, nothing,'
        " image/gif;q=0, image/jls;q=x, ,image/jp2; q=1.000"
    )
    assert [(one.media_type, one.quality) for one in media_ranges(accept)] == [
        ("image/jpeg", 1),
        ("image/jp2", 1),
        ("multipart/related", 0.7),
        ("image/png", 0.5),
    ]
    assert media_ranges(accept)[2].parts == "a/b, c;d"


def test_a_quote_in_quotes_is_escaped() -> None:
    """With a backslash; parameters without a value are left out."""
    [found] = media_ranges(r'a/b; c="d\"\\,e"; f; g=')
    assert found.parameters == {"c": 'd"\\,e', "g": ""}


@pytest.mark.parametrize("malformed", ['c/d; e="f', "c/d\\"])
def test_what_is_malformed_ends_the_list(malformed: str) -> None:
    """A quote without its end, or a backslash before nothing: nothing tells where the next range begins."""
    assert media_ranges(f"a/b, {malformed}") == [MediaRange("a/b", {})]


@pytest.mark.parametrize(
    ("wanted", "media_type", "expected"),
    [
        ("*/*", "image/jpeg", True),
        ("image/*", "image/jpeg", True),
        ("image/jpeg", "image/jpeg", True),
        ("image/*", "application/pdf", False),
        ("image/png", "image/jpeg", False),
        ("imag/*", "image/jpeg", False),
    ],
)
def test_an_asterisk_includes_media_types(wanted: str, media_type: str, expected: bool) -> None:
    """All, or those of one kind."""
    assert includes(wanted, media_type) is expected
    assert MediaRange(wanted, {}).matches(media_type) is expected


_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=10)


@given(st.lists(st.tuples(st.sampled_from(["a/b", "c/*"]), _values), min_size=1, max_size=5))
def test_quoted_values_are_read_as_they_were_written(written: list[tuple[str, str]]) -> None:
    """Whatever characters they have."""
    quoted = [(media, value.replace("\\", r"\\").replace('"', r"\"")) for media, value in written]
    accept = ",".join(f'{media};type="{value}"' for media, value in quoted)
    found = media_ranges(accept)
    assert [(one.media_type, one.parameters["type"]) for one in found] == [
        (media, value.strip()) for media, value in written
    ]


@given(st.text(max_size=200))
def test_anything_is_read(accept: str) -> None:
    """In time that grows with its length."""
    media_ranges(accept)
    media_ranges(accept * 10_000)
