"""Replaying a whole store to see whether its history holds together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from attrs import define, field

from albumcore.image_sets.image_set import ImageAdded
from albumcore.index import Change, changes
from albumcore.kernel import RecordedEvent
from albumcore.streams import named_stream

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CheckContent = Callable[[str, int], str | None]
"""Tells what is wrong with the stored bytes of a digest and length, or None where they are sound."""


@define
class Replay:
    """All streams of a store, replayed side by side in the order of recording.

    Attributes:
        problems: A line for each thing found that cannot be.
    """

    _check_content: CheckContent
    problems: list[str] = field(factory=list, init=False)
    _versions: dict[str, int] = field(factory=dict, init=False)
    _reached: dict[str, tuple[datetime, Any]] = field(factory=dict, init=False)
    _broken: set[str] = field(factory=set, init=False)

    def arrive(self, stream: str, version: int) -> None:
        """Take notice of the next stored event, whether it can be read or not."""
        before = self._versions.get(stream, 0)
        if version != before + 1:
            self._note(stream, version, f"it follows version {before}")
        # A damaged file may hold anything in the place of a number.
        self._versions[stream] = version if type(version) is int else before + 1

    def follow(self, recorded: RecordedEvent[Any]) -> tuple[Change, ...]:
        """Replay the event that arrived: the changes of rows it means, or none where it does not fit."""
        stream, version, event = recorded.stream, recorded.version, recorded.event
        try:
            last_at, state = self._reached.get(stream) or (_EPOCH, named_stream(stream).initial)
            if recorded.at < last_at:
                self._note(stream, version, "it is earlier than the event before it")
            self._reached[stream] = recorded.at, event.evolve(state, recorded.act)
            meant = changes(recorded)
        except Exception as error:
            # An event of another kind of stream fails in any way there is, for evolve never checks.
            self._note(stream, version, f"it does not fit the history before it: {error!r}")
            self._broken.add(stream)
            return ()
        if isinstance(event, ImageAdded):
            wrong = self._check_content(event.content.digest, event.content.length)
            if wrong is not None:
                self._note(stream, version, f"image {event.image_id}: {wrong}")
        return meant

    def refuse(self, stream: str, problem: str) -> None:
        """Take notice that the event that arrived cannot be read, and why."""
        self.problems.append(problem)
        self._broken.add(stream)

    def states(self) -> Iterator[tuple[str, tuple[int, Any]]]:
        """The version and state that each stream came to, of those that could be followed to their end."""
        for stream, (_, state) in self._reached.items():
            if stream not in self._broken:
                yield stream, (self._versions[stream], state)

    def _note(self, stream: str, version: int, problem: str) -> None:
        self.problems.append(f"{stream} version {version}: {problem}")
