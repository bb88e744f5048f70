"""The reference page of the settings, which `python -m albumcore_adapters.base.settings_page` prints, and an example.

The example is a settings file with every setting in a comment.
"""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import fill

import attrs

from albumcore_adapters.base.settings import Settings, declarations
from albumcore_adapters.base.settings_file import name_in_file


def settings_table() -> str:
    """Return the settings as a Markdown table, one row each, in the order of `Settings`."""
    lines = ["| Variable | Value | Default | Meaning |", "| --- | --- | --- | --- |"]
    for field in attrs.fields(Settings):
        declaration = declarations()[field.name]
        default = "not set" if field.default is None else f"`{_shown(field.default)}`"
        lines.append(
            f"| `{declaration.variable}` | {declaration.setting_type.expected} | {default} | {declaration.help} |"
        )
    return "\n".join(lines) + "\n"


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"./{default}" if isinstance(default, Path) else str(default)


def example_file() -> str:
    """Return a settings file in which every setting is a comment, with its default where it has one."""
    parts = [_EXAMPLE_HEAD]
    for field in attrs.fields(Settings):
        declaration = declarations()[field.name]
        text = f"{declaration.help} Value: {declaration.setting_type.expected}."
        lines = fill(text, 100, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
        parts.append(f"{lines}\n# {name_in_file(declaration)} = {_in_toml(field.default)}")
    return "\n\n".join(parts) + "\n"


def _in_toml(default: object) -> str:
    if isinstance(default, int):
        return str(default).lower()
    return '""' if default is None else f'"{_shown(default)}"'


def settings_page() -> str:
    """Return the reference page of the settings, in Markdown."""
    return _PAGE.format(table=settings_table())


_PAGE = """\
# Settings

Settings come from the environment and from [a settings file](../how-to/settings-file.md).
They are read when the service or a command starts.
An option of the command line wins over its variable, and a variable over the file.
A variable that is empty or blank counts as not set.
A bad value stops the start, with a message that names the setting and what it accepts.
So does an unknown name that begins with `ALBUMCORE_`, or an unknown name in the file.
The message has the nearest right one.

The file has the name of the variable in lower case, without `ALBUMCORE_`: `max_upload` is `ALBUMCORE_MAX_UPLOAD`.
`albumcore settings` prints an example.

{table}
`ALBUMCORE_JWKS_URL` needs `ALBUMCORE_JWT_ISSUER` and `ALBUMCORE_JWT_AUDIENCE` beside it.
Otherwise a token that the identity provider made for another service would be accepted.

This page is generated: `python -m albumcore_adapters.base.settings_page > docs/reference/settings.md`.
"""

_EXAMPLE_HEAD = """\
# Settings of albumcore. This file is found as albumcore.toml in the data directory, by --config FILE,
# or by ALBUMCORE_CONFIG. A variable of the environment wins over it. Each line below is the default,
# or an empty text where there is none: remove the # of those to change."""


if __name__ == "__main__":
    sys.stdout.write(settings_page())
