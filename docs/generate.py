"""Writes ``docs/reference/events.md`` from the code: ``python docs/generate.py``.

Everything on the page is read from the event classes, the feed table and the decisions themselves.
A test holds the page to what this module makes.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from attrs import NOTHING, Attribute, fields

from albumcore.albums import Album, MemberFlags, Webhook, WebhookEvent
from albumcore.erasures import ERASURE_NOTICES, ErasureKind, ErasureRecorded, Erasures, StoreSealed
from albumcore.feed import FEED
from albumcore.image_sets import Content, ImageType, PatientImageSet
from albumcore.kernel import PERSONAL, STORED, stored_name
from albumcore.study_comments import StudyComments
from albumcore.testing.decisions import decisions_on
from albumcore.user_tokens import Grants, UserTokens

PAGE = Path(__file__).parent / "reference" / "events.md"

KINDS: Mapping[str, tuple[str, type[Any]]] = {
    "album": ("Albums, in the stream `album-<id>`", Album),
    "study": ("Comments on a study, in the stream `study-<uid>`", StudyComments),
    "user": (
        "A user's registration and own capability tokens, in the stream `user-<user>`",
        UserTokens,
    ),
    "images": ("A patient's image set, in the stream `images-<patient>`", PatientImageSet),
    "erasures": ("Erasures, in the stream `erasures`", Erasures),
}
"""Title and state class of each kind of stream, by the first part of its events' names."""

RECORDED_BY: Mapping[type[Any], str] = {
    **dict.fromkeys((*ERASURE_NOTICES, ErasureRecorded), "an erasure"),
    StoreSealed: "`albumcore copy --seal`",
}
"""What records the events that no decision leads to."""

VALUES: tuple[type[Any], ...] = (MemberFlags, Webhook, Grants, Content)
"""Values that are fields of events and have fields themselves."""

WORDS: tuple[type[Enum], ...] = (WebhookEvent, ImageType, ErasureKind)
"""Values that are one word of a few."""

HEAD = """\
# Events

Every event that is stored, by the name it is stored under.
The [stored form](stored-form.md) says what stands around the fields.
An event that *shows* is in the feed under the name given, which is its `mutation_type` on the wire.
A field that may be null is absent in the sense of its event, never unknown.
A *personal* field is encrypted in a sealed store.
"""
FOOT = "This page is generated: `python docs/generate.py`.\n"


def page() -> str:
    """The whole page."""
    led_to = {kind: decisions(state) for kind, (_, state) in KINDS.items()}
    parts = [HEAD]
    for kind, (title, _) in KINDS.items():
        parts.append(f"## {title}\n")
        parts.extend(
            _event(name, cls, led_to[kind].get(cls, []))
            for cls in FEED
            if (name := stored_name(cls).name).startswith(f"{kind}.")
        )
    parts.append("## Values\n")
    parts.extend(_value(cls) for cls in VALUES)
    parts.extend(_words(cls) for cls in WORDS)
    parts.append(FOOT)
    return "\n".join(parts)


def decisions(state: type[Any]) -> Mapping[type[Any], list[str]]:
    """The decisions on a state that can lead to each event class, straight or by way of another.

    What no decision leads to is recorded by an undo alone, or by what `RECORDED_BY` names.
    """
    known = {cls.__name__: cls for cls in STORED.values()}
    called: dict[str, set[str]] = {}
    for room in _rooms():
        for name, function in inspect.getmembers(room, inspect.isfunction):
            calls = ast.walk(ast.parse(inspect.getsource(function)))
            names = {one.func.id for one in calls if _is_call_by_name(one)}  # type: ignore[attr-defined]
            called[name] = names
    found: dict[type[Any], list[str]] = {}
    for name in decisions_on(state):
        for event in sorted(set(_reached(name, called)) & known.keys()):
            found.setdefault(known[event], []).append(name)
    for cls in FEED:
        if cls in RECORDED_BY:
            continue
        if KINDS[stored_name(cls).name.partition(".")[0]][1] is state:
            found.setdefault(cls, ["undo"])
    return found


def _rooms() -> list[Any]:
    return [sys.modules[name] for name in dict.fromkeys(one.__module__ for one in STORED.values())]


def _is_call_by_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def _reached(name: str, called: Mapping[str, set[str]]) -> Iterator[str]:
    for other in called.get(name, set()) - {name}:
        yield other
        yield from _reached(other, called)


def _event(name: str, cls: type[Any], led_to: list[str]) -> str:
    line = FEED[cls]
    if line is None:
        shows = "It does not show."
    elif line.mutation is None:
        shows = "It shows as a comment."
    else:
        family = f", in the family `{line.family.value}`" if line.family else ""
        shows = f"It shows as `{line.mutation}`{family}."
    by = f"led to by {_listed(led_to)}" if led_to else f"recorded by {RECORDED_BY[cls]}"
    return (
        f"### {name}\n\n{_prose(cls)}\n{shows}\n"
        f"Version {stored_name(cls).version}; {by}.\n\n{_table(cls)}"
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
        f"| `{one.name}` | {_type(types[one.name])}{_is_personal(one)} | {_default(one.default)} |"
        for one in fields(cls)
    ]
    return "\n".join(["| Field | Type | Default |", "| --- | --- | --- |", *rows, ""])


def _type(annotation: str) -> str:
    return f"`{annotation.replace(' | Erased', '')}`".replace(" | None`", "` or null")


def _is_personal(one: Attribute[Any]) -> str:
    return ", personal" if one.metadata.items() >= PERSONAL.items() else ""


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
