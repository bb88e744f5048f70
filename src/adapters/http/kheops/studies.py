"""Studies and series of an album over HTTP (Kheops API 4.1 to 4.4).

Two headers of the documented API are not supported yet, and a request that has one is refused with 403 rather
than done halfway: ``X-Authorization-Source`` and ``Admin-Action``.
"""

from __future__ import annotations

import falcon
from attrs import frozen

from adapters.deployment import Deployment
from adapters.http.kheops.access import (
    album_in,
    as_member,
    permitted,
    refuse_header,
    series_in,
    source_of,
    study_in,
)
from adapters.http.kheops.answers import answer_nothing
from adapters.http.kheops.params import BadQuery, Fields, query_of
from adapters.http.kheops.series import claiming, is_claimable, series_in_album, series_in_inbox
from albumcore import Album, Permission, Source, Stream, album_stream
from albumcore.errors import SeriesNotFound, StudyNotFound
from albumcore.ids import SeriesUID, StudyUID


@frozen
class AlbumStudy:
    """``/studies/{study}/albums/{album}``."""

    deployment: Deployment

    def on_put(self, req: falcon.Request, resp: falcon.Response, study: str, album: str) -> None:
        """Add the series of a study that are in another album, or in the caller's inbox (Kheops API 4.1)."""
        source, query = _sender(self.deployment, req)
        uid = study_in(study)
        stream = _target(self.deployment, source, album, query)
        series = _chosen(self.deployment, source, uid, query)
        self.deployment.albums.handle(stream, Album.import_study, source, uid, series)
        answer_nothing(resp, 201)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, study: str, album: str) -> None:
        """Take a study out of the album; it stays wherever else it is (Kheops API 4.3)."""
        source = _remover(self.deployment, req)
        uid = study_in(study)
        stream = album_stream(album_in(album))
        self.deployment.albums.handle(stream, Album.remove_study, source, uid)
        answer_nothing(resp, 204)


@frozen
class AlbumSeries:
    """``/studies/{study}/series/{series}/albums/{album}``."""

    deployment: Deployment

    def on_put(
        self, req: falcon.Request, resp: falcon.Response, study: str, series: str, album: str
    ) -> None:
        """Add a series that the caller may claim (Kheops API 4.2); one already there changes nothing."""
        source, query = _sender(self.deployment, req)
        uids = study_in(study), series_in(series)
        stream = _target(self.deployment, source, album, query)
        is_there = uids[1] in series_in_album(self.deployment, album_in(album), uids[0])
        if not is_there and not is_claimable(self.deployment, source, *uids):
            raise SeriesNotFound("no such series, or it is not yours to add")
        self.deployment.albums.handle(stream, claiming(self.deployment), source, *uids)
        answer_nothing(resp, 201)

    def on_delete(
        self, req: falcon.Request, resp: falcon.Response, study: str, series: str, album: str
    ) -> None:
        """Take a series out of the album; it stays wherever else it is (Kheops API 4.4)."""
        source = _remover(self.deployment, req)
        uids = study_in(study), series_in(series)
        stream = album_stream(album_in(album))
        self.deployment.albums.handle(stream, Album.remove_series, source, *uids)
        answer_nothing(resp, 204)


def _sender(deployment: Deployment, req: falcon.Request) -> tuple[Source, Fields]:
    source = source_of(deployment, req)
    refuse_header(req, "X-Authorization-Source")
    return source, query_of(req)


def _remover(deployment: Deployment, req: falcon.Request) -> Source:
    source = source_of(deployment, req)
    refuse_header(req, "Admin-Action")
    return source


def _target(deployment: Deployment, source: Source, album: str, query: Fields) -> Stream[Album]:
    """The album that is added to; every album that is named must be there for the source first."""
    for named in (album, query.text("album")):
        if named is not None:
            as_member(deployment, source, named)
    return permitted(deployment, source, album, Permission.ADD_SERIES)


def _chosen(
    deployment: Deployment, source: Source, study: StudyUID, query: Fields
) -> list[SeriesUID]:
    """The series of a study in the album, or the inbox, that the query names as the source of a copy."""
    album, inbox = query.text("album"), query.flag("inbox")
    if album is not None:
        permitted(deployment, source, album, Permission.SEND_SERIES)
    if (album is not None) == (inbox is True):
        raise BadQuery("album", "either it or inbox=true names where the study is taken from")
    if album is not None:
        found = series_in_album(deployment, album_in(album), study)
    else:
        found = series_in_inbox(deployment, source.user, study)
    if not found:
        raise StudyNotFound("the study is not in the album or inbox it is to be taken from")
    return found
