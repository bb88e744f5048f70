"""The limit of open file descriptors."""

from __future__ import annotations

import resource

import pytest

from albumcore_adapters.server.file_limit import raise_file_limit


@pytest.mark.parametrize(
    ("limits", "allowed", "most"),
    [
        ((256, resource.RLIM_INFINITY), 65536, 65536),
        ((256, resource.RLIM_INFINITY), 20000, 16384),
        ((256, 1024), 65536, 1024),
        ((100_000, 200_000), 200_000, 100_000),
        ((256, resource.RLIM_INFINITY), 256, 256),
    ],
    ids=["no limit", "a limit that is not told", "a hard limit", "more already", "no more at all"],
)
def test_as_many_files_as_the_system_allows(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], allowed: int, most: int
) -> None:
    """The system may refuse a value below an infinite hard limit, as macOS does; the hard limit is not changed."""
    given = [limits]

    def set_limit(kind: int, wanted: tuple[int, int]) -> None:
        assert kind == resource.RLIMIT_NOFILE
        if wanted[0] > allowed:
            raise ValueError("current limit exceeds maximum limit")
        given.append(wanted)

    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits)
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    assert raise_file_limit() == most
    assert given[-1] == (most, limits[1])
