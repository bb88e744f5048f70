"""The settings of a process: options win over the environment, and the environment over the file `albumcore.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from albumcore_adapters.base.setting_declarations import SettingDeclaration, SettingsError
from albumcore_adapters.base.setting_types import DATABASE_URL, DIRECTORY_PATH, FILE_PATH
from albumcore_adapters.base.settings import Settings, declarations

CONFIG_VARIABLE = "ALBUMCORE_CONFIG"
"""The variable that names the settings file."""

CONFIG_FILE = "albumcore.toml"
"""The settings file that is read where none is named, if it is in the data directory."""

_PREFIX = "ALBUMCORE_"
_OF_OTHERS = re.compile(
    r"ALBUMCORE_(TEST_.*|SERVICE_(HOST|PORT.*)|PORT(_[0-9]+_(TCP|UDP|SCTP).*)?)"
)
"""Variables that are no settings: of tests, and of Kubernetes, which sets them where a service is called albumcore."""

_PASSWORD = re.compile(r"//[^/?@]*:[^/?@]+@|[?&](?:ssl)?password=")


def settings_from(environ: Mapping[str, str], **options: object) -> Settings:
    """Return the settings of the options, the environment and the settings file.

    The file is the one that `ALBUMCORE_CONFIG` names, or else `albumcore.toml` in the data directory, if it is there.
    An option that is None, and a variable that is empty or blank, count as not set.

    Args:
        environ: The environment variables.
        options: Values by the name of the attribute, such as those of the command line.

    Raises:
        SettingsError: a value is not accepted, or there is no setting of a name. The message has the nearest name.
        OSError: the file cannot be read.
    """
    variables = {declaration.variable for declaration in declarations().values()}
    known = {*variables, CONFIG_VARIABLE}
    ours = [name for name in environ if name.startswith(_PREFIX) and not _OF_OTHERS.fullmatch(name)]
    _refuse_unknown(ours, known, "")
    named = environ.get(CONFIG_VARIABLE, "").strip()
    if named:
        file = Path(named)
        if not file.is_file():
            raise SettingsError(CONFIG_VARIABLE, "the path of a file that exists")
    else:
        file = Settings.from_environment(environ, **options).data / CONFIG_FILE
        if not file.is_file():
            return Settings.from_environment(environ, **options)
    read = read_settings_file(file)
    if not named and "ALBUMCORE_DATA" in read:
        raise SettingsError(
            f"{file}: data", "no such setting in a file that is found in the data directory"
        )
    given = {name: value for name, value in environ.items() if value.strip()}
    return Settings.from_environment({**read, **given}, **options)


def read_settings_file(file: Path) -> dict[str, str]:
    """Return what a settings file says, by the variables of the settings. Relative paths are relative to its directory.

    Raises:
        SettingsError: it is not in TOML, has a value that is not accepted, or names a setting that does not exist.
        OSError: it cannot be read.
    """
    try:
        content = tomllib.loads(file.read_bytes().decode())
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(file), f"TOML: {error}") from None
    except UnicodeDecodeError:
        raise SettingsError(str(file), "TOML, which is UTF-8") from None
    known = {name_in_file(declaration): declaration for declaration in declarations().values()}
    _refuse_unknown(content, known, f"{file}: ")
    return {known[key].variable: _text(file, key, content[key], known[key]) for key in content}


def name_in_file(declaration: SettingDeclaration) -> str:
    """Return the name of a setting in the file: `max_upload` for `ALBUMCORE_MAX_UPLOAD`."""
    return declaration.variable.removeprefix(_PREFIX).lower()


def _text(file: Path, key: str, value: Any, declaration: SettingDeclaration) -> str:
    """Return a value of the file as a variable has it, once it is checked."""
    place = f"{file}: {key}"
    if not isinstance(value, str | int):
        raise SettingsError(place, "a text in quotes, a whole number, true or false")
    if declaration.setting_type is DATABASE_URL and _PASSWORD.search(str(value)):
        raise SettingsError(place, "an address without a password: its `passfile` names a file")
    try:
        declaration.convert(value)
    except SettingsError as error:
        raise SettingsError(place, error.expected) from None
    if declaration.setting_type in (DIRECTORY_PATH, FILE_PATH):
        return str(file.parent / str(value))
    return str(value)


def _refuse_unknown(names: Iterable[str], known: Iterable[str], place: str) -> None:
    in_lower_case = {name.lower(): name for name in known}
    for name in sorted({*names} - {*known}):
        [nearest] = get_close_matches(name.lower(), in_lower_case, n=1, cutoff=0)
        expected = f"the name of a setting; the nearest is {in_lower_case[nearest]}"
        raise SettingsError(place + name, expected)
