"""What albums and inboxes hold, by the documentation alone, and which of it they hold on a claim (rules 51 to 56)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from support.naive import NaiveAlbum

Place = tuple[str, str]
"""An album or an inbox, and whose it is."""


@frozen
class Word:
    """A claim: the word of a user, and whether it shows the study while that has no images."""

    by: str
    shows: bool


class NaivePlaces:
    """Series in albums and inboxes."""

    def __init__(self) -> None:
        self.albums: dict[str, NaiveAlbum] = {}
        self.known: dict[str, dict[str, Any]] = {}
        self.inboxes: dict[str, dict[str, str]] = {}
        self.claims: dict[tuple[Place, str], Word] = {}

    def held(self) -> list[tuple[Place, str, str]]:
        """Every holding: where it is, the study, the series."""
        in_albums = [
            (("album", album_id), study, uid)
            for album_id, album in sorted(self.albums.items())
            if album.phase == "open"
            for study, uids in album.studies.items()
            for uid in uids
        ]
        in_inboxes = [
            (("inbox", sub), study, uid)
            for sub, inbox in self.inboxes.items()
            for uid, study in inbox.items()
        ]
        return in_inboxes + in_albums

    def has_images(self, uid: str, study: str | None = None) -> bool:
        """Whether a series has images, and is of that study."""
        known = self.known.get(uid)
        return known is not None and known["instances"] > 0 and study in (None, known["study"])

    def in_truth(self, place: Place, uids: Iterable[str]) -> list[str]:
        """Those of some series in a place that it holds on more than a claim."""
        return [uid for uid in uids if (place, uid) not in self.claims]

    def showing(self, study: str) -> set[Place]:
        """The places that show a study to those who read there."""
        there = [(place, uid) for place, of, uid in self.held() if of == study]
        if any(self.has_images(uid, study) for uid in self.known):
            real = [(place, uid) for place, uid in there if self.has_images(uid, study)]
            return {place for place, uid in real if (place, uid) not in self.claims}
        return {
            place for place, uid in there if self.claims.get((place, uid), Word("", True)).shows
        }

    def origin(self, mine: list[Place], user: str, study: str, series: str) -> Place | Word | None:
        """Rule 53: where a series may be taken from by a user who may take from some places; a claim, or None."""
        if self.known.get(series, {"study": study})["study"] != study:
            return None
        there = [place for place, of, uid in self.held() if (of, uid) == (study, series)]
        true = [place for place in there if (place, series) not in self.claims]
        for place in [*true, *there]:
            if place in mine:
                return place
        if true:
            return None
        showing = self.showing(study)
        is_held = any(of == study for _, of, _ in self.held())
        return Word(user, not is_held or bool(showing & set(mine)))

    def give(self, target: Place, origin: Place | Word, study: str, uids: Iterable[str]) -> None:
        """Note what a place is given, before it has it."""
        had = {uid for place, of, uid in self.held() if (place, of) == (target, study)}
        for uid in uids:
            word = origin if isinstance(origin, Word) else self.claims.get((origin, uid))
            if word is None:
                self.claims.pop((target, uid), None)
            elif uid not in had:
                self.claims[target, uid] = word

    def put(self, user: str, study: str, uids: Iterable[str]) -> None:
        """Rule 55."""
        for uid in uids:
            self.inboxes.setdefault(user, {})[uid] = study

    def bring(self, user: str, study: str, uid: str, modality: str) -> None:
        """A user brings an image of a series: it is theirs in truth, wherever it is on their word."""
        known = {"study": study, "modality": modality, "description": None, "instances": 1}
        self.known[uid] = self.known[uid] if self.has_images(uid) else known
        self.put(user, study, [uid])
        self.claims = {
            (place, series): word
            for (place, series), word in self.claims.items()
            if series != uid or (word.by != user and place != ("inbox", user))
        }

    def keep(self, album_id: str, user: str) -> None:
        """What has images and only an album holds goes to the inbox of the user with whom the album ends."""
        here = ("album", album_id)
        held = self.held()
        for place, study, uid in held:
            others = [one for one, _, series in held if series == uid and one != here]
            is_real = place == here and self.has_images(uid) and self.in_truth(place, [uid])
            if is_real and not any(self.in_truth(one, [uid]) for one in others):
                self.give(("inbox", user), here, study, [uid])
                self.put(user, study, [uid])
