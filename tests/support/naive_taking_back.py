"""``POST /albums/{album}/events/{version}/undo`` in the naive Kheops API."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from support.naive_http import BAD_QUERY, FORBIDDEN, Caller, Failed, Request, Told
from support.naive_more import NaiveMore
from support.naive_places import Place, Words
from support.naive_state import Fact
from support.naive_undo import NaiveUndo

CONFLICT = Failed(409, "Conflict")
REFUSALS = {
    "event_not_found": Failed(404, "Event Not Found"),
    **dict.fromkeys(
        ("not_undoable", "changed_since", "id_taken", "series_in_another_study"), CONFLICT
    ),
}
"""What is told of the refusals of an undo; of the others, what is always told of them."""


class NaiveTakingBack(NaiveMore):
    """An undo, with what inboxes and other albums have to say to it."""

    def undo_event(self, request: Request, caller: Caller) -> Told:
        """Series come back from where the caller may send them, or without images on their word."""
        version, album_id = request.path["version"], request.path["album"]
        if not version.isdigit():
            raise BAD_QUERY
        album = self.albums[album_id]
        assert isinstance(album, NaiveUndo)
        args = (int(version), "anew")
        others = self.without_words(album_id, album, int(version))
        try:
            tried: Any = deepcopy(album).predict("undo", caller.source, request.at, args)
            if isinstance(tried, str) and tried in REFUSALS:
                raise REFUSALS[tried]
            origins = self.origins(caller, [] if isinstance(tried, str) else tried)
            before = deepcopy(album)
            self.decide(request, caller, album_id, "undo", *args)
        finally:
            album.studies.update(others)
        for (study, uid), origin in origins.items():
            after, self.albums[album_id] = album, before
            self.give(("album", album_id), origin, study, [uid])
            self.albums[album_id] = after
            self.become_known(study, uid)
        if album.phase != "open":
            self.albums[album_id] = before
            self.keep(album_id, caller.user, self.places_of(caller, "READ_SERIES"))
            self.albums[album_id] = album
        return Told(204)

    def without_words(self, album_id: str, album: NaiveUndo, version: int) -> dict[str, list[str]]:
        """Leave out what is there on words alone, under another study than that of an undone removal."""
        if not 1 <= version <= len(album.moments):
            return {}
        fact = album.moments[version - 1].fact
        if fact.get("mutation") not in ("REMOVE_STUDY", "REMOVE_SERIES"):
            return {}
        others = {one: list(held) for one, held in album.studies.items() if one != fact["study"]}
        for other, held in others.items():
            album.studies[other] = [
                one
                for one in held
                if one not in fact["series"] or self.is_true((("album", album_id), other, one))
            ]
        return others

    def origins(self, caller: Caller, recorded: list[Fact]) -> dict[tuple[str, str], Place | Words]:
        """Where the series come from that would come back."""
        mine, found = self.places_of(caller, "SEND_SERIES"), {}
        for fact in recorded:
            if fact.get("mutation") not in ("IMPORT_STUDY", "IMPORT_SERIES"):
                continue
            for uid in fact["series"]:
                origin = self.origin(mine, caller.user, fact["study"], uid)
                nowhere = origin is None or (isinstance(origin, Words) and not origin.is_there)
                if origin is None or (nowhere and self.has_images(uid, fact["study"])):
                    raise FORBIDDEN
                found[fact["study"], uid] = origin
        return found
