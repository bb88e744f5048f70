"""Filling in the demo."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pydicom.data
import pytest

from albumcore_adapters.base.byte_source import ByteSource
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.decoding.decoder import Decoder
from albumcore_adapters.decoding.process import DecoderFailed
from albumcore_adapters.dicom.header import Header
from albumcore_adapters.server import demo
from albumcore_adapters.service import open_service

REPORT = Path(pydicom.data.__file__).parent / "test_files" / "reportsi.dcm"


def _failing(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let the header of the report not be read, so many times."""
    read, failures = Decoder.header, count()

    def header(self: Decoder, source: ByteSource) -> Header:
        if source.length == REPORT.stat().st_size and next(failures) < times:
            raise DecoderFailed("not decoded in 30 seconds")
        return read(self, source)

    monkeypatch.setattr(Decoder, "header", header)


def test_a_file_that_is_not_read_in_time_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo is filled in as if the machine were idle."""
    _failing(monkeypatch, 2)
    service = open_service(Settings(data=tmp_path / "data"))
    assert demo.fill(service).album_id
    service.close()


def test_a_file_that_is_never_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which, and why."""
    _failing(monkeypatch, 1000)
    service = open_service(Settings(data=tmp_path / "data"))
    with pytest.raises(DecoderFailed, match=r"reportsi\.dcm: not decoded in 30 seconds"):
        demo.fill(service)
    service.close()
