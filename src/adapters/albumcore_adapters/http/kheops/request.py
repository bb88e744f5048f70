"""One request, read as far as every responder needs it, and the questions they all have (Kheops API, conventions)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import falcon
from attrs import frozen

from albumcore import Album, CommandKey, Permission, Source, Stream, album_stream
from albumcore.errors import UserNotFound
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore.index import CommandRow
from albumcore.kernel import RecordedEvent
from albumcore_adapters.access.albums import permitted
from albumcore_adapters.http.idempotency import IdempotencyKey
from albumcore_adapters.http.kheops import responses
from albumcore_adapters.http.kheops.forms import MAX_FORM, read_form
from albumcore_adapters.http.kheops.params import Fields, query_of, series_in, study_in
from albumcore_adapters.identity.callers import Caller
from albumcore_adapters.service import Service


@frozen
class ApiRequest:
    """A request that has passed the checks of its route.

    Attributes:
        service: What it is asked of.
        req: The request.
        resp: The answer to be.
        caller: Who asks.
        path: The parts of the path that the route names.
        longest_form: Largest form that is read, in bytes.
        key: By which it is known if it comes again, where the route heeds that and the caller gave one.
    """

    service: Service
    req: falcon.Request
    resp: falcon.Response
    caller: Caller
    path: Mapping[str, str]
    key: IdempotencyKey | None = None
    longest_form: int = MAX_FORM

    # Who asks, and what the path names

    @property
    def source(self) -> Source:
        """In whose name it happens."""
        return self.caller.source

    @property
    def album(self) -> AlbumId:
        """The album in the path. The route has seen that it is there for the caller."""
        return AlbumId(self.path["album"])

    @property
    def stream(self) -> Stream[Album]:
        """The stream of the album in the path."""
        return album_stream(self.album)

    @property
    def study(self) -> StudyUID:
        """The study in the path; `BadQuery` where it is no UID."""
        return study_in(self.path["study"])

    @property
    def series(self) -> SeriesUID:
        """The series in the path; `BadQuery` where it is no UID."""
        return series_in(self.path["series"])

    def user(self) -> UserId:
        """The user in the path.

        Raises:
            UserNotFound: nobody is known by that.
        """
        return self.user_named(self.path["user"])

    def user_named(self, reference: str) -> UserId:
        """The user that a text refers to: an e-mail address in any case, or a sub.

        Raises:
            UserNotFound: nobody is known by that.
        """
        person = self.service.people.find(reference)
        if person is None:
            raise UserNotFound("nobody is known by this sub or e-mail address")
        return person.sub

    def named(self, reference: str | None) -> UserId | None:
        """The same, where there may be no text at all."""
        return None if reference is None else self.user_named(reference)

    # What was sent

    @property
    def query(self) -> Fields:
        """The fields of the query string."""
        return query_of(self.req)

    def form(self) -> Fields:
        """The fields of the form; see `read_form` for what is refused. The body can be read once."""
        return read_form(self.req, self.longest_form)

    def command(self, form: Fields) -> CommandKey | None:
        """By which the command is known again that the form asks for."""
        return None if self.key is None else self.key.asking(self.path, form.values)

    def done_before(self) -> tuple[RecordedEvent[Any], ...]:
        """What the same request led to when it came before; nothing where it did not.

        The body is read only where there is something to compare it with.

        Raises:
            CommandReused: the key came with another request.
        """
        albums = self.service.albums
        if self.key is None or not albums.index.rows(CommandRow, {"command": self.key.id}):
            return ()
        return albums.done_before(self.key.asking(self.path, self.form().values))

    # What is done

    def permitted(self, album: str, permission: Permission) -> Stream[Album]:
        """The stream of another album than that in the path, if the caller holds the permission there.

        Raises:
            AlbumNotFound, Forbidden: see `albumcore_adapters.access.albums.permitted`.
        """
        service = self.service
        return permitted(service.albums, self.caller, album, permission, service.clock())

    def decide(
        self, decision: Callable[..., tuple[Any, ...]], *args: Any, **kwargs: Any
    ) -> tuple[RecordedEvent[Any], ...]:
        """Let the caller decide something about the album in the path."""
        return self.service.albums.handle(self.stream, decision, self.source, *args, **kwargs)

    # What is answered

    def answer(self, value: Any, status: int = 200, total: int | None = None) -> None:
        """Answer with JSON, and with ``total`` in ``X-Total-Count`` where it is one page of something."""
        responses.answer_json(self.resp, value, status, total)

    def done(self, status: int = 204) -> None:
        """Answer with a status alone."""
        responses.answer_nothing(self.resp, status)
