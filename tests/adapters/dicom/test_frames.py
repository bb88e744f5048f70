"""FrameReader: their places in the file, and what is decoded of them, one at a time."""

from __future__ import annotations

import io
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import ExplicitVRBigEndian, JPEGBaseline8Bit, RLELossless

from albumcore_adapters.dicom import frame_places, frames
from albumcore_adapters.dicom.data_sets import parse, quiet_pydicom
from albumcore_adapters.dicom.errors import CannotDecode, NotAnInstance
from albumcore_adapters.dicom.frames import FileSource, FrameReader, SwappedSource
from albumcore_adapters.dicom.headers import read_header
from albumcore_adapters.dicom.json_values import swapped_words
from albumcore_adapters.dicom.pixel_places import (
    EncapsulatedFrames,
    NativeFrames,
    PixelPlaces,
)
from albumcore_adapters.dicom.reading import bulk_data, decoded_frames, load_all
from support.dicom_files import jpeg_of
from support.encoded_files import (
    ALL_FILES,
    FILES,
    Content,
    encapsulated,
    encoded,
    image_elements,
    in_memory,
    instance_file,
    reader,
)

DEFLATED = "1.2.840.10008.1.2.1.99"


def places(content: bytes) -> PixelPlaces:
    """Return the places of an instance that has them."""
    found = read_header(reader(content)).pixels
    assert found is not None
    return found


def stored(content: bytes) -> list[bytes]:
    """Return the frames of a file as they are found by their places."""
    found = places(content)
    assert found.frames is not None
    return [found.frame(Content(content), 1 + n) for n in range(found.frames.number)]


@pytest.mark.parametrize("path", ALL_FILES, ids=lambda path: path.name)
def test_the_places_are_those_of_the_frames(path: Path) -> None:
    """For each file of pydicom with frames that it finds."""
    content = path.read_bytes()
    try:
        found = read_header(reader(content))
    except NotAnInstance:
        return
    if found.pixels is None:
        assert found.transfer_syntax == DEFLATED
        return
    with quiet_pydicom():
        dataset = dcmread(in_memory(path), force=True)
    if "PixelData" not in dataset:
        assert found.pixels.frames is None
    elif isinstance(found.pixels.frames, EncapsulatedFrames):
        number = int(dataset.get("NumberOfFrames") or 1)
        assert found.pixels.frames.number == number
        if path.name != "SC_rgb_jpeg.dcm":  # pydicom does not read its empty offset table
            with quiet_pydicom():
                expected = list(generate_frames(dataset.PixelData, number_of_frames=number))
            assert stored(content) == expected
    elif found.pixels.frames is not None:
        joined = b"".join(stored(content))
        assert dataset.PixelData[: len(joined)] == joined
        assert set(dataset.PixelData[len(joined) :]) <= {0}  # padding
    elif found.transfer_syntax != ExplicitVRBigEndian:
        assert path.name == "badVR.dcm"  # it does not say how many bits a sample has


@pytest.mark.parametrize("path", ALL_FILES, ids=lambda path: path.name)
def test_frames_are_decoded_as_by_pydicom(path: Path) -> None:
    """Each alone, from a file of any transfer syntax that it decodes; others cannot be decoded."""
    with quiet_pydicom():
        try:
            expected = list(iter_pixels(in_memory(path), raw=False))
        except Exception:
            return
        found = FrameReader.of(parse(reader(path.read_bytes()), {}))
        assert found.places.frames is not None
        assert found.places.frames.number == len(expected)
        for number, frame in enumerate(expected, start=1):
            array, _ = found.array(number)
            assert np.array_equal(array, frame)
            if isinstance(found.places.frames, EncapsulatedFrames):
                little = frame.astype(frame.dtype.newbyteorder("<")).tobytes()
                assert found.decoded(number) == little


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("JPEG-lossy.dcm", r"^the frame cannot be decoded \(RuntimeError\)$"),
        (
            "JPEG2000-embedded-sequence-delimiter.dcm",
            "^the frame is larger than the data set says$",
        ),
    ],
)
def test_frames_that_no_decoder_decodes(name: str, reason: str) -> None:
    """The reason names no content of the file."""
    with pytest.raises(CannotDecode, match=reason):
        decoded_frames(reader((FILES / name).read_bytes()), [1])


