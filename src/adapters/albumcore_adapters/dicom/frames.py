"""Decoding single frames of an instance; no other frame is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from attrs import frozen
from pydicom.uid import UID, ExplicitVRLittleEndian

from albumcore_adapters.dicom.data_sets import ParsedFile
from albumcore_adapters.dicom.errors import CannotDecode
from albumcore_adapters.dicom.frame_places import frames_of
from albumcore_adapters.dicom.jpeg import coded_size
from albumcore_adapters.dicom.json_values import swapped_words
from albumcore_adapters.dicom.pixel_places import EncapsulatedFrames, NativeFrames, PixelPlaces

if TYPE_CHECKING:
    import numpy as np

_KEYWORDS = {
    0x7FE00008: "FloatPixelData",
    0x7FE00009: "DoubleFloatPixelData",
    0x7FE00010: "PixelData",
}
MAX_FRAME = 256 * 1024 * 1024
"""The longest decoded frame, in bytes."""

PIXELS_MISSING = (
    "the packages that decode frames are not installed: pip install 'albumcore[pixels]'"
)


def has_decoder(syntax: str) -> bool:
    """Whether a decoder for the frames of a transfer syntax is installed. Some frames of it may be too much for it."""
    from pydicom.pixels.decoders.base import get_decoder

    try:
        return bool(get_decoder(UID(syntax)).is_available)
    except NotImplementedError:
        return False


def _require_size(content: bytes, options: Mapping[str, Any]) -> None:
    """Refuse a frame whose decoding would take much memory and time, before it is decoded.

    Raises:
        CannotDecode: it is too large, or its own header says that it is larger than the data set does.
    """
    pixels = options["rows"] * options["columns"]
    if pixels * options["samples_per_pixel"] * ((options["bits_allocated"] + 7) // 8) > MAX_FRAME:
        raise CannotDecode(f"a decoded frame has more than {MAX_FRAME} bytes")
    size = coded_size(content)
    if size is not None and size[0] * size[1] > pixels:
        raise CannotDecode("the frame is larger than the data set says")


@frozen
class FileSource:
    """A byte source over an open file."""

    file: BinaryIO

    @property
    def length(self) -> int:
        """The length of the file, in bytes."""
        return self.file.seek(0, 2)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to before ``stop``."""
        self.file.seek(start)
        return self.file.read(stop - start)


@frozen
class SwappedSource:
    """A byte source over the pixel data of an open big endian file, in little endian. It reads what is asked for.

    Attributes:
        file: The file.
        start: Where the pixel data begin in it.
        stop: Where they end.
        word: The length of the words whose bytes are swapped, in bytes.
    """

    file: FileSource
    start: int
    stop: int
    word: int

    @property
    def length(self) -> int:
        """The length of the pixel data in whole words, in bytes."""
        return (self.stop - self.start) // self.word * self.word

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to before ``stop``."""
        first = start - start % self.word
        last = min(stop + -stop % self.word, self.length)
        content = self.file.read(self.start + first, self.start + last)
        return swapped_words(content, self.word)[start - first : stop - first]


@frozen
class FrameReader:
    """The frames of a parsed file.

    Attributes:
        parsed: The file.
        places: Where they are in ``data``.
        data: The data of the file; of a big endian one, its pixel data in little endian.
    """

    parsed: ParsedFile
    places: PixelPlaces
    data: FileSource | SwappedSource

    @classmethod
    def of(cls, parsed: ParsedFile) -> FrameReader:
        """Find the frames of a file.

        Raises:
            CannotDecode: it has no pixel data, or where its frames are is unknown.
        """
        extent = parsed.extent
        if extent.pixel_tag is None:
            raise CannotDecode("the instance has no pixel data")
        frames = frames_of(parsed)
        if frames is None:
            raise CannotDecode("the frames are not found in the pixel data")
        data: FileSource | SwappedSource = FileSource(parsed.data)
        if parsed.is_big_endian and isinstance(frames, NativeFrames):
            word = max(2 if extent.vr == "OW" else 1, int(parsed.dataset.BitsAllocated) // 8)
            data = SwappedSource(FileSource(parsed.data), extent.value, extent.end, word)
            frames = NativeFrames(0, frames.bits, frames.number)
        return cls(parsed, PixelPlaces(frames), data)

    def stored(self, number: int) -> bytes:
        """Return a frame as stored, but little endian.

        Raises:
            CannotDecode: there is no such frame.
        """
        try:
            return self.places.frame(self.data, number)
        except IndexError as error:
            raise CannotDecode(str(error)) from None

    def native(self) -> bytes:
        """Return all frames in one, little endian.

        Raises:
            CannotDecode: they are encapsulated, and are retrieved one by one.
        """
        frames = self.places.frames
        if not isinstance(frames, NativeFrames):
            raise CannotDecode("encapsulated pixel data has no value but its frames")
        return self.data.read(frames.start, frames.start + (frames.bits * frames.number + 7) // 8)

    def decoded(self, number: int) -> bytes:
        """Return a frame as Explicit VR Little Endian has it (DICOM PS3.5 section 8.1.1).

        A native frame is as the data set describes it. Of an encapsulated one the samples of a pixel follow each
        other, and colors that were transformed for compression are RGB.

        Raises:
            CannotDecode: there is no such frame, or it cannot be decoded.
        """
        if isinstance(self.places.frames, NativeFrames):
            return self.stored(number)
        array, _ = self.array(number)
        little: bytes = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        return little

    def array(self, number: int) -> tuple[np.ndarray[Any, Any], str]:
        """Return a frame as an array of rows, columns and samples, with its photometric interpretation.

        Raises:
            CannotDecode: there is no such frame, or it cannot be decoded.
        """
        content = self.stored(number)
        try:
            import numpy  # noqa: F401
            from pydicom.encaps import encapsulate
            from pydicom.pixels.decoders.base import get_decoder
        except ImportError:
            raise CannotDecode(PIXELS_MISSING) from None
        syntax = self.parsed.transfer_syntax
        if isinstance(self.places.frames, EncapsulatedFrames):
            coded, content = content, encapsulate([content])
        else:
            syntax, coded = ExplicitVRLittleEndian, b""
            content += bytes(len(content) % 2)
        try:
            decoder = get_decoder(syntax)
            if not decoder.is_available:
                raise CannotDecode(f"no decoder for the transfer syntax {syntax}")
            options = self._options()
            _require_size(coded, options)
            array, described = decoder.as_array(content, index=0, **options)
        except (CannotDecode, MemoryError):
            raise
        except Exception as error:
            # Decoders raise exceptions of every type on damaged frames.
            raise CannotDecode(f"the frame cannot be decoded ({type(error).__name__})") from None
        return array, str(described["photometric_interpretation"])

    def _options(self) -> dict[str, Any]:
        """What pydicom's decoders need to know of the frame."""
        dataset = self.parsed.dataset
        options = {
            "rows": dataset.Rows,
            "columns": dataset.Columns,
            "samples_per_pixel": dataset.SamplesPerPixel,
            "photometric_interpretation": dataset.PhotometricInterpretation,
            "number_of_frames": 1,
            "bits_allocated": dataset.BitsAllocated,
            "pixel_keyword": _KEYWORDS[self.parsed.extent.pixel_tag or 0],
            "pixel_vr": self.parsed.extent.vr or "OW",
        }
        if options["pixel_keyword"] == "PixelData":
            options["bits_stored"] = dataset.BitsStored
            options["pixel_representation"] = dataset.PixelRepresentation
        if options["samples_per_pixel"] > 1:
            options["planar_configuration"] = dataset.PlanarConfiguration
        return options
