"""A projection of your own, kept up to date by polling: in which albums a study is, over the whole store."""

from typing import Any

from attrs import define, field

from albumcore import (
    Albumcore,
    AlbumDeleted,
    AlbumId,
    RecordedEvent,
    ReportAdded,
    SeriesImported,
    SeriesRemoved,
    SeriesUID,
    Source,
    StudyImported,
    StudyRemoved,
    StudyUID,
    UserId,
    album_stream,
    create_album,
    import_series,
    open_memory,
    remove_study,
)


@define
class WhereStudiesAre:
    """Which series of which study are in which album's stream.

    Keep ``position`` together with the rest, in one transaction, and it may stop and go on at any moment.
    """

    position: int = 0
    series: dict[tuple[str, StudyUID], set[SeriesUID]] = field(factory=dict)

    def albums_with(self, study_uid: StudyUID) -> list[str]:
        """The streams of the albums that hold anything of a study."""
        return sorted(stream for stream, study in self.series if study == study_uid)

    def catch_up(self, store: Albumcore, batch: int = 100) -> None:
        """Take in whatever was recorded since the last time."""
        while found := store.follow(self.position, limit=batch):
            for position, recorded in found:
                self.apply(recorded)
                self.position = position

    def apply(self, recorded: RecordedEvent[Any]) -> None:
        """Take in one event; what is not about studies is passed over."""
        stream = recorded.stream
        match recorded.event:
            case StudyImported(study_uid, series_uids):
                self.series.setdefault((stream, study_uid), set()).update(series_uids)
            case SeriesImported(study_uid, series_uid) | ReportAdded(study_uid, series_uid):
                self.series.setdefault((stream, study_uid), set()).add(series_uid)
            case SeriesRemoved(study_uid, series_uid):
                self.series[stream, study_uid].remove(series_uid)
                if not self.series[stream, study_uid]:
                    del self.series[stream, study_uid]
            case StudyRemoved(study_uid):
                del self.series[stream, study_uid]
            case AlbumDeleted():
                self.series = {key: uids for key, uids in self.series.items() if key[0] != stream}


def main() -> None:
    """Two albums share a study for a while."""
    alice, ct = Source(UserId("alice")), StudyUID("1.2.840.113619.2.55.1")
    first, second = map(album_stream, (AlbumId("firstAlbum"), AlbumId("nextAlbum1")))
    projection = WhereStudiesAre()
    with open_memory() as store:
        for stream in (first, second):
            store.handle(stream, create_album, alice, "Knees")
            store.handle(stream, import_series, alice, ct, SeriesUID(f"{ct}.1"))
        projection.catch_up(store)
        print(projection.albums_with(ct))

        store.handle(first, remove_study, alice, ct)
        projection.catch_up(store)
        print(projection.albums_with(ct))


if __name__ == "__main__":
    main()
