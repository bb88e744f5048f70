"""The commit counter that the processes of a database share."""

from __future__ import annotations

from pathlib import Path

import pytest

from albumcore_adapters.sql.commit_counter import CommitCounter


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Where the numbers are."""
    return str(tmp_path / "commits")


def test_a_commit_is_seen_by_all_from_its_beginning_and_known_from_its_end(file: str) -> None:
    """In between, its outcome is unknown."""
    one, other = CommitCounter(file), CommitCounter(file)
    before = other.last()
    number = one.begin()
    assert (one.last(), other.last()) == (None, None)
    one.end(number)
    assert one.last() == other.last() != before
    assert None not in (before, other.last())


def test_a_commit_that_ends_after_another_has_begun(file: str) -> None:
    """Who ends it does not say that the other one has ended, or has not."""
    one, other = CommitCounter(file), CommitCounter(file)
    first = one.begin()
    second = other.begin()
    one.end(first)
    assert one.last() is None
    other.end(second)
    assert one.last() == second
    one.end(first)
    assert other.last() == second


def test_a_commit_that_never_ended(file: str) -> None:
    """Nothing is known until the next commit."""
    CommitCounter(file).begin()
    other = CommitCounter(file)
    assert other.last() is None
    other.end(other.begin())
    assert other.last() is not None


def test_what_the_file_held_is_worth_nothing(file: str) -> None:
    """Not even the greatest number, nor a file that is too short."""
    for content in (b"\xff" * 16, b"\xff" * 8, b"\x01", b"\x07" * 100):
        Path(file).write_bytes(content)
        commits = CommitCounter(file)
        before = commits.last()
        commits.end(commits.begin())
        assert commits.last() not in (None, before)


def test_the_file_is_its_owners_alone(file: str) -> None:
    """As the database beside it."""
    CommitCounter(file)
    assert Path(file).stat().st_mode & 0o777 == 0o600
