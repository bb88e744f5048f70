"""RecentHeader: it returns what would be parsed anew, and has nothing of the pixel data of a file."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import RLELossless

from albumcore_adapters.base.byte_source import SourceFile
from albumcore_adapters.dicom.data_sets import ParsedFile, parse, quiet_pydicom
from albumcore_adapters.dicom.deflated import MAX_INFLATED, BoundedReader
from albumcore_adapters.dicom.errors import CannotDecode, NotAnInstance
from albumcore_adapters.dicom.frames import FrameReader
from albumcore_adapters.dicom.recent_header import RecentHeader
from support.encoded_files import (
    Content,
    encapsulated,
    encoded,
    image_elements,
    instance_file,
    reader,
)


def _image(rows: int, pixels: bytes, comment: bytes = b"") -> bytes:
    about = {**image_elements(rows, 2), 0x00204000: ("UT", comment)}
    return instance_file(about, encoded(0x7FE00010, "OW", pixels))


WHOLE = _image(1, b"abcdef")
FILES = (
    WHOLE,
    WHOLE[:-6] + b"ghijkl",  # other pixels
    WHOLE[:-2],  # truncated
    WHOLE + encoded(0xFFFCFFFC, "OB", b"more"),
    _image(3, b"abcdef"),
    _image(1, b"abcdef", b"long" * 20_000),
    instance_file(image_elements(1, 2), encapsulated(b"ab"), RLELossless),
    instance_file(image_elements(1, 2), encapsulated(b"cd"), RLELossless),
    instance_file(image_elements(1, 2)),
)


def _seen(parsed: ParsedFile) -> tuple[str, bytes]:
    return str(parsed.dataset.Rows), FrameReader.of(parsed).stored(1)


def _outcome(recent: RecentHeader | None, content: bytes) -> tuple[str, bytes]:
    with quiet_pydicom():
        try:
            file = reader(content)
            return _seen(parse(file, {}) if recent is None else recent.parse(file))
        except (NotAnInstance, CannotDecode) as error:
            return str(error), b""


@given(st.lists(st.sampled_from(range(len(FILES))), min_size=2, max_size=6))
def test_files_one_after_the_other(chosen: list[int]) -> None:
    """Each is parsed as if it were the only one, whatever came before it."""
    recent = RecentHeader()
    for content in map(FILES.__getitem__, chosen):
        assert _outcome(recent, content) == _outcome(None, content)


@pytest.mark.parametrize("content", FILES[:2])
def test_a_header_is_parsed_once_and_the_file_is_not_held(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pixel data are in memory only as long as they are used."""
    recent, source = RecentHeader(), Content(WHOLE)
    with quiet_pydicom():
        file = BoundedReader(SourceFile(source), MAX_INFLATED)
        expected = _seen(recent.parse(file))[0]
        gone = weakref.ref(source)
        del source, file
        gc.collect()
        assert gone() is None
        monkeypatch.setattr("albumcore_adapters.dicom.recent_header.parse", None)
        assert _seen(recent.parse(reader(content))) == (expected, content[-6:-4])
