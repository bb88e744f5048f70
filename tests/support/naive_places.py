"""What albums and inboxes hold, by the documentation alone, and which of it they claim (rules 51 to 56)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from support.naive import NaiveAlbum

Place = tuple[str, str]
"""An album or an inbox, and whose it is."""


Holding = tuple[Place, str, str]
"""Where a series is, its study, and the series."""


@frozen
class Word:
    """A claim: the word of a user, or of nobody who is known, and whether it shows the study."""

    by: str | None
    shows: bool


@frozen
class Words:
    """The claim on a series without a confirmed holding, and whether it may be taken from a holder."""

    said: list[Word]
    is_there: bool


class NaivePlaces:
    """Series in albums and inboxes."""

    def __init__(self) -> None:
        self.albums: dict[str, NaiveAlbum] = {}
        self.known: dict[str, dict[str, Any]] = {}
        self.inboxes: dict[str, set[tuple[str, str]]] = {}
        self.words: dict[Holding, list[Word]] = {}
        self.brought: set[tuple[str, str]] = set()
        self.heard_of: set[str] = set()

    def held(self) -> list[Holding]:
        """Every holding."""
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
            for study, uid in inbox
        ]
        return in_inboxes + in_albums

    def is_true(self, one: Holding) -> bool:
        """Whether it rests on more than words, or on that of somebody who brought images of the series."""
        words = self.words.get(one, [])
        return not words or any((word.by, one[2]) in self.brought for word in words)

    def has_images(self, uid: str, study: str | None = None) -> bool:
        """Whether a series has images, and is of that study."""
        known = self.known.get(uid)
        return known is not None and known["instances"] > 0 and study in (None, known["study"])

    def in_truth(self, place: Place, study: str, uids: Iterable[str]) -> list[str]:
        """Those of some series of a study in a place that it holds on more than words."""
        return [uid for uid in uids if self.is_true((place, study, uid))]

    def showing(self, study: str) -> set[Place]:
        """The places that show a study to those who read there."""
        there = [one for one in self.held() if one[1] == study]
        if any(self.has_images(uid, study) for uid in self.known):
            return {one[0] for one in there if self.has_images(one[2], study) and self.is_true(one)}
        return {
            one[0]
            for one in there
            if self.is_true(one) or any(word.shows for word in self.words[one])
        }

    def origin(
        self, mine: list[Place], user: str | None, study: str, series: str
    ) -> Place | Words | None:
        """Rule 53: where a series may be taken from by a user who may take from some places; words, or None."""
        all_there = [one for one in self.held() if one[2] == series]
        there = [one for one in all_there if one[1] == study]
        true = [one for one in all_there if self.is_true(one)]
        home = (
            {self.known[series]["study"]} if self.has_images(series) else {one[1] for one in true}
        )
        if home - {study}:
            return None
        for one in there:
            if one in true and one[0] in mine:
                return one[0]
        sources = [one for one in there if one[0] in mine]
        if not sources and any(one in true for one in there):
            return None
        is_first = study not in self.heard_of and not any(one[1] == study for one in self.held())
        own = Word(user, is_first or bool(self.showing(study) & set(mine)))
        said = self.words[sources[0]] if sources else []
        return Words(together(said, [own]), bool(sources))

    def give(self, target: Place, origin: Place | Words, study: str, uids: Iterable[str]) -> None:
        """Note what a place is given, before it has it."""
        had = set(self.held())
        for uid in uids:
            one = (target, study, uid)
            there = self.words.get(one, [])
            self.heard_of.add(study)
            if isinstance(origin, Words):
                if one not in had:
                    self.words[one] = origin.said
                elif there:
                    # One that has it already learns of no words but the caller's.
                    self.words[one] = together(there, origin.said[-1:])
            elif origin != target and self.is_true((origin, study, uid)):
                self.words[one] = []
            elif origin != target and one not in had:
                self.words[one] = self.words[origin, study, uid]

    def put(self, user: str, study: str, uids: Iterable[str]) -> None:
        """Rule 55."""
        self.inboxes.setdefault(user, set()).update((study, uid) for uid in uids)

    def bring(self, user: str, study: str, uid: str, modality: str) -> None:
        """A user imports an image of a series, which confirms their claims on it everywhere."""
        known = {"study": study, "modality": modality, "description": None, "instances": 1}
        self.known[uid] = self.known[uid] if self.has_images(uid) else known
        self.put(user, study, [uid])
        self.words.pop((("inbox", user), study, uid), None)
        self.brought.add((user, uid))
        self.heard_of.add(study)

    def keep(self, album_id: str, user: str, mine: list[Place]) -> None:
        """What has images and is in none of the user's other places goes to the inbox of who ends an album."""
        here = ("album", album_id)
        held = [one for one in self.held() if self.is_true(one)]
        for place, study, uid in held:
            elsewhere = [one for one in mine if one != here and (one, study, uid) in held]
            if place == here and self.has_images(uid, study) and not elsewhere:
                self.give(("inbox", user), here, study, [uid])
                self.put(user, study, [uid])


def together(said: list[Word], more: list[Word]) -> list[Word]:
    """All words, of each user the first."""
    users = {word.by for word in said}
    return said + [word for word in more if word.by not in users]
