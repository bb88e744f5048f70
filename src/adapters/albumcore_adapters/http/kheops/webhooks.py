"""Webhooks of an album (Kheops API 11). Deliveries are made by `albumcore_adapters.webhooks`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from albumcore import Album, Permission, Webhook, WebhookEvent
from albumcore.albums.events import WebhookCreated, WebhookDeleted, WebhookEdited, WebhookTriggered
from albumcore.errors import AlbumcoreError, Invalid, WebhookNotFound
from albumcore.ids import SeriesUID, StudyUID, WebhookId, is_uid
from albumcore_adapters.http.kheops.common import DONE, PAGE, has, listed, shown
from albumcore_adapters.http.kheops.params import Fields, Page
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.openapi.parts import (
    TEXT,
    ParameterSpec,
    ResponseSpec,
    Schema,
    array,
    at_most_one,
    text,
)
from albumcore_adapters.http.openapi.schemas import UID
from albumcore_adapters.http.openapi.values import (
    ADDRESS,
    NAMED,
    PLAIN,
    USER,
    WEBHOOK_EVENTS,
    WORD,
    any_case,
)
from albumcore_adapters.http.route import Route
from albumcore_adapters.webhooks import (
    TriggerSummary,
    delete_secret,
    list_triggers,
    store_secret,
    summarize_triggers,
    triggers_json,
    webhook_json,
)

ID_LENGTH = 20


def create(request: ApiRequest) -> None:
    """Have an address told of what happens in the album."""
    form = request.form()
    webhook_id, secret = WebhookId(request.service.make_id(ID_LENGTH)), form.text("secret")
    if secret == "":
        raise Invalid("secret", "one that is given is not empty")
    webhook = _decide(
        request,
        Album.create_webhook,
        secret,
        webhook_id=webhook_id,
        name=form.text("name") or "",
        url=form.text("url") or "",
        events=_events(form, "event") or (),
        enabled=form.flag("enabled") is not False,
    )
    request.answer(webhook_json(webhook_id, webhook, TriggerSummary()), 201)


def list_all(request: ApiRequest) -> None:
    """List the webhooks, the one created last first; with ``url``, those at just that address."""
    page, url = Page.of(request.query), request.query.text("url")
    webhooks = request.service.albums.load(request.stream).webhooks
    found = [one for one in webhooks if url in (None, webhooks[one].url)][::-1]
    summaries = summarize_triggers(request.service.outbox, request.album)
    shown = [
        webhook_json(one, webhooks[one], summaries.get(one, TriggerSummary()))
        for one in found[page.slice]
    ]
    request.answer(shown, total=len(found))


def get(request: ApiRequest) -> None:
    """Show a webhook, with a page of what it told, newest first."""
    page, webhook = Page.of(request.query), _webhook(request)
    outbox = request.service.outbox
    triggers, total = list_triggers(outbox, request.album, _named(request), page.limit, page.offset)
    shown = triggers_json(outbox, triggers)
    request.answer(webhook_json(_named(request), webhook, TriggerSummary(total), shown))


def edit(request: ApiRequest) -> None:
    """Change what the form holds, and leave the rest as it is; an empty secret takes the secret away.

    Where events are both added and removed, only the adding counts.
    """
    _webhook(request)
    form = request.form()
    secret, added = form.text("secret"), _events(form, "add_event")
    removed = _events(form, "remove_event")
    webhook = _decide(
        request,
        Album.edit_webhook,
        secret,
        webhook_id=_named(request),
        name=form.text("name"),
        url=form.text("url"),
        events=_events(form, "event"),
        add_events=added or (),
        remove_events=() if added else removed or (),
        enabled=form.flag("enabled"),
    )
    summary = summarize_triggers(request.service.outbox, request.album).get(
        _named(request), TriggerSummary()
    )
    request.answer(webhook_json(_named(request), webhook, summary))


def delete(request: ApiRequest) -> None:
    """Tell an address nothing any more."""
    request.decide(Album.delete_webhook, _named(request))
    request.done()


def trigger(request: ApiRequest) -> None:
    """Tell an address of series or of a member by hand, soon; whether or not the webhook is enabled."""
    _webhook(request)
    form = request.form()
    events = _events(form, "event")
    if not events or len(events) > 1:
        raise Invalid("event", "one is needed")
    study = form.text("StudyInstanceUID")
    request.decide(
        Album.trigger_webhook,
        _named(request),
        events[0],
        None if study is None else StudyUID(_uid("StudyInstanceUID", study)),
        [SeriesUID(_uid("SeriesInstanceUID", one)) for one in form.texts("SeriesInstanceUID")],
        request.named(form.text("user")),
    )
    request.done(202)


def _decide(
    request: ApiRequest,
    decision: Callable[..., tuple[Any, ...]],
    secret: str | None,
    **arguments: Any,
) -> Webhook:
    """The webhook that a decision leads to. A secret is stored before, and deleted if the decision is refused."""
    outbox = request.service.outbox
    name = store_secret(outbox, secret) if secret else secret
    try:
        [recorded] = request.decide(decision, secret=name, **arguments)
    except AlbumcoreError:
        if name:
            delete_secret(outbox, name)
        raise
    webhook: Webhook = recorded.event.webhook
    return webhook


def _named(request: ApiRequest) -> WebhookId:
    return WebhookId(request.path["webhook"])


def _webhook(request: ApiRequest) -> Webhook:
    webhook = request.service.albums.load(request.stream).webhooks.get(_named(request))
    if webhook is None:
        raise WebhookNotFound("no such webhook in this album")
    return webhook


EVENTS = {event.value: event for event in WebhookEvent}


def _events(form: Fields, name: str) -> list[WebhookEvent] | None:
    """The events that are named, in any case; none where the one name is empty, None where there is no name."""
    texts = form.texts(name)
    if not texts:
        return None
    named = [] if list(texts) == [""] else [text.lower() for text in texts]
    if not EVENTS.keys() >= set(named):
        raise Invalid(name, f"an event is one of {', '.join(EVENTS)}")
    return [EVENTS[one] for one in named]


def _uid(field: str, text: str) -> str:
    if not is_uid(text):
        raise Invalid(field, "it is no UID")
    return text


_TOLD_BY_HAND: Schema = {
    "anyOf": [
        {
            **has("event", any_case("new_series")),
            "required": ["StudyInstanceUID", "SeriesInstanceUID"],
            "not": {"required": ["user"]},
        },
        {
            **has("event", any_case("new_user")),
            "required": ["user"],
            "not": {"anyOf": [{"required": [f"{one}InstanceUID"]} for one in ("Study", "Series")]},
        },
    ]
}

ROUTES = (
    Route(
        "POST",
        "/albums/{album}/webhooks",
        create,
        summary="Have an address told of events.",
        permission=Permission.MANAGE_WEBHOOKS,
        records=(WebhookCreated,),
        form={
            "url": ParameterSpec(ADDRESS, required=True),
            "name": ParameterSpec(text(1, 255, **NAMED), required=True),
            "secret": ParameterSpec(text(1, 1024, **PLAIN)),
            "event": ParameterSpec(WEBHOOK_EVENTS),
            "enabled": ParameterSpec(WORD, "true when it is left out."),
        },
        responses=shown("Webhook", 201),
    ),
    Route(
        "GET",
        "/albums/{album}/webhooks",
        list_all,
        summary="List the webhooks.",
        permission=Permission.MANAGE_WEBHOOKS,
        query={**PAGE, "url": ParameterSpec(TEXT)},
        responses=listed("Webhook"),
    ),
    Route(
        "GET",
        "/albums/{album}/webhooks/{webhook}",
        get,
        summary="Show a webhook, and when it was triggered.",
        permission=Permission.MANAGE_WEBHOOKS,
        query=PAGE,
        responses=shown("Webhook"),
    ),
    Route(
        "PATCH",
        "/albums/{album}/webhooks/{webhook}",
        edit,
        summary="Change a webhook.",
        permission=Permission.MANAGE_WEBHOOKS,
        records=(WebhookEdited,),
        form={
            "url": ParameterSpec(ADDRESS),
            "name": ParameterSpec(text(1, 255, **NAMED)),
            "secret": ParameterSpec(text(0, 1024, **PLAIN), "Empty: none from now on."),
            "enabled": ParameterSpec(WORD),
            "event": ParameterSpec(WEBHOOK_EVENTS, "Instead of those there are."),
            "add_event": ParameterSpec(WEBHOOK_EVENTS),
            "remove_event": ParameterSpec(WEBHOOK_EVENTS),
        },
        form_rules=(at_most_one("event", "add_event"), at_most_one("event", "remove_event")),
        responses=shown("Webhook"),
    ),
    Route(
        "DELETE",
        "/albums/{album}/webhooks/{webhook}",
        delete,
        summary="Take a webhook away.",
        permission=Permission.MANAGE_WEBHOOKS,
        records=(WebhookDeleted,),
        responses=DONE,
    ),
    Route(
        "POST",
        "/albums/{album}/webhooks/{webhook}/trigger",
        trigger,
        summary="Trigger a webhook by hand.",
        permission=Permission.MANAGE_WEBHOOKS,
        records=(WebhookTriggered,),
        form={
            "event": ParameterSpec(any_case("new_series", "new_user"), required=True),
            "StudyInstanceUID": ParameterSpec(UID, "With new_series alone."),
            "SeriesInstanceUID": ParameterSpec(
                {**array(UID), "minItems": 1}, "With new_series alone."
            ),
            "user": ParameterSpec(USER, "With new_user alone."),
        },
        form_rules=(_TOLD_BY_HAND,),
        responses={202: ResponseSpec("It will be told.")},
    ),
)
