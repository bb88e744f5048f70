"""Inboxes, sending, and uploads through the capability tokens of an album (Kheops API 4.5 and 9)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from albumcore import (
    CapabilityTokenIssued,
    ReportAdded,
    SeriesImported,
    SeriesRemoved,
    StudyRemoved,
    create_album,
    create_report_provider,
    demote_admin,
    import_series,
    import_study,
    remove_series,
)
from albumcore.ids import AlbumId, ReportProviderId, StudyUID
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
    email_of,
)
from support.kheops_cases import (
    BAD_QUERY,
    FORBIDDEN,
    NO_ALBUM,
    NO_SERIES,
    NO_STUDY,
    NO_USER,
    Case,
    check,
    each,
    flags,
    held,
)

COVERS = (
    "GET /inboxinfo",
    "PUT /studies/{study}",
    "DELETE /studies/{study}",
    "PUT /studies/{study}/series/{series}",
    "DELETE /studies/{study}/series/{series}",
    "PUT /studies/{study}/users/{user}",
    "PUT /studies/{study}/series/{series}/users/{user}",
)

OF_STUDY = f"/studies/{STUDY}"
OF_CT = f"/studies/{STUDY}/series/{CT}"
OF_MR = f"/studies/{STUDY}/series/{MR}"
TO_CAROL = f"/users/{CAROL}"

IN_ALBUM: dict[str, str] = {"album": ALBUM}
IN_INBOX = {"inbox": "true"}
FOR_GOOD = {"Admin-Action": "permanent"}

# What is in the world of a case: Bob has the CT in his inbox, Dave the MR and the SR in his.

TAKING = [
    Case("study of an album", ALICE, f"PUT {OF_STUDY}", 201, query=IN_ALBUM, given=held(CT, SR)),
    Case("study from nowhere", ALICE, f"PUT {OF_STUDY}", 404, NO_STUDY, given=held(CT)),
    Case("study not seen", ALICE, f"PUT {OF_STUDY}", 403, NO_STUDY, query=IN_ALBUM),
    Case("study not in the album", BOB, f"PUT {OF_STUDY}", 404, NO_STUDY, query=IN_ALBUM),
    Case(
        "no right to send the study",
        BOB,
        f"PUT {OF_STUDY}",
        403,
        FORBIDDEN,
        query=IN_ALBUM,
        given=[*held(CT), *flags(send_series=False)],
    ),
    Case("study of no album", BOB, f"PUT {OF_STUDY}", 404, NO_ALBUM, query={"album": NOWHERE}),
    Case("no study UID", BOB, "PUT /studies/x", 400, BAD_QUERY, query={"album": NOWHERE}),
    Case("series of one's own", BOB, f"PUT {OF_CT}", 201),
    Case("series that is new", ALICE, f"PUT /studies/{STUDY}/series/1.2.3.9", 201),
    Case("series of an album", ALICE, f"PUT {OF_CT}", 201, given=held(CT)),
    Case("series of others", ALICE, f"PUT {OF_CT}", 404, NO_SERIES),
    Case(
        "series of an album not to be sent from",
        CAROL,
        f"PUT {OF_CT}",
        404,
        NO_SERIES,
        given=[
            *held(CT),
            (ALICE, demote_admin, {"target": CAROL}),
            *flags(send_series=False),
        ],
    ),
    Case("series of another study", BOB, f"PUT /studies/9.9/series/{CT}", 404, NO_SERIES),
    Case("no series UID", BOB, f"PUT /studies/{STUDY}/series/1.02", 400, BAD_QUERY),
]

LEAVING = [
    Case("study", BOB, f"DELETE {OF_STUDY}", 204),
    Case("study that is not there", ALICE, f"DELETE {OF_STUDY}", 404, NO_STUDY),
    Case(
        "study seen in an album alone",
        ALICE,
        f"DELETE {OF_STUDY}",
        404,
        NO_STUDY,
        given=held(CT),
    ),
    Case("study for good", BOB, f"DELETE {OF_STUDY}", 403, FORBIDDEN, headers=FOR_GOOD),
    Case("no study UID", BOB, "DELETE /studies/x", 400, BAD_QUERY),
    Case("series", BOB, f"DELETE {OF_CT}", 204),
    Case("series that is not there", BOB, f"DELETE {OF_MR}", 404, NO_SERIES),
    Case("series of another study", BOB, f"DELETE /studies/9.9/series/{CT}", 404, NO_SERIES),
    Case("series for good", BOB, f"DELETE {OF_CT}", 403, FORBIDDEN, headers=FOR_GOOD),
    Case("no series UID", BOB, f"DELETE /studies/{STUDY}/series/x", 400, BAD_QUERY),
]

SENDING = [
    Case("study of the inbox", BOB, f"PUT {OF_STUDY}{TO_CAROL}", 201, query=IN_INBOX),
    Case(
        "study of an album",
        BOB,
        f"PUT {OF_STUDY}/users/{email_of(DAVE).upper()}",
        201,
        query=IN_ALBUM | {"inbox": "false"},
        given=held(CT),
    ),
    Case(
        "study of an album to oneself",
        ALICE,
        f"PUT {OF_STUDY}/users/{ALICE}",
        201,
        query=IN_ALBUM,
        given=held(CT),
    ),
    Case(
        "study of the inbox to oneself",
        BOB,
        f"PUT {OF_STUDY}/users/{BOB}",
        400,
        BAD_QUERY,
        query=IN_INBOX,
    ),
    Case("study from nowhere", BOB, f"PUT {OF_STUDY}{TO_CAROL}", 400, BAD_QUERY),
    Case(
        "study, inbox is false",
        BOB,
        f"PUT {OF_STUDY}{TO_CAROL}",
        400,
        BAD_QUERY,
        query={"inbox": "false"},
    ),
    Case(
        "study from two places",
        BOB,
        f"PUT {OF_STUDY}{TO_CAROL}",
        400,
        BAD_QUERY,
        query=IN_ALBUM | IN_INBOX,
    ),
    Case(
        "study that is not in the inbox",
        ALICE,
        f"PUT {OF_STUDY}{TO_CAROL}",
        404,
        NO_STUDY,
        query=IN_INBOX,
    ),
    Case(
        "study that is not in the album",
        BOB,
        f"PUT {OF_STUDY}{TO_CAROL}",
        404,
        NO_STUDY,
        query=IN_ALBUM,
    ),
    Case(
        "study without the right",
        BOB,
        f"PUT {OF_STUDY}{TO_CAROL}",
        403,
        FORBIDDEN,
        query=IN_ALBUM,
        given=[*held(CT), *flags(send_series=False)],
    ),
    Case(
        "study of no album",
        BOB,
        f"PUT {OF_STUDY}{TO_CAROL}",
        404,
        NO_ALBUM,
        query={"album": NOWHERE},
    ),
    Case(
        "study to nobody known",
        BOB,
        f"PUT {OF_STUDY}/users/{NOBODY}",
        404,
        NO_USER,
        query=IN_INBOX,
    ),
    Case("series of the inbox", BOB, f"PUT {OF_CT}{TO_CAROL}", 201),
    Case("series of an album", ALICE, f"PUT {OF_CT}{TO_CAROL}", 201, given=held(CT)),
    Case("series not seen", ALICE, f"PUT {OF_CT}{TO_CAROL}", 404, NO_SERIES),
    Case(
        "series that nobody has",
        BOB,
        f"PUT /studies/{STUDY}/series/1.2.3.9{TO_CAROL}",
        404,
        NO_SERIES,
    ),
    Case(
        "series seen, not to be sent",
        BOB,
        f"PUT {OF_MR}{TO_CAROL}",
        404,
        NO_SERIES,
        given=[*held(MR), *flags(send_series=False)],
    ),
    Case(
        "series not one's own comes before nobody known",
        ALICE,
        f"PUT {OF_CT}/users/{NOBODY}",
        404,
        NO_SERIES,
    ),
    Case("series to nobody known", BOB, f"PUT {OF_CT}/users/{NOBODY}", 404, NO_USER),
]


@pytest.mark.parametrize("case", each(TAKING))
def test_take(case: Case, world: World) -> None:
    """Taking into one's inbox is 201 and records nothing; what is taken must be there, and one's own to take."""
    check(case, world)


@pytest.mark.parametrize("case", each(LEAVING))
def test_leave(case: Case, world: World) -> None:
    """Taking out of one's inbox is 204 and records nothing; it must be in there."""
    check(case, world)


