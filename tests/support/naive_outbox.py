"""The model of the outbox: triggers and batches by a walk over all events, slow and obvious."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from attrs import define, field

from albumcore import (
    AdminAdded,
    Album,
    AlbumDeleted,
    MemberAdded,
    RecordedEvent,
    SeriesRemoved,
    StudyRemoved,
    WebhookDeleted,
    WebhookTriggered,
    fold,
)

Row = tuple[Any, ...]


@define
class NaiveOutbox:
    """Triggers and batches after a history.

    Attributes:
        albums: Every album as it stands.
        triggers: In the order of the history: album, webhook, event, whether by hand, when, the source, the new
            user, study, series, whether the study is gone, url and secret of a deleted album.
        batches: Of new series, by album, webhook, study and source: the series with the time of
            each, and when the batch is due.
    """

    albums: dict[str, Album] = field(factory=dict)
    triggers: list[Row] = field(factory=list)
    batches: dict[Row, tuple[dict[str, Any], Any]] = field(factory=dict)

    def step(self, one: RecordedEvent[Any], *, is_silent: bool) -> None:
        """Apply one event; those from before the first outbox lead to no delivery."""
        if not one.stream.startswith("album-"):
            return
        name = one.stream.removeprefix("album-")
        before = self.albums.get(name, Album())
        after = self.albums[name] = fold(before, [one])
        self.remove_from_batches(name, after)
        triggers = [] if is_silent else [*self.triggers_of(name, before, after, one)]
        if isinstance(one.event, WebhookDeleted):
            self.delete_webhook(name, one.event.webhook_id)
        if isinstance(one.event, AlbumDeleted):
            for hook, webhook in before.webhooks.items():
                self.detach(name, hook, (webhook.url, webhook.secret))
        self.triggers += triggers

    def delete_webhook(self, name: str, hook: str) -> None:
        """Delete a webhook with its triggers and batches."""
        self.triggers = [one for one in self.triggers if one[:2] != (name, hook)]
        self.batches = {key: of for key, of in self.batches.items() if key[:2] != (name, hook)}

    def remove_from_batches(self, name: str, after: Album) -> None:
        """Remove from the batches the series that left the album."""
        for key, (held, _) in [*self.batches.items()]:
            if key[0] != name:
                continue
            for one in held.keys() - after.studies.get(key[2], frozenset()):
                del held[one]
            if not held:
                del self.batches[key]

    def detach(self, name: str, hook: str, way: Row) -> None:
        """Detach the deliveries of a deleted album; its batches are deleted."""
        self.triggers = [
            (*one[:-2], *way) if one[:2] == (name, hook) else one for one in self.triggers
        ]
        self.batches = {key: of for key, of in self.batches.items() if key[:2] != (name, hook)}

    def triggers_of(
        self, name: str, before: Album, after: Album, one: RecordedEvent[Any]
    ) -> Iterable[Row]:
        """The triggers of an event; new series are added to their batches."""
        event, source = one.event, one.act.source
        if isinstance(event, WebhookTriggered):
            series = tuple(sorted(event.series_uids))
            rest: Row = (event.user, event.study_uid, series, False, None, None)
            yield (name, event.webhook_id, event.event.value, True, one.at, source, *rest)
        for hook, webhook in sorted(before.webhooks.items()):
            wanted = {kind.value for kind in webhook.events} if webhook.enabled else set()
            head = (name, hook)
            tail = (False, one.at, source)
            if isinstance(event, MemberAdded | AdminAdded):
                if "new_user" in wanted:
                    rest = (event.target, None, (), False, None, None)
                    yield (*head, "new_user", *tail, *rest)
            elif isinstance(event, StudyRemoved | SeriesRemoved):
                if "remove_series" in wanted:
                    gone = before.studies[event.study_uid] - after.studies.get(
                        event.study_uid, frozenset()
                    )
                    is_gone = event.study_uid not in after.studies
                    rest = (None, event.study_uid, tuple(sorted(gone)), is_gone, None, None)
                    yield (*head, "remove_series", *tail, *rest)
            elif isinstance(event, AlbumDeleted):
                if "delete_album" in wanted:
                    rest = (None, None, (), False, webhook.url, webhook.secret)
                    yield (*head, "delete_album", *tail, *rest)
            elif "new_series" in wanted:
                self.add_to_batch(head, before, after, one)

    def add_to_batch(self, head: Row, before: Album, after: Album, one: RecordedEvent[Any]) -> None:
        """Add the series that an event brought to their batch."""
        for study, series in after.studies.items():
            new = series - before.studies.get(study, frozenset())
            if not new:
                continue
            key = (*head, study, one.act.source)
            held = self.batches.get(key, ({}, None))[0] | dict.fromkeys(new, one.at)
            self.batches[key] = held, one.at + timedelta(seconds=30)
