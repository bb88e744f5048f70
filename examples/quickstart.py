"""A dozen lines: open a store, act as different users, read the feed, look back, and follow."""

from albumcore import (
    AlbumId,
    Source,
    UserId,
    add_member,
    album_stream,
    create_album,
    leave_album,
    open_memory,
    post_comment,
)

alice, bob = UserId("alice"), UserId("bob")
album_id = AlbumId("Q7bZ2mP0xT")
album = album_stream(album_id)

with open_memory() as store:
    store.handle(album, create_album, Source(alice), "Knees")
    store.handle(album, add_member, Source(alice), bob)
    [comment] = store.handle(album, post_comment, Source(bob), "For your eyes only", alice)
    store.handle(album, leave_album, Source(bob))

    # The feed as a given viewer, newest first. Private comments are for their author and their target.
    page = store.feed(album_id, viewer=alice)
    for entry in page.entries:
        print(entry.author, entry.type.mutation or entry.shown_comment)

    # The album as it is, as of a version, and as of a moment.
    print("now", sorted(store.load(album).members))
    print("at version 1", sorted(store.load(album, version=1).members))
    print("at the comment", sorted(store.load(album, at=comment.at).members))

    # Polling from a position: every event of the store once, in order.
    position = 0
    while batch := store.follow(position, limit=3):
        for position, recorded in batch:
            print(position, recorded.stream, type(recorded.event).__name__)