@pytest.mark.parametrize("case", each(SENDING))
def test_send(case: Case, world: World) -> None:
    """Sending is 201 and records nothing; it takes one source, the right to send from there, and somebody known."""
    check(case, world)


# What is where afterwards


def _inbox(world: World, by: str) -> Mapping[str, set[str]]:
    contents = world.service.inbox.contents(world.user(by))
    return {str(study): set(map(str, series)) for study, series in contents.items()}


def test_taken_study(world: World) -> None:
    """What is taken is what the named album holds of the study, beside what is in the inbox already."""
    world.store({SR: "SR"}, owner=ALICE)
    world.act(ALICE, import_study, STUDY, [CT, MR])
    world.act(ALICE, create_album, "Other", album=OTHER)
    world.act(ALICE, import_series, STUDY, "1.2.3.4", album=OTHER)
    at = world.last_event_at()
    for _ in range(2):
        assert world.request(ALICE, "PUT", OF_STUDY, query=IN_ALBUM).status_code == 201
        assert _inbox(world, ALICE) == {STUDY: {CT, MR, SR}}
    assert world.last_event_at() == at


def test_new_series_is_noted(world: World) -> None:
    """A series new to the server may be taken by anybody: it is a placeholder in his inbox from then on."""
    assert world.request(DAVE, "PUT", OF_CT).status_code == 201
    assert _inbox(world, DAVE) == {STUDY: {CT}}
    assert not world.service.catalogue.series([CT])[CT].populated
    assert world.request(ALICE, "PUT", OF_CT).status_code == 201


