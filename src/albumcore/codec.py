"""The stored form: events and snapshots as bytes, and back. No other module knows the envelope.

An event is stored under its stored name, as one JSON object::

    {"v": 1, "at": "2026-03-01T09:30:00.000000+00:00", "by": "<sub>", "data": {...}}

with ``capability_token`` or ``report_provider`` beside ``by`` where the source acted through one, and with
``command`` where the command has a key, and ``undoes``, a version, where it takes back an earlier event of the stream.
``v`` is the version of the form of ``data``: an older one is converted by the upcasters, a newer one is refused.

In a sealed store, ``data`` has no personal fields, and ``command`` has null for its content. They are in ``sealed``::

    {"v": 1, "at": ..., "by": ..., "data": {...}, "key": "<commitment>", "sealed": "<base64>"}

The encrypted text is ``{"data": {...}, "content": "<content of the command>"}``, each where there is one. An event
without them is stored in clear, and so is a personal field without a value. `albumcore.sealing` says which key it is.

A snapshot is stored as ``{"format": 3, "at": ..., "state": {...}}`` under ``snapshot``; it is a cache, so one of
another format, or a damaged one, is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

import orjson
from attrs import field, frozen
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.gen import make_dict_unstructure_fn, override
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import EventStore, JSONTranscoder, Mapper, StoredEvent

from albumcore.errors import DamagedStoredEvent, UnknownStoredEvent
from albumcore.image_sets.image_set import ImageAdded
from albumcore.kernel import STORED, Act, CommandKey, RecordedEvent, Source, stored_name
from albumcore.sealing import (
    CHANGING_NO_STATE,
    KeyedEvent,
    Names,
    Sealer,
    personal_fields,
    seal_envelope,
    unseal_envelope,
)
from albumcore.streams import named_stream
from albumcore.structuring import converter, structure_of
from albumcore.times import in_utc

SNAPSHOT = "snapshot"
SNAPSHOT_FORMAT = 3
"""To be raised whenever a state class changes its fields or their meaning."""

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}
"""By stored name and version: how ``data`` of that version becomes data of the next."""

Known = tuple[type[Any], int, Callable[[Any, Any], Any]]
"""Of a stored name: the class, its newest version, and what makes an event of stored data."""

Written = tuple[str, int, Callable[[Any], Any], Names]
"""Of a class: the name it is stored by, its newest version, what makes stored data of an event, its personal fields."""


@lru_cache(maxsize=64)
def stored_time(at: datetime) -> str:
    """The stored form of a time, in events and rows: UTC and of fixed width, so that texts sort like times.

    Cached, because an event and its rows have the same time.

    Raises:
        Invalid: it has no time zone.
    """
    utc = in_utc(at)
    if type(utc) is datetime and utc.microsecond:
        return orjson.dumps(utc)[1:-1].decode()  # faster, but leaves out microseconds that are zero
    return utc.isoformat(timespec="microseconds")


def _of_subclass(at: datetime) -> str:
    """Encode an instance of a subclass of datetime as the encoder writes a plain one."""
    return at.isoformat()


_NAMES_OF_SOURCE = {"by", "capability_token", "report_provider"}
_ENVELOPE = {"v", "at", "data", "command", "undoes", *_NAMES_OF_SOURCE}
_FEWEST = 4
"""Names in the envelope of an event that has nothing but what is always there."""


@frozen
class Snapshot:
    """State of a stream at a version, stored so that a long stream is not replayed from its start."""

    stream: str
    version: int
    at: datetime
    state: Any
    size: int = field(default=0, eq=False)
    """Length of its stored form, in bytes; 0 before it is stored."""

    @property
    def originator_id(self) -> str:
        """The stream, by the event store's name for it."""
        return self.stream

    @property
    def originator_version(self) -> int:
        """The version, by the event store's name for it."""
        return self.version


class StaleSnapshot(Exception):
    """A snapshot of another format, or one that cannot be read."""


