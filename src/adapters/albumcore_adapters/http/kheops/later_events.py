"""The events of an album after a cursor, for which the request may wait."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from albumcore import Albumcore, FeedPage, FeedQuery, Permission
from albumcore_adapters.access.albums import admitted
from albumcore_adapters.http.kheops.parameters import MOMENT_NAMES, BadQuery
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.live import AFTER, DEFAULT_LIMIT, WAIT, Live, seconds_asked
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.sql.database import Database


def later_entries(
    request: ApiRequest,
    albums: Albumcore,
    database: Database,
    live: Live,
    auth: Authentication,
    wanted: FeedQuery,
) -> FeedPage:
    """The entries after the cursor that the request names, oldest first, once there are some or the wait is over.

    A caller who may not read the album any more gets the same error as at the beginning of a request.

    Raises:
        BadQuery: a parameter is malformed, or does not go with ``after``.
        CursorGone: the cursor is of another history.
        AlbumNotFound, Forbidden, Unauthorized: the caller may not read the album any more.
        LimitReached: too many requests wait.
    """
    query, stream, viewer = request.query, request.stream, request.caller.user
    for name in ("offset", *MOMENT_NAMES):
        if name in query.values:
            raise BadQuery(name, "it does not go with after")
    try:
        seconds = seconds_asked(query.text(WAIT), request.req.query_string)
    except ValueError as error:
        raise BadQuery(WAIT, str(error)) from None
    try:
        version = live.version_after(albums, stream, query.text(AFTER) or "")
    except ValueError as error:
        raise BadQuery(AFTER, str(error)) from None
    limit = DEFAULT_LIMIT if wanted.limit is None else wanted.limit
    later = evolve(wanted, after=version, limit=limit)
    return live.wait_for(
        stream,
        seconds,
        reading(
            database,
            lambda: _check(request, auth),
            lambda: albums.feed(request.album, viewer, later),
        ),
        request.req.env,
        viewer,
    )


def reading(
    database: Database, check: Callable[[], None], read: Callable[[], FeedPage]
) -> Callable[[], FeedPage]:
    """A function that reads in one read transaction, after a check in it."""

    def checked() -> FeedPage:
        with database.read_snapshot():
            check()
            return read()

    return checked


def _check(request: ApiRequest, auth: Authentication) -> None:
    """Check that the caller may still read the album.

    Raises:
        AlbumNotFound, Forbidden, Unauthorized: they may not.
    """
    assert request.again is not None
    caller = request.again()
    named = [(request.album, Permission.READ_COMMENT)]
    admitted(auth.albums, caller, named, auth.clock())
