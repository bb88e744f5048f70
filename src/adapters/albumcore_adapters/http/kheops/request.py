"""The request as responders see it (Kheops API, conventions)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import falcon
from attrs import field, frozen

from albumcore import Album, CommandKey, Source, Stream, album_stream
from albumcore.ids import AlbumId, SeriesUID, StudyUID
from albumcore_adapters.http.accept import preferred
from albumcore_adapters.http.idempotency_key import IdempotencyKey
from albumcore_adapters.http.kheops.forms import MAX_FORM, read_form
from albumcore_adapters.http.kheops.parameters import (
    Fields,
    instance_in,
    query_of,
    series_in,
    study_in,
)
from albumcore_adapters.identity.callers import Caller


@frozen
class ApiRequest:
    """A request that has passed the checks of its route.

    Attributes:
        req: The request as Falcon parsed it.
        caller: Who makes it.
        path: The parameters in its path, by name.
        key: Its idempotency key, if the route supports one and the request has one.
        max_form: Largest form that is read, in bytes.
        again: Looks up who makes it once more, for a request that waits; None for one that does not.
    """

    req: falcon.Request = field(repr=False)
    caller: Caller
    path: Mapping[str, str]
    key: IdempotencyKey | None = None
    max_form: int = MAX_FORM
    again: Callable[[], Caller] | None = field(default=None, repr=False)

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

    @property
    def instance(self) -> str:
        """The instance in the path, by SOPInstanceUID."""
        return instance_in(self.path["instance"])

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
