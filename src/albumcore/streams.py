"""The streams there are: what each is called, and the state each starts from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from albumcore.albums import Album
from albumcore.capabilities import UserTokens
from albumcore.ids import AlbumId, PatientId, UserId
from albumcore.imagesets import PatientImageSet
from albumcore.kernel import Stream

INITIAL: Mapping[str, Any] = {
    "album": Album(),
    "images": PatientImageSet(),
    "user": UserTokens(),
}
"""The state before the first event, by kind of stream: the part of its name before the first hyphen."""


def album_stream(album_id: AlbumId) -> Stream[Album]:
    """The stream of an album."""
    return Stream(f"album-{album_id}", INITIAL["album"])


def patient_stream(patient: PatientId) -> Stream[PatientImageSet]:
    """The stream of a patient's image set."""
    return Stream(f"images-{patient}", INITIAL["images"])


def user_stream(user: UserId) -> Stream[UserTokens]:
    """The stream of the capability tokens that act as a user."""
    return Stream(f"user-{user}", INITIAL["user"])


def named_stream(name: str) -> Stream[Any]:
    """The stream of that name; `KeyError` where the kind is unknown."""
    kind, _, _ = name.partition("-")
    return Stream(name, INITIAL[kind])


def key_of(stream: str) -> str:
    """What the stream is of: an album id, a patient id, a sub."""
    return stream.partition("-")[2]