def test_orphan_may_be_taken(world: World) -> None:
    """A series that left its last inbox is nobody's, and anybody's to take."""
    world.store({CT: "CT"}, owner=BOB)
    assert world.request(DAVE, "PUT", OF_CT).status_code == 404
    world.request(BOB, "DELETE", OF_CT)
    assert world.request(DAVE, "PUT", OF_CT).status_code == 201


def test_refused_series_leaves_nothing(world: World) -> None:
    """A series that is refused is not noted, nor is its study."""
    world.act(DAVE, create_album, "Other", album=OTHER)
    world.act(DAVE, import_series, STUDY, CT, album=OTHER)
    assert world.request(BOB, "PUT", OF_CT).status_code == 404
    assert not world.service.catalogue.series_exists(CT)
    assert not world.service.catalogue.study_exists(STUDY)


@pytest.mark.parametrize(("path", "left"), [(OF_STUDY, {}), (OF_CT, {STUDY: {MR}})])
def test_leaving_is_out_of_the_inbox_alone(
    path: str, left: Mapping[str, set[str]], world: World
) -> None:
    """What leaves an inbox stays in albums and in the inboxes of others."""
    world.store({CT: "CT", MR: "MR"}, owner=BOB)
    world.store({CT: "CT", MR: "MR"}, owner=DAVE)
    world.act(BOB, import_study, STUDY, [CT, MR])
    assert world.request(BOB, "DELETE", path).status_code == 204
    assert _inbox(world, BOB) == left
    assert _inbox(world, DAVE) == {STUDY: {CT, MR}}
    assert world.state().studies == {STUDY: {CT, MR}}


def test_sent_series_are_in_the_inbox(world: World) -> None:
    """What is sent is in the target's inbox, beside what was there; no event, and the album's time stays."""
    world.store({CT: "CT", MR: "MR"}, owner=BOB)
    world.store({SR: "SR"}, owner=DAVE)
    world.act(ALICE, import_study, STUDY, [CT])
    before, at = world.position(), world.last_event_at()
    world.request(BOB, "PUT", f"{OF_STUDY}/users/{DAVE}", query=IN_ALBUM)
    assert _inbox(world, DAVE) == {STUDY: {CT, SR}}
    world.request(BOB, "PUT", f"{OF_MR}/users/{DAVE}")
    assert _inbox(world, DAVE) == {STUDY: {CT, MR, SR}}
    world.request(BOB, "PUT", f"{OF_STUDY}{TO_CAROL}", query=IN_INBOX)
    assert _inbox(world, CAROL) == {STUDY: {CT, MR}}
    assert (world.position(), world.last_event_at()) == (before, at)


def test_sent_series_can_be_seen_and_added(world: World) -> None:
    """Whoever was sent a series of a study sees the study, and may add what he has of it."""
    world.store({CT: "CT", MR: "MR"}, owner=DAVE)
    comments = f"{OF_STUDY}/comments"
    assert world.request(BOB, "GET", comments).status_code == 403
    world.request(DAVE, "PUT", f"{OF_CT}/users/{BOB}")
    assert world.request(BOB, "GET", comments).status_code == 200
    added = world.request(BOB, "PUT", f"{OF_STUDY}/albums/{ALBUM}", query=IN_INBOX)
    assert added.status_code == 201
    assert world.state().studies == {STUDY: {CT}}


