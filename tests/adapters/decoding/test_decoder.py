"""The decoder: jobs of every kind, files that are meant to harm, and a process that is restarted."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from PIL import Image

from albumcore_adapters.base.concurrency import LimitReached
from albumcore_adapters.decoding import (
    BulkData,
    CannotCompose,
    CannotDecode,
    Crop,
    Decoder,
    DecoderFailed,
    DecoderLimits,
    DecoderUnavailable,
    NotAnInstance,
    Rendering,
    Viewport,
    Window,
    child,
)
from albumcore_adapters.decoding import decoder as decoding
from albumcore_adapters.decoding.child import work
from albumcore_adapters.decoding.process import DecodingProcess
from albumcore_adapters.dicom.headers import read_header
from albumcore_adapters.dicom.reading import bulk_data, decoded_frames, rendered_frame
from support.dicom_files import jpeg_of
from support.encoded_files import (
    ALL_FILES,
    FILES,
    SEQUENCE_END,
    SOP,
    UNDEFINED,
    Content,
    deflated,
    encoded,
    instance_file,
    item,
    reader,
)

CT = (FILES / "CT_small.dcm").read_bytes()
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """A decoder for all tests that leave its process alive, or let it be started again."""
    made = Decoder(max_inflated=8 * MEBIBYTE)
    yield made
    made.close()


@pytest.mark.parametrize("path", ALL_FILES, ids=lambda path: path.name)
def test_a_process_answers_what_is_read_here(decoder: Decoder, path: Path) -> None:
    """Headers, frames and pictures of each file of pydicom, or the same refusals."""
    content = path.read_bytes()
    rendering = Rendering("image/png", Viewport(64, 48, Crop(1, 2, -20)), Window(40, 400))
    source = Content(content)
    for there, here in (
        (lambda: decoder.header(source), lambda: read_header(reader(content))),
        (lambda: decoder.frames(source, [1, 1]), lambda: decoded_frames(reader(content), [1, 1])),
        (
            lambda: decoder.render(source, 1, rendering),
            lambda: rendered_frame(reader(content), 1, rendering),
        ),
        (lambda: decoder.bulk(source, "00431029"), lambda: bulk_data(reader(content), "00431029")),
    ):
        assert result_of(there) == result_of(here)


def result_of(call: Callable[[], object]) -> object:
    """The result of a call, or its refusal."""
    try:
        return call()
    except (NotAnInstance, CannotDecode) as error:
        return type(error), str(error)


UIDS = {
    "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.77.1.4"]},
    "00080018": {"vr": "UI", "Value": ["1.2.3.4"]},
    "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
    "0020000E": {"vr": "UI", "Value": ["1.2.3.1"]},
}
LINKED: dict[str, Any] = {
    **UIDS,
    "00020010": {"vr": "UI", "Value": ["1.2"]},
    "00420010": {"vr": "ST", "Value": ["Report"]},
    "00420011": {"vr": "OB", "BulkDataURI": "document"},
    "00420012": {"vr": "LO", "Value": ["application/pdf"]},
    "7FE00010": {"vr": "OW", "BulkDataURI": "pixels"},
}


def nested_json(depth: int) -> dict[str, Any]:
    """Sequences within each other."""
    found: dict[str, Any] = {}
    for _ in range(depth):
        found = {"00400275": {"vr": "SQ", "Value": [found]}}
    return found


def bulk_of(media_type: str, **values: bytes) -> dict[str, BulkData]:
    """Bulk data by the names in the links, those of the pixels with a media type."""
    tags = {"document": "00420011", "meta": "00020102", "pixels": "7FE00010"}
    return {
        tags[name]: BulkData(media_type, None, Content(value)) for name, value in values.items()
    }


def test_a_file_is_made_around_its_bulk_data(decoder: Decoder) -> None:
    """What is before the frame in a JPEG image is longer than what is sent along with the job."""
    segment = b"\xff\xe0\xff\xff" + bytes(0xFFFD)
    jpeg, document = jpeg_of(before=segment * 2), bytes(range(251)) * 2001
    bulk = bulk_of("image/jpeg", pixels=jpeg, document=document, meta=b"ab")
    file = b"".join(decoder.compose(LINKED, bulk))
    found = pydicom.dcmread(BytesIO(file))
    assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50"
    assert (found.Rows, found.Columns, found.DocumentTitle) == (3, 5, "Report")
    assert found.EncapsulatedDocument == document + b"\0"
    assert found.MIMETypeOfEncapsulatedDocument == "application/pdf"
    frame = pydicom.encaps.get_frame(found.PixelData, 0, number_of_frames=1)
    assert frame == jpeg + bytes(len(jpeg) % 2)
    assert decoder.header(Content(file)).record.sop_instance_uid == "1.2.3.4"


@pytest.mark.parametrize(
    ("attributes", "media_type", "reason"),
    [
        (LINKED, "image/gif", "the media type of the pixel data is not supported"),
        (LINKED, "image/jpeg", "the pixel data are no JPEG image"),
        ({**LINKED, "00080060": {"vr": "ZZ", "Value": ["x"]}}, "", "the data set is not valid"),
        (nested_json(200), "", "nested too deeply"),
        ({tag: LINKED[tag] for tag in LINKED if tag != "00080016"}, "", "it has no SOPClassUID"),
        ({**LINKED, "00080018": {"vr": "UI"}}, "", "it has no SOPInstanceUID"),
    ],
    ids=["media type", "JPEG", "VR", "depth", "SOP class", "SOP instance"],
)
def test_no_file_is_made_of_what_is_not_valid(
    decoder: Decoder, attributes: dict[str, Any], media_type: str, reason: str
) -> None:
    """The process says why, and goes on."""
    with pytest.raises(CannotCompose, match=reason):
        decoder.compose(attributes, bulk_of(media_type, pixels=b"pixels", document=b""))
    assert next(decoder.compose(UIDS, {}))[128:132] == b"DICM"


def nested(depth: int, *, is_open: bool) -> bytes:
    """Sequences within each other, of undefined length or of a known one."""
    if is_open:
        start = encoded(0x00400275, "SQ", b"", UNDEFINED) + b"\xfe\xff\x00\xe0" + UNDEFINED
        return start * depth + (b"\xfe\xff\x0d\xe0" + bytes(4) + SEQUENCE_END) * depth
    content = b""
    for _ in range(depth):
        content = encoded(0x00400275, "SQ", item(content))
    return content


def million() -> bytes:
    """A million attributes."""
    return b"".join(
        encoded(0x00110000 + (n // 0xF000 << 17) + n % 0xF000 + 0x1000, "SH", b"")
        for n in range(1_000_000)
    )


def bomb(mebibytes: int) -> bytes:
    """A deflated data set that is far longer when it is inflated."""
    meta = instance_file({}, transfer_syntax="1.2.840.10008.1.2.1.99")
    start = meta.index(b"\x08\x00\x18\x00UI")
    long = encoded(0x00420011, "OB", bytes(mebibytes * MEBIBYTE))
    return meta[:start] + deflated(meta[start:] + long)


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "sequences of undefined length": (
        lambda: instance_file({}, nested(10_000, is_open=True)),
        "damaged header",
    ),
    "sequences of a known length": (
        lambda: instance_file({}, nested(10_000, is_open=False)),
        "more than 64 nested",
    ),
    "a million attributes": (lambda: instance_file({}, million()), "more than 100000 attributes"),
    "a deflated bomb": (lambda: bomb(100), "8388608 bytes longer than the file"),
    "a length beyond the end": (
        lambda: instance_file({}, encoded(0x00420011, "OB", b"ab", b"\xf0\xff\xff\x7f")),
        "truncated",
    ),
    "text beyond the end": (
        lambda: instance_file({}, encoded(0x0040A160, "UT", b"ab", b"\xf0\xff\xff\x7f")),
        "truncated",
    ),
    "an item beyond the end": (
        lambda: instance_file(
            {}, encoded(0x00400275, "SQ", b"\xfe\xff\x00\xe0\xf0\xff\xff\x7f", UNDEFINED)
        ),
        "damaged header",
    ),
    "a UID that is a path": (
        lambda: instance_file({SOP: ("UI", b"../../../etc/passwd\0")}),
        "SOPInstanceUID is not a UID",
    ),
    "a UID that is far too long": (
        lambda: instance_file({SOP: ("UI", b"1." * 20_000)}),
        "SOPInstanceUID is not a UID",
    ),
    "a name that is far too long": (
        lambda: instance_file({0x00100020: ("UT", b"1" * 100_000)}),
        "PatientID is longer than 65536 bytes",
    ),
    "a file cut off": (lambda: CT[:-5000], "truncated"),
    "a file cut off in its header": (lambda: CT[:2000], "truncated"),
    "a preamble alone": (lambda: CT[:132], "truncated"),
    "no bytes": (lambda: b"", "not a DICOM file"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(decoder: Decoder, name: str) -> None:
    """In a few seconds, and without more memory in this process."""
    make, reason = HOSTILE[name]
    source = Content(make())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(NotAnInstance, match=reason):
        decoder.header(source)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 32 * 1024  # KiB
    assert decoder.header(Content(CT)).record.series["00080060"]["Value"] == ["CT"]


def test_more_memory_than_permitted_is_refused() -> None:
    """The process is started again."""
    decoder = Decoder(limits=DecoderLimits(memory=300 * MEBIBYTE), max_inflated=10_000 * MEBIBYTE)
    with pytest.raises(DecoderFailed, match=r"^not enough memory$"):
        decoder.header(Content(bomb(300)))
    assert decoder.header(Content(CT)).transfer_syntax == "1.2.840.10008.1.2.1"
    decoder.close()


class Slow(Content):
    """A source that takes its time, which is not the decoder's."""

    def read(self, start: int, stop: int) -> bytes:
        """Return a range."""
        time.sleep(0.6)
        return super().read(start, stop)


