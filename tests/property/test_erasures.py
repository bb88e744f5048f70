"""Erasing events of a history: a state in a cache, a replay and the index rows agree on what is left."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from albumcore import Act, CommandKey, RecordedEvent, Source, UserId
from albumcore.erasures import erasure_notice
from albumcore.kernel import fold
from albumcore.streams import named_stream
from albumcore.testing import (
    History,
    album_histories,
    digests,
    image_set_histories,
    study_comment_histories,
    user_token_histories,
)
from support.blanks import is_personal, without_keys
from support.deep import at_length
from support.facts import rows_meant

OPERATOR = Source(UserId("operator"))
HISTORIES: dict[str, st.SearchStrategy[History[Any]]] = {
    "album": album_histories(),
    "images": image_set_histories(),
    "study": study_comment_histories(),
    "user": user_token_histories(),
}
each_kind = pytest.mark.parametrize("kind", HISTORIES)
Log = list[RecordedEvent[Any]]


@frozen
class Erasing:
    """A log in which some events were erased, perhaps in several goes, each with its notice.

    Attributes:
        log: All events as they were written, notices included.
        gone: Before which version of the log each go was, and what was erased by then.
    """

    log: Log
    gone: tuple[tuple[int, frozenset[int]], ...]

    def read(self, until: int, seen: int) -> Log:
        """The log up to a version, as one reads it who knows of so many goes."""
        known = self.gone[seen - 1][1] if seen else frozenset()
        return without_keys(self.log[:until], known)


@st.composite
def erasings(draw: st.DrawFn, kind: str) -> Erasing:
    """A history of a kind of stream with up to three erasures in it; some commands have a key."""
    history: Log = list(draw(HISTORIES[kind].filter(len)))
    for number, one in enumerate(history):
        if draw(st.integers(0, 3)) == 0:
            content = draw(st.none() | digests())
            act = evolve(one.act, command=CommandKey(f"try-{number}", content))
            history[number] = evolve(one, act=act)
    # No event is about an image after its erasure.
    first = len(history) if kind == "images" else 1
    at = sorted(draw(st.lists(st.integers(first, len(history)), min_size=1, max_size=3)))
    log: Log = []
    gone: list[tuple[int, frozenset[int]]] = []
    known: frozenset[int] = frozenset()
    for number, one in enumerate(history, 1):
        log.append(evolve(one, version=len(log) + 1))
        for _ in range(at.count(number)):
            left = [one.version for one in log if is_personal(one) and one.version not in known]
            if not left:
                continue
            chosen = draw(st.sets(st.sampled_from(left), min_size=1))
            known |= chosen
            gone.append((len(log) + 1, known))
            log.append(notice(log, known, chosen))
    return Erasing(log, tuple(gone))


def notice(log: Log, known: frozenset[int], chosen: set[int]) -> RecordedEvent[Any]:
    """The event that says which of a log were erased now."""
    state = fold(named_stream(log[0].stream).initial, without_keys(log, known))
    made = erasure_notice(state, tuple(sorted(chosen)))
    return RecordedEvent(log[0].stream, len(log) + 1, Act(OPERATOR, log[-1].at), made)


@each_kind
@settings(max_examples=at_length(2_000, 100))
@given(data=st.data())
def test_a_cached_state_moves_on_to_what_a_replay_says(kind: str, data: st.DataObject) -> None:
    """Whenever it was cached, and whatever was erased by then."""
    erasing = data.draw(erasings(kind))
    log, goes = erasing.log, len(erasing.gone)
    initial = named_stream(log[0].stream).initial
    replayed = fold(initial, erasing.read(len(log), goes))
    seen = data.draw(st.integers(0, goes))
    latest = erasing.gone[seen][0] - 1 if seen < goes else len(log)
    version = data.draw(st.integers(0, latest))
    cached = fold(initial, erasing.read(version, seen))
    assert fold(cached, erasing.read(len(log), goes)[version:]) == replayed


@each_kind
@settings(max_examples=at_length(1_000, 50))
@given(data=st.data())
def test_rows_are_those_of_a_rebuild(kind: str, data: st.DataObject) -> None:
    """Rows that were written event by event, the notices too, are those of the log as it is read in the end."""
    erasing = data.draw(erasings(kind))
    assert rows_meant(erasing.log) == rows_meant(erasing.read(len(erasing.log), len(erasing.gone)))
