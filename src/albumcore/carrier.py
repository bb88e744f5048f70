"""What the store's cache holds of a stream, and how it moves forward over more of the history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from attrs import define

from albumcore.codec import Snapshot
from albumcore.streams import named_stream


@define(eq=False)
class StreamCarrier:
    """What the library's repository caches for a stream: its state, and how far that goes.

    The three are kept in one tuple and replaced together, so a copy made while another thread moves it forward
    is of one moment. A copy shares the state, which is immutable.
    """

    id: str
    position: tuple[int, datetime, Any]

    @property
    def version(self) -> int:
        """Version of the last event in the state; 0 before the first."""
        return self.position[0]

    def __deepcopy__(self, memo: object) -> StreamCarrier:
        return StreamCarrier(self.id, self.position)


def project(carrier: StreamCarrier | None, history: Iterable[Any]) -> StreamCarrier | None:
    """Move a carrier over more of its history; the library's own projector checks a protocol at every event."""
    position = carrier.position if carrier is not None else None
    stream = carrier.id if carrier is not None else ""
    for item in history:
        if isinstance(item, Snapshot):
            state = item.state
        else:
            before = named_stream(item.stream).initial if position is None else position[2]
            state = item.event.evolve(before, item.act)
        stream, position = item.originator_id, (item.originator_version, item.at, state)
    if position is None:
        return None
    if carrier is None:
        return StreamCarrier(stream, position)
    carrier.position = position
    return carrier
