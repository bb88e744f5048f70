"""A page of a feed, with what is true now of everyone and everything named on it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from albumcore.albums import Album
from albumcore.feed.entries import Entry
from albumcore.ids import (
    CapabilityTokenId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
)


@frozen
class ReportProviderStatus:
    """A report provider by its present name, and whether it is removed by now."""

    name: str
    is_removed: bool


@frozen
class AlbumStatus:
    """What holds at the moment of looking, whenever the entries happened (Kheops API 7.1).

    Attributes:
        admins: The members, each with whether he is an admin. Who is absent is no member.
        providers: The report providers, deleted ones included.
        tokens: Titles of the album's capability tokens.
        series: The series in the album.
    """

    admins: Mapping[UserId, bool] = field(factory=dict)
    providers: Mapping[ReportProviderId, ReportProviderStatus] = field(factory=dict)
    tokens: Mapping[CapabilityTokenId, str] = field(factory=dict)
    series: frozenset[SeriesUID] = frozenset()


@frozen
class FeedPage:
    """One page of a feed, newest entry first.

    Attributes:
        entries: The entries of the page.
        total: How many entries the viewer could see under the same selection, whatever the page.
        standing: What holds now of those named on the page; it may know more than the page needs.
    """

    entries: tuple[Entry, ...]
    total: int
    standing: AlbumStatus

    @property
    def users(self) -> frozenset[UserId]:
        """Everyone who is named on the page."""
        named = (sub for one in self.entries for sub in (one.author, one.target))
        return frozenset(sub for sub in named if sub is not None)

    @property
    def studies(self) -> frozenset[StudyUID]:
        """The studies that entries of the page are about."""
        return frozenset(one.study_uid for one in self.entries if one.study_uid is not None)

    @property
    def series(self) -> frozenset[SeriesUID]:
        """The series that entries of the page are about."""
        return frozenset(uid for one in self.entries for uid in one.series_uids)


def album_status_of(album: Album) -> AlbumStatus:
    """The standing that a state of the album amounts to."""
    return AlbumStatus(
        {user: member.is_admin for user, member in album.members.items()},
        {
            provider_id: ReportProviderStatus(provider.name, provider.is_removed)
            for provider_id, provider in album.report_providers.items()
        },
        {token_id: token.title for token_id, token in album.capability_tokens.items()},
        frozenset(uid for series in album.studies.values() for uid in series),
    )
