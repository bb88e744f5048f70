"""The past in the naive Kheops API: a copy of every album after every request that changed it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen

from support.naive import NaiveAlbum
from support.naive_answers import NaiveAnswers, local
from support.naive_http import (
    BAD_QUERY,
    NO_ALBUM,
    Caller,
    Request,
    Told,
)
from support.naive_state import SLACK

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(?:Z|(?P<sign>[+-])(\d\d):(\d\d))?"
)


@frozen
class Then:
    """An album as it was, and when that is."""

    at: datetime
    album: NaiveAlbum


class NaivePast(NaiveAnswers):
    """What is remembered, and who may see it."""

    def __init__(self, *, upstream: bool) -> None:
        super().__init__(upstream=upstream)
        self.remembered: dict[str, list[Then]] = {}

    def remember(self, at: datetime) -> None:
        """Copy what has changed."""
        for album_id, album in self.albums.items():
            known = self.remembered.setdefault(album_id, [])
            if not known or known[-1].album.version != album.version:
                known.append(Then(at, deepcopy(album)))

    def asked(self, request: Request, album_id: str) -> Then | None:
        """What ``at`` or ``version`` names."""
        at, version = (request.first("query", name) for name in ("at", "version"))
        if at is not None and version is not None:
            raise BAD_QUERY
        if version is not None:
            found = [
                one
                for one in self.remembered[album_id]
                if version.isdigit() and one.album.version == int(version)
            ]
            if not found:
                raise BAD_QUERY
            return found[0]
        return None if at is None else self.then(request, album_id, at)

    def then(self, request: Request, album_id: str, text: str | None) -> Then:
        """As of a time, as it is written."""
        at = read_time(text or "", request.at)
        known = [one.album for one in self.remembered[album_id] if one.at <= at]
        return Then(at, known[-1] if known else NaiveAlbum())

    def seen_then(self, caller: Caller, then: Then, grants: set[str]) -> NaiveAlbum:
        """The album, if the caller could read it then."""
        album, source = then.album, caller.source
        if source.capability_token is not None:
            token = album.tokens.get(source.capability_token)
            may = (
                token is not None
                and token["revoked by"] is None
                and token["from"] - SLACK <= then.at <= token["until"] + SLACK
                and grants <= token["grants"]
                and album.admin(token["creator"])
            )
        elif source.report_provider is not None:
            provider = album.providers.get(source.report_provider, {"removed": True})
            may = not provider["removed"] and caller.user in album.members
        else:
            may = caller.user in album.members
        if not may or (caller.studies is not None and not set(caller.studies) & set(album.studies)):
            raise NO_ALBUM
        return album

    @contextmanager
    def as_then(self, album_id: str, then: NaiveAlbum) -> Iterator[None]:
        """Let the album be what it was."""
        now, self.albums[album_id] = self.albums[album_id], then
        try:
            yield
        finally:
            self.albums[album_id] = now

    def album_changes(self, request: Request, caller: Caller) -> Told:
        """What is in one and not in the other."""
        album_id = request.path["album"]
        texts = [request.first("query", name) for name in ("from", "to")]
        begin, end = (self.then(request, album_id, text) for text in texts)
        if end.at < begin.at:
            raise BAD_QUERY
        before, after = (self.seen_then(caller, one, {"nobody"}) for one in (begin, end))
        told: dict[str, Any] = {"from": local(begin.at), "to": local(end.at)}
        if before.name != after.name:
            told["name"] = [before.name, after.name]
        if before.description != after.description:
            told["description"] = [before.description, after.description]
        told["members"] = {
            "added": self.people_in(after, set(after.members) - set(before.members)),
            "removed": self.people_in(before, set(before.members) - set(after.members)),
            "changed": self.people_in(
                after,
                {
                    one
                    for one in set(before.members) & set(after.members)
                    if before.admin(one) != after.admin(one)
                },
            ),
        }
        olds, news = (series_of(one) for one in (before, after))
        told["studies"] = {
            "added": [{"UID": one} for one in sorted(set(after.studies) - set(before.studies))],
            "removed": [{"UID": one} for one in sorted(set(before.studies) - set(after.studies))],
        }
        told["series"] = {
            "added": [{"UID": uid, "study": {"UID": one}} for one, uid in sorted(news - olds)],
            "removed": [{"UID": uid, "study": {"UID": one}} for one, uid in sorted(olds - news)],
        }
        return Told(200, told)

    def people_in(self, album: NaiveAlbum, subs: set[str]) -> list[Any]:
        """Members, by e-mail address."""
        found = [{**self.person(sub), "is_admin": album.admin(sub)} for sub in subs]
        return sorted(found, key=lambda one: one["email"])


def series_of(album: NaiveAlbum) -> set[tuple[str, str]]:
    """Every series, with its study."""
    return {(study, uid) for study, uids in album.studies.items() for uid in uids}


def read_time(text: str, now: datetime) -> datetime:
    """A time as it counts: a whole second to its end."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise BAD_QUERY
    fraction, sign, hours, minutes = match.groups()[6:]
    year, month, day, hour, minute, second = (int(one or 0) for one in match.groups()[:6])
    micros = int((fraction or ".0")[1:7].ljust(6, "0"))
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        at = datetime(year, month, day, hour, minute, second, micros, UTC)
        at += offset if sign == "-" else -offset
    except (ValueError, OverflowError):
        raise BAD_QUERY from None
    if at > now:
        raise BAD_QUERY
    return at if fraction else at + timedelta(microseconds=999_999)
