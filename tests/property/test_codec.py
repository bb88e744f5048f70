"""What is stored comes back as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albumcore import (
    Stream,
    album_stream,
    fold,
    patient_stream,
    study_stream,
    user_stream,
)
from albumcore.codec import Codec, Snapshot
from albumcore.kernel import STORED
from albumcore.testing import (
    ALBUMS,
    CAST,
    PATIENTS,
    START,
    History,
    album_histories,
    image_set_histories,
    recorded,
    study_comment_histories,
    user_token_histories,
)
from support.blanks import without_keys
from support.sealed import SEALING, keyed, sealed_in, without_key

CODEC = Codec()


of_each_class = settings(max_examples=max(10, settings().max_examples // 5))
"""As many examples of one class of event: there are forty, and most of what they do is the same code."""


@pytest.mark.parametrize("cls", STORED.values(), ids=STORED)
@of_each_class
@given(data=st.data())
def test_round_trip_of_an_event(cls: type[Any], data: st.DataObject) -> None:
    """Any event of any class, by any source, at any moment, in any stream of its kind, in clear and sealed."""
    one = data.draw(recorded(cls))
    for codec in (CODEC, SEALING):
        assert codec.to_domain_event(codec.to_stored_event(one)) == one


@pytest.mark.parametrize("cls", STORED.values(), ids=STORED)
@of_each_class
@given(data=st.data())
def test_an_event_whose_key_is_gone(cls: type[Any], data: st.DataObject) -> None:
    """What it said is erased, and the rest of it as it was; in its bytes nothing of that can be found."""
    one = data.draw(recorded(cls))
    stored, [blank] = keyed(one), without_keys([one], [one.version])
    assert SEALING.to_domain_event(without_key(stored)) == blank
    beside = CODEC.to_stored_event(blank).state
    for text in (str(value).encode() for value in sealed_in(one)):
        assert len(text) < 8 or text not in stored.state or text in beside


@pytest.mark.parametrize(
    ("stream", "histories"),
    [
        (album_stream(ALBUMS[0]), album_histories()),
        (patient_stream(PATIENTS[0]), image_set_histories()),
        (study_stream(CAST.series[0][0]), study_comment_histories()),
        (user_stream(CAST.users[0]), user_token_histories()),
    ],
    ids=["album", "images", "study", "user"],
)
@given(data=st.data())
def test_round_trip_of_a_snapshot(
    stream: Stream[Any], histories: st.SearchStrategy[History[Any]], data: st.DataObject
) -> None:
    """Any state that decisions can lead to."""
    history = data.draw(histories)
    state = fold(stream.initial, history)
    snapshot = Snapshot(stream.name, len(history), history[-1].at if history else START, state)
    assert CODEC.to_domain_event(CODEC.to_stored_event(snapshot)) == snapshot
