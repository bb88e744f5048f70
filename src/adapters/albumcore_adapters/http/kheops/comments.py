"""Comments on albums and studies (Kheops API 7.2 to 7.4)."""

from __future__ import annotations

from typing import Any

from albumcore import (
    Albumcore,
    CommentPosted,
    FeedQuery,
    Permission,
    RecordedEvent,
    StudyCommentPosted,
    post_comment,
    post_study_comment,
    study_stream,
)
from albumcore.errors import Forbidden, NotFound
from albumcore.feed import PUBLIC, FeedForm
from albumcore.text import check_comment
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.series import can_see, sees
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.feed_json import render_comments
from albumcore_adapters.http.kheops.parameters import Page, user_named_or_none
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import DONE, PAGE, SEEN, listed
from albumcore_adapters.http.openapi.specs import Parameters, ParameterSpec, text
from albumcore_adapters.http.openapi.value_schemas import PLAIN, USER
from albumcore_adapters.http.response import NO_CONTENT, Response
from albumcore_adapters.http.route import Callers, Route


class NotSeen(Forbidden):
    """The caller cannot see the study. For its comments and favourites this is 403 (Kheops API 6, 7.3)."""

    code = "study_not_seen"


class NoAccess(NotFound):
    """The target of a private comment cannot see the study."""

    code = "no_access"


def post_to_album(request: ApiRequest, albums: Albumcore, people: People) -> Response:
    """Post a public comment, or a private one to the member named by ``to_user``."""
    form = request.form()
    comment = check_comment(form.text("comment") or "")
    target = user_named_or_none(people, form.text("to_user"))
    albums.handle_once(
        request.command(form), request.stream, post_comment, request.source, comment, target
    )
    return NO_CONTENT


def replayed(posted: RecordedEvent[Any]) -> Response:
    """The response to a replayed request."""
    return NO_CONTENT


def list_of_study(
    request: ApiRequest, albums: Albumcore, holdings: Holdings, people: People, form: FeedForm
) -> Response:
    """List the comments on a study that the caller may see, newest first."""
    require_seen(request, holdings)
    page = Page.of(request.query)
    viewer = request.caller.user if request.caller.acts_as_user else PUBLIC
    query = FeedQuery(limit=page.limit, offset=page.offset)
    comments, total = albums.study_comments(request.study, viewer, query)
    users = {sub for one in comments for sub in (one.author, one.target) if sub is not None}
    seen_by = can_see(holdings, request.study, users)
    return Response.json(render_comments(comments, seen_by, people, form), total=total)


def post_to_study(
    request: ApiRequest, albums: Albumcore, holdings: Holdings, people: People
) -> Response:
    """Post a comment to all who can see the study, or a private one to the user named by ``to_user``."""
    require_seen(request, holdings)
    form = request.form()
    comment = check_comment(form.text("comment") or "")
    target = user_named_or_none(people, form.text("to_user"))
    users = {request.caller.user} if target is None else {request.caller.user, target}
    viewers = can_see(holdings, request.study, users)
    if target is not None and target not in viewers:
        raise NoAccess("the user cannot see the study")
    albums.handle_once(
        request.command(form),
        study_stream(request.study),
        post_study_comment,
        request.source,
        viewers,
        comment,
        target,
    )
    return NO_CONTENT


def require_seen(request: ApiRequest, holdings: Holdings) -> None:
    """Check that the caller can see the study in the path.

    Raises:
        NotSeen: they cannot; see `sees`.
    """
    if not sees(holdings, request.caller, request.study):
        raise NotSeen("no such study, or you cannot see it")


_COMMENT: Parameters = {
    "comment": ParameterSpec(text(1, 1024, **PLAIN), required=True),
    "to_user": ParameterSpec(
        USER, "The reader of a private comment; without it, the comment is public."
    ),
}

ROUTES = (
    Route(
        *("POST", "/albums/{album}/comments", post_to_album, "Post a comment in an album."),
        permission=Permission.WRITE_COMMENT,
        records=(CommentPosted,),
        form=_COMMENT,
        responses=DONE,
        idempotent=replayed,
    ),
    Route(
        *("GET", "/studies/{study}/comments", list_of_study),
        summary="List the comments on a study, newest first.",
        callers=Callers.ANY_TOKEN,
        needs=SEEN,
        query=PAGE,
        responses=listed("Comment"),
        from_store=True,
    ),
    Route(
        *("POST", "/studies/{study}/comments", post_to_study, "Post a comment on a study."),
        needs=SEEN,
        records=(StudyCommentPosted,),
        form=_COMMENT,
        responses=DONE,
        idempotent=replayed,
    ),
)
