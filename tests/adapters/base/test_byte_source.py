"""A file over a byte source reads what a file of the same content reads."""

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
    """A byte source in memory."""

    content: bytes

    @property
    def length(self) -> int:
        """The length, in bytes."""
        return len(self.content)

    def read(self, start: int, stop: int) -> bytes:
        """Return a range, which must be within the content."""
        assert 0 <= start <= stop <= self.length
        return self.content[start:stop]


STEPS = st.lists(
    st.tuples(st.sampled_from([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END]), st.integers(-20, 20))
    | st.integers(-1, 20)
)


@given(st.binary(max_size=16), STEPS)
def test_a_source_file_is_a_file(content: bytes, steps: list[tuple[int, int] | int]) -> None:
    """Seeking and reading, beyond the end too, as in `io.BytesIO`."""
    file, model = SourceFile(Content(content)), io.BytesIO(content)
    assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
    for step in steps:
        if isinstance(step, int):
            assert file.read(step) == model.read(step)
        else:
            whence, offset = step
            base = {os.SEEK_SET: 0, os.SEEK_CUR: model.tell(), os.SEEK_END: len(content)}[whence]
            if base + offset < 0:
                with pytest.raises(ValueError, match="before the begin"):
                    file.seek(offset, whence)
            else:
                assert file.seek(offset, whence) == model.seek(base + offset)
        assert file.tell() == model.tell()
