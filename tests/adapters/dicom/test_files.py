"""Reading DICOM files, the reasons for refusing them, and the import into the catalogue."""

from __future__ import annotations

import json
import logging
import os
import threading
import tracemalloc
import warnings
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pydicom.data
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread

from albumcore.errors import Invalid
from albumcore.ids import SeriesUID, UserId
from albumcore_adapters.dicom.data_sets import quiet_pydicom
from albumcore_adapters.dicom.deflated import MAX_INFLATED
from albumcore_adapters.dicom.files import (
    DicomFile,
    ImportReport,
    RefusedFile,
    import_files,
    read_files,
)
from albumcore_adapters.directory.catalogue import Catalogue, CatalogueSeries
from albumcore_adapters.directory.inbox import Inbox
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.sql.migrations import migrate
from albumcore_adapters.sql.sqlite import SQLiteDatabase

BUNDLE = Path(pydicom.data.__file__).parent
FILES = BUNDLE / "test_files"
STUDY, SERIES, SOP = 0x0020000D, 0x0020000E, 0x00080018
UIDS = {SOP: ("UI", b"1.2.3.4\0"), STUDY: ("UI", b"1.2\0"), SERIES: ("UI", b"1.2.3\0")}
ANN, BOB = UserId("ann"), UserId("bob")
NOT_DICOM = "not a DICOM file"
DICOMDIR = "a media directory (DICOMDIR), not an instance"


def dicom(elements: dict[int, tuple[str, bytes]]) -> bytes:
    """Return a file in Explicit VR Little Endian with just these elements (DICOM PS3.10)."""
    content = bytes(128) + b"DICM"
    for tag, (vr, value) in sorted(elements.items()):
        long = vr in {"OB", "SQ", "SV", "UN", "UR", "UT"}
        content += (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
        content += vr.encode() + (bytes(2) if long else b"")
        content += len(value).to_bytes(4 if long else 2, "little") + value
    return content


def only(path: Path, content: bytes | None = None) -> DicomFile | RefusedFile:
    """Return the result of reading a file, after writing its content if given."""
    if content is not None:
        path.write_bytes(content)
    [result] = read_files([path])
    assert result.path == path
    return result


def reason(path: Path, content: bytes | None = None) -> str:
    """Return the reason why a file is refused."""
    result = only(path, content)
    assert isinstance(result, RefusedFile), result
    return result.reason


def record(path: Path, content: bytes | None = None) -> InstanceRecord:
    """Return the instance in a file."""
    result = only(path, content)
    assert isinstance(result, DicomFile), result
    return result.record


def assert_plain(record: InstanceRecord) -> None:
    """Check that the attributes are strict JSON without bulk data."""
    for attributes in (record.study, record.series, record.instance):
        text = json.dumps(attributes, ensure_ascii=False, allow_nan=False)
        assert json.loads(text.encode()) == attributes
        assert all(set(attribute) == {"vr", "Value"} for attribute in attributes.values())
        assert "\\u0000" not in text


def test_read_everything_that_comes_with_pydicom() -> None:
    """Each of some 200 files, sound or odd, is an instance or is refused."""
    results = list(read_files([BUNDLE]))
    files = {path for path in BUNDLE.rglob("*") if path.is_file()}
    assert len(results) == len(files)
    assert {result.path for result in results} == files
    records = [result.record for result in results if isinstance(result, DicomFile)]
    assert len(records) > 100
    for found in records:
        assert_plain(found)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("README.txt", NOT_DICOM),
        ("zipMR.gz", NOT_DICOM),
        ("test1.json", NOT_DICOM),
        ("no_meta.dcm", NOT_DICOM),  # an odd byte before its first element
        ("crayons.icc", NOT_DICOM),
        ("MR_truncated.dcm", "truncated"),
        ("rtplan_truncated.dcm", "truncated"),
        ("JPEGLSNearLossless_08.dcm", "no StudyInstanceUID"),
        ("../palettes/hotiron.dcm", "no StudyInstanceUID"),
        ("dicomdirtests/DICOMDIR", DICOMDIR),
        ("dicomdirtests/DICOMDIR-bigEnd", DICOMDIR),
        ("dicomdirtests/DICOMDIR-implicit", DICOMDIR),
        ("dicomdirtests/DICOMDIR-empty.dcm", DICOMDIR),
    ],
)
def test_read_what_is_no_instance(name: str, expected: str) -> None:
    """Each refused file has its reason."""
    assert reason(FILES / name) == expected


