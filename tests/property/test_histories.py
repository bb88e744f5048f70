"""The public strategies give what they promise: valid histories, with everything in them that can happen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from time import process_time
from typing import Any, TypeVar

import pytest
from hypothesis import Phase, find, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from albumcore import (
    Album,
    AlbumCreated,
    AlbumDeleted,
    CommentPosted,
    Event,
    RecordedEvent,
    ReportAdded,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
)
from albumcore.erasures import ERASURE_NOTICES
from albumcore.feed import entry
from albumcore.kernel import STORED, fold
from albumcore.streams import named_stream
from albumcore.testing import (
    History,
    album_commands,
    album_histories,
    history_of,
    image_set_histories,
    study_comment_histories,
    user_token_histories,
)
from albumcore.testing import sources as any_sources
from support.deep import at_length

HISTORIES: dict[str, st.SearchStrategy[History[Any]]] = {
    "album": album_histories(),
    "images": image_set_histories(),
    "study": study_comment_histories(),
    "user": user_token_histories(),
}
T = TypeVar("T")
every_history = st.one_of(*HISTORIES.values())
DRAWN = at_length(3_000, 300)
"""Histories of albums that everything occurs in; of each of the simpler kinds, a third as many."""


def draws(strategy: st.SearchStrategy[T], number: int) -> list[T]:
    """So many examples, the same ones each time: what is said to occur is looked for in these."""
    found: list[T] = []

    def keep(example: T) -> bool:
        found.append(example)
        return False

    drawing = settings(max_examples=number, phases=[Phase.generate], database=None, deadline=None)
    with suppress(NoSuchExample):
        find(strategy, keep, settings=drawing, random=Random(0))
    return found


@pytest.fixture(scope="module")
def drawn() -> dict[str, list[History[Any]]]:
    """Histories by kind of stream."""
    return {
        kind: draws(histories, DRAWN if kind == "album" else DRAWN // 3)
        for kind, histories in HISTORIES.items()
    }


@settings(max_examples=at_length(10_000, 1_000))
@given(history=every_history)
def test_history_is_valid(history: History[Any]) -> None:
    """Versions count from 1, times never go back, and every event fits the state before it."""
    assert [one.version for one in history] == [*range(1, len(history) + 1)]
    assert [one.at for one in history] == sorted(one.at for one in history)
    assert len({one.stream for one in history}) <= 1
    if history:
        fold(named_stream(history[0].stream).initial, history)


BY_UNDO = {"album.comment_withdrawn", "album.member_settings_restored"}
BY_DECISION = [
    name
    for name, cls in STORED.items()
    if cls not in ERASURE_NOTICES
    and name not in {"erasures.recorded", "erasures.store_sealed", *BY_UNDO}
]
"""The stored classes that decisions lead to; those of erasures are in ``test_erasures``, of undo in ``test_undo``, of
sealing in ``test_sealed_copy``."""


@pytest.mark.parametrize("name", BY_DECISION)
def test_every_stored_class_occurs(name: str, drawn: dict[str, list[History[Any]]]) -> None:
    """No event class is missing from the histories of its kind of stream."""
    histories = drawn[name.partition(".")[0]]
    assert any(type(one.event) is STORED[name] for history in histories for one in history)


def through_a_token(one: RecordedEvent[Event[Album]]) -> bool:
    """Whether a capability token was acted through."""
    return one.act.source.capability_token is not None


def through_a_report_provider(one: RecordedEvent[Event[Album]]) -> bool:
    """Whether a report provider was acted through."""
    return one.act.source.report_provider is not None


def public_comment(one: RecordedEvent[Event[Album]]) -> bool:
    """Whether it is a comment to all."""
    return isinstance(one.event, CommentPosted) and one.event.target is None


def private_comment(one: RecordedEvent[Event[Album]]) -> bool:
    """Whether it is a comment to another."""
    return isinstance(one.event, CommentPosted) and one.event.target not in (None, one.act.user)


@pytest.mark.parametrize(
    "wanted", [through_a_token, through_a_report_provider, public_comment, private_comment]
)
def test_every_kind_of_source_and_comment_occurs(
    wanted: Callable[[RecordedEvent[Event[Album]]], bool], drawn: dict[str, list[History[Any]]]
) -> None:
    """Histories of albums are not made by users in person alone, nor do they all speak aloud."""
    assert any(wanted(one) for history in drawn["album"] for one in history)


def test_long_history_of_several_users_occurs(drawn: dict[str, list[History[Any]]]) -> None:
    """At least twelve entries in the feed, by three users."""
    assert any(
        sum(entry(one) is not None for one in history) >= 12
        and len({one.act.user for one in history}) >= 3
        for history in drawn["album"]
    )


class SeriesInAnAlbum:
    """A projection with a mistake: it does not know that a series can be removed by itself."""

    def __init__(self) -> None:
        self.series: set[tuple[str, str]] = set()

    def apply(self, event: Event[Album]) -> None:
        """Follow one event."""
        match event:
            case SeriesImported(study, series) | ReportAdded(study, series):
                self.series.add((study, series))
            case StudyImported(study, several):
                self.series.update((study, one) for one in several)
            case StudyRemoved(study):
                self.series = {one for one in self.series if one[0] != study}
            case AlbumDeleted():
                self.series.clear()


@pytest.mark.parametrize("number", range(at_length(20, 2)))
def test_planted_mistake_is_found_and_shrunk_to_three_events(number: int) -> None:
    """In 30 s of work; 200 s in a default run.

    With five times the examples that Hypothesis has by itself. An event is in one of 50 histories or more, so that in
    100 a rare one may be missing, and which seeds are unlucky changes with the constants in any source.
    """
    shortest: list[History[Album]] = []

    @seed(number)
    @settings(settings.get_profile("default"), max_examples=500, database=None, deadline=None)
    @given(history=album_histories())
    def projection_agrees(history: History[Album]) -> None:
        projection = SeriesInAnAlbum()
        for one in history:
            projection.apply(one.event)
        studies = fold(Album(), history).studies
        if projection.series != {(study, uid) for study, uids in studies.items() for uid in uids}:
            shortest[:] = [history]
            raise AssertionError("the projection differs")

    began = process_time()
    with pytest.raises(AssertionError, match="differs"):
        projection_agrees()
    created, imported, removed = (type(one.event) for one in shortest[0])
    assert (created, removed) == (AlbumCreated, SeriesRemoved)
    assert imported in (SeriesImported, StudyImported, ReportAdded)
    assert process_time() - began < at_length(30, 200)


def test_every_kind_of_event_is_common(drawn: dict[str, list[History[Any]]]) -> None:
    """Each kind of an album's events is in one of 50 histories or more: no decision is left to luck."""
    seen = Counter(
        kind for history in drawn["album"] for kind in {type(one.event) for one in history}
    )
    kinds = {STORED[name] for name in BY_DECISION if name.startswith("album.")}
    assert {cls.__name__: seen[cls] for cls in kinds if seen[cls] * 50 < DRAWN} == {}


def test_refused_commands_are_common() -> None:
    """In one of 20 lists of commands or more, some lead to nothing."""
    lists = draws(album_commands(), DRAWN // 3)
    stream = named_stream("album-A")
    refused = sum(len(history_of(stream, tried)) < len(tried) for tried in lists)
    assert refused * 20 >= len(lists)


@given(source=any_sources())
def test_source_acts_through_one_thing(source: Any) -> None:
    """Nobody acts through a capability token and a report provider at once."""
    assert source.capability_token is None or source.report_provider is None
