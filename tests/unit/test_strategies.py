"""What the public strategies draw is what they say, and Hypothesis learns of them; how varied it is, properties say."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points, requires
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import albumcore
import albumcore_hypothesis
from albumcore import MemberAdded, fold
from albumcore.kernel import STORED, RecordedEvent, stored_name
from albumcore.streams import named_stream
from albumcore.testing import (
    album_histories,
    image_set_histories,
    recorded,
    study_comment_histories,
    user_token_histories,
)
from albumcore.testing.values import BY_TYPE

few = settings(max_examples=3)


@pytest.mark.parametrize("type_", [*BY_TYPE, MemberAdded], ids=lambda one: one.__name__)
@few
@given(data=st.data())
def test_from_type_gives_ids_values_and_events(type_: Any, data: st.DataObject) -> None:
    """By the type alone; an id is a text or a number."""
    drawn = data.draw(st.from_type(type_))
    assert isinstance(drawn, getattr(type_, "__supertype__", type_))


@pytest.mark.parametrize("cls", STORED.values(), ids=STORED)
@few
@given(data=st.data())
def test_recorded_events_are_of_their_class_and_stream(cls: type[Any], data: st.DataObject) -> None:
    """The kind of the stream is that of the stored name."""
    one = data.draw(recorded(cls))
    assert type(one) is RecordedEvent
    assert type(one.event) is cls
    assert stored_name(cls).name.partition(".")[0] == one.stream.partition("-")[0]


@pytest.mark.parametrize(
    "histories",
    [album_histories, image_set_histories, study_comment_histories, user_token_histories],
    ids=lambda one: one.__name__,
)
@few
@given(data=st.data())
def test_histories_can_be_folded(histories: Any, data: st.DataObject) -> None:
    """Their versions count from 1, and every event fits the state before it."""
    history = data.draw(histories())
    assert [one.version for one in history] == [*range(1, len(history) + 1)]
    if history:
        fold(named_stream(history[0].stream).initial, history)


def test_the_entry_point_is_installed() -> None:
    """With the package, under the group that Hypothesis reads."""
    (found,) = entry_points(group="hypothesis", name="albumcore")
    assert found.load() is albumcore_hypothesis.register


def test_the_oldest_version_is_that_of_the_extra() -> None:
    """With an older one nothing is registered, for the strategies cannot be imported then."""
    (wanted,) = [one for one in requires("albumcore") or () if one.startswith("hypothesis")]
    assert f"hypothesis>={'.'.join(map(str, albumcore._HYPOTHESIS))};" in wanted.replace(" ", "")


def test_nothing_is_registered_without_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor with an older one: what it takes is not even imported."""
    monkeypatch.delitem(sys.modules, "albumcore.testing.types")
    for found in (None, SimpleNamespace(__version_info__=(6, 129, 9))):
        monkeypatch.setitem(sys.modules, "hypothesis", cast(Any, found))
        albumcore_hypothesis.register()
    assert "albumcore.testing.types" not in sys.modules
