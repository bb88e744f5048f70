"""The body of each event, exactly (Kheops API 11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from albumcore import (
    Grants,
    WebhookEvent,
    add_admin,
    add_member,
    add_report,
    create_report_provider,
    delete_album,
    import_series,
    import_study,
    issue_capability_token,
    leave_album,
    promote_member,
    remove_member,
    remove_series,
    remove_study,
    trigger_webhook,
)
from albumcore.ids import CapabilityTokenId, ReportProviderId, SeriesUID, StudyUID
from albumcore_adapters.directory.claims import Holding, album_holder
from albumcore_adapters.directory.instances import InstanceRecord
from support.kheops import ALBUM, ALICE, BOB, CAROL, CT, DAVE, MR, SR, STUDY, digest_of
from support.receiver import Answer
from support.webhooks import HOOK, ROOT, Hooked, bodies_of, hooked

KEY, SCRIBE = CapabilityTokenId("key0000001"), ReportProviderId("scribe")
ALICE_ADMIN = {
    "email": "alice@example.org",
    "name": "Alice",
    "sub": ALICE,
    "is_admin": True,
}
BOB_MEMBER = {"email": "bob@example.org", "name": "Bob", "sub": BOB, "is_admin": False}
DAVE_MEMBER = {"email": "dave@example.org", "name": "Dave", "sub": DAVE, "is_admin": False}


def common(at: str, source: dict[str, Any] = ALICE_ADMIN, *, manual: bool = False) -> Any:
    """The members that every body has."""
    return {
        "host": ROOT,
        "album_id": ALBUM,
        "event_time": at,
        "source": source,
        "is_manual_trigger": manual,
        "cursor": ANY,  # see `test_cursors`
    }


def catalogued(world: Hooked, *series: str, study: str = STUDY) -> None:
    """Store series with all attributes in the catalogue, two instances of each."""
    values = {
        "00100010": ("PN", {"Alphabetic": "Doe^Jo"}),
        "00100020": ("LO", "P1"),
        "00100030": ("DA", "19800101"),
        "00100040": ("CS", "O"),
        "00080020": ("DA", "20260102"),
        "00080030": ("TM", "101112"),
        "00080201": ("SH", "+0100"),
        "00081030": ("LO", "Knee"),
        "00200010": ("SH", "S1"),
        "00080050": ("SH", "A1"),
        "00080090": ("PN", {"Alphabetic": "Ref^Dr"}),
    }
    of_series = {
        "00080060": ("CS", "CT"),
        "0008103E": ("LO", "Thin"),
        "00200011": ("IS", 4),
        "00180015": ("CS", "KNEE"),
        "00080201": ("SH", "+0200"),
    }
    world.world.service.catalogue.store(
        InstanceRecord(
            StudyUID(study),
            SeriesUID(uid),
            f"{uid}.{number}",
            {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in values.items()},
            {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in of_series.items()},
            {},
        )
        for uid in series
        for number in (1, 2)
    )


STUDY_FACTS = {
    "patient_name": "Doe^Jo",
    "patient_ID": "P1",
    "study_uid": STUDY,
    "study_date": "20260102",
    "study_time": "101112",
    "timezone_offset_from_utc": "+0100",
    "study_description": "Knee",
    "study_id": "S1",
    "accession_number": "A1",
    "referring_physician_name": "Ref^Dr",
    "patient_birth_date": "19800101",
    "patient_sex": "O",
}


def series_facts(uid: str) -> dict[str, Any]:
    """The attributes of a series."""
    return {
        "modality": "CT",
        "series_description": "Thin",
        "series_uid": uid,
        "number_of_series_related_instances": 2,
        "time_zone_offset_from_utc": "+0200",
        "series_number": 4,
        "body_part_examined": "KNEE",
    }


def new_series_facts(uid: str, base: str = ROOT) -> dict[str, Any]:
    """The attributes of a new series."""
    address = f"{base}/studies/{STUDY}/series/{uid}"
    return series_facts(uid) | {"retrieve_url": address, "number_of_new_instances": 2}


@pytest.mark.parametrize("is_admin", [False, True])
def test_new_user(world: Hooked, *, is_admin: bool) -> None:
    """An added member or admin, with the source that added them."""
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_admin if is_admin else add_member, DAVE)
    [request] = world.run()
    assert request.headers["x-kheops-event"] == "new_user"
    assert request.headers["content-type"] == "application/json"
    assert bodies_of([request]) == [
        common("2026-03-01T12:00:05Z") | {"new_user": DAVE_MEMBER | {"is_admin": is_admin}}
    ]


def test_new_user_who_has_left_before_the_delivery(world: Hooked) -> None:
    """The body is sent, and describes members as of now."""
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_admin, DAVE, by=CAROL)
    world.act(remove_member, DAVE)
    world.act(remove_member, CAROL)
    [body] = world.bodies()
    assert body["new_user"] == DAVE_MEMBER
    assert "is_admin" not in body["source"]
    assert body["source"]["sub"] == CAROL


def test_a_promotion_is_no_new_user(world: Hooked) -> None:
    """The user was a member before."""
    world.hook(WebhookEvent.NEW_USER)
    world.act(promote_member, BOB)
    world.act(add_admin, BOB)
    assert world.bodies() == []


def test_new_series_that_were_sent(world: Hooked) -> None:
    """With all attributes of the study and of each series."""
    catalogued(world, CT, MR, SR)
    world.hook(WebhookEvent.NEW_SERIES)
    world.act(import_study, STUDY, [CT, MR], by=BOB)
    assert world.bodies(29) == []
    [body] = world.bodies(1)
    address = f"{ROOT}/studies/{STUDY}"
    study = STUDY_FACTS | {
        "retrieve_url": address,
        "series": [new_series_facts(CT), new_series_facts(MR)],
    }
    assert body == common("2026-03-01T12:00:05Z", BOB_MEMBER) | {
        "import_source": "send",
        "updated_study": study,
    }


def test_addresses_have_the_prefix_of_the_routes(tmp_path: Path) -> None:
    """RetrieveURLs have the prefix; the host is the root."""
    with hooked(tmp_path, kheops_prefix="/api") as world:
        catalogued(world, CT)
        world.hook(WebhookEvent.NEW_SERIES)
        world.act(import_study, STUDY, [CT])
        [body] = world.bodies(30)
    assert body["host"] == ROOT
    study = body["updated_study"]
    assert study["retrieve_url"] == f"{ROOT}/api/studies/{STUDY}"
    assert study["series"] == [new_series_facts(CT, f"{ROOT}/api")]


def test_removed_series_of_which_others_remain(world: Hooked) -> None:
    """The study has a RetrieveURL, the series has none."""
    catalogued(world, CT, MR)
    world.act(import_study, STUDY, [CT, MR])
    world.hook(WebhookEvent.REMOVE_SERIES)
    world.act(remove_series, STUDY, CT)
    world.act(remove_series, STUDY, MR)
    first, second = world.bodies()
    assert first == common("2026-03-01T12:00:06Z") | {
        "remove_all_series": False,
        "removed_study": STUDY_FACTS
        | {"retrieve_url": f"{ROOT}/studies/{STUDY}", "series": [series_facts(CT)]},
    }
    assert second == common("2026-03-01T12:00:07Z") | {
        "remove_all_series": True,
        "removed_study": STUDY_FACTS | {"series": [series_facts(MR)]},
    }


def test_removed_study(world: Hooked) -> None:
    """It has no RetrieveURL."""
    catalogued(world, CT, MR)
    world.act(import_study, STUDY, [CT, MR])
    world.hook(WebhookEvent.REMOVE_SERIES)
    world.act(remove_study, STUDY)
    [body] = world.bodies()
    assert body["remove_all_series"] is True
    assert body["removed_study"] == STUDY_FACTS | {"series": [series_facts(CT), series_facts(MR)]}


def test_a_claimed_series_discloses_nothing_of_its_study(world: Hooked) -> None:
    """Any user may claim a series of any study before its images are there. A webhook must not disclose the patient."""
    catalogued(world, CT)
    world.world.service.catalogue.add_placeholder(STUDY, MR)
    world.hook(WebhookEvent.REMOVE_SERIES, WebhookEvent.NEW_SERIES)
    world.act(import_series, STUDY, MR)
    world.act(trigger_webhook, HOOK, WebhookEvent.NEW_SERIES, STUDY, [MR])
    world.act(remove_series, STUDY, MR)
    added, removed = world.bodies()
    address = f"{ROOT}/studies/{STUDY}"
    assert added["updated_study"] == {
        "study_uid": STUDY,
        "retrieve_url": address,
        "series": [{"series_uid": MR, "retrieve_url": f"{address}/series/{MR}"}],
    }
    assert removed["removed_study"] == {"study_uid": STUDY, "series": [{"series_uid": MR}]}


def test_images_do_not_come_with_a_claim(world: Hooked) -> None:
    """Of a series that the album holds on a claim, images of another user disclose nothing: the body has its UID."""
    service = world.world.service
    world.hook(WebhookEvent.REMOVE_SERIES, WebhookEvent.NEW_SERIES)
    service.claims.add(Holding(album_holder(ALBUM), STUDY, CT), world.world.user(BOB), is_new=True)
    world.act(import_series, STUDY, CT)
    catalogued(world, CT)
    world.act(trigger_webhook, HOOK, WebhookEvent.NEW_SERIES, STUDY, [CT])
    world.act(remove_series, STUDY, CT)
    triggered, removed = world.bodies(60)
    assert set(triggered["updated_study"]) == {"study_uid", "retrieve_url", "series"}
    assert [set(one) for one in triggered["updated_study"]["series"]] == [
        {"series_uid", "retrieve_url"}
    ]
    assert removed["removed_study"] == {"study_uid": STUDY, "series": [{"series_uid": CT}]}


@pytest.mark.parametrize("by_leaving", [False, True])
def test_deleted_album(world: Hooked, *, by_leaving: bool) -> None:
    """As of its last version, without a delivery id, and no other event."""
    world.hook(WebhookEvent.DELETE_ALBUM, WebhookEvent.NEW_USER)
    if by_leaving:
        world.act(remove_member, BOB)
        world.act(remove_member, CAROL)
        world.act(leave_album)
    else:
        world.act(delete_album)
    [request] = world.run()
    at = "2026-03-01T12:00:07Z" if by_leaving else "2026-03-01T12:00:05Z"
    assert bodies_of([request]) == [common(at)]
    assert request.headers["x-kheops-event"] == "delete_album"
    assert "x-kheops-delivery" not in request.headers


def test_manual_new_user(world: Hooked) -> None:
    """The member that the admin named, as of now."""
    world.hook()
    world.act(trigger_webhook, HOOK, WebhookEvent.NEW_USER, user=BOB, by=CAROL)
    [body] = world.bodies()
    carol = {"email": "carol@example.org", "name": "Carol", "sub": CAROL, "is_admin": True}
    assert body == common("2026-03-01T12:00:05Z", carol, manual=True) | {"new_user": BOB_MEMBER}


def test_manual_new_series(world: Hooked) -> None:
    """At once, and without a number of new instances."""
    catalogued(world, CT, MR)
    world.act(import_study, STUDY, [CT, MR])
    world.hook()
    world.act(trigger_webhook, HOOK, WebhookEvent.NEW_SERIES, STUDY, [CT])
    [body] = world.bodies()
    address = f"{ROOT}/studies/{STUDY}"
    series = series_facts(CT) | {"retrieve_url": f"{address}/series/{CT}"}
    study = STUDY_FACTS | {"retrieve_url": address, "series": [series]}
    assert body == common("2026-03-01T12:00:06Z", manual=True) | {
        "import_source": "send",
        "updated_study": study,
    }


def test_source_is_a_capability_token(world: Hooked) -> None:
    """The creator of the token, and the token by id and title."""
    catalogued(world, CT)
    grants = Grants(read=True, write=True)
    world.act(issue_capability_token, KEY, digest_of("k"), "Scanner", grants)
    world.hook(WebhookEvent.NEW_SERIES)
    world.act(import_series, STUDY, CT, capability_token=KEY)
    [body] = world.bodies(30)
    assert body["source"] == ALICE_ADMIN | {"capability_token": {"id": KEY, "title": "Scanner"}}
    assert body["import_source"] == "upload"


def test_source_is_a_report_provider(world: Hooked) -> None:
    """The user who started the report, and the provider by name and client id."""
    catalogued(world, SR)
    world.act(create_report_provider, SCRIBE, "Scribe", "https://scribe.example/c")
    world.hook(WebhookEvent.NEW_SERIES)
    world.act(add_report, STUDY, SR, by=BOB, report_provider=SCRIBE)
    [body] = world.bodies(30)
    assert body["source"] == BOB_MEMBER | {
        "report_provider": {"name": "Scribe", "client_id": SCRIBE}
    }
    assert body["import_source"] == "upload"


def test_bodies_have_the_current_names_of_people(world: Hooked) -> None:
    """A name that changes between two attempts is in the second; an unknown value has no key."""
    world.world.service.people.register("sub-new")
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, "sub-new")
    world.receiver.answer(Answer(500))
    [first] = world.bodies()
    assert first["new_user"] == {"sub": "sub-new", "is_admin": False}
    world.world.service.people.register("sub-new", name="New")
    [second] = world.bodies(20)
    assert second["new_user"] == {"sub": "sub-new", "name": "New", "is_admin": False}