class Codec(Mapper[str]):
    """Converts recorded events to stored ones and back.

    Args:
        upcasters: Convert data of older versions; by default those of the library. Data may have `ERASED` in it.
        sealer: Encrypts the personal fields of events; None to store them in clear. Both forms are read by either.
    """

    def __init__(
        self,
        upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
        sealer: Sealer | None = None,
    ) -> None:
        super().__init__(JSONTranscoder())
        self._upcasters = upcasters
        self._sealer = sealer
        self._known: dict[str, Known] = {}
        self._written: dict[type[Any], Written] = {}

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """The stored form of a recorded event or of a snapshot."""
        if isinstance(domain_event, Snapshot):
            return _stored_snapshot(domain_event)
        recorded: Any = domain_event
        act = recorded.act
        source = act.source
        name, version, unstructure, personal = self._written_as(type(recorded.event))
        state: dict[str, Any] = {
            "v": version,
            "at": stored_time(act.at),
            "by": source.user,
            "data": unstructure(recorded.event),
        }
        if source.capability_token is not None:
            state["capability_token"] = source.capability_token
        if source.report_provider is not None:
            state["report_provider"] = source.report_provider
        if (command := act.command) is not None:
            content = {} if command.content is None else {"content": command.content}
            state["command"] = {"id": command.id, **content}
        if act.undoes is not None:
            state["undoes"] = act.undoes
        if self._sealer is None:
            return StoredEvent(
                recorded.stream, recorded.version, name, orjson.dumps(state, _of_subclass)
            )
        key, subject = seal_envelope(self._sealer, recorded, name, state, personal)
        return KeyedEvent(
            recorded.stream, recorded.version, name, orjson.dumps(state, _of_subclass), key, subject
        )

    def _written_as(self, cls: type[Any]) -> Written:
        written = self._written.get(cls)
        if written is None:
            name = stored_name(cls)
            personal = personal_fields(cast(Hashable, cls))
            written = name.name, name.version, converter.get_unstructure_hook(cls), personal
            self._written[cls] = written
        return written

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """The recorded event, or snapshot, that was stored.

        Raises:
            UnknownStoredEvent: its name, its version, or one of its fields is not known to this code.
            DamagedStoredEvent: its bytes are not what its name and version promise.
            StaleSnapshot: it is a snapshot of another format, or a damaged one.
        """
        if stored_event.topic == SNAPSHOT:
            return _snapshot(stored_event)
        act, event = self.read(stored_event)
        return RecordedEvent(
            str(stored_event.originator_id), stored_event.originator_version, act, event
        )

    def read(self, stored_event: StoredEvent, *, for_state: bool = False) -> tuple[Act, Any]:
        """What an envelope holds: the act, and the event it led to. Replaying needs no more.

        Args:
            stored_event: The stored event.
            for_state: Leave out what no state depends on: a sealed comment is read as if it were erased.

        Raises:
            UnknownStoredEvent, DamagedStoredEvent: as for `to_domain_event`.
        """
        known = self._known.get(stored_event.topic) or self._known_by(stored_event.topic)
        if known is None:
            raise UnknownStoredEvent(
                f"{_where(stored_event)}: the event {stored_event.topic!r} is unknown to this albumcore; "
                "a newer one wrote it"
            )
        cls, newest, structure = known
        try:
            state = orjson.loads(stored_event.state)
            if len(state) > _FEWEST and "sealed" in state:
                key = (
                    None
                    if for_state and cls in CHANGING_NO_STATE
                    else getattr(stored_event, "key", None)
                )
                personal = personal_fields(cast(Hashable, cls))
                unseal_envelope(self._sealer, stored_event, key, state, personal)
            data, version = state["data"], state["v"]
            if version != newest or type(version) is not int:
                data = self._brought_up_to_date(stored_event, version, newest, data)
            at, by = _moment(state), state["by"]
            if len(state) == _FEWEST and type(by) is str:
                return Act(_in_person(by), at), structure(data, cls)
            return _act_with_more(state, at), structure(data, cls)
        except UnknownStoredEvent:
            raise
        except ForbiddenExtraKeysError as error:
            names = ", ".join(sorted(error.extra_fields))
            raise UnknownStoredEvent(
                f"{_where(stored_event)}: {stored_event.topic!r} is stored with fields that this albumcore "
                f"does not know: {names}"
            ) from error
        except Exception as error:
            raise DamagedStoredEvent(
                f"{_where(stored_event)}: the stored {stored_event.topic!r} cannot be read: {error!r}"
            ) from error

    def _known_by(self, name: str) -> Known | None:
        cls = STORED.get(name)
        if cls is None:
            return None
        known = cls, stored_name(cls).version, structure_of(cast(Hashable, cls))
        return self._known.setdefault(name, known)

    def _brought_up_to_date(
        self, stored_event: StoredEvent, version: int, newest: int, data: Any
    ) -> Any:
        if type(version) is not int:
            raise TypeError("its version is no integer")
        if version > newest:
            raise UnknownStoredEvent(
                f"{_where(stored_event)}: {stored_event.topic!r} is stored in version {version}, "
                f"and this albumcore knows it up to {newest}"
            )
        for older in range(version, newest):
            data = self._upcasters[stored_event.topic, older](data)
        return data


