"""The users of an album over HTTP (Kheops API 5)."""

from __future__ import annotations

import falcon
from attrs import frozen

from adapters.deployment import Deployment
from adapters.http.kheops.access import as_member, permitted, source_of, user_named
from adapters.http.kheops.answers import answer_json, answer_nothing, json_only
from adapters.http.kheops.overview import members_json
from adapters.http.kheops.params import Page, query_of
from albumcore import Album, Permission


@frozen
class Users:
    """``/albums/{album}/users``."""

    deployment: Deployment

    @falcon.before(json_only)
    def on_get(self, req: falcon.Request, resp: falcon.Response, album: str) -> None:
        """List the members, by e-mail address; any member may."""
        source = source_of(self.deployment, req)
        found = as_member(self.deployment, source, album)
        page = Page.of(query_of(req))
        members = members_json(self.deployment, found)
        answer_json(resp, members[page.slice], total=len(members))


@frozen
class OneUser:
    """``/albums/{album}/users/{user}``: a user as a member."""

    deployment: Deployment

    def on_put(self, req: falcon.Request, resp: falcon.Response, album: str, user: str) -> None:
        """Add a user; who is a member already stays what he is."""
        source = source_of(self.deployment, req)
        stream = permitted(self.deployment, source, album, Permission.ADD_USER)
        target = user_named(self.deployment, user)
        self.deployment.albums.handle(stream, Album.add_member, source, target)
        answer_nothing(resp, 201)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, album: str, user: str) -> None:
        """Remove a user, or leave where the user is the caller; the album ends with its last member."""
        source = source_of(self.deployment, req)
        stream = permitted(self.deployment, source, album, Permission.REMOVE_USER)
        target = user_named(self.deployment, user)
        self.deployment.albums.handle(stream, Album.remove_member, source, target)
        answer_nothing(resp, 204)


@frozen
class OneAdmin:
    """``/albums/{album}/users/{user}/admin``: a user as an admin."""

    deployment: Deployment

    def on_put(self, req: falcon.Request, resp: falcon.Response, album: str, user: str) -> None:
        """Add a user as an admin, or promote a member."""
        source = source_of(self.deployment, req)
        stream = permitted(self.deployment, source, album, Permission.ADD_ADMIN)
        target = user_named(self.deployment, user)
        self.deployment.albums.handle(stream, Album.add_admin, source, target)
        answer_nothing(resp, 204)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, album: str, user: str) -> None:
        """Make an admin a plain member, oneself included."""
        source = source_of(self.deployment, req)
        stream = permitted(self.deployment, source, album, Permission.REMOVE_ADMIN)
        target = user_named(self.deployment, user)
        self.deployment.albums.handle(stream, Album.demote_admin, source, target)
        answer_nothing(resp, 204)
