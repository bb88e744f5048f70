"""What the state classes are made of, told so that any change of it shows."""

from __future__ import annotations

from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

from attrs import fields, has

from albumcore.streams import INITIAL


def fields_of_states() -> dict[str, dict[str, str]]:
    """The fields and their types of every class that a state is made of, by class name."""
    told: dict[str, dict[str, str]] = {}
    for initial in INITIAL.values():
        _tell(type(initial("key")), told)
    return dict(sorted(told.items()))


def _tell(hint: Any, told: dict[str, dict[str, str]]) -> None:
    for inner in get_args(hint):
        _tell(inner, told)
    if not isinstance(hint, type) or hint.__name__ in told:
        return
    if issubclass(hint, Enum):
        told[hint.__name__] = {member.name: repr(member.value) for member in hint}
    elif has(hint):
        hints = get_type_hints(hint)
        told[hint.__name__] = {field.name: _name(hints[field.name]) for field in fields(hint)}
        for field in fields(hint):
            _tell(hints[field.name], told)


def _name(hint: Any) -> str:
    """The type in words that are the same under every version of Python."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is NoneType:
        return "None"
    if hint is Ellipsis:
        return "..."
    if isinstance(hint, NewType):
        return f"{hint.__name__}({_name(hint.__supertype__)})"
    if origin is Literal:
        return " | ".join(map(repr, args))
    if origin in (Union, UnionType):
        return " | ".join(map(_name, args))
    if args:
        return f"{origin.__name__}[{', '.join(map(_name, args))}]"
    return str(hint.__name__)
