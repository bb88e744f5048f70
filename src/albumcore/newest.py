"""The newest entries of many albums at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from albumcore.feed import Entry, EntryKind, entry
from albumcore.feed.visibility import scopes_of
from albumcore.ids import AlbumId, UserId
from albumcore.kernel import RecordedEvent
from albumcore.queries import Albumcore
from albumcore.streams import album_stream


def newest_entries(
    albums: Albumcore, viewer: UserId, after: Mapping[AlbumId, int], most: int
) -> Mapping[AlbumId, Sequence[Entry]]:
    """The newest entries that a member sees in each of some albums; albums without any are left out.

    They are read from posting lists, of all albums together: neither the length of their feeds matters, nor how many
    there are after the versions.

    Args:
        albums: The store.
        viewer: Whose feeds they are; check first that they are a member.
        after: The albums, each with the version up to which entries are left out.
        most: The most entries of an album.
    """
    streams = {album_stream(album).name: album for album in after}
    versions = {stream: after[album] for stream, album in streams.items()}
    terms = [scope for kind in EntryKind for scope in scopes_of(kind, viewer)]
    found: dict[AlbumId, list[Entry]] = {}
    for stored in albums.index.newest(terms, versions, most):
        one = entry(cast(RecordedEvent[Any], albums.mapper.to_domain_event(stored)))
        assert one is not None, "an event without an entry has no posting"
        found.setdefault(streams[one.recorded.stream], []).append(one)
    for entries in found.values():
        entries.sort(key=lambda one: one.recorded.version, reverse=True)
        del entries[most:]
    return found
