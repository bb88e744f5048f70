"""More routes of the naive Kheops API: events, report providers, inboxes (Kheops API 4.5, 7.1, 8 and 9)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import evolve

from support.naive_http import (
    BAD_FORM,
    BAD_QUERY,
    BY_CODE,
    NO_SERIES,
    NO_STUDY,
    Caller,
    Failed,
    Request,
    Told,
    page_of,
)
from support.naive_past import NaivePast
from support.naive_places import Place, Words
from support.naive_state import Fact

FAMILIES = {
    "WEBHOOKS": ["CREATE_WEBHOOK", "DELETE_WEBHOOK", "EDIT_WEBHOOK", "TRIGGER_WEBHOOK"],
    "SENDING": ["IMPORT_SERIES", "IMPORT_STUDY", "REMOVE_SERIES", "REMOVE_STUDY", "NEW_REPORT"],
    "USERS": [
        *("ADD_USER", "REMOVE_USER", "ADD_ADMIN", "PROMOTE_ADMIN", "DEMOTE_ADMIN", "LEAVE_ALBUM"),
    ],
    "REPORT_PROVIDER": [
        *("CREATE_REPORT_PROVIDER", "EDIT_REPORT_PROVIDER", "DELETE_REPORT_PROVIDER"),
    ],
    "": ["CREATE_ALBUM", "EDIT_ALBUM", "ADD_FAV", "REMOVE_FAV"],
}
"""Mutations, by family; those without one at the end."""


class NaiveMore(NaivePast):
    """Routes; see `support.naive_routes`."""

    good_urls: tuple[str, ...] = ()
    """Where report providers are; at every other address there is none."""

    # Events (Kheops API 7.1)

    def list_events(self, request: Request, caller: Caller) -> Told:
        """Rules 20 to 23, and 41 to 45."""
        album_id = request.path["album"]
        words = {word for text in request.query.get("types", ()) for word in text.split(",")}
        kinds = words or {"comments", "mutations"}
        page_of(request, [])
        if kinds == {"mutations"}:
            self.filtered(request, album_id, [])
        then = self.asked(request, album_id)
        album = self.albums[album_id] if then is None else self.seen_then(caller, then, set())
        found, _ = album.see(caller.user, kinds)
        if kinds == {"mutations"}:
            found = self.filtered(request, album_id, found)
        with self.as_then(album_id, album):
            shown = [self.event(album, one) for one in page_of(request, found)]
        return Told(200, shown, total=len(found))

    def filtered(self, request: Request, album_id: str, found: list[Fact]) -> list[Fact]:
        """The mutations that every filter keeps."""
        album, query = self.albums[album_id], request.query
        names = self.mutations_wanted(request)
        if names is not None:
            found = [one for one in found if self.mutation(one) in names]
        if "user" in query:
            try:
                users = [self.user_named(one) for one in query["user"]]
            except Failed:
                raise BAD_QUERY from None
            found = [one for one in found if one["author"] in users or one["target"] in users]
        for parameter, known in (
            ("studies", {one["study"] for one in self.known.values()}),
            ("series", set(self.known)),
            ("reportProvider", set(album.providers)),
            ("capabilityToken", set(album.tokens)),
        ):
            wanted = set(query.get(parameter, ()))
            if not wanted <= known:
                raise BAD_QUERY
            if wanted:
                found = [one for one in found if wanted & touched(one, parameter)]
        for parameter in ("startDate", "endDate"):
            text = request.first("query", parameter)
            if text is not None:
                found = within(found, parameter, text)
        return found

    def mutations_wanted(self, request: Request) -> set[str] | None:
        """Rule 43."""
        types, families = request.query.get("type", ()), request.query.get("family", ())
        if not types and not families:
            return None
        every = {name for names in FAMILIES.values() for name in names}
        every -= {"NEW_REPORT"} if self.upstream else set()
        if not set(types) <= every or not {one.upper() for one in families} <= set(FAMILIES) - {""}:
            raise BAD_QUERY
        return set(types) | {name for one in families for name in FAMILIES[one.upper()]}

    # Report providers (Kheops API 8)

    def check_url(self, url: str) -> None:
        """Rule 70."""
        if url not in self.good_urls:
            raise BAD_FORM

    def create_provider(self, request: Request, caller: Caller) -> Told:
        """Rules 68 and 70."""
        name, url = request.first("form", "name") or "", request.first("form", "url") or ""
        if not 1 <= len(name) <= 1024:
            raise BAD_FORM
        self.check_url(url)
        album_id, client = request.path["album"], request.new("client_id", 22)
        self.decide(request, caller, album_id, "create_report_provider", client, name, url)
        self.provider_times[client] = request.at
        return Told(201, self.provider(album_id, client))

    def named_provider(self, request: Request) -> tuple[str, str]:
        """Rule 69."""
        album_id, client = request.path["album"], request.path["client"]
        if self.albums[album_id].providers.get(client, {"removed": True})["removed"]:
            raise BY_CODE["report_provider_not_found"]
        return album_id, client

    def list_providers(self, request: Request, caller: Caller) -> Told:
        """The newest first."""
        album_id = request.path["album"]
        providers = self.albums[album_id].providers
        found = [
            self.provider(album_id, one)
            for one in reversed(providers)
            if not providers[one]["removed"]
        ]
        return Told(200, page_of(request, found), total=len(found))

    def get_provider(self, request: Request, caller: Caller) -> Told:
        """Any member may."""
        return Told(200, self.provider(*self.named_provider(request)))

    def edit_provider(self, request: Request, caller: Caller) -> Told:
        """What is empty stays."""
        name, url = request.first("form", "name") or None, request.first("form", "url") or None
        if name is not None and len(name) > 1024:
            raise BAD_FORM
        album_id, client = self.named_provider(request)
        if url is not None:
            self.check_url(url)
        self.decide(request, caller, album_id, "edit_report_provider", client, name, url)
        return Told(200, self.provider(album_id, client))

    def delete_provider(self, request: Request, caller: Caller) -> Told:
        """Rule 69."""
        album_id, client = self.named_provider(request)
        self.decide(request, caller, album_id, "delete_report_provider", client)
        return Told(204)

    # Inboxes and sending (Kheops API 9 and 4.5)

    def inbox_info(self, request: Request, caller: Caller) -> Told:
        """What is in one's inbox."""
        mine = [("inbox", caller.user)]
        held = [one for one in self.held() if one[0] in mine and self.is_true(one)]
        return Told(200, self.contents(sorted({uid for _, _, uid in held})))

    def bring_into(
        self,
        request: Request,
        caller: Caller,
        album_id: str,
        decision: str,
        origin: Place | Words,
        study: str,
        series: Any,
    ) -> None:
        """Import series into an album, from where they come."""
        words = dict(self.words)
        uids = [series] if isinstance(series, str) else series
        album, place = self.albums[album_id], ("album", album_id)
        self.give(place, origin, study, uids)
        # What is there on words alone, under another study, is no conflict.
        others = {one: list(held) for one, held in album.studies.items() if one != study}
        for other, held in others.items():
            kept = [one for one in held if one not in uids or self.is_true((place, other, one))]
            album.studies[other] = kept
        try:
            self.decide(request, caller, album_id, decision, study, series)
        except Failed:
            self.words = words
            raise
        finally:
            album.studies.update(others)

    def send_to(self, user: str, origin: Place | Words, study: str, uids: list[str]) -> None:
        """Put series into an inbox, from where they come."""
        self.give(("inbox", user), origin, study, uids)
        self.put(user, study, uids)

    def take_study(self, request: Request, caller: Caller) -> Told:
        """Into the token's album, or one's inbox."""
        study, source = request.path["study"], request.first("query", "album")
        if request.lender is not None and source is not None:
            raise BAD_QUERY
        if caller.album is not None:
            self.require(caller, caller.album, "ADD_SERIES")
            if caller.studies is not None and study not in caller.studies:
                raise NO_STUDY
            if request.lender is None and source is None:
                raise BAD_QUERY
        elif request.lender is None and not self.seen(caller, study):
            raise Failed(403, "Study Not Found")
        place, found = ("album", ""), list[str]()
        if request.lender is not None:
            place, found = self.lent(request, study)
        elif source is not None:
            place, found = self.source_album(source, study)
        if not found:
            raise NO_STUDY
        if caller.album is not None:
            self.bring_into(request, caller, caller.album, "import_study", place, study, found)
        else:
            self.send_to(caller.user, place, study, found)
        return Told(201)

    def take_series(self, request: Request, caller: Caller) -> Told:
        """Kheops API 4.5, rules 38 and 53."""
        study, series = request.path["study"], request.path["series"]
        meant = caller.studies is None or study in caller.studies
        there, adds = False, True
        if caller.album is not None and request.lender is None:
            there = series in self.albums[caller.album].studies.get(study, [])
            adds = self.holds(caller, caller.album, "ADD_SERIES")
        origin = self.taken(request, caller) if adds else None
        if not meant or not (there or origin is not None):
            raise NO_SERIES
        if caller.album is not None:
            self.require(caller, caller.album, "ADD_SERIES")
        if origin is not None:
            if caller.album is not None:
                reports = caller.source.report_provider is not None
                decision = "add_report" if reports else "import_series"
                self.bring_into(request, caller, caller.album, decision, origin, study, series)
            else:
                self.send_to(caller.user, origin, study, [series])
            self.become_known(study, series)
        return Told(201)

    def leave_study(self, request: Request, caller: Caller) -> Told:
        """Out of the token's album, or one's inbox."""
        study = request.path["study"]
        if caller.album is not None:
            self.require(caller, caller.album, "DELETE_SERIES")
            self.decide(request, caller, caller.album, "remove_study", study)
            return Told(204)
        found = self.in_inbox(caller.user, study)
        if not found:
            raise NO_STUDY
        self.inboxes[caller.user] -= {(study, one) for one in found}
        return Told(204)

    def leave_series(self, request: Request, caller: Caller) -> Told:
        """Out of the token's album, or one's inbox."""
        study, series = request.path["study"], request.path["series"]
        if caller.album is not None:
            self.require(caller, caller.album, "DELETE_SERIES")
            self.decide(request, caller, caller.album, "remove_series", study, series)
            return Told(204)
        if series not in self.in_inbox(caller.user, study):
            raise NO_SERIES
        self.inboxes[caller.user].remove((study, series))
        return Told(204)

    def send_study(self, request: Request, caller: Caller) -> Told:
        """Rule 55."""
        study, source = request.path["study"], request.first("query", "album")
        inbox = request.flag("query", "inbox") is True
        if caller.album is not None:
            if inbox:
                raise BAD_QUERY
            source = caller.album
            self.require(caller, source, "SEND_SERIES")
        elif (source is not None) == inbox:
            raise BAD_QUERY
        target = self.user_named(request.path["user"])
        if inbox and target == caller.user:
            raise BAD_QUERY
        if source is not None:
            place, found = self.source_album(source, study)
        else:
            place, found = ("inbox", caller.user), self.in_inbox(caller.user, study)
        if not found:
            raise NO_STUDY
        self.send_to(target, place, study, found)
        return Told(201)

    def send_series(self, request: Request, caller: Caller) -> Told:
        """What one may send of what one sees."""
        study, series = request.path["study"], request.path["series"]
        if caller.album is not None:
            self.require(caller, caller.album, "SEND_SERIES")
            place, found = self.source_album(caller.album, study)
            origin: Place | Words | None = place if series in found else None
        else:
            taken = self.taken(evolve(request, lender=None), caller)
            origin = None if isinstance(taken, Words) and not taken.is_there else taken
        if origin is None:
            raise NO_SERIES
        self.send_to(self.user_named(request.path["user"]), origin, study, [series])
        return Told(201)


def touched(fact: Fact, parameter: str) -> set[Any]:
    """What an event has to do with, of what a filter is about."""
    return {
        "studies": {fact["study"]},
        "series": set(fact["series"]),
        "reportProvider": {fact["provider"], fact["about provider"]},
        "capabilityToken": {fact["token"]},
    }[parameter]


def within(found: list[Fact], parameter: str, text: str) -> list[Fact]:
    """Rule 44."""
    whole = (
        text if " " in text else f"{text} {'00:00:00' if parameter == 'startDate' else '23:59:59'}"
    )
    try:
        moment = datetime.strptime(whole, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise BAD_QUERY from None
    if parameter == "startDate":
        return [one for one in found if one["at"] >= moment]
    return [one for one in found if one["at"] <= moment]
