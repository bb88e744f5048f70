"""What a report provider says of itself at its configuration address (Kheops API 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from albumcore_adapters.outbound.client import (
    Address,
    AddressRefused,
    Outbound,
    OutboundError,
    address_of,
)

MOST_CHARACTERS = 1024
"""Of an address, and of every text of the metadata."""

MOST_ITEMS = 100
"""Of every list of the metadata."""


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST_CHARACTERS


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and len(value) <= MOST_ITEMS and all(map(_is_text, value))


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
"""The metadata that is shown to clients, and what each must be to be shown."""


@frozen
class Metadata:
    """The outcome of the check of a configuration address.

    Attributes:
        valid: Whether a report provider can work with it.
        error_description: Why not, in one sentence; None when valid.
        metadata: What it says of itself: the members of `FIELDS` that are what they must be. Empty
            unless valid, so that nothing is shown of what is no report provider.
    """

    valid: bool
    error_description: str | None = None
    metadata: Mapping[str, Any] = field(factory=dict)

    @property
    def redirect_uri(self) -> str | None:
        """Where a report is started, at the root of the configuration; None unless valid."""
        return self.metadata.get("redirect_uri")

    @property
    def response_type(self) -> str | None:
        """What a report is started with, ``code`` or ``token``; None unless valid."""
        return self.metadata.get("response_type")

    @property
    def jwks_uri(self) -> str | None:
        """Where the keys of the provider are, at the same root; None unless ``code`` and valid."""
        return self.metadata.get("jwks_uri") if self.response_type == "code" else None


@frozen
class _Rule:
    """What one member must be, in the words that refuse anything else."""

    name: str
    must: str
    holds: Callable[[str, Address], bool]


def _one_of(name: str, *values: str) -> _Rule:
    said = " or ".join(f"'{value}'" for value in values)
    return _Rule(name, said, lambda value, configuration: value in values)


def _same_root(name: str) -> _Rule:
    return _Rule(name, "an address at the root of the configuration's own", _is_same_root)


def _is_same_root(value: str, configuration: Address) -> bool:
    try:
        return address_of(value).root == configuration.root
    except AddressRefused:
        return False


_RULES = (_same_root("redirect_uri"), _one_of("response_type", "code", "token"))
_RULES_OF_CODE = (
    _one_of("token_endpoint_auth_method", "private_key_jwt"),
    _same_root("jwks_uri"),
    _one_of("token_endpoint_auth_signing_alg", "RS256"),
)


def check_metadata(outbound: Outbound, url: str) -> Metadata:
    """Ask a configuration address for its metadata, now, and judge them (Kheops API 8).

    They are a JSON object. ``redirect_uri`` is at the root of the configuration: same scheme, host
    and port. ``response_type`` is ``code`` or ``token``. With ``code``, the provider signs with
    RS256 (``private_key_jwt``), by keys at the same root. Other members that are not what they
    must be are passed over.

    Whatever the other side does makes the outcome invalid.

    Args:
        outbound: Sends the request.
        url: The address, http or https, of at most 1024 characters.

    Raises:
        LimitReached: nothing was asked, because this service is asking others already.
    """
    if len(url) > MOST_CHARACTERS:
        return Metadata(False, f"The address is longer than {MOST_CHARACTERS} characters.")
    try:
        configuration = address_of(url)
        answer = outbound.get_json(url)
    except OutboundError as error:
        return Metadata(False, error.detail)
    if not isinstance(answer, dict):
        return Metadata(False, "Its answer is not a JSON object.")
    said = {name: answer[name] for name, fits in FIELDS.items() if fits(answer.get(name))}
    rules = _RULES + (_RULES_OF_CODE if said.get("response_type") == "code" else ())
    for rule in rules:
        if rule.name not in said or not rule.holds(said[rule.name], configuration):
            return Metadata(False, f"Its {rule.name} is not {rule.must}.")
    return Metadata(True, metadata=said)
