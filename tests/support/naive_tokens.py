"""The capability tokens and webhooks of the naive Kheops API (Kheops API 10 and 11)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from support.naive import three_months_after
from support.naive_answers import NaiveAnswers
from support.naive_http import (
    BAD_FORM,
    BAD_QUERY,
    BY_CODE,
    Caller,
    Failed,
    Request,
    Told,
    is_uid,
    page_of,
)

HOOK_EVENTS = ("new_series", "remove_series", "new_user", "delete_album")


class NaiveTokens(NaiveAnswers):
    """Routes; see `support.naive_routes`."""

    # Capability tokens (Kheops API 10)

    def create_token(self, request: Request, caller: Caller) -> Told:
        """Rules 57, 58, 60 and 63."""
        scope = (request.first("form", "scope_type") or "").lower()
        title, album_id = request.first("form", "title") or "", request.first("form", "album")
        if scope not in ("user", "album") or (scope == "album" and not album_id):
            raise BAD_FORM
        if scope == "album":
            assert album_id is not None
            self.reached(caller, album_id)
            if not self.holds(caller, album_id, "MANAGE_CAPABILITIES_TOKEN"):
                raise Failed(403, "Not admin")
        names = ("read", "write", "download", "appropriate")
        granted = {one for one in names if request.flag("form", f"{one}_permission")}
        start, end = moment(request, "not_before_time"), moment(request, "expiration_time")
        needs_read = bool(granted & {"download", "appropriate"}) and "read" not in granted
        if needs_read or not 1 <= len(title) <= 255:
            raise BAD_FORM
        token_id, secret = request.new("id", 10), request.new("access_token", 22)
        assert secret not in self.secrets
        if scope == "album":
            assert album_id is not None
            grants = SimpleNamespace(**{one: one in granted for one in names})
            about = token_id, "", title, grants, start, end
            self.decide(request, caller, album_id, "issue_capability_token", *about)
        else:
            self.user_tokens[token_id] = {
                "title": title,
                "creator": caller.user,
                "from": start or request.at,
                "until": end or three_months_after(request.at),
                "revoked by": None,
            }
        self.secrets[secret], self.token_times[token_id] = token_id, {"issued": request.at}
        shown = self.capability(caller, token_id)
        return Told(201, shown | {"access_token": secret, "secret": secret})

    def list_tokens(self, request: Request, caller: Caller) -> Told:
        """One's own, or those of an album; the newest first."""
        album_id, creator = request.first("query", "album"), request.first("query", "user")
        page_of(request, [])
        if album_id is not None:
            tokens = dict(self.albums[album_id].tokens)
            if creator is not None:
                user = self.user_named(creator)
                tokens = {one: it for one, it in tokens.items() if it["creator"] == user}
        else:
            if creator is not None:
                raise BAD_QUERY
            every = [self.user_tokens, *(album.tokens for album in self.albums.values())]
            tokens = {one: it for some in every for one, it in some.items()}
            tokens = {one: it for one, it in tokens.items() if it["creator"] == caller.user}
        if request.flag("query", "valid"):
            tokens = {
                one: it
                for one, it in tokens.items()
                if it["revoked by"] is None and it["until"] > request.at
            }
        found = sorted(tokens, key=lambda one: self.token_times[one]["issued"], reverse=True)
        shown = [self.capability(caller, one) for one in page_of(request, found)]
        return Told(200, shown, total=len(found))

    def named_token(self, request: Request, caller: Caller) -> tuple[str, str | None]:
        """Rule 58."""
        token_id = request.path["capability"]
        album_id, token = self.token(token_id)
        manages = album_id is not None and self.albums[album_id].admin(caller.user)
        if token is None or not (token["creator"] == caller.user or manages):
            raise BY_CODE["capability_token_not_found"]
        return token_id, album_id

    def get_token(self, request: Request, caller: Caller) -> Told:
        """Without its secret."""
        return Told(200, self.capability(caller, self.named_token(request, caller)[0]))

    def revoke_token(self, request: Request, caller: Caller) -> Told:
        """Rule 62; an expired one stays as it is."""
        token_id, album_id = self.named_token(request, caller)
        if album_id is not None:
            self.decide(request, caller, album_id, "revoke_capability_token", token_id)
        else:
            token = self.user_tokens[token_id]
            if token["revoked by"] is None and request.at <= token["until"] + timedelta(seconds=5):
                token["revoked by"] = caller.user
                self.token_times[token_id]["revoked"] = request.at
        return Told(200, self.capability(caller, token_id))

    # Webhooks (Kheops API 11)

    def hook_events(self, request: Request, name: str) -> list[Any] | None:
        """Named in any case; one empty value names none."""
        if name not in request.form:
            return None
        words = [one.lower() for one in request.form[name] if request.form[name] != [""]]
        if not set(words) <= set(HOOK_EVENTS):
            raise BAD_FORM
        return [SimpleNamespace(value=one) for one in words]

    def create_webhook(self, request: Request, caller: Caller) -> Told:
        """Rule 71."""
        about = request.first("form", "name") or "", request.first("form", "url") or ""
        secret, events = request.first("form", "secret"), self.hook_events(request, "event") or []
        if secret is not None and not 1 <= len(secret) <= 1024:
            raise BAD_FORM
        enabled = request.flag("form", "enabled") is not False
        album_id = request.path["album"]
        hook = str((request.given or {}).get("id"))
        self.decide(
            request,
            caller,
            album_id,
            "create_webhook",
            hook,
            *about,
            events,
            enabled,
            stored(secret, request),
        )
        return Told(201, self.webhook(album_id, request.new("id", 20)))

    def list_webhooks(self, request: Request, caller: Caller) -> Told:
        """The newest first."""
        album_id, url = request.path["album"], request.first("query", "url")
        webhooks = self.albums[album_id].webhooks
        found = [
            self.webhook(album_id, one)
            for one in reversed(webhooks)
            if url in (None, webhooks[one]["url"])
        ]
        return Told(200, page_of(request, found), total=len(found))

    def named_webhook(self, request: Request) -> tuple[str, str]:
        """It must be there."""
        album_id, hook = request.path["album"], request.path["webhook"]
        if hook not in self.albums[album_id].webhooks:
            raise BY_CODE["webhook_not_found"]
        return album_id, hook

    def get_webhook(self, request: Request, caller: Caller) -> Told:
        """With what it told, the newest first."""
        page_of(request, [])
        shown = self.bare_webhook(*self.named_webhook(request))
        triggers = page_of(request, self.triggers.get(shown["id"], []))
        return Told(200, shown | {"triggers": [self.trigger_json(one) for one in triggers]})

    def edit_webhook(self, request: Request, caller: Caller) -> Told:
        """The adding counts alone where events are added and removed."""
        album_id, hook = self.named_webhook(request)
        secret = request.first("form", "secret")
        if secret is not None and len(secret) > 1024:
            raise BAD_FORM
        lists = [self.hook_events(request, one) for one in ("event", "add_event", "remove_event")]
        events, added, removed = lists
        about = request.first("form", "name"), request.first("form", "url")
        changes = events, added or [], [] if added else removed or []
        enabled = request.flag("form", "enabled")
        self.decide(
            request,
            caller,
            album_id,
            "edit_webhook",
            hook,
            *about,
            *changes,
            enabled,
            stored(secret, request),
        )
        return Told(200, self.webhook(album_id, hook))

    def delete_webhook(self, request: Request, caller: Caller) -> Told:
        """Gone."""
        album_id, hook = self.named_webhook(request)
        self.decide(request, caller, album_id, "delete_webhook", hook)
        return Told(204)

    def trigger_webhook(self, request: Request, caller: Caller) -> Told:
        """Rule 72."""
        album_id, hook = self.named_webhook(request)
        events = self.hook_events(request, "event")
        if events is None or len(events) != 1:
            raise BAD_FORM
        study = request.first("form", "StudyInstanceUID")
        series = list(dict.fromkeys(request.form.get("SeriesInstanceUID", ())))
        if not all(map(is_uid, [*series, *([] if study is None else [study])])):
            raise BAD_FORM
        user = request.first("form", "user")
        sub = None if user is None else self.user_named(user)
        about = events[0], study, series, sub
        self.decide(request, caller, album_id, "trigger_webhook", hook, *about)
        told = events[0].value, study, series, sub, series
        self.trigger(hook, *told, by_hand=True)
        return Told(202)


def moment(request: Request, name: str) -> datetime | None:
    """A time of a capability token."""
    text = request.first("form", name)
    try:
        return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise BAD_FORM from None


def stored(secret: str | None, request: Request) -> str | None:
    """A secret as it is stored: under a new name each time, also if it is the same one."""
    return secret and f"{secret} of {request.at}"
