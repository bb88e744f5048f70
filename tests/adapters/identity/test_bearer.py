"""The token in an Authorization header (Kheops API 1)."""

from __future__ import annotations

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from albumcore_adapters.identity.bearer import bearer
from albumcore_adapters.identity.errors import Unauthorized


@pytest.mark.parametrize(
    "header",
    [
        "Bearer abc.DEF_1-2",
        "bearer abc.DEF_1-2",
        "  BEARER \t abc.DEF_1-2  ",
        "Basic " + base64.b64encode(b"user:abc.DEF_1-2").decode(),
        "basic   " + base64.b64encode(b":abc.DEF_1-2").decode(),
        "Basic " + base64.b64encode(b"Zo\xc3\xab:abc.DEF_1-2").decode(),
    ],
)
def test_bearer_of_both_schemes(header: str) -> None:
    """The token is that of Bearer or the password of Basic, with any user name."""
    assert bearer(header) == "abc.DEF_1-2"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer  ",
        "Bearer a b",
        "Bearer caf\xe9",
        "Bearer a\x00b",
        "Bearer a\n",
        "Token abc",
        "abc",
        "Basic",
        "Basic ****",
        "Basic YQ",
        "Basic dXNlcjph*YmM=",
        "Basic " + base64.b64encode(b"token").decode(),
        "Basic " + base64.b64encode(b"a:b:c").decode(),
        "Basic " + base64.b64encode(b"user:").decode(),
        "Basic " + base64.b64encode(b"user:a b").decode(),
        "Basic " + base64.b64encode(b"user:\xe9").decode(),
    ],
)
def test_bearer_of_a_bad_header(header: str | None) -> None:
    """No header, another scheme or a malformed value authenticate no user."""
    with pytest.raises(Unauthorized):
        bearer(header)


@given(st.text())
@example("Basic " + "=" * 9)
def test_bearer_of_any_text(header: str) -> None:
    """Any header gives a token of visible ASCII, or is refused."""
    try:
        token = bearer(header)
    except Unauthorized:
        return
    assert token.isascii()
    assert token.isprintable()
    assert " " not in token
