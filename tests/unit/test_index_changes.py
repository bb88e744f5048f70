"""The changes of index rows that each event means, written out for every class."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import asdict, evolve

from albumcore.index import (
    DERIVED,
    AddedImageRow,
    AlbumRow,
    CapabilityTokenRow,
    Change,
    CommandRow,
    Drop,
    Enter,
    FeedLaneRow,
    ImageRow,
    MemberRow,
    ProviderRow,
    Put,
    SeriesRow,
    Set,
    UndoneRow,
    changes,
)
from albumcore.kernel import STORED, Act, CommandKey
from support.examples import (
    ALICE,
    AT,
    BOB,
    DIGEST,
    EVENTS,
    EXPIRES,
    FLAGS,
    IMAGE,
    OTHER_SERIES,
    PROVIDER,
    SERIES,
    SPARSE,
    STUDY,
    TOKEN,
)

ALBUM = "Q7bZ2mP0xT"
STREAM = f"album-{ALBUM}"
MOVED = Set(AlbumRow, {"album_id": ALBUM}, {"last_event_at": AT})
IMAGE_ROW = {"image_id": IMAGE, "patient": 343}
UNDONE = Put(UndoneRow(STREAM, 6, 7))


def shown(
    mutation: str | None,
    target: str | None = None,
    study: str | None = None,
    *series: str,
    stream: str = STREAM,
    is_private: bool = False,
    provider: str | None = None,
    token: str | None = None,
) -> list[Change]:
    """The terms of an event of the examples: each scope it may be seen in, and there each value it has."""
    scopes = ["comments" if mutation is None else "mutations"]
    if is_private:
        scopes = [f"private\n{ALICE}", f"private\n{target}"]
    told = {
        "mutations": [mutation],
        "users": [ALICE, target],
        "studies": [study],
        "series": series,
        "providers": [provider],
        "capability_tokens": [token],
    }
    terms = []
    for scope in scopes:
        terms.append(scope)
        terms += [
            f"{scope}\n{name}\n{one}" for name, values in told.items() for one in values if one
        ]
    if mutation in ("CREATE_ALBUM", "LEAVE_ALBUM"):
        terms.append(f"members\n{ALICE}")
    elif mutation in ("ADD_USER", "ADD_ADMIN", "REMOVE_USER", "PROMOTE_ADMIN", "DEMOTE_ADMIN"):
        terms.append(f"members\n{target}")
    elif mutation is not None and mutation.endswith("_REPORT_PROVIDER"):
        terms.append(f"report providers\n{provider}")
    return [Enter(stream, tuple(terms), 7)]


def favored(series_uid: str, *, is_favorite: bool) -> Set:
    """The change of the row of a series that becomes a favourite, or one no more."""
    where = {"album_id": ALBUM, "series_uid": series_uid}
    return Set(SeriesRow, where, {"is_favorite": is_favorite})


def member(sub: str) -> dict[str, str]:
    """Where the row of a member is."""
    return {"album_id": ALBUM, "sub": sub}


def in_album(series_uid: str) -> SeriesRow:
    """The row of a series."""
    return SeriesRow(ALBUM, STUDY, series_uid)


def token_row(stream: str, title: str) -> Put:
    """The row of the capability token of the examples."""
    return Put(CapabilityTokenRow(DIGEST, stream, TOKEN, title, ALICE, AT, EXPIRES))


def revoked(stream: str) -> Set:
    """The change of that row when the token is taken back."""
    return Set(CapabilityTokenRow, {"stream": stream, "token_id": TOKEN}, {"is_revoked": True})


def title_erased(stream: str) -> Set:
    """The change of that row when its title is erased."""
    return Set(CapabilityTokenRow, {"stream": stream, "token_id": TOKEN}, {"title": "[erased]"})


def command_erased(stream: str, *versions: int) -> Set:
    """The change of the rows of commands whose events were erased."""
    return Set(CommandRow, {"stream": stream, "version": versions}, {"content": None})


ADDED = Put(AddedImageRow(IMAGE, 343, 7, AT))
PROVIDER_ROW = {"album_id": ALBUM, "provider_id": PROVIDER}

MEANT: dict[str, list[Change]] = {
    "album.created": [
        *shown("CREATE_ALBUM"),
        MOVED,
        Put(
            AlbumRow(
                ALBUM,
                "Knees é 🦴",
                "All of them",
                AT,
                AT,
                add_user=True,
                download_series=False,
                send_series=True,
                delete_series=True,
                add_series=True,
                write_comments=True,
            )
        ),
        Put(MemberRow(ALBUM, ALICE, is_admin=True)),
    ],
    "album.edited": [
        *shown("EDIT_ALBUM"),
        MOVED,
        Set(AlbumRow, {"album_id": ALBUM}, {**asdict(FLAGS), "name": "Hips", "description": ""}),
    ],
    "album.deleted": [
        Drop(AlbumRow, {"album_id": ALBUM}),
        Drop(MemberRow, {"album_id": ALBUM}),
        Drop(SeriesRow, {"album_id": ALBUM}),
        Drop(ProviderRow, {"album_id": ALBUM}),
        Drop(FeedLaneRow, {"stream": STREAM}),
        Drop(CapabilityTokenRow, {"stream": STREAM}),
        Drop(UndoneRow, {"stream": STREAM}),
    ],
    "album.notifications_set": [
        Set(
            MemberRow,
            member(ALICE),
            {"notification_new_series": True, "notification_new_comment": False},
        )
    ],
    "album.favorite_set": [Set(MemberRow, member(ALICE), {"is_favorite": True})],
    "album.member_left": [*shown("LEAVE_ALBUM"), MOVED, Drop(MemberRow, member(ALICE))],
    "album.member_added": [
        *shown("ADD_USER", BOB),
        MOVED,
        Put(MemberRow(ALBUM, BOB, is_admin=False)),
    ],
    "album.admin_added": [
        *shown("ADD_ADMIN", BOB),
        MOVED,
        Put(MemberRow(ALBUM, BOB, is_admin=True)),
    ],
    "album.member_removed": [*shown("REMOVE_USER", BOB), MOVED, Drop(MemberRow, member(BOB))],
    "album.member_settings_restored": [
        UNDONE,
        Set(
            MemberRow,
            member(BOB),
            {
                "notification_new_series": True,
                "notification_new_comment": False,
                "is_favorite": True,
            },
        ),
    ],
    "album.member_promoted": [
        *shown("PROMOTE_ADMIN", BOB),
        MOVED,
        Set(MemberRow, member(BOB), {"is_admin": True}),
    ],
    "album.admin_demoted": [
        *shown("DEMOTE_ADMIN", BOB),
        MOVED,
        Set(MemberRow, member(BOB), {"is_admin": False}),
    ],
    "album.study_imported": [
        *shown("IMPORT_STUDY", None, STUDY, SERIES, OTHER_SERIES, token=TOKEN),
        MOVED,
        Put(in_album(SERIES)),
        Put(in_album(OTHER_SERIES)),
    ],
    "album.series_imported": [
        *shown("IMPORT_SERIES", None, STUDY, SERIES, token=TOKEN),
        MOVED,
        Put(in_album(SERIES)),
    ],
    "album.report_added": [
        *shown("NEW_REPORT", None, STUDY, SERIES, provider=PROVIDER),
        MOVED,
        Put(in_album(SERIES)),
    ],
    "album.study_removed": [
        *shown("REMOVE_STUDY", None, STUDY, SERIES, OTHER_SERIES, token=TOKEN),
        MOVED,
        Drop(SeriesRow, {"album_id": ALBUM, "study_uid": STUDY}),
    ],
    "album.series_removed": [
        *shown("REMOVE_SERIES", None, STUDY, SERIES, token=TOKEN),
        MOVED,
        Drop(SeriesRow, {"album_id": ALBUM, "study_uid": STUDY, "series_uid": SERIES}),
    ],
    "album.favorite_added": [
        *shown("ADD_FAV", None, STUDY, SERIES, OTHER_SERIES),
        MOVED,
        favored(SERIES, is_favorite=True),
        favored(OTHER_SERIES, is_favorite=True),
    ],
    "album.favorite_removed": [
        *shown("REMOVE_FAV", None, STUDY, SERIES),
        MOVED,
        favored(SERIES, is_favorite=False),
    ],
    "album.comment_posted": [*shown(None, BOB, is_private=True)],
    "album.comment_withdrawn": [UNDONE],
    "album.report_provider_created": [
        *shown("CREATE_REPORT_PROVIDER", provider=PROVIDER),
        MOVED,
        Put(ProviderRow(ALBUM, PROVIDER, "Scribe")),
    ],
    "album.report_provider_edited": [
        *shown("EDIT_REPORT_PROVIDER", provider=PROVIDER),
        MOVED,
        Set(ProviderRow, PROVIDER_ROW, {"name": "Pen"}),
    ],
    "album.report_provider_deleted": [
        *shown("DELETE_REPORT_PROVIDER", provider=PROVIDER),
        MOVED,
        Set(ProviderRow, PROVIDER_ROW, {"is_removed": True}),
    ],
    "album.capability_token_issued": [token_row(STREAM, "Scanner 2")],
    "album.capability_token_revoked": [revoked(STREAM)],
    "album.webhook_created": [*shown("CREATE_WEBHOOK")],
    "album.webhook_edited": [*shown("EDIT_WEBHOOK")],
    "album.webhook_deleted": [*shown("DELETE_WEBHOOK")],
    "album.webhook_triggered": [*shown("TRIGGER_WEBHOOK")],
    "study.comment_posted": [*shown(None, BOB, stream=f"study-{STUDY}", is_private=True)],
    "user.person_registered": [],
    "user.capability_token_issued": [token_row(f"user-{ALICE}", "Laptop")],
    "user.capability_token_revoked": [revoked(f"user-{ALICE}")],
    "images.image_added": [ADDED, Put(ImageRow(IMAGE, 343, 7, 276, 117, "Headshot", AT))],
    "images.image_removed": [Set(ImageRow, IMAGE_ROW, {"is_removed": True})],
    "images.image_restored": [Set(ImageRow, IMAGE_ROW, {"is_removed": False})],
    "images.patient_deleted": [Set(ImageRow, {"patient": 343}, {"is_closed": True})],
    "images.patient_restored": [Set(ImageRow, {"patient": 343}, {"is_closed": False})],
    "album.text_erased": [
        command_erased(STREAM, 1, 3, 5),
        Set(AlbumRow, {"album_id": ALBUM}, {"name": "[erased]"}),
        Set(ProviderRow, PROVIDER_ROW, {"name": "[erased]"}),
        title_erased(STREAM),
    ],
    "study.text_erased": [command_erased(f"study-{STUDY}", 2, 4)],
    "user.text_erased": [command_erased(f"user-{ALICE}", 1), title_erased(f"user-{ALICE}")],
    "images.images_erased": [
        command_erased("images-343", 1, 2),
        Drop(ImageRow, {"image_id": IMAGE, "patient": 343}),
    ],
    "erasures.recorded": [],
    "erasures.store_sealed": [],
}

MEANT_BY_SPARSE: dict[str, list[Change]] = {
    "album.edited": [*shown("EDIT_ALBUM"), MOVED],
    "album.favorite_set": [Set(MemberRow, member(ALICE), {"is_favorite": False})],
    "album.comment_posted": [*shown(None), MOVED],
    "album.webhook_created": [*shown("CREATE_WEBHOOK")],
    "album.webhook_triggered": [*shown("TRIGGER_WEBHOOK")],
    "study.comment_posted": [*shown(None, stream=f"study-{STUDY}")],
    "images.image_added": [ADDED, Put(ImageRow(IMAGE, 343, 7, None, None, "Audiogram", AT))],
    "album.text_erased": [
        command_erased(STREAM, 2),
        Set(AlbumRow, {"album_id": ALBUM}, {"description": "[erased]"}),
    ],
    "images.images_erased": [command_erased("images-343", 1)],
}


def test_every_stored_class_is_expected_here() -> None:
    """A class that means nothing for the rows says so."""
    assert MEANT.keys() == STORED.keys()
    assert set(DERIVED) <= set(STORED.values())


@pytest.mark.parametrize("name", MEANT)
def test_an_event_means_these_changes(name: str) -> None:
    """In this order."""
    assert changes(EVENTS[f"{name}.v1"]) == tuple(MEANT[name])


@pytest.mark.parametrize("name", MEANT_BY_SPARSE)
def test_an_event_with_less_in_it_means_less(name: str) -> None:
    """A public comment moves the last event time of an album, and an edit without a value does only that."""
    recorded: Any = SPARSE[f"{name}.v1"]
    assert changes(recorded) == tuple(MEANT_BY_SPARSE[name])


@pytest.mark.parametrize("content", ["ab" * 32, None])
def test_the_first_event_of_a_command_says_where_it_is(content: str | None) -> None:
    """Beside what it means anyway; an event that tells no more than an id costs no row."""
    recorded = EVENTS["album.deleted.v1"]
    act = Act(recorded.act.source, recorded.at, CommandKey("again", content))
    found = [] if content is None else [Put(CommandRow("again", STREAM, 7, content))]
    assert changes(evolve(recorded, act=act)) == (*found, *MEANT["album.deleted"])
