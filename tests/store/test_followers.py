"""The event library's own followers, on our stores: process applications, systems with each runner, remote logs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal
from typing import Any, cast
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.interface import NotificationLogJSONService
from eventsourcing.projection import ApplicationSubscription
from eventsourcing.system import (
    MultiThreadedRunner,
    NewMultiThreadedRunner,
    NewSingleThreadedRunner,
    NotificationLogReader,
    ProcessApplication,
    SingleThreadedRunner,
    System,
)

from albumcore import (
    ERASED,
    Albumcore,
    AlbumCreated,
    AlbumId,
    CommandKey,
    CommentPosted,
    MemberAdded,
    RecordedEvent,
    Source,
    UserId,
    add_member,
    album_stream,
    create_album,
    post_comment,
)
from albumcore.following import AlbumFollower, AlbumLogClient, environment_of
from albumcore.kernel import stored_name

Open = Callable[..., Albumcore]
ALICE, BOB = Source(UserId("alice")), UserId("bob")
A1, A2 = album_stream(AlbumId("A1")), album_stream(AlbumId("A2"))
DONE = "that is all"


class Talk(Aggregate):
    """How much was said in an album: an aggregate of the library, in the store of the follower."""

    def __init__(self, album: str) -> None:
        self.album = album
        self.comments = 0

    @staticmethod
    def create_id(album: str) -> UUID:
        """Of an album, always the same."""
        return uuid5(NAMESPACE_URL, album)

    @event("Said")
    def say(self) -> None:
        """One more comment."""
        self.comments += 1


class Talks(AlbumFollower[UUID], ProcessApplication[UUID]):
    """Counts the comments of each album."""

    done = Signal()

    @singledispatchmethod
    def policy(self, domain_event: Any, processing_event: Any) -> None:
        """What comes from elsewhere is passed over."""

    @policy.register(RecordedEvent)
    def _(self, recorded: RecordedEvent[Any], processing_event: Any) -> None:
        match recorded.event:
            case AlbumCreated():
                processing_event.collect_events(Talk(recorded.stream))
            case CommentPosted(comment):
                talk = cast(Talk, self.repository.get(Talk.create_id(recorded.stream)))
                talk.say()
                processing_event.collect_events(talk)
                if comment == DONE:
                    self.done.set()

    def counted(self, album: str) -> int:
        """The comments of an album."""
        return cast(Talk, self.repository.get(Talk.create_id(album))).comments


class Echo(AlbumFollower[UUID], ProcessApplication[UUID]):
    """Follows the one that follows, whose events are those of the library, and an albumcore beside it."""

    heard: list[str]

    def __init__(self, env: Any = None) -> None:
        super().__init__(env)
        self.heard = []

    def policy(self, domain_event: Any, processing_event: Any) -> None:
        """Note what comes."""
        name = domain_event.event if isinstance(domain_event, RecordedEvent) else domain_event
        self.heard.append(type(name).__name__)


def talk(store: Albumcore) -> None:
    """An album with two comments, and one with none."""
    store.handle(A1, create_album, ALICE, "Knees")
    store.handle(A1, post_comment, ALICE, "Look")
    store.handle(A2, create_album, ALICE, "Hips")
    store.handle(A1, post_comment, ALICE, DONE)


@pytest.fixture
def store(app: Albumcore) -> Albumcore:
    """A store in which there was some talk."""
    talk(app)
    return app


def test_a_process_application_follows(store: Albumcore) -> None:
    """From its position, and each event once: a second pull goes on where the first ended."""
    talks = Talks()
    talks.follow(store.name, store.notification_log)
    talks.pull_and_process(store.name)
    assert (talks.counted(A1.name), talks.counted(A2.name)) == (2, 0)
    store.handle(A2, post_comment, ALICE, "Here too")
    talks.pull_and_process(store.name)
    talks.pull_and_process(store.name)
    assert (talks.counted(A1.name), talks.counted(A2.name)) == (2, 1)
    talks.close()


def test_a_follower_of_several_reads_each(store: Albumcore) -> None:
    """Of an albumcore what was recorded there, and of another application its own events."""
    talks, echo = Talks(), Echo()
    talks.follow(store.name, store.notification_log)
    talks.pull_and_process(store.name)
    for leader in (store, talks):
        application = cast(Application[Any], leader)
        echo.follow(application.name, application.notification_log)
        echo.pull_and_process(application.name)
    theirs = ["Created", "Said", "Created", "Said"]
    assert echo.heard == ["AlbumCreated", "CommentPosted", "AlbumCreated", "CommentPosted", *theirs]
    for one in (talks, echo):
        one.close()


RUNNERS = [
    SingleThreadedRunner,
    NewSingleThreadedRunner,
    MultiThreadedRunner,
    NewMultiThreadedRunner,
]


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_system_is_prompted_by_each_command(open_again: Open, runner: Any) -> None:
    """With each of the library's runners. What another process wrote in between is not missed."""
    elsewhere = open_again(snapshot_every=7)
    Talks.done.clear()
    running = runner(System([[Albumcore, Talks]]), env=environment_of(elsewhere))
    with running:
        leader = running.get(Albumcore)
        leader.handle(A1, create_album, ALICE, "Knees")
        leader.handle(A2, create_album, ALICE, "Hips")
        leader.handle(A1, post_comment, ALICE, "Look")
        elsewhere.handle(A1, post_comment, ALICE, "And I")
        elsewhere.handle(A2, post_comment, ALICE, "Here too")
        leader.handle(A1, post_comment, ALICE, DONE)
        assert Talks.done.wait(30)
        talks = running.get(Talks)
        if runner in RUNNERS[:2]:  # the others may be about to record it
            assert talks.counted(A1.name) == 3
        assert talks.counted(A2.name) == 1


