"""Files and disks, each with a fault of its own: what the doctor says, and what it says to do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.doctor import files
from albumcore_adapters.service import open_service
from support.examined import examined, mounted, only_problem, verdicts


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a service with a data directory on SQLite."""
    settings = Settings(data=tmp_path / "data")
    open_service(settings).close()
    return settings


def test_nothing_is_wrong_with_a_new_store(settings: Settings) -> None:
    """One sentence about the files, and one about each disk."""
    assert verdicts(examined(settings, "files")) == ["fine"]
    [found] = examined(settings, "disk")
    assert str(settings.data) in found.sentence


def test_no_directory(tmp_path: Path) -> None:
    """It is not made, and says how it is."""
    settings = Settings(data=tmp_path / "none")
    assert "start `albumcore serve`" in only_problem(examined(settings, "files"))
    assert examined(settings, "disk") == []
    assert not settings.data.exists()


def test_a_file_in_its_place(tmp_path: Path) -> None:
    """A file is no data directory."""
    (tmp_path / "file").touch()
    assert "--data" in only_problem(examined(Settings(data=tmp_path / "file"), "files"))


def test_a_directory_that_others_can_look_into(settings: Settings) -> None:
    """The command that ends it is in the sentence, and does."""
    settings.data.chmod(0o755)
    sentence = only_problem(examined(settings, "files"))
    subprocess.run(sentence.partition(": ")[2].split(), check=True)
    assert verdicts(examined(settings, "files")) == ["fine"]


def test_a_read_only_directory(settings: Settings) -> None:
    """It names the directory and the reason of the system."""
    blobs = settings.data / "blobs"
    with mounted(blobs, "ro"):
        assert f"written to {blobs} (Read-only file system)" in only_problem(
            examined(settings, "files")
        )


def test_a_full_directory(settings: Settings) -> None:
    """It says that there is no room, and how much there must be."""
    blobs = settings.data / "blobs"
    with mounted(blobs, "size=64k"):
        (blobs / "large").write_bytes(bytes(65_536))
        assert "No space left on device" in only_problem(examined(settings, "files"))
        sentence = only_problem(examined(settings, "disk"))
        assert f"{blobs} has 0 bytes left, and 2.0 GiB are needed" in sentence


def test_a_disk_with_less_room_than_an_instance_takes(settings: Settings) -> None:
    """The largest instance counts, and never less than 1 GiB."""
    with mounted(settings.data / "blobs", "size=1200m"):
        assert "2.0 GiB are needed" in only_problem(examined(settings, "disk"))
        small = evolve(settings, max_instance=1)
        assert verdicts(examined(small, "disk")) == ["fine", "fine"]


def test_a_disk_without_inodes(settings: Settings) -> None:
    """Room for bytes is of no use without room for files."""
    with mounted(settings.data / "blobs", "size=4g,nr_inodes=100"):
        assert "takes 99 more files" in only_problem(examined(settings, "disk"))


def test_images_at_a_place_of_their_own(settings: Settings, tmp_path: Path) -> None:
    """Their directory is examined, and a bucket is none."""
    (tmp_path / "images").mkdir()
    elsewhere = evolve(settings, blobs=(tmp_path / "images").as_uri())
    assert files.places(elsewhere) == [settings.data, tmp_path / "images"]
    assert files.places(evolve(settings, blobs="s3://images")) == [settings.data]


@contextmanager
def another_user() -> Iterator[None]:
    """Be a user without rights until the end of the block."""
    if os.geteuid():
        pytest.skip("only root can be another user")
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_the_wrong_user(settings: Settings) -> None:
    """Who may not look into the directory is to be the user of the service."""
    with another_user():
        assert "run this as the user of the service" in only_problem(examined(settings, "files"))


def test_no_secret(settings: Settings) -> None:
    """None is made, because every token of before would end."""
    secret = settings.data / "secret"
    secret.unlink()
    assert "restore it from a backup" in only_problem(examined(settings, "files"))
    assert not secret.exists()
    assert verdicts(examined(settings, "keys")) == ["left out"]


def test_a_secret_that_others_can_read(settings: Settings) -> None:
    """The command that ends it is in the sentence."""
    secret = settings.data / "secret"
    secret.chmod(0o644)
    assert f"chmod 600 {secret}" in only_problem(examined(settings, "files"))


def test_credentials_that_are_missing(settings: Settings, tmp_path: Path) -> None:
    """The setting that names them is in the sentence."""
    none = tmp_path / "none"
    for missing, variable in (
        (evolve(settings, pacs_auth_file=none), "ALBUMCORE_PACS_AUTH_FILE"),
        (evolve(settings, oidc_client_secret_file=none), "ALBUMCORE_OIDC_CLIENT_SECRET_FILE"),
    ):
        assert variable in only_problem(examined(missing, "files"))
