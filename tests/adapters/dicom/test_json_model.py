"""The DICOM JSON Model of a data set: what pydicom makes of it, but for stated differences, and faster."""

from __future__ import annotations

import base64
import io
import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from albumcore_adapters.dicom import data_sets, headers, json_model
from albumcore_adapters.dicom.data_sets import PIXEL_DATA_TAGS, parse, quiet_pydicom
from albumcore_adapters.dicom.errors import CannotDecode, NotAnInstance
from albumcore_adapters.dicom.header import Header
from albumcore_adapters.dicom.headers import read_header
from albumcore_adapters.dicom.json_model import MAX_INLINE, MAX_NESTED, BulkLink, JsonModel
from albumcore_adapters.dicom.json_values import UNAMBIGUOUS, swapped
from albumcore_adapters.dicom.links import LINK_ROOT, with_root
from albumcore_adapters.dicom.reading import bulk_data
from support.encoded_files import (
    ALL_FILES,
    FILES,
    SEQUENCE_END,
    SOP,
    UIDS,
    UNDEFINED,
    encapsulated,
    encoded,
    in_memory,
    instance_file,
    item,
    reader,
    tag_bytes,
)

UNENDING = 2**32
LINK = "/studies/1.2/series/1.2.3/instances/1.2.3.4/bulkdata/"


def header(elements: dict[int, tuple[str, bytes]], rest: bytes = b"") -> Header:
    """Return the header of a file with these elements."""
    return read_header(reader(instance_file(elements, rest)))


def attributes(elements: dict[int, tuple[str, bytes]], rest: bytes = b"") -> dict[str, Any]:
    """Return the JSON of a file with these elements; its links begin with a question mark."""
    found: dict[str, Any] = json.loads(with_root(header(elements, rest).json, "?"))
    return found