def test_the_time_that_a_source_takes_is_not_the_decoders() -> None:
    """A job may take longer than its limit if the bytes of the file come slowly."""
    decoder = Decoder(limits=DecoderLimits(seconds=1))
    content = instance_file({}, encoded(0x00420011, "OB", bytes(200_000)) * 2)
    assert decoder.header(Slow(content)).record.sop_instance_uid == "1.2.3.4"
    decoder.close()


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Decoder:
    """A decoder whose process is ready, and stopped."""
    made = Decoder(limits=DecoderLimits(seconds=1))
    made.header(Content(CT))
    [one] = made._idle
    os.kill(one._process.pid, signal.SIGSTOP)
    return made


def test_a_job_that_takes_too_long_is_ended(stopped: Decoder) -> None:
    """The next one has a process of its own."""
    with pytest.raises(DecoderFailed, match=r"^not decoded in 1 seconds$"):
        stopped.header(Content(CT))
    assert stopped.header(Content(CT)).record.sop_instance_uid
    stopped.close()


def test_closing_does_not_wait_for_a_process_that_does_not_end(stopped: Decoder) -> None:
    """It is killed."""
    [one] = stopped._idle
    stopped.close()
    assert one._process.poll() == -signal.SIGKILL


def test_a_process_that_died_is_replaced() -> None:
    """Between two jobs, unnoticed."""
    decoder = Decoder()
    decoder.start()
    decoder.start()
    [one] = decoder._idle
    decoder.header(Content(CT))
    one._process.kill()
    one._process.wait()
    assert decoder.header(Content(CT)).record.sop_instance_uid
    decoder.close()


