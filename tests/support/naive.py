"""An album by the documented rules alone (Kheops API 2 to 5, 7, 8, 10 and 14), in plain dicts and lists.

It shares no code with the album it is compared with, and trades every elegance for being obvious.
"""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta
from typing import Any

Fact = dict[str, Any]
"""Something that was recorded. ``kind`` is how the feed shows it: comments, mutations, or None for not at all."""


SLACK = timedelta(seconds=5)
"""How far clocks may differ."""


class Refused(Exception):
    """A command is refused, with this error code."""


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
}
TOKEN_MAY = {"add series": {"write"}, "delete series": {"read", "write"}}
PROVIDER_MAY = {"add report"}


class NaiveAlbum:
    """One album; every method named after a decision changes it, or raises `Refused`."""

    def __init__(self) -> None:
        self.phase = "new"
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
        for fact in recorded:
            if fact["kind"] is not None:
                self.feed.append(fact)
                if not (fact["kind"] == "comments" and fact["target"]):
                    self.last_event_at = at
        return recorded

    def see(self, viewer: str, kinds: set[str], limit: int | None = None, offset: int = 0) -> Any:
        """The page of the feed a viewer gets and the number there is in all, or the code of the refusal."""
        if viewer not in self.members:
            return "album_not_found"
        seen: list[Fact] = []
        for fact in self.feed:
            private = fact["kind"] == "comments" and fact["target"] is not None
            if fact["kind"] in kinds and (
                not private or viewer in (fact["author"], fact["target"])
            ):
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

    def text(self, text: str, shortest: int, longest: int) -> str:
        """Go on only if this is text of a sound length."""
        if not shortest <= len(text) <= longest:
            raise Refused("invalid")
        if "\x00" in text or any(0xD800 <= ord(c) <= 0xDFFF for c in text):
            raise Refused("invalid")
        return text

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

    # The album itself

    def create(self, name: str, description: str = "", flags: Any = None) -> list[Fact]:
        """Rule 1."""
        if self.phase != "new":
            raise Refused("album_exists")
        if self.token or self.provider:
            raise Refused("forbidden")
        name = self.text(name.strip(), 1, 255)
        self.description = self.text(description.strip(), 0, 2048)
        self.name = name
        if flags is not None:
            self.flags = {flag: getattr(flags, flag) for flag in self.flags}
        self.phase = "open"
        self.join(self.user, admin=True)
        return [self.shown("CREATE_ALBUM")]

    def join(self, user: str, *, admin: bool) -> None:
        """A new member is told of nothing."""
        self.members[user] = {"admin": admin, "series": False, "comments": False}

    def edit(self, name: Any, description: Any, flags: Any, series: Any, comments: Any) -> Any:
        """Kheops API 3.4; every edit of an admin is recorded."""
        self.need("edit album")
        me, recorded = self.members[self.user], []
        if not me["admin"] and (name is not None or description is not None or flags):
            raise Refused("forbidden")
        if any(flag not in self.flags for flag in flags or {}):
            raise Refused("invalid")
        name = self.name if name is None else self.text(name.strip(), 1, 255)
        if description is not None:
            self.description = self.text(description.strip(), 0, 2048)
        self.name = name
        self.flags.update(flags or {})
        if me["admin"]:
            recorded.append(self.shown("EDIT_ALBUM"))
        told = {
            "series": me["series"] if series is None else series,
            "comments": me["comments"] if comments is None else comments,
        }
        if any(me[what] != told[what] for what in told):
            me.update(told)
            recorded.append(self.hidden("notifications"))
        return recorded

    def delete(self) -> list[Fact]:
        """Kheops API 3.5."""
        self.need("delete album")
        return self.end()

    def end(self) -> list[Fact]:
        """Nothing is left, for anybody."""
        self.phase = "deleted"
        self.forget()
        return [self.hidden("deleted")]

    # Members

    def add_member(self, target: str) -> list[Fact]:
        """Rules 6 to 8."""
        self.need("add user")
        self.text(target, 1, 255)
        self.someone_else(target)
        if target in self.members:
            return []
        self.join(target, admin=False)
        return [self.shown("ADD_USER", target=target)]

    def add_admin(self, target: str) -> list[Fact]:
        """Rules 7 and 9."""
        self.need("manage admins")
        self.text(target, 1, 255)
        self.someone_else(target)
        if target in self.members:
            return self.promote_member(target)
        self.join(target, admin=True)
        return [self.shown("ADD_ADMIN", target=target)]

    def promote_member(self, target: str) -> list[Fact]:
        """Rules 7, 9 and 16."""
        self.need("manage admins")
        self.someone_else(target)
        if target not in self.members:
            raise Refused("member_not_found")
        if self.admin(target):
            return []
        self.members[target]["admin"] = True
        return [self.shown("PROMOTE_ADMIN", target=target)]

    def demote_admin(self, target: str) -> list[Fact]:
        """Rules 14 and 15; a plain member cannot be demoted."""
        self.need("manage admins")
        if not self.admin(target):
            raise Refused("member_not_found")
        self.members[target]["admin"] = False
        return [self.shown("DEMOTE_ADMIN", target=target), *self.revoke_tokens_of(target)]

    def remove_member(self, target: str) -> list[Fact]:
        """Rules 10, 11 and 15."""
        self.need("remove user")
        if target == self.user:
            return self.leave()
        if target not in self.members:
            raise Refused("member_not_found")
        if not self.admin(self.user):
            raise Refused("forbidden")
        del self.members[target]
        return [self.shown("REMOVE_USER", target=target), *self.revoke_tokens_of(target)]

    def leave(self) -> list[Fact]:
        """Rules 10, 12 and 13."""
        self.need("remove user")
        if len(self.members) == 1:
            return self.end()
        del self.members[self.user]
        return [self.shown("LEAVE_ALBUM"), *self.revoke_tokens_of(self.user)]

    # Studies and series

    def bring(self, mutation: str, study: str, series: Any) -> list[Fact]:
        """Put series in; only those that are new are recorded (rules 34, 35, 47, 48)."""
        for uid in (study, *series):
            if not all(part == str(int(part)) for part in uid.split(".")):
                raise Refused("invalid")
        there = self.studies.get(study, [])
        new = [uid for uid in dict.fromkeys(series) if uid not in there]
        if any(uid in held for uid in new for held in self.studies.values()):
            raise Refused("series_in_another_study")
        if not new:
            return []
        self.studies[study] = there + new
        return [self.shown(mutation, study=study, series=new)]

    def import_study(self, study: str, series: Any) -> list[Fact]:
        """Kheops API 4.1."""
        self.need("add series")
        return self.bring("IMPORT_STUDY", study, series)

    def import_series(self, study: str, series: str) -> list[Fact]:
        """Kheops API 4.2."""
        self.need("add series")
        return self.bring("IMPORT_SERIES", study, [series])

    def add_report(self, study: str, series: str) -> list[Fact]:
        """Kheops API 4.5 and 7.1: NEW_REPORT is what a report provider brings, and nobody else."""
        self.need("add report")
        if self.provider is None:
            raise Refused("forbidden")
        return self.bring("NEW_REPORT", study, [series])

    def remove_study(self, study: str) -> list[Fact]:
        """Rules 36 and 52."""
        self.need("delete series")
        if study not in self.studies:
            raise Refused("series_not_found")
        gone = sorted(self.studies.pop(study))
        return [self.shown("REMOVE_STUDY", study=study, series=gone)]

    def remove_series(self, study: str, series: str) -> list[Fact]:
        """Rule 52; a study without series is not in the album."""
        self.need("delete series")
        if series not in self.studies.get(study, []):
            raise Refused("series_not_found")
        self.studies[study].remove(series)
        if not self.studies[study]:
            del self.studies[study]
        return [self.shown("REMOVE_SERIES", study=study, series=[series])]

    # Comments

    def post_comment(self, comment: str, target: str | None = None) -> list[Fact]:
        """Kheops API 7.2 and rules 21 to 26."""
        self.need("write comment")
        self.text(comment, 1, 1024)
        if target is not None and target not in self.members:
            raise Refused("member_not_found")
        return [self.shown(None, comment=comment, target=target)]

    # Report providers

    def create_report_provider(self, provider: str, name: str, url: str) -> list[Fact]:
        """Rule 68."""
        self.need("manage providers")
        self.text(name, 1, 1024)
        self.text(url, 1, 1024)
        if provider in self.providers:
            raise Refused("id_taken")
        self.providers[provider] = {"name": name, "url": url, "removed": False}
        return [self.shown("CREATE_REPORT_PROVIDER", **{"about provider": provider})]

    def edit_report_provider(self, provider: str, name: Any, url: Any) -> list[Fact]:
        """Rules 68 and 69; recorded whatever changed."""
        self.need("manage providers")
        for text in (name, url):
            if text is not None:
                self.text(text, 1, 1024)
        if provider not in self.providers or self.providers[provider]["removed"]:
            raise Refused("report_provider_not_found")
        if name is not None:
            self.providers[provider]["name"] = name
        if url is not None:
            self.providers[provider]["url"] = url
        return [self.shown("EDIT_REPORT_PROVIDER", **{"about provider": provider})]

    def delete_report_provider(self, provider: str) -> list[Fact]:
        """Rule 69."""
        self.need("manage providers")
        if provider not in self.providers or self.providers[provider]["removed"]:
            raise Refused("report_provider_not_found")
        self.providers[provider]["removed"] = True
        return [self.shown("DELETE_REPORT_PROVIDER", **{"about provider": provider})]

    # Capability tokens

    def issue_capability_token(
        self, token: str, digest: str, title: str, grants: Any, start: Any, end: Any
    ) -> list[Fact]:
        """Rules 58 to 63."""
        self.need("manage tokens")
        self.text(title, 1, 255)
        grant_names = ("read", "write", "download", "appropriate")
        granted = {name for name in grant_names if getattr(grants, name)}
        if granted & {"download", "appropriate"} and "read" not in granted:
            raise Refused("invalid")
        if token in self.tokens:
            raise Refused("id_taken")
        self.tokens[token] = {
            "digest": digest,
            "title": title,
            "creator": self.user,
            "grants": granted,
            "from": start or self.at,
            "until": end or three_months_after(self.at),
            "revoked by": None,
        }
        return [self.hidden("token issued")]

    def revoke_capability_token(self, token: str) -> list[Fact]:
        """Rules 58 and 62."""
        found = self.tokens.get(token)
        if found is None or not (self.user == found["creator"] or self.admin(self.user)):
            raise Refused("capability_token_not_found")
        if self.token or self.provider:
            raise Refused("forbidden")
        if found["revoked by"] is not None or self.at > found["until"] + SLACK:
            return []
        found["revoked by"] = self.user
        return [self.hidden("token revoked")]


def three_months_after(at: datetime) -> datetime:
    """The same day three months on, or the last day of that month."""
    year, month = (at.year, at.month + 3) if at.month <= 9 else (at.year + 1, at.month - 9)
    return at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1]))
