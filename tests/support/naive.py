"""An album by the documented rules alone (Kheops API 2 to 8, 10, 11 and 14), in plain dicts and lists.

It shares no code with the album it is compared with, and trades every elegance for being obvious.
"""

from __future__ import annotations

import calendar
from datetime import datetime
from typing import Any

from support.naive_state import SLACK, Fact, Refused
from support.naive_webhooks import NaiveWebhooks


class NaiveAlbum(NaiveWebhooks):
    """One album; every method named after a decision changes it, or raises `Refused`."""

    # The album itself

    def create_album(self, name: str, description: str = "", flags: Any = None) -> list[Fact]:
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
        """A new member is told of nothing, and has no favourite."""
        self.members[user] = {
            "admin": admin,
            "series": False,
            "comments": False,
            "favorite": False,
        }

    def edit_album(
        self, name: Any, description: Any, flags: Any, series: Any, comments: Any
    ) -> Any:
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

    def set_favorite(self, is_favorite: bool) -> list[Fact]:
        """Rule 40, the first half: nobody else learns of it, and it is recorded once."""
        if self.token or self.provider:
            raise Refused("forbidden")
        if self.user not in self.members:
            raise Refused("album_not_found")
        if self.members[self.user]["favorite"] == is_favorite:
            return []
        self.members[self.user]["favorite"] = is_favorite
        return [self.hidden("favorite")]

    def delete_album(self) -> list[Fact]:
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
            return self.leave_album()
        if target not in self.members:
            raise Refused("member_not_found")
        if not self.admin(self.user):
            raise Refused("forbidden")
        del self.members[target]
        return [self.shown("REMOVE_USER", target=target), *self.revoke_tokens_of(target)]

    def leave_album(self) -> list[Fact]:
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
        self.favorites = {(where, uid) for where, uid in self.favorites if where != study}
        return [self.shown("REMOVE_STUDY", study=study, series=gone)]

    def remove_series(self, study: str, series: str) -> list[Fact]:
        """Rule 52; a study without series is not in the album."""
        self.need("delete series")
        if series not in self.studies.get(study, []):
            raise Refused("series_not_found")
        self.studies[study].remove(series)
        self.favorites.discard((study, series))
        if not self.studies[study]:
            del self.studies[study]
        return [self.shown("REMOVE_SERIES", study=study, series=[series])]

    def favored(self, study: str, series: str | None) -> list[str]:
        """The series that are meant, of those in the album (Kheops API 6)."""
        self.need("edit favorites")
        there = self.studies.get(study, [])
        meant = sorted(there) if series is None else [series]
        if not there or any(uid not in there for uid in meant):
            raise Refused("series_not_found")
        return meant

    def add_favorite(self, study: str, series: str | None = None) -> list[Fact]:
        """Rule 40, the second half; recorded whatever changed."""
        meant = self.favored(study, series)
        self.favorites |= {(study, uid) for uid in meant}
        return [self.shown("ADD_FAV", study=study, series=meant)]

    def remove_favorite(self, study: str, series: str | None = None) -> list[Fact]:
        """Rule 40, the second half; recorded whatever changed."""
        meant = self.favored(study, series)
        self.favorites -= {(study, uid) for uid in meant}
        return [self.shown("REMOVE_FAV", study=study, series=meant)]

    # Comments

    def post_comment(self, comment: str, target: str | None = None) -> list[Fact]:
        """Kheops API 7.2 and rules 21 to 26."""
        self.need("write comment")
        said = self.text(comment, 1, 1024)
        if target is not None and target not in self.members:
            raise Refused("member_not_found")
        return [self.shown(None, comment=said, target=target)]

    # Report providers

    def create_report_provider(self, provider: str, name: str, url: str) -> list[Fact]:
        """Rule 68."""
        self.need("manage providers")
        about = {"name": self.text(name, 1, 1024), "url": self.text(url, 1, 1024)}
        if provider in self.providers:
            raise Refused("id_taken")
        self.providers[provider] = {**about, "removed": False}
        return [self.shown("CREATE_REPORT_PROVIDER", **{"about provider": provider})]

    def edit_report_provider(self, provider: str, name: Any, url: Any) -> list[Fact]:
        """Rules 68 and 69; recorded whatever changed."""
        self.need("manage providers")
        given = {"name": name, "url": url}
        about = {what: self.text(one, 1, 1024) for what, one in given.items() if one is not None}
        if provider not in self.providers or self.providers[provider]["removed"]:
            raise Refused("report_provider_not_found")
        self.say_again(self.providers[provider], about)
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
        self, token: str, digest: str, title: str, grants: Any, start: Any = None, end: Any = None
    ) -> list[Fact]:
        """Rules 58 to 63."""
        self.need("manage tokens")
        said = self.text(title, 1, 255)
        grant_names = ("read", "write", "download", "appropriate")
        granted = {name for name in grant_names if getattr(grants, name)}
        if granted & {"download", "appropriate"} and "read" not in granted:
            raise Refused("invalid")
        if token in self.tokens:
            raise Refused("id_taken")
        self.tokens[token] = {
            "digest": digest,
            "title": said,
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


class NaiveUserTokens:
    """The capability tokens that act as one user (Kheops API 10, rules 57 to 63), and their registration."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.ends: dict[str, datetime] = {}
        self.revoked: set[str] = set()

    def predict(self, decision: str, source: Any, at: datetime, args: tuple[Any, ...]) -> Any:
        """The code of the refusal, or how many events are recorded."""
        in_person = source.capability_token is None and source.report_provider is None
        token = args[0]
        if decision == "issue_user_token":
            if source.user != self.owner or not in_person:
                return "forbidden"
            title, end = args[2], args[4] if len(args) > 4 else None
            if not 1 <= len(title) <= 255 or "\x00" in title:
                return "invalid"
            if token in self.ends:
                return "id_taken"
            self.ends[token] = end or three_months_after(at)
            return 1
        if decision == "register_person":
            if source.user != self.owner or not in_person:
                return "forbidden"
            [commitment] = args
            if len(commitment) != 64:
                return "invalid"
            return "id_taken" if self.ends else 1
        if source.user != self.owner or token not in self.ends:
            return "capability_token_not_found"
        if not in_person:
            return "forbidden"
        if token in self.revoked or at > self.ends[token] + SLACK:
            return 0
        self.revoked.add(token)
        return 1


def three_months_after(at: datetime) -> datetime:
    """The same day three months on, or the last day of that month."""
    year, month = (at.year, at.month + 3) if at.month <= 9 else (at.year + 1, at.month - 9)
    return at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1]))
