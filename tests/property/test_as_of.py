"""Any moment of the past: its state and its feed."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from albumcore import Album, album_stream, fold
from albumcore.errors import AlbumNotFound
from albumcore.past import AlbumDifference, difference
from albumcore.testing import ALBUMS, CAST, START, Clock, Command, album_commands
from albumcore_adapters.store import open_memory
from support.facts import fact_of, facts_of, facts_predicted, standing_facts, standing_predicted
from support.naive import NaiveAlbum
from support.playing import on, play

ALBUM = ALBUMS[0]
STREAM = album_stream(ALBUM)
INSTANT = timedelta(microseconds=1)


@given(tried=album_commands(), data=st.data())
def test_moment_of_the_past_equals_what_was_true_then(
    tried: list[Command[Album]], data: st.DataObject
) -> None:
    """State and feed of a moment are what a naive model knew at that moment, the moment's own events included."""
    known, naive, clock = [(START - 2 * INSTANT, NaiveAlbum())], NaiveAlbum(), Clock()
    with open_memory(clock=clock, snapshot_every=4) as store:
        for command in tried:
            play(store, clock, on(STREAM, [command]))
            naive.predict(command.name, command.source, clock.now, command.args)
            known.append((clock.now, deepcopy(naive)))
        at, later = sorted(data.draw(st.tuples(moments_around(known), moments_around(known))))
        then, after = (
            [model for told, model in known if told <= moment][-1] for moment in (at, later)
        )
        found = difference(store.load(STREAM, at=at), store.load(STREAM, at=later))
        assert differing_facts(found) == differing_predicted(then, after)
        assert facts_of(store.load(STREAM, at=at)) == facts_predicted(then)
        for viewer in CAST.users:
            expected = then.see(viewer, {"comments", "mutations"})
            try:
                page = store.feed(ALBUM, viewer, at=at)
            except AlbumNotFound:
                assert expected == "album_not_found"
                continue
            assert ([fact_of(entry) for entry in page.entries], page.total) == expected
            assert standing_facts(page) == standing_predicted(then, expected[0])
            version = store.moment(STREAM, at).version
            assert store.feed(ALBUM, viewer, version=version) == page
            if naive.phase == "open":
                counts = store.album_counts(ALBUM, viewer, version)
                seen = then.see(viewer, {"comments"})[1]
                assert (counts.comments, counts.last_event_at) == (seen, then.last_event_at)


def differing_facts(found: AlbumDifference) -> dict[str, Any]:
    """What differs between two states, in plain words."""
    members = found.members
    return {
        "name": found.name,
        "description": found.description,
        "members": {
            "added": members.added,
            "removed": members.removed,
            "changed": members.changed,
        },
        "studies": (list(found.added_studies), list(found.removed_studies)),
        "series": (list(found.added_series), list(found.removed_series)),
    }


def differing_predicted(old: NaiveAlbum, new: NaiveAlbum) -> dict[str, Any]:
    """What should differ."""
    was, will_be = (
        {user: member["admin"] for user, member in one.members.items()} for one in (old, new)
    )
    both = was.keys() & will_be.keys()
    olds, news = (
        {(study, uid) for study, uids in one.studies.items() for uid in uids} for one in (old, new)
    )
    studies = {study for study, _ in olds}, {study for study, _ in news}
    return {
        "name": (old.name, new.name) if old.name != new.name else None,
        "description": (
            (old.description, new.description) if old.description != new.description else None
        ),
        "members": {
            "added": {user: will_be[user] for user in will_be.keys() - both},
            "removed": {user: was[user] for user in was.keys() - both},
            "changed": {user: will_be[user] for user in both if was[user] != will_be[user]},
        },
        "studies": (sorted(studies[1] - studies[0]), sorted(studies[0] - studies[1])),
        "series": (sorted(news - olds), sorted(olds - news)),
    }


def moments_around(known: list[tuple[datetime, NaiveAlbum]]) -> st.SearchStrategy[datetime]:
    """The moments that something happened at, those next to them, and those between."""
    shift = st.sampled_from([timedelta(0), -INSTANT, INSTANT, timedelta(minutes=30)])
    return st.builds(lambda one, by: one[0] + by, st.sampled_from(known[1:]), shift)


@given(tried=album_commands(), data=st.data())
def test_version_of_the_past_equals_the_fold_so_far(
    tried: list[Command[Album]], data: st.DataObject
) -> None:
    """A version is the fold of that many events; with a moment too, whichever comes first."""
    clock = Clock()
    with open_memory(clock=clock, snapshot_every=4) as store:
        play(store, clock, on(STREAM, tried))
        history = tuple(store.history(STREAM))
        version = data.draw(st.integers(0, len(history) + 2))
        at = data.draw(st.sampled_from(history)).at
        state = fold(STREAM.initial, history[:version])
        assert store.load(STREAM, version=version) == state
        assert tuple(store.history(STREAM, until=version)) == history[:version]
        by_then = [one for one in history if one.at <= at]
        assert store.load(STREAM, version, at) == fold(STREAM.initial, by_then[:version])
