"""Writes ``docs/reference/events.md`` from the code: ``python docs/generate.py``.

Everything on the page is read from the event classes, the feed table and the decisions themselves.
A test holds the page to what this module makes.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from attrs import NOTHING, fields

from albumcore.albums import Album, MemberFlags, Webhook, WebhookEvent
from albumcore.feed import FEED
from albumcore.image_sets import Content, ImageType, PatientImageSet
from albumcore.kernel import STORED, stored_name
from albumcore.study_comments import StudyComments
from albumcore.user_tokens import Grants, UserTokens

PAGE = Path(__file__).parent / "reference" / "events.md"

KINDS: Mapping[str, tuple[str, type[Any]]] = {
    "album": ("Albums, in the stream `album-<id>`", Album),
    "study": ("Comments on a study, in the stream `study-<uid>`", StudyComments),
    "user": ("A user's own capability tokens, in the stream `user-<sub>`", UserTokens),
    "images": ("A patient's image set, in the stream `images-<patient>`", PatientImageSet),
}
"""Title and state class of each kind of stream, by the first part of its events' names."""

VALUES: tuple[type[Any], ...] = (MemberFlags, Webhook, Grants, Content)
"""Values that are fields of events and have fields themselves."""

WORDS: tuple[type[Enum], ...] = (WebhookEvent, ImageType)
"""Values that are one word of a few."""

HEAD = """\
# Events

Every event that is stored, by the name it is stored under.
The [stored form](stored-form.md) says what stands around the fields.
An event that *shows* is in the feed under the name given, which is its `mutation_type` on the wire.
A field that may be null is absent in the sense of its event, never unknown.
"""
FOOT = "This page is generated: `python docs/generate.py`.\n"


def page() -> str:
    """The whole page."""
    led_to = {kind: decisions(state) for kind, (_, state) in KINDS.items()}
    parts = [HEAD]
    for kind, (title, state) in KINDS.items():
        parts.append(f"## {title}\n")
        parts.extend(
            _event(name, cls, [f"{state.__name__}.{one}" for one in led_to[kind].get(cls, ())])
            for name, cls in STORED.items()
            if name.startswith(f"{kind}.")
        )
    parts.append("## Values\n")
    parts.extend(_value(cls) for cls in VALUES)
    parts.extend(_words(cls) for cls in WORDS)
    parts.append(FOOT)
    return "\n".join(parts)


def decisions(state: type[Any]) -> Mapping[type[Any], list[str]]:
    """The decisions of a state class that can lead to each event class, straight or by way of another."""
    known = {cls.__name__: cls for cls in STORED.values()}
    made: dict[str, set[str]] = {}
    calls: dict[str, set[str]] = {}
    for name, method in inspect.getmembers(state, inspect.isfunction):
        tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
        called = [one.func for one in ast.walk(tree) if isinstance(one, ast.Call)]
        names = {one.attr for one in called if isinstance(one, ast.Attribute)}
        made[name] = (names | {one.id for one in called if isinstance(one, ast.Name)}) & set(known)
        calls[name] = names
    found: dict[type[Any], list[str]] = {}
    # Base classes hold decisions too; each method counts once, in the order it is written.
    for name in dict.fromkeys(name for cls in state.__mro__ for name in vars(cls)):
        if name in made and not name.startswith("_"):
            for event in sorted(set(_reached(name, made, calls))):
                found.setdefault(known[event], []).append(name)
    return found


def _reached(
    name: str, made: Mapping[str, set[str]], calls: Mapping[str, set[str]]
) -> Iterator[str]:
    yield from made[name]
    for other in calls[name] & (set(made) - {name}):
        yield from _reached(other, made, calls)


def _event(name: str, cls: type[Any], led_to: list[str]) -> str:
    line = FEED[cls]
    if line is None:
        shows = "It does not show."
    elif line.mutation is None:
        shows = "It shows as a comment."
    else:
        family = f", in the family `{line.family.value}`" if line.family else ""
        shows = f"It shows as `{line.mutation}`{family}."
    return (
        f"### {name}\n\n{_prose(cls)}\n{shows}\n"
        f"Version {stored_name(cls).version}; led to by {_listed(led_to)}.\n\n{_table(cls)}"
    )


def _value(cls: type[Any]) -> str:
    return f"### {cls.__name__}\n\n{_prose(cls)}\n\n{_table(cls)}"


def _words(cls: type[Enum]) -> str:
    words = ", ".join(f"`{one.value}`" for one in cls)
    return f"### {cls.__name__}\n\n{_prose(cls)}\n\nOne of {words}.\n"


def _table(cls: type[Any]) -> str:
    if not fields(cls):
        return "It has no fields.\n"
    # As they are written: a codec that was at work replaces the types in ``fields`` by what they stand for.
    types = cls.__annotations__
    rows = [
        f"| `{one.name}` | {_type(types[one.name])} | {_default(one.default)} |"
        for one in fields(cls)
    ]
    return "\n".join(["| Field | Type | Default |", "| --- | --- | --- |", *rows, ""])


def _type(annotation: str) -> str:
    return f"`{annotation}`".replace(" | None`", "` or null")


def _default(default: object) -> str:
    if default is NOTHING:
        return ""
    return "null" if default is None else f"`{str(default).lower()}`"


def _prose(cls: type[Any]) -> str:
    # The first paragraph, one sentence a line.
    first = inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    return first.replace(". ", ".\n").replace("``", "`")


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
