"""Taking back: ``POST /albums/{album}/events/{version}/undo``, and ``with=version`` in the list of events."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from albumcore import (
    AdminDemoted,
    AlbumDeleted,
    AlbumEdited,
    CommentWithdrawn,
    FavoriteAdded,
    FavoriteRemoved,
    Grants,
    MemberAdded,
    MemberFlags,
    MemberLeft,
    MemberPromoted,
    MemberRemoved,
    MemberSettingsRestored,
    ReportProviderCreated,
    ReportProviderDeleted,
    ReportProviderEdited,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
    Webhook,
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    WebhookEvent,
    add_admin,
    add_favorite,
    add_member,
    add_report,
    album_stream,
    create_album,
    create_report_provider,
    create_webhook,
    delete_report_provider,
    delete_webhook,
    demote_admin,
    edit_album,
    edit_report_provider,
    edit_webhook,
    import_series,
    import_study,
    issue_capability_token,
    leave_album,
    post_comment,
    promote_member,
    remove_favorite,
    remove_member,
    remove_series,
    remove_study,
    set_favorite,
    trigger_webhook,
)
from albumcore.ids import AlbumId, ReportProviderId, WebhookId
from albumcore_adapters.erasure.erasing import Eraser
from albumcore_adapters.erasure.subjects import erase_person
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    CT,
    DAVE,
    HELP,
    MR,
    OTHER,
    SR,
    STUDY,
    Answer,
    World,
    digest_of,
)
from support.kheops_cases import FORBIDDEN, NO_ALBUM

COVERS = ("POST /albums/{album}/events/{version}/undo", "GET /albums/{album}/events")

NEXT = 4
"""The settled album has three events, and this is the version of the next."""

PROVIDER, HOOK = ReportProviderId("provider"), WebhookId("hook")
FEW = (CT, MR)
MADE = Webhook("Hook", "http://hook.example", (WebhookEvent.NEW_USER,), secret="secret")
GIVEN: dict[str, tuple[str, Any, tuple[Any, ...]]] = {
    "study": (ALICE, import_study, (STUDY, FEW)),
    "series": (ALICE, import_series, (STUDY, SR)),
    "favorite": (ALICE, add_favorite, (STUDY, CT)),
    "provider": (ALICE, create_report_provider, (PROVIDER, "Scribe", "http://scribe.example")),
    "hook": (ALICE, create_webhook, (HOOK, MADE.name, MADE.url, MADE.events, True, MADE.secret)),
    "token": (
        CAROL,
        issue_capability_token,
        ("token", digest_of("token"), "Token", Grants(read=True)),
    ),
}
"""What may come before an event that is taken back; each is one event."""


def undo(world: World, version: object, by: str = ALICE, album: str = ALBUM) -> Answer:
    """Take an event back."""
    return world.request(by, "POST", f"/albums/{album}/events/{version}/undo")


def newest(world: World, album: AlbumId = ALBUM) -> int:
    """The version of the last event of the album."""
    return len([*world.service.albums.history(album_stream(album))])


TAKEN_BACK: list[tuple[str | None, str, str, Any, tuple[Any, ...], list[Any]]] = [
    # what came before; who; which decision with which arguments is taken back; what that records
    ("ADD_USER", "", ALICE, add_member, (DAVE,), [MemberRemoved(DAVE)]),
    ("ADD_ADMIN", "", ALICE, add_admin, (DAVE,), [MemberRemoved(DAVE)]),
    ("REMOVE_USER", "", ALICE, remove_member, (BOB,), [MemberAdded(BOB)]),
    ("PROMOTE_ADMIN", "", ALICE, add_admin, (BOB,), [AdminDemoted(BOB)]),
    ("DEMOTE_ADMIN", "token", ALICE, demote_admin, (CAROL,), [MemberPromoted(CAROL)]),
    ("EDIT_ALBUM", "", ALICE, edit_album, ("Other",), [AlbumEdited("Trial")]),
    (
        "EDIT_ALBUM",
        "",
        ALICE,
        edit_album,
        (None, "", {"add_user": True}),
        [AlbumEdited(None, "What it is about", MemberFlags())],
    ),
    ("EDIT_ALBUM", "", ALICE, edit_album, ("Trial",), []),
    ("IMPORT_STUDY", "", ALICE, import_study, (STUDY, FEW), [StudyRemoved(STUDY, FEW)]),
    ("IMPORT_STUDY", "series", ALICE, import_study, (STUDY, [CT]), [SeriesRemoved(STUDY, CT)]),
    ("IMPORT_SERIES", "study", ALICE, import_series, (STUDY, SR), [SeriesRemoved(STUDY, SR)]),
    (
        "REMOVE_STUDY",
        "study favorite",
        ALICE,
        remove_study,
        (STUDY,),
        [StudyImported(STUDY, FEW), FavoriteAdded(STUDY, (CT,))],
    ),
    ("REMOVE_SERIES", "study", ALICE, remove_series, (STUDY, CT), [SeriesImported(STUDY, CT)]),
    (
        "ADD_FAV",
        "study favorite",
        ALICE,
        add_favorite,
        (STUDY,),
        [FavoriteRemoved(STUDY, (MR,))],
    ),
    (
        "REMOVE_FAV",
        "study favorite",
        ALICE,
        remove_favorite,
        (STUDY,),
        [FavoriteAdded(STUDY, (CT,))],
    ),
    ("REMOVE_FAV", "study", ALICE, remove_favorite, (STUDY,), []),
    (
        "CREATE_REPORT_PROVIDER",
        "",
        ALICE,
        create_report_provider,
        (PROVIDER, "Scribe", "http://scribe.example"),
        [ReportProviderDeleted(PROVIDER)],
    ),
    (
        "EDIT_REPORT_PROVIDER",
        "provider",
        ALICE,
        edit_report_provider,
        (PROVIDER, "Pen"),
        [ReportProviderEdited(PROVIDER, "Scribe", "http://scribe.example")],
    ),
    (
        "CREATE_WEBHOOK",
        "",
        ALICE,
        create_webhook,
        (HOOK, "Hook", "http://hook.example"),
        [WebhookDeleted(HOOK)],
    ),
    (
        "EDIT_WEBHOOK",
        "hook",
        ALICE,
        edit_webhook,
        (HOOK, "Horn"),
        [WebhookEdited(HOOK, MADE)],
    ),
    (
        "DELETE_WEBHOOK",
        "hook",
        ALICE,
        delete_webhook,
        (HOOK,),
        [WebhookCreated(HOOK, Webhook(MADE.name, MADE.url, MADE.events))],
    ),
    (None, "", BOB, post_comment, ("Hello",), [CommentWithdrawn(4)]),
]


@pytest.mark.parametrize(
    ("mutation", "before", "by", "decision", "args", "recorded"),
    [pytest.param(*one, id=f"{number}-{one[0]}") for number, one in enumerate(TAKEN_BACK)],
)
def test_an_event_is_taken_back_once(
    mutation: str | None,
    before: str,
    by: str,
    decision: Any,
    args: tuple[Any, ...],
    recorded: list[Any],
    world: World,
) -> None:
    """By an admin: 204, and 204 again without an event. The feed shows it as the mutation that it is."""
    world.store({CT: "CT", MR: "MR", SR: "SR"}, owner=ALICE)
    for name in before.split():
        giver, given, what = GIVEN[name]
        world.act(giver, given, *what)
    version = newest(world) + 1
    world.act(by, decision, *args)
    [shown] = [
        one for one in world.events(ALICE, **{"with": "version"}) if one["version"] == version
    ]
    assert shown.get("mutation_type") == mutation
    at = world.position()
    for _ in range(2):
        answer = undo(world, version)
        assert (answer.status_code, answer.content) == (204, b""), answer.text
        assert world.news(at) == recorded
    entries = [one for one in world.events(ALICE, **{"with": "version"}) if "undoes" in one]
    assert {one["undoes"] for one in entries} == ({version} if mutation and recorded else set())
    assert world.service.albums.verify() == []


def test_a_removed_member_has_their_settings_again(world: World) -> None:
    """Role, notifications and favourite as before; revoked tokens stay revoked."""
    world.act(*GIVEN["token"][:2], *GIVEN["token"][2])
    world.act(CAROL, edit_album, notification_new_series=True)
    world.act(CAROL, set_favorite, True)
    before = world.state().members[world.user(CAROL)]
    world.act(ALICE, remove_member, CAROL)
    assert undo(world, newest(world) - 1).status_code == 204
    assert world.state().members[world.user(CAROL)] == before
    assert world.news(world.position() - 1) == [MemberSettingsRestored(CAROL, True, False, True)]
    assert world.state().capability_tokens["token"].revoked_by == world.user(ALICE)  # type: ignore[index]
    shown = world.get(CAROL, f"/albums/{ALBUM}")
    assert (shown["notification_new_series"], shown["is_favorite"]) == (True, True)


@pytest.mark.parametrize("role", [add_member, add_admin])
def test_an_erased_user_does_not_come_back(role: Any, world: World) -> None:
    """A user who was removed and then erased: the pseudonym names no person any more."""
    world.act(ALICE, role, DAVE)
    dave = world.user(DAVE)
    world.act(ALICE, remove_member, DAVE)
    service = world.service
    erase_person(Eraser(service.albums, service.database, service.clock, {}, None), dave)
    at = world.position()
    answer = undo(world, newest(world))
    assert (answer.status_code, answer.json["message"]) == (409, "Conflict")
    assert answer.json["detail"] == "the user was erased"
    assert world.position() == at
    assert dave not in world.state().members


def test_a_deleted_report_provider_comes_back_with_a_new_id(world: World) -> None:
    """Codes and tokens of the old one stay invalid."""
    world.act(*GIVEN["provider"][:2], *GIVEN["provider"][2])
    world.act(ALICE, delete_report_provider, PROVIDER)
    assert undo(world, newest(world)).status_code == 204
    [event] = world.news(world.position() - 1)
    assert event == ReportProviderCreated(event.provider_id, "Scribe", "http://scribe.example")
    assert event.provider_id != PROVIDER
    listed = world.get(ALICE, f"/albums/{ALBUM}/reportproviders")
    assert [one["client_id"] for one in listed] == [event.provider_id]


def test_a_report_is_taken_back(world: World) -> None:
    """NEW_REPORT: its series is removed."""
    world.act(*GIVEN["provider"][:2], *GIVEN["provider"][2])
    world.act(ALICE, add_report, STUDY, SR, report_provider=PROVIDER)
    assert undo(world, newest(world)).status_code == 204
    assert world.mutations()[:2] == ["REMOVE_SERIES", "NEW_REPORT"]


def test_a_new_album_is_taken_back_while_it_is_empty(world: World) -> None:
    """It is deleted; then it does not exist, for its creator either."""
    world.act(DAVE, create_album, "Other", album=OTHER)
    at = world.position()
    assert undo(world, 1, DAVE, OTHER).status_code == 204
    assert world.news(at) == [AlbumDeleted()]
    assert undo(world, 1, DAVE, OTHER).json["message"] == NO_ALBUM
    world.act(CAROL, create_album, "Third", album=AlbumId("Third00001"))
    for number, (name, mutation) in enumerate(
        [("provider", "CREATE_REPORT_PROVIDER"), ("hook", "CREATE_WEBHOOK")], 2
    ):
        _, decision, args = GIVEN[name]
        world.act(CAROL, decision, *args, album=AlbumId("Third00001"))
        answer = undo(world, 1, CAROL, "Third00001")
        assert (answer.status_code, answer.json["mutation_type"]) == (409, mutation)
        assert undo(world, 2 * number - 2, CAROL, "Third00001").status_code == 204


def test_a_comment_is_withdrawn_by_its_author_or_an_admin(world: World) -> None:
    """The entry stays, with a sentence in place of the text; a private one is unknown to others."""
    world.act(BOB, post_comment, "Hello")
    world.act(BOB, post_comment, "Psst", CAROL)
    total = world.request(BOB, "GET", f"/albums/{ALBUM}/events").headers["x-total-count"]
    assert undo(world, 5, ALICE).json["message"] == "Event Not Found"
    world.act(ALICE, add_member, DAVE)
    assert undo(world, 4, DAVE).json["message"] == FORBIDDEN
    assert undo(world, 4, CAROL).status_code == 204
    assert undo(world, 5, BOB).status_code == 204
    shown = world.events(CAROL, types="comments", **{"with": "version"})
    assert [(one["comment"], one["version"], one["is_private"]) for one in shown] == [
        ("[withdrawn]", 5, True),
        ("[withdrawn]", 4, False),
    ]
    assert all("undoes" not in one for one in shown)
    answer = world.request(BOB, "GET", f"/albums/{ALBUM}/events")
    assert int(answer.headers["x-total-count"]) == int(total) + 1  # that Dave was added
    assert "Hello" not in answer.text
    assert "Psst" not in answer.text


REFUSED: list[tuple[str, str, object, int, str]] = [
    ("no number", ALICE, "x", 400, "Bad Query Parameter"),
    ("a negative number", ALICE, "-1", 400, "Bad Query Parameter"),
    ("another digit", ALICE, "%D9%A1", 400, "Bad Query Parameter"),
    ("none", ALICE, 0, 404, "Event Not Found"),
    ("none yet", ALICE, 40, 404, "Event Not Found"),
    ("a number of any length", ALICE, "9" * 999, 404, "Event Not Found"),
    ("a hidden event", ALICE, 5, 404, "Event Not Found"),
    ("a stranger", DAVE, 2, 404, NO_ALBUM),
    ("no permission", BOB, 3, 403, FORBIDDEN),
    ("a departure", ALICE, 6, 409, "Conflict"),
    ("a delivery by hand", ALICE, 8, 409, "Conflict"),
    ("an undo", ALICE, 10, 409, "Conflict"),
    ("a forgotten secret", ALICE, 11, 409, "Conflict"),
]


@pytest.mark.parametrize(
    ("by", "version", "status", "message"),
    [one[1:] for one in REFUSED],
    ids=[one[0] for one in REFUSED],
)
def test_what_is_refused_records_nothing(
    by: str, version: object, status: int, message: str, world: World
) -> None:
    """In the order: number, album, event, whether it can be taken back at all, permission."""
    world.act(ALICE, add_member, DAVE)
    world.act(DAVE, set_favorite, True)
    world.act(DAVE, leave_album)
    world.act(*GIVEN["hook"][:2], *GIVEN["hook"][2])
    world.act(ALICE, trigger_webhook, HOOK, WebhookEvent.NEW_USER, user=BOB)
    world.act(ALICE, edit_album, "Renamed")
    assert undo(world, 9).status_code == 204
    world.act(ALICE, edit_webhook, HOOK, secret="")
    at = world.position()
    answer = undo(world, version, by)
    assert (answer.status_code, answer.json["message"]) == (status, message)
    assert [*answer.json] == ["message", "detail", "help"]
    assert world.position() == at


SINCE: list[tuple[str, Any, tuple[Any, ...], Any, tuple[Any, ...], str]] = [
    # what came before; what is taken back; what came since, and how that shows
    ("", add_member, (DAVE,), promote_member, (DAVE,), "PROMOTE_ADMIN"),
    ("", add_member, (DAVE,), remove_member, (DAVE,), "REMOVE_USER"),
    ("", remove_member, (BOB,), add_member, (BOB,), "ADD_USER"),
    ("", demote_admin, (CAROL,), remove_member, (CAROL,), "REMOVE_USER"),
    ("", edit_album, ("Other",), edit_album, ("Third",), "EDIT_ALBUM"),
    ("", edit_album, (None, None, {"add_user": True}), edit_album, (None, None, {"add_user": False}), "EDIT_ALBUM"),
    ("", import_study, (STUDY, FEW), remove_study, (STUDY,), "REMOVE_STUDY"),
    ("study", remove_study, (STUDY,), import_study, (STUDY, FEW), "IMPORT_STUDY"),
    ("study", add_favorite, (STUDY, CT), remove_favorite, (STUDY, CT), "REMOVE_FAV"),
    ("study", add_favorite, (STUDY, CT), remove_series, (STUDY, CT), "REMOVE_SERIES"),
    (
        *("provider", edit_report_provider, (PROVIDER, "Pen")),
        *(delete_report_provider, (PROVIDER,), "DELETE_REPORT_PROVIDER"),
    ),
    ("", GIVEN["provider"][1], GIVEN["provider"][2], edit_report_provider, (PROVIDER, "Pen"), "EDIT_REPORT_PROVIDER"),
    ("", GIVEN["hook"][1], GIVEN["hook"][2], edit_webhook, (HOOK, "Horn"), "EDIT_WEBHOOK"),
    ("hook", edit_webhook, (HOOK, "Horn"), delete_webhook, (HOOK,), "DELETE_WEBHOOK"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "undone", "args", "then", "its", "mutation"),
    [pytest.param(*one, id=f"{number}-{one[-1]}") for number, one in enumerate(SINCE)],
)
def test_what_came_since_is_named(
    before: str,
    undone: Any,
    args: tuple[Any, ...],
    then: Any,
    its: tuple[Any, ...],
    mutation: str,
    world: World,
) -> None:
    """409 with the version and the mutation; a plain member learns first that they may not."""
    for name in before.split():
        giver, given, what = GIVEN[name]
        world.act(giver, given, *what)
    version = newest(world) + 1
    world.act(ALICE, undone, *args)
    # Others of the same kind, which are about something else.
    world.act(ALICE, create_webhook, "another", "Another", "http://hook.example")
    since = newest(world) + 1
    world.act(ALICE, then, *its)
    world.act(ALICE, delete_webhook, "another")
    at = world.position()
    answer = undo(world, version)
    assert answer.status_code == 409
    assert answer.json == {
        "message": "Conflict",
        "detail": "what this event changed was changed again since",
        "help": HELP,
        "version": since,
        "mutation_type": mutation,
    }
    assert world.position() == at


def test_an_undo_does_not_leave_a_webhook_unsigned(world: World) -> None:
    """The former secret is forgotten: the one that replaced it stays, and the other fields are set back."""
    world.act(*GIVEN["hook"][:2], *GIVEN["hook"][2])
    world.act(ALICE, edit_webhook, HOOK, "Horn", secret="second")
    assert undo(world, 5).status_code == 204
    assert world.state().webhooks == {HOOK: evolve(MADE, secret="second")}
    world.act(ALICE, edit_webhook, HOOK, secret="third")
    answer = undo(world, 7)
    assert (answer.status_code, answer.json["detail"]) == (
        409,
        "the secret of the webhook is forgotten",
    )
    world.act(ALICE, edit_webhook, HOOK, "Bell", secret="")
    assert undo(world, 8).status_code == 204
    assert world.state().webhooks == {HOOK: evolve(MADE, secret=None)}
    world.act(ALICE, edit_webhook, HOOK, secret="fourth")
    assert undo(world, 10).status_code == 204
    assert world.state().webhooks == {HOOK: evolve(MADE, secret=None)}


def test_what_is_left_of_a_change_is_taken_back(world: World) -> None:
    """Fields, series and flags that are still as the event set them; the others stay."""
    world.act(ALICE, edit_album, "Other", "About", {"add_user": True})
    world.act(ALICE, edit_album, "Third")
    assert undo(world, 4).status_code == 204
    assert (world.state().name, world.state().description) == ("Third", "What it is about")
    assert world.state().flags == MemberFlags()
    world.store({CT: "CT", MR: "MR", SR: "SR"}, owner=ALICE)
    world.act(ALICE, import_study, STUDY, [CT, MR, SR])
    imported = newest(world)
    world.act(ALICE, remove_series, STUDY, CT)
    assert undo(world, imported).status_code == 204
    assert world.news(world.position() - 1) == [StudyRemoved(STUDY, (MR, SR))]
    world.act(ALICE, import_series, STUDY, MR)
    assert undo(world, newest(world) - 1).status_code == 409  # an undo itself


def test_a_removed_series_comes_back_only_from_where_it_may_be_sent(world: World) -> None:
    """From the inbox of the undoer, or from an album that they may send from."""
    world.store({CT: "CT", MR: "MR"}, owner=DAVE)
    world.act(ALICE, import_study, STUDY, FEW)
    world.act(ALICE, remove_study, STUDY)
    at = world.position()
    answer = undo(world, 5)
    assert (answer.status_code, answer.json["message"]) == (403, FORBIDDEN)
    assert world.position() == at
    world.act(DAVE, create_album, "Other", album=OTHER)
    world.act(DAVE, import_study, STUDY, FEW, album=OTHER)
    world.act(DAVE, edit_album, flags={"send_series": False}, album=OTHER)
    world.act(DAVE, add_member, ALICE, album=OTHER)
    assert undo(world, 5).status_code == 403
    world.act(DAVE, edit_album, flags={"send_series": True}, album=OTHER)
    assert undo(world, 5).status_code == 204
    assert world.state().studies == {STUDY: frozenset(FEW)}
    studies = world.get(BOB, "/studies", album=ALBUM)
    assert len(studies) == 1


def test_a_series_without_images_comes_back_as_a_claim(world: World) -> None:
    """As one does that a user adds by its UID."""
    path = f"/studies/{STUDY}/series/{CT}/albums/{ALBUM}"
    assert world.request(ALICE, "PUT", path).status_code == 201
    assert world.request(ALICE, "DELETE", path).status_code == 204
    assert undo(world, 5).status_code == 204
    world.store({CT: "CT"}, owner=DAVE, series_description="Thorax")
    assert "Thorax" not in str(world.events(BOB))
    assert world.state().studies == {STUDY: frozenset({CT})}


def test_members_may_take_back_what_was_done_to_them(world: World) -> None:
    """Who was added leaves; the images of the last member's album stay with them."""
    world.act(ALICE, leave_album)
    world.act(CAROL, demote_admin, CAROL)
    assert undo(world, 2, BOB).status_code == 204
    assert world.news(world.position() - 1) == [MemberLeft()]
    world.store({CT: "CT"})
    world.act(CAROL, import_study, STUDY, [CT])
    assert undo(world, 3, CAROL).status_code == 409  # she was demoted since
    world.act(DAVE, create_album, "Other", album=OTHER)
    world.act(DAVE, add_member, BOB, album=OTHER)
    world.act(DAVE, import_study, STUDY, [CT], album=OTHER)
    world.act(DAVE, leave_album, album=OTHER)
    assert undo(world, 2, BOB, OTHER).status_code == 204
    assert world.news(world.position() - 1) == [AlbumDeleted()]
    assert world.service.inbox.series(world.user(BOB), STUDY) == {CT}


