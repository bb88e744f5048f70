"""The Kheops album API: albums, their users, studies, comments and events.

Authorization and every rule of an album are its decisions'. What is here reads requests, finds who and what
they name, and writes answers.
"""

from __future__ import annotations

from collections.abc import Iterable

from adapters.deployment import Deployment
from adapters.http.kheops.albums import Albums, OneAlbum
from adapters.http.kheops.comments import Comments
from adapters.http.kheops.errors import ADMIN, USER, answer_error
from adapters.http.kheops.events import Events
from adapters.http.kheops.studies import AlbumSeries, AlbumStudy
from adapters.http.kheops.users import OneAdmin, OneUser, Users

__all__ = ["answer_error", "routes"]


def routes(deployment: Deployment) -> Iterable[tuple[str, object]]:
    """Every route of the API: its address, and the resource that answers there."""
    return (
        ("/albums", Albums(deployment)),
        ("/albums/{album}", OneAlbum(deployment)),
        ("/albums/{album}/users", Users(deployment)),
        (USER, OneUser(deployment)),
        (ADMIN, OneAdmin(deployment)),
        ("/albums/{album}/comments", Comments(deployment)),
        ("/albums/{album}/events", Events(deployment)),
        ("/studies/{study}/albums/{album}", AlbumStudy(deployment)),
        ("/studies/{study}/series/{series}/albums/{album}", AlbumSeries(deployment)),
    )
