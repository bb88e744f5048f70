"""Index rows: what is looked up without replaying, each change of them derived from one recorded event.

`changes` is a pure function from a recorded event to changes of rows. A store applies them in the transaction
that appends the event, so the rows can be dropped and made again from the stream at any time. Rows hold keys
and positions; what an event says stays in the stream.
"""

from albumcore.index.album_status import album_status_now
from albumcore.index.changes import DERIVED, changes
from albumcore.index.examples import examples
from albumcore.index.overview import AlbumOverview, albums_of
from albumcore.index.postings import Choice, choices_of, terms_of
from albumcore.index.rows import (
    ROWS,
    ROWS_FORMAT,
    AlbumRow,
    CapabilityTokenRow,
    Change,
    CommandRow,
    Drop,
    Enter,
    FeedLaneRow,
    ImageRow,
    Index,
    MemberRow,
    ProviderRow,
    Put,
    R,
    Row,
    SeriesRow,
    Set,
    Versions,
    Where,
)

__all__ = [
    "DERIVED",
    "ROWS",
    "ROWS_FORMAT",
    "AlbumOverview",
    "AlbumRow",
    "CapabilityTokenRow",
    "Change",
    "Choice",
    "CommandRow",
    "Drop",
    "Enter",
    "FeedLaneRow",
    "ImageRow",
    "Index",
    "MemberRow",
    "ProviderRow",
    "Put",
    "R",
    "Row",
    "SeriesRow",
    "Set",
    "Versions",
    "Where",
    "album_status_now",
    "albums_of",
    "changes",
    "choices_of",
    "examples",
    "terms_of",
]
