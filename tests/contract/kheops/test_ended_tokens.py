"""All tokens of a user ended at once, by the second they were issued in (Kheops API 1)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from joserfc import jws

from albumcore import create_report_provider, import_series
from albumcore.ids import CapabilityTokenId
from albumcore_adapters.identity.issuing import end_all, issue
from albumcore_adapters.identity.jwks import embedded_key
from albumcore_adapters.identity.service_tokens import (
    Report,
    Viewer,
    report_token,
    viewer_token,
)
from albumcore_adapters.service import open_service
from support.kheops import ALBUM, ALICE, BOB, CAROL, CT, STUDY, World, email_of
from support.scribe import SCRIBE, bearing, exchange, open_reporting_world, refusal, scribing

COVERS = ("GET /albums/{album}/events", "POST /register", "POST /token", "POST /token/introspect")

EVENTS = f"/albums/{ALBUM}/events"


def status(world: World, token: str, path: str = EVENTS) -> int:
    """What a GET is answered, without any time going by."""
    return world.client.simulate_get(path, headers=bearing(token)).status_code


def end(world: World, sub: str = BOB) -> None:
    """End all tokens of somebody, as the command does: in another process, half a second later."""
    world.clock.tick(0.5)
    with closing(open_service(world.service.settings, clock=world.clock)) as another:
        end_all(another.auth, sub, another.clock())


def test_every_token_issued_until_then_is_ended(world: World) -> None:
    """At once, where it was verified and its answer is at hand, where it was not, and whatever is asked."""
    shown, fresh = world.token(BOB), world.token(BOB, ttl=3600)
    others = world.token(CAROL)
    assert [status(world, shown), status(world, shown), status(world, others)] == [200, 200, 200]
    end(world)
    assert [status(world, shown), status(world, fresh), status(world, others)] == [401, 401, 200]
    answer = world.request(None, "POST", "/albums", {"name": "x"}, headers=bearing(shown))
    assert answer.status_code == 401
    registered = world.request(None, "POST", "/register", {"access_token": shown})
    assert (registered.status_code, registered.json["detail"][:13]) == (400, "access_token:")
    assert world.request(None, "POST", "/register", {"access_token": others}).status_code == 200
    asked = [
        world.request(None, "POST", "/token/introspect", {"token": one}) for one in (shown, others)
    ]
    assert (asked[0].json, asked[1].status_code) == ({"active": False}, 401)


def test_a_token_issued_after_it_is_good(world: World) -> None:
    """One of the service at once, and any other from the next second on; to end them again ends that one too."""
    world.clock.tick(0.25)
    before = world.token(BOB)
    end(world)
    same_second = world.token(BOB)
    ours = issue(world.service.auth, BOB, email_of(BOB), "Bob", 3600)
    assert [status(world, one) for one in (before, same_second, ours)] == [401, 401, 200]
    end(world)
    assert status(world, ours) == 401
    ours = issue(world.service.auth, BOB, email_of(BOB), "Bob", 3600)
    world.clock.tick(2)
    later = world.token(BOB)
    assert [status(world, one) for one in (ours, later)] == [200, 200]
    end(world)
    assert [status(world, one) for one in (ours, later)] == [401, 401]


def test_the_floor_is_not_lowered(world: World) -> None:
    """A clock that was set back ends nothing anew, and brings nothing back."""
    token = world.token(BOB)
    world.clock.tick(10)
    end(world)
    world.clock.tick(-100)
    end(world)
    assert status(world, token) == 401


@pytest.mark.parametrize("issued_at", [None, "1", True])
def test_a_token_that_does_not_say_when_it_was_issued(issued_at: Any, world: World) -> None:
    """It is older than any floor, and good as long as there is none."""
    told: dict[str, Any] = {"iss": "albumcore", "aud": "albumcore", "sub": BOB}
    told |= {"exp": int(world.clock.now.timestamp()) + 3600}
    told |= {} if issued_at is None else {"iat": issued_at}
    key = embedded_key(world.service.secret)
    token = jws.serialize_compact({"alg": "HS256"}, orjson.dumps(told), key)
    assert status(world, token) == 200
    end(world, CAROL)
    assert status(world, token) == 200
    end(world)
    assert status(world, token) == 401


# What was made of a token


@pytest.fixture
def reported(world: World) -> World:
    """A study and a report provider are in the album."""
    world.store({CT: "CT"}, owner=ALICE)
    world.act(ALICE, import_series, STUDY, CT)
    world.act(ALICE, create_report_provider, SCRIBE, "Scribe", "https://scribe.example/c")
    return world


def test_a_viewer_token_ends_with_the_token_in_it(reported: World) -> None:
    """And none is made of an ended one; one that was made of a capability token goes on."""
    world = reported
    key = world.user_token("own", BOB)
    issuer, at = world.service.auth.issuer, world.clock.now
    of_jwt, of_key = (
        viewer_token(issuer, Viewer(world.token_of(by), STUDY, ("read",)), at) for by in (BOB, key)
    )
    assert [status(world, one, "/studies") for one in (of_jwt, of_key)] == [200, 200]
    end(world)
    assert [status(world, one, "/studies") for one in (of_jwt, of_key)] == [401, 200]
    assert refusal(exchange(world, BOB)) == "invalid_request"
    assert exchange(world, ALICE).status_code == 200


def test_a_report_token_ends_with_the_tokens_of_its_user(reported: World) -> None:
    """One that was asked for through a capability token ends with that instead; a new one is good."""
    world = reported
    key = CapabilityTokenId(world.user_token("own", BOB))
    issuer, report = world.service.auth.issuer, Report(BOB, SCRIBE, (STUDY,))
    through = Report(BOB, SCRIBE, (STUDY,), capability_token=key)
    tokens = [report_token(issuer, one, world.clock.now) for one in (report, through)]
    tokens.append(report_token(issuer, Report(ALICE, SCRIBE, (STUDY,)), world.clock.now))
    assert [status(world, one, "/studies") for one in tokens] == [200, 200, 200]
    end(world)
    assert [status(world, one, "/studies") for one in tokens] == [401, 200, 200]
    world.clock.tick()
    assert status(world, report_token(issuer, report, world.clock.now), "/studies") == 200


def test_a_code_ends_with_the_tokens_of_its_user(tmp_path: Path) -> None:
    """A report provider that was sent one before gets no token for it."""
    world = open_reporting_world(tmp_path)
    with closing(world.service), scribing() as scribe:
        scribe.join(world)
        code, other = scribe.code(world, BOB), scribe.code(world, ALICE)
        end(world)
        world.clock.tick()
        assert refusal(scribe.redeem(world, code)) == "invalid_grant"
        assert scribe.redeem(world, other).status_code == 200


def test_capability_tokens_go_on(world: World) -> None:
    """Each is revoked by itself."""
    own, shared = world.user_token("own", ALICE), world.album_token("shared", read=True)
    end(world, ALICE)
    assert status(world, world.token_of(own)) == 200
    assert status(world, world.token_of(shared), f"/albums/{ALBUM}") == 200
