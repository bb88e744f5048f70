"""The kinds of streams: their names, and their initial states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from albumcore import ids
from albumcore.albums import Album
from albumcore.erasures import Erasures
from albumcore.errors import Invalid
from albumcore.ids import AlbumId, PatientId, StudyUID, UserId
from albumcore.image_sets import PatientImageSet
from albumcore.kernel import Stream
from albumcore.study_comments import StudyComments
from albumcore.user_tokens import UserTokens

INITIAL: Mapping[str, Callable[[str], Any]] = {
    "album": lambda key: Album(),
    "erasures": lambda key: Erasures(),
    "images": lambda key: PatientImageSet(),
    "study": lambda key: StudyComments(),
    "user": lambda key: UserTokens(owner=UserId(key)),
}
"""The initial state, by kind of stream (its name before the first hyphen) and key."""


def album_stream(album_id: AlbumId) -> Stream[Album]:
    """The stream of an album.

    Raises:
        Invalid: the id is malformed.
    """
    return Stream(f"album-{ids.album_id(album_id)}", Album())


def patient_stream(patient: PatientId) -> Stream[PatientImageSet]:
    """The stream of a patient's image set.

    Raises:
        Invalid: the id is not positive.
    """
    if patient < 1:
        raise Invalid("patient", "a patient id is a positive number")
    return Stream(f"images-{patient}", PatientImageSet())


def user_stream(user: UserId) -> Stream[UserTokens]:
    """The stream of a user: their registration under a pseudonym, and the capability tokens that act as them.

    Raises:
        Invalid: the subject identifier is malformed.
    """
    return Stream(f"user-{ids.user_id(user)}", UserTokens(owner=user))


def study_stream(study_uid: StudyUID) -> Stream[StudyComments]:
    """The stream of the comments on a study.

    Raises:
        Invalid: the UID is malformed.
    """
    return Stream(f"study-{ids.study_uid(study_uid)}", StudyComments())


def erasures_stream() -> Stream[Erasures]:
    """The stream of the record of erasures. A store has one."""
    return Stream("erasures", Erasures())


def named_stream(name: str) -> Stream[Any]:
    """The stream of a name; `KeyError` if its kind is unknown."""
    kind, _, key = name.partition("-")
    return Stream(name, INITIAL[kind](key))


def key_of(stream: str) -> str:
    """The key in a stream's name: an album id, a patient id, a UID, or a subject identifier."""
    return stream.partition("-")[2]
