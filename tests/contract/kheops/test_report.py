"""Reports, from the user who asks for one to the event that shows it (Kheops API 8.1, with 1.3 and 4.5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from albumcore import (
    ReportAdded,
    create_album,
    create_report_provider,
    delete_report_provider,
    edit_album,
    import_series,
)
from albumcore.ids import ReportProviderId, SeriesUID, StudyUID
from albumcore_adapters.base.settings import Compat
from support.dicom_files import RELATED, dicom_file, message
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    DAVE,
    MR,
    NOBODY,
    OTHER,
    SR,
    STUDY,
    Answer,
    World,
    email_of,
)
from support.kheops_cases import BAD_FORM, FORBIDDEN, NO_STUDY
from support.receiver import Answer as Sent
from support.scribe import (
    ELSEWHERE,
    ROOT,
    SCRIBE,
    Scribe,
    bearing,
    landed,
    open_reporting_world,
    page_of,
    scribing,
    start,
)

COVERS = (
    "POST /report",
    "GET /.well-known/report-provider-configuration",
    "POST /token",
    "PUT /studies/{study}/series/{series}",
    "POST /studies",
)

NO_CLIENT = "Client ID not found"
CONFIGURATION = "/.well-known/report-provider-configuration"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world to report in."""
    made = open_reporting_world(tmp_path)
    yield made
    made.service.close()


@pytest.fixture
def scribe(world: World) -> Iterator[Scribe]:
    """A report provider of the album, which gets a code."""
    with scribing() as made:
        made.join(world)
        yield made


@pytest.fixture
def hasty(world: World) -> Iterator[Scribe]:
    """A report provider of the album, which gets a token at once."""
    with scribing(response_type="token") as made:
        made.join(world)
        yield made


def told(answer: Answer) -> tuple[int, str]:
    """Status and message of an error."""
    assert list(answer.json) == ["message", "detail", "help"]
    return answer.status_code, answer.json["message"]


@pytest.mark.parametrize("compat", ["documented", "upstream"])
def test_report_from_top_to_bottom(compat: Compat, tmp_path: Path) -> None:
    """Asked for by Bob, sent to the provider, redeemed, uploaded: and the events say who, through whom, and what."""
    world = open_reporting_world(tmp_path, compat)
    with scribing() as scribe:
        scribe.join(world)
        token = scribe.token(world, BOB)
        before = world.position()
        answer = world.request(None, "PUT", f"/studies/{STUDY}/series/{SR}", headers=bearing(token))
    world.store({SR: "SR"}, owner=BOB, series_description="What Scribe saw")
    # What comes through a token is nobody's word: who has the images puts them there.
    world.request(BOB, "PUT", f"/studies/{STUDY}/series/{SR}/albums/{ALBUM}")
    assert (answer.status_code, answer.content) == (201, b"")
    assert world.news(before) == [ReportAdded(STUDY, SR)]
    shown = world.events(ALICE, types="mutations", limit="1")[0]
    world.service.close()
    bob = {"email": email_of(BOB), "name": "Bob", "sub": BOB, "can_access": True}
    series = {"UID": SR, "description": "What Scribe saw"}
    provider = {"name": "Scribe", "is_removed": False}
    assert shown.pop("post_date").startswith("2026-03-01T12:")
    assert (
        shown
        == {
            "documented": {
                "event_type": "Mutation",
                "source": bob | {"report_provider": provider | {"id": SCRIBE}},
                "mutation_type": "NEW_REPORT",
                "study": {"UID": STUDY, "description": "Knee"},
                "series": series,
            },
            "upstream": {
                "event_type": "Mutation",
                "source": bob
                | {"is_admin": False, "report_provider": provider | {"client_id": SCRIBE}},
                "mutation_type": "IMPORT_SERIES",
                "study": {
                    "UID": STUDY,
                    "description": "Knee",
                    "series": [series | {"is_present_in_album": True}],
                },
            },
        }[compat]
    )


