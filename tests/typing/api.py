"""The public interface as the type checker sees it: this file must pass ``mypy --strict``, and is never run.

Each line that ends in ``type: ignore`` is a misuse that must be refused: where it is not, the comment is unused,
which is an error too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, assert_type

from albumcore import (
    UPSTREAM,
    Act,
    Album,
    Albumcore,
    AlbumCreated,
    AlbumId,
    AlbumNotFound,
    AlbumOverview,
    CapabilityToken,
    CapabilityTokenId,
    CommandKey,
    CommentPosted,
    Content,
    Entry,
    EntryKind,
    Event,
    FeedPage,
    FeedQuery,
    Grants,
    Image,
    ImageId,
    ImageType,
    Invalid,
    MemberFlags,
    NotFound,
    PatientId,
    PatientImageSet,
    Permission,
    Person,
    RecordedEvent,
    SeriesUID,
    Source,
    StoreError,
    StoreUnavailable,
    Stream,
    StudyCommentPosted,
    StudyComments,
    StudyUID,
    UserId,
    UserTokens,
    Webhook,
    WebhookEvent,
    WebhookId,
    __version__,
    add_favorite,
    add_image,
    add_member,
    album_id,
    album_stream,
    create_album,
    create_webhook,
    delete_webhook,
    edit_album,
    edit_webhook,
    fold,
    import_series,
    import_study,
    issue_user_token,
    leave_album,
    open_memory,
    open_postgres,
    open_sqlite,
    patient_stream,
    post_comment,
    post_study_comment,
    remove_favorite,
    render_feed,
    render_study_comments,
    revoke_user_token,
    series_uid,
    set_favorite,
    study_stream,
    study_uid,
    trigger_webhook,
    user_id,
    user_stream,
)
from albumcore_adapters import store

assert_type(__version__, str)

# Opening a store: a mistyped option is told, and so is one of another type

app: Albumcore = open_memory(busy_seconds=3, snapshot_every=10)
app = open_sqlite("albums.sqlite", clock=lambda: datetime.now(UTC))
app = open_postgres("postgresql:///albums", cache_size=1000)
open_memory(retires=3)  # type: ignore[call-arg]
open_sqlite("albums.sqlite", snapshots_every=10)  # type: ignore[call-arg]
open_sqlite("albums.sqlite", snapshot_every="10")  # type: ignore[arg-type]
open_postgres("postgresql:///albums", clock=datetime.now(UTC))  # type: ignore[arg-type]
open_postgres(cache_size=1000)  # type: ignore[call-arg]
store.open_memory(cache=3)  # type: ignore[call-arg]
store.open_sqlite("albums.sqlite", busy_seconds=None)  # type: ignore[arg-type]
store.open_postgres("postgresql:///albums", retires=3)  # type: ignore[call-arg]

# Errors, by their families

refused: type[NotFound] = AlbumNotFound
refused = Invalid  # type: ignore[assignment]
unavailable: type[StoreError] = StoreUnavailable

# Ids are made from text by a rule, and one kind is not another

alice = user_id("alice")
assert_type(alice, UserId)
assert_type(album_id("A1"), AlbumId)
assert_type(study_uid("1.2"), StudyUID)
assert_type(series_uid("1.2"), SeriesUID)

source = Source(alice, capability_token=CapabilityTokenId("hIU3IUjdh9"))
Source("alice")  # type: ignore[arg-type]
Source(AlbumId("A1"))  # type: ignore[arg-type]
source.user = alice  # type: ignore[misc]

# Streams know the state they are of

album: Stream[Album] = album_stream(album_id("A1"))
patient: Stream[PatientImageSet] = patient_stream(PatientId(343))
tokens: Stream[UserTokens] = user_stream(alice)
study: Stream[StudyComments] = study_stream(study_uid("1.2"))
study_stream(series_uid("1.2.3"))  # type: ignore[arg-type]
album_stream("A1")  # type: ignore[arg-type]
patient_stream("343")  # type: ignore[arg-type]
user_stream(AlbumId("A1"))  # type: ignore[arg-type]

# A command: the decision says which stream and which arguments it takes

created = app.handle(album, create_album, source, "Knees", flags=MemberFlags(add_user=True))
assert_type(created, tuple[RecordedEvent[AlbumCreated], ...])
app.handle(album, add_member, source, alice)
app.handle(album, import_study, source, study_uid("1.2"), [series_uid("1.2.3")])
app.handle(album, post_comment, source, "Look", target=alice)
app.handle(album, edit_album, source, flags={"add_user": False}, notification_new_series=True)
app.handle(
    patient,
    add_image,
    source,
    app.next_image_id(),
    276,
    117,
    ImageType.XRAY,
    Content("0f" * 32, 30_000, "image/jpeg"),
)
app.handle(tokens, issue_user_token, source, CapabilityTokenId("T"), "0f" * 32, "Laptop")

bell = WebhookId("bell")
app.handle(album, set_favorite, source, is_favorite=True)
app.handle(album, add_favorite, source, study_uid("1.2"), series_uid("1.2.3"))
app.handle(album, remove_favorite, source, study_uid("1.2"))
app.handle(album, create_webhook, source, bell, "Bell", "https://bell.example")
app.handle(album, edit_webhook, source, bell, add_events=[WebhookEvent.NEW_SERIES])
app.handle(album, trigger_webhook, source, bell, WebhookEvent.NEW_USER, user=alice)
said = app.handle(study, post_study_comment, source, {alice}, "Look", target=alice)
assert_type(said, tuple[RecordedEvent[StudyCommentPosted], ...])

# A command that may come again, by its key

again = CommandKey("4f9a2c", "0f" * 32)
once = app.handle_once(again, album, post_comment, source, "Look", target=alice)
assert_type(once, tuple[RecordedEvent[CommentPosted], ...])
app.handle_once(None, album, create_album, source, "Knees")
assert_type(app.done_before(again), tuple[RecordedEvent[Any], ...])
app.handle_once(again, album, post_comment, source, "Look", to=alice)  # type: ignore[call-arg]
app.handle_once("4f9a2c", album, leave_album, source)  # type: ignore[arg-type]
app.handle_once(album, leave_album, source)  # type: ignore[call-arg, arg-type]
app.done_before("4f9a2c")  # type: ignore[arg-type]

# A command with a projection, written in the transaction of its events


def told(recorded: tuple[RecordedEvent[Any], ...]) -> None:
    """What the events mean for another table."""


left = app.handle_projected(told, album, post_comment, source, "Look", target=alice)
assert_type(left, tuple[RecordedEvent[CommentPosted], ...])
app.handle_projected(told, album, post_comment, source, "Look", to=alice)  # type: ignore[call-arg]

app.handle(study, post_study_comment, source, {alice})  # type: ignore[call-arg]
app.handle(study, post_comment, source, "Look")  # type: ignore[misc]
app.handle(album, delete_webhook, source, "bell")  # type: ignore[arg-type]
app.handle(album, trigger_webhook, source, bell, "new_user")  # type: ignore[arg-type]
app.handle(album, add_favorite, source, series_uid("1.2.3"))  # type: ignore[arg-type]
app.handle(patient, leave_album, source)  # type: ignore[misc]
app.handle(album, revoke_user_token, source, CapabilityTokenId("T"))  # type: ignore[misc]
app.handle(album, add_member, source, "bob")  # type: ignore[arg-type]
app.handle(album, add_member, source, study_uid("1.2"))  # type: ignore[arg-type]
app.handle(album, add_member, source)  # type: ignore[call-arg]
app.handle(album, leave_album, source, alice)  # type: ignore[call-arg]
app.handle(album, import_series, source, series_uid("1.2.3"), study_uid("1.2"))  # type: ignore[arg-type]
app.handle(album, post_comment, source, "Look", to=alice)  # type: ignore[call-arg]
app.handle(album, leave_album, alice)  # type: ignore[arg-type]
app.handle("album-A1", leave_album, source)  # type: ignore[arg-type]
app.handle(album, lambda state, act: ("left",), source)  # type: ignore[type-var]

# Looking at it

assert_type(app.load(album), Album)
assert_type(app.load(album, version=3, at=datetime.now(UTC)), Album)
assert_type(app.load(tokens).tokens[CapabilityTokenId("T")], CapabilityToken)
assert_type(app.load(patient).image(ImageId(1)), Image)
assert_type(app.load(album).webhooks[bell], Webhook)
assert_type(app.load(album).webhooks[bell].events, tuple[WebhookEvent, ...])
assert_type(app.history(album, after=2), Iterator[RecordedEvent[Event[Album]]])
assert_type(fold(Album(), app.history(album)), Album)
fold(PatientImageSet(), app.history(album))  # type: ignore[misc]
app.load(album).name = "Hips"  # type: ignore[misc]
app.load("album-A1")  # type: ignore[arg-type]

page = app.feed(album_id("A1"), alice, FeedQuery(frozenset({EntryKind.COMMENT}), limit=20))
assert_type(page, FeedPage)
assert_type(page.entries, tuple[Entry, ...])
assert_type(page.album_status.admins.get(alice), bool | None)
app.feed("A1", alice)  # type: ignore[arg-type]
app.feed(album_id("A1"), "alice")  # type: ignore[arg-type]
FeedQuery(frozenset({"comments"}))  # type: ignore[arg-type]
FeedQuery(users=[alice], series={series_uid("1.2.3")}, since=datetime.now(UTC))
FeedQuery(users=["alice"])  # type: ignore[list-item]
FeedQuery(studies={series_uid("1.2.3")})  # type: ignore[arg-type]
FeedQuery(until="2026-03-01")  # type: ignore[arg-type]

people = {alice: Person(alice, "alice@clinic.example", "Alice")}
shown = render_feed(page, people, lambda study, series: "Knees", form=UPSTREAM)
assert_type(shown, list[dict[str, Any]])
assert_type(page.users, frozenset[UserId])
assert_type(render_study_comments(page.entries, people, {alice}), list[dict[str, Any]])
render_feed(page.entries, people)  # type: ignore[arg-type]
render_feed(page, {"alice": Person(alice)})  # type: ignore[dict-item]
render_feed(page, people, lambda study: "Knees")  # type: ignore[misc, arg-type]
render_feed(page, people, form="upstream")  # type: ignore[arg-type]

mine = app.albums_of(alice)
assert_type(mine, list[AlbumOverview])
assert_type(mine[0].album_id, AlbumId)
assert_type(mine[0].member.is_favorite, bool)
app.albums_of("alice")  # type: ignore[arg-type]

comments, total = app.study_comments(study_uid("1.2"), alice, FeedQuery(limit=20))
assert_type(comments, tuple[Entry, ...])
assert_type(total, int)
app.study_comments(album_id("A1"), alice)  # type: ignore[arg-type]
app.study_comments(study_uid("1.2"), None)  # type: ignore[arg-type]

for position, recorded in app.follow(0, limit=10):
    assert_type(position, int)
    assert_type(recorded.act, Act)

# Deciding without a store

act = Act(source, datetime.now(UTC))
state = Album()
decided: tuple[Event[Album], ...] = create_album(state, act, "Knees")
state.require(act, Permission.READ_SERIES)
state.require(act, "READ_SERIES")  # type: ignore[arg-type]
create_album(state, source, "Knees")  # type: ignore[arg-type]
Grants("read")  # type: ignore[arg-type]
assert_type(app.rebuild(), int)
assert_type(app.verify(lambda added: None), list[str])
app.verify(lambda digest, length: None)  # type: ignore[misc, arg-type]
