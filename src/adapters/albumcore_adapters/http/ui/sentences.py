"""What each entry of a timeline says, as a sentence: who did what, to whom, with which study."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from attrs import field, frozen
from markupsafe import Markup, escape

from albumcore.albums.lifecycle import AlbumEdited
from albumcore.feed import Entry
from albumcore.ids import AlbumId, StudyUID, UserId
from albumcore.json_object import Json
from albumcore_adapters.base.time_texts import exact_text
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.study_names import StudyNames

_UNNAMED = frozenset({"import_study", "remove_study"})
"""The mutations whose sentence is another one where the study has no description: it says "the study" before it."""

REPEATED = frozenset(
    {
        *("IMPORT_SERIES", "REMOVE_SERIES", "NEW_REPORT", "ADD_FAV", "REMOVE_FAV", "EDIT_ALBUM"),
        *("CREATE_REPORT_PROVIDER", "EDIT_REPORT_PROVIDER", "DELETE_REPORT_PROVIDER"),
        *("CREATE_WEBHOOK", "EDIT_WEBHOOK", "DELETE_WEBHOOK", "TRIGGER_WEBHOOK"),
    }
)
"""What the same person does again and again with the same study, or with none: a run of it has a sentence."""

_REMOVALS = frozenset({"REMOVE_STUDY", "REMOVE_SERIES"})
_JUST_BEFORE = timedelta(microseconds=1)

ICONS: Mapping[str, str] = {
    "CREATE_ALBUM": "album",
    "EDIT_ALBUM": "pen",
    "IMPORT_STUDY": "scan",
    "IMPORT_SERIES": "scan",
    "REMOVE_STUDY": "bin",
    "REMOVE_SERIES": "bin",
    "NEW_REPORT": "doc",
    "ADD_FAV": "star",
    "REMOVE_FAV": "star",
    "CREATE_REPORT_PROVIDER": "doc",
    "EDIT_REPORT_PROVIDER": "doc",
    "DELETE_REPORT_PROVIDER": "doc",
    "CREATE_WEBHOOK": "hook",
    "EDIT_WEBHOOK": "hook",
    "DELETE_WEBHOOK": "hook",
    "TRIGGER_WEBHOOK": "hook",
}
"""The icon of each mutation; any other has that of a person."""


@frozen
class Sentences:
    """Says the entries of one album to one reader.

    Attributes:
        request: The request of the page: its language, and the addresses of studies.
        album: The album.
        viewer: The reader.
        names: What the studies of the entries are called.
        studies: The studies of the entries that the shown page of the album has; any other is shown as it was.
    """

    request: PageRequest = field(repr=False)
    album: AlbumId
    viewer: UserId
    names: StudyNames
    studies: Collection[StudyUID] = ()

    def say(self, entry: Entry, shown: Json) -> Markup:
        """The sentence of an entry.

        Args:
            entry: The entry.
            shown: The same as a JSON object, with the names and descriptions that the reader may see.
        """
        sentence = self._comment(entry, shown) if shown["event_type"] == "Comment" else None
        return self._through(shown, sentence or self._mutation(entry, shown))

    def together(self, entry: Entry, shown: Json) -> Callable[[int], Markup] | None:
        """What says a number of entries like this one together; None if its kind is never folded."""
        if entry.type.mutation not in REPEATED:
            return None
        return partial(self._together, entry, shown)

    def _together(self, entry: Entry, shown: Json, number: int) -> Markup:
        key, places = self._key(entry, shown), self._places(entry, shown)
        places["n"] = bold(str(number))
        return self._through(shown, self._said(f"run.{key}", entry, shown, places))

    def _through(self, shown: Json, sentence: Markup) -> Markup:
        token = shown["source"].get("capability_token")
        if token is None:
            return sentence
        return self.request.say("timeline.through", sentence=sentence, token=bold(token["title"]))

    def _comment(self, entry: Entry, shown: Json) -> Markup:
        if entry.target is None:
            key, places = "comment_to_all", {}
        else:
            key, places = "comment_to_one", {"whom": self.person(shown["target"])}
        return self._said(key, entry, shown, places)

    def _mutation(self, entry: Entry, shown: Json) -> Markup:
        key, places = self._key(entry, shown), self._places(entry, shown)
        if isinstance(entry.recorded.event, AlbumEdited):
            places["what"] = self._edited(entry.recorded.event)
        study = entry.study_uid
        if study is not None and key in _UNNAMED:
            is_described = self.names.is_described(study, entry.series_uids)
            key = key if is_described else f"{key}_unnamed"
        return self._said(key, entry, shown, places)

    def _key(self, entry: Entry, shown: Json) -> str:
        key = str(entry.type.mutation).lower()
        is_by_user = key == "new_report" and "report_provider" not in shown["source"]
        return f"{key}_by_user" if is_by_user else key

    def _said(self, key: str, entry: Entry, shown: Json, places: dict[str, Markup]) -> Markup:
        say = self.request.say
        if entry.author == self.viewer:
            return say(f"timeline.{key}.you", **places)
        places["who"] = self.person(shown["source"])
        if entry.target is not None and entry.target == self.viewer:
            return say(f"timeline.{key}.to_you", **places)
        return say(f"timeline.{key}.they", **places)

    def _places(self, entry: Entry, shown: Json) -> dict[str, Markup]:
        places: dict[str, Markup] = {}
        if target := shown.get("target"):
            places["whom"] = self.person(target)
        if study := shown.get("study"):
            uid = StudyUID(study["UID"])
            name = self.names.phrase(uid, entry.series_uids)
            places["study"] = self.study(uid, name, self._moment(entry))
            series = study.get("series", ())
            places["series"] = bold(
                Markup(", ").join(one.get("description") or self._series_name() for one in series)
            )
            places["count"] = self.request.say("timeline.series", n=len(series))
        provider = shown.get("report_provider") or shown["source"].get("report_provider")
        if provider:
            places["provider"] = bold(provider["name"])
        return places

    def _moment(self, entry: Entry) -> str | None:
        """As of when the study of an entry is shown: where it is not there, as of the entry, or before its removal."""
        if entry.study_uid in self.studies:
            return self.request.at
        at = entry.recorded.at
        return exact_text(at - _JUST_BEFORE if entry.type.mutation in _REMOVALS else at)

    def _series_name(self) -> Markup:
        return self.request.say("timeline.series_without_name")

    def _edited(self, event: AlbumEdited) -> Markup:
        changed = {
            "name": event.name is not None,
            "description": event.description is not None,
            "flags": event.flags is not None,
        }
        texts = self.request.texts
        named = [texts.say(f"timeline.edited.{name}") for name, given in changed.items() if given]
        return texts.listed(named) if named else texts.say("timeline.edited.settings")

    def person(self, shown: Json) -> Markup:
        """A person in bold; with a tag if they are no member any more."""
        name = bold(name_of(shown))
        if shown.get("can_access", True):
            return name
        return self.request.say(
            "timeline.former", who=name, tag=tag(self.request.say("timeline.no_longer_here"))
        )

    def study(self, study: StudyUID, name: Markup | str, at: str | None) -> Markup:
        """A study as a link to its page, as of a moment; None for the present."""
        address = self.request.url(f"/ui/albums/{self.album}/studies/{study}", at=at)
        return Markup('<a href="{}">{}</a>').format(address, name)


def name_of(shown: Json) -> str:
    """What a person of a JSON object is called."""
    name: Any = shown.get("name") or shown.get("email") or shown["sub"]
    return str(name)


def bold(text: str | Markup) -> Markup:
    """A text in bold."""
    return Markup("<b>{}</b>").format(text)


def tag(text: str | Markup) -> Markup:
    """A text as a small label."""
    return Markup('<span class="tag">{}</span>').format(escape(text))


def other_in(entry: Entry, shown: Json, viewer: UserId) -> str:
    """The person who sees a private comment beside the reader."""
    return name_of(shown["target"] if entry.author == viewer else shown["source"])