@pytest.mark.parametrize(
    ("name", "modality"),
    [
        ("CT_small.dcm", "CT"),
        ("MR_small_bigendian.dcm", "MR"),
        ("MR_small_implicit.dcm", "MR"),
        ("MR_small_RLE.dcm", "MR"),
        ("JPEG2000-embedded-sequence-delimiter.dcm", "NM"),
        ("SC_rgb_jpeg.dcm", "OT"),
        ("image_dfl.dcm", "OT"),
        ("rtstruct.dcm", "RTSTRUCT"),
        ("ExplVR_BigEndNoMeta.dcm", "RTPLAN"),
        ("ExplVR_LitEndNoMeta.dcm", "RTPLAN"),
        ("reportsi.dcm", "SR"),
        ("badVR.dcm", "RTDOSE"),
    ],
    ids=lambda value: value,
)
def test_read_each_way_of_encoding(name: str, modality: str) -> None:
    """Every transfer syntax, with and without preamble, pixel data or a last element of defined length."""
    assert record(FILES / name).series["00080060"] == {"vr": "CS", "Value": [modality]}


def test_read_takes_each_attribute_to_its_level() -> None:
    """Study, series and instance have the attributes of their level."""
    found = record(FILES / "CT_small.dcm")
    assert found.study_uid == "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
    assert found.series_uid == "1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322"
    assert found.sop_instance_uid == "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"
    assert found.study == {
        "00080020": {"vr": "DA", "Value": ["20040119"]},
        "00080030": {"vr": "TM", "Value": ["072730"]},
        "00080201": {"vr": "SH", "Value": ["-0500"]},
        "00081030": {"vr": "LO", "Value": ["e+1"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "CompressedSamples^CT1"}]},
        "00100020": {"vr": "LO", "Value": ["1CT1"]},
        "00100040": {"vr": "CS", "Value": ["O"]},
        "0020000D": {"vr": "UI", "Value": [found.study_uid]},
        "00200010": {"vr": "SH", "Value": ["1CT1"]},
    }
    assert found.series == {
        "00080021": {"vr": "DA", "Value": ["19970430"]},
        "00080031": {"vr": "TM", "Value": ["112749"]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00080201": {"vr": "SH", "Value": ["-0500"]},
        "0020000E": {"vr": "UI", "Value": [found.series_uid]},
        "00200011": {"vr": "IS", "Value": [1]},
    }
    assert found.instance == {
        "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
        "00080018": {"vr": "UI", "Value": [found.sop_instance_uid]},
        "00080201": {"vr": "SH", "Value": ["-0500"]},
        "00200013": {"vr": "IS", "Value": [1]},
        "00280010": {"vr": "US", "Value": [128]},
        "00280011": {"vr": "US", "Value": [128]},
        "00280100": {"vr": "US", "Value": [16]},
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chrArab.dcm", {"Alphabetic": "قباني^لنزار"}),
        ("chrFrenMulti.dcm", {"Alphabetic": "Buc^Jérôme"}),
        ("chrGreek.dcm", {"Alphabetic": "Διονυσιος"}),
        ("chrX1.dcm", {"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小東"}),
        (
            "chrH31.dcm",
            {
                "Alphabetic": "Yamada^Tarou",
                "Ideographic": "山田^太郎",
                "Phonetic": "やまだ^たろう",
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_read_each_character_set(name: str, expected: dict[str, str]) -> None:
    """All component groups of names are decoded by the character sets of the file."""
    found = record(BUNDLE / "charset_files" / name)
    assert found.study["00100010"]["Value"] == [expected]


@pytest.mark.parametrize("tag", [STUDY, SERIES, SOP])
@pytest.mark.parametrize(
    "value", [b"1.02", b"1..2", b"1.2.", b"1.2x", b"1.2\\1.3", b"1." + b"2" * 64, b"\xb2.3", b"1 2"]
)
def test_read_a_uid_that_is_none(tmp_path: Path, tag: int, value: bytes) -> None:
    """All three UIDs must be valid (DICOM PS3.5 section 9.1)."""
    content = dicom(UIDS | {tag: ("UI", value)})
    assert reason(tmp_path / "a", content).endswith("InstanceUID is not a UID")


@pytest.mark.parametrize("tag", [STUDY, SERIES, SOP])
@pytest.mark.parametrize("value", [None, ("UI", b""), ("UI", b"\0\0"), ("OB", b"1.2\0")])
def test_read_without_a_uid(tmp_path: Path, tag: int, value: tuple[str, bytes] | None) -> None:
    """A file whose UID is missing, empty or binary is refused."""
    elements: dict[int, Any] = UIDS | {tag: value}
    content = dicom({tag: element for tag, element in elements.items() if element})
    assert reason(tmp_path / "a", content).startswith("no ")


def test_read_a_uid_with_padding(tmp_path: Path) -> None:
    """A UID padded with a space instead of a null byte is accepted."""
    assert record(tmp_path / "a", dicom(UIDS | {STUDY: ("UI", b"1.22 ")})).study_uid == "1.22"


def test_read_the_longest_uid(tmp_path: Path) -> None:
    """A UID has up to 64 characters."""
    longest = "2." + "1" * 62
    content = dicom(UIDS | {STUDY: ("UI", longest.encode())})
    assert record(tmp_path / "a", content).study_uid == longest


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("LO", b"He\0ad \0", ["Head"]),
        ("LO", b" \\Head", [None, "Head"]),
        ("LO", b" ", None),
        ("LO", b"\0\\\0", None),
        ("LO", b"x" * 5000, ["x" * 5000]),
        ("UT", b"a\\b", ["a\\b"]),
        ("OB", b"Head", None),
        ("UN", b"Head", ["Head"]),  # read by the VR that the dictionary gives
        ("SQ", b"", None),
        ("SQ", b"\xfe\xff\x00\xe0\x0a\0\0\0" + b"\x08\0\x60\0CS\x02\0MR", None),
        ("AT", b"\x08\0\x60\0", None),
        ("SV", bytes(7) + b"\x80", None),
        ("UR", b"http://a ", ["http://a"]),
        ("IS", b"x", None),
        ("IS", b"9" * 19, None),
        ("DS", b"1.5\\2", [1.5, 2.0]),
        ("DS", b"NaN", None),
        ("FD", b"\0\0\0\0\0\0\xf0\x7f", None),
        ("FD", b"\0\0\0\0\0\0\xf8\x3f", [1.5]),
        ("US", b"\x05\x00", [5]),
        ("US", b"\x05", None),
        ("PN", b"^Ann\0=", [{"Alphabetic": "^Ann"}]),
        ("PN", b"=\x41", [{"Ideographic": "A"}]),
        ("PN", b"==", None),
        ("ZZ", b"Head", None),
    ],
)
def test_read_an_odd_value(
    tmp_path: Path, vr: str, value: bytes, expected: list[Any] | None
) -> None:
    """Any value of a description is stored as plain JSON or left out."""
    found = record(tmp_path / "a", dicom(UIDS | {0x00081030: (vr, value)}))
    assert_plain(found)
    assert found.study.get("00081030", {}).get("Value") == expected


def test_read_text_of_an_unknown_character_set(tmp_path: Path) -> None:
    """A file with undecodable text is not refused."""
    odd = {0x00080005: ("CS", b"ISO_IR 999"), 0x00100010: ("PN", b"\xff\xfe\x1b$B^Ann")}
    assert_plain(record(tmp_path / "a", dicom(UIDS | odd)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", NOT_DICOM),
        (b"DICM", NOT_DICOM),
        (bytes(128) + b"DICM", "truncated"),
        (bytes(132), NOT_DICOM),
        (dicom(UIDS) + b"\x20\x00", "truncated"),
        (dicom(UIDS)[132:-9], "truncated"),
        (b"\x08\x00\x18\x00" + b"UI", "truncated"),
        (b"\x08\x00\x18\x00\x00\x00\x00\x00", "no StudyInstanceUID"),
    ],
)
def test_read_fragments(tmp_path: Path, content: bytes, expected: str) -> None:
    """Empty, foreign and truncated files are refused with their reason."""
    assert reason(tmp_path / "a", content) == expected


def test_read_damage(tmp_path: Path) -> None:
    """The reason for a parser error is its type, without quoting the file."""
    deflated = (FILES / "image_dfl.dcm").read_bytes()
    assert reason(tmp_path / "a", deflated[:-100]) == "damaged header (error)"


DEFLATED = {0x00020010: ("UI", b"1.2.840.10008.1.2.1.99")}


def deflated(parts: Iterable[bytes]) -> bytes:
    """Return a file in Deflated Explicit VR Little Endian (DICOM PS3.5 section A.5) of a data set given in parts."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    content = [dicom(DEFLATED), *map(deflater.compress, parts), deflater.flush()]
    return b"".join(content)


def long_text(length: int) -> Iterator[bytes]:
    """Return, in parts, a data set with the UIDs and so many MiB of text before them."""
    text = 0x00080001  # of group 0008, so that it comes first
    yield dicom({text: ("UT", b"")})[132:-4] + (length << 20).to_bytes(4, "little")
    yield from [b" " * (1 << 20)] * length
    yield dicom(UIDS)[132:]


def test_read_what_inflates_beyond_measure(tmp_path: Path) -> None:
    """A file of 500 KB that inflates to half a GiB is refused in constant memory."""
    bomb = deflated(long_text(512))
    tracemalloc.start()
    try:
        told = reason(tmp_path / "a", bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert told == f"inflated, it is more than {MAX_INFLATED} bytes longer than the file"
    assert peak < MAX_INFLATED


def test_read_no_value_that_is_far_too_long(tmp_path: Path) -> None:
    """A description of 100 MB is not read: the catalogue would return it in responses."""
    dataset = dcmread(FILES / "CT_small.dcm")
    dataset.add_new("StudyDescription", "UT", "a" * (64 * 1024 + 2))
    dataset.save_as(tmp_path / "a")
    [refused] = read_files([tmp_path / "a"])
    assert isinstance(refused, RefusedFile)
    assert refused.reason == "StudyDescription is longer than 65536 bytes"
    dataset.add_new("StudyDescription", "UT", "a" * 64 * 1024)
    dataset.save_as(tmp_path / "a")
    [sound] = read_files([tmp_path / "a"])
    assert isinstance(sound, DicomFile)


def test_read_what_inflates_as_far_as_allowed(tmp_path: Path) -> None:
    """The limit is relative to the file's length, and ignores data after the end of the deflated data set."""
    content = deflated(long_text(1)) + b"\0"
    (tmp_path / "a").write_bytes(content)
    more = sum(map(len, long_text(1))) - len(content)
    [sound] = read_files([tmp_path / "a"], max_inflated=more)
    assert isinstance(sound, DicomFile)
    [refused] = read_files([tmp_path / "a"], max_inflated=more - 1)
    assert isinstance(refused, RefusedFile)


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_RLE.dcm", "reportsi.dcm", "MR_small_implicit.dcm"]
)
def test_read_a_file_cut_short(tmp_path: Path, name: str) -> None:
    """A truncation anywhere in the last element is detected, in pixel data and in a sequence."""
    content = (FILES / name).read_bytes()
    padding = content.rfind(b"\xfc\xff\xfc\xff")  # Data Set Trailing Padding is no loss
    whole = padding if padding > 0 else len(content)
    for length in {whole - 1, whole - 7, whole - 8, whole - 9, whole - 200, whole - 1000}:
        assert reason(tmp_path / "a", content[:length]) in {"truncated", "damaged header (OSError)"}
    record(tmp_path / "a", content[:whole])


HEADER = (FILES / "MR_small_RLE.dcm").read_bytes()[:2000]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file for a property test to write to."""
    return tmp_path_factory.mktemp("dicom") / "scratch"


@given(
    changes=st.lists(st.tuples(st.integers(0, len(HEADER) - 1), st.binary(max_size=6)), max_size=6),
    length=st.integers(0, len(HEADER)),
)
def test_read_any_bytes(scratch: Path, changes: list[tuple[int, bytes]], length: int) -> None:
    """Any damage results in one instance with plain attributes, or one refusal."""
    content = bytearray(HEADER)
    for position, replacement in changes:
        content[position : position + len(replacement)] = replacement
    result = only(scratch, bytes(content[: length or None]))
    if isinstance(result, DicomFile):
        assert_plain(result.record)


def test_read_folders(tmp_path: Path) -> None:
    """Folders are read in the order of names, each once despite cyclic links; pipes do not block."""
    for name in ("b/2", "b/1", "b/c/0", "a/9"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(dicom(UIDS))
    (tmp_path / "b" / "back").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "d").symlink_to(tmp_path / "b" / "c", target_is_directory=True)
    (tmp_path / "e").symlink_to(tmp_path / "nowhere")
    (tmp_path / "f").symlink_to(tmp_path / "f")
    os.mkfifo(tmp_path / "g")
    seen: list[Path] = []

    results = list(read_files([tmp_path / "b", tmp_path, tmp_path / "missing"], seen.append))

    files = [result.path for result in results if isinstance(result, DicomFile)]
    names = ["b/1", "b/2", "b/back/a/9", "b/back/d/0"]  # what was met before is not met again
    assert files == seen == [tmp_path / name for name in names]
    refused = {
        result.path.name: result.reason for result in results if isinstance(result, RefusedFile)
    }
    assert list(refused) == ["e", "f", "g", "missing"]
    assert refused["f"].startswith("cannot be read: ")
    assert refused["g"] == "neither a file nor a folder"
    assert refused["missing"] == "cannot be read: No such file or directory"


def test_read_no_link_that_leads_out_of_what_was_named(tmp_path: Path) -> None:
    """Links out of the given paths are refused; a given path may itself be a link, and contain links within it."""
    for name in ("shared/1", "shared/sub/2", "elsewhere/3", "shared-too/4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(dicom(UIDS))
    shared = tmp_path / "shared"
    named = tmp_path / "named"
    named.symlink_to(shared)
    (shared / "file").symlink_to(tmp_path / "elsewhere" / "3")
    (shared / "folder").symlink_to("../elsewhere")
    (shared / "hop").symlink_to("sub/out")
    (shared / "sub" / "out").symlink_to(tmp_path / "shared-too")
    (shared / "up").symlink_to("..")
    (shared / "void").symlink_to(tmp_path / "void")
    (shared / "within").symlink_to("1")
    results = list(read_files([named]))
    files = [result.path for result in results if isinstance(result, DicomFile)]
    assert files == [named / "1", named / "sub" / "2", named / "within"]
    refused = [result for result in results if isinstance(result, RefusedFile)]
    names = ["file", "folder", "hop", "sub/out", "up", "void"]
    assert [result.path for result in refused] == [named / name for name in names]
    assert {result.reason for result in refused} == {
        "a symbolic link that leads out of what was named"
    }
    both = list(read_files([named, tmp_path / "elsewhere"]))
    assert named / "file" in [result.path for result in both if isinstance(result, DicomFile)]


def test_read_a_file_that_vanishes(tmp_path: Path) -> None:
    """A file that disappears before it is opened is refused like a missing one."""
    (tmp_path / "a").write_bytes(dicom(UIDS))
    [result] = read_files([tmp_path / "a"], Path.unlink)
    gone = "cannot be read: No such file or directory"
    assert result == RefusedFile(tmp_path / "a", gone, unread=True)


def test_read_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Warnings and log records of pydicom are suppressed while files are read, and not afterwards."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert len(list(read_files([FILES / "badVR.dcm", FILES / "rtplan_truncated.dcm"]))) == 2
    assert warned == []
    assert caplog.records == []
    assert not logging.getLogger("pydicom").disabled


def test_read_is_quiet_in_each_thread() -> None:
    """Of two threads that read at once, the one that ends last restores the log as it was before the first."""
    inside, others = threading.Event(), threading.Event()

    def first() -> None:
        with quiet_pydicom():
            inside.set()
            others.wait(0.2)  # the other is let in meanwhile only where both may be inside

    def second() -> None:
        inside.wait(60)
        with quiet_pydicom():
            others.set()
            thread.join()

    thread = threading.Thread(target=first)
    thread.start()
    second()
    assert not logging.getLogger("pydicom").disabled


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """An empty catalogue."""
    database = SQLiteDatabase((tmp_path / "directory.sqlite").as_uri())
    migrate(database)
    yield Catalogue(database)
    database.close()


def test_import_files(catalogue: Catalogue, tmp_path: Path) -> None:
    """Instances are stored, their series are in the owner's inbox, and all other files are listed as refused."""
    seen: list[Path] = []
    folder = FILES / "dicomdirtests" / "98892001"
    paths = [folder, FILES / "README.txt", FILES / "CT_small.dcm", FILES / "CT_small.dcm"]
    report = import_files(catalogue, ANN, paths, seen.append)
    assert report == ImportReport(
        studies=2, series=3, instances=8, refused=(RefusedFile(FILES / "README.txt", NOT_DICOM),)
    )
    assert len(seen) == 10
    found = record(FILES / "CT_small.dcm")
    assert catalogue.study_descriptions([found.study_uid]) == {found.study_uid: "e+1"}
    assert catalogue.series([found.series_uid]) == {
        found.series_uid: CatalogueSeries(found.study_uid, "CT", populated=True, instances=1)
    }
    inbox = Inbox(catalogue.database).contents(ANN)
    assert len(inbox) == 2
    assert inbox[found.study_uid] == {found.series_uid}
    assert import_files(catalogue, ANN, paths) == report


def test_import_files_that_do_not_fit(catalogue: Catalogue, tmp_path: Path) -> None:
    """Of several hundred files, only those with a series of another study are refused."""
    elsewhere = {STUDY: "9.9", SERIES: "1.7.1", SOP: "9.9.1"}
    taken = tmp_path / "taken"
    taken.write_bytes(dicom({tag: ("UI", uid.encode()) for tag, uid in elsewhere.items()}))
    import_files(catalogue, BOB, [taken])
    for number in range(1, 452):
        uids = {
            STUDY: f"1.{number % 9}",
            SERIES: f"1.{number % 9}.1",
            SOP: f"1.{number % 9}.1.{number}",
        }
        content = dicom({tag: ("UI", uid.encode()) for tag, uid in uids.items()})
        (tmp_path / "files").mkdir(exist_ok=True)
        (tmp_path / "files" / f"{number}").write_bytes(content)
    report = import_files(catalogue, ANN, [tmp_path / "files"])
    assert (report.studies, report.series, report.instances) == (8, 8, 401)
    assert {refused.reason for refused in report.refused} == {
        "the series UID is in use in another study"
    }
    assert {int(refused.path.name) % 9 for refused in report.refused} == {7}
    assert len(report.refused) == 50
    assert not Inbox(catalogue.database).holds(ANN, SeriesUID("1.7.1"))


def test_import_files_for_nobody(catalogue: Catalogue) -> None:
    """An invalid owner is refused before any file is read."""
    nobody = UserId("")
    with pytest.raises(Invalid):
        import_files(
            catalogue, nobody, [FILES / "CT_small.dcm"], lambda path: pytest.fail(f"read {path}")
        )
