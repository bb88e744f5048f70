"""The feed of an album: the same from the index, from the past and from the whole history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from albumcore import (
    Albumcore,
    EntryKind,
    FeedQuery,
    Grants,
    add_admin,
    add_favorite,
    add_member,
    add_report,
    create_album,
    create_report_provider,
    delete_album,
    delete_report_provider,
    edit_album,
    edit_report_provider,
    import_series,
    import_study,
    issue_capability_token,
    leave_album,
    post_comment,
    remove_series,
    remove_study,
)
from albumcore.errors import AlbumNotFound, Invalid
from albumcore.feed import AlbumStatus, ReportProviderStatus, scopes_of
from albumcore.ids import AlbumId, UserId
from albumcore.newest import newest_entries
from albumcore.streams import album_stream
from support.album import (
    BOB,
    CAROL,
    CT,
    DIGEST,
    KEY,
    M1,
    MR,
    READER,
    S1,
    S2,
    S3,
    SCRIBE,
    URL,
    alice,
    bob,
    carol,
    dave,
    reporting,
    through,
)
from support.given import ALICE, START

ID = AlbumId("A1")
A1 = album_stream(ID)
OTHERS: list[Any] = [
    (import_study, ALICE, CT, [S1, S2, S3]),
    (add_favorite, ALICE, CT, S1),
    (import_study, ALICE, MR, [M1]),
    (edit_report_provider, ALICE, SCRIBE, "Quill"),
    (remove_study, ALICE, CT),
]
"""What happens again and again in the other album."""
FUTURE = START + timedelta(days=1)
KINDS = [
    frozenset(EntryKind),
    frozenset({EntryKind.COMMENT}),
    frozenset({EntryKind.MUTATION}),
    frozenset(),
]


@pytest.fixture(autouse=True)
def told(app: Albumcore) -> None:
    """An album with something of everything, in which Bob came, spoke and went.

    Beside it another, in which the same names mean something else.
    """
    other = album_stream(AlbumId("A2"))
    app.handle(other, create_album, ALICE, "Hips")
    app.handle(other, add_admin, ALICE, bob)
    app.handle(other, create_report_provider, ALICE, SCRIBE, "Of A2", URL)
    app.handle(other, issue_capability_token, ALICE, KEY, "cd" * 32, "Of A2", Grants())
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle(A1, add_member, ALICE, bob)
    app.handle(A1, add_admin, ALICE, carol)
    app.handle(A1, post_comment, BOB, "to all")
    app.handle(A1, post_comment, BOB, "to Alice", alice)
    app.handle(A1, post_comment, CAROL, "to Bob", bob)
    app.handle(A1, edit_album, CAROL, notification_new_series=True)
    app.handle(A1, create_report_provider, ALICE, SCRIBE, "Scribe", URL)
    app.handle(A1, create_report_provider, ALICE, READER, "Reader", URL)
    app.handle(A1, issue_capability_token, ALICE, KEY, DIGEST, "T", Grants(write=True))
    app.handle(A1, import_study, through(KEY), CT, [S1, S2])
    app.handle(A1, add_report, reporting(SCRIBE), CT, S3)
    app.handle(A1, import_series, ALICE, MR, M1)
    app.handle(A1, remove_series, ALICE, CT, S1)
    app.handle(A1, leave_album, BOB)
    app.handle(A1, delete_report_provider, ALICE, SCRIBE)
    app.handle(other, post_comment, ALICE, "elsewhere")


@pytest.mark.parametrize(
    "kinds", KINDS, ids=lambda kinds: " ".join(sorted(kind.value for kind in kinds)) or "none"
)
def test_the_index_gives_the_page_that_the_history_gives(
    app: Albumcore, kinds: frozenset[EntryKind]
) -> None:
    """Entries and total, for every viewer; and what stands now of everything named on the page."""
    for viewer, limit, offset in product((alice, carol), (None, 0, 3, 10**30), (0, 2, 10**30)):
        query = FeedQuery(kinds, limit, offset)
        page, walked = app.feed(ID, viewer, query), app.feed(ID, viewer, query, at=FUTURE)
        assert (page.entries, page.total) == (walked.entries, walked.total)
        for one in page.entries:
            source = one.recorded.act.source
            for user in filter(None, (source.user, one.target)):
                assert page.album_status.admins.get(user) is walked.album_status.admins.get(user)
            for provider in filter(None, (source.report_provider, one.provider_id)):
                assert (
                    page.album_status.providers[provider] == walked.album_status.providers[provider]
                )
            if source.capability_token is not None:
                assert page.album_status.tokens[source.capability_token] == "T"
            for uid in one.series_uids:
                assert (uid in page.album_status.series) is (uid in walked.album_status.series)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"series": [S1]}, ["REMOVE_SERIES", "IMPORT_STUDY"]),
        ({"series": [S1, S3]}, ["REMOVE_SERIES", "NEW_REPORT", "IMPORT_STUDY"]),
        ({"studies": [MR]}, ["IMPORT_SERIES"]),
        (
            {"providers": [SCRIBE]},
            ["DELETE_REPORT_PROVIDER", "NEW_REPORT", "CREATE_REPORT_PROVIDER"],
        ),
        ({"capability_tokens": [KEY]}, ["IMPORT_STUDY"]),
        ({"mutations": ["IMPORT_STUDY", "ADD_USER"]}, ["IMPORT_STUDY", "ADD_USER"]),
        ({"users": [bob], "kinds": frozenset({EntryKind.MUTATION})}, ["LEAVE_ALBUM", "ADD_USER"]),
        ({"users": [f"user {n}" for n in range(2000)] + [bob], "limit": 1}, ["LEAVE_ALBUM"]),
        ({"series": []}, []),
        ({"series": ["\ud800"]}, []),
    ],
    ids=lambda value: str(value)[:40].encode("ascii", "replace").decode(),
)
def test_filters_find_what_is_of_the_album(app: Albumcore, query: Any, found: list[str]) -> None:
    """And nothing of the other, where the same names came at the same versions and moments."""
    for version in range(5, 25):
        app.handle(album_stream(AlbumId("A2")), *OTHERS[version % len(OTHERS)])
    for at in (None, FUTURE):
        page = app.feed(ID, carol, FeedQuery(**query), at=at)
        assert [one.type.mutation for one in page.entries] == found


def test_the_feed_as_a_member_sees_it(app: Albumcore) -> None:
    """Newest first, without other people's private comments (Kheops API 14, rules 20 to 22)."""
    page = app.feed(ID, carol)
    assert [one.type.mutation or one.comment for one in page.entries] == [
        "DELETE_REPORT_PROVIDER",
        "LEAVE_ALBUM",
        "REMOVE_SERIES",
        "IMPORT_SERIES",
        "NEW_REPORT",
        "IMPORT_STUDY",
        "CREATE_REPORT_PROVIDER",
        "CREATE_REPORT_PROVIDER",
        "EDIT_ALBUM",
        "to Bob",
        "to all",
        "ADD_ADMIN",
        "ADD_USER",
        "CREATE_ALBUM",
    ]
    assert page.total == 14


