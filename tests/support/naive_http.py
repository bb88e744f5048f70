"""The whole Kheops API by its documentation alone, in plain dicts and lists: who is let in, and what he is told.

It takes a request, changes what it knows, and says the answer. It shares no code with the service it is compared
with. What happens to one album is `NaiveAlbum`'s; what answers look like is `support.naive_answers`'.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from support.naive import NaiveAlbum
from support.naive_comments import NaiveStudyComments
from support.naive_places import NaivePlaces, Place, Words
from support.naive_state import SLACK, Fact

Fields = Mapping[str, Sequence[str]]


class Failed(Exception):
    """A request is refused with a status, and a message where the body has one."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status, self.message = status, message


@frozen
class Told:
    """What is answered: a body, or the message of an error, or neither; and a total, if it is a page."""

    status: int
    body: Any = None
    message: str | None = None
    total: int | None = None


BAD_FORM = Failed(400, "Bad Form Parameter")
BAD_QUERY = Failed(400, "Bad Query Parameter")
NO_TOKEN = Failed(401, "Unauthorized")
FORBIDDEN = Failed(403, "Authorization error")
NO_ALBUM = Failed(404, "Album Not Found")
NO_USER = Failed(404, "User Not Found")
NO_STUDY = Failed(404, "Study Not Found")
NO_SERIES = Failed(404, "Series Not Found")

BY_CODE = {
    "forbidden": FORBIDDEN,
    "invalid": BAD_FORM,
    "album_not_found": NO_ALBUM,
    "series_not_found": NO_SERIES,
    "member_not_found": Failed(404, "Not a member"),
    "webhook_not_found": Failed(404, "Webhook Not Found"),
    "report_provider_not_found": Failed(404, "Client ID not found"),
    "capability_token_not_found": Failed(404, "Not Found"),
}
"""What is told of the refusals of an album."""

RIGHTS: dict[str, tuple[bool | str, set[str] | None, str | None]] = {
    "ADD_USER": ("add_user", None, None),
    "REMOVE_USER": (True, None, None),
    "ADD_ADMIN": (False, None, None),
    "REMOVE_ADMIN": (False, None, None),
    "SEND_SERIES": ("send_series", {"read", "appropriate"}, None),
    "DELETE_SERIES": ("delete_series", {"read", "write"}, None),
    "ADD_SERIES": ("add_series", {"write"}, "write"),
    "READ_SERIES": (True, {"read"}, "read"),
    "WRITE_COMMENT": ("write_comments", None, None),
    "READ_COMMENT": (True, None, None),
    "EDIT_ALBUM": (True, None, None),
    "DELETE_ALBUM": (False, None, None),
    "LIST_USERS": (True, None, None),
    "EDIT_FAVORITES": ("add_series", None, None),
    "MANAGE_CAPABILITIES_TOKEN": (False, None, None),
    "MANAGE_DICOM_SR": (False, None, None),
    "GET_DICOM_SR": (True, None, None),
    "MANAGE_WEBHOOK": (False, None, None),
}
"""Who holds a right beside the admins (Kheops API 2): plain members, by a flag or not; a token of the album with
these grants; a report provider whose token has this scope."""


@frozen
class Asker:
    """Who asks, before anybody has looked at what he shows.

    Attributes:
        kind: user, capability token, report provider, or whoever shows nothing, or nothing good.
        name: The sub, the secret, or the id of the report provider.
        user: In whose name a report provider comes.
        studies: What it may report on.
        scope: What it may do.
    """

    kind: str
    name: str = ""
    user: str = ""
    studies: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()


@frozen
class Source:
    """In whose name something happens, and through what."""

    user: str
    capability_token: str | None = None
    report_provider: str | None = None


@frozen
class Caller:
    """Who asks, as far as he is known."""

    source: Source
    in_person: bool = False
    album: str | None = None
    studies: tuple[str, ...] | None = None
    scope: tuple[str, ...] = ()

    @property
    def user(self) -> str:
        """In whose name."""
        return self.source.user

    @property
    def acts_as_user(self) -> bool:
        """Not for one album alone."""
        return self.album is None


@frozen
class Request:
    """A request, taken apart. ``given`` is what the service answered: new ids and secrets are read there."""

    asker: Asker
    method: str
    path: Mapping[str, str]
    query: Fields
    form: Fields
    lender: Asker | None
    at: datetime
    given: Any

    def first(self, fields: str, name: str) -> str | None:
        """The first value of that name, in the form or in the query."""
        values = (self.form if fields == "form" else self.query).get(name, ())
        return values[0] if values else None

    def new(self, name: str, length: int) -> str:
        """A new id or secret, as it was answered: letters and digits."""
        made = str((self.given or {}).get(name))
        assert re.fullmatch(f"[A-Za-z0-9]{{{length}}}", made), f"{name}: {made}"
        return made

    def flag(self, fields: str, name: str) -> bool | None:
        """Whether it says true; None where it says nothing."""
        text = self.first(fields, name)
        return None if text is None else text.lower() == "true"


