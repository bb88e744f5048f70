"""Report providers of an album: outside services that may add reports (Kheops API 8)."""

from __future__ import annotations

from attrs import field, frozen

from albumcore.albums.album import Album, Permission
from albumcore.albums.values import ReportProvider, check_provider_text, text_left
from albumcore.errors import IdTaken, ReportProviderNotFound
from albumcore.ids import ReportProviderId
from albumcore.kernel import PERSONAL, Act, Erased, assoc, changed, stored

__all__ = [
    "ReportProviderCreated",
    "ReportProviderDeleted",
    "ReportProviderEdited",
    "create_report_provider",
    "delete_report_provider",
    "edit_report_provider",
]


@stored("album.report_provider_created")
@frozen
class ReportProviderCreated:
    """An admin added a report provider."""

    provider_id: ReportProviderId
    name: str | Erased = field(metadata=PERSONAL)
    url: str | Erased = field(metadata=PERSONAL)

    def evolve(self, album: Album, act: Act) -> Album:
        """The album has this provider."""
        return _with(album, self.provider_id, ReportProvider(self.name, self.url, act.at))


@stored("album.report_provider_edited")
@frozen
class ReportProviderEdited:
    """An admin changed a report provider; ``name`` and ``url`` are the values after the change."""

    provider_id: ReportProviderId
    name: str | Erased = field(metadata=PERSONAL)
    url: str | Erased = field(metadata=PERSONAL)

    def evolve(self, album: Album, act: Act) -> Album:
        """The provider has the new name and address."""
        provider = changed(album.report_providers[self.provider_id], name=self.name, url=self.url)
        return _with(album, self.provider_id, provider)


@stored("album.report_provider_deleted")
@frozen
class ReportProviderDeleted:
    """An admin deleted a report provider."""

    provider_id: ReportProviderId

    def evolve(self, album: Album, act: Act) -> Album:
        """The provider stays on the list as removed, because older events name it."""
        provider = changed(album.report_providers[self.provider_id], is_removed=True)
        return _with(album, self.provider_id, provider)


def create_report_provider(
    album: Album, act: Act, provider_id: ReportProviderId, name: str, url: str
) -> tuple[ReportProviderCreated, ...]:
    """Add a report provider (Kheops API 8).

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        Invalid: name or url break their limits.
        IdTaken: the provider id was used before.
    """
    album.require(act, Permission.MANAGE_REPORT_PROVIDERS)
    checked = check_provider_text("name", name), check_provider_text("url", url)
    if provider_id in album.report_providers:
        raise IdTaken("this report provider id was used before")
    return (ReportProviderCreated(provider_id, *checked),)


def edit_report_provider(
    album: Album,
    act: Act,
    provider_id: ReportProviderId,
    name: str | None = None,
    url: str | None = None,
) -> tuple[ReportProviderEdited, ...]:
    """Change name or address of a report provider (Kheops API 8).

    The event is recorded even if nothing changes, as the API wants.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        Invalid: name or url break their limits; or one is left that was erased.
        ReportProviderNotFound: unknown or deleted.
    """
    album.require(act, Permission.MANAGE_REPORT_PROVIDERS)
    new_name = None if name is None else check_provider_text("name", name)
    new_url = None if url is None else check_provider_text("url", url)
    old = _provider(album, provider_id)
    edited = ReportProviderEdited(
        provider_id,
        new_name or text_left("name", old.name),
        new_url or text_left("url", old.url),
    )
    return (edited,)


def delete_report_provider(
    album: Album, act: Act, provider_id: ReportProviderId
) -> tuple[ReportProviderDeleted, ...]:
    """Delete a report provider (Kheops API 8).

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        ReportProviderNotFound: unknown, or deleted before.
    """
    album.require(act, Permission.MANAGE_REPORT_PROVIDERS)
    _provider(album, provider_id)
    return (ReportProviderDeleted(provider_id),)


def _provider(album: Album, provider_id: ReportProviderId) -> ReportProvider:
    provider = album.report_providers.get(provider_id)
    if provider is None or provider.is_removed:
        raise ReportProviderNotFound("no such report provider in this album")
    return provider


def _with(album: Album, provider_id: ReportProviderId, provider: ReportProvider) -> Album:
    return changed(album, report_providers=assoc(album.report_providers, provider_id, provider))