@pytest.mark.parametrize(
    ("compat", "mutation", "key"),
    [("documented", "NEW_REPORT", "id"), ("upstream", "IMPORT_SERIES", "client_id")],
)
def test_report_with_its_file(compat: Compat, mutation: str, key: str, tmp_path: Path) -> None:
    """Its images make the series a report of the album; more of them record nothing, and it cannot name an album."""
    world = open_reporting_world(tmp_path, compat)
    with scribing() as scribe:
        scribe.join(world)
        headers = {**bearing(scribe.token(world, BOB)), "Content-Type": RELATED}

    def send(number: int, study: StudyUID = STUDY, album: str | None = None) -> Answer:
        body = message([dicom_file(study, SeriesUID(f"{study}.5"), f"{study}.5.{number}")])
        query = {} if album is None else {"album": album}
        return world.request(None, "POST", "/studies", None, query, headers, body)

    before = world.position()
    assert send(1, album=ALBUM).status_code == 403
    assert send(1, ELSEWHERE).status_code == 409
    assert world.news(before) == []
    assert [send(number).status_code for number in (1, 2, 2)] == [200] * 3
    assert world.news(before) == [ReportAdded(STUDY, SeriesUID(f"{STUDY}.5"))]
    shown = world.events(ALICE, types="mutations", limit="1")[0]
    assert (shown["mutation_type"], shown["source"]["sub"]) == (mutation, BOB)
    assert shown["source"]["report_provider"][key] == SCRIBE
    world.service.close()


def test_the_provider_is_asked_for_its_keys_last(world: World, scribe: Scribe) -> None:
    """Starting asks its configuration, redeeming asks it again, and then its keys."""
    scribe.token(world)
    assert scribe.receiver.paths == ["/config", "/config", "/keys"]


# The page that sends the browser away


def test_start_with_a_code(world: World, scribe: Scribe) -> None:
    """The browser brings the code, and where to ask, in the query; the page is for nobody to keep or frame."""
    world.act(ALICE, import_series, ELSEWHERE, MR)
    answer = start(world, BOB, STUDY, ELSEWHERE, STUDY)
    title, address = page_of(answer)
    assert (title, address.partition("?")[0]) == ("Scribe", scribe.redirect_uri)
    brought = landed(answer)
    assert urlsplit(address).fragment == ""
    [code] = brought.pop("code")
    assert code.count(".") == 2
    assert brought == {
        "client_id": [SCRIBE],
        "conf_uri": [f"{ROOT}{CONFIGURATION}"],
        "return_uri": [f"{ROOT}/albums/{ALBUM}"],
        "studyUID": [STUDY, ELSEWHERE],
    }
    shown = {name.lower(): value for name, value in answer.headers.items()}
    assert shown["cache-control"] == "no-store"
    assert shown["referrer-policy"] == "no-referrer"
    assert shown["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert shown["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("by", "adds", "scope"),
    [(BOB, True, "read write"), (BOB, False, "read"), (ALICE, False, "read write")],
)
def test_start_with_a_token(by: str, adds: bool, scope: str, world: World, hasty: Scribe) -> None:
    """The browser brings the token in the fragment; it writes if the user may add series."""
    world.act(ALICE, edit_album, flags={"add_series": adds})
    answer = start(world, by)
    address = urlsplit(page_of(answer)[1])
    assert (f"{address.scheme}://{address.netloc}{address.path}", address.query) == (
        hasty.redirect_uri,
        "",
    )
    brought = landed(answer)
    [token] = brought.pop("access_token")
    assert brought == {
        "token_type": ["bearer"],
        "expires_in": ["3600"],
        "scope": [scope],
        "client_id": [SCRIBE],
        "conf_uri": [f"{ROOT}{CONFIGURATION}"],
        "return_uri": [f"{ROOT}/albums/{ALBUM}"],
        "studyUID": [STUDY],
    }
    upload = world.request(None, "PUT", f"/studies/{STUDY}/series/{SR}", headers=bearing(token))
    assert upload.status_code == (201 if "write" in scope else 404)


def test_start_records_nothing(world: World, scribe: Scribe) -> None:
    """Neither asking for a report nor redeeming the code is an event."""
    before = world.position()
    scribe.token(world)
    assert world.news(before) == []


