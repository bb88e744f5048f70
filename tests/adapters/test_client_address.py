"""Where a request comes from, and which proxies are believed about it."""

from __future__ import annotations

import falcon
import pytest
from falcon import testing

from albumcore_adapters.http.client_address import client_address, networks_of

PROXIES = "10.0.0.0/24,2001:db8::1/128"


def came_from(remote: str, forwarded: str | None, proxies: str | None = PROXIES) -> str:
    """The address of a request with such an other end and such a header."""
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    environ = testing.create_environ(headers=headers)
    environ["REMOTE_ADDR"] = remote
    return client_address(falcon.Request(environ), networks_of(proxies))


@pytest.mark.parametrize("forwarded", [None, "", "198.51.100.7", "10.0.0.2", "nonsense"])
@pytest.mark.parametrize("proxies", [None, PROXIES])
def test_the_header_of_a_stranger_is_not_believed(
    forwarded: str | None, proxies: str | None
) -> None:
    """Anybody can write it."""
    assert came_from("192.0.2.1", forwarded, proxies) == "192.0.2.1"


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9,198.51.100.7 , 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("2001:db8::1", "2001:db8:1::2", "2001:db8:1::2"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7\x1b[2J", "10.0.0.1"),
        ("", "198.51.100.7", ""),
    ],
)
def test_the_header_of_a_trusted_proxy(remote: str, forwarded: str | None, address: str) -> None:
    """What it wrote last is believed, and so on while that is a trusted proxy; what is no address, is not."""
    assert came_from(remote, forwarded) == address
