"""What the answers of the naive Kheops API look like: the objects of its documentation, made of plain dicts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from support.naive import NaiveAlbum
from support.naive_http import Caller, NaiveWorld
from support.naive_places import Place
from support.naive_state import Fact

Json = dict[str, Any]

MADE = "made by the service"
"""Stands for an id that nothing else depends on."""

ROOT = "http://127.0.0.1:8000"
"""Where the service says it is."""

SERIES_MUTATIONS = ("IMPORT_SERIES", "REMOVE_SERIES", "NEW_REPORT")
FAVORITES = ("ADD_FAV", "REMOVE_FAV")


def local(at: datetime) -> str:
    """UTC, without a zone."""
    return at.replace(tzinfo=None).isoformat()


def zoned(at: datetime) -> str:
    """UTC, with its zone."""
    return f"{local(at)}Z"


class NaiveAnswers(NaiveWorld):
    """The objects of the API."""

    def person(self, sub: str) -> Json:
        """Who somebody is."""
        email, name = self.people[sub]
        return {"email": email, "name": name, "sub": sub}

    # Albums (Kheops API 3)

    def contents(self, uids: list[str]) -> Json:
        """What some series amount to; placeholders do not count (rule 54)."""
        real = [self.known[uid] for uid in uids if self.known[uid]["instances"]]
        return {
            "modalities": sorted({one["modality"] for one in real}),
            "number_of_studies": len({one["study"] for one in real}),
            "number_of_series": len(real),
            "number_of_instances": sum(one["instances"] for one in real),
        }

    def album(self, album_id: str, user: str) -> Json:
        """An album as a member sees it."""
        album = self.albums[album_id]
        me = album.members[user]
        assert album.last_event_at is not None
        return {
            **self.brief_album(album_id),
            "created_time": local(self.created[album_id]),
            "last_event_time": local(album.last_event_at),
            "number_of_users": len(album.members),
            "number_of_comments": album.see(user, {"comments"})[1],
            **album.flags,
            "is_favorite": me["favorite"],
            "notification_new_series": me["series"],
            "notification_new_comment": me["comments"],
            "is_admin": me["admin"],
        }

    def brief_album(self, album_id: str) -> Json:
        """An album as a token sees it that is for this album alone."""
        album = self.albums[album_id]
        place = ("album", album_id)
        series = [
            uid
            for study, uids in album.studies.items()
            for uid in self.in_truth(place, study, uids)
        ]
        return {
            "album_id": album_id,
            "name": album.name,
            "description": album.description,
            **self.contents(series),
        }

    def members(self, album_id: str) -> list[Json]:
        """By e-mail address."""
        members = self.albums[album_id].members
        found = [{**self.person(sub), "is_admin": me["admin"]} for sub, me in members.items()]
        return sorted(found, key=lambda one: one["email"])

    # Events (Kheops API 7)

    def event(self, album: NaiveAlbum, fact: Fact) -> Json:
        """A comment, or a mutation."""
        told: Json = {
            "event_type": "Comment" if fact["kind"] == "comments" else "Mutation",
            "source": self.source(album, fact),
            "post_date": local(fact["at"]),
        }
        if fact["target"] is not None:
            told["target"] = self.standing(album, fact["target"])
        if fact["kind"] == "comments":
            return told | {
                "comment": fact["comment"],
                "is_private": fact["target"] is not None,
            }
        told["mutation_type"] = self.mutation(fact)
        if fact["about provider"] is not None:
            told["report_provider"] = self.provider_in_event(album, fact["about provider"])
        if fact["study"] is not None:
            self.tell_study(album, fact, told)
        return told

    def mutation(self, fact: Fact) -> str:
        """Upstream knows no NEW_REPORT."""
        name = str(fact["mutation"])
        return "IMPORT_SERIES" if self.upstream and name == "NEW_REPORT" else name

    def standing(self, album: NaiveAlbum, sub: str) -> Json:
        """Rule 28: what holds now."""
        told = {**self.person(sub), "can_access": sub in album.members}
        return told | ({"is_admin": album.admin(sub)} if sub in album.members else {})

    def source(self, album: NaiveAlbum, fact: Fact) -> Json:
        """Rules 37 and 38."""
        told = self.standing(album, fact["author"])
        if fact["token"] is not None:
            title = album.tokens[fact["token"]]["title"]
            told["capability_token"] = {"id": fact["token"], "title": title}
        if fact["provider"] is not None:
            told["report_provider"] = self.provider_in_event(album, fact["provider"])
            if not self.upstream:
                told.pop("is_admin", None)
        return told

    def provider_in_event(self, album: NaiveAlbum, provider: str) -> Json:
        """Rule 33."""
        found = album.providers[provider]
        key = "client_id" if self.upstream else "id"
        return {"name": found["name"], "is_removed": found["removed"], key: provider}

    def tell_study(self, album: NaiveAlbum, fact: Fact, told: Json) -> None:
        """Rules 32, 35 and 36; of a study that only placeholders are known of, nothing is told but its UID."""
        uids = fact["series"]
        study: Json = {"UID": fact["study"]}
        [here] = [("album", one) for one, other in self.albums.items() if other is album]
        if any(
            self.has_images(uid, fact["study"]) for uid in self.in_truth(here, fact["study"], uids)
        ):
            study["description"] = f"About {fact['study']}"
        told["study"] = study
        if self.upstream or fact["mutation"] in FAVORITES:
            there = album.studies.get(fact["study"], [])
            study["series"] = [
                {**self.one_series(here, fact["study"], uid), "is_present_in_album": uid in there}
                for uid in uids
            ]
        elif fact["mutation"] in SERIES_MUTATIONS:
            told["series"] = self.one_series(here, fact["study"], uids[0])

    def one_series(self, here: Place, study: str, uid: str) -> Json:
        """Its description where there is one, and it is to be told there."""
        description = self.known[uid]["description"] if self.is_true((here, study, uid)) else None
        return {"UID": uid} | ({"description": description} if description else {})

    def study_comment(self, study: str, fact: Fact) -> Json:
        """Rule 27; who can see the study has access."""

        def person(sub: str) -> Json:
            return {**self.person(sub), "can_access": self.can_see(sub, study)}

        told = {
            "event_type": "Comment",
            "source": person(fact["author"]),
            "post_date": local(fact["at"]),
            "comment": fact["comment"],
            "is_private": fact["target"] is not None,
        }
        return told | ({"target": person(fact["target"])} if fact["target"] else {})

    # What belongs to albums (Kheops API 8, 10, 11)

    def provider(self, album_id: str, provider: str) -> Json:
        """A report provider."""
        found = self.albums[album_id].providers[provider]
        return {
            "name": found["name"],
            "url": found["url"],
            "client_id": provider,
            "created_time": local(self.provider_times[provider]),
        }

    def capability(self, caller: Caller, token_id: str) -> Json:
        """A capability token, without its secret."""
        album_id, token = self.token(token_id)
        assert token is not None
        times = self.token_times[token_id]
        told: Json = {
            "id": token_id,
            "title": token["title"],
            "token_type": "Bearer",
            "issued_at_time": zoned(times["issued"]),
            "not_before_time": zoned(token["from"]),
            "expiration_time": zoned(token["until"]),
            "revoked": token["revoked by"] is not None,
            "scope_type": "user" if album_id is None else "album",
        }
        if "used" in times:
            told["last_used"] = zoned(times["used"])
        if "revoked" in times:
            told["revoke_time"] = zoned(times["revoked"])
        if album_id is not None:
            album = self.albums[album_id]
            for grant in ("read", "write", "download", "appropriate"):
                told[f"{grant}_permission"] = grant in token["grants"]
            told["album"] = {"album_id": album_id}
            if caller.user in album.members:
                told["album"]["name"] = album.name
            told["created_by"] = self.person(token["creator"])
            if token["revoked by"] is not None:
                told["revoked_by"] = self.person(token["revoked by"])
        return told

    def webhook(self, album_id: str, webhook: str) -> Json:
        """A webhook, with the last of what it told."""
        triggers = self.triggers.get(webhook, [])
        last = [{"id": MADE, "status": "fail"} for _ in triggers[:5]]
        return self.bare_webhook(album_id, webhook) | ({"last_triggers": last} if last else {})

    def bare_webhook(self, album_id: str, webhook: str) -> Json:
        """A webhook, without what it told."""
        found = self.albums[album_id].webhooks[webhook]
        return {
            "id": webhook,
            "url": found["url"],
            "name": found["name"],
            "use_secret": found["secret"] is not None,
            "events": found["events"],
            "enabled": found["enabled"],
            "number_of_triggers": len(self.triggers.get(webhook, [])),
        }

    def trigger_json(self, told: Json) -> Json:
        """What a webhook has to tell; nobody has tried yet to deliver it."""
        shown = {"id": MADE, "is_manual_trigger": told["by hand"], "event": told["event"]}
        if told["user"] is not None:
            return shown | {"user": self.person(told["user"])}
        address = f"{ROOT}/studies/{told['study']}"
        is_new = told["event"] == "new_series"
        series = [
            {"series_uid": uid} | ({"retrieve_url": f"{address}/series/{uid}"} if is_new else {})
            for uid in told["series"]
        ]
        study = {"study_uid": told["study"]} | (
            {} if told["is gone"] else {"retrieve_url": address}
        )
        return shown | {"study": study | {"series": series}}
