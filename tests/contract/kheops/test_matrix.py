"""Who may ask what: every route, asked by everybody that can be told apart (Kheops API 0 to 2).

What is expected stands in ``matrix.md`` beside this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from attrs import frozen

from albumcore import edit_album
from albumcore_adapters.base.settings import Compat
from albumcore_adapters.http.kheops.all_routes import ROUTES
from support.kheops import ALBUM, ALICE, NOWHERE, World, open_world
from support.matrix import BY_DEFAULT, FLAGS, PRINCIPALS, Principal, read_rows
from support.matrix_world import (
    CONFIGURATION,
    IN_FORM,
    LENT,
    REQUESTS,
    names_the_album,
    prepare,
    request,
)
from support.receiver import Answer as Reply
from support.receiver import receiving
from support.templates import begin, kept

COVERS = ()
"""What answers say is others' to test."""

ROWS = read_rows(Path(__file__).with_name("matrix.md"))
IMAGES = [
    row
    for row in ROWS
    if row.path == "/wado"
    or (row.method == "GET" and "{series}" in row.path and not row.path.endswith("/instances"))
]
"""Rows about the images of a series."""

LINKED = [
    one
    for one in PRINCIPALS
    if one.name
    in ("stranger", "member", "admin", "user-bob", "album-rw", "provider-rw", "viewer-r")
]
NO_MEMBERS = [one for one in PRINCIPALS if one.name in ("stranger", "former", "user-dave", "other")]


@frozen
class Restorable:
    """A world that can be put back to what it was, in a few milliseconds."""

    world: World
    restore: Callable[[], None]


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a report provider that is there."""
    with receiving() as receiver:
        about = {"redirect_uri": receiver.address, "response_type": "token"}
        receiver.answer(Reply.json(about))
        yield receiver.address


def _prepare(provider: str, data: Path) -> None:
    world = open_world(data)
    prepare(world, provider)
    world.service.close()


@contextmanager
def restorable(
    provider: str, data: Path, flags: frozenset[str] = BY_DEFAULT, compat: Compat = "documented"
) -> Iterator[Restorable]:
    """A copy of the prepared world, with these member flags."""
    begin(data, f"matrix {provider}", partial(_prepare, provider))
    world = open_world(data, compat, log_level="warning", allow_private_addresses=True)
    world.clock.tick(3600)
    world.service.albums.states.most = 0  # nothing is remembered but what is stored
    if flags != BY_DEFAULT:
        world.act(ALICE, edit_album, flags={flag: flag in flags for flag in FLAGS})
    with closing(world.service), kept(data) as restore:
        yield Restorable(world, restore)


@pytest.mark.parametrize("by", PRINCIPALS, ids=lambda one: one.name)
def test_matrix(by: Principal, provider: str, tmp_path: Path) -> None:
    """Everything is answered to somebody as the table says, and what is refused is not done."""
    wrong, names = [], {CONFIGURATION: provider}
    with restorable(provider, tmp_path, by.flags) as opened:
        world = opened.world
        for row in ROWS:
            before, expected = world.position(), row.expected(by)
            answer = request(world, row, by, names)
            if answer.status_code != expected:
                wrong.append(f"{row.name}: {expected} expected, {answer.status_code} {answer.text}")
            if answer.status_code >= 400 and world.position() != before:
                wrong.append(f"{row.name}: refused, and done all the same")
            if (answer.status_code == 401) != ("www-authenticate" in answer.headers):
                wrong.append(
                    f"{row.name}: how to authenticate is told of a 401, and of nothing else"
                )
            if answer.status_code < 400 and row.method != "GET":
                opened.restore()
    assert not wrong, "\n".join(wrong)


@pytest.mark.on_sqlite
@pytest.mark.parametrize("by", LINKED, ids=lambda one: one.name)
def test_matrix_by_links(by: Principal, provider: str, tmp_path: Path) -> None:
    """The token in the path is as good as in the header, for every route."""
    wrong, names = [], {CONFIGURATION: provider}
    with restorable(provider, tmp_path) as opened:
        for row in ROWS:
            if row.variant in (LENT, IN_FORM):
                continue
            answer, expected = request(opened.world, row, by, names, by_link=True), row.expected(by)
            if answer.status_code != expected:
                wrong.append(f"{row.name}: {expected} expected, {answer.status_code} {answer.text}")
            if answer.status_code < 400 and row.method != "GET":
                opened.restore()
    assert not wrong, "\n".join(wrong)


@pytest.mark.on_sqlite
@pytest.mark.parametrize("by", PRINCIPALS, ids=lambda one: one.name)
def test_images_upstream(by: Principal, provider: str, tmp_path: Path) -> None:
    """Who sees a series may download it, and one that is not seen is 401: the token is not good for it."""
    [seen] = [row for row in ROWS if row.name == "GET /studies/{study}/series/{series}/metadata"]
    expected = {404: 401}.get(seen.expected(by), seen.expected(by))
    with restorable(provider, tmp_path, by.flags, compat="upstream") as opened:
        for row in IMAGES:
            answer = request(opened.world, row, by, {})
            assert answer.status_code == expected, f"{row.name}: {answer.text}"
            assert (expected == 401) == ("www-authenticate" in answer.headers)


@pytest.mark.parametrize("by", NO_MEMBERS, ids=lambda one: one.name)
def test_album_of_others_and_none(by: Principal, provider: str, tmp_path: Path) -> None:
    """Who is no member is told the very same of an album as of one that there is not, by every route that names one."""
    asked = 0
    with restorable(provider, tmp_path) as opened:
        for row in ROWS:
            if not names_the_album(row):
                continue
            answers = [request(opened.world, row, by, {ALBUM: album}) for album in (ALBUM, NOWHERE)]
            told = [(one.status_code, one.content, dict(one.headers)) for one in answers]
            assert told[0] == told[1], row.name
            assert told[0][0] == row.expected(by), row.name
            asked += told[0][0] == 404
    assert asked > 3


def test_matrix_is_whole() -> None:
    """Every route has a row, and every row a route."""
    assert {(row.method, row.path) for row in ROWS} == {(one.method, one.path) for one in ROUTES}
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert set(REQUESTS) <= {row.name for row in ROWS}
    assert {column for row in ROWS for column in row.cells} == {one.column for one in PRINCIPALS}
