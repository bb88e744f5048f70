"""The patterns of the OpenAPI document, against what the service itself takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import falcon
import falcon.testing
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from albumcore.albums.values import check_name, check_webhook_url
from albumcore.errors import Invalid
from albumcore.ids import is_uid
from albumcore_adapters.base.dicom_matching import date_range, time_range
from albumcore_adapters.http.idempotency_key import IDEMPOTENCY_HEADER, IdempotencyKey
from albumcore_adapters.http.openapi import value_schemas
from albumcore_adapters.http.openapi.schemas import UID
from albumcore_adapters.http.openapi.specs import Schema, text

ORDINARY = (1, 4, 96, 100, 400, 1900, 1904, 2000, 2023, 2024, 2100, 9996, 9999)


def fits(schema: Schema, text: str) -> bool:
    """Whether a text is as a schema says."""
    longest = schema.get("maxLength", len(text))
    is_long_enough = schema.get("minLength", 0) <= len(text) <= longest
    # The dollar sign of Python also stands before a line break at the end, that of ECMA 262 does not.
    return is_long_enough and bool(re.search(schema["pattern"].replace("$", r"\Z"), text))


def takes(read: Callable[[str], Any], text: str) -> bool:
    """Whether the service takes a text."""
    try:
        return read(text) is not False
    except (ValueError, Invalid, falcon.HTTPBadRequest):
        return False


@pytest.mark.parametrize("year", ORDINARY)
def test_a_day_is_one_of_the_calendar(year: int) -> None:
    """Each of them fits, and no other number of eight digits: there is no day 00000000."""
    for month in range(14):
        for number in range(33):
            text = f"{year:04}{month:02}{number:02}"
            assert fits(value_schemas.DAYS, text) == takes(date_range, text)
            assert fits(value_schemas.DAYS, f"-{text}") == fits(value_schemas.DAYS, text)


def test_no_year_is_0() -> None:
    """The calendar begins with the year 1."""
    assert not fits(value_schemas.DAYS, "00000101")
    assert not fits(value_schemas.DAYS, "00000000")
    assert date.min.strftime("%m%d") == "0101"


_NEAR = {
    "uid": (UID, is_uid, st.text("012.", max_size=66)),
    "days": (value_schemas.DAYS, date_range, st.text("0123-", max_size=17)),
    "times": (
        value_schemas.TIMES_OR_NONE,
        lambda text: time_range(text) if text else True,
        st.text("01256.-", max_size=15),
    ),
    "name": (
        text(1, 255, **value_schemas.NAMED),
        check_name,
        st.text("a\x00\x19\x1c \x85\xa0\u2003\ufeff", max_size=4),
    ),
}


@pytest.mark.parametrize("name", _NEAR)
@given(data=st.data())
def test_a_pattern_is_the_rule_that_is_kept(name: str, data: st.DataObject) -> None:
    """What fits the document is taken, and what does not is refused."""
    schema, read, texts = _NEAR[name]
    text = data.draw(texts)
    assert fits(schema, text) == takes(read, text)


@given(st.from_regex(re.compile(value_schemas.ADDRESS["pattern"])).map(str.strip))
@example("https://[::1]:65535/?a=b#c")
@example("http://[1:2:3::4:5:6]/")
def test_an_address_that_fits_is_taken(text: str) -> None:
    """The service also takes a few that the pattern leaves out, such as an address of IPv4 inside one of IPv6."""
    if fits(value_schemas.ADDRESS, text):
        assert check_webhook_url(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://a.example/",
        "https://",
        "https://ann@a.example/",
        "http://[1:2:3:4:5:6:7:8:9]/",
        "http://[::1::]/",
        "http://a.example:65536/",
        "http://a.example:0/",
        "http://a..example/",
        "http://a.example/ä",
    ],
)
def test_what_is_no_address_does_not_fit(text: str) -> None:
    """Nor does the service take it."""
    assert not fits(value_schemas.ADDRESS, text)
    assert not takes(check_webhook_url, text)


@given(st.text('a!,"\\~ä', max_size=6))
@example("a b")
@example("k" * 255)
@example("k" * 256)
@example('"' + '\\"' * 255 + '"')
@example('"' + "k" * 256 + '"')
def test_a_key_of_a_request_is_bare_or_in_quotation_marks(text: str) -> None:
    """The form that the document tells is the one that is read."""
    request = falcon.testing.create_req(headers={IDEMPOTENCY_HEADER: text})
    assert fits(value_schemas.IDEMPOTENCY_KEY, text) == takes(
        lambda _: IdempotencyKey.of(request, "test") is not None, text
    )


@pytest.mark.parametrize("word", ["user", "album", "USER", "Album", "users", "", "group"])
def test_a_word_in_any_case(word: str) -> None:
    """As the scope of a token is written."""
    assert fits(value_schemas.any_case("user", "album"), word) == (
        word.lower() in {"user", "album"}
    )
