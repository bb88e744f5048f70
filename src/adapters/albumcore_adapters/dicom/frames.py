"""Decoding single frames of an instance; no other frame is read."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from attrs import frozen
from pydicom.uid import ExplicitVRLittleEndian

from albumcore_adapters.dicom.data_sets import ParsedFile
from albumcore_adapters.dicom.errors import CannotDecode
from albumcore_adapters.dicom.frame_places import frames_of
from albumcore_adapters.dicom.json_values import swapped_words
from albumcore_adapters.dicom.pixel_places import EncapsulatedFrames, NativeFrames, PixelPlaces

if TYPE_CHECKING:
    import numpy as np

_KEYWORDS = {
    0x7FE00008: "FloatPixelData",
    0x7FE00009: "DoubleFloatPixelData",
    0x7FE00010: "PixelData",
}
PIXELS_MISSING = (
    "the packages that decode frames are not installed: pip install 'albumcore[pixels]'"
)


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
class FrameReader:
    """The frames of a parsed file.

    Attributes:
        parsed: The file.
        places: Where they are in ``data``.
        data: The data of the file; of a big endian one, its pixel data in little endian.
    """

    parsed: ParsedFile
    places: PixelPlaces
    data: FileSource

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
        data = FileSource(parsed.data)
        if parsed.is_big_endian and isinstance(frames, NativeFrames):
            word = max(2 if extent.vr == "OW" else 1, int(parsed.dataset.BitsAllocated) // 8)
            content = swapped_words(data.read(extent.value, extent.end), word)
            data, frames = FileSource(BytesIO(content)), NativeFrames(0, frames.bits, frames.number)
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
            content = encapsulate([content])
        else:
            syntax = ExplicitVRLittleEndian
            content += bytes(len(content) % 2)
        try:
            decoder = get_decoder(syntax)
            if not decoder.is_available:
                raise CannotDecode(f"no decoder for the transfer syntax {syntax}")
            array, described = decoder.as_array(content, index=0, **self._options())
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