def test_page_of_a_provider_with_a_wicked_name(world: World) -> None:
    """Whatever an admin calls the provider, it is text on the page; whatever its address holds, it is one address."""
    name = "</title><script>alert(1)</script>\"'&amp;{address}"
    with scribing() as scribe:
        scribe.join(world, name)
        scribe.says(redirect_uri=f"{scribe.receiver.address}/a'b\"<>&lt;?x=1&y='#there")
        title, address = page_of(start(world, ALICE))
    assert title == name
    parts = urlsplit(address)
    assert parts.path == "/a'b\"<>&lt;"
    assert parts.query.startswith("x=1&y='&code=")
    assert parts.fragment == ""


def test_start_leads_nowhere_but_to_the_provider(world: World, scribe: Scribe) -> None:
    """Where the configuration points elsewhere by now, nobody is sent there, with a code least of all."""
    for wicked in (
        "https://elsewhere.example/report",
        f"{scribe.receiver.address}@elsewhere.example/",
        "javascript:alert(1)",
        "//elsewhere.example",
    ):
        scribe.says(redirect_uri=wicked)
        answer = start(world, ALICE)
        assert told(answer) == (400, BAD_FORM)
        assert "elsewhere" not in answer.text


@pytest.mark.parametrize(
    "says", [{"response_type": "id_token"}, {"response_type": None}, {"jwks_uri": None}]
)
def test_start_with_a_provider_that_is_not_good(
    says: dict[str, str | None], world: World, scribe: Scribe
) -> None:
    """A provider whose configuration was good once and is not any more is 400."""
    scribe.says(**says)
    assert told(start(world, ALICE)) == (400, BAD_FORM)


def test_start_with_a_provider_that_is_away(world: World, scribe: Scribe) -> None:
    """So is one that does not answer with a configuration at all."""
    scribe.receiver.answer(Sent(status=500), path="/config")
    assert told(start(world, ALICE)) == (400, BAD_FORM)


# Who may start a report, on what


@pytest.mark.parametrize(
    ("by", "others", "expected"),
    [
        (ALICE, {"access_token": None}, (400, BAD_FORM)),
        (ALICE, {"access_token": "x.y.z"}, (401, "Unauthorized")),
        (ALICE, {"access_token": "a" * 22}, (401, "Unauthorized")),
        (ALICE, {"studyUID": None}, (400, BAD_FORM)),
        (ALICE, {"studyUID": "1..2"}, (400, BAD_FORM)),
        (ALICE, {"studyUID": "1.2.4"}, (404, NO_STUDY)),
        (ALICE, {"studyUID": ELSEWHERE}, (404, NO_STUDY)),
        (ALICE, {"client_id": None}, (404, NO_CLIENT)),
        (ALICE, {"client_id": "t" * 22}, (404, NO_CLIENT)),
        (DAVE, {}, (403, FORBIDDEN)),
        (DAVE, {"client_id": "t" * 22}, (404, NO_CLIENT)),
        ("key", {}, (403, FORBIDDEN)),
    ],
)
def test_start_refused(
    by: str, others: dict[str, str | None], expected: tuple[int, str], world: World, scribe: Scribe
) -> None:
    """What is missing, unknown or not the caller's is refused, and the provider is not asked for anything."""
    world.album_token("key", read=True, write=True)
    assert told(start(world, by, **others)) == expected
    assert scribe.receiver.requests == []


def test_start_by_somebody_unknown(world: World, scribe: Scribe) -> None:
    """A sound token of somebody nobody knows is 404."""
    assert told(start(world, NOBODY)) == (404, "User Not Found")


def test_start_with_a_study_of_another_album(world: World, scribe: Scribe) -> None:
    """A study must be in the provider's own album; another one of the user's will not do."""
    world.act(ALICE, create_album, "Other", album=OTHER)
    world.act(ALICE, import_series, ELSEWHERE, MR, album=OTHER)
    assert told(start(world, ALICE, STUDY, ELSEWHERE)) == (404, NO_STUDY)


