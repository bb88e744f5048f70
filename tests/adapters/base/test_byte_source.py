"""Byte sources as files: what is read is what a file with the same bytes returns."""

from __future__ import annotations

import io
import os

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.base.byte_source import SourceFile


@frozen
class Content:
    """Bytes in memory."""

    content: bytes

    @property
    def length(self) -> int:
        """Their number."""
        return len(self.content)

    def read(self, start: int, stop: int) -> bytes:
        """A range, which exists."""
        assert 0 <= start <= stop <= self.length
        return self.content[start:stop]


steps = st.one_of(
    st.tuples(st.just("read"), st.none() | st.integers(-1, 12)),
    st.tuples(st.just("readinto"), st.builds(bytearray, st.integers(0, 12))),
    st.tuples(
        st.just("seek"),
        st.integers(-12, 12),
        st.sampled_from([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END]),
    ),
    st.tuples(st.sampled_from(["tell", "readall", "readable", "seekable", "writable"])),
)


@given(st.binary(max_size=10), st.lists(steps))
def test_source_file_is_a_file(content: bytes, taken: list[tuple[object, ...]]) -> None:
    """Each step has the result that it has on a file in memory, and leaves the same place."""
    file, model = SourceFile(Content(content)), io.BytesIO(content)
    for name, *arguments in taken:
        if name == "seek" and (at := _place(model, *arguments)) < 0:  # type: ignore[arg-type]
            with pytest.raises(ValueError, match=str(at)):
                file.seek(*arguments)  # type: ignore[arg-type]
            continue
        expected = {"readall": "read"}.get(str(name), str(name))
        if name == "writable":
            assert not file.writable()
        elif name == "readinto":
            [target] = arguments
            found, same = bytearray(target), bytearray(target)  # type: ignore[call-overload]
            assert file.readinto(found) == model.readinto(same)
            assert found == same
        else:
            assert getattr(file, str(name))(*arguments) == getattr(model, expected)(*arguments)
        assert file.tell() == model.tell()


def _place(model: io.BytesIO, offset: int, whence: int) -> int:
    return offset + (0, model.tell(), len(model.getvalue()))[whence]
