"""Image bytes as text: every text is restored character by character."""

from __future__ import annotations

import base64
import io
import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from albumcore.errors import Invalid
from albumcore.image_sets.values import Encoding
from albumcore_adapters.blobs.text_encoding import decode_text, encode_json, is_base64_text


def shown(content: bytes, encoding: Encoding) -> object:
    """The text in the JSON string that is made of stored bytes."""
    return json.loads(b"".join(encode_json(content, encoding)))


base64_texts = st.binary().map(lambda content: base64.b64encode(content).decode("ascii"))
broken_texts = st.builds(lambda text, extra: text + extra, base64_texts, st.text(max_size=3))
near_texts = st.text("ABab01+/=\r\n-_ é", max_size=40)
texts = base64_texts | broken_texts | near_texts | st.text()


@given(texts)
@example("ABCDEFG")
@example("YWJj\r\n")
@example("YWJ=")
def test_text_comes_back_as_it_was_sent(text: str) -> None:
    """Every text is restored character by character."""
    content, encoding = decode_text(text)
    assert shown(content, encoding) == text
    assert encoding in ("base64", "verbatim")


@given(st.binary())
def test_base64_is_stored_decoded(content: bytes) -> None:
    """Canonical base64 is stored decoded."""
    assert decode_text(base64.b64encode(content).decode("ascii")) == (content, "base64")


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
    """A text that base64 would not restore is stored as its UTF-8."""
    assert decode_text(text) == (text.encode("utf-8"), "verbatim")


def test_text_that_is_not_unicode() -> None:
    """A lone surrogate is Invalid."""
    with pytest.raises(Invalid, match="surrogate") as refused:
        decode_text("abc\ud800")
    assert refused.value.field == "data"


def test_content_that_does_not_fit_its_encoding() -> None:
    """Content that is not valid in its encoding raises ValueError."""
    with pytest.raises(ValueError, match="decode"):
        encode_json(b"\xff", "verbatim")


@pytest.mark.parametrize(
    "text", ["ABCDEFG", "A", "YWJj", "YQ==", "YWJj\r\nYWJj\r\n", "\n=A", "a=b", "+/09azAZ"]
)
def test_base64_text(text: str) -> None:
    """The 64 characters, padding and line breaks are a base64 text, in any order."""
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
    """Any other character, or none of the 64, makes it another text."""
    assert not is_base64_text(text)


@given(texts)
def test_base64_text_is_a_rule_over_characters(text: str) -> None:
    """The check agrees with the rule over characters."""
    alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    expected = set(text) <= alphabet | set("=\r\n") and bool(set(text) & alphabet)
    assert is_base64_text(text) == expected


def test_large_texts_are_quick() -> None:
    """Five megabytes pass all steps in a fraction of a second."""
    content = bytes(range(256)) * 15_000
    lines = io.BytesIO()
    base64.encode(io.BytesIO(content), lines)
    canonical = base64.b64encode(content).decode("ascii")
    started = time.process_time()
    for text in (canonical, lines.getvalue().decode("ascii"), "A" * 5_000_001, "=\n" * 2_500_000):
        assert shown(*decode_text(text)) == text
        is_base64_text(text)
    assert time.process_time() - started < 2
