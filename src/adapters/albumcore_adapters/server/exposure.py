"""What is said at the start of a service that others than this machine can reach."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from albumcore_adapters.server import demo
from albumcore_adapters.service import Service


def exposures(service: Service) -> Iterator[str]:
    """Say, in a line each, what makes a service unsafe that listens on more than a loopback address.

    That is plain HTTP, unless ``ALBUMCORE_PUBLIC_URL`` says that there is TLS in front, and the demo's people or its
    account in the store: a token of theirs was printed when the demo was served.
    """
    settings = service.settings
    if is_loopback(settings.bind):
        return
    if not (settings.public_url or "").startswith("https:"):
        yield (
            f"{settings.bind} is reachable from outside without TLS: put a proxy in front, "
            "and name its https address in ALBUMCORE_PUBLIC_URL"
        )
    account = service.accounts.named(demo.ACCOUNT)
    if (account and account.active) or any(map(service.people.known, demo.PEOPLE)):
        yield (
            f"{settings.bind} is reachable from outside, and the store holds the demo's credentials: "
            "serve a directory without the demo"
        )


def is_loopback(bind: str) -> bool:
    """Whether a ``HOST:PORT`` is for this machine alone; a name other than localhost is taken not to be."""
    host = bind.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
