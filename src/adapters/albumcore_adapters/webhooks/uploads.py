"""Uploads: images that are added to series, of which albums are notified although no event says so (Kheops API 11).

A series that is new to an album has an event; more images of a series that is there have none. So each upload is noted
in the transaction that stores the images (`note_upload`), and the note is taken exactly once, in the transaction that
adds it to the batches of the albums that then have the series.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from albumcore.albums import WebhookEvent
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId, WebhookId
from albumcore.index import SeriesRow
from albumcore.kernel import Act, Source
from albumcore_adapters.directory.claims import Holding, album_holder, claims_on_series
from albumcore_adapters.sql.database import Cursor, Row, has_changed, rows_of, select_in
from albumcore_adapters.webhooks.batches import add_upload_to_batch
from albumcore_adapters.webhooks.notifications import Notification
from albumcore_adapters.webhooks.outbox import Outbox, parse_timestamp, timestamp

_INSERT = (
    "INSERT INTO webhook_upload (study_uid, series_uid, instances, sub, token_id, provider_id, at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_SELECT = "SELECT * FROM webhook_upload ORDER BY number LIMIT 500"
_SUBSCRIBED = (
    "SELECT album_id, webhook_id FROM webhook_known WHERE enabled = 1"
    " AND ',' || events || ',' LIKE '%,new_series,%' AND album_id IN (:values)"
)


def note_upload(
    cursor: Cursor,
    source: Source,
    study_uid: StudyUID,
    instances: Mapping[SeriesUID, int],
    at: datetime,
) -> None:
    """Note that images of series of a study are stored, in the transaction that stores them.

    Args:
        cursor: A cursor of that transaction.
        source: Who sent them, as the events of the album name them.
        study_uid: The study.
        instances: For each of the series, the number of instances that were not stored before. It is 0 where an upload
            brings nothing new, but puts the series into an album.
        at: When (UTC).
    """
    of_source = source.user, source.capability_token, source.report_provider, timestamp(at)
    cursor.executemany(
        _INSERT, [(study_uid, uid, number, *of_source) for uid, number in instances.items()]
    )


def noted_uploads(outbox: Outbox) -> Sequence[Row]:
    """The oldest notes that are not taken yet."""
    return rows_of(outbox.database, _SELECT)


def take_uploads(outbox: Outbox, notes: Sequence[Row]) -> None:
    """Take notes: add each to the batches of the webhooks of all albums that have the series.

    All events that were recorded before the notes are projected. A note that another process has taken is skipped.
    """
    held: dict[tuple[str, str], list[AlbumId]] = {}
    series = sorted({note["series_uid"] for note in notes})
    for one in outbox.albums.index.rows(SeriesRow, {"series_uid": series}):
        held.setdefault((one.study_uid, one.series_uid), []).append(AlbumId(one.album_id))
    albums = {album for among in held.values() for album in among}
    now = outbox.clock()
    with outbox.database.transaction(commit=True) as cursor:
        webhooks: dict[str, list[WebhookId]] = {}
        for row in select_in(cursor, _SUBSCRIBED, albums):
            webhooks.setdefault(row["album_id"], []).append(WebhookId(row["webhook_id"]))
        claims = claims_on_series(cursor, series)
        for note in notes:
            cursor.execute("DELETE FROM webhook_upload WHERE number = ?", (note["number"],))
            if not has_changed(cursor):
                continue
            study_uid, series_uid = note["study_uid"], note["series_uid"]
            for album_id in held.get((study_uid, series_uid), ()):
                if Holding(album_holder(album_id), study_uid, series_uid) not in claims:
                    for webhook_id in webhooks.get(album_id, ()):
                        notification = _notification(webhook_id, note)
                        add_upload_to_batch(cursor, album_id, notification, now)


def _notification(webhook_id: WebhookId, note: Row) -> Notification:
    source = Source(UserId(note["sub"]), note["token_id"], note["provider_id"])
    return Notification(
        webhook_id,
        WebhookEvent.NEW_SERIES,
        Act(source, parse_timestamp(note["at"])),
        study_uid=StudyUID(note["study_uid"]),
        series_uids=(SeriesUID(note["series_uid"]),),
        is_upload=True,
        new_instances={SeriesUID(note["series_uid"]): note["instances"]},
    )