def has_sealed_part(stored_event: StoredEvent) -> bool:
    """Whether an event that can be read has a sealed part, which its key opens."""
    # Looked for first: most events of most stores are not parsed.
    return b'"sealed"' in stored_event.state and "sealed" in orjson.loads(stored_event.state)


def moment_of(stored_event: StoredEvent) -> datetime:
    """The time of a stored event, without reading the rest of it.

    Raises:
        DamagedStoredEvent: it has no readable time.
    """
    try:
        return _moment(orjson.loads(stored_event.state))
    except Exception as error:
        raise DamagedStoredEvent(f"{_where(stored_event)}: it has no time: {error!r}") from error


def _moment(state: dict[str, Any]) -> datetime:
    at = datetime.fromisoformat(state["at"])
    if at.tzinfo is None:
        raise ValueError("its time has no zone")
    return at


def _where(stored_event: StoredEvent) -> str:
    return f"{stored_event.originator_id} version {stored_event.originator_version}"


_in_person = lru_cache(maxsize=1024)(Source)
"""Cached, because the same users act repeatedly."""


def _act_with_more(state: dict[str, Any], at: datetime) -> Act:
    named = [one for key, one in state.items() if key in _NAMES_OF_SOURCE]
    if not state.keys() <= _ENVELOPE or not all(isinstance(one, str) for one in named):
        raise ValueError("its envelope is not of this form")
    source = Source(state["by"], state.get("capability_token"), state.get("report_provider"))
    command = converter.structure(state["command"], CommandKey) if "command" in state else None
    undoes = converter.structure(state["undoes"], int) if "undoes" in state else None
    return Act(source, at, command, undoes)


class SnapshotStore(EventStore[str]):
    """Snapshots in the present format."""

    def get(self, *args: Any, **kwargs: Any) -> Iterator[DomainEventProtocol[str]]:
        """The selected snapshots, up to the first that is stale."""
        try:
            yield from super().get(*args, **kwargs)
        except StaleSnapshot:
            return


def _stored_snapshot(snapshot: Snapshot) -> StoredEvent:
    state = {
        "format": SNAPSHOT_FORMAT,
        "at": stored_time(snapshot.at),
        "state": converter.unstructure(snapshot.state),
    }
    return StoredEvent(
        snapshot.stream, snapshot.version, SNAPSHOT, orjson.dumps(state, _of_subclass)
    )


def _snapshot(stored_event: StoredEvent) -> Snapshot:
    stream = str(stored_event.originator_id)
    try:
        kept = orjson.loads(stored_event.state)
        if kept["format"] != SNAPSHOT_FORMAT:
            raise StaleSnapshot
        at = datetime.fromisoformat(kept["at"])
        state = converter.structure(kept["state"], type(named_stream(stream).initial))
    except Exception as error:
        raise StaleSnapshot from error
    size = len(stored_event.state)
    return Snapshot(stream, stored_event.originator_version, at, state, size)


# Bytes in clear have no key. Their events are stored as they were before there were any keys.
converter.register_unstructure_hook(
    ImageAdded,
    make_dict_unstructure_fn(ImageAdded, converter, key=override(omit_if_default=True)),
)
