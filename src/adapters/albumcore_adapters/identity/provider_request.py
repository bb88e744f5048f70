"""Requests to an identity provider: bounded in time and size, and without following redirects."""

from __future__ import annotations

import time
from collections.abc import Mapping

import httpx
from attrs import field, frozen

from albumcore_adapters.outbound.client import default_tls

PROVIDER_FAILURES = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)
"""What is raised where a provider does not answer as it should."""

_TIMEOUT = 5.0


@frozen
class ProviderAnswer:
    """An answer of an identity provider.

    Attributes:
        status: The HTTP status.
        headers: The headers.
        body: The body; empty unless the status is 200.
    """

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)


def ask_provider(
    method: str,
    url: str,
    most_bytes: int,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ProviderAnswer:
    """Send a request to an identity provider, and return its answer.

    Args:
        method: The HTTP method.
        url: The address.
        most_bytes: The longest body of the answer, in bytes.
        form: The form that is sent; None for none.
        headers: Headers beside those that ask for JSON.

    Raises:
        httpx.HTTPError, httpx.InvalidURL, OSError, ValueError: it does not answer, or too slowly, or too much.
    """
    until = time.monotonic() + _TIMEOUT
    sent = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
    body = bytearray()
    with (
        httpx.Client(verify=default_tls(), timeout=_TIMEOUT, follow_redirects=False) as client,
        client.stream(method, url, headers=sent, data=form) as response,
    ):
        for chunk in response.iter_raw() if response.status_code == httpx.codes.OK else ():
            body += chunk
            if len(body) > most_bytes or time.monotonic() > until:
                raise ValueError("the answer is too long, or too slow")
    return ProviderAnswer(response.status_code, response.headers, bytes(body))
