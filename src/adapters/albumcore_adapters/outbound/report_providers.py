"""The metadata that a report provider publishes at its configuration address (Kheops API 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from albumcore_adapters.outbound.addresses import HttpUrl, parse_url
from albumcore_adapters.outbound.client import Outbound
from albumcore_adapters.outbound.errors import AddressRefused, OutboundError

MAX_CHARACTERS = 1024
"""Characters of a configuration address, and of every text of the metadata."""

MAX_ITEMS = 100
"""Items of every list of the metadata."""


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_CHARACTERS


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and len(value) <= MAX_ITEMS and all(map(_is_text, value))


FIELDS: Mapping[str, Callable[[object], bool]] = MappingProxyType(
    {
        "redirect_uri": _is_text,
        "token_endpoint_auth_method": _is_text,
        "token_endpoint_auth_signing_alg": _is_text,
        "introspection_endpoint_auth_method": _is_text,
        "introspection_endpoint_auth_signing_alg": _is_text,
        "grant_types": _are_texts,
        "response_type": _is_text,
        "client_name": _is_text,
        "client_uri": _is_text,
        "logo_uri": _is_text,
        "scope": _is_text,
        "contacts": _are_texts,
        "tos_uri": _is_text,
        "policy_uri": _is_text,
        "jwks_uri": _is_text,
        "software_id": _is_text,
        "software_version": _is_text,
        "supported_modalities": _are_texts,
    }
)
"""The members that clients are shown, each with the test that its value must pass to be shown."""


@frozen
class Metadata:
    """The outcome of the check of a configuration address.

    Attributes:
        valid: The metadata is that of a usable report provider.
        error_description: Why it is not, in one sentence; None if it is valid.
        metadata: The well-formed members of `FIELDS`. Empty unless valid, so that clients are shown nothing that an
            address other than a report provider's returned.
    """

    valid: bool
    error_description: str | None = None
    metadata: Mapping[str, Any] = field(factory=dict)

    @property
    def redirect_uri(self) -> str | None:
        """Where a report is started, at the origin of the configuration; None unless valid."""
        return self.metadata.get("redirect_uri")

    @property
    def response_type(self) -> str | None:
        """What a report is started with: ``code`` or ``token``; None unless valid."""
        return self.metadata.get("response_type")

    @property
    def jwks_uri(self) -> str | None:
        """Where the keys of the provider are, at the same origin; None unless valid and started with ``code``."""
        return self.metadata.get("jwks_uri") if self.response_type == "code" else None


@frozen
class _Rule:
    """A requirement on one member.

    Attributes:
        name: The member.
        expected: What it must be, as the error says it.
        holds: Whether a value is that, with the URL of the configuration.
    """

    name: str
    expected: str
    holds: Callable[[str, HttpUrl], bool]


def _one_of(name: str, *values: str) -> _Rule:
    expected = " or ".join(f"'{value}'" for value in values)
    return _Rule(name, expected, lambda value, configuration: value in values)


def _same_origin(name: str) -> _Rule:
    return _Rule(name, "an address at the root of the configuration's own", _has_same_origin)


def _has_same_origin(value: str, configuration: HttpUrl) -> bool:
    try:
        return parse_url(value).origin == configuration.origin
    except AddressRefused:
        return False


_RULES = (_same_origin("redirect_uri"), _one_of("response_type", "code", "token"))
_RULES_OF_CODE = (
    _one_of("token_endpoint_auth_method", "private_key_jwt"),
    _same_origin("jwks_uri"),
    _one_of("token_endpoint_auth_signing_alg", "RS256"),
)


def check_metadata(outbound: Outbound, url: str) -> Metadata:
    """Request the metadata at a configuration address, and check it (Kheops API 8).

    It is a JSON object. ``redirect_uri`` has the origin of the configuration: same scheme, host and port.
    ``response_type`` is ``code`` or ``token``. With ``code``, the provider authenticates with ``private_key_jwt`` and
    RS256, by keys at the same origin. Other members that are malformed are left out.

    A failed request, or any other response, makes the outcome invalid; it raises nothing.

    Args:
        outbound: Sends the request.
        url: The address, http or https, of at most 1024 characters.

    Raises:
        LimitReached: no request was sent, because too many are under way.
    """
    if len(url) > MAX_CHARACTERS:
        return Metadata(False, f"The address is longer than {MAX_CHARACTERS} characters.")
    try:
        configuration = parse_url(url)
        content = outbound.get_json(url)
    except OutboundError as error:
        return Metadata(False, error.detail)
    if not isinstance(content, dict):
        return Metadata(False, "Its answer is not a JSON object.")
    members = {name: content[name] for name, fits in FIELDS.items() if fits(content.get(name))}
    rules = _RULES + (_RULES_OF_CODE if members.get("response_type") == "code" else ())
    for rule in rules:
        if rule.name not in members or not rule.holds(members[rule.name], configuration):
            return Metadata(False, f"Its {rule.name} is not {rule.expected}.")
    return Metadata(True, metadata=members)
