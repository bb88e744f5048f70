"""Cases for routes of the Kheops album API: what is asked of a settled world, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from _pytest.mark import ParameterSet
from attrs import field, frozen

from albumcore import edit_album, import_study
from support.kheops import ALICE, BOB, CT, DAVE, MR, OTHER, SR, STUDY, Fields, World

Acts = Sequence[tuple[str, Any, Mapping[str, Any]]]

FORBIDDEN = "Authorization error"
NO_ALBUM = "Album Not Found"
NO_USER = "User Not Found"
BAD_FORM = "Bad Form Parameter"
BAD_QUERY = "Bad Query Parameter"
NO_SERIES = "Series Not Found"
NO_STUDY = "Study Not Found"


@frozen
class Case:
    """One request to a settled world.

    Attributes:
        name: What the case is about.
        by: Who asks.
        ask: Method and path.
        status: The status of the answer.
        message: The message of the error; without one, the answer has no body.
        events: What is recorded, and nothing else.
        given: What happened before; each act with the arguments of its decision.
    """

    name: str
    by: str
    request: str
    status: int
    message: str | None = None
    events: Sequence[Any] = ()
    form: Fields | None = None
    query: Fields | None = None
    headers: Mapping[str, str] = field(factory=dict)
    given: Acts = ()


def flags(**values: bool) -> Acts:
    """An edit of the member flags by Alice."""
    return ((ALICE, edit_album, {"flags": values}),)


def held(*series: str) -> Acts:
    """The study is in the album, with these series."""
    return ((ALICE, import_study, {"study_uid": STUDY, "series_uids": series}),)


def of_other(decision: Any, by: str = DAVE, **arguments: Any) -> tuple[str, Any, Mapping[str, Any]]:
    """An act in the other album."""
    return by, decision, {**arguments, "album": OTHER}


def each(cases: Iterable[Case]) -> list[ParameterSet]:
    """Cases as parameters of a test, by name."""
    return [pytest.param(case, id=case.name.replace(" ", "_")) for case in cases]


def check(case: Case, world: World) -> None:
    """Ask, and compare: the answer is the case's, and so is what is recorded; an error records nothing."""
    world.store({CT: "CT"}, owner=BOB)
    world.store({MR: "MR", SR: "SR"}, owner=DAVE)
    for by, decision, arguments in case.given:
        world.act(by, decision, **arguments)
    before = world.position()
    method, path = case.request.split()
    answer = world.request(case.by, method, path, case.form, case.query, case.headers)
    assert answer.status_code == case.status, answer.text
    assert world.news(before) == list(case.events)
    if case.message is None:
        assert answer.content == b""
    else:
        assert list(answer.json) == ["message", "detail", "help"]
        documentation = f"{world.service.settings.root}/openapi.json"
        assert (answer.json["message"], answer.json["help"]) == (case.message, documentation)
    assert answer.headers["cache-control"] == "no-cache"