def test_start_with_a_provider_that_was_removed(world: World, scribe: Scribe) -> None:
    """A provider that was turned away is as unknown as any."""
    world.act(ALICE, delete_report_provider, SCRIBE)
    assert told(start(world, ALICE)) == (404, NO_CLIENT)


def test_start_with_too_many_studies(world: World, scribe: Scribe) -> None:
    """A token that would be too long to be shown is not made."""
    uids = [f"1.2.3.{'9' * 50}.{number}" for number in range(1, 300)]
    for uid in uids:
        world.act(ALICE, import_series, uid, f"{uid}.1")
    assert told(start(world, ALICE, *uids)) == (400, BAD_FORM)


def test_start_by_a_capability_token(world: World, scribe: Scribe) -> None:
    """A token that acts as a user starts a report, which ends with the token."""
    world.user_token("mine", BOB)
    token = scribe.token(world, "mine")
    assert world.request(None, "GET", f"/albums/{ALBUM}", headers=bearing(token)).status_code == 200
    shown = world.request(None, "POST", "/token/introspect", form={"token": token}).json
    assert (shown["sub"], shown["cap_token"]) == (BOB, "mine")
    code = scribe.code(world, "mine")
    assert world.request(BOB, "POST", "/capabilities/mine/revoke").status_code == 200
    assert world.request(None, "GET", f"/albums/{ALBUM}", headers=bearing(token)).status_code == 401
    assert scribe.redeem(world, code).json["error"] == "invalid_grant"


# What the provider is told of us


def test_configuration(world: World) -> None:
    """Anybody may read where everything is."""
    answer = world.request(None, "GET", CONFIGURATION)
    assert answer.status_code == 200
    assert answer.json == {
        "issuer": ROOT,
        "dicomweb_endpoint": ROOT,
        "dicomweb_uri_endpoint": f"{ROOT}/wado",
        "token_endpoint": f"{ROOT}/token",
        "introspection_endpoint": f"{ROOT}/token/introspect",
        "userinfo_endpoint": f"{ROOT}/userinfo",
        "grant_types_supported": ["authorization_code", "implicit"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "introspection_endpoint_auth_methods_supported": ["none"],
        "response_types_supported": ["code", "token"],
        "response_modes_supported": ["query", "fragment"],
    }


def test_report_below_a_prefix(tmp_path: Path) -> None:
    """Where the service is reached elsewhere, everything it tells of itself is there, and an assertion names it."""
    root = "https://kheops.example"
    world = open_reporting_world(tmp_path, public_url=root, kheops_prefix="/api")
    with scribing() as scribe:
        scribe.join(world)
        told_of_us = world.request(None, "GET", f"/api{CONFIGURATION}").json
        assert (told_of_us["issuer"], told_of_us["dicomweb_endpoint"]) == (root, f"{root}/api")
        assert told_of_us["token_endpoint"] == f"{root}/api/token"
        brought = landed(start(world, ALICE))
        assert brought["conf_uri"] == [f"{root}/api{CONFIGURATION}"]
        assert brought["return_uri"] == [f"{root}/albums/{ALBUM}"]
        form = {
            "grant_type": "authorization_code",
            "code": brought["code"][0],
            "client_id": SCRIBE,
            "redirect_uri": scribe.redirect_uri,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }
        for audience, status in ((f"{root}/token", 400), (f"{root}/api/token", 200)):
            form["client_assertion"] = scribe.assertion(world, aud=audience)
            assert world.request(None, "POST", "/api/token", form=form).status_code == status
    world.service.close()


def test_two_providers_of_one_server(world: World, scribe: Scribe) -> None:
    """A code of one provider is none of another's, were they to share a server and its keys."""
    other = ReportProviderId("t" * 22)
    url = f"{scribe.receiver.address}/config"
    world.act(ALICE, create_report_provider, other, "Other", url)
    code = scribe.code(world)
    assertion = scribe.assertion(world, iss=other, sub=other)
    answer = scribe.redeem(world, code, client_id=other, client_assertion=assertion)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")
