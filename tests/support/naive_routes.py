"""The routes of the naive Kheops API: what is asked before each, and what each does (Kheops API 3 to 11)."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Literal

from support.naive_comments import NaiveStudyComments
from support.naive_http import (
    BAD_FORM,
    BAD_QUERY,
    FORBIDDEN,
    NO_SERIES,
    NO_STUDY,
    NO_TOKEN,
    Asker,
    Caller,
    Failed,
    Fields,
    Request,
    Told,
    is_uid,
    page_of,
)
from support.naive_taking_back import NaiveTakingBack
from support.naive_tokens import NaiveTokens
from support.naive_undo import NaiveUndo

FLAGS = {
    "addUser": "add_user",
    "downloadSeries": "download_series",
    "sendSeries": "send_series",
    "deleteSeries": "delete_series",
    "addSeries": "add_series",
    "writeComments": "write_comments",
}


Who = Literal["any", "user", "person"]

TABLE: list[tuple[str, str, Who, str | None, str | None, str]] = [
    ("GET", "/albums", "user", None, None, "list_albums"),
    ("POST", "/albums", "user", None, None, "create_album"),
    ("GET", "/albums/{album}", "any", None, None, "get_album"),
    ("GET", "/albums/{album}/changes", "user", "LIST_USERS", None, "album_changes"),
    ("PATCH", "/albums/{album}", "user", "EDIT_ALBUM", None, "edit_album"),
    ("DELETE", "/albums/{album}", "any", "DELETE_ALBUM", None, "delete_album"),
    ("PUT", "/albums/{album}/favorites", "user", None, None, "set_favorite"),
    ("DELETE", "/albums/{album}/favorites", "user", None, None, "unset_favorite"),
    ("PUT", "/studies/{study}/albums/{album}", "user", "ADD_SERIES", "SEND_SERIES", "add_study"),
    ("DELETE", "/studies/{study}/albums/{album}", "any", "DELETE_SERIES", None, "remove_study"),
    ("PUT", "/studies/{study}/series/{series}/albums/{album}", "user", "ADD_SERIES", None, "add_series"),
    ("DELETE", "/studies/{study}/series/{series}/albums/{album}", "any", "DELETE_SERIES", None, "remove_series"),
    ("GET", "/albums/{album}/users", "user", "LIST_USERS", None, "list_users"),
    ("PUT", "/albums/{album}/users/{user}", "user", "ADD_USER", None, "add_user"),
    ("DELETE", "/albums/{album}/users/{user}", "user", "REMOVE_USER", None, "remove_user"),
    ("PUT", "/albums/{album}/users/{user}/admin", "user", "ADD_ADMIN", None, "add_admin"),
    ("DELETE", "/albums/{album}/users/{user}/admin", "user", "REMOVE_ADMIN", None, "demote"),
    ("PUT", "/studies/{study}/favorites", "user", None, "EDIT_FAVORITES", "add_favorite"),
    ("DELETE", "/studies/{study}/favorites", "user", None, "EDIT_FAVORITES", "remove_favorite"),
    ("PUT", "/studies/{study}/series/{series}/favorites", "user", None, "EDIT_FAVORITES", "add_favorite"),
    ("DELETE", "/studies/{study}/series/{series}/favorites", "user", None, "EDIT_FAVORITES", "remove_favorite"),
    ("GET", "/albums/{album}/events", "any", "READ_COMMENT", None, "list_events"),
    ("POST", "/albums/{album}/events/{version}/undo", "user", "READ_COMMENT", None, "undo_event"),
    ("POST", "/albums/{album}/comments", "user", "WRITE_COMMENT", None, "comment_album"),
    ("GET", "/studies/{study}/comments", "any", None, None, "study_comments"),
    ("POST", "/studies/{study}/comments", "user", None, None, "comment_study"),
    ("POST", "/albums/{album}/reportproviders", "user", "MANAGE_DICOM_SR", None, "create_provider"),
    ("GET", "/albums/{album}/reportproviders", "user", "GET_DICOM_SR", None, "list_providers"),
    ("GET", "/albums/{album}/reportproviders/{client}", "user", "GET_DICOM_SR", None, "get_provider"),
    ("PATCH", "/albums/{album}/reportproviders/{client}", "user", "MANAGE_DICOM_SR", None, "edit_provider"),
    ("DELETE", "/albums/{album}/reportproviders/{client}", "user", "MANAGE_DICOM_SR", None, "delete_provider"),
    ("GET", "/inboxinfo", "user", None, None, "inbox_info"),
    ("PUT", "/studies/{study}", "any", None, "SEND_SERIES", "take_study"),
    ("DELETE", "/studies/{study}", "any", None, None, "leave_study"),
    ("PUT", "/studies/{study}/series/{series}", "any", None, None, "take_series"),
    ("DELETE", "/studies/{study}/series/{series}", "any", None, None, "leave_series"),
    ("PUT", "/studies/{study}/users/{user}", "any", None, "SEND_SERIES", "send_study"),
    ("PUT", "/studies/{study}/series/{series}/users/{user}", "any", None, None, "send_series"),
    ("POST", "/capabilities", "person", None, None, "create_token"),
    ("GET", "/capabilities", "person", None, "MANAGE_CAPABILITIES_TOKEN", "list_tokens"),
    ("GET", "/capabilities/{capability}", "user", None, None, "get_token"),
    ("POST", "/capabilities/{capability}/revoke", "person", None, None, "revoke_token"),
    ("POST", "/albums/{album}/webhooks", "user", "MANAGE_WEBHOOK", None, "create_webhook"),
    ("GET", "/albums/{album}/webhooks", "user", "MANAGE_WEBHOOK", None, "list_webhooks"),
    ("GET", "/albums/{album}/webhooks/{webhook}", "user", "MANAGE_WEBHOOK", None, "get_webhook"),
    ("PATCH", "/albums/{album}/webhooks/{webhook}", "user", "MANAGE_WEBHOOK", None, "edit_webhook"),
    ("DELETE", "/albums/{album}/webhooks/{webhook}", "user", "MANAGE_WEBHOOK", None, "delete_webhook"),
    ("POST", "/albums/{album}/webhooks/{webhook}/trigger", "user", "MANAGE_WEBHOOK", None, "trigger_webhook"),
]  # fmt: skip
"""Method, path, who may ask at all, the right in the path's album, the right in the query's album, and what is done."""


class NaiveApi(NaiveTakingBack, NaiveTokens):
    """All of it: `answer` is asked, and every other method is one route."""

    def answer(
        self,
        asker: Asker,
        method: str,
        path: str,
        form: Fields,
        query: Fields,
        lender: Asker | None,
        at: datetime,
        given: Any,
    ) -> Told:
        """What a request is answered, and let it happen."""
        for row in TABLE:
            parts = match(row[1], path)
            if row[0] == method and parts is not None:
                request = Request(asker, method, parts, query, form, lender, at, given)
                try:
                    return self.respond(request, row)
                except Failed as failed:
                    return Told(failed.status, message=failed.message)
                finally:
                    self.remember(at)
        raise AssertionError(f"{method} {path} is no route")

    def respond(self, request: Request, row: tuple[Any, ...]) -> Told:
        """The order of checks of Kheops API 0."""
        _, _, who, right, query_right, name = row
        caller = self.identify(request.asker, request.at)
        if who == "person" and not caller.in_person:
            raise NO_TOKEN
        if any(
            not is_uid(request.path[part]) for part in ("study", "series") if part in request.path
        ):
            raise BAD_QUERY
        if who == "user" and not caller.acts_as_user:
            raise FORBIDDEN
        named = request.path.get("album"), request.first("query", "album")
        for album in named:
            if album is not None:
                self.reached(caller, album)
        for album, needed in zip(named, (right, query_right), strict=True):
            if album is not None and needed is not None:
                self.require(caller, album, needed)
        told: Told = getattr(self, name)(request, caller)
        return told

    # Albums (Kheops API 3 and 6)

    def create_album(self, request: Request, caller: Caller) -> Told:
        """Rule 1."""
        flags = {"add_user": False, "delete_series": False}
        flags = {flag: flags.get(flag, True) for flag in FLAGS.values()} | self.flags(request)
        album = NaiveUndo()
        about = request.first("form", "name") or "", request.first("form", "description") or ""
        outcome = album.predict(
            "create_album", caller.source, request.at, (*about, SimpleNamespace(**flags))
        )
        if isinstance(outcome, str):
            raise BAD_FORM
        album_id = request.new("album_id", 10)
        assert album_id not in self.albums
        self.albums[album_id], self.created[album_id] = album, request.at
        return Told(201, self.album(album_id, caller.user))

    def flags(self, request: Request) -> dict[str, bool]:
        """The member flags in a form."""
        given = {flag: request.flag("form", field) for field, flag in FLAGS.items()}
        return {flag: value for flag, value in given.items() if value is not None}

    def get_album(self, request: Request, caller: Caller) -> Told:
        """With its members for those who may list them."""
        album_id = request.path["album"]
        with_users = request.flag("query", "includeUsers") is True
        if with_users and not self.holds(caller, album_id, "LIST_USERS"):
            raise Failed(403, "'includeUser' forbidden")
        album, then = self.albums[album_id], self.asked(request, album_id)
        if then is not None:
            album = self.seen_then(caller, then, {"read"})
        whole = caller.acts_as_user
        with self.as_then(album_id, album):
            told = self.album(album_id, caller.user) if whole else self.brief_album(album_id)
            return Told(200, told | ({"users": self.members(album_id)} if with_users else {}))

    def edit_album(self, request: Request, caller: Caller) -> Told:
        """Kheops API 3.4."""
        about = request.first("form", "name"), request.first("form", "description")
        told = (
            request.flag("form", "notificationNewSeries"),
            request.flag("form", "notificationNewComment"),
        )
        album_id = request.path["album"]
        self.decide(request, caller, album_id, "edit_album", *about, self.flags(request), *told)
        return Told(200, self.album(album_id, caller.user))

    def delete_album(self, request: Request, caller: Caller) -> Told:
        """Kheops API 3.5."""
        self.ending(request, caller, "delete_album")
        return Told(204)

    def ending(self, request: Request, caller: Caller, decision: str, *args: Any) -> None:
        """Let something happen that may be the end of an album."""
        album_id = request.path["album"]
        before = deepcopy(self.albums[album_id])
        self.decide(request, caller, album_id, decision, *args)
        after = self.albums[album_id]
        if after.phase != "open":
            self.albums[album_id] = before
            self.keep(album_id, caller.user, self.places_of(caller, "READ_SERIES"))
            self.albums[album_id] = after

    def set_favorite(self, request: Request, caller: Caller) -> Told:
        """Rule 40."""
        self.decide(request, caller, request.path["album"], "set_favorite", True)
        return Told(204)

    def unset_favorite(self, request: Request, caller: Caller) -> Told:
        """Rule 40."""
        self.decide(request, caller, request.path["album"], "set_favorite", False)
        return Told(204)

    def list_albums(self, request: Request, caller: Caller) -> Told:
        """Kheops API 3.1."""
        found = [
            self.album(one, caller.user)
            for one, album in self.albums.items()
            if caller.user in album.members
        ]
        name, modality = request.first("query", "name"), request.first("query", "modality")
        if name is not None:
            found = [one for one in found if named_like(one["name"], name)]
        if modality is not None:
            found = [one for one in found if modality.upper() in one["modalities"]]
        if request.flag("query", "favorite"):
            found = [one for one in found if one["is_favorite"]]
        if request.flag("query", "canAddSeries"):
            found = [one for one in found if one["is_admin"] or one["add_series"]]
        if request.flag("query", "canCreateCapabilityToken"):
            found = [one for one in found if one["is_admin"]]
        sort = request.first("query", "sort")
        sort = "-created_time" if sort is None else sort
        key = sort.removeprefix("-")
        if key not in ("created_time", "last_event_time", "name", *COUNTS):
            raise BAD_QUERY
        found.sort(key=lambda one: one["last_event_time"], reverse=True)
        found.sort(key=lambda one: one[key], reverse=sort.startswith("-"))
        return Told(200, page_of(request, found, least=1), total=len(found))

    # Members (Kheops API 5)

    def list_users(self, request: Request, caller: Caller) -> Told:
        """Any member may."""
        album_id = request.path["album"]
        page_of(request, [])
        then, found = self.asked(request, album_id), self.members(album_id)
        if then is not None:
            with self.as_then(album_id, self.seen_then(caller, then, set())):
                found = self.members(album_id)
        return Told(200, page_of(request, found), total=len(found))

    def add_user(self, request: Request, caller: Caller) -> Told:
        """Rules 6 to 8."""
        target = self.user_named(request.path["user"])
        self.decide(request, caller, request.path["album"], "add_member", target)
        return Told(201)

    def add_admin(self, request: Request, caller: Caller) -> Told:
        """Rules 7 and 9."""
        target = self.user_named(request.path["user"])
        self.decide(request, caller, request.path["album"], "add_admin", target)
        return Told(204)

    def remove_user(self, request: Request, caller: Caller) -> Told:
        """Rules 10 to 13."""
        target = self.user_named(request.path["user"])
        if target not in self.albums[request.path["album"]].members:
            raise Failed(404, "Album Not Found")
        self.ending(request, caller, "remove_member", target)
        return Told(204)

    def demote(self, request: Request, caller: Caller) -> Told:
        """Rules 14 and 15."""
        target = self.user_named(request.path["user"])
        if not self.albums[request.path["album"]].admin(target):
            raise Failed(404, "User not a member")
        self.decide(request, caller, request.path["album"], "demote_admin", target)
        return Told(204)

    # Studies and series in albums (Kheops API 4)

    def add_study(self, request: Request, caller: Caller) -> Told:
        """Rules 34, 35, 47, 49 and 50."""
        study, source = request.path["study"], request.first("query", "album")
        inbox = request.flag("query", "inbox") is True
        if request.lender is not None:
            place, found = self.lent(request, study)
        elif (source is not None) == inbox:
            raise BAD_QUERY
        elif source is not None:
            place, found = self.source_album(source, study)
        else:
            place, found = ("inbox", caller.user), self.in_inbox(caller.user, study)
        if not found:
            raise NO_STUDY
        self.bring_into(request, caller, request.path["album"], "import_study", place, study, found)
        return Told(201)

    def add_series(self, request: Request, caller: Caller) -> Told:
        """Rules 47 and 53."""
        study, series, album_id = (request.path[name] for name in ("study", "series", "album"))
        there = series in self.albums[album_id].studies.get(study, [])
        origin = self.taken(request, caller)
        if origin is None and not (there and request.lender is None):
            raise NO_SERIES
        if origin is not None:
            self.bring_into(request, caller, album_id, "import_series", origin, study, series)
            self.become_known(study, series)
        return Told(201)

    def remove_study(self, request: Request, caller: Caller) -> Told:
        """Rules 36, 51 and 52."""
        self.decide(request, caller, request.path["album"], "remove_study", request.path["study"])
        return Told(204)

    def remove_series(self, request: Request, caller: Caller) -> Told:
        """Rules 51 and 52."""
        uids = request.path["study"], request.path["series"]
        self.decide(request, caller, request.path["album"], "remove_series", *uids)
        return Told(204)

    def favor(self, request: Request, caller: Caller, decision: str) -> Told:
        """Rule 40."""
        study, series = request.path["study"], request.path.get("series")
        album, inbox = request.first("query", "album"), request.first("query", "inbox") is not None
        if (album is not None) == inbox:
            raise BAD_QUERY
        seen = self.seen(caller, study)
        if not seen:
            raise Failed(403, "Study Not Found")
        if series is not None and series not in seen:
            raise Failed(403, "Series Not Found")
        if album is not None:
            self.decide(request, caller, album, decision, study, series)
            return Told(204)
        meant = [one for one in self.in_inbox(caller.user, study) if series in (None, one)]
        if not meant:
            raise NO_SERIES
        return Told(204)

    def add_favorite(self, request: Request, caller: Caller) -> Told:
        """Kheops API 6."""
        return self.favor(request, caller, "add_favorite")

    def remove_favorite(self, request: Request, caller: Caller) -> Told:
        """Kheops API 6."""
        return self.favor(request, caller, "remove_favorite")

    # Comments (Kheops API 7)

    def comment(self, request: Request) -> tuple[str, str | None]:
        """What is said, and to whom."""
        comment, to_user = request.first("form", "comment") or "", request.first("form", "to_user")
        if not 1 <= len(comment) <= 1024:
            raise BAD_FORM
        return comment, None if to_user is None else self.user_named(to_user)

    def comment_album(self, request: Request, caller: Caller) -> Told:
        """Rules 24 to 26."""
        said = self.comment(request)
        self.decide(request, caller, request.path["album"], "post_comment", *said)
        return Told(204)

    def study_comments(self, request: Request, caller: Caller) -> Told:
        """Rules 22 and 27."""
        study = request.path["study"]
        if not self.sees(caller, study):
            raise Failed(403, "Study Not Found")
        page_of(request, [])
        comments = self.said.get(study, NaiveStudyComments())
        found, total = comments.see(caller.user if caller.acts_as_user else "")
        shown = [self.study_comment(study, one) for one in page_of(request, found)]
        return Told(200, shown, total=total)

    def comment_study(self, request: Request, caller: Caller) -> Told:
        """Rules 24 and 27."""
        study = request.path["study"]
        if not self.sees(caller, study):
            raise Failed(403, "Study Not Found")
        comment, target = self.comment(request)
        if target is not None and not self.can_see(target, study):
            raise Failed(404, "No access")
        viewers = [one for one in self.people if self.can_see(one, study)]
        said = self.said.setdefault(study, NaiveStudyComments())
        assert (
            said.predict(
                "post_study_comment", caller.source, request.at, (viewers, comment, target)
            )
            == 1
        )
        return Told(204)


COUNTS = ("number_of_users", "number_of_studies", "number_of_comments")


def match(pattern: str, path: str) -> dict[str, str] | None:
    """The parts of a path, if it is of that pattern."""
    wanted, given = pattern.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    if any(one != it and not one.startswith("{") for one, it in zip(wanted, given, strict=True)):
        return None
    return {one[1:-1]: it for one, it in zip(wanted, given, strict=True) if one.startswith("{")}


def named_like(name: str, wanted: str) -> bool:
    """The whole name in any case; stars at the ends stand for anything."""
    name, core = name.lower(), wanted.lower().strip("*")
    if wanted.startswith("*") and wanted.endswith("*"):
        return core in name
    if wanted.startswith("*"):
        return name.endswith(core)
    return name.startswith(core) if wanted.endswith("*") else name == core
