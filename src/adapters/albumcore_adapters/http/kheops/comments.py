"""Comments over HTTP: on an album, and on a study (Kheops API 7.2 to 7.4)."""

from __future__ import annotations

from typing import Any

from albumcore import Album, FeedQuery, RecordedEvent, StudyComments, study_stream
from albumcore.errors import Forbidden, NotFound
from albumcore.feed import PUBLIC
from albumcore.text import check_comment
from albumcore_adapters.access.series import can_see, sees
from albumcore_adapters.http.kheops.feed_json import render_comments
from albumcore_adapters.http.kheops.params import Page
from albumcore_adapters.http.kheops.request import ApiRequest


class NotSeen(Forbidden):
    """The caller cannot see the study. Of a study's comments and favourites this is 403 (Kheops API 6, 7.3)."""

    code = "study_not_seen"


class NoAccess(NotFound):
    """The one that a private comment is for cannot see the study."""

    code = "no_access"


def post_to_album(request: ApiRequest) -> None:
    """Post a comment to all members, or in private to the one that ``to_user`` names (Kheops API 7.2)."""
    form = request.form()
    comment = check_comment(form.text("comment") or "")
    target = request.named(form.text("to_user"))
    [posted] = request.service.albums.handle_once(
        request.command(form), request.stream, Album.post_comment, request.source, comment, target
    )
    answer_posted(request, posted)


def answer_posted(request: ApiRequest, posted: RecordedEvent[Any]) -> None:
    """Answer that a comment is posted: what it says is known to whoever posted it."""
    request.done()


def list_of_study(request: ApiRequest) -> None:
    """List the comments on a study that the caller may see, newest first (Kheops API 7.3)."""
    require_seen(request)
    page = Page.of(request.query)
    viewer = request.caller.user if request.caller.acts_as_user else PUBLIC
    shown, total = request.service.albums.study_comments(
        request.study, viewer, FeedQuery(limit=page.limit, offset=page.offset)
    )
    people = {sub for one in shown for sub in (one.author, one.target) if sub is not None}
    seen_by = can_see(request.service.holdings, request.study, people)
    request.answer(render_comments(shown, seen_by, request.service), total=total)


def post_to_study(request: ApiRequest) -> None:
    """Post a comment to all who can see the study, or in private to the one that ``to_user`` names (Kheops API 7.4)."""
    require_seen(request)
    form = request.form()
    comment = check_comment(form.text("comment") or "")
    target = request.named(form.text("to_user"))
    viewers = can_see(
        request.service.holdings,
        request.study,
        {request.caller.user, *([target] if target else ())},
    )
    if target is not None and target not in viewers:
        raise NoAccess("the user cannot see the study")
    stream, decision = study_stream(request.study), StudyComments.post_comment
    [posted] = request.service.albums.handle_once(
        request.command(form), stream, decision, request.source, viewers, comment, target
    )
    answer_posted(request, posted)


def require_seen(request: ApiRequest) -> None:
    """Pass if the caller can see the study in the path.

    Raises:
        NotSeen: he does not, see `sees`.
    """
    if not sees(request.service.holdings, request.caller, request.study):
        raise NotSeen("no such study, or you cannot see it")