@pytest.mark.parametrize(
    ("content", "number", "reason"),
    [
        (instance_file({}), 1, "the instance has no pixel data"),
        (instance_file({}, encoded(0x7FE00010, "OW", b"ab")), 1, "the frames are not found"),
        (
            instance_file(image_elements(2, 2), encoded(0x7FE00010, "OW", b"ab")),
            1,
            "the frames are not found",
        ),
        (
            instance_file(image_elements(2, 2, frames=0), encoded(0x7FE00010, "OW", bytes(4))),
            2,
            "no frame 2",
        ),
        (
            instance_file(image_elements(2, 2), encapsulated(b"abcd"), "1.2.3"),
            1,
            "the frame cannot be decoded",
        ),
        (
            instance_file(image_elements(2, 2), encapsulated(b"abcd"), "1.2.840.10008.1.2.4.203"),
            1,
            "no decoder for the transfer syntax",
        ),
        (instance_file(image_elements(2, 2), encapsulated()), 1, "the frames are not found"),
        (
            instance_file(image_elements(65535, 65535), encapsulated(b"ab"), JPEGBaseline8Bit),
            1,
            "a decoded frame has more than 268435456 bytes",
        ),
        (
            instance_file(
                image_elements(3, 5, photometric=b"RGB "),
                encapsulated(jpeg_of(65535, 65535)),
                JPEGBaseline8Bit,
            ),
            1,
            "the frame is larger than the data set says",
        ),
    ],
)
def test_what_has_no_frame_that_can_be_decoded(content: bytes, number: int, reason: str) -> None:
    """Each has its reason."""
    with pytest.raises(CannotDecode, match=reason):
        decoded_frames(reader(content), [number])


def test_without_the_packages_native_frames_are_decoded_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Others name the extra."""
    monkeypatch.setitem(sys.modules, "numpy", None)
    plain = instance_file(image_elements(2, 2), encoded(0x7FE00010, "OW", b"abcd"))
    assert decoded_frames(reader(plain), [1]) == [b"abcd"]
    packed = instance_file(image_elements(2, 2), encapsulated(b"abcd"), RLELossless)
    with pytest.raises(CannotDecode, match=r"pip install 'albumcore\[pixels\]'"):
        decoded_frames(reader(packed), [1])


@given(
    st.integers(1, 5), st.integers(1, 9), st.lists(st.binary(min_size=6, max_size=6), min_size=1)
)
def test_a_frame_of_single_bits_begins_at_a_byte(
    rows: int, columns: int, made: list[bytes]
) -> None:
    """Although it begins within one where it is stored."""
    bits = rows * columns
    numbers = [int.from_bytes(frame, "little") & ((1 << bits) - 1) for frame in made]
    joined = sum(number << bits * index for index, number in enumerate(numbers))
    length = (bits * len(made) + 7) // 8
    content = joined.to_bytes(length, "little") + bytes(length % 2)
    file = instance_file(
        image_elements(rows, columns, len(made), bits=1), encoded(0x7FE00010, "OB", content)
    )
    expected = [number.to_bytes((bits + 7) // 8, "little") for number in numbers]
    assert stored(file) == expected
    assert decoded_frames(reader(file), range(1, 1 + len(made))) == expected


FRAMES = st.lists(
    st.lists(
        st.binary(min_size=2, max_size=6).filter(lambda b: len(b) % 2 == 0), min_size=1, max_size=3
    ),
    min_size=1,
    max_size=5,
)


@given(FRAMES, st.sampled_from(["basic", "extended", "end of image"]))
def test_frames_of_several_fragments(made: list[list[bytes]], told_by: str) -> None:
    """Found by the basic or the extended offset table, or else by where each image ends."""
    fragments = [fragment for frame in made for fragment in frame]
    offsets, position = [], 0
    for frame in made:
        offsets.append(position)
        position += sum(8 + len(fragment) for fragment in frame)
    described = image_elements(2, 2, frames=len(made))
    basic = b""
    if told_by == "basic":
        basic = struct.pack(f"<{len(offsets)}L", *offsets)
    elif told_by == "extended":
        described[0x7FE00001] = ("OV", struct.pack(f"<{len(offsets)}Q", *offsets))
    else:
        made = [[*(f.replace(b"\xd9", b"\0") for f in frame), b"\xff\xd9"] for frame in made]
        fragments = [fragment for frame in made for fragment in frame]
    file = instance_file(described, encapsulated(*fragments, offsets=basic), JPEGBaseline8Bit)
    assert stored(file) == [b"".join(frame) for frame in made]


@pytest.mark.parametrize(
    "offsets", [(0, 7), (10, 20), (0, 0), (10, 0)], ids=["no item", "not first", "twice", "back"]
)
def test_a_wrong_offset_table_is_ignored(offsets: tuple[int, int]) -> None:
    """There is one fragment for each frame then."""
    table = struct.pack("<2L", *offsets)
    file = instance_file(
        image_elements(2, 2, frames=2), encapsulated(b"ab", b"cd", offsets=table), JPEGBaseline8Bit
    )
    assert stored(file) == [b"ab", b"cd"]


def test_frames_that_cannot_be_told_apart() -> None:
    """They have no places, and are not decoded."""
    file = instance_file(
        image_elements(2, 2, frames=2), encapsulated(b"ab", b"cd", b"ef"), JPEGBaseline8Bit
    )
    assert places(file).frames is None
    with pytest.raises(CannotDecode, match="not found"):
        decoded_frames(reader(file), [1])


def test_more_frames_than_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encapsulated ones have no places; native ones need no list."""
    monkeypatch.setattr(frame_places, "MAX_FRAMES", 2)
    described = image_elements(1, 2, frames=3)
    packed = instance_file(described, encapsulated(b"ab", b"cd", b"ef"), JPEGBaseline8Bit)
    assert places(packed).frames is None
    native = instance_file(described, encoded(0x7FE00010, "OB", b"abcdef"))
    assert stored(native) == [b"ab", b"cd", b"ef"]


