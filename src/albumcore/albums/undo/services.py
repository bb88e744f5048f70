"""Taking back changes of report providers and of webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict

from albumcore.albums.album import Album, Permission
from albumcore.albums.report_providers import (
    ReportProviderCreated,
    ReportProviderDeleted,
    ReportProviderEdited,
    create_report_provider,
    delete_report_provider,
    edit_report_provider,
)
from albumcore.albums.undo.past import Events, Past, Superseded, former, known_text
from albumcore.albums.values import ReportProvider, Webhook
from albumcore.albums.webhooks import (
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    create_webhook,
    delete_webhook,
    edit_webhook,
)
from albumcore.errors import NotUndoable
from albumcore.ids import ReportProviderId, WebhookId
from albumcore.kernel import Act

_PROVIDERS = (ReportProviderCreated, ReportProviderEdited, ReportProviderDeleted)
_WEBHOOKS = (WebhookCreated, WebhookEdited, WebhookDeleted)


def provider_created(album: Album, act: Act, past: Past) -> Events:
    """Delete it, while it is as it was made.

    Raises:
        Forbidden: the permission MANAGE_REPORT_PROVIDERS is missing.
        Superseded: it was changed or deleted since.
    """
    album.require(act, Permission.MANAGE_REPORT_PROVIDERS)
    provider = past.recorded.event.provider_id
    if album.report_providers[provider] != past.after.report_providers[provider]:
        raise _provider_superseded(provider)
    return delete_report_provider(album, act, provider)


def provider_edited(album: Album, act: Act, past: Past) -> Events:
    """Set name and address back where they are still as the event set them."""
    album.require(act, Permission.MANAGE_REPORT_PROVIDERS)
    provider = past.recorded.event.provider_id

    def fields_of(one: Album) -> dict[str, Any]:
        found = one.report_providers[provider]
        return {} if found.is_removed else {"name": found.name, "url": found.url}

    values = former(fields_of, past, album, lambda changed: _provider_superseded(provider))
    if not values:
        return ()
    _require_texts(album.report_providers[provider], values)
    return edit_report_provider(album, act, provider, **values)


def provider_deleted(album: Album, act: Act, past: Past) -> Events:
    """Create it anew, with a new id: the tokens of the deleted one stay invalid."""
    album.require(act, Permission.MANAGE_REPORT_PROVIDERS)
    provider = past.before.report_providers[past.recorded.event.provider_id]
    name, url = known_text(provider.name), known_text(provider.url)
    return create_report_provider(album, act, past.new_provider, name, url)


def _require_texts(now: ReportProvider | Webhook, values: Mapping[str, Any]) -> None:
    """Check that name and address are known if these values are set: the event of an edit has both.

    Raises:
        NotUndoable: one is erased.
    """
    for name in ("name", "url"):
        known_text(values.get(name, getattr(now, name)))


def _provider_superseded(provider: ReportProviderId) -> Superseded:
    return Superseded(_PROVIDERS, {"providers": {provider}})


def webhook_created(album: Album, act: Act, past: Past) -> Events:
    """Delete it, while it is as it was made.

    Raises:
        Forbidden: the permission MANAGE_WEBHOOKS is missing.
        Superseded: it was changed or deleted since.
    """
    album.require(act, Permission.MANAGE_WEBHOOKS)
    webhook = past.recorded.event.webhook_id
    if album.webhooks.get(webhook) != past.after.webhooks[webhook]:
        raise _webhook_superseded(webhook)
    return delete_webhook(album, act, webhook)


def webhook_edited(album: Album, act: Act, past: Past) -> Events:
    """Set each field back that is still as the event set it, but a secret only if there was none before.

    One that was replaced or removed is forgotten. The one of now stays: an undo never leaves a webhook unsigned that
    was signed before.

    Raises:
        Forbidden: the permission MANAGE_WEBHOOKS is missing.
        Superseded: every field was changed again, or the webhook is deleted.
        NotUndoable: only the secret was replaced or removed.
    """
    album.require(act, Permission.MANAGE_WEBHOOKS)
    webhook = past.recorded.event.webhook_id

    def fields_of(one: Album) -> dict[str, Any]:
        return asdict(one.webhooks[webhook], recurse=False) if webhook in one.webhooks else {}

    values = former(fields_of, past, album, lambda changed: _webhook_superseded(webhook))
    if "secret" in values:
        if values["secret"] is None:
            values["secret"] = ""
        else:
            del values["secret"]
            if not values:
                raise NotUndoable("the secret of the webhook is forgotten")
    if not values:
        return ()
    _require_texts(album.webhooks[webhook], values)
    return edit_webhook(album, act, webhook, **values)


def webhook_deleted(album: Album, act: Act, past: Past) -> Events:
    """Create it again, without the secret, which is forgotten."""
    album.require(act, Permission.MANAGE_WEBHOOKS)
    webhook_id = past.recorded.event.webhook_id
    webhook = past.before.webhooks[webhook_id]
    name, url = known_text(webhook.name), known_text(webhook.url)
    return create_webhook(album, act, webhook_id, name, url, webhook.events, webhook.enabled)


def _webhook_superseded(webhook: WebhookId) -> Superseded:
    return Superseded(_WEBHOOKS, touches=lambda event, act: event.webhook_id == webhook)
