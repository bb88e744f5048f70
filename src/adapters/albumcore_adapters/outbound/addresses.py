"""Which addresses requests are sent to: the parts of a URL, and public IP addresses."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from attrs import field, frozen

from albumcore_adapters.outbound.errors import AddressRefused

DEFAULT_PORTS = {"http": 80, "https": 443}
_NETLOC = re.compile(r"(\[[^@\[\]]*\]|[^@:\[\]]*)(:[0-9]*)?")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
_UNICAST = ipaddress.IPv6Network("2000::/3")
_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        # Reserved (IANA special-purpose registries), but global according to some versions of Python; and the
        # address at which a cloud answers its virtual machines.
        ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "168.63.129.16/32"),
    )
)


@frozen
class HttpUrl:
    """An ``http`` or ``https`` URL, in parts.

    Attributes:
        text: The URL as given.
        scheme: ``http`` or ``https``.
        host: A name in lower case, or an IP address, without brackets.
        port: As given, or the default of the scheme.
        target: The path, ``/`` if it is empty, and the query.
    """

    text: str = field(repr=False)
    scheme: str
    host: str
    port: int
    target: str = field(repr=False)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port (RFC 6454)."""
        return self.scheme, self.host, self.port


def parse_url(text: str) -> HttpUrl:
    """Parse a URL.

    Raises:
        AddressRefused: it is not ``http`` or ``https``, has a user name, or is malformed. So is one with a character
            outside printable ASCII: every host can be written without.
    """
    try:
        if not re.fullmatch(r"[!-~]+", text):
            raise ValueError
        url = urlsplit(text)
        default = DEFAULT_PORTS[url.scheme]
        host, port = _host(url.hostname or ""), default if url.port is None else url.port
        # urlsplit ignores text between the bracket of an IPv6 address and the port.
        if port == 0 or not _NETLOC.fullmatch(url.netloc):
            raise ValueError
    except (KeyError, ValueError):
        raise AddressRefused(
            "It is not an http or https address of a host, without a user name."
        ) from None
    query = f"?{url.query}" if url.query else ""
    return HttpUrl(text, url.scheme, host, port, (url.path or "/") + query)


def _host(text: str) -> str:
    if ":" in text and "%" not in text:
        return str(ipaddress.IPv6Address(text))
    if not _HOST.fullmatch(text) or ".." in text:
        raise ValueError
    return text


def is_public(text: str) -> bool:
    """Whether an IP address is a unicast address of the public internet.

    An IPv6 address that maps an IPv4 address is judged as that one. Addresses that a gateway translates to IPv4 (6to4,
    NAT64) are not public.
    """
    ip = ipaddress.ip_address(text)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip not in _UNICAST or ip.sixtofour is not None:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in one for one in _SPECIAL)
