"""Cursors: opaque texts of places in a history."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.base.cursors import BEGINNING, CursorGone, CursorPlace, Cursors

CURSORS = Cursors(b"1" * 32)
streams = st.sampled_from(["album-A", "album-B", "patient-1"])
places = st.builds(
    CursorPlace,
    st.integers(0, 2**63 - 1),
    st.datetimes(timezones=st.just(UTC)),
)


@given(stream=streams, place=places)
def test_a_text_is_read_as_the_place_it_was_made_of(stream: str, place: CursorPlace) -> None:
    """And has one form: 43 characters of the alphabet of base64url."""
    text = CURSORS.text(stream, place)
    assert CURSORS.cursor(stream, text) == place
    assert CURSORS.text(stream, place) == text
    assert len(text) == 43


@given(
    stream=streams, other=streams, place=places, position=st.integers(0, 41), by=st.integers(1, 63)
)
def test_nothing_else_is_read(
    stream: str, other: str, place: CursorPlace, position: int, by: int
) -> None:
    """Neither a text with another character, nor that of another stream or secret."""
    text = CURSORS.text(stream, place)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    changed = alphabet[(alphabet.index(text[position]) + by) % 64]
    with pytest.raises(CursorGone):
        CURSORS.cursor(stream, text[:position] + changed + text[position + 1 :])
    with pytest.raises(CursorGone):
        Cursors(b"2" * 32).cursor(stream, text)
    if other != stream:
        with pytest.raises(CursorGone):
            CURSORS.cursor(other, text)


@pytest.mark.parametrize("text", ["", "x" * 42, "x" * 44, "x" * 42 + "=", "x" * 42 + "\u0661"])
def test_other_texts_are_no_cursors(text: str) -> None:
    """They have another length, or other characters."""
    with pytest.raises(ValueError, match="no cursor"):
        CURSORS.cursor("album-A", text)


def test_texts_do_not_show_how_far_apart_places_are() -> None:
    """Neighbours have nothing in common; neither have places of two streams."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    texts = [CURSORS.text("album-A", CursorPlace(number, at)) for number in range(1, 200)]
    texts += [CURSORS.text("album-B", BEGINNING), CURSORS.text("album-A", BEGINNING)]
    assert len({text[:8] for text in texts}) == len({text[-8:] for text in texts}) == len(texts)
