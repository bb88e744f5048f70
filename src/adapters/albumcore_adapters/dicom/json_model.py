"""The data set of an instance in the DICOM JSON Model (DICOM PS3.18 annex F), with links to its bulk data.

Values of the usual forms are converted by the tables of `albumcore_adapters.dicom.json_values`, which is several times
as fast as pydicom; all others by pydicom.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, BinaryIO

import orjson
from attrs import define, field, frozen
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset

from albumcore_adapters.base.dicom_json import Attributes, element
from albumcore_adapters.dicom.data_sets import UNDEFINED_LENGTH, ParsedFile
from albumcore_adapters.dicom.errors import CannotDecode, NotAnInstance
from albumcore_adapters.dicom.json_values import (
    BINARY_VRS,
    NUMBERS,
    UNAMBIGUOUS,
    WORD_LENGTHS,
    finite,
    person_name,
    swapped,
    values,
)
from albumcore_adapters.dicom.pixel_places import ByteRange

MAX_INLINE = 1024
"""The length of the longest binary value that is in the JSON itself, in bytes."""

MAX_NESTED = 64
"""How many sequences may be nested."""

MAX_ATTRIBUTES = 1_000_000
"""The number of attributes of a data set, those in its sequences included."""

_TRAILING_PADDING = 0xFFFCFFFC
_CHARACTER_SET = 0x00080005
_UTF_8 = "ISO_IR 192"


@frozen
class BulkLink:
    """Stands in JSON for a link to bulk data, by its path."""

    path: str


def dumped(attributes: Attributes, link: bytes) -> bytes:
    """Return attributes as JSON.

    Args:
        attributes: The attributes.
        link: What each `BulkLink` begins with; its path follows.
    """
    return orjson.dumps(
        attributes, default=lambda bulk: orjson.Fragment(b'"%b%b"' % (link, bulk.path.encode()))
    )


def pixel_attribute(parsed: ParsedFile) -> dict[str, Any]:
    """Return the pixel data of a file, if it has any, as a link."""
    if (tag := parsed.extent.pixel_tag) is None:
        return {}
    name = f"{tag:08X}"
    vr = parsed.extent.vr or {0x7FE00008: "OF", 0x7FE00009: "OD"}.get(tag, "OW")
    return {name: {"vr": vr, "BulkDataURI": BulkLink(name)}}


@define
class JsonModel:
    """Converts the data set of one file.

    Attributes:
        parsed: The file.
        places: Where the bulk data is, by path; filled by `attributes`. It refers to the data of the parsed file.
    """

    parsed: ParsedFile
    places: dict[str, tuple[str, ByteRange]] = field(factory=dict)
    _attributes_seen: int = 0

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the data set in ascending order of tags, without pixel data.

        File meta information and group lengths are left out, and so are values that do not fit their VR. Text is
        UTF-8, as SpecificCharacterSet then says. An empty value among several is null, and so is a number that is
        infinite or none.

        Raises:
            NotAnInstance: there are too many attributes, or sequences nested too deeply.
        """
        return self._attributes(self.parsed.dataset, "", 0, 0)

    def _attributes(self, dataset: Dataset, path: str, base: int, depth: int) -> dict[str, Any]:
        if depth > MAX_NESTED:
            raise NotAnInstance(f"more than {MAX_NESTED} nested sequences")
        encoding = dataset.original_character_set
        first = encoding if isinstance(encoding, str) else encoding[0]
        found = {}
        self._attributes_seen += len(dataset)
        if self._attributes_seen > MAX_ATTRIBUTES:
            raise NotAnInstance(f"more than {MAX_ATTRIBUTES} attributes")
        # Plain integers are compared several times as fast as the tags of pydicom.
        for tag, stored in sorted(
            ((int(key), value) for key, value in dataset.items()), key=itemgetter(0)
        ):
            if not tag & 0xFFFF or tag == _TRAILING_PADDING:
                continue
            name = f"{tag:08X}"
            try:
                attribute = self._attribute(dataset, stored, f"{path}{name}", base, depth, first)
            except (NotAnInstance, RecursionError, MemoryError):
                raise
            except Exception:  # noqa: S112
                # The value does not fit its VR, which is no reason to refuse the whole file.
                continue
            found[name] = attribute
        if "00080005" in found:
            found["00080005"] = element("CS", _UTF_8)
        return found

    def _attribute(
        self,
        dataset: Dataset,
        stored: DataElement | RawDataElement,
        path: str,
        base: int,
        depth: int,
        encoding: str,
    ) -> dict[str, Any]:
        if isinstance(stored, DataElement):
            # Parsed already: the character set, a sequence of undefined length.
            if stored.VR == "SQ":
                return self._items(stored.value, path, base, depth)
            return _by_pydicom(stored)
        raw, tag = stored, stored.tag
        vr = _vr_of(raw)
        if vr == "UN" and raw.value:
            vr = UNAMBIGUOUS.get(dataset[tag].VR, dataset[tag].VR)
        if raw.length == UNDEFINED_LENGTH:
            return {"vr": vr}
        if raw.length > MAX_INLINE and vr in BINARY_VRS:
            return self._bulk(vr, path, base + raw.value_tell, raw.length)
        if raw.value is None and raw.length:
            raw = raw._replace(value=_read(self.parsed.data, base + raw.value_tell, raw.length))
            dataset[tag] = raw
        if vr == "SQ":
            return self._items(dataset[tag].value, path, base + raw.value_tell, depth)
        if not raw.value:
            return {"vr": UNAMBIGUOUS.get(vr, vr)}
        try:
            return _with_values(vr, values(vr, raw.value, raw.is_little_endian, encoding))
        except Exception:
            return _by_pydicom(dataset[tag], raw.is_little_endian)

    def _items(self, items: Iterable[Dataset], path: str, base: int, depth: int) -> dict[str, Any]:
        converted = [
            self._attributes(item, f"{path}/{number}/", base, depth + 1)
            for number, item in enumerate(items, start=1)
        ]
        return {"vr": "SQ", "Value": converted} if converted else {"vr": "SQ"}

    def _bulk(self, vr: str, path: str, start: int, length: int) -> dict[str, Any]:
        self.places[path] = vr, (start, start + length)
        return {"vr": vr, "BulkDataURI": BulkLink(path)}

    def bulk(self, path: str) -> bytes:
        """Return the bulk data with a path, little endian; `attributes` was called before.

        Raises:
            CannotDecode: there is none.
        """
        if path not in self.places:
            raise CannotDecode("there is no such bulk data")
        vr, (start, stop) = self.places[path]
        content = _read(self.parsed.data, start, stop - start)
        return swapped(content, vr) if self.parsed.is_big_endian else content

    def known_places(self) -> dict[str, ByteRange]:
        """Return the places of the bulk data that is sent as it is stored."""
        return {
            path: place
            for path, (vr, place) in self.places.items()
            if not self.parsed.is_big_endian or vr not in WORD_LENGTHS
        }