def test_a_process_that_crashes_is_the_fault_of_the_file() -> None:
    """And the next file is read by another."""
    decoder = Decoder()
    decoder.start()
    [one] = decoder._idle

    class Crash(Content):
        def read(self, start: int, stop: int) -> bytes:
            if start:
                one._process.kill()
            return super().read(start, stop)

    content = instance_file({}, encoded(0x00420011, "OB", bytes(200_000)) * 2)
    with pytest.raises(DecoderFailed, match=r"^the decoder crashed$"):
        decoder.header(Crash(content))
    assert decoder.header(Content(content)).record.sop_instance_uid == "1.2.3.4"
    decoder.close()


def test_what_a_source_raises_is_raised(decoder: Decoder) -> None:
    """Its error is not the decoder's."""

    class Gone(Content):
        def read(self, start: int, stop: int) -> bytes:
            if start:
                raise LookupError("the bytes are gone")
            return super().read(start, stop)

    content = instance_file({}, encoded(0x00420011, "OB", bytes(200_000)) * 2)
    with pytest.raises(LookupError, match="the bytes are gone"):
        decoder.header(Gone(content))
    assert decoder.header(Content(content)).record.sop_instance_uid == "1.2.3.4"


def test_threads_share_the_processes() -> None:
    """No more are started than permitted, and each thread gets its own answer."""
    decoder = Decoder(2)
    names = ["CT_small.dcm", "MR_small.dcm", "rtplan.dcm"] * 20

    def sop_of(name: str) -> str:
        return decoder.header(Content((FILES / name).read_bytes())).record.sop_instance_uid

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(sop_of, names))
    assert found == [
        read_header(reader((FILES / name).read_bytes())).record.sop_instance_uid for name in names
    ]
    assert len(decoder._idle) <= 2
    decoder.close()


