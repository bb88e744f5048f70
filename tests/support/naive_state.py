"""What the naive model of an album knows, who may do what with it, and what is seen of it (Kheops API 2 and 7)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

Fact = dict[str, Any]
"""Something that was recorded. ``kind`` is how the feed shows it: comments, mutations, or None for not at all."""


SLACK = timedelta(seconds=5)
"""How far clocks may differ."""


ERASED = "[erased]"
"""What is in the place of a text that was erased."""


class Refused(Exception):
    """A command is refused, with this error code."""


class Said(str):
    """A text, and the version of the event that has it."""

    version: int

    def __deepcopy__(self, memo: Any) -> Said:
        """Itself, which never changes."""
        return self


# Who may do it beside the admins: plain members (always, never, or by a flag); a token with these grants.
MEMBER_MAY: dict[str, bool | str] = {
    "add user": "add_user",
    "remove user": True,
    "manage admins": False,
    "add series": "add_series",
    "add report": False,
    "delete series": "delete_series",
    "write comment": "write_comments",
    "edit album": True,
    "delete album": False,
    "manage providers": False,
    "manage tokens": False,
    "manage webhooks": False,
    "edit favorites": "add_series",
}
TOKEN_MAY = {"add series": {"write"}, "delete series": {"read", "write"}}
PROVIDER_MAY = {"add report"}


def chosen(fact: Fact, wanted: Mapping[str, Any]) -> bool:
    """Whether a fact is asked for, by the words of Kheops API 7.1; what is absent or None is not asked."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    if "mutations" in asked and fact["mutation"] not in asked["mutations"]:
        return False
    if "users" in asked and not any(u in (fact["author"], fact["target"]) for u in asked["users"]):
        return False
    if "studies" in asked and fact["study"] not in asked["studies"]:
        return False
    if "series" in asked and not any(uid in fact["series"] for uid in asked["series"]):
        return False
    if "providers" in asked and not any(
        name in (fact["provider"], fact["about provider"]) for name in asked["providers"]
    ):
        return False
    if "capability_tokens" in asked and fact["token"] not in asked["capability_tokens"]:
        return False
    if "since" in asked and fact["at"] < asked["since"]:
        return False
    return not ("until" in asked and fact["at"] > asked["until"])


class NaiveState:
    """What is known of one album."""

    def __init__(self) -> None:
        self.phase = "new"
        self.ever: list[Fact] = []
        self.version = 0
        self.forget()

    def forget(self) -> None:
        """Nothing is known of the album."""
        self.name = self.description = ""
        self.flags = {
            "add_user": False,
            "download_series": True,
            "send_series": True,
            "delete_series": False,
            "add_series": True,
            "write_comments": True,
        }
        self.members: dict[str, dict[str, bool]] = {}
        self.studies: dict[str, list[str]] = {}
        self.providers: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.favorites: set[tuple[str, str]] = set()
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.feed: list[Fact] = []
        self.last_event_at: datetime | None = None

    def predict(self, decision: str, source: Any, at: datetime, args: tuple[Any, ...]) -> Any:
        """The code of the refusal, or the list of what is recorded. The album is as after it."""
        self.at, self.user = at, source.user
        self.token, self.provider = source.capability_token, source.report_provider
        try:
            recorded: list[Fact] = getattr(self, decision)(*args)
        except Refused as refusal:
            return str(refusal)
        self.version += len(recorded)
        for fact in recorded:
            if fact["kind"] is not None:
                self.feed.append(fact)
                self.ever.append(fact)
                private = fact["kind"] == "comments" and fact["target"]
                if not private and "WEBHOOK" not in str(fact["mutation"]):
                    self.last_event_at = at
        return recorded

    def see(
        self,
        viewer: str | None,
        kinds: Collection[str],
        limit: int | None = None,
        offset: int = 0,
        **wanted: Any,
    ) -> Any:
        """The page of the feed a viewer gets and the number there is in all, or the code of the refusal.

        Nobody at all is whoever keeps the store: he gets everything there ever was.
        """
        if (viewer is None and self.phase == "new") or (
            viewer is not None and viewer not in self.members
        ):
            return "album_not_found"
        seen: list[Fact] = []
        for fact in self.ever if viewer is None else self.feed:
            private = fact["kind"] == "comments" and fact["target"] is not None
            if private and viewer is not None and viewer not in (fact["author"], fact["target"]):
                continue
            if fact["kind"] in kinds and chosen(fact, wanted):
                seen.insert(0, fact)
        page = seen[offset:]
        return (page if limit is None else page[:limit]), len(seen)

    # Helpers

    def hidden(self, what: str) -> Fact:
        """Something that is recorded and never shown."""
        return {"kind": None, "what": what}

    def shown(self, mutation: str | None, **about: Any) -> Fact:
        """Something that is recorded and shown."""
        fact: Fact = {
            "kind": "comments" if mutation is None else "mutations",
            "mutation": mutation,
            "at": self.at,
            "author": self.user,
            "token": self.token,
            "provider": self.provider,
            "target": None,
            "comment": None,
            "study": None,
            "series": [],
            "about provider": None,
            "undoes": None,
        }
        return {**fact, **about}

    def admin(self, user: str) -> bool:
        """Whether a user is an admin now."""
        return user in self.members and self.members[user]["admin"]

    def need(self, right: str) -> None:
        """Go on only if the one who acts has the right."""
        if self.provider is not None:
            if self.provider not in self.providers:
                raise Refused("album_not_found")
            removed = self.providers[self.provider]["removed"]
            allowed = not removed and self.user in self.members and right in PROVIDER_MAY
        elif self.token is not None:
            if self.token not in self.tokens:
                raise Refused("album_not_found")
            token = self.tokens[self.token]
            allowed = (
                self.user == token["creator"]
                and self.admin(self.user)
                and token["revoked by"] is None
                and token["from"] - SLACK <= self.at <= token["until"] + SLACK
                and right in TOKEN_MAY
                and TOKEN_MAY[right] <= token["grants"]
            )
        else:
            if self.user not in self.members:
                raise Refused("album_not_found")
            plain = MEMBER_MAY[right]
            allowed = self.admin(self.user) or (
                self.flags[plain] if isinstance(plain, str) else plain
            )
        if not allowed:
            raise Refused("forbidden")

    def text(self, text: str, shortest: int, longest: int) -> Said:
        """Go on only if this is text of a sound length: the text, as the event to be recorded has it."""
        if not shortest <= len(text) <= longest:
            raise Refused("invalid")
        if "\x00" in text or any(0xD800 <= ord(c) <= 0xDFFF for c in text):
            raise Refused("invalid")
        said = Said(text)
        said.version = self.version + 1
        return said

    def say_again(self, texts: dict[str, Any], new: Mapping[str, str]) -> None:
        """Change name or address; the event has both, so that one which was erased has to be said anew."""
        both = {what: new.get(what, texts[what]) for what in ("name", "url")}
        if ERASED in both.values():
            raise Refused("invalid")
        texts.update({what: self.text(one, 1, 1024) for what, one in both.items()})

    def someone_else(self, target: str) -> None:
        """Go on only if the target is not the one who acts."""
        if target == self.user:
            raise Refused("forbidden")

    def revoke_tokens_of(self, user: str) -> list[Fact]:
        """Who loses a right loses the live tokens made with it."""
        revoked = []
        for token in self.tokens.values():
            live = token["revoked by"] is None and self.at <= token["until"] + SLACK
            if token["creator"] == user and live:
                token["revoked by"] = self.user
                revoked.append(self.hidden("token revoked"))
        return revoked
