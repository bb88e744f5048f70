"""Media types by magic bytes, and texts that come back char for char."""

from __future__ import annotations

import base64
import io
import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from albumcore.errors import Invalid
from albumcore.image_sets.values import Encoding
from albumcore_adapters.blobs.media_types import (
    as_json,
    decode_base64,
    is_base64_text,
    sniff,
)

BMP = b"BM" + (58).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")


def shown(content: bytes, encoding: Encoding) -> object:
    """What the JSON string says that is made of stored bytes."""
    return json.loads(b"".join(as_json(content, encoding)))


base64_texts = st.binary().map(lambda content: base64.b64encode(content).decode("ascii"))
broken_texts = st.builds(lambda text, extra: text + extra, base64_texts, st.text(max_size=3))
near_texts = st.text("ABab01+/=\r\n-_ é", max_size=40)
texts = base64_texts | broken_texts | near_texts | st.text()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"GIF87a\x01\0\x01\0", "image/gif"),
        (b"GIF89a\x01\0\x01\0", "image/gif"),
        (b"RIFF\x0a\x0d\x00\x00WEBPVP8 ", "image/webp"),
        (BMP + b"\x28\0\0\0", "image/bmp"),
        (BMP + b"\x7c\0\0\0", "image/bmp"),
        (b"II*\0\x08\0\0\0", "image/tiff"),
        (b"MM\0*\0\0\0\x08", "image/tiff"),
        (b"II+\0\x08\0\0\0", "image/tiff"),
        (b"MM\0+\0\x08\0\0", "image/tiff"),
        (bytes(128) + b"DICM", "application/dicom"),
        (b"%PDF-1.7\n", "application/pdf"),
    ],
)
def test_sniff_of_a_known_start(content: bytes, media_type: str) -> None:
    """Each format is told by its first bytes, and not when one of them is missing or wrong."""
    assert sniff(content) == media_type
    assert sniff(content + b"\n rest") == media_type
    assert sniff(b" " + content) == "application/octet-stream"


@pytest.mark.parametrize(
    "content",
    [b"", b"BM", b"BMI tables of the clinic", b"RIFF1234WAVE", b"GIF88a", b"ABCDEFG", b"\xff\xd8"],
)
def test_sniff_of_an_unknown_start(content: bytes) -> None:
    """What shows none of the formats is just bytes, also when it begins much like one."""
    assert sniff(content) == "application/octet-stream"


def test_sniff_of_dicom_with_a_preamble_of_another_format() -> None:
    """A DICOM file whose preamble is that of a TIFF file is DICOM (PS3.10 section 7.1)."""
    assert sniff(b"II*\0".ljust(128, b"\0") + b"DICM") == "application/dicom"


def test_sniff_of_a_real_dicom_file() -> None:
    """A file of pydicom's own collection is told as DICOM."""
    path = get_testdata_file("CT_small.dcm", download=False)
    assert isinstance(path, str)
    assert sniff(Path(path).read_bytes()) == "application/dicom"


@given(texts)
@example("ABCDEFG")
@example("YWJj\r\n")
@example("YWJ=")
def test_text_comes_back_as_it_was_sent(text: str) -> None:
    """Whatever the text, it comes back char for char, with or without decoding it in between."""
    content, encoding = decode_base64(text)
    assert shown(content, encoding) == text
    assert encoding in ("base64", "verbatim")


@given(st.binary())
def test_base64_is_stored_decoded(content: bytes) -> None:
    """Canonical base64 is stored as the bytes it stands for."""
    assert decode_base64(base64.b64encode(content).decode("ascii")) == (content, "base64")


@pytest.mark.parametrize(
    "text",
    [
        "ABCDEFG",
        "YWJ",
        "YWI",
        "YWJ=",
        "YWJj\n",
        "YW Jj",
        "====",
        "YQ==YQ==",
        "-_-_",
        "é",
        "\U0001f600",
    ],
)
def test_text_that_is_not_canonical_base64_is_stored_verbatim(text: str) -> None:
    """A text that base64 would not give back is stored as it is."""
    assert decode_base64(text) == (text.encode("utf-8"), "verbatim")


def test_text_that_is_not_unicode() -> None:
    """Half a surrogate pair is refused as bad input."""
    with pytest.raises(Invalid, match="surrogate") as refused:
        decode_base64("abc\ud800")
    assert refused.value.field == "data"


def test_content_that_does_not_fit_its_encoding() -> None:
    """Damage of the store is told, never given out as if it were the text."""
    with pytest.raises(ValueError, match="decode"):
        as_json(b"\xff", "verbatim")


@pytest.mark.parametrize(
    "text", ["ABCDEFG", "A", "YWJj", "YQ==", "YWJj\r\nYWJj\r\n", "\n=A", "a=b", "+/09azAZ"]
)
def test_base64_text(text: str) -> None:
    """The 64 characters, padding and line breaks make a base64 text, however they are put."""
    assert is_base64_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "==\r\n",
        "\n",
        "YWJj ",
        "YWJj-",
        "YWJj_",
        "YW.Jj",
        "é",
        "data:,YQ==",
        "\0",
        "\uff21",
    ],
)
def test_text_that_is_no_base64_text(text: str) -> None:
    """One other character, or none of the 64, and it is no base64 text."""
    assert not is_base64_text(text)


@given(texts)
def test_base64_text_is_a_rule_over_characters(text: str) -> None:
    """The quick check agrees with the rule said slowly."""
    alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    expected = set(text) <= alphabet | set("=\r\n") and bool(set(text) & alphabet)
    assert is_base64_text(text) == expected


def test_large_texts_are_quick() -> None:
    """Five megabytes pass all steps in a fraction of a second, whatever they are made of."""
    content = bytes(range(256)) * 15_000
    lines = io.BytesIO()
    base64.encode(io.BytesIO(content), lines)
    canonical = base64.b64encode(content).decode("ascii")
    started = time.process_time()
    for text in (canonical, lines.getvalue().decode("ascii"), "A" * 5_000_001, "=\n" * 2_500_000):
        assert shown(*decode_base64(text)) == text
        is_base64_text(text)
    assert time.process_time() - started < 2
