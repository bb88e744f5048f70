"""Strategies for events one by one, each sound in itself but part of no history: for codecs and renderers."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any, get_args, get_type_hints

from attrs import fields
from hypothesis import strategies as st

from albumcore.albums import WebhookEvent
from albumcore.kernel import STORED, RecordedEvent
from albumcore.streams import (
    INITIAL,
    album_stream,
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
    "clinic": st.integers(1, 999),
    "comment": values.comments(),
    "content": values.contents(),
    "description": values.descriptions(),
    "digest": values.digests(),
    "event": st.sampled_from(WebhookEvent),
    "expires_at": values.times(),
    "flags": values.member_flags(),
    "grants": values.grants(),
    "image_id": values.image_ids(),
    "is_favorite": st.booleans(),
    "name": values.names(),
    "new_comment": st.booleans(),
    "new_series": st.booleans(),
    "not_before": values.times(),
    "provider_id": values.report_provider_ids(),
    "series_uid": values.series_uids(),
    "series_uids": st.lists(values.series_uids(), min_size=1, max_size=4, unique=True).map(tuple),
    "station": st.integers(1, 999),
    "study_uid": values.study_uids(),
    "target": values.user_ids(),
    "title": values.titles(),
    "token_id": values.capability_token_ids(),
    "type": values.image_types(),
    "url": values.urls(),
    "user": values.user_ids(),
    "webhook": values.webhooks(),
    "webhook_id": values.webhook_ids(),
}
"""One word per idea: a field of this name means the same in every event."""

_STREAMS: Mapping[str, st.SearchStrategy[str]] = {
    "album": values.album_ids().map(lambda key: album_stream(key).name),
    "images": values.patient_ids().map(lambda key: patient_stream(key).name),
    "study": values.study_uids().map(lambda key: study_stream(key).name),
    "user": values.user_ids().map(lambda key: user_stream(key).name),
}


def events(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Events of one stored class, with any sound value in each field."""
    hints = get_type_hints(cls)
    return st.builds(
        cls, **{field.name: _values_of(field.name, hints[field.name]) for field in fields(cls)}
    )


def _values_of(name: str, hint: Any) -> st.SearchStrategy[Any]:
    strategy = _FIELDS[name]
    return st.none() | strategy if NoneType in get_args(hint) else strategy


def recorded(cls: type[Any]) -> st.SearchStrategy[RecordedEvent[Any]]:
    """Events of one stored class in an envelope, anywhere in a stream of their kind."""
    name = next(name for name, known in STORED.items() if known is cls)
    kind = name.partition(".")[0]
    assert kind in INITIAL, f"{name!r} does not start with a kind of stream"
    return st.builds(
        RecordedEvent, _STREAMS[kind], st.integers(1, 2**31 - 1), values.acts(), events(cls)
    )