def test_what_stands_now_of_those_on_the_page(app: Albumcore) -> None:
    """Bob left, the report provider is removed, and of the series one is gone (rules 28, 32 and 33)."""
    assert app.feed(ID, alice).album_status == AlbumStatus(
        {alice: True, carol: True},
        {
            SCRIBE: ReportProviderStatus("Scribe", is_removed=True),
            READER: ReportProviderStatus("Reader", is_removed=False),
        },
        {KEY: "T"},
        frozenset({M1, S2, S3}),
    )
    assert app.feed(ID, alice, FeedQuery(limit=0)).album_status == AlbumStatus()


def test_a_series_stands_in_its_own_album_alone(app: Albumcore) -> None:
    """Another album that holds it says nothing of this one (Kheops API 14, rules 32 and 51)."""
    other = album_stream(AlbumId("A2"))
    app.handle(other, import_series, ALICE, CT, S2)
    app.handle(A1, remove_series, ALICE, CT, S2)
    assert app.feed(ID, alice).album_status.series == {M1, S3}
    assert app.feed(AlbumId("A2"), alice).album_status.series == {S2}


def test_whoever_comes_back_stands_again(app: Albumcore) -> None:
    """And sees the private comments of before (Kheops API 14, rules 23 and 28)."""
    app.handle(A1, add_member, ALICE, bob)
    page = app.feed(ID, bob, FeedQuery(frozenset({EntryKind.COMMENT})))
    assert [one.comment for one in page.entries] == ["to Bob", "to Alice", "to all"]
    assert page.album_status.admins == {alice: True, bob: False, carol: True}


