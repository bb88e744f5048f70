"""For applications of the event library (``eventsourcing``) that follow an `Albumcore`.

A follower gets each event as a `RecordedEvent`, in the order of recording::

    class Counts(AlbumFollower[UUID], ProcessApplication[UUID]):
        @singledispatchmethod
        def policy(self, domain_event, processing_event): ...

        @policy.register(RecordedEvent)
        def _(self, recorded: RecordedEvent, processing_event):
            match recorded.event:
                case AlbumCreated(): ...

    counts = Counts()
    counts.follow(store.name, store.notification_log)
    counts.pull_and_process(store.name)

In a `System`, which opens the leader by its class, `environment_of` has the settings of the open store. Open the store
before the system is started, because that creates the tables, and close it afterwards.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

from eventsourcing.application import NotificationLog, Section
from eventsourcing.domain import DomainEventProtocol, TAggregateID
from eventsourcing.interface import NotificationLogInterface
from eventsourcing.persistence import Mapper, Notification, StoredEvent
from eventsourcing.system import Follower

from albumcore.codec import Codec
from albumcore.queries import Albumcore
from albumcore.sealing import Sealer


class AlbumFollower(Follower[TAggregateID]):
    """A follower that reads the events of an `Albumcore` and of other applications.

    List it before `ProcessApplication` among the bases of a class.
    """

    def follow(self, name: str, log: NotificationLog) -> None:
        """Follow an application by its notification log.

        A log that is read over a network carries no keys: the sealed fields of its events are `albumcore.ERASED`.
        """
        super().follow(name, log)
        sealer = getattr(getattr(log, "recorder", None), "sealer", None)
        self.mappers[name] = _Either(self.mappers[name], sealer)


class _Either(Mapper[Any]):
    """Chooses the mapper by the stored name of an event: the library's are ``module:Class``, ours have no colon."""

    def __init__(self, theirs: Mapper[Any], sealer: Sealer | None) -> None:
        super().__init__(theirs.transcoder)
        self._theirs = theirs
        self._ours = Codec(sealer=sealer)

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[Any]:
        """The recorded event, or the domain event of another application."""
        mapper: Mapper[Any] = self._theirs if ":" in stored_event.topic else self._ours
        return mapper.to_domain_event(stored_event)


class AlbumLogClient(NotificationLog):
    """A notification log read through the library's `NotificationLogJSONService`, whose own client supports UUIDs only.

    Args:
        interface: The service, or a remote client of it that returns the same JSON texts.
    """

    def __init__(self, interface: NotificationLogInterface) -> None:
        self._interface = interface

    def __getitem__(self, section_id: str) -> Section:
        """A section by its id, such as ``1,10``."""
        section = json.loads(self._interface.get_log_section(section_id))
        return Section(section["id"], [*map(_notification, section["items"])], section["next_id"])

    def select(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> list[Notification]:
        """The notifications from the position ``start`` up to ``stop``, at most ``limit`` of them."""
        notifications = self._interface.get_notifications(
            start, limit, topics, inclusive_of_start=inclusive_of_start
        )
        found = map(_notification, json.loads(notifications))
        return [one for one in found if stop is None or one.id <= stop]


def _notification(notifications: Mapping[str, Any]) -> Notification:
    return Notification(
        notifications["originator_id"],
        notifications["originator_version"],
        notifications["topic"],
        b64decode(notifications["state"]),
        notifications["id"],
    )


def environment_of(store: Albumcore, leader: type[Albumcore] = Albumcore) -> dict[str, str]:
    """The settings with which a runner of the library opens a store that is open in this process.

    Args:
        store: The open store. A store in memory exists as long as it is open.
        leader: The class of the system's leader, whose name is the prefix of the settings.
    """
    return {f"{leader.name.upper()}_{name}": value for name, value in store.env.items()}
