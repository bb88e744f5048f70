"""A store in an SQLite file: what a command returned for is there when the file is opened again."""

from pathlib import Path
from tempfile import TemporaryDirectory

from albumcore import (
    AlbumId,
    Source,
    UserId,
    album_stream,
    create_album,
    edit_album,
    open_sqlite,
)

alice = Source(UserId("alice"))
album = album_stream(AlbumId("Q7bZ2mP0xT"))

with TemporaryDirectory() as folder:
    path = Path(folder) / "albums.sqlite"

    with open_sqlite(path) as store:
        store.handle(album, create_album, alice, "Knees")
        store.handle(album, edit_album, alice, name="Knees and elbows")

    with open_sqlite(path) as store:
        print(store.load(album).name)
        for recorded in store.history(album):
            print(recorded.version, type(recorded.event).__name__, "by", recorded.act.user)
        # The index rows can be made again from the events, and compared with them.
        print("events read:", store.rebuild(), "problems:", store.verify())
