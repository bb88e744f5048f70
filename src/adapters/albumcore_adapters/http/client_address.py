"""The address of a client: that of the connection, or the one that a trusted proxy forwards."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

import falcon

Networks: TypeAlias = Sequence[IPv4Network | IPv6Network]


def networks_of(setting: str | None) -> Networks:
    """The networks that a setting names; none if it is not set."""
    return [ip_network(name) for name in (setting or "").split(",") if name]


def client_address(req: falcon.Request, proxies: Networks) -> str:
    """Return the address that a request comes from.

    That is the peer of the connection. If the peer is a trusted proxy, it is the last address in ``X-Forwarded-For``,
    which the proxy appended; if that is a trusted proxy too, the one before it, and so on. The client may have written
    the addresses further left.

    Args:
        req: The request.
        proxies: The addresses of the trusted proxies.
    """
    told = req.remote_addr
    for further in reversed((req.get_header("X-Forwarded-For") or "").split(",")):
        here, there = _ip(told), _ip(further.strip())
        if here is None or there is None or not any(here in network for network in proxies):
            break
        told = further.strip()
    return str(_ip(told) or "")


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(text)
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip
