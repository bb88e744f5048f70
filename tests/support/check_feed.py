"""The feed of a store, compared with that of the naive model of the album."""

from __future__ import annotations

from datetime import datetime

import pytest

from albumcore import Albumcore, EntryKind, FeedQuery
from albumcore.errors import AlbumNotFound
from albumcore.ids import AlbumId
from albumcore.testing import CAST
from support.facts import fact_of, standing_facts, standing_predicted
from support.naive import NaiveAlbum

KINDS = [
    frozenset(EntryKind),
    frozenset({EntryKind.COMMENT}),
    frozenset({EntryKind.MUTATION}),
    frozenset[EntryKind](),
]
PAGES = [(None, 0), (2, 1), (0, 0), (None, 3), (1, 100)]


def check_feed(
    store: Albumcore, album: AlbumId, naive: NaiveAlbum, turn: int, at: datetime | None = None
) -> None:
    """Everybody sees the feed that the model says, whole and in pages; who is no member sees none.

    Args:
        store: The store.
        album: The album.
        naive: The model: of the present, or as of the time.
        turn: The number of the step; kinds and pages take turns.
        at: The time; None for the present.
    """
    kinds = KINDS[turn % len(KINDS)]
    limit, offset = PAGES[turn % len(PAGES)]
    words = {kind.value for kind in kinds}
    for viewer in CAST.users:
        for query, expected in (
            (FeedQuery(), naive.see(viewer, {"comments", "mutations"})),
            (FeedQuery(kinds, limit, offset), naive.see(viewer, words, limit, offset)),
        ):
            if isinstance(expected, str):
                with pytest.raises(AlbumNotFound):
                    store.feed(album, viewer, query, at)
                continue
            page = store.feed(album, viewer, query, at)
            assert ([fact_of(entry) for entry in page.entries], page.total) == expected
            assert standing_facts(page) == standing_predicted(naive, expected[0])
