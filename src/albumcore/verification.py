"""Verification: replays a whole store and reports what is inconsistent in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import define, field

from albumcore.erasures import ERASURE_NOTICES
from albumcore.image_sets.image_set import ImageAdded
from albumcore.index import Change, changes
from albumcore.kernel import ERASED, RecordedEvent
from albumcore.streams import named_stream

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CheckImage = Callable[[ImageAdded], str | None]
"""Returns what is wrong with the stored bytes of an image; None if they are intact."""


@define
class Replay:
    """Replays all streams of a store together, in the order of recording.

    Args:
        check_image: Returns what is wrong with the bytes of an image.
        snapshots: The versions that there are snapshots of, by stream.

    Attributes:
        problems: One line for each problem found.
    """

    _check_image: CheckImage
    _snapshots: Mapping[str, Collection[int]] = field(factory=dict)
    problems: list[str] = field(factory=list, init=False)
    _versions: dict[str, int] = field(factory=dict, init=False)
    _reached: dict[str, tuple[datetime, Any]] = field(factory=dict, init=False)
    _broken: set[str] = field(factory=set, init=False)
    _passed: list[tuple[str, int, Any]] = field(factory=list, init=False)
    _without_key: list[tuple[str, int]] = field(factory=list, init=False)
    _erased: set[tuple[str, int]] = field(factory=set, init=False)

    def arrive(self, stream: str, version: int) -> None:
        """Count the next stored event, readable or not."""
        before = self._versions.get(stream, 0)
        if version != before + 1:
            self._note(stream, version, f"it follows version {before}")
        # A damaged file may hold anything in the place of a number.
        self._versions[stream] = version if type(version) is int else before + 1

    def follow(self, recorded: RecordedEvent[Any]) -> tuple[Change, ...]:
        """Apply the event that arrived, and return its changes of index rows; none if it cannot be applied."""
        stream, version, event = recorded.stream, recorded.version, recorded.event
        try:
            last_at, state = self._reached.get(stream) or (_EPOCH, named_stream(stream).initial)
            if recorded.at < last_at:
                self._note(stream, version, "it is earlier than the event before it")
            state = event.evolve(state, recorded.act)
            self._reached[stream] = recorded.at, state
            if version in self._snapshots.get(stream, ()):
                self._passed.append((stream, version, state))
            meant = changes(recorded)
        except Exception as error:
            # An event of another kind of stream fails in any way there is, for evolve never checks.
            self._note(stream, version, f"it does not fit the history before it: {error!r}")
            self._broken.add(stream)
            return ()
        if isinstance(event, ERASURE_NOTICES):
            self._erased |= {(stream, one) for one in event.versions}  # type: ignore[attr-defined]
        if isinstance(event, ImageAdded) and event.content.length is not ERASED:
            wrong = self._check_image(event)
            if wrong is not None:
                self._note(stream, version, f"image {event.image_id}: {wrong}")
        return meant

    def miss_key(self, stream: str, version: int) -> None:
        """Note that the event that arrived is sealed, and that the store has no key of it."""
        self._without_key.append((stream, version))

    def lost_keys(self) -> list[str]:
        """One line for each sealed event whose key is missing, although it was not erased."""
        return [
            f"{stream} version {version}: its key is lost, and with it what was sealed"
            for stream, version in self._without_key
            if (stream, version) not in self._erased
        ]

    def erased(self) -> Collection[tuple[str, int]]:
        """Stream and version of each event that was erased, as its history says."""
        return self._erased

    def refuse(self, stream: str, problem: str) -> None:
        """Note that the event that arrived cannot be read, and why."""
        self.problems.append(problem)
        self._broken.add(stream)

    def states(self) -> Iterator[tuple[str, tuple[int, Any]]]:
        """Version and state of each stream that was replayed to its end."""
        for stream, (_, state) in self._reached.items():
            if stream not in self._broken:
                yield stream, (self._versions[stream], state)

    def at_snapshots(self) -> Sequence[tuple[str, int, Any]]:
        """Stream, version and replayed state of each snapshot."""
        return self._passed

    def _note(self, stream: str, version: int, problem: str) -> None:
        self.problems.append(f"{stream} version {version}: {problem}")