@pytest.mark.parametrize("viewer", [bob, dave])
def test_the_feed_is_for_members(app: Albumcore, viewer: UserId) -> None:
    """Kheops API 14, rules 2 and 23: neither who left nor who never joined, now or at a time they were no member."""
    with pytest.raises(AlbumNotFound):
        app.feed(ID, viewer)
    with pytest.raises(AlbumNotFound):
        app.feed(ID, viewer, at=FUTURE)
    with pytest.raises(AlbumNotFound):
        app.feed(ID, viewer, at=START + timedelta(seconds=1))


def test_the_feed_of_no_album(app: Albumcore) -> None:
    """The error is the one a stranger gets, unless the id is none."""
    with pytest.raises(AlbumNotFound):
        app.feed(AlbumId("A3"), alice)
    for unsound in ("", "\ud800"):
        with pytest.raises(Invalid):
            app.feed(AlbumId(unsound), alice)


@pytest.mark.parametrize("viewer", ["", "\ud800", "x" * 999])
def test_the_feed_for_nobody(app: Albumcore, viewer: str) -> None:
    """A viewer that cannot be is no member."""
    with pytest.raises(AlbumNotFound):
        app.feed(ID, UserId(viewer))


def test_the_feed_as_it_was(app: Albumcore) -> None:
    """With what stood then: Bob was a member, and the report provider was not there."""
    created = next(app.history(A1)).at
    page = app.feed(ID, bob, FeedQuery(limit=2), at=created + timedelta(seconds=3))
    assert [one.type.mutation or one.comment for one in page.entries] == ["to all", "ADD_ADMIN"]
    assert page.total == 4
    assert page.album_status == AlbumStatus({alice: True, bob: False, carol: True})
    with pytest.raises(AlbumNotFound):
        app.feed(ID, alice, at=created - timedelta(microseconds=1))
    assert app.feed(ID, alice, at=created).total == 1


def test_the_whole_feed_without_a_viewer(app: Albumcore) -> None:
    """For operators: all private comments too, and deleted albums."""
    assert app.feed(ID, None).total == 15
    comments = app.feed(ID, None, FeedQuery(frozenset({EntryKind.COMMENT})))
    assert [one.comment for one in comments.entries] == ["to Bob", "to Alice", "to all"]
    app.handle(A1, delete_album, ALICE)
    with pytest.raises(AlbumNotFound):
        app.feed(ID, alice)
    assert app.feed(ID, None).total == 15
    before = list(app.history(A1))[-2].at
    assert app.feed(ID, alice, at=before).total == 14
    with pytest.raises(AlbumNotFound):
        app.feed(AlbumId("A3"), None)


