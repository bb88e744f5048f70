"""The albums of a user: those they are a member of now, each as they see it."""

from __future__ import annotations

from albumcore import (
    Albumcore,
    AlbumId,
    MemberFlags,
    Source,
    UserId,
    add_member,
    album_stream,
    create_album,
    delete_album,
    leave_album,
    promote_member,
    set_favorite,
)
from support.given import ALICE, START

BOB = UserId("bob")
A1, A2, A3 = (album_stream(AlbumId(name)) for name in ("A1", "A2", "A3"))


def test_the_albums_of_a_user(app: Albumcore) -> None:
    """By album id, with their membership and settings, without albums they left and deleted ones."""
    for stream, name in ((A2, "Hips"), (A1, "Knees"), (A3, "Elbows")):
        app.handle(stream, create_album, ALICE, name, flags=MemberFlags(add_user=True))
        app.handle(stream, add_member, ALICE, BOB)
    app.handle(A2, set_favorite, Source(BOB), is_favorite=True)
    app.handle(A1, promote_member, ALICE, BOB)
    found = app.albums_of(BOB)
    assert [(one.album_id, one.row.name, one.row.add_user) for one in found] == [
        ("A1", "Knees", True),
        ("A2", "Hips", True),
        ("A3", "Elbows", True),
    ]
    assert [(one.member.is_admin, one.member.is_favorite) for one in found] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    assert found[1].row.created_at == START
    assert [one.member.is_favorite for one in app.albums_of(ALICE.user)] == [False] * 3
    app.handle(A2, leave_album, Source(BOB))
    app.handle(A3, delete_album, ALICE)
    assert [one.album_id for one in app.albums_of(BOB)] == ["A1"]
    assert app.albums_of(UserId("dave")) == []