def test_inbox_info(world: World) -> None:
    """What is in the inbox is told in numbers, of populated series; an empty inbox holds nothing."""
    world.store({CT: "CT", MR: "MR"}, owner=BOB, instances=2)
    world.store({"9.1": "CT"}, study="9", owner=BOB)
    world.request(BOB, "PUT", f"{OF_STUDY}/series/1.2.3.9")
    assert world.get(BOB, "/inboxinfo") == {
        "modalities": ["CT", "MR"],
        "number_of_studies": 2,
        "number_of_series": 3,
        "number_of_instances": 5,
    }
    assert world.get(ALICE, "/inboxinfo") == {
        "modalities": [],
        "number_of_studies": 0,
        "number_of_series": 0,
        "number_of_instances": 0,
    }


# Through capability tokens


def _told(answer: Answer) -> tuple[int, str | None]:
    return answer.status_code, answer.json["message"] if answer.content else None


def _by_token(world: World) -> list[str | None]:
    """The sources of all mutations but the first three: the sub, and the title of the token."""
    return [
        event["source"].get("capability_token", {}).get("title")
        for event in world.events(ALICE, types="mutations")[:-3]
        if event["source"]["sub"] == ALICE
    ]


def test_upload_by_a_token_of_an_album(world: World) -> None:
    """A series goes into the token's album, by its creator and the token; again it changes nothing."""
    token, before = world.album_token("up", write=True), world.position()
    for _ in range(2):
        assert _told(world.request(token, "PUT", OF_CT)) == (201, None)
    assert world.news(before) == [SeriesImported(STUDY, CT)]
    event = world.events(BOB, limit="1")[0]
    assert event["source"]["sub"] == ALICE
    assert event["source"]["capability_token"] == {"id": "up", "title": "The up"}
    assert _inbox(world, ALICE) == {}


@pytest.mark.parametrize("holder", ["inbox", "album"])
def test_upload_of_what_others_have(holder: str, world: World) -> None:
    """A series in an inbox, its creator's too, or in another album, is not the token's to add; an orphan is."""
    world.act(ALICE, create_album, "Other", album=OTHER)
    if holder == "inbox":
        world.store({CT: "CT"}, owner=ALICE)
    else:
        world.act(ALICE, import_series, STUDY, CT, album=OTHER)
    token = world.album_token("up", read=True, write=True, appropriate=True)
    assert _told(world.request(token, "PUT", OF_CT)) == (404, NO_SERIES)
    world.request(ALICE, "DELETE", OF_CT)
    if holder == "album":
        world.act(ALICE, remove_series, STUDY, CT, album=OTHER)
    assert world.request(token, "PUT", OF_CT).status_code == 201


def test_upload_without_write(world: World) -> None:
    """Without write nothing can be added: 404 for what is not in the album, 403 for what is."""
    token = world.album_token("look", read=True, appropriate=True)
    assert _told(world.request(token, "PUT", OF_CT)) == (404, NO_SERIES)
    assert not world.service.catalogue.series_exists(CT)
    world.act(ALICE, import_series, STUDY, CT)
    assert _told(world.request(token, "PUT", OF_CT)) == (403, FORBIDDEN)


def test_copy_by_a_token_of_an_album(world: World) -> None:
    """A study is copied within what the token reaches: its own album, which changes nothing there."""
    world.act(ALICE, import_study, STUDY, [CT])
    token = world.album_token("all", read=True, write=True, appropriate=True)
    before = world.position()
    assert _told(world.request(token, "PUT", OF_STUDY, query=IN_ALBUM)) == (201, None)
    assert _told(world.request(token, "PUT", OF_STUDY)) == (400, BAD_QUERY)
    assert _told(world.request(token, "PUT", "/studies/9.9", query=IN_ALBUM)) == (404, NO_STUDY)
    assert _told(world.request(token, "PUT", OF_STUDY, query={"album": OTHER})) == (404, NO_ALBUM)
    for lacking in ({"write": True}, {"read": True, "appropriate": True}):
        other = world.album_token(f"lacks{len(lacking)}", **lacking)
        assert _told(world.request(other, "PUT", OF_STUDY, query=IN_ALBUM)) == (403, FORBIDDEN)
    assert {type(event) for event in world.news(before)} == {CapabilityTokenIssued}


