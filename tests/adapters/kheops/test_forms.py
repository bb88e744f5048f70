"""Forms and parameters: how they are read (Kheops API, conventions)."""

from __future__ import annotations

from typing import Any

import falcon
import falcon.testing
import pytest

from albumcore.errors import Invalid
from albumcore_adapters.http.kheops.forms import MAX_FORM, read_form
from albumcore_adapters.http.kheops.parameters import BadQuery, Fields, Page, query_of

FORM = "application/x-www-form-urlencoded"


def request(body: bytes = b"", query: str = "", **environ: Any) -> falcon.Request:
    """A request as a server hands it over."""
    made = falcon.testing.create_environ(method="POST", body=body, query_string=query)
    return falcon.Request({**made, "CONTENT_TYPE": FORM} | environ)


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        (FORM, b"name=a+b%2B%C3%A9", "a b+é"),
        (FORM, "name=é".encode(), "é"),
        (FORM, b"name=a&name=b", "a"),
        (FORM, b"name=", ""),
        (FORM, b"name", ""),
        (FORM, b"&&x=1&name=a&", "a"),
        (f"{FORM}; charset=UTF-8", b"name=%C3%A9", "é"),
        (f"{FORM};charset=utf8", b"name=%C3%A9", "é"),
        (f'{FORM.upper()}; charset="iso-8859-1"', b"name=%E9", "é"),
        (f"{FORM}; charset=iso-8859-1", b"name=\xe9", "é"),
        (f"{FORM}; charset=us-ascii", b"name=a", "a"),
    ],
)
def test_form(content_type: str, body: bytes, expected: str) -> None:
    """A form is read in the character set it says, UTF-8 where it says none; the first value of a name counts."""
    assert read_form(request(body, CONTENT_TYPE=content_type)).text("name") == expected


@pytest.mark.parametrize("body", [b"name=%C3%A9", b"name=\xc3\xa9"])
def test_form_out_of_its_character_set(body: bytes) -> None:
    """A character that the form's character set does not have is refused."""
    with pytest.raises(Invalid):
        read_form(request(body, CONTENT_TYPE=f"{FORM}; charset=us-ascii"))


@pytest.mark.parametrize("content_type", [FORM, ""])
def test_empty_form(content_type: str) -> None:
    """Where the body is empty the fields are those of the query string, and a bad one is still the form's."""
    form = read_form(request(query="name=x", CONTENT_TYPE=content_type))
    assert (form.text("name"), form.refusal) == ("x", Invalid)


def test_form_without_a_length() -> None:
    """A chunked body is read where the server marks its end, and is not taken for an empty one."""
    chunked: dict[str, Any] = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    assert read_form(request(b"name=x", **chunked)).text("name") == "x"
    with pytest.raises(falcon.HTTPContentTooLarge):
        read_form(request(b"x" * (MAX_FORM + 1), **chunked))


def test_form_that_ends_early() -> None:
    """Half of a form is no form: a client that died while sending must not have said half of something."""
    with pytest.raises(falcon.HTTPBadRequest):
        read_form(request(b"name=trunca", CONTENT_LENGTH="100"))


class _Broken:
    """A body whose chunks are malformed, as a server finds out while it is read."""

    def read(self, size: int) -> bytes:
        raise RuntimeError(f"no chunk of {size} bytes")


def test_form_in_malformed_chunks() -> None:
    """That is the client's doing, not a fault of ours."""
    environ: dict[str, Any] = {"wsgi.input": _Broken(), "wsgi.input_terminated": True}
    with pytest.raises(falcon.HTTPBadRequest):
        read_form(request(**environ))


def test_largest_form() -> None:
    """1 MiB is taken, a byte more is not, and a length that is too large is refused unread."""
    assert MAX_FORM == 1024 * 1024
    assert read_form(request(b"name=x&y=".ljust(MAX_FORM, b"z"))).text("name") == "x"
    with pytest.raises(falcon.HTTPContentTooLarge):
        read_form(request(b"name=x&y=".ljust(MAX_FORM + 1, b"z")))
    with pytest.raises(falcon.HTTPContentTooLarge):
        read_form(request(b"", CONTENT_LENGTH="999999999999"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("TRUE", True), ("True", True), ("false", False), ("1", False), ("", False)],
)
def test_flag(value: str, expected: bool) -> None:
    """The text true in any case is true, any other text is false."""
    assert Fields({"x": [value]}, Invalid).flag("x") is expected


def test_missing_fields() -> None:
    """What is not there is None: neither false, nor zero, nor empty."""
    fields = Fields({}, Invalid)
    assert [fields.text("x"), fields.flag("x"), fields.number("x")] == [None, None, None]
    assert Page.of(fields) == Page(limit=None, offset=0)


@pytest.mark.parametrize(("value", "expected"), [("0", 0), ("007", 7), ("2147483647", 2**31 - 1)])
def test_number(value: str, expected: int) -> None:
    """Numbers are digits, from 0 to 2147483647."""
    assert Fields({"x": [value]}, Invalid).number("x") == expected


@pytest.mark.parametrize(
    "value", ["", " 1", "+1", "-1", "1.0", "1_0", "٣", "2147483648", "9" * 9999]
)
def test_bad_number(value: str) -> None:
    """What is no number in range is refused, by the error the fields say, naming the field."""
    with pytest.raises(BadQuery, match="x: ") as refused:
        Fields({"x": [value]}, BadQuery).number("x")
    assert refused.value.field == "x"


def test_least_number() -> None:
    """A route may ask for more than zero."""
    with pytest.raises(Invalid, match="limit: "):
        Page.of(Fields({"limit": ["0"]}, Invalid), least_limit=1)


def test_query_in_utf8() -> None:
    """A query string is UTF-8, percent-encoded or as it is, whatever WSGI made of it."""
    raw = "name=é&name=%C3%A9".encode().decode("latin-1")
    assert list(query_of(request(QUERY_STRING=raw)).texts("name")) == ["é", "é"]


def test_query_that_wsgi_would_not_hand_over() -> None:
    """A query string that holds more than bytes, which WSGI rules out, is no fault."""
    assert query_of(request(QUERY_STRING="name=€")).text("name") == "?"
