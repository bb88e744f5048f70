"""A small world to ask the Kheops album API in: known people, two albums, a clock that obeys."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode

import falcon.testing
from attrs import define, evolve, field, fields

from albumcore import (
    Album,
    Grants,
    MemberFlags,
    PersonRegistered,
    Source,
    add_admin,
    add_member,
    album_stream,
    create_album,
    issue_capability_token,
    issue_user_token,
    user_stream,
)
from albumcore.feed import Person
from albumcore.ids import (
    AlbumId,
    CapabilityTokenId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
)
from albumcore.index import AlbumRow
from albumcore_adapters.base.settings import Compat, Settings
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.http.app import create_app
from albumcore_adapters.identity.jwt import issue_token
from albumcore_adapters.service import Service, open_service
from support.named import NAMED
from support.store_form import make_store
from support.templates import begin, place
from support.watched import watched

Answer: TypeAlias = falcon.testing.Result
Fields: TypeAlias = Mapping[str, str | Sequence[str]]

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALBUM = AlbumId("Trial00001")
OTHER = AlbumId("Other00001")
NOWHERE = AlbumId("Nowhere001")
STUDY = StudyUID("1.2.3")
CT, MR, SR = (SeriesUID(f"1.2.3.{number}") for number in (1, 2, 3))

ALICE, BOB, CAROL, DAVE = (
    UserId(name) for name in ("sub-alice", "sub-bob", "sub-carol", "sub-dave")
)
"""The subs of the people; `World.user` has the ids that events and tables name them by.

Alice made the album and is an admin of it, Carol is an admin too, Bob a plain member. Dave is no member."""

NOBODY = UserId("sub-nobody")
"""Unknown to the directory."""


HELP = "http://127.0.0.1:8000/openapi.json"
"""The documentation that errors lead to, where the settings say nothing of an address."""


def email_of(sub: str) -> str:
    """The e-mail address of one of the people here."""
    return f"{sub.removeprefix('sub-')}@example.org"


@define
class Clock:
    """A clock that moves when it is told to."""

    now: datetime = START

    def __call__(self) -> datetime:
        """The present."""
        return self.now

    def tick(self, seconds: float = 1) -> datetime:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        return self.now


def digest_of(secret: str) -> str:
    """The SHA-256 of a secret, in hexadecimal: all that is kept of a capability token's."""
    return hashlib.sha256(secret.encode()).hexdigest()


def with_subs(event: Any, subs: Mapping[UserId, str]) -> Any:
    """An event with the subs of people in place of their user ids."""
    there = {one.name: getattr(event, one.name) for one in fields(type(event))}
    named = {name: subs[value] for name, value in there.items() if value in subs}
    return evolve(event, **named)


def local(at: datetime) -> str:
    """A moment as the API writes it."""
    return at.replace(tzinfo=None).isoformat()


