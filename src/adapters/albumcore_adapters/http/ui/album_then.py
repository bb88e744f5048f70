"""An album as a page of the past shows it, to those who were members then; and what is said to those who were not."""

from __future__ import annotations

from attrs import field, frozen

from albumcore import Album, Albumcore, Permission
from albumcore.errors import AlbumNotFound
from albumcore.ids import AlbumId
from albumcore.past import Moment
from albumcore.past_stops import Stop, joinings_of
from albumcore_adapters.access.albums import album_then
from albumcore_adapters.base.time_texts import exact_text
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.then import Then, asked_then


@frozen
class AlbumThen(Then):
    """An album as of a moment.

    Attributes:
        album: The album as it was.
    """

    album: Album = field(kw_only=True)


class NotMemberThen(AlbumNotFound):
    """The reader, who is a member now, was none at the moment that they ask for.

    Attributes:
        album: The album.
        next: When they became a member after it.
        is_first: Whether they had not been one before.
    """

    def __init__(self, album: AlbumId, next_joining: Stop, *, is_first: bool) -> None:
        super().__init__("you were not a member of this album then")
        self.album = album
        self.next = next_joining
        self.is_first = is_first

    @property
    def text(self) -> str:
        """The moment of `next`, as in addresses."""
        return exact_text(self.next.at)

    @property
    def why(self) -> str:
        """The last part of the key of the sentence that says why there is nothing to see."""
        if not self.is_first:
            return "again"
        return "opened" if self.next.mutation == "CREATE_ALBUM" else "joined"


def _seen_then(
    request: PageRequest,
    albums: Albumcore,
    album: AlbumId,
    permission: Permission,
    moment: Moment,
) -> Album:
    """The album as of a moment, for a reader who was a member then, and is one now: the check of every page.

    Raises:
        NotMemberThen: they were not, and became one later.
    """
    caller = request.caller
    try:
        return album_then(albums, caller, album, permission, moment)
    except AlbumNotFound:
        joinings = joinings_of(albums, album, caller.user)
        later = next((one for one in joinings if one.at > moment.at), None)
        if later is None:
            raise
        raise NotMemberThen(album, later, is_first=later is joinings[0]) from None


def album_at(request: PageRequest, albums: Albumcore, permission: Permission) -> AlbumThen | None:
    """The album of the path as of the moment that is asked for; None for the present.

    Args:
        request: The request.
        albums: The albums.
        permission: What the reader needed then, as they need it now.

    Raises:
        BadQuery: it is no time of the past.
        NotMemberThen: the reader was not a member then.
    """
    then = asked_then(request, albums, request.api.stream)
    if then is None:
        return None
    found = _seen_then(request, albums, request.api.album, permission, then.moment)
    return AlbumThen(then.moment, then.text, then.day, then.words, album=found)
