"""A report provider with a web server and a key of its own, which does what the documented API has it do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from attrs import define
from joserfc import jws
from joserfc.jwk import RSAKey

from albumcore import create_report_provider, import_series
from albumcore.ids import ReportProviderId, StudyUID
from albumcore_adapters.base.settings import Compat
from support.kheops import (
    ALICE,
    CT,
    MR,
    STUDY,
    Answer,
    Fields,
    World,
    open_world,
    settle,
)
from support.receiver import Answer as Sent
from support.receiver import Receiver, receiving

SCRIBE = ReportProviderId("s" * 22)
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ELSEWHERE = StudyUID("9.9")
"""A study that is in no album."""

ROOT = "http://127.0.0.1:8000"
"""Where the service says that it is, unless told otherwise."""


@cache
def key_of(kid: str) -> RSAKey:
    """One key of each name."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@define
class Scribe:
    """The report provider. Its assertions are numbered, so that none is like another."""

    receiver: Receiver
    assertions: int = 0

    @property
    def redirect_uri(self) -> str:
        """Where reports are started."""
        return f"{self.receiver.address}/report"

    def says(self, **others: Any) -> None:
        """Let it say this of itself from now on; what is None is left out."""
        told = {
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "RS256",
            "jwks_uri": f"{self.receiver.address}/keys",
        } | others
        shown = {name: value for name, value in told.items() if value is not None}
        self.receiver.answer(Sent.json(shown), path="/config")

    def shows(self, *kids: str) -> None:
        """Let it show the keys of these names from now on."""
        keys = [key_of(kid).as_dict(private=False) for kid in kids]
        self.receiver.answer(Sent.json({"keys": keys}), path="/keys")

    def join(self, world: World, name: str = "Scribe") -> None:
        """Let it into the album."""
        url = f"{self.receiver.address}/config"
        world.act(ALICE, create_report_provider, SCRIBE, name, url)

    def assertion(
        self,
        world: World,
        header: Mapping[str, Any] | None = None,
        signed_by: str = "first",
        **claims: Any,
    ) -> str:
        """Prove who it is; what is None is left out."""
        self.assertions += 1
        now = int(world.clock.now.timestamp())
        told = {
            "iss": SCRIBE,
            "sub": SCRIBE,
            "aud": f"{ROOT}/token",
            "jti": f"number {self.assertions}",
            "exp": now + 300,
        } | claims
        shown = {"alg": "RS256", "kid": "first"} | dict(header or {})
        return jws.serialize_compact(
            {name: value for name, value in shown.items() if value is not None},
            orjson.dumps({name: value for name, value in told.items() if value is not None}),
            key_of(signed_by),
        )

    def redeem(self, world: World, code: str, /, **others: str | Sequence[str] | None) -> Answer:
        """Ask for the token that a code is good for; what is None is left out of the form."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": SCRIBE,
            "redirect_uri": self.redirect_uri,
            "client_assertion_type": JWT_BEARER,
            "client_assertion": self.assertion(world),
        } | others
        return world.request(None, "POST", "/token", form=_without_none(form))

    def code(self, world: World, by: str = ALICE, *studies: str) -> str:
        """The code that it is sent when somebody starts a report."""
        return landed(start(world, by, *studies))["code"][0]

    def token(self, world: World, by: str = ALICE, *studies: str) -> str:
        """The access token that it has in the end."""
        answer = self.redeem(world, self.code(world, by, *studies))
        assert answer.status_code == 200, answer.text
        token: str = answer.json["access_token"]
        return token


@contextmanager
def scribing(**says: Any) -> Iterator[Scribe]:
    """Run a report provider until the block ends."""
    with receiving() as receiver:
        made = Scribe(receiver)
        made.says(**says)
        made.shows("first")
        yield made


def open_reporting_world(folder: Path, compat: Compat = "documented", **settings: Any) -> World:
    """A settled world that may send requests to this machine, with a study in its album and one that is not."""
    made = open_world(folder, compat, allow_private_addresses=True, start=settle, **settings)
    made.store({CT: "CT"}, description="Knee")
    made.store({MR: "MR"}, study=ELSEWHERE)
    made.act(ALICE, import_series, STUDY, CT)
    return made


def refusal(answer: Answer) -> str:
    """The error of a refusal in the way of OAuth, which nobody keeps a copy of."""
    assert answer.status_code == 400, answer.text
    assert list(answer.json) == ["error", "error_description"]
    assert answer.headers["cache-control"] == "no-store"
    error: str = answer.json["error"]
    return error


def exchange(world: World, by: str | None, **others: str | Sequence[str] | None) -> Answer:
    """Exchange the token of somebody for a viewer's; what is None is left out of the form."""
    form = {
        "grant_type": EXCHANGE,
        "subject_token": None if by is None else world.token_of(by),
        "subject_token_type": ACCESS_TOKEN,
        "studyUID": STUDY,
        "scope": "viewer read",
    } | others
    return world.request(None, "POST", "/token", form=_without_none(form))


def start(world: World, by: str, *studies: str, **others: str | None) -> Answer:
    """Start a report as a browser does, by the token of somebody; what is None is left out of the form."""
    form = {"access_token": world.token_of(by), "client_id": SCRIBE, "studyUID": studies or STUDY}
    return world.request(None, "POST", "/report", form=_without_none(form | others))


def bearing(token: str) -> dict[str, str]:
    """The header of who shows a token."""
    return {"Authorization": f"Bearer {token}"}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.refresh = ""
        self.href = ""
        self.title = ""
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        told = dict(attrs)
        self.refresh += told.get("content") or ""
        self.href += told.get("href") or ""

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["title"]:
            self.title += data.strip()


TAGS = ["html", "head", "meta", "title", "meta", "body", "p", "a"]


def page_of(answer: Answer) -> tuple[str, str]:
    """The title of the page that sends the browser away, and where to, after a look at what else is on it."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    page = _Page()
    page.feed(answer.text)
    assert page.tags == TAGS
    assert page.refresh == f"0; url={page.href}"
    return page.title, page.href


def landed(answer: Answer) -> dict[str, list[str]]:
    """What the browser brings to the provider, in the query or in the fragment."""
    address = urlsplit(page_of(answer)[1])
    return parse_qs(address.query or address.fragment, strict_parsing=True)


def _without_none(form: Mapping[str, Any]) -> Fields:
    return {name: value for name, value in form.items() if value is not None}
