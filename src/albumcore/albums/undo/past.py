"""What the inverses have in common: the event with the states around it, and whether its change still holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from attrs import frozen

from albumcore.albums.album import Album
from albumcore.errors import NotUndoable
from albumcore.ids import ReportProviderId
from albumcore.kernel import ERASED, Act, Erased, Event, RecordedEvent

Events = tuple[Event[Any], ...]


@frozen
class Past:
    """A recorded event of an album, as an undo sees it.

    Attributes:
        recorded: The event.
        before: The state of the album before it.
        after: The state after it.
        new_provider: An id for a report provider that is created anew.
    """

    recorded: RecordedEvent[Any]
    before: Album
    after: Album
    new_provider: ReportProviderId


class Superseded(Exception):
    """Nothing of what an event changed holds any more. It says by which events it can have been changed.

    Attributes:
        by: The classes of these events.
        about: What their entries are selected by, as in `albumcore.feed.FeedQuery`.
        touches: Whether an event of these classes changed it.
    """

    def __init__(
        self,
        by: Collection[type[Any]],
        about: Mapping[str, Collection[str]] | None = None,
        touches: Callable[[Any, Act], bool] = lambda event, act: True,
    ) -> None:
        super().__init__("what this event changed was changed again since")
        self.by = by
        self.about = about or {}
        self.touches = touches


def former(
    fields_of: Callable[[Album], Mapping[str, Any]],
    past: Past,
    now: Album,
    superseded: Callable[[Collection[str]], Superseded],
) -> dict[str, Any]:
    """The former values of the fields that an event changed and that are still as it set them; none if it changed none.

    Args:
        fields_of: The fields of a state, by name; none if what they belong to is gone.
        past: The event, and the states around it.
        now: The present state.
        superseded: Makes the error, of the names of the changed fields.

    Raises:
        Superseded: it changed some, and none of them is as it set them.
        NotUndoable: what they were before is erased.
    """
    before, after, present = map(fields_of, (past.before, past.after, now))
    changed = [name for name, value in after.items() if before[name] != value]
    held = [name for name in changed if present.get(name) == after[name]]
    known = {name: before[name] for name in held if before[name] is not ERASED}
    if changed and not held:
        raise superseded(changed)
    if held and not known:
        raise NotUndoable("what it was before is erased")
    return known


def known_text(text: str | Erased) -> str:
    """A text that the event of an undo has.

    Raises:
        NotUndoable: it is erased.
    """
    if text is ERASED:
        raise NotUndoable("a text that this needs is erased")
    return text
