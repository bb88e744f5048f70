"""Report providers of an album over HTTP (Kheops API 8).

An address is asked whether it is a report provider's after everything else was found good, and before anything is
decided: neither a stranger nor a slip in a form has this service send a request.
"""

from __future__ import annotations

from attrs import evolve

from adapters.http.kheops.ask import Ask
from adapters.http.kheops.params import Fields, Page
from adapters.http.kheops.render import Json, present
from adapters.providers import check_metadata
from albumcore import Album
from albumcore.albums import ReportProvider
from albumcore.albums.values import check_provider_text
from albumcore.errors import Invalid, ReportProviderNotFound
from albumcore.ids import ReportProviderId
from albumcore.times import local_time

ID_LENGTH = 22


def create(ask: Ask) -> None:
    """Let a report provider in."""
    form = ask.form()
    name, url = (check_provider_text(field, form.text(field) or "") for field in ("name", "url"))
    _check(ask, url)
    provider_id = ReportProviderId(ask.deployment.make_id(ID_LENGTH))
    [recorded] = ask.decide(Album.create_report_provider, provider_id, name, url)
    ask.answer(_provider_json(provider_id, ReportProvider(name, url, recorded.at)), 201)


def list_all(ask: Ask) -> None:
    """List the report providers that were not deleted, the one created last first."""
    page = Page.of(ask.query)
    shown = [
        _provider_json(provider_id, provider)
        for provider_id, provider in ask.deployment.albums.load(ask.stream).report_providers.items()
        if not provider.is_removed
    ]
    ask.answer(shown[::-1][page.slice], total=len(shown))


def get(ask: Ask) -> None:
    """Show a report provider."""
    ask.answer(_provider_json(_named(ask), _provider(ask)))


def edit(ask: Ask) -> None:
    """Rename a report provider, or move its address; what is empty stays as it is."""
    form = ask.form()
    name, url = _changed(form, "name"), _changed(form, "url")
    provider = _provider(ask)
    if url is not None:
        _check(ask, url)
    [recorded] = ask.decide(Album.edit_report_provider, _named(ask), name, url)
    edited = evolve(provider, name=recorded.event.name, url=recorded.event.url)
    ask.answer(_provider_json(_named(ask), edited))


def delete(ask: Ask) -> None:
    """Turn a report provider away; old events still name it."""
    ask.decide(Album.delete_report_provider, _named(ask))
    ask.done()


def metadata(ask: Ask) -> None:
    """Ask an address what it says of itself as a report provider, and whether one can work with that."""
    url = ask.form().text("url")
    if not url:
        raise Invalid("url", "it is needed")
    found = check_metadata(ask.deployment.outbound, url)
    told = present(valid=found.valid, error_description=found.error_description)
    ask.answer(told | dict(found.metadata))


def _named(ask: Ask) -> ReportProviderId:
    return ReportProviderId(ask.path["client"])


def _provider(ask: Ask) -> ReportProvider:
    provider = ask.deployment.albums.load(ask.stream).report_providers.get(_named(ask))
    if provider is None or provider.is_removed:
        raise ReportProviderNotFound("no such report provider in this album")
    return provider


def _changed(form: Fields, name: str) -> str | None:
    text = form.text(name)
    return check_provider_text(name, text) if text else None


def _check(ask: Ask, url: str) -> None:
    found = check_metadata(ask.deployment.outbound, url)
    if not found.valid:
        raise Invalid("url", f"no report provider is there. {found.error_description}")


def _provider_json(provider_id: ReportProviderId, provider: ReportProvider) -> Json:
    return {
        "name": provider.name,
        "url": provider.url,
        "client_id": provider_id,
        "created_time": local_time(provider.created_at),
    }