@define
class World:
    """An open data directory, and the application over it."""

    service: Service
    clock: Clock
    client: falcon.testing.TestClient
    _tokens: dict[str, str] = field(factory=dict)

    # Over HTTP

    def token(self, sub: str, ttl: int = 10 * 366 * 24 * 3600 - 1, **claims: str | None) -> str:
        """A JWT of one of the people, with the name and address known of him, or other claims."""
        known = self.service.people.person(self.user(sub)) or Person(sub)
        told = {"email": known.email, "name": known.name} | claims
        return issue_token(
            self.service.secret, sub, told["email"], told["name"], ttl, self.clock.now
        )

    def request(
        self,
        by: str | None,
        method: str,
        path: str,
        form: Fields | None = None,
        query: Fields | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send one request, a second after whatever was before it."""
        self.clock.tick()
        sent = dict(headers or {})
        if by is not None:
            sent["Authorization"] = f"Bearer {self.token_of(by)}"
        if form is not None:
            body = urlencode(form, doseq=True).encode()
        if form is not None and "Content-Type" not in sent:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        return self.client.simulate_request(
            method,
            path,
            query_string=urlencode(query or {}, doseq=True),
            headers=sent,
            body=body,
        )

    def token_of(self, sub: str) -> str:
        """The token of one of the people, or the secret of a capability token by its name."""
        if sub not in self._tokens:
            self._tokens[sub] = self.token(sub)
        return self._tokens[sub]

    def get(self, by: str, path: str, **query: str | Sequence[str]) -> Any:
        """What a GET that must succeed answers, read from its JSON."""
        answer = self.request(by, "GET", path, query=query)
        assert answer.status_code == 200, answer.text
        return answer.json

    def events(self, by: str, album: str = ALBUM, **query: str | Sequence[str]) -> Any:
        """The events of an album as one of the people sees them."""
        return self.get(by, f"/albums/{album}/events", **query)

    def mutations(self, by: str = ALICE, album: str = ALBUM) -> list[str]:
        """The names of the album's mutations, newest first."""
        shown = self.events(by, album, types="mutations")
        return [event["mutation_type"] for event in shown]

    # Through the library

    def act(
        self,
        by: str,
        decision: Callable[..., tuple[Any, ...]],
        *args: Any,
        album: AlbumId = ALBUM,
        capability_token: str | None = None,
        report_provider: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Let somebody decide something, a second after whatever was before it. People are named by their subs."""
        self.clock.tick()
        args = tuple(map(self._meant, args))
        kwargs = {name: self._meant(value) for name, value in kwargs.items()}
        source = Source(
            self.user(by),
            CapabilityTokenId(capability_token) if capability_token else None,
            ReportProviderId(report_provider) if report_provider else None,
        )
        self.service.albums.handle(album_stream(album), decision, source, *args, **kwargs)

    def state(self, album: AlbumId = ALBUM) -> Album:
        """The present state of an album."""
        return self.service.albums.load(album_stream(album))

    def position(self) -> int:
        """Where the whole history stands."""
        return self.service.albums.recorder.max_notification_id() or 0

    def news(self, after: int) -> list[Any]:
        """The events recorded past a position, with the subs of people in them; without registrations."""
        subs = {user: one.sub for user, one in self.service.people.everyone().items()}
        return [
            with_subs(recorded.event, subs)
            for _, recorded in self.service.albums.follow(after)
            if not isinstance(recorded.event, PersonRegistered)
        ]

    # People

    def user(self, sub: str) -> UserId:
        """The user id by which events and tables name one of the people; the sub itself of anybody else."""
        known = self.service.people.with_sub(sub)
        return UserId(sub) if known is None else known.id

    def _meant(self, argument: Any) -> Any:
        return self.user(argument) if isinstance(argument, str) else argument

    def last_event_at(self, album: AlbumId = ALBUM) -> datetime:
        """When the album was last changed, as its lists show it."""
        [row] = self.service.albums.index.rows(AlbumRow, {"album_id": album})
        return row.last_event_at

    # Capability tokens. Each has a name, and whoever is asked ``by`` that name is asked by its secret

    def album_token(
        self, token_id: str, by: str = ALICE, album: str = ALBUM, /, **grants: bool
    ) -> str:
        """Let an admin make a capability token of an album, with a title made from its id."""
        issue, about = issue_capability_token, (f"The {token_id}", Grants(**grants))
        secret = self._secret_of(token_id)
        self.act(by, issue, token_id, digest_of(secret), *about, album=AlbumId(album))
        return token_id

    def user_token(self, token_id: str, by: str) -> str:
        """Let somebody make a capability token that acts as himself."""
        secret = self._secret_of(token_id)
        self.service.albums.handle(
            user_stream(self.user(by)),
            issue_user_token,
            Source(self.user(by)),
            CapabilityTokenId(token_id),
            digest_of(secret),
            f"The {token_id}",
        )
        return token_id

    def lent_by(self, by: str) -> dict[str, str]:
        """The header of a request that takes something by the token of another."""
        return {"X-Authorization-Source": f"Bearer {self.token_of(by)}"}

    def _secret_of(self, token_id: str) -> str:
        return self._tokens.setdefault(token_id, f"{token_id:0<22}")

    # Reference data

    def register(self, *subs: str) -> None:
        """Make people known, by a name and an address made from their sub."""
        for sub in subs:
            name = sub.removeprefix("sub-").capitalize()
            self.service.people.register(sub, email_of(sub), name)

    def store(
        self,
        series: Mapping[str, str | None],
        study: str = STUDY,
        owner: str | None = None,
        description: str | None = None,
        series_description: str | None = None,
        instances: int = 1,
        date: str | None = None,
    ) -> None:
        """Take series into the catalogue, each with a modality and some instances; into an inbox too."""
        self.service.catalogue.store(
            [
                InstanceRecord(
                    StudyUID(study),
                    SeriesUID(uid),
                    f"{uid}.{number}",
                    _attributes({"00081030": description, "00080020": date}),
                    _attributes({"00080060": modality, "0008103E": series_description}),
                    {},
                )
                for uid, modality in series.items()
                for number in range(1, instances + 1)
            ],
            owner=None if owner is None else self.user(owner),
        )


def _attributes(values: Mapping[str, str | None]) -> dict[str, Any]:
    return {tag: {"vr": "LO", "Value": [value]} for tag, value in values.items() if value}


def open_world(
    data: Path,
    compat: Compat = "documented",
    *,
    start: Callable[[World], None] | None = None,
    sealed: bool = True,
    **settings: Any,
) -> World:
    """A world in a directory; whoever opens it closes its service.

    Args:
        data: The directory.
        compat: As what it answers.
        start: What was done in it before, by default nothing. That is done once in each process, in a world with
            default settings, of which this one is then a copy: a function, and nothing that depends on its test.
        sealed: Whether a new store is sealed, and people have pseudonyms in it.
        settings: Further settings.
    """
    clock, made = Clock(), 0
    if start is not None:
        clock.now, made = begun(data, start)
    numbers = itertools.count(made + 1)

    def make_id(length: int) -> str:
        return f"{next(numbers):0{length}d}"

    where = Settings(**place(data), compat=compat, **settings)
    if not sealed:
        make_store(where, sealed=False)
    service = open_service(where, clock=clock, make_id=make_id)
    app = watched(create_app(service), service)
    return World(service, clock, falcon.testing.TestClient(app, headers=NAMED))


def begun(data: Path, start: Callable[[World], None]) -> tuple[datetime, int]:
    """Begin a world with what was done in another; tells when that was done, and how many ids were made for it."""
    return begin(data, start, partial(_done, start))


def _done(start: Callable[[World], None], data: Path) -> tuple[datetime, int]:
    world = open_world(data)
    try:
        start(world)
        return world.clock.now, int(world.service.make_id(1)) - 1
    finally:
        world.service.close()


def settle(world: World) -> None:
    """Bring in the people, and the album with its three members."""
    world.register(ALICE, BOB, CAROL, DAVE)
    world.act(ALICE, create_album, "Trial", "What it is about")
    world.act(ALICE, add_member, BOB)
    world.act(ALICE, add_admin, CAROL)


def unregister(world: World, sub: str) -> None:
    """Have the directory forget one of the people, and nothing else."""
    with world.service.database.transaction(commit=True) as cursor:
        cursor.execute("DELETE FROM directory_person WHERE sub = ?", [sub])


def kwargs_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a decision, from what an example file says of them."""
    made: dict[str, Callable[[Any], Any]] = {
        "grants": lambda value: Grants(**value),
        "flags": lambda value: MemberFlags(**value),
    }
    return {name: made.get(name, lambda value: value)(value) for name, value in given.items()}


def path_of(template: str, **parts: str) -> str:
    """The path of a route, with the album, the study, the series and Bob, and others that do not exist.

    Args:
        template: The path of the route, as the table of routes has it.
        parts: What takes the place of others than these.
    """
    return template.format_map(_PARTS | parts)


_PARTS = {
    "album": ALBUM,
    "study": STUDY,
    "series": CT,
    "instance": f"{CT}.1",
    "frames": "1",
    "bulk": "7FE00010",
    "user": BOB,
    "client": "x",
    "webhook": "x",
    "capability": "x",
    "version": "1",
    "path": "x",
}
