"""``X-Authorization-Source``, a second token, which lends what its album holds (Kheops API 4 and 9)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from albumcore import (
    Album,
    Event,
    Grants,
    SeriesImported,
    StudyImported,
    create_album,
    create_report_provider,
    delete_album,
    edit_album,
    import_study,
    issue_capability_token,
    revoke_capability_token,
)
from albumcore.ids import ReportProviderId
from albumcore_adapters.identity.service_tokens import (
    Report,
    Viewer,
    report_token,
    viewer_token,
)
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    CT,
    DAVE,
    MR,
    NOBODY,
    NOWHERE,
    OTHER,
    SR,
    STUDY,
    Answer,
    World,
    digest_of,
)
from support.kheops_cases import BAD_QUERY, FORBIDDEN, NO_ALBUM, NO_SERIES, NO_STUDY

COVERS = (
    "PUT /studies/{study}",
    "PUT /studies/{study}/series/{series}",
    "PUT /studies/{study}/albums/{album}",
    "PUT /studies/{study}/series/{series}/albums/{album}",
)

OF_STUDY = f"/studies/{STUDY}"
OF_CT = f"/studies/{STUDY}/series/{CT}"
STUDY_THERE = f"{OF_STUDY}/albums/{ALBUM}"
CT_THERE = f"{OF_CT}/albums/{ALBUM}"

TAKING = [OF_STUDY, OF_CT, STUDY_THERE, CT_THERE]
"""Where the header is taken, each by PUT."""

LENDER = "lender"


@pytest.fixture
def lending(world: World) -> World:
    """Dave's album holds the CT and the MR; a token of it lends them. Bob has none of it."""
    world.act(DAVE, create_album, "Other", album=OTHER)
    world.store({CT: "CT", MR: "MR"}, owner=DAVE)
    world.act(DAVE, import_study, STUDY, [CT, MR], album=OTHER)
    world.album_token(LENDER, DAVE, OTHER, read=True, appropriate=True)
    return world


def told(answer: Answer) -> tuple[int, str | None]:
    """The status, and the message of an error."""
    return answer.status_code, answer.json["message"] if answer.content else None


@pytest.mark.parametrize("path", TAKING)
def test_without_the_lender(path: str, lending: World) -> None:
    """What a lender lends cannot be taken without it."""
    query = {"inbox": "true"} if path == STUDY_THERE else {}
    assert lending.request(BOB, "PUT", path, query=query).status_code in (403, 404)


@pytest.mark.parametrize(
    ("path", "event"),
    [
        (STUDY_THERE, StudyImported(STUDY, (CT, MR))),
        (CT_THERE, SeriesImported(STUDY, CT)),
    ],
)
def test_into_an_album(path: str, event: Event[Album], lending: World) -> None:
    """What is lent comes into the album, once, by the caller; the history does not name the lender."""
    before = lending.position()
    for _ in range(2):
        assert told(lending.request(BOB, "PUT", path, headers=lending.lent_by(LENDER))) == (
            201,
            None,
        )
    assert lending.news(before) == [event]
    source = lending.events(ALICE, limit="1")[0]["source"]
    assert list(source) == ["email", "name", "sub", "can_access", "is_admin"]
    assert source["sub"] == BOB


@pytest.mark.parametrize(("path", "taken"), [(OF_STUDY, {CT, MR}), (OF_CT, {CT})])
def test_into_the_inbox(path: str, taken: set[str], lending: World) -> None:
    """What is lent comes into the caller's inbox, of which there is no history."""
    before = lending.position()
    assert told(lending.request(BOB, "PUT", path, headers=lending.lent_by(LENDER))) == (201, None)
    assert lending.service.inbox.contents(lending.user(BOB)) == {STUDY: taken}
    assert lending.news(before) == []


@pytest.mark.parametrize(
    ("path", "event"),
    [
        (OF_STUDY, StudyImported(STUDY, (CT, MR))),
        (OF_CT, SeriesImported(STUDY, CT)),
    ],
)
def test_into_the_album_of_a_token(path: str, event: Event[Album], lending: World) -> None:
    """A token of an album that may write takes what is lent into its album; the history names it, not the lender."""
    token, before = lending.album_token("up", write=True), lending.position()
    for _ in range(2):
        assert told(lending.request(token, "PUT", path, headers=lending.lent_by(LENDER))) == (
            201,
            None,
        )
    assert lending.news(before) == [event]
    source = lending.events(ALICE, limit="1")[0]["source"]
    assert (source["sub"], source["capability_token"]["id"]) == (ALICE, "up")