def test_a_video_is_one_stream() -> None:
    """However many frames and fragments it has."""
    file = instance_file(
        image_elements(2, 2, frames=250), encapsulated(b"ab", b"cd"), "1.2.840.10008.1.2.4.102"
    )
    assert stored(file) == [b"abcd"]


def test_big_endian_frames_are_decoded_to_little_endian() -> None:
    """They have no places. All of them are the bulk data of the tag, and encapsulated ones are not."""
    path = FILES / "MR_small_bigendian.dcm"
    assert places(path.read_bytes()).frames is None
    pixels = dcmread(in_memory(path)).PixelData
    expected = np.frombuffer(pixels, ">u2").astype("<u2").tobytes()
    assert decoded_frames(reader(path.read_bytes()), [1]) == [expected]
    assert bulk_data(reader(path.read_bytes()), "7FE00010") == expected
    with pytest.raises(CannotDecode, match="no value but its frames"):
        bulk_data(reader((FILES / "JPEG2000.dcm").read_bytes()), "7FE00010")


@given(st.binary(max_size=40), st.sampled_from([1, 2, 4, 8]), st.data())
def test_a_range_of_big_endian_pixel_data(content: bytes, word: int, data: st.DataObject) -> None:
    """It is the range of the whole in little endian, and no more is read than the words that it touches."""
    whole = swapped_words(content, word)
    read: list[tuple[int, int]] = []

    @frozen
    class Spy(FileSource):
        def read(self, start: int, stop: int) -> bytes:
            read.append((start, stop))
            return super().read(start, stop)

    file = io.BytesIO(b"before" + content + b"after")
    source = SwappedSource(Spy(file), 6, 6 + len(content), word)
    assert source.length == len(whole)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    assert source.read(start, stop) == whole[start:stop]
    [(first, last)] = read
    assert start - word < first - 6 <= start
    assert stop <= last - 6 < stop + word


def test_the_frames_of_a_deflated_file() -> None:
    """They are read from the inflated data set."""
    content = (FILES / "image_dfl.dcm").read_bytes()
    [frame] = decoded_frames(reader(content), [1])
    assert frame == bulk_data(reader(content), "7FE00010")
    assert len(frame) == 512 * 512


RANGES = st.tuples(st.integers(0, 2**40), st.integers(0, 2**40))
COUNTS = st.integers(1, 2**40)
PLACES = st.builds(
    PixelPlaces,
    st.none()
    | st.builds(NativeFrames, COUNTS, COUNTS, COUNTS)
    | st.builds(EncapsulatedFrames, st.lists(st.lists(RANGES).map(tuple)).map(tuple)),
    st.dictionaries(st.text("0123456789ABCDEF/", min_size=8), RANGES),
)


@given(PLACES)
def test_places_are_stored_as_json(found: PixelPlaces) -> None:
    """And read again."""
    assert PixelPlaces.from_json(found.to_json()) == found


@pytest.mark.parametrize("number", [-1, 0, 2])
def test_a_frame_that_is_not_there(number: int) -> None:
    """Frames are numbered from 1."""
    for found in (PixelPlaces(NativeFrames(0, 8, 1)), PixelPlaces(None)):
        with pytest.raises(IndexError, match=f"no frame {number}"):
            found.ranges(number)
    assert PixelPlaces(NativeFrames(3, 8, 1)).ranges(1) == ((3, 4),)


def test_the_pixel_data_of_floats() -> None:
    """They have 32 or 64 bits, whatever the data set says."""
    described = image_elements(1, 2, bits=32)
    content = np.array([1.5, -2], "<f4").tobytes()
    file = instance_file(described, encoded(0x7FE00008, "OF", content))
    assert stored(file) == [content]
    array, _ = frames.FrameReader.of(parse(reader(file), {})).array(1)
    assert array.tolist() == [[1.5, -2]]


def test_a_file_is_a_byte_source() -> None:
    """Of the length that it has."""
    source = frames.FileSource(io.BytesIO(b"abcd"))
    assert source.length == 4
    assert source.read(1, 3) == b"bc"


def test_all_is_loaded_before_files_cannot_be_opened() -> None:
    """The codecs of every character set too."""
    load_all()
    assert "albumcore_adapters.dicom.rendering" in sys.modules
    assert "encodings.iso2022_jp_2" in sys.modules
