"""`st.from_type` gives ids and events, and Hypothesis learns of them in either order of imports, and only then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore import Act, RecordedEvent, Source, ids
from albumcore.codec import Codec
from albumcore.kernel import STORED, stored_name

CODEC = Codec()
IDS: dict[str, Any] = {
    name: type_ for name, type_ in vars(ids).items() if isinstance(type_, NewType)
}
MAKES = {"StudyUID": ids.study_uid, "SeriesUID": ids.series_uid, "UserId": ids.user_id}
LENGTHS = {"AlbumId": 10, "CapabilityTokenId": 10, "ReportProviderId": 22, "WebhookId": 20}


@pytest.mark.parametrize("name", IDS)
@given(data=st.data())
def test_from_type_gives_sound_ids(name: str, data: st.DataObject) -> None:
    """Ids that the rule for their text lets pass; numbers that fit into 32 bits."""
    given_id: Any = data.draw(st.from_type(IDS[name]))
    if name in MAKES:
        assert MAKES[name](given_id) == given_id
    elif name in LENGTHS:
        assert len(ids.album_id(given_id)) == LENGTHS[name]
    else:
        assert 0 < given_id <= ids.MAX_IMAGE_ID


@pytest.mark.parametrize("name", STORED)
@given(data=st.data())
def test_from_type_gives_events_that_can_be_stored(name: str, data: st.DataObject) -> None:
    """They come back from the codec as they were, and hold nothing but sound values."""
    event, act = (data.draw(st.from_type(one)) for one in (STORED[name], Act))
    one = RecordedEvent(f"{name.partition('.')[0]}-1", 1, act, event)
    assert CODEC.to_domain_event(CODEC.to_stored_event(one)) == one
    assert stored_name(type(event)).name == name
    for field, make in (("study_uid", ids.study_uid), ("series_uid", ids.series_uid)):
        if getattr(event, field, None) is not None:
            assert make(getattr(event, field)) == getattr(event, field)


@given(source=...)
def test_an_argument_is_drawn_by_its_annotation(source: Source) -> None:
    """Nobody acts through two things at once, as no source made field by field would keep to."""
    assert source.capability_token is None or source.report_provider is None
    assert ids.is_user_id(source.user)


IS_SOUND = "from hypothesis.strategies import from_type; print('text' in repr(from_type(AlbumId)))"


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("import hypothesis, sys; print('albumcore' in sys.modules)", "False"),
        ("import hypothesis; from albumcore.ids import AlbumId; " + IS_SOUND, "True"),
        ("from albumcore.ids import AlbumId; " + IS_SOUND, "True"),
        ("import albumcore.testing; from albumcore.ids import AlbumId; " + IS_SOUND, "True"),
        ("import albumcore, sys; print('hypothesis' in sys.modules)", "False"),
        (
            "import hypothesis, sys; hypothesis.__version_info__ = (6, 129, 9); "
            "import albumcore; print('albumcore.testing' in sys.modules)",
            "False",
        ),
        ("import sys; sys.modules['hypothesis'] = None; import albumcore; print('sound')", "sound"),
        ("import sys; sys.modules['albumcore'] = None; import hypothesis; print('sound')", "sound"),
    ],
    ids=[
        *("hypothesis", "hypothesis first", "albumcore first", "testing first", "albumcore"),
        *("an older hypothesis", "without hypothesis", "without albumcore"),
    ],
)
def test_types_are_registered_where_both_are_imported(script: str, printed: str) -> None:
    """In any order; and neither of the two is imported for the sake of the other."""
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert (done.stdout.strip(), done.stderr) == (printed, "")


def test_a_project_with_folders_named_as_ours_can_use_hypothesis(tmp_path: Path) -> None:
    """It has albumcore in its environment alone; the entry point is loaded all the same, and must not fail."""
    for name in ("albumcore_adapters", "albumcore"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError(__name__)")
    command = [sys.executable, "-c", "import hypothesis; print('sound')"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.stdout.strip(), done.stderr) == ("sound", "")
