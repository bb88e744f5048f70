"""The webhooks of an album (Kheops API 11)."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from albumcore import (
    AlbumDeleted,
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    WebhookTriggered,
    create_webhook,
    delete_webhook,
    edit_webhook,
    trigger_webhook,
)
from albumcore.albums import Webhook, WebhookEvent
from albumcore.errors import (
    AlbumNotFound,
    Forbidden,
    IdTaken,
    Invalid,
    MemberNotFound,
    SeriesNotFound,
    WebhookNotFound,
)
from albumcore.ids import SeriesUID, StudyUID
from support.album import (
    BELL,
    BELL_IN,
    BELL_URL,
    BOB,
    BOB_IN,
    CAROL,
    CAROL_ADMIN,
    CT,
    CT_IN,
    DAVE,
    HORN,
    KEY,
    MR,
    OPEN,
    S1,
    S2,
    S3,
    SCRIBE,
    SCRIBE_IN,
    TOLD,
    WEBHOOK,
    alice,
    bob,
    dave,
    issued,
    reporting,
    through,
)
from support.given import ALICE, given

NEW_SERIES, REMOVE_SERIES, NEW_USER, DELETE_ALBUM = WebhookEvent
EVERY = (NEW_SERIES, REMOVE_SERIES, NEW_USER, DELETE_ALBUM)
DELETED = WebhookDeleted(BELL)

# Creating


def test_create_webhook() -> None:
    """By any admin; its id is used then."""
    created = given(OPEN, CAROL_ADMIN).when(
        create_webhook, CAROL, BELL, " Bell ", BELL_URL, TOLD, secret="kept"
    )
    assert created.then(BELL_IN).state.webhooks == {BELL: WEBHOOK}
    created.then(BELL_IN).again().refused(IdTaken)


def test_create_webhook_with_nothing_said() -> None:
    """It is enabled, told of nothing by itself, and has no secret."""
    given(OPEN).when(create_webhook, ALICE, BELL, "Bell", BELL_URL).then(
        WebhookCreated(BELL, Webhook("Bell", BELL_URL, (), enabled=True, secret=None))
    )


def test_create_webhook_with_an_empty_secret() -> None:
    """That is none, as in an edit."""
    given(OPEN).when(create_webhook, ALICE, BELL, "Bell", BELL_URL, secret="").then(
        WebhookCreated(BELL, Webhook("Bell", BELL_URL, secret=None))
    )


def test_create_webhook_disabled() -> None:
    """Nothing is told by itself until it is enabled."""
    given(OPEN).when(create_webhook, ALICE, BELL, "Bell", BELL_URL, enabled=False).then(
        WebhookCreated(BELL, Webhook("Bell", BELL_URL, enabled=False))
    )


def test_create_a_second_webhook_leaves_the_first() -> None:
    """They stand side by side, and may be the same in all but their id."""
    created = given(OPEN, BELL_IN).when(
        create_webhook, ALICE, HORN, "Bell", BELL_URL, TOLD, secret="kept"
    )
    state = created.then(WebhookCreated(HORN, WEBHOOK)).state
    assert state.webhooks == {BELL: WEBHOOK, HORN: WEBHOOK}


@pytest.mark.parametrize(
    "events",
    [
        (DELETE_ALBUM, NEW_USER, REMOVE_SERIES, NEW_SERIES),
        [NEW_SERIES, REMOVE_SERIES, NEW_USER, DELETE_ALBUM, NEW_SERIES],
        frozenset(WebhookEvent),
    ],
)
def test_the_events_of_a_webhook_are_listed_once_and_in_order(events: Any) -> None:
    """new_series, remove_series, new_user, delete_album, whatever the order they were asked for in."""
    created = given(OPEN).when(create_webhook, ALICE, BELL, "Bell", BELL_URL, events)
    created.then(WebhookCreated(BELL, Webhook("Bell", BELL_URL, EVERY)))
    edited = given(OPEN, BELL_IN).when(edit_webhook, ALICE, BELL, events=events)
    edited.then(WebhookEdited(BELL, evolve(WEBHOOK, events=EVERY)))


# Texts

UNSOUND = [
    ("", BELL_URL, "name"),
    (" \t", BELL_URL, "name"),
    ("n" * 256, BELL_URL, "name"),
    ("Bell\x00", BELL_URL, "name"),
    ("Bell", "", "url"),
    ("Bell", "bell.example", "url"),
    ("Bell", "ftp://bell.example", "url"),
    ("Bell", "http://", "url"),
    ("Bell", "http:///new", "url"),
    ("Bell", "http://?of=album", "url"),
    ("Bell", "http://me@bell.example", "url"),
    ("Bell", "http://me:secret@bell.example/new", "url"),
    ("Bell", "http://bell.example/a b", "url"),
    ("Bell", " http://bell.example", "url"),
    ("Bell", "http://bell.example\n", "url"),
    ("Bell", "http://bell..example", "url"),
    ("Bell", "http://.example", "url"),
    ("Bell", "http://bell.example\\@evil.example", "url"),
    ("Bell", "http://bell%2eexample", "url"),
    ("Bell", "http://bell.example:", "url"),
    ("Bell", "http://bell.example:0", "url"),
    ("Bell", "http://bell.example:65536", "url"),
    ("Bell", "http://bell.example:8O", "url"),
    ("Bell", "http://[::1", "url"),
    ("Bell", "http://[::1:2:3:4:5:6:7:8:9]", "url"),
    ("Bell", "http://[127.0.0.1]", "url"),
    ("Bell", "http://b\u00e9ll.example", "url"),
    ("Bell", "http://bell.example/\u00e9", "url"),
    ("Bell", "http://bell.example/\x7f", "url"),
    ("Bell", "javascript:http://bell.example", "url"),
    ("Bell", "http://bell.example/" + "u" * 1005, "url"),
    ("Bell", "http://bell.example/\ud800", "url"),
]


@pytest.mark.parametrize(("name", "url", "field"), UNSOUND)
def test_webhook_texts_outside_their_limits(name: str, url: str, field: str) -> None:
    """A name has 1 to 255 characters; an address is http or https, of a host, up to 1024, and names no user."""
    given(OPEN).when(create_webhook, ALICE, BELL, name, url).refused(Invalid, field)
    given(OPEN, BELL_IN).when(edit_webhook, ALICE, BELL, name, url).refused(Invalid, field)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("n", "http://b"),
        ("n" * 255, "https://bell.example:8443/new?of=album#top"),
        ("Bell", "HTTPS://Bell.Example"),
        ("Bell", "http://[::1]:80/"),
        ("Bell", "http://[::FFFF:192.0.2.1]:65535"),
        ("Bell", "http://192.0.2.1:1#top"),
        ("Bell", "http://my_bell-1.example."),
        ("Bell", "http://bell.example?of=me@home"),
        ("Bell", "http://bell.example/" + "u" * 1004),
    ],
)
def test_webhook_texts_at_their_limits(name: str, url: str) -> None:
    """Which addresses may be reached is not decided here."""
    given(OPEN).when(create_webhook, ALICE, BELL, name, url).then(
        WebhookCreated(BELL, Webhook(name, url))
    )
    given(OPEN, BELL_IN).when(edit_webhook, ALICE, BELL, name, url).then(
        WebhookEdited(BELL, evolve(WEBHOOK, name=name, url=url))
    )


# Editing


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({}, {}),
        ({"name": " Horn "}, {"name": "Horn"}),
        ({"url": "http://horn.example"}, {"url": "http://horn.example"}),
        ({"enabled": False}, {"enabled": False}),
        ({"enabled": True}, {}),
        ({"secret": "other"}, {"secret": "other"}),
        ({"secret": ""}, {"secret": None}),
        ({"events": ()}, {"events": ()}),
        ({"events": [DELETE_ALBUM]}, {"events": (DELETE_ALBUM,)}),
        ({"add_events": [REMOVE_SERIES]}, {"events": (NEW_SERIES, REMOVE_SERIES, NEW_USER)}),
        ({"add_events": [NEW_USER]}, {}),
        ({"remove_events": [NEW_SERIES]}, {"events": (NEW_USER,)}),
        ({"remove_events": [DELETE_ALBUM]}, {}),
        (
            {"add_events": [DELETE_ALBUM], "remove_events": [NEW_SERIES]},
            {"events": (NEW_USER, DELETE_ALBUM)},
        ),
        ({"add_events": [NEW_SERIES], "remove_events": [NEW_SERIES]}, {}),
        (
            {"add_events": [DELETE_ALBUM], "remove_events": [DELETE_ALBUM]},
            {"events": (NEW_SERIES, NEW_USER, DELETE_ALBUM)},
        ),
        ({"events": [NEW_USER], "add_events": (), "remove_events": ()}, {"events": (NEW_USER,)}),
    ],
    ids=str,
)
def test_edit_webhook(changes: Any, after: Any) -> None:
    """What is not given stays; it is recorded each time, even when nothing changed."""
    event = WebhookEdited(BELL, evolve(WEBHOOK, **after))
    edited = given(OPEN, BELL_IN, WebhookCreated(HORN, WEBHOOK)).when(
        edit_webhook, ALICE, BELL, **changes
    )
    assert edited.then(event).state.webhooks == {BELL: event.webhook, HORN: WEBHOOK}
    edited.then(event).again().then(event)


@pytest.mark.parametrize("how", ["add_events", "remove_events"])
@pytest.mark.parametrize("events", [[], [NEW_USER]])
def test_the_list_of_events_is_replaced_or_changed(how: str, events: Any) -> None:
    """Not both at once."""
    changes: Any = {"events": events, how: [DELETE_ALBUM]}
    given(OPEN, BELL_IN).when(edit_webhook, ALICE, BELL, **changes).refused(Invalid, "event")


# Deleting


def test_delete_webhook() -> None:
    """Nothing is left of it: a second time there is none, and its id is free."""
    both = given(OPEN, BELL_IN, WebhookCreated(HORN, WEBHOOK))
    deleted = both.when(delete_webhook, ALICE, BELL).then(DELETED)
    assert deleted.state.webhooks == {HORN: WEBHOOK}
    deleted.again().refused(WebhookNotFound)
    given(OPEN, BELL_IN, DELETED).when(
        create_webhook, ALICE, BELL, "Bell", BELL_URL, TOLD, secret="kept"
    ).then(BELL_IN)


def test_unknown_and_deleted_webhooks_are_not_found() -> None:
    """Whatever is to be done with them."""
    for album, webhook_id in ((given(OPEN, BELL_IN), HORN), (given(OPEN, BELL_IN, DELETED), BELL)):
        album.when(edit_webhook, ALICE, webhook_id, "Horn").refused(WebhookNotFound)
        album.when(delete_webhook, ALICE, webhook_id).refused(WebhookNotFound)
        album.when(trigger_webhook, ALICE, webhook_id, NEW_USER, user=alice).refused(
            WebhookNotFound
        )


# Triggering


def test_trigger_webhook_for_series() -> None:
    """Each once, in the order they were named; told again, it is recorded again."""
    event = WebhookTriggered(BELL, NEW_SERIES, CT, (S2, S1))
    album = given(OPEN, CT_IN, BELL_IN)
    triggered = album.when(trigger_webhook, ALICE, BELL, NEW_SERIES, CT, [S2, S1, S2])
    assert triggered.then(event).state == album.state
    triggered.then(event).again().then(event)
    album.when(trigger_webhook, ALICE, BELL, NEW_SERIES, CT, [S1]).then(
        WebhookTriggered(BELL, NEW_SERIES, CT, (S1,))
    )


def test_trigger_webhook_for_a_member() -> None:
    """Oneself included."""
    for user in (alice, bob):
        given(OPEN, BOB_IN, BELL_IN).when(trigger_webhook, ALICE, BELL, NEW_USER, user=user).then(
            WebhookTriggered(BELL, NEW_USER, user=user)
        )


def test_trigger_a_webhook_that_is_told_of_nothing_by_itself() -> None:
    """Kheops API 14, rule 72: neither disabled nor without the event."""
    silent = WebhookCreated(BELL, Webhook("Bell", BELL_URL, (), enabled=False))
    album = given(OPEN, CT_IN, silent)
    album.when(trigger_webhook, ALICE, BELL, NEW_USER, user=alice).then(
        WebhookTriggered(BELL, NEW_USER, user=alice)
    )
    album.when(trigger_webhook, ALICE, BELL, NEW_SERIES, CT, [S1]).then(
        WebhookTriggered(BELL, NEW_SERIES, CT, (S1,))
    )


@pytest.mark.parametrize(
    ("event", "about"),
    [
        (NEW_SERIES, {}),
        (NEW_SERIES, {"study_uid": CT}),
        (NEW_SERIES, {"series_uids": [S1]}),
        (NEW_SERIES, {"study_uid": CT, "series_uids": [S1], "user": alice}),
        (NEW_SERIES, {"user": alice}),
        (NEW_USER, {}),
        (NEW_USER, {"study_uid": CT, "user": alice}),
        (NEW_USER, {"series_uids": [S1], "user": alice}),
        (NEW_USER, {"study_uid": CT, "series_uids": [S1]}),
        (REMOVE_SERIES, {}),
        (REMOVE_SERIES, {"study_uid": CT, "series_uids": [S1]}),
        (DELETE_ALBUM, {}),
        (DELETE_ALBUM, {"user": alice}),
    ],
)
def test_trigger_webhook_with_what_does_not_belong_together(
    event: WebhookEvent, about: Any
) -> None:
    """new_series goes with a study and series of it, new_user with a user, and the others never by hand."""
    given(OPEN, CT_IN, BELL_IN).when(trigger_webhook, ALICE, BELL, event, **about).refused(
        Invalid, "event"
    )


@pytest.mark.parametrize(
    ("study_uid", "series_uids"),
    [(CT, [S3]), (CT, [S1, S3]), (MR, [S1]), (StudyUID("x"), [S1]), (CT, [SeriesUID("")])],
)
def test_trigger_webhook_for_series_that_are_not_there(
    study_uid: StudyUID, series_uids: list[SeriesUID]
) -> None:
    """Not even one of them."""
    given(OPEN, CT_IN, BELL_IN).when(
        trigger_webhook, ALICE, BELL, NEW_SERIES, study_uid, series_uids
    ).refused(SeriesNotFound)


def test_trigger_webhook_for_a_stranger() -> None:
    """Of a new member one has to be told."""
    given(OPEN, BELL_IN).when(trigger_webhook, ALICE, BELL, NEW_USER, user=dave).refused(
        MemberNotFound
    )


# Who may


@pytest.mark.parametrize("source", [BOB, through(KEY), reporting(SCRIBE)])
def test_webhooks_are_the_admins_affair(source: Any) -> None:
    """Kheops API 14, rule 71: in person, and whether the webhook is there or not."""
    album = given(OPEN, BOB_IN, CT_IN, SCRIBE_IN, issued(), BELL_IN)
    album.when(create_webhook, source, HORN, "Horn", BELL_URL).refused(Forbidden)
    for webhook_id in (BELL, HORN):
        album.when(edit_webhook, source, webhook_id, "Horn").refused(Forbidden)
        album.when(delete_webhook, source, webhook_id).refused(Forbidden)
        album.when(trigger_webhook, source, webhook_id, NEW_USER, user=bob).refused(Forbidden)


@pytest.mark.parametrize("history", [(OPEN, BELL_IN), (OPEN, BELL_IN, AlbumDeleted())])
def test_webhooks_of_a_stranger_to_the_album(history: Any) -> None:
    """Kheops API 14, rule 2; a deleted album has none."""
    album = given(*history)
    album.when(create_webhook, DAVE, HORN, "Horn", BELL_URL).refused(AlbumNotFound)
    album.when(edit_webhook, DAVE, BELL, "Horn").refused(AlbumNotFound)
    album.when(delete_webhook, DAVE, BELL).refused(AlbumNotFound)
    album.when(trigger_webhook, DAVE, BELL, NEW_USER, user=dave).refused(AlbumNotFound)
    assert given(OPEN, BELL_IN, AlbumDeleted()).state.webhooks == {}
