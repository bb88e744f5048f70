"""Mappings that are copied with one change behave as dicts that are, however large."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore.persistent_map import FEW, added, removed

MANY = {key: str(key) for key in range(FEW + 1)}
"""As many as need another form, once one goes and comes."""


@given(
    start=st.sampled_from([{}, MANY]),
    told=st.lists(st.tuples(st.booleans(), st.integers(0, FEW + 6)), max_size=40),
)
def test_changes_are_those_of_a_dict(start: dict[int, str], told: list[tuple[bool, int]]) -> None:
    """Whatever comes and goes, and what was there before stays as it was."""
    plain, mapping = dict(start), added(removed(start, 0), 0, "first") if start else start
    if start:
        plain[0] = "first"
    seen = []
    for is_there, key in told:
        seen.append((mapping, dict(plain)))
        if is_there:
            plain[key] = f"new {key}"
            mapping = added(mapping, key, f"new {key}")
        else:
            plain.pop(key, None)
            mapping = removed(mapping, key)
    for found, expected in (*seen, (mapping, plain)):
        assert found == expected
        assert expected == found
        assert (len(found), sorted(found)) == (len(expected), sorted(expected))


def test_a_large_one_looks_like_a_dict() -> None:
    """To whoever prints it, or asks for what is not there."""
    large = added(added(MANY, 1000, "a"), 2000, "b")
    large = added(large, 3000, "c")
    assert eval(repr(large)) == large
    assert large.get(4000) is None
    with pytest.raises(KeyError):
        large[4000]


def test_a_change_of_a_large_one_shares_the_rest() -> None:
    """Which is what it is for: the values stay the same objects, and so do most of the parts."""
    large = MANY
    for key in range(FEW):
        large = dict(added(large, key + 5000, "x"))
    one = added(large, 1, "y")
    other = added(one, 2, "z")
    shared = sum(a is b for a, b in zip(one._shards, other._shards, strict=True))  # type: ignore[attr-defined]
    assert shared == len(one._shards) - 1  # type: ignore[attr-defined]