@pytest.mark.parametrize("path", [OF_STUDY, OF_CT])
def test_into_the_album_of_a_token_that_may_not_write(path: str, lending: World) -> None:
    """Being lent something does not let a token write."""
    token = lending.album_token("look", read=True, appropriate=True)
    answer = lending.request(token, "PUT", path, headers=lending.lent_by(LENDER))
    assert told(answer) == (403, FORBIDDEN)


@pytest.mark.parametrize("path", TAKING)
def test_basic(path: str, lending: World) -> None:
    """The lender comes as Bearer alone: the password of Basic is none."""
    secret = lending.lent_by(LENDER)["X-Authorization-Source"].removeprefix("Bearer ")
    header = f"basic {base64.b64encode(f'x:{secret}'.encode()).decode()}"
    answer = lending.request(BOB, "PUT", path, headers={"X-Authorization-Source": header})
    assert told(answer) == (401, "Unauthorized")


@pytest.mark.parametrize("path", TAKING)
@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "x", "Token x", "Bearer a b", "Basic !", "Basic eA=="]
)
def test_malformed(header: str, path: str, lending: World) -> None:
    """A header that is malformed is 401, and nothing is taken."""
    before = lending.position()
    answer = lending.request(BOB, "PUT", path, headers={"X-Authorization-Source": header})
    assert told(answer) == (401, "Unauthorized")
    assert answer.headers["www-authenticate"] == "Basic, Bearer"
    assert lending.news(before) == []
    assert lending.service.inbox.contents(lending.user(BOB)) == {}


def _without_appropriate(world: World) -> Mapping[str, str]:
    token = world.album_token("look", DAVE, OTHER, read=True, write=True, download=True)
    return world.lent_by(token)


def _revoked(world: World) -> Mapping[str, str]:
    world.act(DAVE, revoke_capability_token, LENDER, album=OTHER)
    return world.lent_by(LENDER)


def _expired(world: World) -> Mapping[str, str]:
    secret, grants = "f" * 22, Grants(read=True, appropriate=True)
    until = world.clock.now + timedelta(seconds=30)
    issue = issue_capability_token
    about = "f", digest_of(secret), "x", grants
    world.act(DAVE, issue, *about, expires_at=until, album=OTHER)
    world.clock.tick(60)
    return {"X-Authorization-Source": f"Bearer {secret}"}


def _of_nobody_known(world: World) -> Mapping[str, str]:
    album = create_album, "Of nobody"
    world.act(NOBODY, *album, album=NOWHERE)
    world.act(NOBODY, import_study, STUDY, [CT], album=NOWHERE)
    return world.lent_by(world.album_token("nobodys", NOBODY, NOWHERE, read=True, appropriate=True))


def _of_a_deleted_album(world: World) -> Mapping[str, str]:
    world.act(DAVE, delete_album, album=OTHER)
    return world.lent_by(LENDER)


def _reporting(world: World) -> Mapping[str, str]:
    provider = ReportProviderId("p1")
    world.act(DAVE, create_report_provider, provider, "P", "https://p.example", album=OTHER)
    report = Report(DAVE, provider, (STUDY,))
    token = report_token(world.service.auth.issuer, report, world.clock.now)
    return {"X-Authorization-Source": f"Bearer {token}"}


def _viewing(world: World) -> Mapping[str, str]:
    viewer = Viewer(world.token(DAVE), STUDY, ("read", "write"), OTHER)
    token = viewer_token(world.service.auth.issuer, viewer, world.clock.now)
    return {"X-Authorization-Source": f"Bearer {token}"}


BAD_LENDERS: dict[str, Callable[[World], Mapping[str, str]]] = {
    "no_such_token": lambda world: {"X-Authorization-Source": f"Bearer {'x' * 22}"},
    "no_token_of_any_kind": lambda world: {"X-Authorization-Source": "Bearer x.y.z"},
    "person": lambda world: world.lent_by(DAVE),
    "person_unknown": lambda world: world.lent_by(NOBODY),
    "acts_as_a_user": lambda world: world.lent_by(world.user_token("daves", DAVE)),
    "without_appropriate": _without_appropriate,
    "revoked": _revoked,
    "expired": _expired,
    "of_nobody_known": _of_nobody_known,
    "of_a_deleted_album": _of_a_deleted_album,
    "report_provider": _reporting,
    "viewer": _viewing,
}