def test_a_command_that_comes_again_prompts_no_follower(open_store: Open) -> None:
    """Nor does one that changes nothing: there is nothing new."""
    with NewSingleThreadedRunner[Any](
        System([[Albumcore, Echo]]), env=environment_of(open_store())
    ) as running:
        leader = running.get(Albumcore)
        key = CommandKey("again", "0f" * 32)
        for _ in range(2):
            leader.handle_once(key, A1, create_album, ALICE, "Knees")
            leader.handle(A1, add_member, ALICE, BOB)
        assert running.get(Echo).heard == ["AlbumCreated", "MemberAdded"]


def test_the_log_travels_as_json(store: Albumcore) -> None:
    """By sections and by selections, to a follower that is elsewhere."""
    remote = AlbumLogClient(NotificationLogJSONService(store))
    assert remote["1,10"] == store.notification_log["1,10"]
    assert remote["3,4"] == store.notification_log["3,4"]
    assert [*NotificationLogReader(remote, section_size=3).read(start=1)] == [
        *store.recorder.select_notifications(1, 100)
    ]
    talks = Talks()
    talks.follow(store.name, remote)
    talks.pull_and_process(store.name, stop=2)
    assert talks.counted(A1.name) == 1
    talks.pull_and_process(store.name)
    assert talks.counted(A1.name) == 2
    talks.close()


class Hearer(AlbumFollower[UUID], ProcessApplication[UUID]):
    """Notes what was said."""

    def __init__(self, env: Any = None) -> None:
        super().__init__(env)
        self.heard: list[Any] = []

    @singledispatchmethod
    def policy(self, domain_event: Any, processing_event: Any) -> None:
        """What comes from elsewhere is passed over."""

    @policy.register(RecordedEvent)
    def _(self, recorded: RecordedEvent[Any], processing_event: Any) -> None:
        if isinstance(recorded.event, CommentPosted):
            self.heard.append(recorded.event.comment)


