"""How a setting is declared: its variable, what it accepts, and what happens to a value that is not accepted."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs
from attrs import frozen

from albumcore_adapters.base.setting_types import SettingType

T = TypeVar("T")


class SettingsError(Exception):
    """A setting has a value that is not accepted; the service does not start.

    The message never contains the value, which may be a secret in the wrong place.

    Attributes:
        variable: The environment variable of the setting.
        expected: What it accepts.
    """

    def __init__(self, variable: str, expected: str) -> None:
        super().__init__(f"{variable}: expected {expected}")
        self.variable = variable
        self.expected = expected


@frozen
class SettingDeclaration:
    """The declaration of a setting, apart from its name and its default."""

    variable: str
    setting_type: SettingType[Any]
    help: str
    optional: bool

    def convert(self, value: object) -> object:
        """Parse ``value``; None stands for an optional setting that is not set."""
        if value is None and self.optional:
            return None
        try:
            return self.setting_type.read("" if value is None else str(value).strip())
        except ValueError:
            raise SettingsError(self.variable, self.setting_type.expected) from None


def setting(
    variable: str,
    setting_type: SettingType[T],
    default: T | None,
    help: str,  # noqa: A002
    is_shown: bool = True,
) -> Any:
    """Declare one setting. With ``is_shown`` false, `repr` leaves it out: it may contain a password."""
    declaration = SettingDeclaration(variable, setting_type, help, optional=default is None)
    return attrs.field(
        default=default,
        converter=declaration.convert,
        metadata={SettingDeclaration: declaration},
        repr=is_shown,
    )
