"""What webhooks have to tell of a history, found by walking over all of it: slow, and plain to see."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from attrs import define, field

from albumcore import Album, RecordedEvent, fold
from albumcore.albums import events as happened

Told = tuple[Any, ...]


@define
class NaiveOutbox:
    """What there is to tell after a history.

    Attributes:
        albums: Every album as it stands.
        triggers: In the order of the history: album, webhook, event, whether by hand, when, the source, the new
            user, study, series, whether the study is gone, url and secret of a deleted album.
        groups: Of new series, by album, webhook, study and source: the series with the time of
            each, and when it is time to tell of them.
    """

    albums: dict[str, Album] = field(factory=dict)
    triggers: list[Told] = field(factory=list)
    groups: dict[Told, tuple[dict[str, Any], Any]] = field(factory=dict)

    def step(self, one: RecordedEvent[Any], *, is_silent: bool) -> None:
        """Go over one event; nothing is told of those from before there was an outbox."""
        if not one.stream.startswith("album-"):
            return
        name = one.stream.removeprefix("album-")
        before = self.albums.get(name, Album())
        after = self.albums[name] = fold(before, [one])
        self.take_out(name, after)
        told = [] if is_silent else [*self.told(name, before, after, one)]
        if isinstance(one.event, happened.WebhookDeleted):
            self.forget(name, one.event.webhook_id)
        if isinstance(one.event, happened.AlbumDeleted):
            for hook, webhook in before.webhooks.items():
                self.bequeath(name, hook, (webhook.url, webhook.secret))
        self.triggers += told

    def forget(self, name: str, hook: str) -> None:
        """A webhook went with all it had told and was to tell."""
        self.triggers = [one for one in self.triggers if one[:2] != (name, hook)]
        self.groups = {key: of for key, of in self.groups.items() if key[:2] != (name, hook)}

    def take_out(self, name: str, after: Album) -> None:
        """What is not in the album any more waits for nothing."""
        for key, (held, _) in [*self.groups.items()]:
            if key[0] != name:
                continue
            for one in held.keys() - after.studies.get(key[2], frozenset()):
                del held[one]
            if not held:
                del self.groups[key]

    def bequeath(self, name: str, hook: str, way: Told) -> None:
        """What a webhook of a deleted album had to tell is told as it was; its groups went."""
        self.triggers = [
            (*one[:-2], *way) if one[:2] == (name, hook) else one for one in self.triggers
        ]
        self.groups = {key: of for key, of in self.groups.items() if key[:2] != (name, hook)}

    def told(
        self, name: str, before: Album, after: Album, one: RecordedEvent[Any]
    ) -> Iterable[Told]:
        """What is to be told at once; new series are put into their groups."""
        event, source = one.event, one.act.source
        if isinstance(event, happened.WebhookTriggered):
            series = tuple(sorted(event.series_uids))
            rest: Told = (event.user, event.study_uid, series, False, None, None)
            yield (name, event.webhook_id, event.event.value, True, one.at, source, *rest)
        for hook, webhook in sorted(before.webhooks.items()):
            wanted = {kind.value for kind in webhook.events} if webhook.enabled else set()
            head = (name, hook)
            tail = (False, one.at, source)
            if isinstance(event, happened.MemberAdded | happened.AdminAdded):
                if "new_user" in wanted:
                    rest = (event.target, None, (), False, None, None)
                    yield (*head, "new_user", *tail, *rest)
            elif isinstance(event, happened.StudyRemoved | happened.SeriesRemoved):
                if "remove_series" in wanted:
                    gone = before.studies[event.study_uid] - after.studies.get(
                        event.study_uid, frozenset()
                    )
                    is_gone = event.study_uid not in after.studies
                    rest = (None, event.study_uid, tuple(sorted(gone)), is_gone, None, None)
                    yield (*head, "remove_series", *tail, *rest)
            elif isinstance(event, happened.AlbumDeleted):
                if "delete_album" in wanted:
                    rest = (None, None, (), False, webhook.url, webhook.secret)
                    yield (*head, "delete_album", *tail, *rest)
            elif "new_series" in wanted:
                self.group(head, before, after, one)

    def group(self, head: Told, before: Album, after: Album, one: RecordedEvent[Any]) -> None:
        """Put the series that an event brought into their group, if it brought any."""
        for study, series in after.studies.items():
            new = series - before.studies.get(study, frozenset())
            if not new:
                continue
            key = (*head, study, one.act.source)
            held = self.groups.get(key, ({}, None))[0] | dict.fromkeys(new, one.at)
            self.groups[key] = held, one.at + timedelta(seconds=30)
