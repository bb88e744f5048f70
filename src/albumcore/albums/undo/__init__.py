"""Taking back: an undo is a decision whose events name the event that they take back."""

from albumcore.albums.undo.inverses import INVERSES, UNDO_EVENTS, undo
from albumcore.albums.undo.past import Events, Past, Superseded
from albumcore.albums.undo.studies import series_of

__all__ = ["INVERSES", "UNDO_EVENTS", "Events", "Past", "Superseded", "series_of", "undo"]
