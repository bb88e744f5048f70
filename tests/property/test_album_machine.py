"""Albums driven through every decision in two stores side by side, beside a naive model of the documented rules."""

from __future__ import annotations

from datetime import datetime

import pytest

from albumcore import Album, EntryKind, FeedQuery, Stream, album_stream
from albumcore.errors import AlbumNotFound
from albumcore.ids import AlbumId
from albumcore.testing import ALBUMS, CAST, AlbumMachine, Command
from support.facts import (
    fact_of,
    facts_of,
    facts_predicted,
    row_facts,
    row_facts_predicted,
    standing_facts,
    standing_predicted,
)
from support.naive import NaiveAlbum
from support.two_stores import TwoStores

KINDS = [
    frozenset(EntryKind),
    frozenset({EntryKind.COMMENT}),
    frozenset({EntryKind.MUTATION}),
    frozenset[EntryKind](),
]
PAGES = [(None, 0), (2, 1), (0, 0), (None, 3), (1, 100)]


class AlbumsInTwoStores(TwoStores[Album], AlbumMachine):
    """State, rows, and the feed as everybody sees it are what the model says."""

    def __init__(self) -> None:
        self.naive = {album: NaiveAlbum() for album in ALBUMS}
        super().__init__()

    def predict(self, stream: Stream[Album], command: Command[Album], at: datetime) -> str | int:
        """Ask the model of the album."""
        album = next(album for album in ALBUMS if album_stream(album) == stream)
        predicted = self.naive[album].predict(command.name, command.source, at, command.args)
        return predicted if isinstance(predicted, str) else len(predicted)

    def compare(self) -> None:
        """State, rows and feed of both albums."""
        for album in ALBUMS:
            naive = self.naive[album]
            assert facts_of(self.check_state(album_stream(album))) == facts_predicted(naive)
            assert row_facts(self.durable, album) == row_facts_predicted(naive)
            self.check_feed(album)

    def check_feed(self, album: AlbumId) -> None:
        """Everybody sees the feed that the model says, whole and in pages; who is no member sees none."""
        naive, store = self.naive[album], self.stores[self.turn % 2]
        kinds = KINDS[self.turn % len(KINDS)]
        limit, offset = PAGES[self.turn % len(PAGES)]
        words = {kind.value for kind in kinds}
        for viewer in CAST.users:
            for query, expected in (
                (FeedQuery(), naive.see(viewer, {"comments", "mutations"})),
                (FeedQuery(kinds, limit, offset), naive.see(viewer, words, limit, offset)),
            ):
                if isinstance(expected, str):
                    with pytest.raises(AlbumNotFound):
                        store.feed(album, viewer, query)
                    continue
                page = store.feed(album, viewer, query)
                assert ([fact_of(entry) for entry in page.entries], page.total) == expected
                assert standing_facts(page) == standing_predicted(naive, expected[0])


TestAlbumsInTwoStores = AlbumsInTwoStores.TestCase
