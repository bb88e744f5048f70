"""Albums driven through every decision in two stores side by side, beside a naive model of the documented rules."""

from __future__ import annotations

from datetime import datetime

from albumcore import Album, Source, Stream, album_stream
from albumcore.errors import AlbumcoreError
from albumcore.ids import AlbumId, ReportProviderId
from albumcore.testing import ALBUMS, AlbumMachine, Command, History
from support.check_feed import check_feed
from support.facts import facts_of, facts_predicted, row_facts, row_facts_predicted
from support.naive_undo import NaiveUndo
from support.two_stores import TwoStores


class AlbumsInTwoStores(TwoStores[Album], AlbumMachine):
    """State, rows, and the feed as everybody sees it are what the model says."""

    def __init__(self) -> None:
        self.naive = {album: NaiveUndo() for album in ALBUMS}
        super().__init__()

    def predict(self, stream: Stream[Album], command: Command[Album], at: datetime) -> str | int:
        """Ask the model of the album."""
        album = next(album for album in ALBUMS if album_stream(album) == stream)
        predicted = self.naive[album].predict(command.name, command.source, at, command.args)
        return predicted if isinstance(predicted, str) else len(predicted)

    def handle_undo(self, album: AlbumId, version: int, source: Source) -> History[Album]:
        """Both stores answer alike, and as the model says they will."""
        stream, provider = album_stream(album), ReportProviderId(f"anew{len(self.history)}")
        past = [one.at for one in self.history if one.stream == stream.name]
        at = max([self.clock(), *past[-1:]])
        predicted = self.naive[album].predict("undo", source, at, (version, provider))
        outcomes: list[History[Album] | str] = []
        # With an id of its own for each command, the stores would not record the same.
        for store in self.stores:
            store.loses_replies = False
        for store in self.stores:
            try:
                outcomes.append(store.undo(album, version, source, new_provider=provider))
            except AlbumcoreError as error:
                outcomes.append(error.code)
        in_memory, on_disk = outcomes
        assert in_memory == on_disk
        said = predicted if isinstance(predicted, str) else len(predicted)
        assert (in_memory if isinstance(in_memory, str) else len(in_memory)) == said, (
            version,
            source,
        )
        return () if isinstance(in_memory, str) else in_memory

    def compare(self) -> None:
        """State, rows and feed of both albums."""
        for album in ALBUMS:
            naive = self.naive[album]
            assert facts_of(self.check_state(album_stream(album))) == facts_predicted(naive)
            assert row_facts(self.durable, album) == row_facts_predicted(naive)
            check_feed(self.stores[self.turn % 2], album, naive, self.turn)


TestAlbumsInTwoStores = AlbumsInTwoStores.TestCase
