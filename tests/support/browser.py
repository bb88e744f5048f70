"""A browser without script over the WSGI application: it keeps cookies, follows redirects, and sends forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import falcon.testing
from attrs import define, field

from albumcore_adapters.directory.sessions import Sessions
from support.kheops import World
from support.tscharts import Api

_CSRF = re.compile(r'name="_csrf" value="([0-9a-f]*)"')


@define
class Browser:
    """A browser.

    Attributes:
        client: The application.
        headers: Headers of every request.
        cookies: The cookies, by name.
        page: The page that is shown.
    """

    client: falcon.testing.TestClient
    headers: dict[str, str] = field(factory=dict)
    cookies: dict[str, str] = field(factory=dict)
    page: str = ""

    def ask(
        self,
        method: str,
        path: str,
        body: str | bytes = "",
        headers: Mapping[str, str] | None = None,
    ) -> falcon.testing.Result:
        """Send one request, and keep the cookies of the answer."""
        sent = {"Accept": "text/html", **self.headers, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST":
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        path, _, query = path.partition("#")[0].partition("?")
        answer = self.client.simulate_request(
            method, path, query_string=query, body=body, headers=sent
        )
        for name, cookie in answer.cookies.items():
            if cookie.value:
                self.cookies[name] = cookie.value
            else:
                self.cookies.pop(name, None)
        return answer

    def get(self, path: str, **headers: str) -> falcon.testing.Result:
        """Open a page, and follow where it leads."""
        answer = self.ask("GET", path, headers=headers)
        while answer.status_code == 303:
            answer = self.ask("GET", answer.headers["location"], headers=headers)
        self.page = answer.text
        return answer

    def post(self, path: str, /, **form: Any) -> falcon.testing.Result:
        """Send a form with the token of the shown page, and follow where it leads."""
        found = _CSRF.search(self.page)
        fields = {"_csrf": found[1] if found else "", **form}
        answer = self.ask("POST", path, urlencode(fields, doseq=True))
        if answer.status_code == 303:
            return self.get(answer.headers["location"])
        self.page = answer.text
        return answer

    @property
    def words(self) -> str:
        """The text of the shown page, without tags and with single spaces."""
        return " ".join(unescape(re.sub(r"<[^>]*>", "", self.page)).split())


def signed_in(world: World, sub: str, **headers: str) -> Browser:
    """A browser in which one of the people is signed in by a token."""
    browser = Browser(world.client, headers)
    browser.get("/ui/sign-in")
    answer = browser.post("/ui/sign-in", token=world.token(sub))
    assert answer.status_code == 200, answer.text
    return browser


def signed_in_account(api: Api) -> Browser:
    """A browser in which the account of the TSCharts API is signed in, without checking its password."""
    ends_at = api.clock.now + timedelta(hours=12)
    sessions = Sessions(api.service.database)
    account = api.service.accounts.named("nurse")
    assert account is not None
    session_id = sessions.begin("tscharts", account.user, ends_at, api.clock.now)
    return Browser(api.client, cookies={"albumcore_account": session_id})
