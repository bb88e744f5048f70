"""Decoding processes that the worlds of a test process share: to start one takes half a second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.decoding import Decoder


class _SharedDecoder(Decoder):
    """A decoder that outlives the service that it is of."""

    def close(self) -> None:
        """Keep the processes for the next service."""


@contextmanager
def shared_decoders() -> Iterator[None]:
    """Give services with equal settings the same decoder, and end its processes at the end."""
    shared: dict[object, _SharedDecoder] = {}

    def of(settings: Settings) -> Decoder:
        key = (
            settings.decoders,
            settings.decoder_memory,
            settings.decoder_seconds,
            settings.max_inflated,
        )
        if key not in shared:
            made = _OF(settings)
            assert isinstance(made, _SharedDecoder)
            shared[key] = made
        return shared[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Decoder, "of", of)
        yield
    for decoder in shared.values():
        super(_SharedDecoder, decoder).close()


_OF = _SharedDecoder.of
"""As it is, before services are given another."""
