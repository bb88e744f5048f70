"""Sends requests to the service and to the naive model of it, and compares what they say."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from hypothesis.stateful import RuleBasedStateMachine

from albumcore.ids import ReportProviderId, StudyUID
from albumcore_adapters.base.settings import Compat
from albumcore_adapters.identity.service_tokens import Report, report_token
from support.http_channels import Answer, Channel
from support.http_drawn import EMAILS, PEOPLE, SERIES, TRIES
from support.kheops import ALICE, HELP, NOWHERE, World, open_world
from support.naive_answers import MADE
from support.naive_http import Asker, Fields, Told
from support.naive_routes import NaiveApi
from support.subs import OF_PEOPLE, tables_with

STUDIES = ("1.2.4", "1.2.3")
SCOPES = (("read", "write"), ("read",), ("read", "write"))
"""What report providers may reach, and do."""

By = tuple[Any, ...]
"""Who asks, as it is drawn: whoever that is among those there are by then."""


FILTERED: list[dict[str, Any]] = [
    {"types": ["mutations"]},
    {"types": ["mutations"], "endDate": "2026-03-01"},
    {"types": ["mutations"], "startDate": "2026-03-01 12:02:00"},
    {"types": ["mutations"], "user": PEOPLE[1]},
    {"types": ["mutations"], "studies": "1.2.3"},
    {"types": ["mutations"], "family": "USERS"},
    {"types": ["mutations"], "type": "EDIT_ALBUM"},
]
ALBUM_PATHS = ("", "/users", "/reportproviders", "/webhooks")
QUERIES = {"": {"includeUsers": "true"}, "/users": {"limit": "2"}}
PATHS = ("/inboxinfo", "/capabilities", "/studies/1.2.3/comments", "/capabilities")
"""What is looked at after every step, in turns."""


class ApiClient(RuleBasedStateMachine):
    """A service that can be asked, and what was made in it so far.

    Attributes:
        channel_to: How it is asked.
        compat: As what it answers.
        providers_at: Where report providers are, at ``/a`` and at ``/b``.
        tokens: Ids and secrets of capability tokens.
        clients: Ids of report providers, each with its album.
        hooks: Ids of webhooks, each with its album.
    """

    channel_to: ClassVar[Callable[[World], Channel]]
    providers_at: ClassVar[str]
    compat: ClassVar[Compat]

    def start(self) -> None:
        """An empty service, beside an empty model."""
        self.folder = tempfile.TemporaryDirectory()
        self.world = open_world(
            Path(self.folder.name), self.compat, log_level="error", allow_private_addresses=True
        )
        self.model = NaiveApi(upstream=self.compat == "upstream")
        self.model.good_urls = tuple(f"{self.providers_at}/{name}" for name in ("a", "b"))
        self.channel = type(self).channel_to(self.world)
        self.jwts: dict[str, str] = {}
        self.tokens: list[tuple[str, str]] = []
        self.clients: list[tuple[str, str]] = []
        self.hooks: list[tuple[str, str]] = []
        self.turn = self.steps = self.seen = 0
        self.know()

    def know(self) -> None:
        """People, studies, and what is in inboxes."""
        for sub, email in EMAILS.items():
            name = sub.removeprefix("sub-").capitalize()
            self.world.service.people.register(sub, email, name)
            self.model.people[sub] = email, name
        for uid, (study, modality, description, instances, owners) in SERIES.items():
            for owner in owners or (None,):
                self.world.store(
                    {uid: modality}, study, owner, f"About {study}", description, instances
                )
            self.model.known[uid] = {
                "study": study,
                "modality": modality,
                "description": description,
                "instances": instances,
            }
            self.model.heard_of.add(study)
            for owner in owners:
                self.model.put(owner, study, [uid])
                self.model.brought.add((owner, uid))

    def teardown(self) -> None:
        """Close it all; no sub may be outside of the table of people then."""
        if hasattr(self, "channel"):
            self.channel.close()
            found = tables_with(self.world.service.database, PEOPLE)
            assert found == {OF_PEOPLE}, found
            self.world.service.close()
            self.folder.cleanup()

    # Asking

    def asker(self, symbol: By, number: int) -> Asker:
        """Who a drawn asker is, among those there are by now."""
        if symbol[0] == "token":
            return Asker("capability", self.tokens[-1 - number % len(self.tokens)][1])
        if symbol[0] == "provider":
            client, _ = self.clients[-1 - number % len(self.clients)]
            user = PEOPLE[number % 3]
            return Asker("provider", client, user, STUDIES[number % 2 :], SCOPES[number % 3])
        return Asker(symbol[0], symbol[1] if len(symbol) > 1 else "")

    def header(self, asker: Asker) -> str | None:
        """What an asker shows."""
        if asker.kind == "nobody":
            return None
        if asker.kind == "garbage":
            return "Bearer neither.one.northeother"
        if asker.kind == "capability":
            return f"Bearer {asker.name}"
        if asker.kind == "user":
            if asker.name not in self.jwts:
                self.jwts[asker.name] = self.world.token(asker.name)
            return f"Bearer {self.jwts[asker.name]}"
        report = Report(
            asker.user,
            ReportProviderId(asker.name),
            tuple(map(StudyUID, asker.studies)),
            asker.scope,
        )
        issuer = self.world.service.auth.issuer
        return f"Bearer {report_token(issuer, report, self.world.clock.now)}"

    def request(
        self,
        symbol: By,
        method: str,
        path: str,
        form: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        lender: Asker | None = None,
        number: int = 0,
        in_query: bool = False,
    ) -> Told:
        """Send a request to both, and compare what they say."""
        at = self.world.clock.tick()
        asker = self.asker(symbol, number)
        headers = {"Authorization": self.header(asker)}
        if lender is not None:
            headers["X-Authorization-Source"] = self.header(lender)
        sent = form if in_query else query
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self.channel.request(
            method,
            path,
            urlencode(sent or {}, doseq=True),
            {name: value for name, value in headers.items() if value is not None},
            b"" if in_query else urlencode(form or {}, doseq=True).encode(),
        )
        given = answer.json if 200 <= answer.status < 300 else None
        told = self.model.answer(asker, method, path, lists(form), lists(sent), lender, at, given)
        self.compare(f"{asker} {method} {path} {form} {query} {lender}", told, answer)
        return told

    def attempt(self, by: By, flag: str, album: str) -> None:
        """Do what a flag is about."""
        method, path, query, form = TRIES[flag]
        query = {name: value.format(album=album) for name, value in query.items()}
        self.request(by, method, path.format(album=album), form, query)

    def source(self, kind: str, which: int, number: int) -> tuple[dict[str, str], Asker | None]:
        """Where a study is taken from."""
        query = {"album": self.album(which)} if "album" in kind else {}
        query |= {"inbox": "true"} if "inbox" in kind else {}
        lender = self.asker(("token",), number) if "lent" in kind else None
        return query, Asker("user", ALICE) if kind == "lent by a user" else lender

    def news(self) -> bool:
        """Whether anything was recorded since this was last asked."""
        before, self.seen = self.seen, self.world.position()
        return self.seen != before

    def bring_images(self, sub: str, study: str, series: str) -> None:
        """Have an image of a series come in, in somebody's name."""
        known = self.model.known.get(series, {"study": study})
        if known["study"] == study:
            modality = known.get("modality") or "OT"
            self.world.store({series: modality}, study, sub, f"About {study}")
            self.model.bring(sub, study, series, modality)

    def look(self) -> None:
        """Let everybody see the albums and what happened in one of them, and somebody all that belongs to them."""
        self.turn += 1
        albums = self.open_albums[:2]
        for number, sub in enumerate(PEOPLE):
            by = ("user", sub)
            self.request(by, "GET", "/albums")
            for album in albums[self.turn % 2 :][:1] or albums:
                query = FILTERED[self.turn % len(FILTERED)] if (self.turn + number) % 4 == 0 else {}
                self.request(by, "GET", f"/albums/{album}/events", query=query)
        by = ("user", PEOPLE[self.turn % 4])
        for path in ALBUM_PATHS[self.turn % 2 :: 2]:
            for album in albums:
                self.request(by, "GET", f"/albums/{album}{path}", query=QUERIES.get(path))
        for path in PATHS[self.turn % 2 :: 2]:
            self.request(by, "GET", path, query={"valid": "true"} if self.turn % 3 else {})

    def compare(self, asked: str, told: Told, answer: Answer) -> None:
        """Status, every field of the body, and the total."""
        assert answer.status == told.status, f"{asked}: {told} expected, {answer}"
        if told.message is not None:
            more = (
                {"version", "mutation_type"} if told.status == 409 and "/undo" in asked else set()
            )
            assert set(answer.json) - more == {"message", "detail", "help"}, asked
            assert (answer.json["message"], answer.json["help"]) == (told.message, HELP), asked
            assert answer.json["detail"], asked
        elif told.body is None:
            assert answer.body == b"", asked
        else:
            assert settled(answer.json, told.body) == told.body, asked
        total = answer.headers.get("X-Total-Count")
        assert total == (None if told.total is None else str(told.total)), asked

    def moment(self, album: str, moment: Any, form: str, number: int) -> dict[str, str]:
        """The parameters that name a moment of an album: of something that happened, by a number."""
        known = self.model.remembered.get(album, [])
        if isinstance(moment, dict) or not known:
            return moment if isinstance(moment, dict) else {"at": "2026-03-01T12:00:00Z"}
        one = known[number % len(known)]
        if moment == "version":
            return {"version": str(one.album.version)}
        return {"at": form.format(one.at.replace(tzinfo=None).isoformat())}

    def album(self, number: int) -> str:
        """One of the two oldest albums there are; or none."""
        return [*self.open_albums[:2], NOWHERE, NOWHERE, NOWHERE][number]

    @property
    def open_albums(self) -> list[str]:
        """The albums that there are, the oldest first."""
        return [one for one, album in self.model.albums.items() if album.phase == "open"]


