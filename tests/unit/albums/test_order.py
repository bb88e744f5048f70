"""The order in which every decision checks: is the album there, may the source, are the values sound, does it fit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from albumcore import (
    AlbumDeleted,
    AlbumEdited,
    ImageAdded,
    PatientDeleted,
    UserTokenIssued,
    add_image,
    create_album,
    create_report_provider,
    create_webhook,
    edit_album,
    edit_report_provider,
    edit_webhook,
    issue_capability_token,
    issue_user_token,
    post_comment,
    trigger_webhook,
)
from albumcore.albums import Album, WebhookEvent
from albumcore.errors import (
    AlbumcoreError,
    AlbumExists,
    AlbumNotFound,
    Forbidden,
    IdTaken,
    ImageNotFound,
    Invalid,
    MemberNotFound,
    ReportProviderNotFound,
    WebhookNotFound,
)
from albumcore.ids import ImageId
from albumcore.image_sets import Content, ImageType, PatientImageSet
from albumcore.kernel import Act, Event, Source
from albumcore.user_tokens import Grants, UserTokens
from support.album import (
    BELL,
    BELL_IN,
    BELL_URL,
    BOB,
    BOB_IN,
    DAVE,
    DIGEST,
    HORN,
    KEY,
    OPEN,
    READER,
    SCRIBE,
    SCRIBE_IN,
    TOLD,
    URL,
    dave,
    issued,
    opened,
    through,
)
from support.given import ALICE, NOW, START, folded, given, given_on

Tried = Callable[[Album, Act], tuple[Event[Album], ...]]
READ = Grants(read=True)
NEW_USER, DELETE_ALBUM = WebhookEvent.NEW_USER, WebhookEvent.DELETE_ALBUM

# Decisions with a value that is not sound, and what is said of one that is sound but does not fit.
UNSOUND: list[tuple[Tried, Tried, type[AlbumcoreError] | None]] = [
    (
        lambda album, act: edit_album(album, act, name=""),
        lambda album, act: edit_album(album, act, name="Knees"),
        None,
    ),
    (
        lambda album, act: post_comment(album, act, "", dave),
        lambda album, act: post_comment(album, act, "Hm", dave),
        MemberNotFound,
    ),
    (
        lambda album, act: create_report_provider(album, act, SCRIBE, "", URL),
        lambda album, act: create_report_provider(album, act, SCRIBE, "Scribe", URL),
        IdTaken,
    ),
    (
        lambda album, act: edit_report_provider(album, act, READER, name=""),
        lambda album, act: edit_report_provider(album, act, READER, name="Reader"),
        ReportProviderNotFound,
    ),
    (
        lambda album, act: edit_report_provider(album, act, READER, url=""),
        lambda album, act: edit_report_provider(album, act, READER, url=URL),
        ReportProviderNotFound,
    ),
    (
        lambda album, act: create_webhook(album, act, BELL, "", BELL_URL),
        lambda album, act: create_webhook(album, act, BELL, "Bell", BELL_URL),
        IdTaken,
    ),
    (
        lambda album, act: edit_webhook(album, act, HORN, name=""),
        lambda album, act: edit_webhook(album, act, HORN, name="Horn"),
        WebhookNotFound,
    ),
    (
        lambda album, act: edit_webhook(album, act, HORN, url=""),
        lambda album, act: edit_webhook(album, act, HORN, url=BELL_URL),
        WebhookNotFound,
    ),
    (
        lambda album, act: edit_webhook(album, act, HORN, events=(), add_events=TOLD),
        lambda album, act: edit_webhook(album, act, HORN, events=TOLD),
        WebhookNotFound,
    ),
    (
        lambda album, act: trigger_webhook(album, act, HORN, DELETE_ALBUM),
        lambda album, act: trigger_webhook(album, act, HORN, NEW_USER, user=dave),
        WebhookNotFound,
    ),
    (
        lambda album, act: issue_capability_token(album, act, KEY, DIGEST, "", READ),
        lambda album, act: issue_capability_token(album, act, KEY, DIGEST, "T", READ),
        IdTaken,
    ),
]


@pytest.mark.parametrize(("unsound", "unfit", "error"), UNSOUND)
def test_the_order_of_checks(
    unsound: Tried, unfit: Tried, error: type[AlbumcoreError] | None
) -> None:
    """Who may not is never told what is wrong with his values, and what does not fit is told last."""
    history = opened(write_comments=False), BOB_IN, SCRIBE_IN, issued(READ), BELL_IN
    album = given(*history)
    album.when(unsound, DAVE).refused(AlbumNotFound)
    album.when(unsound, BOB).refused(Forbidden)
    album.when(unfit, BOB).refused(Forbidden)
    refused = album.when(unsound, ALICE)
    assert isinstance(refused.error, Invalid)
    if error is not None:
        album.when(unfit, ALICE).refused(error)
    given(*history, AlbumDeleted()).when(unsound, ALICE).refused(AlbumNotFound)


def test_a_used_id_is_told_before_anything_about_a_new_album() -> None:
    """Then whether it is a user in person, then the values."""
    given(OPEN).when(create_album, through(KEY), "").refused(AlbumExists)
    given().when(create_album, through(KEY), "").refused(Forbidden)


@pytest.mark.parametrize(("source", "error"), [(BOB, Forbidden), (ALICE, Invalid)])
def test_the_order_of_checks_of_a_users_own_tokens(
    source: Source, error: type[AlbumcoreError]
) -> None:
    """A used id comes last."""
    tokens = given_on(UserTokens(), UserTokenIssued(KEY, DIGEST, "Laptop", START, NOW))
    tokens.when(issue_user_token, source, KEY, DIGEST, "").refused(
        error, "title" if error is Invalid else None
    )
    if error is Invalid:
        tokens.when(issue_user_token, source, KEY, DIGEST, "Laptop").refused(IdTaken)


def test_the_order_of_checks_of_an_image() -> None:
    """The patient, then the values, then whether the id is free."""
    good, bad = Content(DIGEST, 1, "image/png"), Content(DIGEST, 0, "image/png")
    added = ImageAdded(ImageId(1), 1, 1, ImageType.XRAY, good)
    add = add_image
    images = given_on(PatientImageSet(), added)
    images.when(add, ALICE, ImageId(1), 1, 1, ImageType.XRAY, bad).refused(Invalid, "data")
    images.when(add, ALICE, ImageId(1), 1, 1, ImageType.XRAY, good).refused(IdTaken)
    closed = given_on(PatientImageSet(), added, PatientDeleted())
    closed.when(add, ALICE, ImageId(0), 1, 1, ImageType.XRAY, bad).refused(ImageNotFound)


def test_what_is_recorded_happened() -> None:
    """An event that today's rules would refuse is applied all the same."""
    assert folded(Album(), [OPEN, AlbumEdited("", "d" * 9999)]).name == ""
    assert folded(Album(), [OPEN, AlbumEdited("", "d" * 9999)]).description == "d" * 9999
