"""An album with the history of ours, as the documentation of the ``eventsourcing`` library would have it written."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import asdict
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from albumcore import (
    AdminDemoted,
    Album,
    AlbumCreated,
    AlbumEdited,
    CapabilityTokenIssued,
    CommentPosted,
    Event,
    FavoriteAdded,
    FavoriteRemoved,
    MemberAdded,
    MemberPromoted,
    ReportAdded,
    ReportProviderCreated,
    ReportProviderEdited,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
)
from albumcore.kernel import Act, shown_text
from benchmarks.history import album_history


class EqualAlbum(Aggregate):
    """The same state as our album's."""

    class Created(Aggregate.Created):
        """It was made."""

        by: str
        at: str
        name: str
        description: str
        flags: dict[str, bool]

    @event(Created)
    def __init__(
        self, by: str, at: str, name: str, description: str, flags: dict[str, bool]
    ) -> None:
        self.created = at
        self.name = name
        self.description = description
        self.flags = flags
        self.members: dict[str, dict[str, Any]] = {by: {"is_admin": True}}
        self.studies: dict[str, set[str]] = {}
        self.favorites: set[str] = set()
        self.providers: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}

    @event("AlbumEdited")
    def edit(self, by: str, at: str, description: str) -> None:
        """An admin described it anew."""
        self.description = description

    @event("MemberAdded")
    def add_member(self, by: str, at: str, target: str) -> None:
        """Somebody came in."""
        self.members[target] = {"is_admin": False}

    @event("RightSet")
    def set_right(self, by: str, at: str, target: str, is_admin: bool) -> None:
        """Somebody was promoted or demoted."""
        self.members[target]["is_admin"] = is_admin

    @event("CommentPosted")
    def post_comment(self, by: str, at: str, comment: str, target: str | None) -> None:
        """Somebody said something."""

    @event("SeriesImported")
    def import_series(
        self, by: str, at: str, through: str | None, study_uid: str, series_uids: list[str]
    ) -> None:
        """Series came in."""
        self.studies.setdefault(study_uid, set()).update(series_uids)

    @event("SeriesRemoved")
    def remove_series(
        self, by: str, at: str, through: str | None, study_uid: str, series_uids: list[str]
    ) -> None:
        """Series went out."""
        left = self.studies[study_uid]
        left.difference_update(series_uids)
        self.favorites.difference_update(series_uids)
        if not left:
            del self.studies[study_uid]

    @event("FavoriteSet")
    def set_favorite(
        self, by: str, at: str, study_uid: str, series_uids: list[str], is_favorite: bool
    ) -> None:
        """Series became favourites, or were no more."""
        change = self.favorites.update if is_favorite else self.favorites.difference_update
        change(series_uids)

    @event("ProviderSet")
    def set_provider(self, by: str, at: str, provider_id: str, name: str, url: str) -> None:
        """A report provider came in, or was renamed."""
        self.providers[provider_id] = {"name": name, "url": url}

    @event("TokenIssued")
    def issue_token(self, by: str, at: str, token_id: str, told: dict[str, Any]) -> None:
        """A capability token was made."""
        self.tokens[token_id] = told


class EqualAlbums(Application[UUID]):
    """Albums of that kind in SQLite; all else as the library has it."""

    env = {"PERSISTENCE_MODULE": "eventsourcing.sqlite"}


def fill_equal(albums: EqualAlbums, size: int) -> UUID:
    """Write the history of an album of that many events."""
    happened = album_history(size)
    act, created = next(happened)
    assert isinstance(created, AlbumCreated)
    flags = asdict(created.flags)
    by, at = str(act.user), act.at.isoformat()
    made = EqualAlbum(
        by=by,
        at=at,
        name=shown_text(created.name),
        description=shown_text(created.description),
        flags=flags,
    )
    _go_on(made, happened)
    albums.save(made)
    return made.id


def _go_on(made: EqualAlbum, happened: Iterable[tuple[Act, Event[Album]]]) -> None:
    for act, one in happened:
        by, at = str(act.user), act.at.isoformat()
        through = act.source.capability_token or act.source.report_provider
        match one:
            case CommentPosted(comment, target):
                made.post_comment(by, at, shown_text(comment), target)
            case SeriesImported(study, series) | ReportAdded(study, series):
                made.import_series(by, at, through, study, [series])
            case StudyImported(study, several):
                made.import_series(by, at, through, study, list(several))
            case SeriesRemoved(study, series):
                made.remove_series(by, at, through, study, [series])
            case StudyRemoved(study, several):
                made.remove_series(by, at, through, study, list(several))
            case FavoriteAdded(study, several):
                made.set_favorite(by, at, study, list(several), True)
            case FavoriteRemoved(study, several):
                made.set_favorite(by, at, study, list(several), False)
            case AlbumEdited(description=str(description)):
                made.edit(by, at, description)
            case MemberAdded(target):
                made.add_member(by, at, target)
            case MemberPromoted(target):
                made.set_right(by, at, target, True)
            case AdminDemoted(target):
                made.set_right(by, at, target, False)
            case ReportProviderCreated(provider, name, url):
                made.set_provider(by, at, provider, shown_text(name), shown_text(url))
            case ReportProviderEdited(provider, name, url):
                made.set_provider(by, at, provider, shown_text(name), shown_text(url))
            case CapabilityTokenIssued():
                made.issue_token(by, at, one.token_id, _plain(asdict(one)))
            case _:
                raise AssertionError(f"no equal of {one!r}")


def _plain(told: dict[str, Any]) -> dict[str, Any]:
    return {n: v.isoformat() if isinstance(v, datetime) else v for n, v in told.items()}
