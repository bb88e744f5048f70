"""The request as responders see it (Kheops API, conventions)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

import falcon
from attrs import field, frozen

from albumcore import Album, CommandKey, Permission, Source, Stream, album_stream
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore.kernel import RecordedEvent
from albumcore_adapters.access.albums import permitted
from albumcore_adapters.http.accept import preferred
from albumcore_adapters.http.idempotency import IdempotencyKey
from albumcore_adapters.http.kheops.forms import MAX_FORM, read_form
from albumcore_adapters.http.kheops.params import (
    Fields,
    query_of,
    series_in,
    study_in,
    user_named,
)
from albumcore_adapters.http.response import Response
from albumcore_adapters.identity.callers import Caller
from albumcore_adapters.service import Service


@frozen
class ApiRequest:
    """A request that has passed the checks of its route.

    Attributes:
        req: The request as Falcon parsed it.
        caller: Who makes it.
        path: The parameters in its path, by name.
        key: Its idempotency key, where the route heeds one and the request has one.
        max_form: Largest form that is read, in bytes.
    """

    req: falcon.Request = field(repr=False)
    caller: Caller
    path: Mapping[str, str]
    key: IdempotencyKey | None = None
    max_form: int = MAX_FORM

    @property
    def source(self) -> Source:
        """Who acts, and through what."""
        return self.caller.source

    # The path

    @property
    def album(self) -> AlbumId:
        """The album in the path; it exists for the caller."""
        return AlbumId(self.path["album"])

    @property
    def stream(self) -> Stream[Album]:
        """The stream of the album in the path."""
        return album_stream(AlbumId(self.path["album"]))

    @property
    def study(self) -> StudyUID:
        """The study in the path."""
        return study_in(self.path["study"])

    @property
    def series(self) -> SeriesUID:
        """The series in the path."""
        return series_in(self.path["series"])

    # Query, headers, form

    @cached_property
    def query(self) -> Fields:
        """The parameters of the query string.

        Raises:
            BadQuery: it is malformed.
        """
        return query_of(self.req)

    def header(self, name: str) -> str | None:
        """A request header; its name is case-insensitive."""
        return self.req.get_header(name)

    def preferred(self, media_types: Iterable[str]) -> str | None:
        """The media type that the client prefers among some; None if it accepts none of them."""
        return preferred(self.req, media_types)

    def form(self) -> Fields:
        """The form parameters. The body can be read once; see `read_form` for the errors."""
        return read_form(self.req, self.max_form)

    def command(self, form: Fields) -> CommandKey | None:
        """The key of the command, by path and form; None without an idempotency key."""
        return None if self.key is None else self.key.command(self.path, form.values)


@frozen
class UnconvertedRequest(ApiRequest):
    """For responders that write their response themselves: to go."""

    service: Service = field(kw_only=True)
    resp: falcon.Response = field(kw_only=True)

    def user(self) -> UserId:
        """The user in the path."""
        return self.user_named(self.path["user"])

    def user_named(self, reference: str) -> UserId:
        """The user that a text refers to."""
        return user_named(self.service.people, reference)

    def named(self, reference: str | None) -> UserId | None:
        """The same, where there may be no text at all."""
        return None if reference is None else self.user_named(reference)

    def permitted(self, album: str, permission: Permission) -> Stream[Album]:
        """The stream of another album than that in the path, if the caller holds the permission there."""
        service = self.service
        return permitted(service.albums, self.caller, album, permission, service.clock())

    def decide(
        self, decision: Callable[..., tuple[Any, ...]], *args: Any, **kwargs: Any
    ) -> tuple[RecordedEvent[Any], ...]:
        """Let the caller decide something about the album in the path."""
        return self.service.albums.handle(self.stream, decision, self.source, *args, **kwargs)

    def answer(self, value: Any, status: int = 200, total: int | None = None) -> None:
        """Answer with JSON, and with ``total`` in ``X-Total-Count`` where it is one page of something."""
        self._write(Response.json(value, status, total))

    def done(self, status: int = 204) -> None:
        """Answer with a status alone."""
        self._write(Response(status))

    def _write(self, response: Response) -> None:
        self.resp.status = response.status
        self.resp.set_headers(response.headers)
        if response.media_type:
            self.resp.content_type = response.media_type
        self.resp.data = response.body  # type: ignore[assignment]

    def written(self) -> Response:
        """What was written."""
        headers = dict(self.resp.headers)
        media_type = headers.pop("content-type", None)
        return Response(self.resp.status_code, self.resp.render_body() or b"", media_type, headers)
