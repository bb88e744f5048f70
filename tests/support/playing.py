"""Commands tried on a store, of one stream or of several in turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from albumcore import (
    Albumcore,
    Stream,
    album_stream,
    patient_stream,
    study_stream,
    user_stream,
)
from albumcore.errors import AlbumcoreError
from albumcore.ids import CapabilityTokenId, ImageId, UserId
from albumcore.testing import (
    ALBUMS,
    CAST,
    PATIENTS,
    Cast,
    Clock,
    Command,
    album_commands,
    image_set_commands,
    study_comment_commands,
    user_token_commands,
)

Turn = tuple[Stream[Any], Command[Any]]
"""A command, and the stream it is tried on."""


def play(store: Albumcore, clock: Clock, turns: Iterable[Turn]) -> None:
    """Try commands one after the other; refused ones are passed over."""
    for stream, command in turns:
        clock.now += command.wait
        try:
            store.handle(stream, command.decision, command.source, *command.args)
        except AlbumcoreError:
            continue


def on(stream: Stream[Any], commands: Iterable[Command[Any]]) -> list[Turn]:
    """The commands, all for one stream."""
    return [(stream, command) for command in commands]


def cast_of(number: int) -> Cast:
    """A cast whose first user and whose capability tokens are in no other."""
    first = UserId(f"user {number}")
    tokens = tuple(CapabilityTokenId(f"key{number}{letter}") for letter in "abc")
    return Cast(users=(first, *Cast().users[:3]), tokens=tokens)


@st.composite
def interleaved(draw: st.DrawFn, max_size: int = 12) -> list[Turn]:
    """Commands for two albums, a study, two image sets, and the tokens of two users, each in order, all in turn."""
    albums = [
        on(album_stream(album), draw(album_commands(cast_of(number), 2 * max_size)))
        for number, album in enumerate(ALBUMS)
    ]
    images = [
        on(
            patient_stream(patient),
            draw(image_set_commands((ImageId(patient), ImageId(patient + 100)), max_size=max_size)),
        )
        for patient in PATIENTS
    ]
    users = [
        on(user_stream(cast.users[0]), draw(user_token_commands(cast, max_size)))
        for cast in map(cast_of, (2, 3))
    ]
    study = on(study_stream(CAST.series[0][0]), draw(study_comment_commands(max_size=max_size)))
    played = [*albums, study, *images, *users]
    parts = [iter(part) for part in played]
    order = [number for number, part in enumerate(played) for _ in part]
    return [next(parts[number]) for number in draw(st.permutations(order))]
