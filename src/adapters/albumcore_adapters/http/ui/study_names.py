"""What pages call a study: by its description, else by a few words made of its date and its modalities."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from attrs import field, frozen
from markupsafe import Markup

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.http.kheops.feed_json import AlbumDescriptions
from albumcore_adapters.http.ui.page_request import PageRequest

_KNOWN: Mapping[tuple[bool, bool], str] = {
    (True, True): "day_and_kind",
    (True, False): "day",
    (False, True): "kind",
    (False, False): "neither",
}
"""The last part of the key of a name, by whether the day of a study is known, and its modalities."""


def study_without_name(
    request: PageRequest, day: date | None, modalities: Collection[str], form: str = "phrase"
) -> Markup:
    """What a study without a description is called: "a study of 17 March (CT)".

    Args:
        request: The request of the page.
        day: StudyDate, (0008,0020), if it is known.
        modalities: Those of its series.
        form: ``phrase`` within a sentence, ``title`` by itself.
    """
    known = _KNOWN[day is not None, bool(modalities)]
    day_in_words = "" if day is None else request.times.short_date(day)
    return request.say(f"study.{form}.{known}", day=day_in_words, kind=", ".join(modalities))


@frozen
class StudyNames:
    """What the studies of one page of an album are called; read once for all.

    Attributes:
        request: The request of the page.
        shown: What the album shows of them.
        series: The series of each study that the album has.
        dates: The dates of those that have no description.
    """

    request: PageRequest = field(repr=False)
    shown: AlbumDescriptions = AlbumDescriptions()
    series: Mapping[StudyUID, Collection[SeriesUID]] = field(factory=dict)
    dates: Mapping[StudyUID, date] = field(factory=dict)

    @classmethod
    def read(
        cls,
        request: PageRequest,
        catalogue: Catalogue,
        shown: AlbumDescriptions,
        series: Mapping[StudyUID, Collection[SeriesUID]],
    ) -> StudyNames:
        """The names of some studies, by the series of each."""
        unnamed = series.keys() - shown.studies.keys()
        return cls(request, shown, series, catalogue.study_dates(unnamed) if unnamed else {})

    def is_described(self, study: StudyUID, uids: Collection[SeriesUID]) -> bool:
        """Whether a study, named by some series of it, is called by its description."""
        return self.shown.of_study(study, uids) is not None

    def phrase(self, study: StudyUID, uids: Collection[SeriesUID]) -> Markup | str:
        """What a study is called within a sentence that names it by some series of it.

        Date and modalities are for those who may read a description.
        """
        if (described := self.shown.of_study(study, uids)) is not None:
            return described
        if not self.shown.shows(study, uids):
            return study_without_name(self.request, None, ())
        modalities = self.shown.modalities(study, self.series.get(study, uids))
        return study_without_name(self.request, self.dates.get(study), modalities)
