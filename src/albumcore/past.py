"""The past of a stream: its moments, and what changed in an album between two of them.

States and feeds of the past are read by `albumcore.queries`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from attrs import frozen

from albumcore.albums import Album
from albumcore.errors import Invalid
from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore.kernel import Erased, shown_text
from albumcore.times import Clock, in_utc, time_in

_TO_ITS_END = timedelta(microseconds=999_999)


@frozen
class Moment:
    """A moment in the history of a stream.

    Attributes:
        version: The version of the last event at or before it; 0 before the first event.
        at: The time (UTC).
    """

    version: int
    at: datetime


@frozen
class AlbumCounts:
    """What the album object shows beside the state of the album.

    Attributes:
        comments: The number of comments that the viewer could see.
        last_event_at: The time (UTC) of the last mutation, except those of webhooks, or comment to all.
    """

    comments: int
    last_event_at: datetime


def past_time(text: str, clock: Clock, field: str = "at") -> datetime:
    """Read a time of the past in ISO 8601 (UTC); without a zone it is UTC, as in the API's albums and events.

    A time in whole seconds counts to the end of its second, because times are shown in whole seconds: as of the time
    that is shown of an event, the event is included.

    Args:
        text: The text.
        clock: Returns the present time.
        field: Name of the parameter, for the error.

    Raises:
        Invalid: it is no such time, or as written it is in the future.
    """
    at = time_in(text, field, is_utc_by_default=True)
    if at > clock():
        raise Invalid(field, "a time of the past is expected", rule="past_time")
    return at if "." in text else in_utc(at + _TO_ITS_END, field)


@frozen
class MemberDifference:
    """Members who were added, who were removed, and who were made admins or plain members.

    Attributes:
        added: Those who were not members before, each with whether they are an admin after.
        removed: Those who are not members after, each with whether they were an admin before.
        changed: The others of whom it changed whether they are an admin, each with how it is after.
    """

    added: Mapping[UserId, bool]
    removed: Mapping[UserId, bool]
    changed: Mapping[UserId, bool]


@frozen
class AlbumDifference:
    """What differs between two states of an album.

    Attributes:
        name: The name before and after; None if it is the same.
        description: The description before and after; None if it is the same.
        members: The members.
        added_studies: The studies that no series was in the album of before, in order.
        removed_studies: The studies that no series is in the album of after, in order.
        added_series: The series that were not in the album before, each with its study, in order.
        removed_series: The series that are not in the album after, each with its study, in order.
    """

    name: tuple[str, str] | None
    description: tuple[str, str] | None
    members: MemberDifference
    added_studies: Collection[StudyUID]
    removed_studies: Collection[StudyUID]
    added_series: Collection[tuple[StudyUID, SeriesUID]]
    removed_series: Collection[tuple[StudyUID, SeriesUID]]


def _changed_text(old: str | Erased, new: str | Erased) -> tuple[str, str] | None:
    return None if old == new else (shown_text(old), shown_text(new))


def difference(before: Album, after: Album) -> AlbumDifference:
    """What differs between two states of an album."""
    old, new = _admins(before), _admins(after)
    old_series, new_series = _series(before), _series(after)
    return AlbumDifference(
        _changed_text(before.name, after.name),
        _changed_text(before.description, after.description),
        MemberDifference(
            {user: is_admin for user, is_admin in new.items() if user not in old},
            {user: is_admin for user, is_admin in old.items() if user not in new},
            {
                user: is_admin
                for user, is_admin in new.items()
                if old.get(user, is_admin) != is_admin
            },
        ),
        sorted(after.studies.keys() - before.studies.keys()),
        sorted(before.studies.keys() - after.studies.keys()),
        sorted(new_series - old_series),
        sorted(old_series - new_series),
    )


def _admins(album: Album) -> Mapping[UserId, bool]:
    return {user: member.is_admin for user, member in album.members.items()}


def _series(album: Album) -> set[tuple[StudyUID, SeriesUID]]:
    return {(study, uid) for study, series in album.studies.items() for uid in series}
