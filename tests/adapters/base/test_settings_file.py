"""The settings file: where it is found, what wins over it, and what it may say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import attrs
import pytest

from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.base.settings import Settings, declarations
from albumcore_adapters.base.settings_file import name_in_file, read_settings_file, settings_from
from albumcore_adapters.base.settings_page import example_file

OF_KUBERNETES = {
    "ALBUMCORE_SERVICE_HOST": "10.0.0.1",
    "ALBUMCORE_SERVICE_PORT": "8000",
    "ALBUMCORE_SERVICE_PORT_HTTP": "8000",
    "ALBUMCORE_PORT": "tcp://10.0.0.1:8000",
    "ALBUMCORE_PORT_8000_TCP": "tcp://10.0.0.1:8000",
    "ALBUMCORE_PORT_8000_TCP_ADDR": "10.0.0.1",
}
"""What a pod finds in its environment where a service is called albumcore."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file in a data directory."""
    return tmp_path / "albumcore.toml"


def test_a_file_in_the_data_directory_is_read(file: Path) -> None:
    """Texts, numbers and truth values have the meaning that they have in a variable."""
    file.write_text('max_upload = "1MiB"\nworkers = 3\nallow_private_addresses = true\n')
    expected = Settings(
        data=file.parent, max_upload=1024 * 1024, workers=3, allow_private_addresses=True
    )
    assert settings_from({"ALBUMCORE_DATA": str(file.parent)}) == expected
    assert settings_from({}, data=file.parent) == expected


def test_without_a_file_the_environment_counts_alone(tmp_path: Path) -> None:
    """A data directory needs no file, and need not exist."""
    data = tmp_path / "none"
    assert settings_from({"ALBUMCORE_WORKERS": "3"}, data=data) == Settings(data=data, workers=3)


def test_options_win_over_the_environment_and_that_over_the_file(file: Path) -> None:
    """A variable that is blank wins over nothing."""
    file.write_text('workers = 3\nbind = "[::1]:1"\ncache = 3\n')
    environ = {
        "ALBUMCORE_WORKERS": "4",
        "ALBUMCORE_BIND": "[::1]:2",
        "ALBUMCORE_CACHE": " ",
        "ALBUMCORE_CONFIG": str(file),
    }
    found = settings_from(environ, bind="[::1]:3", workers=None)
    assert (found.bind, found.workers, found.cache_size) == ("[::1]:3", 4, 3)


def test_a_named_file_is_read_instead(file: Path, tmp_path: Path) -> None:
    """It may name the data directory, in which no file is looked for then."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "albumcore.toml").write_text("workers = 5\n")
    file.write_text('data = "data"\nsecret_file = "/run/secret"\n')
    found = settings_from({"ALBUMCORE_CONFIG": str(file)})
    assert found == Settings(data=tmp_path / "data", secret_file=Path("/run/secret"))


def test_a_named_file_must_exist(file: Path) -> None:
    """A mistyped path would otherwise pass for defaults."""
    with pytest.raises(SettingsError, match=r"^ALBUMCORE_CONFIG: expected the path of a file"):
        settings_from({"ALBUMCORE_CONFIG": str(file)})


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("ALBUMCORE_WROKERS", "ALBUMCORE_WORKERS"),
        ("ALBUMCORE_PUBLIC_URI", "ALBUMCORE_PUBLIC_URL"),
        ("ALBUMCORE_CONFIGURATION", "ALBUMCORE_CONFIG"),
        ("ALBUMCORE_workers", "ALBUMCORE_WORKERS"),
        ("ALBUMCORE_", "ALBUMCORE_"),
    ],
)
def test_a_mistyped_variable_is_refused(name: str, nearest: str) -> None:
    """The message has the nearest right name, and never the value."""
    with pytest.raises(SettingsError, match=rf"^{name}: expected .* is {nearest}") as refused:
        settings_from({name: "hunter2"})
    assert "hunter2" not in str(refused.value)


def test_variables_of_others_are_let_be() -> None:
    """Those of Kubernetes, of tests, and all that begin in another way."""
    others = OF_KUBERNETES | {"ALBUMCORE_TEST_DATABASE": "postgres", "XALBUMCORE_A": "", "PATH": ""}
    assert settings_from(others) == Settings()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("ALBUMCORE_WORKERS", "workers"),
        ("wrokers", "workers"),
        ("Workers", "workers"),
        ("max-upload", "max_upload"),
    ],
)
def test_a_mistyped_name_in_the_file_is_refused(file: Path, name: str, nearest: str) -> None:
    """The message has the file, and the nearest right name; a name in another case is another name."""
    file.write_text(f"{name} = 3\n")
    with pytest.raises(SettingsError) as refused:
        settings_from({}, data=file.parent)
    assert refused.value.variable == f"{file}: {name}"
    assert refused.value.expected.endswith(f"the nearest is {nearest}")


@pytest.mark.parametrize(
    ("line", "key", "expected"),
    [
        ("workers = 0", "workers", "a whole number from 1 to 256"),
        ('workers = ""', "workers", "a whole number from 1 to 256"),
        ("workers = 2.0", "workers", "a text in quotes, a whole number, true or false"),
        ("workers = [2]", "workers", "a text in quotes, a whole number, true or false"),
        ("[workers]", "workers", "a text in quotes, a whole number, true or false"),
        ('data = "x"', "data", "no such setting in a file that is found in the data directory"),
        (
            'database = "postgresql://u:hunter2@h/d"',
            "database",
            "an address without a password: its `passfile` names a file",
        ),
        (
            'database = "postgresql://u@h/d?password=hunter2"',
            "database",
            "an address without a password: its `passfile` names a file",
        ),
    ],
)
def test_a_bad_value_in_the_file_is_refused(file: Path, line: str, key: str, expected: str) -> None:
    """The message has the file, the name in it, and what is accepted; never the value."""
    file.write_text(f"{line}\n")
    with pytest.raises(SettingsError) as refused:
        settings_from({}, data=file.parent)
    assert str(refused.value) == f"{file}: {key}: expected {expected}"


def test_addresses_of_databases_without_a_password(file: Path) -> None:
    """A passfile may hold it, and a socket needs none."""
    for address in ("postgresql://u@h:5432/d?passfile=/run/p", "postgresql:///d?host=/run"):
        file.write_text(f'database = "{address}"\n')
        assert read_settings_file(file) == {"ALBUMCORE_DATABASE": address}


@pytest.mark.parametrize("content", [b"workers = ", b"workers: 3", b'workers = "\xff"'])
def test_a_file_that_is_not_toml_is_refused(file: Path, content: bytes) -> None:
    """The message has the file."""
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=f"^{re.escape(str(file))}: expected TOML"):
        read_settings_file(file)


def test_the_example_says_nothing_until_a_comment_is_removed(file: Path) -> None:
    """It has every setting, in order; those with a default are accepted as they stand."""
    file.write_text(example_file())
    assert read_settings_file(file) == {}
    lines = re.findall(r"^# (\w+ = .*)$", example_file(), re.MULTILINE)
    found: dict[str, Any] = {}
    for line in lines:
        found |= tomllib.loads(line)
    assert [*found] == [name_in_file(declaration) for declaration in declarations().values()]
    defaults = {key: value for key, value in found.items() if value != ""}
    with_default = [field for field in attrs.fields(Settings) if field.default is not None]
    assert len(defaults) == len(with_default)
    file.write_text("\n".join(line for line in lines if not line.endswith(' = ""')))
    expected = Settings(data=file.parent / "albumcore-data")
    assert settings_from({"ALBUMCORE_CONFIG": str(file)}) == expected
