"""What an album is connected to: its webhooks, and its report providers."""

from __future__ import annotations

from albumcore import Albumcore, Permission, WebhookEvent
from albumcore.errors import Invalid
from albumcore.ids import ReportProviderId
from albumcore.kernel import shown_text
from albumcore_adapters.base.random_ids import MakeId
from albumcore_adapters.http.kheops import report_providers, webhooks
from albumcore_adapters.http.kheops.album_overview import overview
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.acts import acts_in
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import act, page
from albumcore_adapters.http.ui.reasons import refusal_of
from albumcore_adapters.http.ui.templates import HTML_PAGE, html, show
from albumcore_adapters.outbound import Outbound
from albumcore_adapters.webhooks import (
    Outbox,
    TriggerSummary,
    summarize_triggers,
    webhook_json,
)

OFFERED_EVENTS = tuple(event.value for event in WebhookEvent)
"""What a webhook may be notified of, in the order of the form."""

# Webhooks


def webhooks_page(request: PageRequest, albums: Albumcore, outbox: Outbox) -> Response:
    """Show the webhooks, the newest first, each with its newest deliveries, and the form of a new one."""
    return _webhooks(request, albums, outbox)


def _webhooks(
    request: PageRequest, albums: Albumcore, outbox: Outbox, refused: Invalid | None = None
) -> Response:
    found = albums.load(request.api.stream).webhooks
    one = overview(albums.index, request.signed_in.caller.user, request.api.album)

    def body() -> bytes:
        # After the read transaction: what is not in the outbox yet is written to it.
        summaries = summarize_triggers(outbox, request.api.album)
        shown = [
            webhook_json(webhook_id, webhook, summaries.get(webhook_id, TriggerSummary()))
            for webhook_id, webhook in found.items()
        ]
        return html(
            request,
            "album/webhooks.html",
            album=request.api.album,
            overview=one,
            webhooks=shown[::-1],
            events=OFFERED_EVENTS,
            **_given(request, refused, "name", "url", "webhook"),
            chosen=request.form.texts("event"),
        )

    return Response(200 if refused is None else 400, body, HTML_PAGE)


def _given(request: PageRequest, refused: Invalid | None, *fields: str) -> dict[str, object]:
    """What a refused form said, and why it was refused."""
    return {
        "given": {field: request.form.text(field) or "" for field in fields},
        **refusal_of(request, refused),
    }


def make_webhook(
    request: PageRequest, albums: Albumcore, outbox: Outbox, make_id: MakeId
) -> Response:
    """Make a webhook; a refused form is shown again with the reason."""
    form = request.form.without_empty("secret")
    try:
        webhooks.create(request.api_with(form), albums, outbox, make_id)
    except Invalid as error:
        return _webhooks(request, albums, outbox, error)
    return request.to(f"/ui/albums/{request.api.album}/webhooks")


def edit_webhook_act(request: PageRequest, albums: Albumcore, outbox: Outbox) -> Response:
    """Change a webhook. An empty secret leaves it as it is; a box of the form removes it."""
    form = request.form.without_empty("secret")
    if request.form.flag("without_secret"):
        form = form.with_values(secret=[""])
    if request.form.text("events"):
        form = form.with_values(event=form.texts("event") or [""])
    try:
        webhooks.edit(request.api_with(form, webhook=_webhook(request)), albums, outbox)
    except Invalid as error:
        return _webhooks(request, albums, outbox, error)
    return request.to(f"/ui/albums/{request.api.album}/webhooks")


def delete_webhook_act(request: PageRequest, albums: Albumcore) -> Response:
    """Delete a webhook."""
    webhooks.delete(request.api_with(webhook=_webhook(request)), albums)
    return request.to(f"/ui/albums/{request.api.album}/webhooks")


def _webhook(request: PageRequest) -> str:
    return request.form.text("webhook") or ""


# Report providers


def providers_page(request: PageRequest, albums: Albumcore) -> Response:
    """Show the report providers, the newest first, and to those who may add one the form for it."""
    return _providers(request, albums)


def _providers(request: PageRequest, albums: Albumcore, refused: Invalid | None = None) -> Response:
    acts = acts_in(request, albums)
    found = [
        {"id": one, "name": shown_text(provider.name), "url": shown_text(provider.url)}
        for one, provider in acts.album.report_providers.items()
        if not provider.is_removed
    ]
    return show(
        request,
        "album/report_providers.html",
        status=200 if refused is None else 400,
        album=request.api.album,
        overview=overview(albums.index, request.signed_in.caller.user, request.api.album),
        providers=found[::-1],
        can_manage=acts.may(Permission.MANAGE_REPORT_PROVIDERS),
        **_given(request, refused, "name", "url", "provider"),
    )


def add_provider(
    request: PageRequest, albums: Albumcore, outbound: Outbound, make_id: MakeId
) -> Response:
    """Add a report provider; a refused form is shown again with the reason."""
    try:
        report_providers.create(request.api, albums, outbound, make_id)
    except Invalid as error:
        return _providers(request, albums, error)
    return request.to(f"/ui/albums/{request.api.album}/report-providers")


def edit_provider(request: PageRequest, albums: Albumcore, outbound: Outbound) -> Response:
    """Change a report provider; a refused form is shown again with the reason.

    An address that stays as it is is not fetched again.
    """
    form, client = request.form, request.form.text("provider") or ""
    now = albums.load(request.api.stream).report_providers.get(ReportProviderId(client))
    if now is not None and shown_text(now.url) == form.text("url"):
        form = form.with_values(url=[""])
    try:
        report_providers.edit(request.api_with(form, client=client), albums, outbound)
    except Invalid as error:
        return _providers(request, albums, error)
    return request.to(f"/ui/albums/{request.api.album}/report-providers")


def delete_provider(request: PageRequest, albums: Albumcore) -> Response:
    """Delete a report provider."""
    report_providers.delete(request.api_with(client=request.form.text("provider") or ""), albums)
    return request.to(f"/ui/albums/{request.api.album}/report-providers")


_WEBHOOKS, _PROVIDERS = "/ui/albums/{album}/webhooks", "/ui/albums/{album}/report-providers"

ROUTES = (
    page(
        _WEBHOOKS,
        webhooks_page,
        "Show the webhooks of an album.",
        permission=Permission.MANAGE_WEBHOOKS,
    ),
    act(_WEBHOOKS, make_webhook, "Make a webhook.", permission=Permission.MANAGE_WEBHOOKS),
    act(
        f"{_WEBHOOKS}/edit",
        edit_webhook_act,
        "Change a webhook.",
        permission=Permission.MANAGE_WEBHOOKS,
    ),
    act(
        f"{_WEBHOOKS}/delete",
        delete_webhook_act,
        "Delete a webhook.",
        permission=Permission.MANAGE_WEBHOOKS,
    ),
    page(
        _PROVIDERS,
        providers_page,
        "Show the report providers of an album.",
        permission=Permission.GET_REPORT_PROVIDERS,
    ),
    act(
        _PROVIDERS,
        add_provider,
        "Add a report provider.",
        permission=Permission.MANAGE_REPORT_PROVIDERS,
    ),
    act(
        f"{_PROVIDERS}/edit",
        edit_provider,
        "Change a report provider.",
        permission=Permission.MANAGE_REPORT_PROVIDERS,
    ),
    act(
        f"{_PROVIDERS}/delete",
        delete_provider,
        "Delete a report provider.",
        permission=Permission.MANAGE_REPORT_PROVIDERS,
    ),
)
