"""Albums over HTTP: list, get, create, edit, delete (Kheops API 3)."""

from __future__ import annotations

from collections.abc import Mapping

import falcon
from attrs import frozen

from adapters.deployment import Deployment
from adapters.http.kheops.access import album_in, permitted, source_of
from adapters.http.kheops.answers import answer_json, answer_nothing, json_only
from adapters.http.kheops.forms import read_form
from adapters.http.kheops.listing import list_albums
from adapters.http.kheops.overview import one_album_json
from adapters.http.kheops.params import Fields, query_of
from albumcore import Album, MemberFlags, Permission, album_stream
from albumcore.ids import AlbumId

FLAGS: Mapping[str, str] = {
    "addUser": "add_user",
    "downloadSeries": "download_series",
    "sendSeries": "send_series",
    "deleteSeries": "delete_series",
    "addSeries": "add_series",
    "writeComments": "write_comments",
}
"""Member flags, by the names of their form fields."""

ALBUM_ID_LENGTH = 10


@frozen
class Albums:
    """``/albums``."""

    deployment: Deployment

    @falcon.before(json_only)
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List the albums that the caller is a member of (Kheops API 3.1)."""
        source = source_of(self.deployment, req)
        found, total = list_albums(self.deployment, source.user, query_of(req))
        answer_json(resp, found, total=total)

    @falcon.before(json_only)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Create an album, of which the caller is the only member, and an admin (Kheops API 3.3)."""
        deployment = self.deployment
        source = source_of(deployment, req)
        form = read_form(req)
        album = AlbumId(deployment.make_id(ALBUM_ID_LENGTH))
        about = form.text("name") or "", form.text("description") or "", MemberFlags(**_flags(form))
        deployment.albums.handle(album_stream(album), Album.create, source, *about)
        answer_json(resp, one_album_json(deployment, source.user, album), 201)


@frozen
class OneAlbum:
    """``/albums/{album}``."""

    deployment: Deployment

    @falcon.before(json_only)
    def on_get(self, req: falcon.Request, resp: falcon.Response, album: str) -> None:
        """Show the album, with its members if ``includeUsers`` is true (Kheops API 3.2)."""
        viewer = source_of(self.deployment, req).user
        with_users = query_of(req).flag("includeUsers") is True
        found = one_album_json(self.deployment, viewer, album_in(album), with_users=with_users)
        answer_json(resp, found)

    @falcon.before(json_only)
    def on_patch(self, req: falcon.Request, resp: falcon.Response, album: str) -> None:
        """Change what the form holds, and leave the rest as it is (Kheops API 3.4)."""
        deployment = self.deployment
        source = source_of(deployment, req)
        stream = permitted(deployment, source, album, Permission.EDIT_ALBUM)
        form = read_form(req)
        deployment.albums.handle(
            stream,
            Album.edit,
            source,
            form.text("name"),
            form.text("description"),
            _flags(form),
            form.flag("notificationNewSeries"),
            form.flag("notificationNewComment"),
        )
        answer_json(resp, one_album_json(deployment, source.user, album_in(album)))

    def on_delete(self, req: falcon.Request, resp: falcon.Response, album: str) -> None:
        """Delete the album for everybody (Kheops API 3.5)."""
        source = source_of(self.deployment, req)
        self.deployment.albums.handle(album_stream(album_in(album)), Album.delete, source)
        answer_nothing(resp, 204)


def _flags(form: Fields) -> dict[str, bool]:
    given = {flag: form.flag(field) for field, flag in FLAGS.items()}
    return {flag: value for flag, value in given.items() if value is not None}
