"""The search for patients, against a model that looks at every one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albumcore_adapters.http.description import document
from albumcore_adapters.http.tscharts.patients import PATIENT_FILTERS
from support.tscharts import PATIENT, ROOT, Api

NAMES = ("paternal_last", "maternal_last", "first", "middle")
TEXTS = st.one_of(
    st.sampled_from(
        ["a", "A", "Ana", "ana m", "ñ", "Ñu", "ß", "SS", "%", "_", "\\", "!", "a_a", "a%", ""]
    ),
    st.text("aAbñÑßSsİ%_\\!* ", max_size=3),
)
DAYS = st.sampled_from(["04/01/1962", "4/1/1962", "04/02/1962", "12/31/1999"])
VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys((*NAMES, "curp"), TEXTS),
    "dob": DAYS,
    "gender": st.sampled_from(["Male", "Female"]),
    "oldid": st.integers(-2, 3),
}
FIELDS = st.fixed_dictionaries({}, optional={**VALUES})
FILTER = st.one_of(
    *(st.tuples(st.just(name), value) for name, value in VALUES.items() if name != "middle"),
    st.tuples(st.just("name"), TEXTS),
    st.tuples(st.just("clinic"), st.integers(1, 2)),
)
EXACT = st.tuples(st.just("exact"), st.sampled_from(["true", "false", ""]))
QUERIES = st.builds(lambda exact, filters: [exact, *filters], EXACT, st.lists(FILTER, max_size=3))


def day(value: str) -> Any:
    """The day that a text stands for."""
    return datetime.strptime(value, "%m/%d/%Y").date()


def part(name: str) -> Callable[[Any, str, bool], bool]:
    """Whether a text is part of a field, or with ``exact`` the whole of it, in any case."""

    def holds(patient: Any, value: str, exact: bool) -> bool:
        found, wanted = patient[name].casefold(), value.casefold()
        return bool(found == wanted) if exact else wanted in found

    return holds


MODEL: Mapping[str, Callable[[Any, str, bool], bool]] = {
    **{name: part(name) for name in (*NAMES[:3], "curp")},
    "dob": lambda patient, value, exact: bool(day(patient["dob"]) == day(value)),
    "gender": lambda patient, value, exact: bool(patient["gender"] == value),
    "oldid": lambda patient, value, exact: bool(patient["oldid"] == int(value)),
    "clinic": lambda patient, value, exact: int(value) in patient["clinics"],
}


def expected(there: Mapping[int, Any], query: list[tuple[str, Any]]) -> list[int]:
    """The ids of the patients that a search must find."""
    asked = {name: str(value) for name, value in query if str(value)}
    # The last of a name counts, if only to say that there is none.
    asked = {name: value for name, value in asked.items() if str(dict(query)[name])}
    exact = asked.pop("exact", "") == "true"
    if name := asked.get("name"):
        return [
            key
            for key, patient in there.items()
            if any(name.casefold() in patient[one].casefold() for one in NAMES)
        ]
    return [
        key
        for key, patient in there.items()
        if all(MODEL[name](patient, value, exact) for name, value in asked.items())
    ]


def identity(patient: Any) -> tuple[Any, ...]:
    """What tells patients apart."""
    names = ("paternal_last", "first", "gender")
    return (*(patient[name] for name in names), day(patient["dob"]))


@pytest.fixture(scope="module")
def clinics(shared_api: Api) -> Api:
    """The API with nobody in it, and two clinics."""
    for patient in (1, 2):
        shared_api.request("DELETE", f"{ROOT}/patient/{patient}/")
    body = {"location": "Tecate", "start": "04/18/2017", "end": "04/20/2017"}
    assert shared_api.request("POST", f"{ROOT}/clinic/", body).json == {"id": 2}
    return shared_api


@given(
    added=st.lists(st.tuples(FIELDS, st.sets(st.integers(1, 2))), min_size=1, max_size=6),
    changed=st.lists(st.tuples(st.integers(0, 5), FIELDS), max_size=3),
    deleted=st.sets(st.integers(0, 5), max_size=1),
    queries=st.lists(QUERIES, min_size=1, max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_search_finds_what_a_look_at_all_finds(
    clinics: Api,
    added: list[tuple[dict[str, Any], set[int]]],
    changed: list[tuple[int, dict[str, Any]]],
    deleted: set[int],
    queries: list[list[tuple[str, Any]]],
) -> None:
    """Whatever was added, changed, taken a picture of and deleted before: the same ids, or 404 for none."""
    api, there = clinics, dict[int, Any]()
    try:
        for fields, where in added:
            _add(api, there, fields, where)
        keys = list(there)
        for number, fields in changed:
            if number < len(keys):
                _change(api, there, keys[number], fields)
        for number in deleted & set(range(len(keys))):
            del there[keys[number]]
            assert api.request("DELETE", f"{ROOT}/patient/{keys[number]}/").status_code == 200
        for query in queries:
            answer = api.request("GET", f"{ROOT}/patient/?{urlencode(query)}")
            found = expected(there, query)
            assert answer.status_code == (200 if found else 404)
            assert (answer.json if found else answer.text) == (found or "")
    finally:
        for key in there:
            api.request("DELETE", f"{ROOT}/patient/{key}/")


def _add(api: Api, there: dict[int, Any], fields: dict[str, Any], where: set[int]) -> None:
    patient = {**PATIENT, "oldid": -1, **fields}
    answer = api.request("POST", f"{ROOT}/patient/", patient)
    if identity(patient) in map(identity, there.values()):
        assert (answer.status_code, answer.text) == (409, "")
        return
    there[answer.json["id"]] = {**patient, "clinics": where}
    for clinic in where:
        assert api.upload(patient=answer.json["id"], clinic=clinic).status_code == 200


def _change(api: Api, there: dict[int, Any], key: int, fields: dict[str, Any]) -> None:
    patient = {**there[key], **fields}
    others = [identity(other) for one, other in there.items() if one != key]
    answer = api.request("PUT", f"{ROOT}/patient/{key}/", fields)
    if identity(patient) in others:
        assert (answer.status_code, answer.text) == (409, "")
    else:
        there[key] = patient
        assert (answer.status_code, answer.json) == (200, {})


def test_every_filter_is_described() -> None:
    """The OpenAPI document has the filters there are, and ``exact``."""
    described = document(None)["paths"][f"{ROOT}/patient"]["get"]["parameters"]
    assert {one["name"] for one in described} == {"exact", *(one.name for one in PATIENT_FILTERS)}
