"""Taking back in the naive model of an album: what each mutation set, and what undoes it, by plain copies of before."""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from typing import Any

from attrs import frozen

from support.naive import NaiveAlbum
from support.naive_state import ERASED, Fact, Refused, Said

Photo = dict[str, Any]
"""What an album was at some moment."""

KEPT = (
    *("name", "description", "flags", "members", "studies", "favorites"),
    *("providers", "webhooks"),
)
WITHDRAWN = "[withdrawn]"
FOR_GOOD = {"LEAVE_ALBUM", "TRIGGER_WEBHOOK"}


@frozen
class Moment:
    """What was recorded, and the album before and after it."""

    fact: Fact
    before: Photo
    after: Photo


class NaiveUndo(NaiveAlbum):
    """An album that remembers what it was before each event."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[Moment] = []
        self.undone: set[int] = set()
        self.undoing: int | None = None

    def photo(self) -> Photo:
        """What the album is now."""
        return {name: deepcopy(getattr(self, name)) for name in KEPT}

    def __deepcopy__(self, memo: dict[int, Any]) -> NaiveUndo:
        """A copy; what was is never changed, and so is shared."""
        copy = NaiveUndo()
        for name, value in vars(self).items():
            setattr(copy, name, value if name == "moments" else deepcopy(value, memo))
        copy.moments = [*self.moments]
        return copy

    def predict(self, decision: str, source: Any, at: Any, args: tuple[Any, ...]) -> Any:
        """The code of the refusal, or the list of what is recorded, which is remembered."""
        before = self.photo()
        recorded = super().predict(decision, source, at, args)
        if not isinstance(recorded, str):
            after = self.photo()
            self.moments += [Moment(fact, before, after) for fact in recorded]
        return recorded

    def shown(self, mutation: str | None, **about: Any) -> Fact:
        """With what it takes back."""
        return super().shown(mutation, **about) | {"undoes": self.undoing}

    def erase(self, versions: Collection[int]) -> None:
        """The texts of these events are gone, and an event says so."""
        self.lose_texts(versions)
        now = self.photo()
        self.moments.append(Moment(self.hidden("erased"), now, now))
        self.version += 1

    def lose_texts(self, versions: Collection[int]) -> None:
        """It has placeholders for the texts of these events: now, in the feed, and before and after events."""
        for known in (vars(self), *((one.fact, one.before, one.after) for one in self.moments)):
            lose_texts(known, versions)

    def undo(self, version: int, new_provider: str) -> list[Fact]:
        """What of the change still holds is taken back, by the right that its inverse takes."""
        moment = self.seen_at(version)
        if version in self.undone:
            return []
        fact = moment.fact
        if fact["undoes"] is not None or fact["mutation"] in FOR_GOOD:
            raise Refused("not_undoable")
        self.undoing = version
        try:
            recorded = self.inverse(fact, moment.before, moment.after, new_provider)
        finally:
            self.undoing = None
        if recorded:
            self.undone.add(version)
        return recorded

    def seen_at(self, version: int) -> Moment:
        """What the one who acts sees in the feed as the event of a version."""
        if self.user not in self.members:
            raise Refused("album_not_found")
        if not 1 <= version <= len(self.moments):
            raise Refused("event_not_found")
        fact = self.moments[version - 1].fact
        readers = (fact.get("author"), fact.get("target"))
        private = fact["kind"] == "comments" and fact["target"] is not None
        if fact["kind"] is None or (private and self.user not in readers):
            raise Refused("event_not_found")
        return self.moments[version - 1]

    def inverse(self, fact: Fact, before: Photo, after: Photo, new_provider: str) -> list[Fact]:
        """By what it was."""
        match fact["mutation"]:
            case None:
                return self.withdraw(fact)
            case "CREATE_ALBUM":
                self.need("delete album")
                providers = any(not one["removed"] for one in self.providers.values())
                if self.members.keys() != after["members"].keys():
                    raise Refused("changed_since")
                if self.studies or providers or self.webhooks:
                    raise Refused("changed_since")
                return self.delete_album()
            case "EDIT_ALBUM":
                return self.unedit(before, after)
            case "IMPORT_STUDY" | "IMPORT_SERIES" | "NEW_REPORT":
                return self.unbring(fact)
            case "REMOVE_STUDY" | "REMOVE_SERIES":
                return self.unremove(fact, before)
            case "ADD_FAV" | "REMOVE_FAV":
                return self.unfavor(fact, before, after)
            case mutation if mutation.endswith("_REPORT_PROVIDER"):
                return self.unprovide(fact, before, after, new_provider)
            case mutation if mutation.endswith("_WEBHOOK"):
                return self.unhook(before, after)
        return self.unmember(fact, before, after)

    def withdraw(self, fact: Fact) -> list[Fact]:
        """By its author or an admin."""
        if self.token or self.provider:
            raise Refused("forbidden")
        if self.user != fact["author"] and not self.admin(self.user):
            raise Refused("forbidden")
        fact["comment"] = WITHDRAWN
        return [self.hidden("withdrawn") | {"undoes": self.undoing}]

    def back(self, was: Photo, made: Photo, now: Photo) -> Photo:
        """The fields that are still as they were made, as they were."""
        changed = [name for name in made if was[name] != made[name]]
        held = {name: was[name] for name in changed if now.get(name) == made[name]}
        if changed and not held:
            raise Refused("changed_since")
        known = {name: value for name, value in held.items() if value != ERASED}
        if held and not known:
            raise Refused("not_undoable")
        return known

    def unedit(self, before: Photo, after: Photo) -> list[Fact]:
        """Each field by itself."""
        self.need("edit album")
        if not self.admin(self.user):
            raise Refused("forbidden")
        was, made, now = (
            {"name": one["name"], "description": one["description"], **one["flags"]}
            for one in (before, after, self.photo())
        )
        held = self.back(was, made, now)
        if not held:
            return []
        flags = {name: value for name, value in held.items() if name in self.flags}
        texts = held.get("name"), held.get("description")
        recorded: list[Fact] = self.edit_album(*texts, flags, None, None)
        return recorded

    def unmember(self, fact: Fact, before: Photo, after: Photo) -> list[Fact]:
        """The role that they had, or none."""
        target = fact["target"]
        was, made = before["members"].get(target), after["members"].get(target)
        if was is None:
            self.need("remove user")
            if target != self.user and not self.admin(self.user):
                raise Refused("forbidden")
        else:
            self.need("add user" if made is None and not was["admin"] else "manage admins")
        now = self.members.get(target)
        if (now and now["admin"]) != (made and made["admin"]):
            raise Refused("changed_since")
        if was is None:
            return self.remove_member(target)
        if now is None:
            added = (self.add_admin if was["admin"] else self.add_member)(target)
            if self.members[target] == was:
                return added
            self.members[target] = dict(was)
            return [*added, self.hidden("settings") | {"undoes": self.undoing}]
        changed = self.promote_member if was["admin"] else self.demote_admin
        return changed(target)

    def unbring(self, fact: Fact) -> list[Fact]:
        """Those that are still there."""
        self.need("delete series")
        study, held = fact["study"], self.studies.get(fact["study"], [])
        there = [uid for uid in fact["series"] if uid in held]
        if not there:
            raise Refused("changed_since")
        if fact["mutation"] == "IMPORT_STUDY" and len(there) == len(held):
            return self.remove_study(study)
        return [one for uid in there for one in self.remove_series(study, uid)]

    def unremove(self, fact: Fact, before: Photo) -> list[Fact]:
        """Those that are missing, and which of them were favourites."""
        self.need("add series")
        study = fact["study"]
        missing = [uid for uid in fact["series"] if uid not in self.studies.get(study, [])]
        if not missing:
            raise Refused("changed_since")
        favorites = [uid for uid in missing if (study, uid) in before["favorites"]]
        if favorites:
            self.need("edit favorites")
        if fact["mutation"] == "REMOVE_STUDY":
            recorded = self.import_study(study, missing)
        else:
            recorded = self.import_series(study, missing[0])
        if not favorites:
            return recorded
        self.favorites |= {(study, uid) for uid in favorites}
        return [*recorded, self.shown("ADD_FAV", study=study, series=favorites)]

    def unfavor(self, fact: Fact, before: Photo, after: Photo) -> list[Fact]:
        """The flags that it changed and that are still so."""
        self.need("edit favorites")
        study, made = fact["study"], fact["mutation"] == "ADD_FAV"
        changed = [
            uid
            for uid in fact["series"]
            if ((study, uid) in before["favorites"]) != ((study, uid) in after["favorites"])
        ]
        still = [
            uid
            for uid in changed
            if uid in self.studies.get(study, []) and ((study, uid) in self.favorites) == made
        ]
        if changed and not still:
            raise Refused("changed_since")
        if not still:
            return []
        about = {(study, uid) for uid in still}
        self.favorites = self.favorites - about if made else self.favorites | about
        return [self.shown("REMOVE_FAV" if made else "ADD_FAV", study=study, series=still)]

    def unprovide(self, fact: Fact, before: Photo, after: Photo, new_provider: str) -> list[Fact]:
        """A deleted one comes back under a new id."""
        self.need("manage providers")
        name = fact["about provider"]
        now, made = self.providers[name], after["providers"][name]
        if fact["mutation"].startswith("CREATE"):
            if now != made:
                raise Refused("changed_since")
            return self.delete_report_provider(name)
        was = before["providers"][name]
        if fact["mutation"].startswith("DELETE"):
            if ERASED in (was["name"], was["url"]):
                raise Refused("not_undoable")
            return self.create_report_provider(new_provider, was["name"], was["url"])
        held = self.back(was, made, {} if now["removed"] else now)
        if not held:
            return []
        if ERASED in (now | held).values():
            raise Refused("not_undoable")
        return self.edit_report_provider(name, held.get("name"), held.get("url"))

    def unhook(self, before: Photo, after: Photo) -> list[Fact]:
        """A deleted one without the secret, which is forgotten; one that was replaced or removed does not come back."""
        self.need("manage webhooks")
        names = {*before["webhooks"], *after["webhooks"]}
        changed = [
            one for one in names if before["webhooks"].get(one) != after["webhooks"].get(one)
        ]
        if not changed:
            return []
        [name] = changed
        was, made = before["webhooks"].get(name), after["webhooks"].get(name)
        now = self.webhooks.get(name)
        if made is None:
            if ERASED in (was["name"], was["url"]):
                raise Refused("not_undoable")
            if now is not None:
                raise Refused("id_taken")
            self.webhooks[name] = was | self.hook_text(was["name"], was["url"]) | {"secret": None}
            return [self.shown("CREATE_WEBHOOK")]
        if was is None:
            if now != made:
                raise Refused("changed_since")
            return self.delete_webhook(name)
        held = self.back(was, made, now or {})
        if held.get("secret") is not None:
            if [*held] == ["secret"]:
                raise Refused("not_undoable")
            del held["secret"]
        if ERASED in [*((now or {}) | held).values()]:
            raise Refused("not_undoable")
        self.say_again(self.webhooks[name], held)
        self.webhooks[name] |= {
            what: one for what, one in held.items() if what not in ("name", "url")
        }
        return [self.shown("EDIT_WEBHOOK")]


def lose_texts(known: Any, versions: Collection[int]) -> None:
    """In a dict, and in the dicts that are in it."""
    if isinstance(known, dict):
        for name, value in known.items():
            if isinstance(value, Said) and value.version in versions:
                known[name] = ERASED
            else:
                lose_texts(value, versions)
    elif isinstance(known, list | tuple):
        for one in known:
            lose_texts(one, versions)