def test_comments_are_counted_for_a_viewer(app: Albumcore) -> None:
    """Of several albums at once; those without any are left out (Kheops API 14, rule 22)."""
    streams = ["album-A1", "album-A2", "album-A3"]

    def seen(streams: list[str], viewer: UserId) -> Mapping[str, int]:
        return app.index.count_entries(streams, scopes_of(EntryKind.COMMENT, viewer))

    assert seen(streams, alice) == {"album-A1": 2, "album-A2": 1}
    assert seen(streams, bob) == {"album-A1": 3, "album-A2": 1}
    assert seen(streams, UserId("\ud800")) == {"album-A1": 1, "album-A2": 1}
    assert seen(["album-A3"], alice) == {}
    assert seen([], alice) == {}
    many = [f"album-X{n}" for n in range(1200)]
    assert seen([*many, *streams], alice) == {"album-A1": 2, "album-A2": 1}


def test_a_page_before_a_version(app: Albumcore) -> None:
    """Now or as of a version: what a scan gives, and a time counts beside it."""
    every = app.feed(ID, alice).entries
    for version in range(20):
        for until in (None, 9):
            wanted = [
                one.recorded.version
                for one in every
                if one.recorded.version < version and one.recorded.version <= (until or 20)
            ]
            page = app.feed(ID, alice, FeedQuery(limit=3, before=version), version=until)
            shown = [one.recorded.version for one in page.entries]
            assert (shown, page.total) == (wanted[:3], len(wanted))
    page = app.feed(ID, alice, FeedQuery(before=5, until=FUTURE))
    assert page == app.feed(ID, alice, FeedQuery(before=5))


def test_the_newest_entries_of_many_albums(app: Albumcore) -> None:
    """Those that the first page of each feed has after the version; of many streams at once."""
    for viewer in app.load(A1).members:
        for version in range(18):
            for most in (1, 2, 50):
                page = app.feed(ID, viewer, FeedQuery(limit=most)).entries
                wanted = [one for one in page if one.recorded.version > version]
                after = {ID: version, AlbumId("A2"): 1000}
                found = newest_entries(app, viewer, after, most)
                assert found == ({ID: wanted} if wanted else {})
    many = {AlbumId(f"X{n}"): 0 for n in range(1200)}
    assert newest_entries(app, alice, {**many, ID: 14}, 50).keys() == {ID}
    assert newest_entries(app, alice, {}, 50) == {}
    assert app.index.newest(["\ud800"], {A1.name: 0}, 50) == []


def test_a_time_that_ends_before_it_begins(app: Albumcore) -> None:
    """Nothing is in it, and nothing less than that."""
    for kinds in KINDS:
        query = FeedQuery(kinds, since=FUTURE, until=START - timedelta(days=1))
        page = app.feed(ID, alice, query)
        assert (page.entries, page.total) == ((), 0)


def test_a_page_deep_in_a_long_feed(app: Albumcore) -> None:
    """At any offset, with any filter and for any viewer, it is what a scan gives."""
    for number in range(130):
        app.handle(A1, post_comment, CAROL, f"to Alice {number}", alice)
        app.handle(A1, edit_album, ALICE, name=f"Knees {number}")
        app.handle(A1, post_comment, ALICE, f"to all {number}")
        app.handle(A1, post_comment, ALICE, f"to herself {number}", alice)
    times = [one.at for one in app.history(A1)]
    asked: list[dict[str, Any]] = [
        {},
        {"kinds": frozenset({EntryKind.COMMENT})},
        {"since": times[20], "until": times[-20]},
        {"mutations": ["EDIT_ALBUM", "ADD_ADMIN"], "kinds": frozenset({EntryKind.MUTATION})},
        {"users": [alice]},
        {"users": [alice, carol], "mutations": [f"M{n}" for n in range(60)] + ["EDIT_ALBUM"]},
    ]
    for viewer, query in product((alice, carol), asked):
        whole = app.feed(ID, viewer, FeedQuery(**query), at=FUTURE)
        for offset in (0, 120, 199, 200, 201, 260, whole.total - 1, whole.total):
            page = app.feed(ID, viewer, FeedQuery(**query, limit=3, offset=offset))
            assert page.entries == whole.entries[offset : offset + 3]
            assert page.total == whole.total
