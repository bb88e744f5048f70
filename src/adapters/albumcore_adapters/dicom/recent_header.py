"""The header that was parsed last, for frames of one instance that are asked for one after the other."""

from __future__ import annotations

import os
from io import BytesIO

from attrs import define, evolve, field

from albumcore_adapters.dicom.data_sets import ParsedFile, parse
from albumcore_adapters.dicom.deflated import BoundedReader

_LONGEST = 64 * 1024  # bytes of a header


@define
class RecentHeader:
    """Parses files, and has the header of the last one in memory, if it is short; nothing of its pixel data.

    A viewer asks for the frames of an instance one by one, and for the same frame with other windows. What is parsed of
    native pixel data follows from the bytes before it and from the length of the file. They are read and compared each
    time.
    """

    _parsed: ParsedFile | None = field(default=None, init=False)
    _start: bytes = field(default=b"", init=False, repr=False)
    _length: int = field(default=0, init=False)

    def parse(self, file: BoundedReader) -> ParsedFile:
        """Parse a file up to its pixel data; see `parse`.

        Args:
            file: The file, at its start.

        Raises:
            NotAnInstance: it is not a DICOM file, or damaged.
            Exception: of any type, raised by pydicom on damaged files.
        """
        start = file.read(_LONGEST)
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        if self._parsed and length == self._length and start.startswith(self._start):
            return evolve(self._parsed, data=file)
        parsed = parse(file, {})
        extent = parsed.extent
        is_native = extent.pixel_tag is not None and not (extent.is_open or parsed.is_deflated)
        if is_native and extent.value <= len(start):
            extent.file = BytesIO()
            self._parsed = evolve(parsed, data=extent.file)
            self._start, self._length = start[: extent.value], length
        return parsed
