"""Rendering of events, where asking over HTTP cannot bring it about."""

from __future__ import annotations

from attrs import evolve

from albumcore import (
    Grants,
    add_report,
    create_report_provider,
    import_series,
    issue_capability_token,
)
from albumcore.feed import AlbumStatus
from albumcore_adapters.http.kheops.compat import FORMS
from albumcore_adapters.http.kheops.feed_json import render
from support.kheops import ALBUM, ALICE, CT, MR, STUDY, World, digest_of


def test_album_deleted_while_it_is_read(world: World) -> None:
    """Where the album went while its page was read, nobody has access, and tokens and providers have no key."""
    world.act(ALICE, create_report_provider, "p1", "P", "https://p.example")
    world.act(ALICE, add_report, STUDY, CT, report_provider="p1")
    grants = Grants(write=True)
    world.act(ALICE, issue_capability_token, "t1", digest_of("1"), "T", grants)
    world.act(ALICE, import_series, STUDY, MR, capability_token="t1")
    page = evolve(world.service.albums.feed(ALBUM, world.user(ALICE)), album_status=AlbumStatus())
    service = world.service
    about = service.people, service.catalogue, service.claims
    for event in render(page, ALBUM, *about, FORMS["documented"]):
        assert list(event["source"].items())[-1] == ("can_access", False)
        assert "report_provider" not in event
