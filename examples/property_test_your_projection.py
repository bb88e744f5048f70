"""Testing a projection of your own with `albumcore.testing`: it must agree with the albums, whatever happens.

As a script, ``python property_test_your_projection.py``; or, in this folder, with
``python -m pytest property_test_your_projection.py``.
"""

from collections.abc import Callable
from datetime import datetime

from hypothesis import given
from hypothesis.stateful import run_state_machine_as_test
from own_projection import WhereStudiesAre

from albumcore import Album, Albumcore, album_stream, fold, open_memory
from albumcore.testing import ALBUMS, AlbumMachine, History, album_histories


@given(history=album_histories())
def test_projection_agrees_with_any_history(history: History[Album]) -> None:
    """The cheap test: valid histories, without a store."""
    projection = WhereStudiesAre()
    for recorded in history:
        projection.apply(recorded)
    album = fold(Album(), history)
    assert {study: uids for (_, study), uids in projection.series.items()} == album.studies


class ProjectionMachine(AlbumMachine):
    """The thorough test: a store is driven through every decision, and compared after each step."""

    def __init__(self) -> None:
        self.projection = WhereStudiesAre()
        super().__init__()

    @staticmethod
    def open_store(clock: Callable[[], datetime]) -> Albumcore:
        """Any store will do that reads the clock of the machine."""
        return open_memory(clock=clock)

    def check(self) -> None:
        """What the projection says is what the albums say."""
        self.projection.catch_up(self.store, batch=2)
        streams = [album_stream(album_id) for album_id in ALBUMS]
        assert self.projection.series == {
            (stream.name, study): uids
            for stream in streams
            for study, uids in self.store.load(stream).studies.items()
        }


TestProjection = ProjectionMachine.TestCase

if __name__ == "__main__":
    test_projection_agrees_with_any_history()
    run_state_machine_as_test(ProjectionMachine)
    print("The projection agrees with the albums.")
