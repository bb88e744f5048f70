"""The check of a report provider's metadata (Kheops API 8), against a web server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve

from albumcore_adapters.outbound import Metadata, Outbound, check_metadata
from support.receiver import HANG_UP, Answer, Receiver, receiving

OPEN = Outbound(allow_private=True, connect_seconds=20, read_seconds=20)

TEXTS = [
    *("redirect_uri", "response_type", "client_name", "client_uri", "logo_uri", "scope"),
    *("tos_uri", "policy_uri", "jwks_uri", "software_id", "software_version"),
    *("token_endpoint_auth_method", "token_endpoint_auth_signing_alg"),
    *("introspection_endpoint_auth_method", "introspection_endpoint_auth_signing_alg"),
]
LISTS = ["grant_types", "contacts", "supported_modalities"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The web server of the report provider."""
    with receiving() as receiver:
        yield receiver


def code(receiver: Receiver, **others: Any) -> dict[str, Any]:
    """Metadata of a provider with ``code``; a member that is None is left out."""
    return _without_none(
        {
            "redirect_uri": f"{receiver.address}/report",
            "response_type": "code",
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "RS256",
            "jwks_uri": f"{receiver.address}/certs",
            **others,
        }
    )


def token(receiver: Receiver, **others: Any) -> dict[str, Any]:
    """Metadata of a provider with ``token``; a member that is None is left out."""
    return _without_none(
        {"redirect_uri": f"{receiver.address}/report", "response_type": "token", **others}
    )


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def check(receiver: Receiver, answer: Answer, outbound: Outbound = OPEN) -> Metadata:
    """Check the address of a provider with this response."""
    receiver.answer(answer)
    return check_metadata(outbound, f"{receiver.address}/configuration?for=kheops")


def assert_invalid(metadata: Metadata, description: str) -> None:
    """Only the description is set."""
    assert not metadata.valid
    assert metadata.error_description is not None
    assert description in metadata.error_description
    assert (metadata.metadata, metadata.redirect_uri) == ({}, None)
    assert (metadata.response_type, metadata.jwks_uri) == (None, None)


def test_check_metadata_of_a_provider_with_a_code(receiver: Receiver) -> None:
    """It is valid after one request, to the address as given."""
    members = code(receiver)
    metadata = check(receiver, Answer.json(members))
    assert metadata == Metadata(valid=True, error_description=None, metadata=members)
    assert metadata.redirect_uri == f"{receiver.address}/report"
    assert metadata.jwks_uri == f"{receiver.address}/certs"
    assert metadata.response_type == "code"
    assert receiver.paths == ["/configuration?for=kheops"]


def test_check_metadata_of_a_provider_with_a_token(receiver: Receiver) -> None:
    """It needs no keys: its `jwks_uri` is shown unchecked."""
    members = token(receiver, jwks_uri="https://elsewhere.example/", scope="read")
    metadata = check(receiver, Answer.json(members))
    assert metadata == Metadata(valid=True, error_description=None, metadata=members)
    assert metadata.redirect_uri == f"{receiver.address}/report"
    assert (metadata.response_type, metadata.jwks_uri) == ("token", None)


def test_check_metadata_shows_documented_members(receiver: Receiver) -> None:
    """Every documented member is shown, up to its largest size, and no other."""
    texts: dict[str, Any] = dict.fromkeys(TEXTS, "x" * 1024)
    lists: dict[str, Any] = {name: ["x" * 1024] + ["x"] * 99 for name in LISTS}
    said = texts | lists | token(receiver)
    metadata = check(receiver, Answer.json(said | {"valid": 7, "client_secret": "x"}))
    assert metadata.metadata == said


MALFORMED: dict[str, list[Any]] = {
    "client_name": [7, True, ["x"], {}, "x" * 1025],
    "logo_uri": [7, True, ["x"], {}, "x" * 1025],
    "contacts": ["x", {}, [7], [["x"]], ["x", None]],
    "grant_types": ["x", {"x": "x"}, ["x"] * 101, ["x" * 1025]],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in MALFORMED.items() for value in values]
)
def test_check_metadata_leaves_out_malformed_members(
    receiver: Receiver, name: str, value: Any
) -> None:
    """A malformed optional member is left out."""
    metadata = check(receiver, Answer.json(token(receiver, scope="read") | {name: value}))
    assert metadata.valid
    assert metadata.metadata == token(receiver, scope="read")


RULES: list[tuple[str, str, list[Any]]] = [
    (
        "redirect_uri",
        "Its redirect_uri is not an address at the root",
        [
            *(None, 7, "", ["{root}/"], "/report", "report", "javascript:alert(1)", "ftp://{at}/"),
            *("https://{at}/", "http://{host}/", "http://localhost:{port}/", "http://{host}:1/"),
            *("http://{at}.example/", "http://{at}@elsewhere.example/", "http://user@{at}/"),
            *("{root}\\@elsewhere.example/", "{root}/" + "x" * 1024),
        ],
    ),
    (
        "response_type",
        "Its response_type is not 'code' or 'token'.",
        [None, 7, "", "id_token", "Code", "code token", ["code"]],
    ),
    (
        "token_endpoint_auth_method",
        "Its token_endpoint_auth_method is not 'private_key_jwt'.",
        [None, "", "none", "client_secret_basic", ["private_key_jwt"]],
    ),
    (
        "token_endpoint_auth_signing_alg",
        "Its token_endpoint_auth_signing_alg is not 'RS256'.",
        [None, "", "none", "HS256", "ES256", ["RS256"]],
    ),
    (
        "jwks_uri",
        "Its jwks_uri is not an address at the root",
        [None, "", "/certs", "https://{at}/", "http://elsewhere.example/", ["{root}/"]],
    ),
]


