"""The reference page of the settings: `python -m albumcore_adapters.base.settings_page` prints it."""

from __future__ import annotations

import sys
from pathlib import Path

import attrs

from albumcore_adapters.base.settings import Settings, declarations


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


def settings_page() -> str:
    """Return the reference page of the settings, in Markdown."""
    return _PAGE.format(table=settings_table())


_PAGE = """\
# Settings

Settings are read from the environment when the service or a command starts.
An option of the command line wins over its variable.
A variable that is empty or blank counts as not set.
A bad value stops the start, with a message that names the variable and what it accepts.

{table}
`ALBUMCORE_JWKS_URL` needs `ALBUMCORE_JWT_ISSUER` and `ALBUMCORE_JWT_AUDIENCE` beside it.
Otherwise a token that the identity provider made for another service would be accepted.

This page is generated: `python -m albumcore_adapters.base.settings_page > docs/reference/settings.md`.
"""


if __name__ == "__main__":
    sys.stdout.write(settings_page())