@pytest.mark.parametrize("path", TAKING)
@pytest.mark.parametrize("name", BAD_LENDERS)
def test_bad_lender(name: str, path: str, lending: World) -> None:
    """A token that is not good, is not of an album, or may not appropriate lends nothing: 403."""
    headers = BAD_LENDERS[name](lending)
    before = lending.position()
    assert told(lending.request(BOB, "PUT", path, headers=headers)) == (403, FORBIDDEN)
    assert lending.news(before) == []
    assert lending.service.inbox.contents(lending.user(BOB)) == {}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/studies/9.9", NO_STUDY),
        (f"/studies/{STUDY}/series/{SR}", NO_SERIES),
        (f"/studies/9.9/series/{CT}", NO_SERIES),
        (f"/studies/9.9/albums/{ALBUM}", NO_STUDY),
        (f"/studies/{STUDY}/series/{SR}/albums/{ALBUM}", NO_SERIES),
        (f"/studies/9.9/series/{CT}/albums/{ALBUM}", NO_SERIES),
    ],
)
def test_what_the_lender_does_not_have(path: str, message: str, lending: World) -> None:
    """What is not in the lender's album is 404, even if it is new, or the caller's own."""
    lending.store({SR: "SR"}, owner=BOB)
    headers = lending.lent_by(LENDER)
    assert told(lending.request(BOB, "PUT", path, headers=headers)) == (404, message)


@pytest.mark.parametrize("query", [{"inbox": "true"}, {"album": ALBUM}, {"inbox": "x"}])
def test_lender_settles_the_source(query: dict[str, str], lending: World) -> None:
    """Adding a study to an album, the lender is the source, whatever else the query names."""
    lending.store({SR: "SR"}, owner=BOB)
    before = lending.position()
    answer = lending.request(BOB, "PUT", STUDY_THERE, query=query, headers=lending.lent_by(LENDER))
    assert answer.status_code == 201
    assert lending.news(before) == [StudyImported(STUDY, (CT, MR))]


@pytest.mark.parametrize("path", [OF_STUDY, STUDY_THERE, CT_THERE])
def test_album_in_the_query_beside_a_lender(path: str, lending: World) -> None:
    """An album in the query must be there for the caller all the same."""
    headers = lending.lent_by(LENDER)
    answer = lending.request(BOB, "PUT", path, query={"album": OTHER}, headers=headers)
    assert told(answer) == (404, NO_ALBUM)


@pytest.mark.parametrize("by", [BOB, "up"])
def test_study_into_the_inbox_from_one_source(by: str, lending: World) -> None:
    """Taking a study, the lender and an album are two sources: 400."""
    lending.album_token("up", read=True, write=True, appropriate=True)
    headers = lending.lent_by(LENDER)
    answer = lending.request(by, "PUT", OF_STUDY, query={"album": ALBUM}, headers=headers)
    assert told(answer) == (400, BAD_QUERY)


def test_no_right_to_send_comes_before_two_sources(lending: World) -> None:
    """Whoever may not send from the album that he names beside a lender learns that, and nothing else."""
    lending.act(ALICE, edit_album, flags={"send_series": False})
    headers = lending.lent_by(LENDER)
    answer = lending.request(BOB, "PUT", OF_STUDY, query={"album": ALBUM}, headers=headers)
    assert told(answer) == (403, FORBIDDEN)


@pytest.mark.parametrize("path", [STUDY_THERE, CT_THERE])
def test_right_to_add_is_the_callers(path: str, lending: World) -> None:
    """A lender gives no right to add; that is looked at before the lender."""
    lending.act(ALICE, edit_album, flags={"add_series": False})
    for headers in (lending.lent_by(LENDER), {"X-Authorization-Source": "x"}):
        assert told(lending.request(BOB, "PUT", path, headers=headers)) == (403, FORBIDDEN)
    assert lending.request(CAROL, "PUT", path, headers=lending.lent_by(LENDER)).status_code == 201


@pytest.mark.parametrize("path", TAKING)
def test_lending_is_a_use(path: str, lending: World) -> None:
    """A token that lends is used."""
    lending.request(BOB, "PUT", path, headers=lending.lent_by(LENDER))
    assert lending.service.token_last_uses.last_used([LENDER]) == {LENDER: lending.clock.now}