def _read(data: BinaryIO, start: int, length: int) -> bytes:
    data.seek(start)
    return data.read(length)


def _vr_of(raw: RawDataElement) -> str:
    """The VR that the element or the dictionary has; ``UN`` if neither says which."""
    if raw.VR is not None and raw.VR != "UN":
        return raw.VR
    if raw.tag.is_private:
        return "UN"
    try:
        return dictionary_VR(raw.tag)
    except KeyError:
        return "UN"


def _with_values(vr: str, found: list[Any]) -> dict[str, Any]:
    return {"vr": vr} if found.count(None) == len(found) else {"vr": vr, "Value": found}


def _by_pydicom(converted: DataElement, is_little: bool = True) -> dict[str, Any]:
    """Convert an element with pydicom: one of a binary VR, or with a value of an unusual form."""
    vr = UNAMBIGUOUS.get(converted.VR, converted.VR)
    value = converted.value
    if isinstance(value, bytes) and vr in NUMBERS:
        return _with_values(vr, NUMBERS[vr](value, is_little))
    if isinstance(value, bytes):
        content = value if is_little else swapped(value, vr)
        return {"vr": vr, "InlineBinary": base64.b64encode(content).decode()}
    if vr == "PN":
        names = [value] if converted.VM == 1 else value
        return _with_values(vr, [person_name("=".join(name.components)) for name in names])
    body = converted.to_json_dict(None, 0)
    return _with_values(vr, list(map(finite, body.get("Value", ()))))
