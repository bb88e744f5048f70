"""Warnings about a service that is less safe than it could be."""

from __future__ import annotations

from collections.abc import Iterator

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.accounts import Accounts
from albumcore_adapters.directory.people import People
from albumcore_adapters.server import demo
from albumcore_adapters.server.address import is_loopback


def exposures(settings: Settings, people: People, accounts: Accounts) -> Iterator[str]:
    """Yield a warning, in one line, for each reason why what is served is unsafe.

    One is the viewer OHIF at the origin of the pages. Of listening on more than a loopback address, the reasons are
    plain HTTP, unless ``ALBUMCORE_PUBLIC_URL`` states that a proxy adds TLS, and the people or the account of the demo
    in the store: serving the demo prints tokens of theirs.
    """
    if settings.ohif is not None and settings.ohif_url is None:
        yield (
            "OHIF is served beside the pages, and what is wrong in it could act as its reader: "
            "give it an origin of its own with ALBUMCORE_OHIF_URL"
        )
    if is_loopback(settings.bind):
        return
    if not (settings.public_url or "").startswith("https:"):
        yield (
            f"{settings.bind} is reachable from outside without TLS: put a proxy in front, "
            "and name its https address in ALBUMCORE_PUBLIC_URL"
        )
    account = accounts.named(demo.ACCOUNT)
    if (account and account.active) or any(map(people.with_sub, demo.PEOPLE)):
        yield (
            f"{settings.bind} is reachable from outside, and the store holds the demo's credentials: "
            "serve a directory without the demo"
        )
