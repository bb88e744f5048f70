"""Report providers of an album (Kheops API 8).

The metadata of a report provider are fetched from its address after all other checks and before the decision, so that a
refused request does not make this service send one.
"""

from __future__ import annotations

from attrs import evolve

from albumcore import (
    Albumcore,
    Permission,
    ReportProviderCreated,
    ReportProviderDeleted,
    ReportProviderEdited,
    create_report_provider,
    delete_report_provider,
    edit_report_provider,
)
from albumcore.albums import ReportProvider
from albumcore.albums.values import check_provider_text
from albumcore.errors import Invalid, ReportProviderNotFound
from albumcore.ids import ReportProviderId
from albumcore.json_object import Json, present
from albumcore.kernel import shown_text
from albumcore.times import local_time
from albumcore_adapters.base.random_ids import MakeId
from albumcore_adapters.http.kheops.parameters import Fields, Page
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import DONE, NOTHING, PAGE, listed, shown
from albumcore_adapters.http.openapi.specs import ParameterSpec, text
from albumcore_adapters.http.openapi.value_schemas import ADDRESS, ADDRESS_OR_NONE, PLAIN
from albumcore_adapters.http.response import NO_CONTENT, Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.outbound import Outbound, check_metadata

PROVIDER_ID_LENGTH = 22


def create(request: ApiRequest, albums: Albumcore, outbound: Outbound, make_id: MakeId) -> Response:
    """Add a report provider to the album."""
    form = request.form()
    name, url = (check_provider_text(field, form.text(field) or "") for field in ("name", "url"))
    _check_address(outbound, url)
    provider_id = ReportProviderId(make_id(PROVIDER_ID_LENGTH))
    [created] = albums.handle(
        request.stream, create_report_provider, request.source, provider_id, name, url
    )
    provider = ReportProvider(name, url, created.at)
    return Response.json(_provider_json(provider_id, provider), 201)


def list_all(request: ApiRequest, albums: Albumcore) -> Response:
    """List the report providers, the newest first, without those deleted."""
    page = Page.of(request.query)
    found = [
        (provider_id, provider)
        for provider_id, provider in albums.load(request.stream).report_providers.items()
        if not provider.is_removed
    ][::-1]
    shown = [_provider_json(*one) for one in found[page.slice]]
    return Response.json(shown, total=len(found))


def get(request: ApiRequest, albums: Albumcore) -> Response:
    """Show a report provider."""
    return Response.json(_provider_json(_named(request), _provider(request, albums)))


def edit(request: ApiRequest, albums: Albumcore, outbound: Outbound) -> Response:
    """Change the name or the address of a report provider; an empty field leaves it as it is."""
    form = request.form()
    name, url = _changed(form, "name"), _changed(form, "url")
    provider = _provider(request, albums)
    if url is not None:
        _check_address(outbound, url)
    [edited] = albums.handle(
        request.stream, edit_report_provider, request.source, _named(request), name, url
    )
    provider = evolve(provider, name=edited.event.name, url=edited.event.url)
    return Response.json(_provider_json(_named(request), provider))


def delete(request: ApiRequest, albums: Albumcore) -> Response:
    """Delete a report provider; old events still name it."""
    albums.handle(request.stream, delete_report_provider, request.source, _named(request))
    return NO_CONTENT


def metadata(request: ApiRequest, outbound: Outbound) -> Response:
    """Fetch the metadata of a report provider from an address, and show whether they are valid."""
    url = request.form().text("url")
    if not url:
        raise Invalid("url", "it is required", rule="required")
    found = check_metadata(outbound, url)
    judgement = present(valid=found.valid, error_description=found.error_description)
    return Response.json(judgement | dict(found.metadata))


def _named(request: ApiRequest) -> ReportProviderId:
    return ReportProviderId(request.path["client"])


def _provider(request: ApiRequest, albums: Albumcore) -> ReportProvider:
    provider = albums.load(request.stream).report_providers.get(_named(request))
    if provider is None or provider.is_removed:
        raise ReportProviderNotFound("no such report provider in this album")
    return provider


def _changed(form: Fields, name: str) -> str | None:
    text = form.text(name)
    return check_provider_text(name, text) if text else None


def _check_address(outbound: Outbound, url: str) -> None:
    found = check_metadata(outbound, url)
    if not found.valid:
        raise Invalid(
            "url",
            f"it is not the address of a report provider. {found.error_description}",
            rule="report_provider",
            why=found.error_description,
        )


def _provider_json(provider_id: ReportProviderId, provider: ReportProvider) -> Json:
    return {
        "name": shown_text(provider.name),
        "url": shown_text(provider.url),
        "client_id": provider_id,
        "created_time": local_time(provider.created_at),
    }


ROUTES = (
    Route(
        *("POST", "/albums/{album}/reportproviders", create, "Create a report provider."),
        permission=Permission.MANAGE_REPORT_PROVIDERS,
        records=(ReportProviderCreated,),
        form={
            "name": ParameterSpec(text(1, 1024, **PLAIN), required=True),
            "url": ParameterSpec(
                ADDRESS, "The address of its metadata, which are fetched.", required=True
            ),
        },
        responses=shown("ReportProvider", 201),
    ),
    Route(
        *("GET", "/albums/{album}/reportproviders", list_all, "List the report providers."),
        permission=Permission.GET_REPORT_PROVIDERS,
        query=PAGE,
        responses=listed("ReportProvider"),
        from_store=True,
    ),
    Route(
        *("GET", "/albums/{album}/reportproviders/{client}", get, "Show a report provider."),
        permission=Permission.GET_REPORT_PROVIDERS,
        responses=shown("ReportProvider"),
        from_store=True,
    ),
    Route(
        *("PATCH", "/albums/{album}/reportproviders/{client}", edit),
        summary="Change the name or the address of a report provider.",
        permission=Permission.MANAGE_REPORT_PROVIDERS,
        records=(ReportProviderEdited,),
        form={
            "name": ParameterSpec(text(0, 1024, **PLAIN), "Empty: no change."),
            "url": ParameterSpec(
                ADDRESS_OR_NONE, "The address of its metadata, which are fetched; empty: no change."
            ),
        },
        responses=shown("ReportProvider"),
    ),
    Route(
        *("DELETE", "/albums/{album}/reportproviders/{client}", delete),
        summary="Delete a report provider.",
        permission=Permission.MANAGE_REPORT_PROVIDERS,
        records=(ReportProviderDeleted,),
        responses=DONE,
    ),
    Route(
        *("POST", "/reportproviders/metadata", metadata),
        summary="Check the metadata of a report provider.",
        callers=Callers.ANY_TOKEN,
        needs=NOTHING,
        form={"url": ParameterSpec(text(1), required=True)},
        responses=shown("ProviderMetadata"),
    ),
)
