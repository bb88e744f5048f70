"""Comments over HTTP: on an album, and on a study (Kheops API 7.2 to 7.4)."""

from __future__ import annotations

from typing import Any

from adapters.http.kheops.ask import Ask
from adapters.http.kheops.params import Page
from adapters.http.kheops.render import render_comments
from adapters.http.kheops.series import can_see, sees
from albumcore import Album, FeedQuery, Recorded, StudyComments, study_stream
from albumcore.errors import Forbidden, NotFound
from albumcore.feed import PUBLIC
from albumcore.text import check_comment


class NotSeen(Forbidden):
    """The caller cannot see the study. Of a study's comments and favourites this is 403 (Kheops API 6, 7.3)."""

    code = "study_not_seen"


class NoAccess(NotFound):
    """The one that a private comment is for cannot see the study."""

    code = "no_access"


def post_to_album(ask: Ask) -> None:
    """Post a comment to all members, or in private to the one that ``to_user`` names (Kheops API 7.2)."""
    form = ask.form()
    comment = check_comment(form.text("comment") or "")
    target = ask.named(form.text("to_user"))
    [posted] = ask.deployment.albums.handle_once(
        ask.command(form), ask.stream, Album.post_comment, ask.source, comment, target
    )
    answer_posted(ask, posted)


def answer_posted(ask: Ask, posted: Recorded[Any]) -> None:
    """Answer that a comment is posted: what it says is known to whoever posted it."""
    ask.done()


def list_of_study(ask: Ask) -> None:
    """List the comments on a study that the caller may see, newest first (Kheops API 7.3)."""
    require_seen(ask)
    page = Page.of(ask.query)
    viewer = ask.caller.user if ask.caller.acts_as_user else PUBLIC
    shown, total = ask.deployment.albums.study_comments(
        ask.study, viewer, FeedQuery(limit=page.limit, offset=page.offset)
    )
    people = {sub for one in shown for sub in (one.author, one.target) if sub is not None}
    seen_by = can_see(ask.deployment, ask.study, people)
    ask.answer(render_comments(shown, seen_by, ask.deployment), total=total)


def post_to_study(ask: Ask) -> None:
    """Post a comment to all who can see the study, or in private to the one that ``to_user`` names (Kheops API 7.4)."""
    require_seen(ask)
    form = ask.form()
    comment = check_comment(form.text("comment") or "")
    target = ask.named(form.text("to_user"))
    viewers = can_see(ask.deployment, ask.study, {ask.caller.user, *([target] if target else ())})
    if target is not None and target not in viewers:
        raise NoAccess("the user cannot see the study")
    stream, decision = study_stream(ask.study), StudyComments.post_comment
    [posted] = ask.deployment.albums.handle_once(
        ask.command(form), stream, decision, ask.source, viewers, comment, target
    )
    answer_posted(ask, posted)


def require_seen(ask: Ask) -> None:
    """Pass if the caller can see the study in the path.

    Raises:
        NotSeen: he does not, see `sees`.
    """
    if not sees(ask.deployment, ask.caller, ask.study):
        raise NotSeen("no such study, or you cannot see it")