def test_a_follower_of_a_sealed_store_hears_what_was_said(open_store: Open) -> None:
    """In the same process, also when it is prompted; elsewhere the texts are erased, because no key travels."""
    store = open_store(sealed=True)
    talk(store)
    near, far = Hearer(), Hearer()
    near.follow(store.name, store.notification_log)
    far.follow(store.name, AlbumLogClient(NotificationLogJSONService(store)))
    for one in (near, far):
        one.pull_and_process(store.name)
    assert near.heard == ["Look", DONE]
    assert far.heard == [ERASED, ERASED]
    near.close()
    far.close()
    with NewSingleThreadedRunner[Any](
        System([[Albumcore, Hearer]]), env=environment_of(store)
    ) as running:
        running.get(Albumcore).handle(A1, post_comment, ALICE, "And I")
        assert running.get(Hearer).heard[-1] == "And I"


def test_a_subscription_hears_of_each_event(open_again: Open) -> None:
    """Where the library has subscriptions: PostgreSQL tells of new events. With SQLite it says that there are none."""
    store = open_again()
    if not store.loses_replies:  # of a server
        with pytest.raises(NotImplementedError, match="does not support subscriptions"):
            store.recorder.subscribe()
        return
    store.handle(A1, create_album, ALICE, "Knees")
    has_heard = Signal()

    def post_until_heard() -> None:
        # The library reads what there is before it listens: what is recorded in between waits for the next event.
        while not has_heard.wait(0.1):
            store.handle(A1, post_comment, ALICE, "Look")

    with ApplicationSubscription(store, gt=0) as subscription, ThreadPoolExecutor(1) as posting:
        try:
            created, _ = next(subscription)
            posting.submit(post_until_heard)
            posted, tracking = next(subscription)
        finally:
            has_heard.set()
    heard = [cast(RecordedEvent[Any], one).event for one in (created, posted)]
    assert [type(one) for one in heard] == [AlbumCreated, CommentPosted]
    assert tracking.application_name == store.name


def test_notifications_are_selected_by_every_parameter(store: Albumcore) -> None:
    """Start included or not, stop, topics and limit, each and together."""
    every = store.recorder.select_notifications(None, 100)
    assert [one.originator_version for one in every] == [1, 2, 1, 3]
    first, second, third, last = (one.id for one in every)

    def ids(start: int | None, limit: int = 100, **more: Any) -> list[int]:
        return [one.id for one in store.recorder.select_notifications(start, limit, **more)]

    created = stored_name(AlbumCreated).name
    assert ids(second) == [second, third, last]
    assert ids(second, inclusive_of_start=False) == [third, last]
    assert ids(first, stop=third) == [first, second, third]
    assert ids(None, stop=second) == [first, second]
    assert ids(None, 3) == [first, second, third]
    assert ids(None, topics=[created]) == [first, third]
    assert ids(first, topics=[created], inclusive_of_start=False) == [third]
    assert ids(first, stop=second, topics=(created, stored_name(MemberAdded).name)) == [first]
    assert ids(None, 1, stop=last, topics=[created], inclusive_of_start=False) == [first]
    assert store.recorder.max_notification_id() == last


def test_what_cannot_work_says_why(store: Albumcore) -> None:
    """And what to use in its place, in a sentence."""
    calls: list[tuple[str, Callable[[], object]]] = [
        ("Albumcore.load", lambda: store.repository.get(A1.name)),
        ("Albumcore.load", lambda: A1.name in store.repository),
        ("Albumcore.handle", lambda: store.save(Talk(A1.name))),
        ("snapshot_every", lambda: store.take_snapshot(A1.name, version=1)),
    ]
    for instead, call in calls:
        with pytest.raises(NotImplementedError, match=instead):
            call()
    with pytest.raises(ValueError, match="PERSISTENCE_MODULE names one of albumcore's"):
        Albumcore()
    talks = Talks()
    with pytest.raises(AggregateNotFoundError):
        talks.counted(A1.name)
    talks.close()
