"""Strategies for single events, each valid but part of no history: for tests of codecs and renderers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

from attrs import fields
from hypothesis import strategies as st

from albumcore.kernel import STORED, RecordedEvent
from albumcore.streams import (
    INITIAL,
    album_stream,
    erasures_stream,
    patient_stream,
    study_stream,
    user_stream,
)
from albumcore.testing import values

__all__ = [
    "events",
    "recorded",
]


_FIELDS: Mapping[str, st.SearchStrategy[Any]] = {
    "comment": values.comments(),
    "commitment": values.digests(),
    "description": values.descriptions(),
    "digest": values.digests(),
    "name": values.names(),
    "series_uids": st.lists(values.series_uids(), min_size=1, max_size=4, unique=True).map(tuple),
    "title": values.titles(),
    "url": values.urls(),
    "versions": st.lists(st.integers(1, 2**31 - 1), min_size=1, max_size=4).map(tuple),
}
"""Fields whose type does not say enough. One word per idea: a field of this name means the same in every event."""

_STREAMS: Mapping[str, st.SearchStrategy[str]] = {
    "album": values.album_ids().map(lambda key: album_stream(key).name),
    "erasures": st.just(erasures_stream().name),
    "images": values.patient_ids().map(lambda key: patient_stream(key).name),
    "study": values.study_uids().map(lambda key: study_stream(key).name),
    "user": values.user_ids().map(lambda key: user_stream(key).name),
}


def events(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Events of one stored class, with any valid value in each field."""
    hints = get_type_hints(cls)
    return st.builds(
        cls,
        **{one.name: values.of_type(hints[one.name], _FIELDS.get(one.name)) for one in fields(cls)},
    )


def recorded(cls: type[Any]) -> st.SearchStrategy[RecordedEvent[Any]]:
    """Recorded events of one stored class, at any version of a stream of their kind."""
    name = next(name for name, known in STORED.items() if known is cls)
    kind = name.partition(".")[0]
    assert kind in INITIAL, f"{name!r} does not start with a kind of stream"
    return st.builds(
        RecordedEvent, _STREAMS[kind], st.integers(1, 2**31 - 1), values.acts(), events(cls)
    )
