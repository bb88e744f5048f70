"""Events of the report providers of an album."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from albumcore.albums.values import ReportProvider
from albumcore.ids import ReportProviderId
from albumcore.kernel import Act, assoc, changed, stored

if TYPE_CHECKING:
    from albumcore.albums.album import Album


@stored("album.report_provider_created")
@frozen
class ReportProviderCreated:
    """An admin let a report provider in."""

    provider_id: ReportProviderId
    name: str
    url: str

    def evolve(self, state: Album, act: Act) -> Album:
        """The album has this provider."""
        provider = ReportProvider(self.name, self.url, act.at)
        return changed(
            state, report_providers=assoc(state.report_providers, self.provider_id, provider)
        )


@stored("album.report_provider_edited")
@frozen
class ReportProviderEdited:
    """An admin renamed a report provider or moved its address; name and url are those after it."""

    provider_id: ReportProviderId
    name: str
    url: str

    def evolve(self, state: Album, act: Act) -> Album:
        """The provider goes by the new name and address."""
        provider = changed(state.report_providers[self.provider_id], name=self.name, url=self.url)
        return changed(
            state, report_providers=assoc(state.report_providers, self.provider_id, provider)
        )


@stored("album.report_provider_deleted")
@frozen
class ReportProviderDeleted:
    """An admin turned a report provider away."""

    provider_id: ReportProviderId

    def evolve(self, state: Album, act: Act) -> Album:
        """The provider is kept as removed: old events still name it."""
        provider = changed(state.report_providers[self.provider_id], is_removed=True)
        return changed(
            state, report_providers=assoc(state.report_providers, self.provider_id, provider)
        )
