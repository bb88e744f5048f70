"""Strategies for valid histories: events of real decisions, with versions 1, 2, 3, ... and never decreasing times."""

from __future__ import annotations

from hypothesis import strategies as st

from albumcore.albums import Album
from albumcore.ids import AlbumId, ImageId, PatientId, StudyUID, UserId
from albumcore.image_sets import PatientImageSet
from albumcore.streams import album_stream, patient_stream, study_stream, user_stream
from albumcore.study_comments import StudyComments
from albumcore.testing.arguments import ALBUMS, CAST, IMAGES, PATIENTS, Cast
from albumcore.testing.commands import (
    History,
    album_commands,
    history_of,
    image_set_commands,
    study_comment_commands,
    user_token_commands,
)
from albumcore.user_tokens import UserTokens

__all__ = [
    "album_histories",
    "image_set_histories",
    "study_comment_histories",
    "user_token_histories",
]


def album_histories(
    album_id: AlbumId = ALBUMS[0], cast: Cast = CAST, max_commands: int = 50
) -> st.SearchStrategy[History[Album]]:
    """Histories of an album: its creation, then events by its members, tokens and report providers."""
    return album_commands(cast, max_commands).map(
        lambda tried: history_of(album_stream(album_id), tried)
    )


def user_token_histories(
    owner: UserId = CAST.users[0], max_commands: int = 20
) -> st.SearchStrategy[History[UserTokens]]:
    """Histories of the capability tokens that act as a user."""
    cast = Cast(users=(owner, UserId(f"not {owner}")))
    return user_token_commands(cast, max_commands).map(
        lambda tried: history_of(user_stream(owner), tried)
    )


def study_comment_histories(
    study_uid: StudyUID = CAST.series[0][0], cast: Cast = CAST, max_commands: int = 20
) -> st.SearchStrategy[History[StudyComments]]:
    """Histories of the comments on a study; they may be empty."""
    return study_comment_commands(cast, max_commands).map(
        lambda tried: history_of(study_stream(study_uid), tried)
    )


def image_set_histories(
    patient: PatientId = PATIENTS[0],
    image_ids: tuple[ImageId, ...] = IMAGES,
    max_commands: int = 30,
) -> st.SearchStrategy[History[PatientImageSet]]:
    """Histories of a patient's image set; they may be empty."""
    return image_set_commands(image_ids, max_size=max_commands).map(
        lambda tried: history_of(patient_stream(patient), tried)
    )