class NaiveWorld(NaivePlaces):
    """Everything there is, and who may do what with it."""

    def __init__(self, *, upstream: bool) -> None:
        super().__init__()
        self.upstream = upstream
        self.people: dict[str, tuple[str, str]] = {}
        self.created: dict[str, datetime] = {}
        self.inbox_favorites: set[tuple[str, str]] = set()
        self.said: dict[str, NaiveStudyComments] = {}
        self.user_tokens: dict[str, dict[str, Any]] = {}
        self.token_times: dict[str, dict[str, datetime]] = {}
        self.secrets: dict[str, str] = {}
        self.provider_times: dict[str, datetime] = {}
        self.triggers: dict[str, list[dict[str, Any]]] = {}

    # Who asks (Kheops API 1)

    def identify(self, asker: Asker, at: datetime) -> Caller:
        """The caller, or a refusal."""
        if asker.kind == "user":
            if asker.name not in self.people:
                raise NO_TOKEN if self.upstream else NO_USER
            return Caller(Source(asker.name), in_person=True)
        if asker.kind == "capability":
            return self.identify_token(asker.name, at)
        if asker.kind == "provider":
            return self.identify_provider(asker)
        raise NO_TOKEN

    def identify_token(self, secret: str, at: datetime) -> Caller:
        """Rules 61, 62, 66 and 67."""
        token_id = self.secrets.get(secret, "")
        album, token = self.token(token_id)
        if token is None or token["revoked by"] is not None:
            raise NO_TOKEN
        if not token["from"] - SLACK <= at <= token["until"] + SLACK:
            raise NO_TOKEN
        self.token_times[token_id]["used"] = at
        if album is None:
            return Caller(Source(token["creator"]))
        return Caller(Source(token["creator"], token_id), album=album)

    def token(self, token_id: str) -> tuple[str | None, dict[str, Any] | None]:
        """A capability token, and the album it is for."""
        for album_id, album in self.albums.items():
            if token_id in album.tokens:
                return album_id, album.tokens[token_id]
        return None, self.user_tokens.get(token_id)

    def identify_provider(self, asker: Asker) -> Caller:
        """A removed provider is 403; where the album is gone, nothing is known of it."""
        for album_id, album in self.albums.items():
            if asker.name in album.providers:
                if album.providers[asker.name]["removed"] or asker.user not in album.members:
                    raise FORBIDDEN
                source = Source(asker.user, report_provider=asker.name)
                return Caller(source, album=album_id, studies=asker.studies, scope=asker.scope)
        raise NO_TOKEN

    # What is there for him (Kheops API 2)

    def reached(self, caller: Caller, album_id: str) -> NaiveAlbum:
        """The album, if it is there for the caller."""
        album = self.albums.get(album_id)
        if album is None or album.phase != "open":
            raise NO_ALBUM
        there = album_id == caller.album if caller.album else caller.user in album.members
        if not there:
            raise NO_ALBUM
        return album

    def holds(self, caller: Caller, album_id: str, right: str) -> bool:
        """Whether the caller has a right in an album that is there for him."""
        album = self.reached(caller, album_id)
        member, grants, scope = RIGHTS[right]
        if caller.source.report_provider is not None:
            return scope is not None and scope in caller.scope
        if caller.source.capability_token is not None:
            held = album.tokens[caller.source.capability_token]["grants"]
            return grants is not None and grants <= held
        if album.admin(caller.user):
            return True
        return album.flags[member] if isinstance(member, str) else member

    def require(self, caller: Caller, album_id: str, right: str) -> NaiveAlbum:
        """Go on only if the caller has the right."""
        if not self.holds(caller, album_id, right):
            raise FORBIDDEN
        return self.albums[album_id]

    def user_named(self, reference: str) -> str:
        """Rule 17."""
        for sub, (email, _) in self.people.items():
            if reference.strip().lower() == email if "@" in reference else reference == sub:
                return sub
        raise NO_USER

    def in_inbox(self, user: str, study: str) -> list[str]:
        """The series of a study in somebody's inbox."""
        return sorted(uid for where, uid in self.inboxes.get(user, set()) if where == study)

    def places_of(self, caller: Caller, right: str) -> list[Place]:
        """The albums that the caller has a right in, and the inbox."""
        found: list[Place] = [("inbox", caller.user)] if caller.acts_as_user else []
        for album_id, album in sorted(self.albums.items()):
            mine = album_id == caller.album if caller.album else caller.user in album.members
            if mine and self.holds(caller, album_id, right):
                found.append(("album", album_id))
        return found

    def seen(self, caller: Caller, study: str) -> set[str]:
        """Rule 56: the series of a study that the caller may read, claimed ones too."""
        if caller.studies is not None and study not in caller.studies:
            return set()
        mine = self.places_of(caller, "READ_SERIES")
        return {uid for place, of, uid in self.held() if place in mine and of == study}

    def sees(self, caller: Caller, study: str) -> bool:
        """Rule 56; but anybody may claim a placeholder, so that alone shows nothing of what others hold."""
        if caller.studies is not None and study not in caller.studies:
            return False
        return bool(self.showing(study) & set(self.places_of(caller, "READ_SERIES")))

    def can_see(self, user: str, study: str) -> bool:
        """Rule 56."""
        return self.sees(Caller(Source(user)), study)

    def taken(self, request: Request, caller: Caller) -> Place | Words | None:
        """Rule 53: what the series in the path comes from; None where it is not the caller's to take."""
        study, series = request.path["study"], request.path["series"]
        if request.lender is not None:
            lender, uids = self.lent(request, study)
            return lender if series in uids else None
        mine = self.places_of(caller, "SEND_SERIES") if caller.acts_as_user else []
        user = caller.user if caller.acts_as_user else None
        return self.origin(mine, user, study, series)

    def source_album(self, album_id: str, study: str) -> tuple[Place, list[str]]:
        """An album that a study is taken from, and what it holds of that."""
        return ("album", album_id), sorted(self.albums[album_id].studies.get(study, []))

    def become_known(self, study: str, series: str) -> None:
        """A series that is new to the server is a placeholder (rule 54)."""
        blank = {"study": study, "modality": None, "description": None, "instances": 0}
        self.known.setdefault(series, blank)

    def lent(self, request: Request, study: str) -> tuple[Place, list[str]]:
        """What the token in X-Authorization-Source lends of a study (Kheops API 4.1)."""
        assert request.lender is not None
        try:
            lender = self.identify(request.lender, request.at)
        except Failed:
            raise FORBIDDEN from None
        if lender.album is None or lender.source.capability_token is None:
            raise FORBIDDEN
        self.require(lender, lender.album, "SEND_SERIES")
        return self.source_album(lender.album, study)

    # What happens

    def decide(
        self, request: Request, caller: Caller, album_id: str, decision: str, *args: Any
    ) -> None:
        """Let something happen to an album, or refuse it."""
        album = self.albums[album_id]
        outcome = album.predict(decision, caller.source, request.at, args)
        if isinstance(outcome, str):
            raise BY_CODE[outcome]
        for fact in outcome:
            self.tell_webhooks(album, fact)
        for one in self.albums.values():
            for token_id, token in one.tokens.items():
                if token["revoked by"] is not None:
                    self.token_times[token_id].setdefault("revoked", request.at)

    def tell_webhooks(self, album: NaiveAlbum, fact: Fact) -> None:
        """What webhooks have to tell, by themselves (Kheops API 11); series that are new, later than is looked here."""
        event = TOLD.get(fact.get("mutation") or "")
        for webhook, found in album.webhooks.items():
            if event is not None and found["enabled"] and event in found["events"]:
                there = album.studies.get(fact["study"], [])
                self.trigger(webhook, event, fact["study"], fact["series"], fact["target"], there)

    def trigger(
        self,
        webhook: str,
        event: str,
        study: str | None,
        series: Sequence[str],
        user: str | None,
        there: Sequence[str],
        *,
        by_hand: bool = False,
    ) -> None:
        """A webhook has something to tell."""
        told: dict[str, Any] = {"event": event, "study": study, "series": series, "user": user}
        told.update({"is gone": not there, "by hand": by_hand})
        self.triggers.setdefault(webhook, []).insert(0, told)


TOLD = {
    "ADD_USER": "new_user",
    "ADD_ADMIN": "new_user",
    "REMOVE_STUDY": "remove_series",
    "REMOVE_SERIES": "remove_series",
}
"""What is told at once of some mutations."""

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")


def is_uid(text: str) -> bool:
    """DICOM PS3.5 section 9.1."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def page_of(request: Request, found: list[Any], least: int = 0) -> list[Any]:
    """The page that ``limit`` and ``offset`` ask for."""
    numbers = []
    for name, low in (("limit", least), ("offset", 0)):
        text = request.first("query", name)
        if text is not None and (not text.isdigit() or int(text) < low):
            raise BAD_QUERY
        numbers.append(None if text is None else int(text))
    limit, offset = numbers
    rest = found[offset or 0 :]
    return rest if limit is None else rest[:limit]
