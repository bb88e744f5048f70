"""Report providers of an album: the decisions (Kheops API 8)."""

from __future__ import annotations

from attrs import frozen

from albumcore.albums import events as happened
from albumcore.albums.events import Decided
from albumcore.albums.state import AlbumState
from albumcore.albums.values import Permission, ReportProvider, check_provider_text
from albumcore.errors import IdTaken, ReportProviderNotFound
from albumcore.ids import ReportProviderId
from albumcore.kernel import Act


@frozen(slots=False)
class ReportProviders(AlbumState):
    """What can be decided about the report providers of an album."""

    def create_report_provider(
        self, act: Act, provider_id: ReportProviderId, name: str, url: str
    ) -> Decided:
        """Let a report provider in (Kheops API 8).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            Invalid: name or url break their limits.
            IdTaken: the provider id was used before.
        """
        self.require(act, Permission.MANAGE_REPORT_PROVIDERS)
        checked = check_provider_text("name", name), check_provider_text("url", url)
        if provider_id in self.report_providers:
            raise IdTaken("this report provider id was used before")
        return (happened.ReportProviderCreated(provider_id, *checked),)

    def edit_report_provider(
        self,
        act: Act,
        provider_id: ReportProviderId,
        name: str | None = None,
        url: str | None = None,
    ) -> Decided:
        """Rename a report provider or move its address (Kheops API 8).

        It is recorded even when nothing changed: the contract wants it.

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            Invalid: name or url break their limits.
            ReportProviderNotFound: unknown or deleted.
        """
        self.require(act, Permission.MANAGE_REPORT_PROVIDERS)
        new_name = None if name is None else check_provider_text("name", name)
        new_url = None if url is None else check_provider_text("url", url)
        provider = self._provider(act, provider_id)
        return (
            happened.ReportProviderEdited(
                provider_id, new_name or provider.name, new_url or provider.url
            ),
        )

    def delete_report_provider(self, act: Act, provider_id: ReportProviderId) -> Decided:
        """Turn a report provider away (Kheops API 8).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            ReportProviderNotFound: unknown, or deleted before.
        """
        self._provider(act, provider_id)
        return (happened.ReportProviderDeleted(provider_id),)

    def _provider(self, act: Act, provider_id: ReportProviderId) -> ReportProvider:
        self.require(act, Permission.MANAGE_REPORT_PROVIDERS)
        provider = self.report_providers.get(provider_id)
        if provider is None or provider.is_removed:
            raise ReportProviderNotFound("no such report provider in this album")
        return provider
