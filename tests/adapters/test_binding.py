"""Responders get the components that they name."""

from __future__ import annotations

import pytest

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.binding import MissingComponent, bind


def _respond(request: str, settings: Settings, number: int) -> tuple[str, Settings, int]:
    return request, settings, number


def test_a_responder_gets_its_components_by_annotation() -> None:
    """The request comes first, whatever its annotation; other components are left out."""
    settings = Settings()
    bound = bind(_respond, {Settings: settings, int: 7, float: 1.5})
    assert bound("request") == ("request", settings, 7)


def test_a_responder_without_components_is_bound_as_it_is() -> None:
    """A cached or a busy route pays for nothing it does not use."""

    def respond(request: str) -> str:
        return request

    assert bind(respond, {}) is respond


def test_a_missing_component_fails_with_a_sentence() -> None:
    """At start, by the name of the responder and of the parameter."""
    with pytest.raises(MissingComponent, match=r"test_binding\._respond takes number: .*int"):
        bind(_respond, {Settings: Settings()})