def test_removal_by_a_token_of_an_album(world: World) -> None:
    """What a token removes goes out of its album, by its creator and the token; it needs read and write."""
    world.store({CT: "CT", MR: "MR", SR: "SR"}, owner=ALICE)
    world.act(ALICE, import_study, STUDY, [CT, MR, SR])
    token = world.album_token("both", read=True, write=True)
    before = world.position()
    assert _told(world.request(token, "DELETE", OF_MR)) == (204, None)
    assert _told(world.request(token, "DELETE", OF_MR)) == (404, NO_SERIES)
    assert _told(world.request(token, "DELETE", OF_STUDY)) == (204, None)
    assert _told(world.request(token, "DELETE", OF_STUDY)) == (404, NO_SERIES)
    assert world.news(before) == [
        SeriesRemoved(STUDY, MR),
        StudyRemoved(STUDY, (CT, SR)),
    ]
    assert _by_token(world)[:2] == ["The both"] * 2
    assert _inbox(world, ALICE) == {STUDY: {CT, MR, SR}}


@pytest.mark.parametrize("path", [OF_STUDY, OF_CT])
@pytest.mark.parametrize("grants", [{"read": True, "appropriate": True}, {"write": True}])
def test_removal_without_the_right(path: str, grants: dict[str, bool], world: World) -> None:
    """A token that lacks read or write removes nothing."""
    world.act(ALICE, import_series, STUDY, CT)
    token = world.album_token("some", **grants)
    assert _told(world.request(token, "DELETE", path)) == (403, FORBIDDEN)
    assert world.state().studies == {STUDY: {CT}}


def test_sending_by_a_token_of_an_album(world: World) -> None:
    """A token that may appropriate sends out of its album, and out of nothing else."""
    world.store({MR: "MR"}, owner=ALICE)
    world.act(ALICE, import_study, STUDY, [CT])
    token = world.album_token("send", read=True, appropriate=True)
    to_dave = f"/users/{DAVE}"
    assert _told(world.request(token, "PUT", f"{OF_MR}{to_dave}")) == (404, NO_SERIES)
    for path, query in (
        (f"{OF_STUDY}{to_dave}", {}),
        (f"{OF_STUDY}{TO_CAROL}", IN_ALBUM),
        (f"{OF_CT}/users/{ALICE}", {}),
    ):
        assert _told(world.request(token, "PUT", path, query=query)) == (201, None)
    assert [_inbox(world, by) for by in (DAVE, CAROL)] == [{STUDY: {CT}}] * 2
    assert _inbox(world, ALICE) == {STUDY: {CT, MR}}
    answer = world.request(token, "PUT", f"{OF_STUDY}{to_dave}", query=IN_INBOX)
    assert _told(answer) == (400, BAD_QUERY)
    answer = world.request(token, "PUT", f"{OF_STUDY}{to_dave}", query={"album": OTHER})
    assert _told(answer) == (404, NO_ALBUM)


@pytest.mark.parametrize("path", [OF_STUDY, OF_CT])
def test_sending_without_the_right(path: str, world: World) -> None:
    """A token that may not appropriate sends nothing, and learns of nobody whether he is known."""
    world.act(ALICE, import_series, STUDY, CT)
    token = world.album_token("look", read=True, write=True, download=True)
    for user in (DAVE, NOBODY):
        assert _told(world.request(token, "PUT", f"{path}/users/{user}")) == (403, FORBIDDEN)
    assert _inbox(world, DAVE) == {}


def test_token_that_acts_as_a_user(world: World) -> None:
    """It takes, sends and leaves as its user does, whose inbox it has; the history names the user alone."""
    world.store({CT: "CT"}, owner=BOB)
    token = world.user_token("bobs", BOB)
    assert world.request(token, "PUT", f"{OF_STUDY}{TO_CAROL}", query=IN_INBOX).status_code == 201
    added = world.request(token, "PUT", f"{OF_CT}/albums/{ALBUM}")
    assert added.status_code == 201
    assert world.request(token, "DELETE", OF_STUDY).status_code == 204
    assert world.request(token, "PUT", OF_STUDY, query=IN_ALBUM).status_code == 201
    assert [_inbox(world, by) for by in (BOB, CAROL)] == [{STUDY: {CT}}] * 2
    source = world.events(ALICE, limit="1")[0]["source"]
    assert list(source) == ["email", "name", "sub", "can_access", "is_admin"]
    assert source["sub"] == BOB


def test_token_of_an_album_has_no_inbox(world: World) -> None:
    """Nothing of its creator's inbox is a token's that is for an album."""
    token = world.album_token("all", read=True, write=True, appropriate=True, download=True)
    assert _told(world.request(token, "GET", "/inboxinfo")) == (403, FORBIDDEN)


