"""The secret of a data directory: generated once, private to its owner, refused when damaged."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import stat
from pathlib import Path

import pytest

from albumcore_adapters.base.secret import SecretError, load_secret


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secret_is_made_once(tmp_path: Path) -> None:
    """The first call generates 32 random bytes; later calls return the same."""
    secret = load_secret(tmp_path / "a" / "data")
    assert len(secret) == 32
    assert load_secret(tmp_path / "a" / "data") == secret
    assert load_secret(tmp_path / "b") != secret


def test_secret_is_for_its_owner_only(tmp_path: Path) -> None:
    """File and directory are inaccessible to other users, and no temporary file remains."""
    data = tmp_path / "data"
    load_secret(data)
    assert _mode(data) == 0o700
    assert _mode(data / "secret") == 0o600
    assert os.listdir(data) == ["secret"]


def test_secret_of_processes_that_start_at_once(tmp_path: Path) -> None:
    """Four processes that find no secret agree on one."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(load_secret, [tmp_path / "data"] * 16, chunksize=1)
    assert len(set(found)) == 1
    assert os.listdir(tmp_path / "data") == ["secret"]


def test_secret_that_appears_while_another_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slower of two processes discards its own secret and uses the one that exists."""
    first: list[bytes] = []

    def overtaken(count: int) -> bytes:
        monkeypatch.undo()
        first.append(load_secret(tmp_path))
        return bytes(range(count))

    monkeypatch.setattr(secrets, "token_bytes", overtaken)
    assert [load_secret(tmp_path)] == first
    assert os.listdir(tmp_path) == ["secret"]


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o604, 0o602, 0o610, 0o601])
def test_secret_that_others_may_use(tmp_path: Path, mode: int) -> None:
    """A secret accessible to group or others is refused; the message contains the command that corrects it."""
    secret = load_secret(tmp_path)
    path = tmp_path / "secret"
    path.chmod(mode)
    with pytest.raises(SecretError, match=f"chmod 600 {path}"):
        load_secret(tmp_path)
    path.chmod(0o600)
    assert load_secret(tmp_path) == secret


@pytest.mark.parametrize(
    "content",
    [b"", bytes(range(31)), bytes(range(33)), bytes(32), b"changeme" * 4],
    ids=["empty", "short", "long", "zeros", "repeated"],
)
def test_secret_that_is_damaged(tmp_path: Path, content: bytes) -> None:
    """A file that is not 32 random bytes is refused, left unchanged, and not quoted in the message."""
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SecretError, match="damaged") as refused:
        load_secret(tmp_path)
    assert path.read_bytes() == content
    assert "changeme" not in str(refused.value)


def test_secret_that_is_no_file(tmp_path: Path) -> None:
    """A pipe in its place is refused without waiting for its other end."""
    os.mkfifo(tmp_path / "secret", 0o600)
    with pytest.raises(SecretError, match="not a file"):
        load_secret(tmp_path)


def test_secret_in_a_place_that_is_no_directory(tmp_path: Path) -> None:
    """A data directory that cannot be created raises OSError."""
    (tmp_path / "data").touch()
    with pytest.raises(OSError, match="data"):
        load_secret(tmp_path / "data")


def test_secret_in_a_file_that_is_named(tmp_path: Path) -> None:
    """The file of the setting is read but never generated: several machines need the same secret."""
    given = tmp_path / "given"
    with pytest.raises(FileNotFoundError):
        load_secret(tmp_path / "data", given)
    given.write_bytes(bytes(range(32)))
    given.chmod(0o644)  # whatever is usual here
    with pytest.raises(SecretError, match="open to other users"):
        load_secret(tmp_path / "data", given)
    given.chmod(0o400)
    assert load_secret(tmp_path / "data", given) == bytes(range(32))
    assert os.listdir(tmp_path / "data") == []
