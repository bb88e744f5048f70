"""Moving a whole store: from SQLite to PostgreSQL and back, with ids, versions and positions kept."""

from adapters.copying.places import CopyRefused, Place, place_of
from adapters.copying.run import Copied, Stage, copy_store

__all__ = [
    "Copied",
    "CopyRefused",
    "Place",
    "Stage",
    "copy_store",
    "place_of",
]
