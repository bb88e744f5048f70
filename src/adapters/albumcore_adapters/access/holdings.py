"""Where series are held: what every check and decision about series reads."""

from __future__ import annotations

from attrs import frozen

from albumcore import Albumcore
from albumcore.times import Clock
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims
from albumcore_adapters.directory.inbox import Inbox


@frozen
class Holdings:
    """Albums and inboxes, which hold series, and what is known of these series.

    Attributes:
        albums: The albums, and the index of what they hold.
        inbox: The inboxes.
        claims: Which holdings are claims.
        catalogue: What the images of a series say.
        clock: Gives the present (UTC), by which permissions are checked.
    """

    albums: Albumcore
    inbox: Inbox
    claims: SeriesClaims
    catalogue: Catalogue
    clock: Clock
