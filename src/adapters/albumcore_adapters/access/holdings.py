"""Holdings of series: the components that checks and decisions about series read."""

from __future__ import annotations

from attrs import frozen

from albumcore import Albumcore
from albumcore.times import Clock
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims
from albumcore_adapters.directory.inbox import Inbox


@frozen
class Holdings:
    """Albums and inboxes, which hold series, and the data about these series.

    Attributes:
        albums: The albums, and the index of what they hold.
        inbox: The inboxes.
        claims: Which holdings are claims.
        catalogue: The attributes of series, as their images have them.
        clock: Returns the present time (UTC), at which permissions are checked.
    """

    albums: Albumcore
    inbox: Inbox
    claims: SeriesClaims
    catalogue: Catalogue
    clock: Clock
