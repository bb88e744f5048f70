"""Comments on an album over HTTP (Kheops API 7.2)."""

from __future__ import annotations

import falcon
from attrs import frozen

from adapters.deployment import Deployment
from adapters.http.kheops.access import permitted, source_of, user_named
from adapters.http.kheops.answers import answer_nothing
from adapters.http.kheops.forms import read_form
from albumcore import Album, Permission
from albumcore.albums.values import check_comment


@frozen
class Comments:
    """``/albums/{album}/comments``."""

    deployment: Deployment

    def on_post(self, req: falcon.Request, resp: falcon.Response, album: str) -> None:
        """Post a comment to all members, or in private to the one that ``to_user`` names."""
        source = source_of(self.deployment, req)
        stream = permitted(self.deployment, source, album, Permission.WRITE_COMMENT)
        form = read_form(req)
        comment = check_comment(form.text("comment") or "")
        to_user = form.text("to_user")
        target = None if to_user is None else user_named(self.deployment, to_user)
        self.deployment.albums.handle(stream, Album.post_comment, source, comment, target)
        answer_nothing(resp, 204)
