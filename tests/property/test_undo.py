"""Undo: the state after it is the state before the event, but for what stays revoked, removed or forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from albumcore import (
    Act,
    Album,
    AlbumCreated,
    CommentPosted,
    RecordedEvent,
    Source,
    WebhookDeleted,
    fold,
)
from albumcore.albums import Phase
from albumcore.albums.undo import INVERSES, UNDO_EVENTS, Past, undo
from albumcore.errors import AlbumcoreError, ChangedSince, Forbidden, NotUndoable
from albumcore.feed import WITHDRAWN, entry, visible_to
from albumcore.ids import ReportProviderId
from albumcore.kernel import record
from albumcore.streams import album_stream
from albumcore.testing import (
    ALBUMS,
    CAST,
    Clock,
    Command,
    History,
    album_commands,
    album_histories,
)
from albumcore_adapters.store import open_memory
from support.deep import at_length
from support.facts import rows_meant, rows_of
from support.playing import on, play

STREAM = album_stream(ALBUMS[0])
ANEW = ReportProviderId("anew")


def steps(history: History[Album]) -> list[tuple[Album, RecordedEvent[Any], Album]]:
    """Each event of a history, with the states before and after it."""
    found, state = [], STREAM.initial
    for one in history:
        before, state = state, one.event.evolve(state, one.act)
        found.append((before, one, state))
    return found


def taken_back(now: Album, past: Past, by: Source) -> tuple[Album, History[Album]]:
    """The state after an undo, and the events of it."""
    act = Act(by, past.recorded.at, undoes=past.recorded.version)
    events = record(STREAM.name, 1000, act, undo(now, act, past))
    for one in events:
        now = one.event.evolve(now, one.act)
    return now, events


def by_admins(past: Past, now: Album) -> list[Source]:
    """The admins of a state; those first whom the event is not about."""
    target = getattr(past.recorded.event, "target", None)
    admins = [user for user, member in now.members.items() if member.is_admin]
    return [Source(user) for user in sorted(admins, key=lambda user: user == target)]


def comparable(album: Album, like: Album) -> Mapping[str, Any]:
    """A state without what an undo does not bring back, as far as another one lacks it."""
    providers = {
        name: (one.name, one.url)
        for name, one in album.report_providers.items()
        if not one.is_removed
    }
    return {
        "album": evolve(
            album,
            # Revoked, removed and forgotten things stay so; they are compared below.
            capability_tokens={},
            report_providers={},
            webhooks={name: evolve(one, secret=None) for name, one in album.webhooks.items()},
        ),
        "tokens": {
            name: evolve(one, revoked_at=None, revoked_by=None)
            for name, one in album.capability_tokens.items()
        },
        "providers": sorted(providers.values()),
    }


@settings(max_examples=at_length(10_000, 1_000))
@given(history=album_histories())
def test_an_event_that_is_taken_back_at_once_leaves_the_state_before_it(
    history: History[Album],
) -> None:
    """Every event of every history, by an admin of that moment."""
    for before, one, after in steps(history):
        past = Past(one, before, after, ANEW)
        admins = by_admins(past, after)
        if type(one.event) not in INVERSES or not admins:
            continue
        try:
            undone, events = taken_back(after, past, admins[0])
        except Forbidden:
            # The last admin cannot promote themselves, and nobody else is one.
            assert admins == [Source(one.event.target)]
            continue
        except NotUndoable:
            webhook = one.event.webhook_id
            old, new = before.webhooks[webhook], after.webhooks[webhook]
            assert old.secret is not None
            assert old != new == evolve(old, secret=new.secret)
            continue
        assert all(event.act.undoes == one.version for event in events)
        assert {type(event.event) for event in events} <= set(UNDO_EVENTS)
        if isinstance(one.event, AlbumCreated):
            assert undone == Album(phase=Phase.DELETED, created_at=one.at)
        else:
            assert comparable(undone, before) == comparable(before, before)
            assert {*undone.webhooks.items()} >= {
                *((name, hook) for name, hook in before.webhooks.items() if hook.secret is None)
            }
        if before == after and not isinstance(one.event, CommentPosted):
            assert not events
        else:
            assert events


USERS = [Source(user) for user in CAST.users]


@given(
    tried=album_commands(),
    undone=st.lists(st.tuples(st.integers(1, 60), st.sampled_from(USERS)), max_size=8),
)
def test_any_event_is_taken_back_at_any_time_or_refused(
    tried: list[Command[Album]], undone: list[tuple[int, Source]]
) -> None:
    """By anybody; the past stays as it was, the index is what the history means, and once is enough."""
    clock = Clock()
    with open_memory(clock=clock, snapshot_every=7) as store:
        play(store, clock, on(STREAM, tried))
        for version, source in undone:
            history, past = tuple(store.history(STREAM)), store.load(STREAM, version)
            now = store.load(STREAM)
            try:
                recorded = store.undo(ALBUMS[0], version, source)
            except AlbumcoreError as error:
                refused = refusal(history, now, version, source, error)
                recorded = ()
            else:
                refused = True
            assert refused
            after = fold(now, recorded)
            assert (store.load(STREAM), store.load(STREAM, len(history))) == (after, now)
            assert store.load(STREAM, version) == past or version > len(history)
            assert {one.act.undoes for one in recorded} <= {version}
            if source.user in after.members:
                assert not recorded or store.undo(ALBUMS[0], version, source) == ()
        assert rows_of(store) == rows_meant(store.history(STREAM))
        assert store.verify() == []


def refusal(
    history: History[Album], now: Album, version: int, source: Source, error: AlbumcoreError
) -> bool:
    """Whether a refusal is one that the history explains."""
    if source.user not in now.members:
        return error.code == "album_not_found"
    one = history[version - 1] if version <= len(history) else None
    shown = None if one is None else entry(one)
    if one is None or shown is None or not visible_to(source.user, shown):
        return error.code == "event_not_found"
    if isinstance(error, ChangedSince):
        # What came since is a mutation of the feed.
        assert error.version is not None
        assert error.version > version
        since = entry(history[error.version - 1])
        return since is not None and since.type.mutation == error.mutation_type
    if error.code == "id_taken":
        # A webhook was created with the id of the deleted one.
        return isinstance(one.event, WebhookDeleted) and one.event.webhook_id in now.webhooks
    if now.members[source.user].is_admin:
        return error.code in {"not_undoable", "series_in_another_study"} or (
            error.code == "forbidden" and getattr(one.event, "target", None) == source.user
        )
    return error.code in {"forbidden", "not_undoable", "series_in_another_study"}


@given(tried=album_commands(), data=st.data())
def test_a_withdrawn_comment_stays_an_entry_without_its_text(
    tried: list[Command[Album]], data: st.DataObject
) -> None:
    """In its place in every page, for everybody who sees it; the feed as of before shows the text."""
    clock = Clock()
    with open_memory(clock=clock) as store:
        play(store, clock, on(STREAM, tried))
        history = tuple(store.history(STREAM))
        comments = [one for one in history if isinstance(one.event, CommentPosted)]
        writers = [one for one in comments if one.act.user in store.load(STREAM).members]
        if not writers:
            return
        chosen = data.draw(st.sampled_from(writers))
        last, clock.now = clock.now, clock.now + timedelta(hours=1)
        store.undo(ALBUMS[0], chosen.version, Source(chosen.act.user))
        for viewer in store.load(STREAM).members:
            then = store.feed(ALBUMS[0], viewer, at=max(last, history[-1].at))
            for now in (
                store.feed(ALBUMS[0], viewer),
                store.feed(ALBUMS[0], viewer, at=clock.now),
            ):
                assert now.total == then.total
                for new, old in zip(now.entries, then.entries, strict=True):
                    is_it = old.recorded.version == chosen.version
                    assert new.recorded == old.recorded
                    assert new.comment == (WITHDRAWN if is_it else old.comment)