def test_what_takes_long_to_decode_keeps_only_those_waiting_who_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Readers are refused, once all processes have been occupied for some seconds."""
    monkeypatch.setattr(decoding, "PATIENCE", 0.05)
    decoder, begun, may_end = Decoder(), threading.Event(), threading.Event()

    class Slow(Content):
        def read(self, start: int, stop: int) -> bytes:
            begun.set()
            assert may_end.wait(60)
            return super().read(start, stop)

    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(decoder.frames, Slow(CT), [1])
        assert begun.wait(60)
        with pytest.raises(LimitReached, match="take long"):
            decoder.frames(Content(CT), [1])
        stored = threads.submit(decoder.header, Content(CT))
        may_end.set()
        assert stored.result(60) == read_header(reader(CT))
        assert slow.result(60) == decoder.frames(Content(CT), [1])
    decoder.close()


def test_a_fork_starts_processes_of_its_own() -> None:
    """And leaves those of its parent alone."""
    decoder = Decoder()
    decoder.header(Content(CT))
    [one] = decoder._idle
    pid = os.fork()
    if not pid:  # pragma: no cover
        try:
            decoder.header(Content(CT))
            decoder.close()
            os._exit(7)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert one.is_usable
    assert decoder.header(Content(CT)).record.sop_instance_uid
    assert list(decoder._idle) == [one]
    decoder.close()


def test_a_process_ends_with_the_service(tmp_path: Path) -> None:
    """Also if that is killed."""
    program = (
        "import time\nfrom albumcore_adapters.decoding import Decoder\n"
        "decoder = Decoder()\ndecoder.start()\n"
        "print(decoder._idle[0]._process.pid, flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as one:
        assert one.stdout is not None
        pid = int(one.stdout.readline())
        one.kill()
    # It notices once it has started, which takes long on a machine that is busy.
    deadline = time.monotonic() + 60
    while (
        Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Thread:
    """What a process is to the decoder, as a thread of this one."""

    pid = 0

    def __init__(self, channel: socket.socket) -> None:
        def run() -> None:
            with channel:
                work(channel, 0)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def poll(self) -> int | None:
        """None as long as it runs."""
        return None if self._thread.is_alive() else 0

    def kill(self) -> None:
        """It ends by itself when its channel is closed."""

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it has ended."""
        self._thread.join(timeout)
        assert not self._thread.is_alive()


@pytest.fixture
def in_a_thread() -> Iterator[Decoder]:
    """A decoder whose process is a thread."""
    ours, its = socket.socketpair()
    made = Decoder()
    thread: Any = Thread(its)
    made._idle.append(DecodingProcess(DecoderLimits(), os.getpid(), thread, ours))
    yield made
    made.close()


