"""The sealed form of an event that is stored in clear: it says the same, under pseudonyms, and encrypted."""

from __future__ import annotations

import re
from typing import Any, cast

from attrs import evolve, field, frozen

from albumcore import ImageAdded, RecordedEvent
from albumcore.codec import Codec
from albumcore.errors import AlbumcoreError
from albumcore.ids import UserId
from albumcore.sealing import KeyedEvent, KeyedNotification
from albumcore_adapters.store.sealing import AesSealer
from albumcore_adapters.transfer.errors import TransferRefused
from albumcore_adapters.transfer.renaming import NameOf, renamed_event

_ACCOUNT = re.compile(r"tscharts-[0-9]+")
"""An account of the TSCharts API, as it acts in streams of images: a pseudonym already."""

_IMAGES = "images-"


@frozen
class SealedForm:
    """Makes sealed events of events in clear, and compares both.

    Attributes:
        name_of: Returns the pseudonym of a user.
    """

    name_of: NameOf
    _in_clear: Codec = field(factory=Codec, init=False)
    _sealed: Codec = field(factory=lambda: Codec(sealer=AesSealer()), init=False)

    def renamed(self, stored_event: KeyedEvent) -> RecordedEvent[Any]:
        """Return what an event in clear says, under the pseudonyms of its users.

        Raises:
            TransferRefused: it cannot be read.
        """
        try:
            recorded = self._in_clear.to_domain_event(stored_event)
        except AlbumcoreError as error:
            raise TransferRefused(
                f"an event cannot be read, and so cannot be sealed: {error.detail}"
            ) from error
        return renamed_event(recorded, self._names_in(recorded.stream))

    def sealed(self, recorded: RecordedEvent[Any]) -> KeyedEvent:
        """Return the stored form of a renamed event, with a new key."""
        return cast(KeyedEvent, self._sealed.to_stored_event(recorded))

    def is_of(self, stored_event: KeyedEvent, keyed_event: KeyedNotification) -> bool:
        """Return whether a sealed event is the sealed form of an event in clear. Image bytes are not compared.

        Raises:
            TransferRefused: the event in clear cannot be read.
        """
        wanted = self.renamed(stored_event)
        try:
            found = self._sealed.to_domain_event(keyed_event)
        except AlbumcoreError:
            return False
        if isinstance(wanted.event, ImageAdded) and isinstance(found.event, ImageAdded):
            content = evolve(wanted.event.content, digest=found.event.content.digest)
            event = evolve(wanted.event, content=content, key=found.event.key)
            wanted = RecordedEvent(wanted.stream, wanted.version, wanted.act, event)
        return bool(wanted == found)

    def _names_in(self, stream: str) -> NameOf:
        if not stream.startswith(_IMAGES):
            return self.name_of
        return lambda user: user if _ACCOUNT.fullmatch(user) else self.name_of(UserId(user))
