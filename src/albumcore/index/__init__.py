"""Index rows: the read models that are queried without a replay.

`changes` is a pure function from a recorded event to changes of rows. The store applies them in the transaction that
appends the event, so rows are never stale, and can be dropped and rebuilt from the streams at any time. Rows have keys
and positions; the content of events stays in the streams.
"""

from albumcore.index.album_status import album_status_now, album_status_then
from albumcore.index.changes import DERIVED, changes
from albumcore.index.fingerprint_examples import examples
from albumcore.index.overview import AlbumOverview, albums_of
from albumcore.index.postings import (
    MEMBERSHIP,
    Choice,
    choices_of,
    latest_terms,
    member_term,
    terms_of,
)
from albumcore.index.rows import (
    ROWS,
    ROWS_FORMAT,
    SHOWN,
    AddedImageRow,
    AlbumRow,
    CapabilityTokenRow,
    Change,
    CommandRow,
    Drop,
    Enter,
    FeedLaneRow,
    ImageRow,
    Index,
    IndexRow,
    MemberRow,
    ProviderRow,
    Put,
    R,
    SeriesRow,
    Set,
    UndoneRow,
    Versions,
    Where,
)

__all__ = [
    "DERIVED",
    "MEMBERSHIP",
    "ROWS",
    "ROWS_FORMAT",
    "SHOWN",
    "AddedImageRow",
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
    "IndexRow",
    "MemberRow",
    "ProviderRow",
    "Put",
    "R",
    "SeriesRow",
    "Set",
    "UndoneRow",
    "Versions",
    "Where",
    "album_status_now",
    "album_status_then",
    "albums_of",
    "changes",
    "choices_of",
    "examples",
    "latest_terms",
    "member_term",
    "terms_of",
]