def of_pydicom(dataset: Dataset, end: int = min(PIXEL_DATA_TAGS)) -> dict[str, Any]:
    """The JSON Model as pydicom makes it, attribute by attribute up to a tag, in the form that ours has."""
    found = {}
    for tag in sorted(dataset.keys()):
        if tag & 0xFFFF == 0 or tag >= end:
            continue
        try:
            found[f"{tag:08X}"] = attribute_of_pydicom(dataset[tag])
        except Exception:
            continue
    if "00080005" in found:
        found["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    return found


def attribute_of_pydicom(element: Any) -> dict[str, Any]:
    """One attribute, with the stated differences."""
    vr = UNAMBIGUOUS.get(element.VR, element.VR)
    if vr == "SQ":
        items = [of_pydicom(one, UNENDING) for one in element.value]
        return {"vr": vr, "Value": items} if items else {"vr": vr}
    if isinstance(element.value, bytes) and vr in {"US", "SS"}:
        form = "H" if vr == "US" else "h"
        words = struct.unpack(f"<{len(element.value) // 2}{form}", element.value)
        return {"vr": vr, "Value": list(words)} if words else {"vr": vr}
    body = element.to_json_dict(None, 0)
    if "InlineBinary" in body:
        content = base64.b64decode(body["InlineBinary"])
        if len(content) > MAX_INLINE:
            return {"vr": vr, "BulkDataURI": True}
        return {"vr": vr, "InlineBinary": body["InlineBinary"]}
    values = [plain(value, vr) for value in body.get("Value", ())]
    return {"vr": vr, "Value": values} if any(v is not None for v in values) else {"vr": vr}


def plain(value: Any, vr: str) -> Any:
    """A value without padding, and None for an empty one."""
    if isinstance(value, dict):
        groups = {name: group.rstrip(" \0") for name, group in value.items()}
        return {name: group for name, group in groups.items() if group} or None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        text = value.strip(" \0") if vr in {"CS", "AE", "AS", "DA", "DT", "TM", "UI"} else value
        return text.rstrip(" \0") or None
    return value


def ours(found: dict[str, Any]) -> dict[str, Any]:
    """Ours, with links that say only that they are links."""
    body: dict[str, Any] = json.loads(
        json.dumps(found, default=lambda link: isinstance(link, BulkLink))
    )
    return body


@pytest.mark.parametrize("path", ALL_FILES, ids=lambda path: path.name)
def test_it_is_what_pydicom_makes(path: Any) -> None:
    """For each of its files, big endian ones apart: theirs are in the wrong order there."""
    with quiet_pydicom():
        try:
            parsed = parse(reader(path.read_bytes()), {})
        except Exception:
            return
        if parsed.transfer_syntax == ExplicitVRBigEndian:
            return
        expected = of_pydicom(dcmread(in_memory(path), force=True))
        assert ours(JsonModel(parsed).attributes()) == expected


TEXT = st.text(st.characters(codec="latin-1", exclude_characters="\\\x1b\x00"), max_size=12)
SAFE = st.text(
    st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\\"), max_size=9
)


@st.composite
def elements(draw: st.DrawFn) -> dict[int, tuple[str, bytes]]:
    """Elements with values of each VR, in Latin-1."""
    found: dict[int, tuple[str, bytes]] = {0x00080005: ("CS", b"ISO_IR 100")}
    numbers = {
        "US": "H",
        "SS": "h",
        "UL": "L",
        "SL": "l",
        "FL": "f",
        "FD": "d",
        "UV": "Q",
        "SV": "q",
    }
    for number in range(draw(st.integers(0, 8))):
        vr = draw(
            st.sampled_from(
                [
                    *("LO", "SH", "LT", "ST", "UT", "UC", "PN", "CS", "AE", "AS", "DA", "TM"),
                    *("DT", "UR", "IS", "DS", "AT", "OB", "OW", *numbers),
                ]
            )
        )
        match vr:
            case "IS":
                parts = draw(st.lists(st.integers(-(2**31), 2**31 - 1).map(str), max_size=3))
                value = "\\".join(parts).encode()
            case "DS":
                parts = draw(st.lists(st.floats(-1e9, 1e9).map(lambda f: f"{f:.6g}"), max_size=3))
                value = "\\".join(parts).encode()
            case "AT":
                value = draw(st.binary(max_size=12).filter(lambda b: len(b) % 4 == 0))
            case "OB" | "OW":
                value = draw(st.binary(max_size=40).filter(lambda b: len(b) % 2 == 0))
            case "PN":  # pydicom has no empty name among several
                names = draw(st.lists(TEXT.filter(lambda text: text.strip(" =")), max_size=3))
                value = "\\".join(names).encode("latin-1")
            case "LO" | "SH" | "LT" | "ST" | "UT" | "UC":
                value = "\\".join(draw(st.lists(TEXT, max_size=3))).encode("latin-1")
            case "CS" | "AE" | "AS" | "DA" | "TM" | "DT" | "UR":
                value = "\\".join(draw(st.lists(SAFE, max_size=3))).encode()
            case _:
                form = f"<{draw(st.integers(0, 3))}{numbers[vr]}"
                value = draw(
                    st.binary(min_size=struct.calcsize(form), max_size=struct.calcsize(form))
                )
        found[0x00110000 | 0x1010 + number] = (vr, value + b" " * (len(value) % 2))
    return found


@given(elements())
def test_values_of_every_vr_are_what_pydicom_makes(found: dict[int, tuple[str, bytes]]) -> None:
    """The tables convert as pydicom does."""
    content = instance_file(found)
    with quiet_pydicom():
        expected = of_pydicom(dcmread(io.BytesIO(content)))
        made = ours(JsonModel(parse(reader(content), {})).attributes())
    assert made == expected


def test_links_have_a_root_that_is_put_in_later() -> None:
    """Of pixel data and of binary values that are long, nested ones by a path; text is not changed by it."""
    icon = encoded(0x00880200, "SQ", item(encoded(0x7FE00010, "OW", bytes(MAX_INLINE + 2))))
    found = header(
        {0x00081030: ("LO", b"\x01/studies "), 0x00420011: ("OB", bytes(MAX_INLINE + 2))},
        icon + encoded(0x7FE00010, "OW", b"\1\2"),
    )
    assert found.json.count(LINK_ROOT) == 3
    body = json.loads(with_root(found.json, 'https://x.org/"a"'))
    root = 'https://x.org/"a"' + LINK
    assert body["7FE00010"] == {"vr": "OW", "BulkDataURI": f"{root}7FE00010"}
    assert body["00420011"] == {"vr": "OB", "BulkDataURI": f"{root}00420011"}
    assert body["00880200"]["Value"][0]["7FE00010"]["BulkDataURI"] == f"{root}00880200/1/7FE00010"
    assert body["00081030"]["Value"] == ["\x01/studies"]
    assert found.pixels is not None
    assert set(found.pixels.bulk) == {"00420011", "00880200/1/7FE00010"}


def test_what_is_in_the_json() -> None:
    """AvailableTransferSyntaxUID, UTF-8, tags in order; no group lengths, no values that do not fit, no NaN."""
    not_a_number = struct.pack("<2d", math.nan, 1.5)
    found = attributes(
        {
            0x00080000: ("UL", bytes(4)),
            0x00080005: ("CS", b"ISO_IR 100"),
            0x00100010: ("PN", "Müller^Eva=\\=".encode("latin-1")),
            0x00181310: ("FD", not_a_number),
            0x00181311: ("FD", not_a_number[:8]),
            0x00200013: ("IS", b"1A"),
            0x00280008: ("IS", b"1\\\\3 "),
            0x00280010: ("US", b"\1\2\3"),
            0x00280034: ("IS", b"99999999999999999999"),
            0xFFFCFFFC: ("OB", bytes(4)),
        }
    )
    assert list(found) == sorted(found)
    assert found == {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080018": {"vr": "UI", "Value": ["1.2.3.4"]},
        "00083002": {"vr": "UI", "Value": [ExplicitVRLittleEndian]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Eva"}, None]},
        "00181310": {"vr": "FD", "Value": [None, 1.5]},
        "00181311": {"vr": "FD"},
        "0020000D": {"vr": "UI", "Value": ["1.2"]},
        "0020000E": {"vr": "UI", "Value": ["1.2.3"]},
        "00280008": {"vr": "IS", "Value": [1, None, 3]},
        "00280034": {"vr": "IS"},
    }


def test_implicit_vrs() -> None:
    """They are those of the dictionary; where it does not decide, US; where it has no such tag, the bytes are sent."""
    elements = {
        **{tag: value for tag, (_, value) in UIDS.items()},
        0x00120FFE: b"ab",
        0x00120FFF: bytes(MAX_INLINE + 2),
        0x00280107: b"\1\2",  # LargestImagePixelValue, US or SS
    }
    body = b"".join(
        tag_bytes(tag) + len(value).to_bytes(4, "little") + value
        for tag, value in sorted(elements.items())
    )
    file = instance_file({}, transfer_syntax=ImplicitVRLittleEndian)
    meta = file[: file.index(tag_bytes(SOP) + b"UI")]
    found = json.loads(with_root(read_header(reader(meta + body)).json, ""))
    assert found["00120FFE"] == {"vr": "UN", "InlineBinary": "YWI="}
    assert found["00120FFF"] == {"vr": "UN", "BulkDataURI": f"{LINK}00120FFF"}
    assert found["00280107"] == {"vr": "US", "Value": [0x0201]}


def test_text_longer_than_what_is_read_at_once() -> None:
    """It is read where it is."""
    found = attributes({0x0040A160: ("UT", b"x" * 100_000)})
    assert found["0040A160"] == {"vr": "UT", "Value": ["x" * 100_000]}


def test_big_endian_binary_values_are_sent_little_endian() -> None:
    """In the JSON and as bulk data; their places are not given, as they would be in the wrong order."""
    content = (FILES / "MR_small_bigendian.dcm").read_bytes()
    parsed = parse(reader(content), {})
    model = JsonModel(parsed)
    model.attributes()
    model.places["x"] = "OW", (0, 4)
    model.places["y"] = "OB", (0, 4)
    assert model.known_places() == {"y": (0, 4)}
    assert model.bulk("x") == swapped(content[:4], "OW")
    assert swapped(b"abcdefgh", "OF") == b"dcbahgfe"


def test_bulk_data_of_a_deflated_file() -> None:
    """It has no place in the file, and is read from the inflated data set."""
    long = bytes(range(256)) * 8
    plain = instance_file({0x00420011: ("OB", long)})
    start = plain.index(b"\x08\x00\x18\x00UI")
    from support.encoded_files import deflated

    meta = instance_file({}, transfer_syntax="1.2.840.10008.1.2.1.99")
    content = meta[: meta.index(b"\x08\x00\x18\x00UI")] + deflated(plain[start:])
    found = read_header(reader(content))
    assert found.pixels is None
    assert b"00420011" in found.json
    assert bulk_data(reader(content), "00420011") == long
    with pytest.raises(CannotDecode, match="no such bulk data"):
        bulk_data(reader(content), "00420012")


def test_sequences_of_undefined_length_and_private_ones() -> None:
    """Both are sequences; an element of undefined length that is none has no value."""
    nested = encoded(0x00100020, "LO", b"id")
    found = attributes(
        {},
        encoded(0x00400275, "SQ", item(nested) + SEQUENCE_END, UNDEFINED)
        + encoded(0x00420010, "SQ", b"")
        + encoded(0x54000110, "OB", item(b"ab") + SEQUENCE_END, UNDEFINED),
    )
    assert found["00400275"]["Value"] == [{"00100020": {"vr": "LO", "Value": ["id"]}}]
    assert found["00420010"] == {"vr": "SQ"}
    assert found["54000110"] == {"vr": "OB"}


def test_a_sequence_that_is_not_deeper_than_permitted() -> None:
    """One more is refused."""
    nested = encoded(0x00100020, "LO", b"id")
    for _ in range(MAX_NESTED - 1):
        nested = encoded(0x00400275, "SQ", item(nested))
    at_most = encoded(0x00400275, "SQ", item(nested))
    assert "00400275" in attributes({}, at_most)
    with pytest.raises(NotAnInstance, match=f"more than {MAX_NESTED} nested sequences"):
        attributes({}, encoded(0x00400275, "SQ", item(at_most)))


def test_what_is_too_much_for_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attributes in sequences, fragments of pixel data, and the JSON as a whole."""
    nested = encoded(0x00400275, "SQ", item(encoded(0x00100020, "LO", b"id")))
    fragments = encapsulated(b"ab", b"cd")
    for module, name, most, rest, reason in (
        (json_model, "MAX_ATTRIBUTES", 4, nested, "more than 4 attributes"),
        (data_sets, "MAX_FRAGMENTS", 2, fragments, "more than 2 fragments"),
        (headers, "MAX_HEADER_JSON", 100, b"", "longer than 100 bytes as JSON"),
    ):
        assert header({}, rest).json
        with monkeypatch.context() as patch:
            patch.setattr(module, name, most)
            with pytest.raises(NotAnInstance, match=reason):
                header({}, rest)


def test_a_file_without_a_transfer_syntax_has_that_which_is_found() -> None:
    """By how its elements are encoded."""
    syntaxes = {
        "ExplVR_BigEndNoMeta.dcm": ExplicitVRBigEndian,
        "ExplVR_LitEndNoMeta.dcm": ExplicitVRLittleEndian,
        "rtstruct.dcm": ImplicitVRLittleEndian,
    }
    for name, syntax in syntaxes.items():
        assert parse(reader((FILES / name).read_bytes()), {}).transfer_syntax == syntax
