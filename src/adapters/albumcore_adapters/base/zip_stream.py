"""ZIP archives that are sent while they are read: entries are stored, not compressed, so that the length is known.

The form is that of APPNOTE.TXT 6.3: an entry is followed by a data descriptor with its checksum, and what is longer
than 4 GiB, or has more than 65,534 entries, has the extension ZIP64.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from attrs import field, frozen

_LOCAL, _DESCRIPTOR, _CENTRAL = b"PK\3\4", b"PK\7\x08", b"PK\1\2"
_END, _END64, _LOCATOR64 = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_FLAGS = 1 << 3 | 1 << 11  # a data descriptor follows; the name is UTF-8
_VERSION, _VERSION64 = 20, 45  # 2.0, and 4.5 for ZIP64
_UNIX = 3 << 8
_FILE = 0o100644 << 16  # the mode of an ordinary file
_SEE64, _SEE16 = 0xFFFFFFFF, 0xFFFF  # in the place of a number that is in the extension
_MOST32, _MOST16 = _SEE64, _SEE16
_EXTRA64 = 1


@frozen
class ZipEntry:
    """A file in an archive.

    Attributes:
        name: Its path, with slashes.
        length: Its length, in bytes.
        pieces: Opens its content: yields it in pieces.
    """

    name: str
    length: int
    pieces: Callable[[], Iterable[bytes]] = field(repr=False)


def zip_length(entries: Iterable[ZipEntry]) -> int:
    """Return the length of an archive, in bytes."""
    central = offset = number = 0
    for entry in entries:
        central += len(_central(entry, offset, 0, (0, 0)))
        offset += _local_length(entry)
        number += 1
    return offset + central + len(_end(number, central, offset))


def zip_pieces(entries: Sequence[ZipEntry], at: datetime) -> Iterator[bytes]:
    """Yield an archive in pieces. The content of an entry is opened when the one before it was sent.

    Args:
        entries: The files.
        at: When they were last changed, as the archive says.

    Raises:
        ValueError: an entry has another length than it was to have.
    """
    stamp = _stamp(at)
    directory: list[bytes] = []
    offset = central = 0
    for entry in entries:
        before = _local(entry, stamp)
        checksum = length = 0
        for piece in entry.pieces():
            checksum, length = zlib.crc32(piece, checksum), length + len(piece)
            # Together with the first piece: an entry that cannot be read then fails before anything of it is sent.
            yield before + piece if before else piece
            before = b""
        if length != entry.length:
            raise ValueError(f"{entry.name} has {length} bytes, and was to have {entry.length}")
        yield before + _descriptor(entry, checksum)
        directory.append(_central(entry, offset, checksum, stamp))
        offset += _local_length(entry)
        central += len(directory[-1])
    yield b"".join((*directory, _end(len(directory), central, offset)))


def _stamp(at: datetime) -> tuple[int, int]:
    """Time and date as MS-DOS has them."""
    time = at.hour << 11 | at.minute << 5 | at.second // 2
    return time, (max(at.year, 1980) - 1980) << 9 | at.month << 5 | at.day


def _is_long(entry: ZipEntry) -> bool:
    return entry.length >= _MOST32


def _local(entry: ZipEntry, stamp: tuple[int, int]) -> bytes:
    name = entry.name.encode()
    if not _is_long(entry):
        fixed = (_VERSION, _FLAGS, 0, *stamp, 0, 0, 0, len(name), 0)
        return struct.pack("<4s5H3L2H", _LOCAL, *fixed) + name
    extra = struct.pack("<HHQQ", _EXTRA64, 16, 0, 0)
    fixed = (_VERSION64, _FLAGS, 0, *stamp, 0, _SEE64, _SEE64, len(name), len(extra))
    return struct.pack("<4s5H3L2H", _LOCAL, *fixed) + name + extra


def _descriptor(entry: ZipEntry, checksum: int) -> bytes:
    form = "<4sLQQ" if _is_long(entry) else "<4sLLL"
    return struct.pack(form, _DESCRIPTOR, checksum, entry.length, entry.length)


def _local_length(entry: ZipEntry) -> int:
    return len(_local(entry, (0, 0))) + entry.length + len(_descriptor(entry, 0))


def _central(entry: ZipEntry, offset: int, checksum: int, stamp: tuple[int, int]) -> bytes:
    name, long = entry.name.encode(), []
    size, place = entry.length, offset
    if _is_long(entry):
        long += [size, size]
        size = _SEE64
    if offset >= _MOST32:
        long.append(offset)
        place = _SEE64
    extra = struct.pack(f"<HH{len(long)}Q", _EXTRA64, 8 * len(long), *long) if long else b""
    version = _VERSION64 if long else _VERSION
    fixed = (_UNIX | version, version, _FLAGS, 0, *stamp, checksum, size, size)
    rest = (len(name), len(extra), 0, 0, 0, _FILE, place)
    return struct.pack("<4s6H3L5H2L", _CENTRAL, *fixed, *rest) + name + extra


def _end(number: int, central: int, offset: int) -> bytes:
    """The end of an archive, of which the central directory begins at an offset."""
    is_long = number >= _MOST16 or central >= _MOST32 or offset >= _MOST32
    shown, size, place = (_SEE16, _SEE64, _SEE64) if is_long else (number, central, offset)
    end = struct.pack("<4s4H2LH", _END, 0, 0, shown, shown, size, place, 0)
    if not is_long:
        return end
    version = (_UNIX | _VERSION64, _VERSION64)
    end64 = struct.pack("<4sQ2H2L4Q", _END64, 44, *version, 0, 0, number, number, central, offset)
    locator = struct.pack("<4sLQL", _LOCATOR64, 0, offset + central, 1)
    return end64 + locator + end
