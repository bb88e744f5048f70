"""One store, shared by the threads of a process: each call takes a connection of its own."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from albumcore import Source, album_stream, create_album, open_sqlite, post_comment
from albumcore.ids import AlbumId, UserId

ALBUM = AlbumId("Q7bZ2mP0xT")
ALICE = Source(UserId("alice"))

with TemporaryDirectory() as folder, open_sqlite(Path(folder) / "albums.sqlite") as store:
    store.handle(album_stream(ALBUM), create_album, ALICE, "Knees")

    def comment(number: int) -> None:
        """Write to the album that the other threads write to: what they wrote first is read again, and decided anew."""
        store.handle(album_stream(ALBUM), post_comment, ALICE, f"comment {number}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(comment, range(40)))

    page = store.feed(ALBUM, viewer=ALICE.user)
    print(
        len(page.entries), "entries, of versions", page.entries[-1].recorded.version, "to", end=" "
    )
    print(page.entries[0].recorded.version)