def test_the_work_of_a_process(in_a_thread: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job, and a lack of memory, which ends it."""
    decoder = in_a_thread
    long = instance_file({}, encoded(0x00420011, "OB", bytes(3 * 1024 * 1024)))
    assert decoder.bulk(Content(long), "00420011") == bytes(3 * 1024 * 1024)
    assert decoder.header(Content(CT)) == read_header(reader(CT))
    assert decoder.frames(Content(CT), [1]) == decoded_frames(reader(CT), [1])
    assert decoder.render(Content(CT), 1, Rendering()) == rendered_frame(reader(CT), 1, Rendering())
    image = BytesIO()
    Image.new("RGB", (40, 30)).save(image, "PNG")
    assert decoder.photograph_size(Content(image.getvalue())) == (40, 30)
    with monkeypatch.context() as without:
        without.setattr(child, "photograph_size", lambda _: None)
        assert decoder.photograph_size(Content(image.getvalue())) is None
    bulk = bulk_of("", pixels=b"pixels", document=b"%PDF")
    assert b"%PDF" in list(decoder.compose(LINKED, bulk))
    with pytest.raises(NotAnInstance, match="not a DICOM file"):
        decoder.header(Content(b""))
    with pytest.raises(CannotCompose, match="the media type"):
        decoder.compose(LINKED, bulk_of("image/gif", pixels=b"GIF89a", document=b""))
    with pytest.raises(CannotDecode, match="no frame 2"):
        decoder.frames(Content(CT), [2])
    monkeypatch.setattr(child, "read_header", lambda _: bytes(2**62))
    with pytest.raises(DecoderFailed, match="not enough memory"):
        decoder.header(Content(CT))


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\2\0\0\0\0\0\0\0[]",
        b"\2\0\0\0\0\0\0\0}{",
        b'\x10\0\0\0\0\0\0\0{"read": [9, 7]}',
        b'\x16\0\0\0\0\0\0\0{"read": [0, 9999999]}',
        b"\1\0",
        b"",
    ],
    ids=["too long", "a list", "no JSON", "a range backwards", "too much", "cut off", "nothing"],
)
def test_a_process_that_says_what_makes_no_sense_is_ended(sent: bytes) -> None:
    """As if it had crashed: a file may have taken it over."""
    ours, its = socket.socketpair()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    one = DecodingProcess(DecoderLimits(), os.getpid(), dead, ours, is_ready=True)
    its.sendall(sent)
    its.shutdown(socket.SHUT_WR)
    with pytest.raises(DecoderFailed, match="the decoder crashed"):
        one.run(Content(CT), {})
    its.close()
    assert not one.is_usable


def test_a_process_of_another_worker_is_left_alone() -> None:
    """After a fork, the copy of it is forgotten."""
    ours, its = socket.socketpair()
    with its, subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
        one = DecodingProcess(DecoderLimits(), os.getppid(), other, ours)
        assert not one.is_usable
        one.end()
        assert its.recv(1) == b""
        assert other.poll() is None


def test_too_little_memory_to_start() -> None:
    """The process has to be given more than it uses before the first file."""
    decoder = Decoder(limits=DecoderLimits(memory=MEBIBYTE))
    with pytest.raises(DecoderUnavailable, match=r"^the decoder did not start$"):
        decoder.header(Content(CT))


def test_a_machine_that_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is at fault: the job after that starts one. A start ahead of the jobs is not refused."""

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError("no more processes")

    decoder = Decoder()
    with monkeypatch.context() as full:
        full.setattr(subprocess, "Popen", refuse)
        decoder.start()
        with pytest.raises(DecoderUnavailable, match="did not start: no more processes"):
            decoder.header(Content(CT))
    assert decoder.header(Content(CT)).record.sop_instance_uid
    decoder.close()


def test_nothing_of_the_environment_is_passed_on_but_where_libraries_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may have passwords in it."""
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    decoder = Decoder()
    decoder.header(Content(CT))
    [one] = decoder._idle
    environment = Path(f"/proc/{one._process.pid}/environ").read_bytes()
    names = {line.partition(b"=")[0].decode() for line in environment.split(b"\0") if line}
    assert names == {"LD_LIBRARY_PATH", "PYTHONPATH", "OPENBLAS_NUM_THREADS"}
    opened = os.listdir(f"/proc/{one._process.pid}/fd")
    assert sorted(opened) == ["0", "1", "2"]
    decoder.close()


def test_no_time_at_all() -> None:
    """The time of a job is over before its process is waited for."""
    decoder = Decoder(limits=DecoderLimits(seconds=0))
    with pytest.raises(DecoderFailed, match=r"^not decoded in 0 seconds$"):
        decoder.header(Content(CT))
    assert not decoder._idle


def test_a_worker_does_not_load_what_its_decoder_loads() -> None:
    """Not when it starts: pydicom and numpy take more memory than all else in it."""
    code = (
        "import sys, albumcore_adapters.http.app, albumcore_adapters.server.worker;"
        "print({'PIL', 'numpy', 'pydicom'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