# Through tokens for some studies


def _reporting(world: World, *studies: StudyUID, scope: tuple[str, ...] = ("write",)) -> str:
    """A report provider of the album, whom Bob asked for a report on some studies."""
    provider = ReportProviderId("p1")
    world.act(ALICE, create_report_provider, provider, "Scribe", "https://scribe.example")
    report = Report(BOB, provider, studies, scope)
    return report_token(world.service.auth.issuer, report, world.clock.now)


def _put(world: World, token: str, path: str) -> Answer:
    return world.request(None, "PUT", path, headers={"Authorization": f"Bearer {token}"})


def test_upload_by_a_report_provider(world: World) -> None:
    """A report goes into the provider's album, by who asked for it and the provider; again it changes nothing."""
    token, before = _reporting(world, STUDY), world.position()
    for _ in range(2):
        assert _told(_put(world, token, f"{OF_STUDY}/series/{SR}")) == (201, None)
    assert world.news(before) == [ReportAdded(STUDY, SR)]
    event = world.events(ALICE, limit="1")[0]
    assert (event["mutation_type"], event["source"]["sub"]) == ("NEW_REPORT", BOB)
    provider = {"name": "Scribe", "is_removed": False, "id": "p1"}
    assert event["source"]["report_provider"] == provider


def test_upload_by_a_report_provider_upstream(upstream: World) -> None:
    """Upstream, a report is an imported series, and tells its provider by another key."""
    _put(upstream, _reporting(upstream, STUDY), f"{OF_STUDY}/series/{SR}")
    event = upstream.events(ALICE, limit="1")[0]
    assert event["mutation_type"] == "IMPORT_SERIES"
    provider = {"name": "Scribe", "is_removed": False, "client_id": "p1"}
    assert event["source"]["report_provider"] == provider


def test_upload_beyond_what_was_asked_for(world: World) -> None:
    """A report on another study than was asked for is 404, as is one that may only read; nothing is noted."""
    token = _reporting(world, StudyUID("9.9"), STUDY)
    assert _told(_put(world, token, "/studies/9.8/series/9.8.1")) == (404, NO_SERIES)
    reading = Report(BOB, ReportProviderId("p1"), (STUDY,), ("read",))
    token = report_token(world.service.auth.issuer, reading, world.clock.now)
    assert _told(_put(world, token, f"{OF_STUDY}/series/{SR}")) == (404, NO_SERIES)
    assert world.service.catalogue.all_series() == set()


def test_report_provider_does_nothing_else(world: World) -> None:
    """A report provider takes no study, not even one that is lent, removes nothing and sends nothing."""
    world.store({CT: "CT"})
    world.act(ALICE, import_series, STUDY, CT)
    token = _reporting(world, STUDY, scope=("read", "write"))
    headers = {"Authorization": f"Bearer {token}"}
    lending = headers | world.lent_by(world.album_token("lend", read=True, appropriate=True))
    before = world.position()
    for asked in (
        world.request(None, "PUT", OF_STUDY, query=IN_ALBUM, headers=headers),
        world.request(None, "PUT", OF_STUDY, headers=lending),
        world.request(None, "DELETE", OF_STUDY, headers=headers),
        world.request(None, "DELETE", OF_CT, headers=headers),
        world.request(None, "PUT", f"{OF_STUDY}{TO_CAROL}", headers=headers),
        world.request(None, "PUT", f"{OF_CT}{TO_CAROL}", headers=headers),
    ):
        assert _told(asked) == (403, FORBIDDEN)
    assert world.position() == before


@pytest.mark.parametrize("album", [ALBUM, None])
def test_upload_by_a_viewer(album: AlbumId | None, world: World) -> None:
    """Who looks at a study in an album may add to it there, as himself; who looks at it in his inbox adds nothing."""
    viewer = Viewer(world.token(BOB), STUDY, ("read", "write"), album, inbox=album is None)
    token = viewer_token(world.service.auth.issuer, viewer, world.clock.now)
    assert _put(world, token, OF_CT).status_code == (403 if album is None else 201)
    assert world.state().studies == ({} if album is None else {STUDY: {CT}})
    assert _put(world, token, "/studies/9.9/series/9.9.1").status_code in (403, 404)
    if album is not None:
        source = world.events(ALICE, limit="1")[0]["source"]
        assert list(source) == ["email", "name", "sub", "can_access", "is_admin"]
        assert source["sub"] == BOB
