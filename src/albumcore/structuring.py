"""Structuring: events and states as JSON values, and back, by the types of their fields."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cache
from itertools import product
from operator import itemgetter
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from attrs import fields
from cattrs.preconf.orjson import make_converter

from albumcore.ids import ImageId
from albumcore.kernel import ERASED, Erased

converter = make_converter(detailed_validation=False, forbid_extra_keys=True)


def _exactly(kind: type[Any]) -> Callable[[Any, Any], Any]:
    """A structuring hook that accepts a value of this type only: reading never converts."""

    def structure(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{kind.__name__} expected")
        return value

    return structure


def _is_by_image_id(kind: Any) -> bool:
    return get_origin(kind) is Mapping and get_args(kind)[0] is ImageId


def _by_image_id(stored: Mapping[str, Any], kind: Any) -> Mapping[ImageId, Any]:
    # JSON has no integers as keys.
    value = get_args(kind)[1]
    return {ImageId(int(key)): converter.structure(one, value) for key, one in stored.items()}


_STORED_ERASED = {"erased": True}
"""The stored form of an erased value in a state, and in an event that repeats one."""


def _may_be_erased(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType) and Erased in get_args(kind)


def _or_erased(kind: Any) -> Callable[[Any, Any], Any]:
    """The structuring hook for a value that may be erased."""
    kept: Any = Union[tuple(one for one in get_args(kind) if one is not Erased)]  # noqa: UP007
    structure = converter.get_structure_hook(kept)

    def structure_or_erased(value: Any, _: Any) -> Any:
        return ERASED if value is ERASED or value == _STORED_ERASED else structure(value, kept)

    return structure_or_erased


def _stored_or_erased(value: Any) -> Any:
    return _STORED_ERASED if value is ERASED else value


for _kind in (str, int, bool):
    converter.register_structure_hook(_kind, _exactly(_kind))
converter.register_structure_hook_factory(_may_be_erased, _or_erased)
converter.register_unstructure_hook_func(_may_be_erased, _stored_or_erased)
converter.register_structure_hook_func(_is_by_image_id, _by_image_id)


@cache
def structure_of(of: Hashable) -> Callable[[Any, Any], Any]:
    """The function that makes an event of stored data.

    If all fields are present and plain, as in most events, it checks their types together, which is faster than the
    converter. A long replay spends most of its time here.
    """
    cls: Any = of
    structure = converter.get_structure_hook(cls)
    kinds = [_plain_kinds(hint) for hint in get_type_hints(cls).values()]
    names = [one.name for one in fields(cls)]
    if len(names) < 2 or len(kinds) != len(names) or not all(kinds):
        return structure
    right, number, values_of = frozenset(product(*kinds)), len(names), itemgetter(*names)

    def quickly(data: Any, kind: type[Any]) -> Any:
        try:
            values = values_of(data)
        except (KeyError, TypeError):
            return structure(data, kind)
        if len(data) == number and tuple(map(type, values)) in right:
            return cls(*values)
        return structure(data, kind)

    return quickly


def _plain_kinds(hint: Any) -> list[type[Any]]:
    """The plain types that a type hint allows."""
    if get_origin(hint) in (Union, UnionType):
        return [kind for one in get_args(hint) for kind in _plain_kinds(one)]
    hint = getattr(hint, "__supertype__", hint)
    return [hint] if hint in (str, int, bool, NoneType, Erased) else []
