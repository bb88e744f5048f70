"""The page of one webhook: its deliveries with the outcome of each attempt, and delivering by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from markupsafe import Markup

from albumcore import Albumcore, Permission, WebhookEvent
from albumcore.errors import WebhookNotFound
from albumcore.ids import SeriesUID, StudyUID, WebhookId
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.directory.people import People
from albumcore_adapters.directory.study_search import StudyQuery
from albumcore_adapters.http.kheops import webhooks
from albumcore_adapters.http.kheops.album_overview import members_json
from albumcore_adapters.http.kheops.feed_json import descriptions
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.page_request import PageRequest, neighbours
from albumcore_adapters.http.ui.pages import act, page
from albumcore_adapters.http.ui.sentences import name_of
from albumcore_adapters.http.ui.study_cards import Shelf, study_cards
from albumcore_adapters.http.ui.study_names import StudyNames
from albumcore_adapters.http.ui.templates import HTML_PAGE, html
from albumcore_adapters.sql.database import Database
from albumcore_adapters.webhooks import (
    Outbox,
    Trigger,
    TriggerSummary,
    list_triggers,
    triggers_json,
    webhook_json,
)

SHOWN_TRIGGERS = 20
"""Deliveries on a page."""

_MOST_STUDIES = 200  # to choose from


def webhook_page(
    request: PageRequest, holdings: Holdings, people: People, database: Database, outbox: Outbox
) -> Response:
    """Show a webhook, its deliveries with the newest first, and the forms that deliver by hand.

    Raises:
        WebhookNotFound: the album has no such webhook.
    """
    albums, album = holdings.albums, request.api.album
    webhook_id = WebhookId(request.path["webhook"])
    webhook = albums.load(request.api.stream).webhooks.get(webhook_id)
    if webhook is None:
        raise WebhookNotFound("no such webhook in this album")
    offset = request.query.number("offset") or 0
    query = StudyQuery(limit=_MOST_STUDIES, with_description=True)
    studies, _ = study_cards(Shelf.of(request, holdings), database, query)
    members = members_json(albums.index, people, album)

    def body() -> bytes:
        # After the read transaction: what is not in the outbox yet is written to it.
        triggers, total = list_triggers(outbox, album, webhook_id, SHOWN_TRIGGERS, offset)
        shown = triggers_json(outbox, triggers)
        newer, older = neighbours(offset, SHOWN_TRIGGERS, total)
        return html(
            request,
            "album/webhook.html",
            album=album,
            webhook=webhook_json(webhook_id, webhook, TriggerSummary(total), shown),
            studies=studies,
            called=_called(request, holdings, triggers),
            members=members,
            name_of=name_of,
            moment_of=datetime.fromisoformat,
            newer=newer,
            older=older,
            sent=request.query.text("sent"),
        )

    return Response(200, body, HTML_PAGE)


def _called(
    request: PageRequest, holdings: Holdings, triggers: Iterable[Trigger]
) -> Mapping[StudyUID, Markup | str]:
    """What the studies of some deliveries are called, those that are gone from the album as well."""
    album, held = request.api.album, holdings.albums.load(request.api.stream).studies
    series: dict[StudyUID, set[SeriesUID]] = {}
    for one in triggers:
        if one.study_uid is not None:
            found = series.setdefault(one.study_uid, {*held.get(one.study_uid, ())})
            found.update(one.series_uids)
    named = {uid for uids in series.values() for uid in uids}
    shown = descriptions(series, named, (), album, holdings.catalogue, holdings.claims)
    names = StudyNames.read(request, holdings.catalogue, shown, series)
    return {study: names.phrase(study, uids) for study, uids in series.items()}


def deliver_by_hand(request: PageRequest, albums: Albumcore, people: People) -> Response:
    """Deliver a study of the album with all its series there, or a member, to a webhook."""
    form, study = request.form, request.form.text("StudyInstanceUID")
    event = WebhookEvent.NEW_USER
    if study is not None:
        event = WebhookEvent.NEW_SERIES
        series = albums.load(request.api.stream).studies.get(StudyUID(study), frozenset())
        form = form.with_values(SeriesInstanceUID=sorted(series))
    webhooks.trigger(request.api_with(form.with_values(event=[event.value])), albums, people)
    here = f"/ui/albums/{request.api.album}/webhooks/{request.path['webhook']}"
    return request.to(here, sent=1)


_HERE = "/ui/albums/{album}/webhooks/{webhook}"

ROUTES = (
    page(
        _HERE,
        webhook_page,
        "Show a webhook and its deliveries.",
        permission=Permission.MANAGE_WEBHOOKS,
    ),
    act(
        f"{_HERE}/trigger",
        deliver_by_hand,
        "Deliver a study or a member to a webhook.",
        permission=Permission.MANAGE_WEBHOOKS,
    ),
)
