"""Requests about what belongs to albums: report providers, capability tokens and webhooks."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from support import http_drawn as draw
from support.http_machine import ApiClient, By


class Belongings(ApiClient):
    """The rules for them."""

    @rule(by=draw.MANAGERS, which=draw.OF_ALBUM, name=draw.NAMES, url=draw.PROVIDER_PATHS)
    def create_provider(self, by: By, which: int, name: str, url: str) -> None:
        """It is asked what it is."""
        album, form = self.album(which), {"name": name, "url": f"{self.providers_at}{url}"}
        told = self.request(by, "POST", f"/albums/{album}/reportproviders", form)
        if told.status == 201:
            self.clients.append((told.body["client_id"], album))

    @rule(
        by=draw.MANAGERS,
        number=draw.NUMBERS,
        method=st.sampled_from(["GET", "PATCH", "PATCH", "DELETE"]),
        form=draw.some(name=draw.PROVIDER_NAMES, url=draw.PROVIDER_PATHS),
        other=st.integers(0, 5),
    )
    def use_provider(
        self, by: By, number: int, method: str, form: dict[str, str], other: int
    ) -> None:
        """Show, edit, delete; sometimes where it is not."""
        client, album = self.clients[-1 - number % len(self.clients)]
        album = self.album(0) if other == 0 else album
        if form.get("url"):
            form = form | {"url": f"{self.providers_at}{form['url']}"}
        path = f"/albums/{album}/reportproviders/{client}"
        self.request(by, method, path, form if method == "PATCH" else None)

    @rule(
        by=draw.MANAGERS,
        which=draw.OF_ALBUM,
        scope=draw.SCOPES,
        title=draw.TITLES,
        grants=draw.GRANTS,
        life=draw.LIVES,
        tried=st.sampled_from(sorted(draw.TRIES)),
        in_query=st.booleans(),
    )
    def create_token(
        self,
        by: By,
        which: int,
        scope: str,
        title: str,
        grants: str,
        life: dict[str, str],
        tried: str,
        in_query: bool,
    ) -> None:
        """Of an album, or of the user; it is tried at once."""
        form = {"title": title, "scope_type": scope, **life}
        form |= {f"{one}_permission": "true" for one in grants.split()}
        form |= {} if scope == "user" else {"album": self.album(which)}
        told = self.request(by, "POST", "/capabilities", form, in_query=in_query)
        if told.status == 201:
            self.tokens.append((told.body["id"], told.body["access_token"]))
            self.attempt(("token",), tried, self.album(which))

    @rule(by=draw.ASKERS, number=draw.NUMBERS, revoke=st.booleans())
    def use_token(self, by: By, number: int, revoke: bool) -> None:
        """Show or revoke."""
        path = f"/capabilities/{self.tokens[-1 - number % len(self.tokens)][0]}"
        if revoke:
            self.request(by, "POST", f"{path}/revoke")
        else:
            self.request(by, "GET", path)

    @rule(by=draw.MANAGERS, which=draw.OF_ALBUM, form=draw.HOOK_EDITS)
    def create_webhook(self, by: By, which: int, form: dict[str, Any]) -> None:
        """Nothing is delivered here."""
        album = self.album(which)
        told = self.request(by, "POST", f"/albums/{album}/webhooks", form)
        if told.status == 201:
            self.hooks.append((told.body["id"], album))

    @rule(
        by=draw.MANAGERS,
        number=draw.NUMBERS,
        method=st.sampled_from(["GET", "PATCH", "PATCH", "DELETE", "POST"]),
        form=st.one_of(draw.HOOK_EDITS, draw.HOOK_LISTS),
        trigger=draw.TRIGGERS,
        other=st.integers(0, 5),
    )
    def use_webhook(
        self,
        by: By,
        number: int,
        method: str,
        form: dict[str, Any],
        trigger: dict[str, Any],
        other: int,
    ) -> None:
        """Show, edit, delete, trigger; sometimes where it is not."""
        hook, album = self.hooks[-1 - number % len(self.hooks)]
        album = self.album(1) if other == 0 else album
        path = f"/albums/{album}/webhooks/{hook}"
        forms = {"PATCH": form, "POST": trigger}
        self.request(by, method, path + ("/trigger" if method == "POST" else ""), forms.get(method))
