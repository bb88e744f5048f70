"""Report providers of an album over HTTP (Kheops API 8).

An address is asked whether it is a report provider's after everything else was found good, and before anything is
decided: neither a stranger nor a slip in a form has this service send a request.
"""

from __future__ import annotations

from attrs import evolve

from albumcore import Album, Permission
from albumcore.albums import ReportProvider
from albumcore.albums.events import (
    ReportProviderCreated,
    ReportProviderDeleted,
    ReportProviderEdited,
)
from albumcore.albums.values import check_provider_text
from albumcore.errors import Invalid, ReportProviderNotFound
from albumcore.ids import ReportProviderId
from albumcore.times import local_time
from albumcore_adapters.http.kheops.common import DONE, NOTHING, PAGE, listed, shown
from albumcore_adapters.http.kheops.feed_json import Json, present
from albumcore_adapters.http.kheops.params import Fields, Page
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.openapi.parts import ParameterSpec, text
from albumcore_adapters.http.openapi.values import ADDRESS, ADDRESS_OR_NONE, PLAIN
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.outbound import check_metadata

ID_LENGTH = 22


def create(request: ApiRequest) -> None:
    """Let a report provider in."""
    form = request.form()
    name, url = (check_provider_text(field, form.text(field) or "") for field in ("name", "url"))
    _check(request, url)
    provider_id = ReportProviderId(request.service.make_id(ID_LENGTH))
    [recorded] = request.decide(Album.create_report_provider, provider_id, name, url)
    request.answer(_provider_json(provider_id, ReportProvider(name, url, recorded.at)), 201)


def list_all(request: ApiRequest) -> None:
    """List the report providers that were not deleted, the one created last first."""
    page = Page.of(request.query)
    shown = [
        _provider_json(provider_id, provider)
        for provider_id, provider in request.service.albums.load(
            request.stream
        ).report_providers.items()
        if not provider.is_removed
    ]
    request.answer(shown[::-1][page.slice], total=len(shown))


def get(request: ApiRequest) -> None:
    """Show a report provider."""
    request.answer(_provider_json(_named(request), _provider(request)))


def edit(request: ApiRequest) -> None:
    """Rename a report provider, or move its address; what is empty stays as it is."""
    form = request.form()
    name, url = _changed(form, "name"), _changed(form, "url")
    provider = _provider(request)
    if url is not None:
        _check(request, url)
    [recorded] = request.decide(Album.edit_report_provider, _named(request), name, url)
    edited = evolve(provider, name=recorded.event.name, url=recorded.event.url)
    request.answer(_provider_json(_named(request), edited))


def delete(request: ApiRequest) -> None:
    """Turn a report provider away; old events still name it."""
    request.decide(Album.delete_report_provider, _named(request))
    request.done()


def metadata(request: ApiRequest) -> None:
    """Ask an address what it says of itself as a report provider, and whether one can work with that."""
    url = request.form().text("url")
    if not url:
        raise Invalid("url", "it is needed")
    found = check_metadata(request.service.outbound, url)
    told = present(valid=found.valid, error_description=found.error_description)
    request.answer(told | dict(found.metadata))


def _named(request: ApiRequest) -> ReportProviderId:
    return ReportProviderId(request.path["client"])


def _provider(request: ApiRequest) -> ReportProvider:
    provider = request.service.albums.load(request.stream).report_providers.get(_named(request))
    if provider is None or provider.is_removed:
        raise ReportProviderNotFound("no such report provider in this album")
    return provider


def _changed(form: Fields, name: str) -> str | None:
    text = form.text(name)
    return check_provider_text(name, text) if text else None


def _check(request: ApiRequest, url: str) -> None:
    found = check_metadata(request.service.outbound, url)
    if not found.valid:
        raise Invalid("url", f"no report provider is there. {found.error_description}")


def _provider_json(provider_id: ReportProviderId, provider: ReportProvider) -> Json:
    return {
        "name": provider.name,
        "url": provider.url,
        "client_id": provider_id,
        "created_time": local_time(provider.created_at),
    }


ROUTES = (
    Route(
        "POST",
        "/albums/{album}/reportproviders",
        create,
        summary="Let a report provider in.",
        permission=Permission.MANAGE_REPORT_PROVIDERS,
        records=(ReportProviderCreated,),
        form={
            "name": ParameterSpec(text(1, 1024, **PLAIN), required=True),
            "url": ParameterSpec(
                ADDRESS, "Where it describes itself; it is asked there.", required=True
            ),
        },
        responses=shown("ReportProvider", 201),
    ),
    Route(
        "GET",
        "/albums/{album}/reportproviders",
        list_all,
        summary="List the report providers.",
        permission=Permission.GET_REPORT_PROVIDERS,
        query=PAGE,
        responses=listed("ReportProvider"),
        from_store=True,
    ),
    Route(
        "GET",
        "/albums/{album}/reportproviders/{client}",
        get,
        summary="Show a report provider.",
        permission=Permission.GET_REPORT_PROVIDERS,
        responses=shown("ReportProvider"),
        from_store=True,
    ),
    Route(
        "PATCH",
        "/albums/{album}/reportproviders/{client}",
        edit,
        summary="Rename a report provider, or move its address.",
        permission=Permission.MANAGE_REPORT_PROVIDERS,
        records=(ReportProviderEdited,),
        form={
            "name": ParameterSpec(text(0, 1024, **PLAIN), "Empty: as it is."),
            "url": ParameterSpec(ADDRESS_OR_NONE, "It is asked there."),
        },
        responses=shown("ReportProvider"),
    ),
    Route(
        "DELETE",
        "/albums/{album}/reportproviders/{client}",
        delete,
        summary="Turn a report provider away.",
        permission=Permission.MANAGE_REPORT_PROVIDERS,
        records=(ReportProviderDeleted,),
        responses=DONE,
    ),
    Route(
        "POST",
        "/reportproviders/metadata",
        metadata,
        summary="Check how a report provider describes itself.",
        callers=Callers.ANY_TOKEN,
        needs=NOTHING,
        form={"url": ParameterSpec(text(1), required=True)},
        responses=shown("ProviderMetadata"),
    ),
)