def lists(fields: Mapping[str, Any] | None) -> Fields:
    """Every value of each field."""
    return {
        name: list(value) if isinstance(value, list) else [str(value)]
        for name, value in (fields or {}).items()
    }


def settled(answer: Any, expected: Any) -> Any:
    """The answer, with what the model cannot know as the model has it, if it can be right.

    That is when a token was last used, which is right to the minute, and the ids of triggers.
    """
    if isinstance(answer, list) and isinstance(expected, list) and len(answer) == len(expected):
        return [settled(*pair) for pair in zip(answer, expected, strict=True)]
    if not (
        isinstance(answer, dict) and isinstance(expected, dict) and answer.keys() == expected.keys()
    ):
        return answer
    found = {name: settled(answer[name], expected[name]) for name in answer}
    if "last_used" in found:
        used, known = answer["last_used"], expected["last_used"]
        found["last_used"] = known if known >= used >= a_minute_before(known) else used
    if expected.get("id") == MADE and re.fullmatch("[A-Za-z0-9]{30}", answer["id"]):
        found["id"] = MADE
    return found


def a_minute_before(text: str) -> str:
    """A minute before a moment, as the API writes it."""
    return f"{(datetime.fromisoformat(text[:-1]) - timedelta(minutes=1)).isoformat()}Z"