def test_the_search_for_what_came_since_reads_on(world: World) -> None:
    """More than a page of events that are about something else."""
    for hook in ("one", "two"):
        world.act(ALICE, create_webhook, hook, hook, "http://hook.example")
    world.act(ALICE, edit_webhook, "one", "Other")
    for number in range(120):
        world.act(ALICE, edit_webhook, "two", f"Other {number}")
    assert undo(world, 4).json["version"] == 6


def test_with_version(world: World, upstream: World) -> None:
    """Each entry has its version, beside all that it has without; another word is refused."""
    for one in (world, upstream):
        one.act(ALICE, add_member, DAVE)
        assert undo(one, 4).status_code == 204
        plain = one.events(ALICE)
        shown = one.events(ALICE, **{"with": "version"})
        assert [entry.pop("version") for entry in shown] == [5, 4, 3, 2, 1]
        assert shown[0].pop("undoes") == 4
        assert shown == plain
    for bad in ("versions", "", ["version", "x"]):
        answer = world.request(ALICE, "GET", f"/albums/{ALBUM}/events", query={"with": bad})
        assert (answer.status_code, answer.json["message"]) == (400, "Bad Query Parameter")


def test_what_came_since_is_named_as_upstream_names_it(upstream: World) -> None:
    """A report shows as IMPORT_SERIES there."""
    upstream.store({SR: "SR"}, owner=ALICE)
    upstream.act(*GIVEN["provider"][:2], *GIVEN["provider"][2])
    upstream.act(ALICE, import_series, STUDY, SR)
    upstream.act(ALICE, remove_series, STUDY, SR)
    upstream.act(ALICE, add_report, STUDY, SR, report_provider=PROVIDER)
    answer = undo(upstream, 6)
    assert (answer.status_code, answer.json["version"]) == (409, 7)
    assert answer.json["mutation_type"] == "IMPORT_SERIES"