@pytest.mark.parametrize(
    ("name", "description", "value"),
    [(name, description, value) for name, description, values in RULES for value in values],
)
def test_check_metadata_that_break_a_rule(
    receiver: Receiver, name: str, description: str, value: Any
) -> None:
    """A provider that breaks one rule is invalid."""
    at = receiver.address.removeprefix("http://")
    if isinstance(value, str):
        for word, means in (
            ("{root}", receiver.address),
            ("{at}", at),
            ("{host}", "127.0.0.1"),
            ("{port}", str(receiver.port)),
        ):
            value = value.replace(word, means)
    assert_invalid(check(receiver, Answer.json(code(receiver) | {name: value})), description)
    if value is None:
        assert_invalid(check(receiver, Answer.json(code(receiver, **{name: None}))), description)


@pytest.mark.parametrize(
    ("url", "redirect_uri", "valid"),
    [
        ("http://host.test/c", "HTTP://Host.TEST:80/r", True),
        ("http://host.test:80/c", "http://host.test/r", True),
        ("http://HOST.test/c", "https://host.test/r", False),
        ("http://host.test/c", "http://host.test:443/r", False),
        ("http://host.test/c", "https://host.test:80/r", False),
    ],
)
def test_check_metadata_same_origin(
    monkeypatch: pytest.MonkeyPatch, url: str, redirect_uri: str, valid: bool
) -> None:
    """The origin is scheme, host in any case, and port, which may be the default."""
    # A test cannot listen on port 80, so the response is set instead of requested.
    said = {"redirect_uri": redirect_uri, "response_type": "token"}
    monkeypatch.setattr(Outbound, "get_json", lambda outbound, url: said)
    assert check_metadata(OPEN, url).valid is valid


def test_check_metadata_after_a_redirect(receiver: Receiver) -> None:
    """The origin is that of the given address, not of the redirect."""
    with receiving() as other:
        receiver.answer(Answer.redirect(f"{other.address}/there"))
        other.answer(Answer.json(token(receiver)), Answer.json(token(other)))
        assert check_metadata(OPEN, receiver.address).valid
        assert_invalid(check_metadata(OPEN, receiver.address), "redirect_uri")
        assert other.paths == ["/there", "/there"]


BAD_RESPONSES = {
    "error": (Answer(status=500), "500 instead of 200"),
    "no JSON": (Answer(body=b"<html>"), "not JSON"),
    "list": (Answer.json([{"response_type": "token"}]), "not a JSON object"),
    "text": (Answer.json("x"), "not a JSON object"),
    "null": (Answer.json(None), "not a JSON object"),
    "too large": (Answer.json({"client_name": "x" * 65_536}), "longer than 65536 bytes"),
    "hung up": (HANG_UP, "not HTTP"),
    "endless redirects": (Answer.redirect("/"), "more than 5 times"),
    "foreign redirect": (Answer.redirect("file:///etc/passwd"), "not an http or https address"),
}


@pytest.mark.parametrize(
    ("answer", "description"), BAD_RESPONSES.values(), ids=BAD_RESPONSES.keys()
)
def test_check_metadata_of_a_bad_response(
    receiver: Receiver, answer: Answer, description: str
) -> None:
    """Any other response makes the address invalid, with a description."""
    assert_invalid(check(receiver, answer), description)


@pytest.mark.parametrize(
    "answer", [Answer(delay=60), Answer(body=b" " * 2000, drip=0.05)], ids=["late", "dripping"]
)
def test_check_metadata_of_a_slow_provider(receiver: Receiver, answer: Answer) -> None:
    """A provider without a response in time is invalid."""
    hasty = evolve(OPEN, read_seconds=0.2)
    assert_invalid(check(receiver, answer, hasty), "did not answer in time")


def test_check_metadata_at_a_private_address(receiver: Receiver) -> None:
    """No request is sent to a private address, unless the settings allow it."""
    metadata = check(receiver, Answer.json(token(receiver)), Outbound())
    assert_invalid(metadata, "not on the public internet")
    assert receiver.requests == []


@pytest.mark.parametrize(
    "url", ["", "host", "ftp://host/", "http://user@host/", "http://host/\ud800", "https://["]
)
def test_check_metadata_at_a_malformed_address(url: str) -> None:
    """A malformed address is invalid."""
    assert_invalid(check_metadata(OPEN, url), "not an http or https address")


def test_check_metadata_at_a_long_address(receiver: Receiver) -> None:
    """An address has up to 1024 characters."""
    receiver.answer(Answer.json(token(receiver)))
    longest = f"{receiver.address}/".ljust(1024, "x")
    assert check_metadata(OPEN, longest).valid
    assert_invalid(check_metadata(OPEN, longest + "x"), "longer than 1024 characters")
    assert len(receiver.requests) == 1
