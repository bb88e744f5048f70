"""Dependency injection for responders: each annotates the components it uses, which are bound once, at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from inspect import signature
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")

Components = Mapping[Any, object]
"""The objects of an open service, by the type that responders annotate."""


class MissingComponent(TypeError):
    """A responder names a component that does not exist."""


def bind(respond: Callable[..., T], components: Components) -> Callable[[Any], T]:
    """Bind a responder to its components: every parameter after the request, by its annotation.

    Raises:
        MissingComponent: no object of that type is among the components.
    """
    kinds = needed(respond)
    for name, kind in kinds.items():
        if kind not in components:
            raise MissingComponent(
                f"{respond.__module__}.{respond.__qualname__} takes {name}: {kind}, "
                "which is not a component of this application"
            )
    found = {name: components[kind] for name, kind in kinds.items()}
    return partial(respond, **found) if found else respond


@cache
def needed(respond: Callable[..., object]) -> dict[str, Any]:
    """The parameters of a responder after the request, and their types: the same in every application."""
    hints = get_type_hints(respond)
    _, *names = signature(respond).parameters
    return {name: hints[name] for name in names}
