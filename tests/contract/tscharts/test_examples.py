"""The documented API: its worked examples field for field, and its tables row by row.

A file of ``examples`` says what was given, what is asked, the answer, and the events that were recorded.
A file of ``tables`` has many rows for the same given things. There, an answer is compared letter by letter, and
``recorded`` names the stored events. A row says only in what its request differs from that of its table; ``with``
and ``without`` are about the fields of the body. Both compat modes answer alike, unless ``compat`` names one.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from support.tscharts import PASSWORD, ROOT, Api, opened

COVERS = (
    "POST /tscharts/v1/login",
    "POST /tscharts/v1/logout",
    "GET /tscharts/v1/clinic",
    "POST /tscharts/v1/clinic",
    "GET /tscharts/v1/clinic/{key}",
    "DELETE /tscharts/v1/clinic/{key}",
    "GET /tscharts/v1/station",
    "POST /tscharts/v1/station",
    "GET /tscharts/v1/station/{key}",
    "DELETE /tscharts/v1/station/{key}",
    "GET /tscharts/v1/patient",
    "POST /tscharts/v1/patient",
    "GET /tscharts/v1/patient/{key}",
    "PUT /tscharts/v1/patient/{key}",
    "DELETE /tscharts/v1/patient/{key}",
    "GET /tscharts/v1/image",
    "POST /tscharts/v1/image",
    "GET /tscharts/v1/image/{key}",
    "DELETE /tscharts/v1/image/{key}",
)

HERE = Path(__file__).parent
MODES = ("documented", "upstream")


def _read(folder: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (path.stem, json.loads(path.read_text())) for path in sorted(HERE.glob(f"{folder}/*.json"))
    ]


EXAMPLES = [
    pytest.param(mode, example, id=f"{name}-{mode}")
    for name, example in _read("examples")
    for mode in example["compat"]
]

ROWS = [
    pytest.param(mode, table, row, id=f"{name}-{row['about']}-{mode}")
    for name, table in _read("tables")
    for row in table["rows"]
    for mode in row.get("compat", MODES)
]


def _ask(api: Api, when: dict[str, Any]) -> testing.Result:
    # An example's own token would be that of another server's account.
    headers = {**when.get("headers", {}), "Authorization": f"Token {api.token}"}
    body = when["raw"].encode() if "raw" in when else when.get("body", b"")
    return api.request(when["method"], when["path"], body, headers=headers)


def _request(table: dict[str, Any], when: dict[str, Any]) -> dict[str, Any]:
    """The request of a row: the table's own, but for what the row says."""
    usual = table.get("when", {})
    request: dict[str, Any] = usual | when
    if "with" in when or "without" in when:
        body = usual["body"] | when.get("with", {})
        request["body"] = {k: v for k, v in body.items() if k not in when.get("without", ())}
    elif request["method"] != usual.get("method"):
        request["body"] = when.get("body", b"")
    return request


@pytest.mark.parametrize("seals", [False, True], ids=["in clear", "sealed"])
@pytest.mark.parametrize(("mode", "example"), EXAMPLES)
def test_example(mode: str, example: dict[str, Any], seals: bool, tmp_path: Path) -> None:
    """The answer has the example's status, headers and fields, and its events were recorded.

    Whether images are sealed shows in their digest alone, which is that of bytes encrypted under a random key.
    """
    with opened(tmp_path, example["given"], seals=seals, compat=mode) as api:
        before = api.position()
        answer, then = _ask(api, example["when"]), example["then"]
        assert answer.status_code == then["status"]
        assert {name: answer.headers.get(name) for name in then["headers"]} == then["headers"]
        assert answer.json == then["body"]
        recorded, events = api.recorded(after=before), then["events"]
        assert not seals or _digests(recorded).isdisjoint(_digests(events))
        if seals:
            recorded, events = _without_digests(recorded), _without_digests(events)
        assert recorded == events


def _digests(events: list[dict[str, Any]]) -> set[str]:
    return {one["says"]["content"]["digest"] for one in events if "content" in one["says"]}


def _without_digests(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    copies = copy.deepcopy(events)
    for one in copies:
        one["says"].get("content", {}).pop("digest", None)
    return copies


World = Callable[[str, dict[str, Any]], Api]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One API for all rows of the same given things that change nothing: each row makes sure of that."""
    opened_ones: dict[str, Api] = {}

    with ExitStack() as stack:

        def world(mode: str, given: dict[str, Any]) -> Api:
            key = json.dumps([mode, given])
            if key not in opened_ones:
                data = tmp_path_factory.mktemp("rows")
                opened_ones[key] = stack.enter_context(opened(data, given, compat=mode))
            return opened_ones[key]

        yield world


@pytest.mark.parametrize(("mode", "table", "row"), ROWS)
def test_row(
    mode: str,
    table: dict[str, Any],
    row: dict[str, Any],
    shared: World,
    tmp_path: Path,
) -> None:
    """The answer is the row's, the events are the row's, and a refusal leaves nothing behind."""
    given, when = row.get("given", table["given"]), _request(table, row.get("when", {}))
    if "first" in row or (row["then"]["status"] == 200 and when["method"] != "GET"):
        with opened(tmp_path, given, compat=mode) as api:
            if "first" in row:
                assert _ask(api, _request(table, row["first"])).status_code == 200
            _check(api, when, row["then"])
            if "gone" in row:
                assert api.request("GET", f"{ROOT}/image/{row['gone']}/").status_code == 404
    else:
        _check(shared(mode, given), when, row["then"])


def _check(api: Api, when: dict[str, Any], then: dict[str, Any]) -> None:
    before, blobs = api.position(), list(api.service.blobs.digests())
    shown = _shown(api, when)
    answer = _ask(api, when)
    assert answer.status_code == then["status"]
    if "text" in then:
        assert answer.text == then["text"]
    elif "shows" in then:
        assert {name: answer.json[name] for name in then["shows"]} == then["shows"]
    else:
        assert answer.json["detail"].startswith(f"{then['names']}: " if "names" in then else "")
    headers = then.get("headers", {})
    assert {name: answer.headers.get(name) for name in headers} == headers
    recorded = then.get("recorded", [])
    assert [one["stored"] for one in api.recorded(after=before)] == recorded
    if not recorded:
        assert list(api.service.blobs.digests()) == blobs
    if then["status"] != 200:
        assert _shown(api, when) == shown
    if "reads" in then:
        read = _shown(api, when) or api.request("GET", f"{ROOT}/image/{answer.json['id']}/").json
        assert {name: read[name] for name in then["reads"]} == then["reads"]


def _shown(api: Api, when: dict[str, Any]) -> Any:
    """What a PUT changes, as it is shown; None for another method."""
    if when["method"] != "PUT":
        return None
    shown = api.request("GET", when["path"])
    return shown.json if shown.status_code == 200 else shown.status_code


def test_login(tmp_path: Path) -> None:
    """A name and a password give the token that everything else needs, and the account's id as a text."""
    with opened(tmp_path) as api:
        body = {"username": "nurse", "password": PASSWORD}
        answer = api.request("POST", f"{ROOT}/login/", body, headers={})
        assert answer.json == {"token": api.token, "id": "1"}
