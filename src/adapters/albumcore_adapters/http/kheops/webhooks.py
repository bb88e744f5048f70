"""Webhooks of an album (Kheops API 11). `albumcore_adapters.webhooks` delivers the notifications."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from albumcore import (
    Albumcore,
    Permission,
    Webhook,
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    WebhookEvent,
    WebhookTriggered,
    create_webhook,
    delete_webhook,
    edit_webhook,
    trigger_webhook,
)
from albumcore.errors import AlbumcoreError, Invalid, WebhookNotFound
from albumcore.ids import SeriesUID, StudyUID, WebhookId, is_uid
from albumcore_adapters.base.random_ids import MakeId
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.parameters import Fields, Page, user_named_or_none
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import DONE, PAGE, has, listed, shown
from albumcore_adapters.http.openapi.schemas import UID
from albumcore_adapters.http.openapi.specs import (
    TEXT,
    ParameterSpec,
    ResponseSpec,
    Schema,
    array,
    at_most_one,
    text,
)
from albumcore_adapters.http.openapi.value_schemas import (
    ADDRESS,
    NAMED,
    PLAIN,
    USER,
    WEBHOOK_EVENTS,
    WORD,
    any_case,
)
from albumcore_adapters.http.response import ACCEPTED, NO_CONTENT, Response
from albumcore_adapters.http.route import Route
from albumcore_adapters.webhooks import (
    Outbox,
    TriggerSummary,
    delete_secret,
    list_triggers,
    store_secret,
    summarize_triggers,
    triggers_json,
    webhook_json,
)

_ID_LENGTH = 20


def create(request: ApiRequest, albums: Albumcore, outbox: Outbox, make_id: MakeId) -> Response:
    """Add a webhook: an address that is notified of events of the album."""
    form, webhook_id = request.form(), WebhookId(make_id(_ID_LENGTH))
    secret = form.text("secret")
    if secret == "":
        raise Invalid("secret", "it is not empty if it is given")
    events = _events(form, "event")  # before the secret is stored: a refusal leaves nothing behind
    with _stored(outbox, secret) as name_of_secret:
        [created] = albums.handle(
            request.stream,
            create_webhook,
            request.source,
            webhook_id=webhook_id,
            name=form.text("name") or "",
            url=form.text("url") or "",
            events=events or (),
            enabled=form.flag("enabled") is not False,
            secret=name_of_secret,
        )
    return Response.json(webhook_json(webhook_id, created.event.webhook, TriggerSummary()), 201)


def list_all(request: ApiRequest, albums: Albumcore, outbox: Outbox) -> Response:
    """List the webhooks, the newest first; with ``url``, only those of that address."""
    page, url = Page.of(request.query), request.query.text("url")
    webhooks = albums.load(request.stream).webhooks
    found = [one for one in webhooks if url in (None, webhooks[one].url)][::-1]
    summaries = summarize_triggers(outbox, request.album)
    shown = [
        webhook_json(one, webhooks[one], summaries.get(one, TriggerSummary()))
        for one in found[page.slice]
    ]
    return Response.json(shown, total=len(found))


def get(request: ApiRequest, albums: Albumcore, outbox: Outbox) -> Response:
    """Show a webhook with a page of its triggers, newest first."""
    page, webhook_id, webhook = Page.of(request.query), _named(request), _webhook(request, albums)
    triggers, total = list_triggers(outbox, request.album, webhook_id, page.limit, page.offset)
    shown = triggers_json(outbox, triggers)
    return Response.json(webhook_json(webhook_id, webhook, TriggerSummary(total), shown))


def edit(request: ApiRequest, albums: Albumcore, outbox: Outbox) -> Response:
    """Change the fields that are in the form; an empty secret removes the secret.

    If the form has both ``add_event`` and ``remove_event``, only the first counts.
    """
    _webhook(request, albums)
    form, webhook_id = request.form(), _named(request)
    events = _events(form, "event")
    added, removed = _events(form, "add_event"), _events(form, "remove_event")
    with _stored(outbox, form.text("secret")) as name_of_secret:
        [edited] = albums.handle(
            request.stream,
            edit_webhook,
            request.source,
            webhook_id=webhook_id,
            name=form.text("name"),
            url=form.text("url"),
            events=events,
            add_events=added or (),
            remove_events=() if added else removed or (),
            enabled=form.flag("enabled"),
            secret=name_of_secret,
        )
    summary = summarize_triggers(outbox, request.album).get(webhook_id, TriggerSummary())
    return Response.json(webhook_json(webhook_id, edited.event.webhook, summary))


def delete(request: ApiRequest, albums: Albumcore) -> Response:
    """Delete a webhook."""
    albums.handle(request.stream, delete_webhook, request.source, _named(request))
    return NO_CONTENT


def trigger(request: ApiRequest, albums: Albumcore, people: People) -> Response:
    """Deliver series or a member to a webhook by hand, enabled or not."""
    _webhook(request, albums)
    form = request.form()
    events = _events(form, "event")
    if not events or len(events) > 1:
        raise Invalid("event", "it is required", rule="required")
    study = form.text("StudyInstanceUID")
    albums.handle(
        request.stream,
        trigger_webhook,
        request.source,
        _named(request),
        events[0],
        None if study is None else StudyUID(_uid("StudyInstanceUID", study)),
        [SeriesUID(_uid("SeriesInstanceUID", one)) for one in form.texts("SeriesInstanceUID")],
        user_named_or_none(people, form.text("user")),
    )
    return ACCEPTED


@contextmanager
def _stored(outbox: Outbox, secret: str | None) -> Iterator[str | None]:
    """Store a secret, and yield its name for the event; delete it if the decision is refused.

    For an empty secret, which removes the secret, the name is empty.
    """
    if not secret:
        yield secret
        return
    name = store_secret(outbox, secret)
    try:
        yield name
    except AlbumcoreError:
        delete_secret(outbox, name)
        raise


def _named(request: ApiRequest) -> WebhookId:
    return WebhookId(request.path["webhook"])


def _webhook(request: ApiRequest, albums: Albumcore) -> Webhook:
    webhook = albums.load(request.stream).webhooks.get(_named(request))
    if webhook is None:
        raise WebhookNotFound("no such webhook in this album")
    return webhook


_EVENTS = {event.value: event for event in WebhookEvent}


def _events(form: Fields, name: str) -> list[WebhookEvent] | None:
    """The events that the form names, in any case: none if the one name is empty, None without the field."""
    texts = form.texts(name)
    if not texts:
        return None
    named = [] if list(texts) == [""] else [text.lower() for text in texts]
    if not _EVENTS.keys() >= set(named):
        raise Invalid(name, f"one of {', '.join(_EVENTS)} is expected")
    return [_EVENTS[one] for one in named]


def _uid(field: str, text: str) -> str:
    if not is_uid(text):
        raise Invalid(field, "it is not a UID")
    return text


_SOME_UIDS: Schema = {**array(UID), "minItems": 1}
_MANUAL: Schema = {
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

_managed = partial(Route, permission=Permission.MANAGE_WEBHOOKS)

ROUTES = (
    _managed(
        *(
            "POST",
            "/albums/{album}/webhooks",
            create,
            "Create a webhook: an address that is notified of events.",
        ),
        records=(WebhookCreated,),
        form={
            "url": ParameterSpec(ADDRESS, required=True),
            "name": ParameterSpec(text(1, 255, **NAMED), required=True),
            "secret": ParameterSpec(text(1, 1024, **PLAIN)),
            "event": ParameterSpec(WEBHOOK_EVENTS),
            "enabled": ParameterSpec(WORD, "Without it, true."),
        },
        responses=shown("Webhook", 201),
    ),
    _managed(
        *("GET", "/albums/{album}/webhooks", list_all, "List the webhooks."),
        query={**PAGE, "url": ParameterSpec(TEXT)},
        responses=listed("Webhook"),
    ),
    _managed(
        *("GET", "/albums/{album}/webhooks/{webhook}", get),
        summary="Show a webhook and its triggers.",
        query=PAGE,
        responses=shown("Webhook"),
    ),
    _managed(
        *("PATCH", "/albums/{album}/webhooks/{webhook}", edit, "Change a webhook."),
        records=(WebhookEdited,),
        form={
            "url": ParameterSpec(ADDRESS),
            "name": ParameterSpec(text(1, 255, **NAMED)),
            "secret": ParameterSpec(text(0, 1024, **PLAIN), "Empty: the secret is removed."),
            "enabled": ParameterSpec(WORD),
            "event": ParameterSpec(WEBHOOK_EVENTS, "Replaces the events of the webhook."),
            "add_event": ParameterSpec(WEBHOOK_EVENTS),
            "remove_event": ParameterSpec(WEBHOOK_EVENTS),
        },
        form_rules=(at_most_one("event", "add_event"), at_most_one("event", "remove_event")),
        responses=shown("Webhook"),
    ),
    _managed(
        *("DELETE", "/albums/{album}/webhooks/{webhook}", delete, "Delete a webhook."),
        records=(WebhookDeleted,),
        responses=DONE,
    ),
    _managed(
        *("POST", "/albums/{album}/webhooks/{webhook}/trigger", trigger),
        summary="Trigger a webhook by hand, with series or a member.",
        records=(WebhookTriggered,),
        form={
            "event": ParameterSpec(any_case("new_series", "new_user"), required=True),
            "StudyInstanceUID": ParameterSpec(UID, "For new_series only."),
            "SeriesInstanceUID": ParameterSpec(_SOME_UIDS, "For new_series only."),
            "user": ParameterSpec(USER, "For new_user only."),
        },
        form_rules=(_MANUAL,),
        responses={202: ResponseSpec("The notification is in the outbox.")},
    ),
)
