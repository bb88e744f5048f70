"""The feed of an album over HTTP (Kheops API 7.1)."""

from __future__ import annotations

import falcon
from attrs import frozen

from adapters.deployment import Deployment
from adapters.http.kheops.access import as_member, source_of
from adapters.http.kheops.answers import answer_json, json_only
from adapters.http.kheops.modes import MODES
from adapters.http.kheops.params import BadQuery, Fields, Page, query_of
from adapters.http.kheops.render import render
from albumcore import FeedQuery, Kind


@frozen
class Events:
    """``/albums/{album}/events``: comments and mutations, newest first."""

    deployment: Deployment

    @falcon.before(json_only)
    def on_get(self, req: falcon.Request, resp: falcon.Response, album: str) -> None:
        """Show one page of what the caller may see, and how much that is in all."""
        deployment = self.deployment
        source = source_of(deployment, req)
        found = as_member(deployment, source, album)
        page = deployment.albums.feed(found, source.user, _wanted(query_of(req)))
        mode = MODES[deployment.settings.compat]
        answer_json(
            resp, render(page, deployment.people, deployment.catalogue, mode), total=page.total
        )


def _wanted(query: Fields) -> FeedQuery:
    page = Page.of(query)
    return FeedQuery(_kinds(query), page.limit, page.offset)


def _kinds(query: Fields) -> frozenset[Kind]:
    """The kinds that ``types`` names, once or more, each time one or several with commas; without it, all."""
    words = [word for text in query.texts("types") for word in text.split(",")]
    try:
        return frozenset(map(Kind, words)) or frozenset(Kind)
    except ValueError:
        expected = ", ".join(kind.value for kind in Kind)
        raise BadQuery("types", f"some of {expected} are expected") from None
