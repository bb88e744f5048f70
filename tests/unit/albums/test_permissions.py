"""The permission table: who holds what in an album (Kheops API 2), and through what."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product
from typing import NamedTuple

import pytest
from attrs import asdict

from albumcore import (
    AdminDemoted,
    AlbumDeleted,
    CapabilityTokenRevoked,
    MemberLeft,
    MemberRemoved,
    ReportProviderDeleted,
)
from albumcore.albums import Album, MemberFlags, Permission
from albumcore.errors import AlbumcoreError, AlbumNotFound, Forbidden
from albumcore.kernel import Act, Event, Source
from albumcore.user_tokens import Grants
from support.album import (
    BOB,
    BOB_IN,
    CAROL,
    CAROL_ADMIN,
    DAVE,
    KEY,
    OTHER_KEY,
    READER,
    SCRIBE,
    SCRIBE_IN,
    bob,
    carol,
    issued,
    opened,
    reporting,
    through,
)
from support.given import ALICE, NOW, By, folded

# Read from the table of the documented API, by hand. An admin holds every permission.
#
#   permission                 a plain member   a capability token   a report provider
TABLE = """
    ADD_USER                   add_user         no                   no
    REMOVE_USER                yes              no                   no
    ADD_ADMIN                  no               no                   no
    REMOVE_ADMIN               no               no                   no
    DOWNLOAD_SERIES            download_series  read+download        no
    SEND_SERIES                send_series      read+appropriate     no
    DELETE_SERIES              delete_series    read+write           no
    ADD_SERIES                 add_series       write                yes
    READ_SERIES                yes              read                 yes
    WRITE_COMMENT              write_comments   no                   no
    READ_COMMENT               yes              no                   no
    EDIT_ALBUM                 yes              no                   no
    DELETE_ALBUM               no               no                   no
    LIST_USERS                 yes              no                   no
    EDIT_FAVORITES             add_series       no                   no
    MANAGE_CAPABILITIES_TOKEN  no               no                   no
    MANAGE_DICOM_SR            no               no                   no
    GET_DICOM_SR               yes              no                   no
    MANAGE_WEBHOOK             no               no                   no
"""

FLAGS = tuple(asdict(MemberFlags()))
GRANTS = ("read", "write", "download", "appropriate")
ON, OFF = dict.fromkeys(FLAGS, True), dict.fromkeys(FLAGS, False)
ALL = Grants(True, True, True, True)


class Line(NamedTuple):
    """One line of the table."""

    permission: Permission
    member: str
    token: str
    provider: str


LINES = [
    Line(Permission(name), *holders) for name, *holders in map(str.split, TABLE.split("\n")[1:-1])
]
each_permission = pytest.mark.parametrize("line", LINES, ids=lambda line: line.permission.value)


def outcome(
    permission: Permission, source: Source, *history: Event[Album] | By[Album], at: datetime = NOW
) -> type[AlbumcoreError] | None:
    """What comes of requiring a permission: an error, or None where it is held."""
    try:
        folded(Album(), history).require(Act(source, at), permission)
    except AlbumcoreError as error:
        return type(error)
    return None


def test_the_table_names_every_permission() -> None:
    """A permission that is new needs a line of its own."""
    assert [line.permission for line in LINES] == list(Permission)


@each_permission
def test_an_admin_holds_every_permission(line: Line) -> None:
    """Kheops API 14, rule 4: whatever the flags, the one who opened the album and any other."""
    for flags in (ON, OFF):
        assert outcome(line.permission, ALICE, opened(**flags)) is None
        assert outcome(line.permission, CAROL, opened(**flags), CAROL_ADMIN) is None


@each_permission
def test_a_stranger_finds_no_album(line: Line) -> None:
    """Kheops API 14, rule 2."""
    assert outcome(line.permission, DAVE, opened(**ON)) is AlbumNotFound


@each_permission
def test_nobody_finds_an_album_that_is_new_or_deleted(line: Line) -> None:
    """Neither its former admin nor what once opened it."""
    assert outcome(line.permission, ALICE) is AlbumNotFound
    gone = (opened(**ON), issued(ALL), SCRIBE_IN, AlbumDeleted())
    for source in (ALICE, through(KEY), reporting(SCRIBE)):
        assert outcome(line.permission, source, *gone) is AlbumNotFound


@each_permission
@pytest.mark.parametrize("ending", [By(BOB, MemberLeft()), MemberRemoved(bob)])
def test_a_former_member_finds_no_album(line: Line, ending: Event[Album] | By[Album]) -> None:
    """However the membership ended."""
    assert outcome(line.permission, BOB, opened(**ON), BOB_IN, ending) is AlbumNotFound


@each_permission
@pytest.mark.parametrize("flag", FLAGS)
def test_a_plain_member_holds_what_the_flags_say(line: Line, flag: str) -> None:
    """Kheops API 14, rules 3 and 5: with this flag alone on, and with it alone off."""
    on = {"yes": None, "no": Forbidden}.get(line.member, None if line.member == flag else Forbidden)
    off = {"yes": None, "no": Forbidden}.get(
        line.member, Forbidden if line.member == flag else None
    )
    assert outcome(line.permission, BOB, opened(**{**OFF, flag: True}), BOB_IN) is on
    assert outcome(line.permission, BOB, opened(**{**ON, flag: False}), BOB_IN) is off


@each_permission
def test_a_demoted_admin_is_a_plain_member(line: Line) -> None:
    """He keeps what the flags give, and no more."""
    history = opened(**ON), CAROL_ADMIN, AdminDemoted(carol)
    assert outcome(line.permission, CAROL, *history) is (Forbidden if line.member == "no" else None)


@each_permission
@pytest.mark.parametrize("given", list(product([True, False], repeat=4)), ids=str)
def test_a_capability_token_holds_what_its_grants_say(line: Line, given: tuple[bool, ...]) -> None:
    """Every combination of grants; its creator's own rights and the member flags do not matter."""
    granted = {name for name, is_given in zip(GRANTS, given, strict=True) if is_given}
    held = line.token != "no" and granted.issuperset(line.token.split("+"))
    for flags in (ON, OFF):
        history = opened(**flags), issued(Grants(*given))
        assert outcome(line.permission, through(KEY), *history) is (None if held else Forbidden)


@each_permission
def test_a_capability_token_opens_nothing_outside_its_validity(line: Line) -> None:
    """Kheops API 14, rule 61: revoked, expired, and not valid yet, give or take 5 seconds."""
    held = None if line.token != "no" else Forbidden
    second, tick = timedelta(seconds=1), timedelta(microseconds=1)
    start, end = NOW, NOW + timedelta(days=1)
    history = opened(**ON), issued(ALL, not_before=start, expires_at=end)
    for at, expected in (
        (start - 5 * second - tick, Forbidden),
        (start - 5 * second, held),
        (end + 5 * second, held),
        (end + 5 * second + tick, Forbidden),
    ):
        assert outcome(line.permission, through(KEY), *history, at=at) is expected
    revoked = *history, CapabilityTokenRevoked(KEY)
    assert outcome(line.permission, through(KEY), *revoked) is Forbidden


@each_permission
@pytest.mark.parametrize("ending", [AdminDemoted(carol), MemberRemoved(carol)])
def test_a_capability_token_needs_a_creator_who_is_an_admin(
    line: Line, ending: Event[Album]
) -> None:
    """Kheops API 10; not even where the token itself was not revoked with the right."""
    history = opened(**ON), CAROL_ADMIN, By(CAROL, issued(ALL)), ending
    assert outcome(line.permission, through(KEY, carol), *history) is Forbidden


@each_permission
def test_a_capability_token_acts_for_its_creator_alone(line: Line) -> None:
    """Named with another user, an admin too, it opens nothing."""
    history = opened(**ON), CAROL_ADMIN, issued(ALL)
    assert outcome(line.permission, through(KEY, carol), *history) is Forbidden


@each_permission
def test_a_capability_token_of_another_album_finds_no_album(line: Line) -> None:
    """Kheops API 14, rule 64: though its user is an admin here."""
    history = opened(**ON), issued(ALL)
    assert outcome(line.permission, through(OTHER_KEY), *history) is AlbumNotFound


@each_permission
def test_a_report_provider_adds_and_reads_series(line: Line) -> None:
    """And nothing else, for an admin or a plain member, whatever the flags (Kheops API 2)."""
    held = None if line.provider == "yes" else Forbidden
    for flags in (ON, OFF):
        history = opened(**flags), BOB_IN, SCRIBE_IN
        assert outcome(line.permission, reporting(SCRIBE), *history) is held
        assert outcome(line.permission, reporting(SCRIBE, bob), *history) is held


@each_permission
def test_a_removed_report_provider_is_shut_out(line: Line) -> None:
    """Kheops API 1."""
    history = opened(**ON), SCRIBE_IN, ReportProviderDeleted(SCRIBE)
    assert outcome(line.permission, reporting(SCRIBE), *history) is Forbidden


@each_permission
def test_a_report_provider_whose_user_left_is_shut_out(line: Line) -> None:
    """It acts in the name of the member who started the report."""
    history = opened(**ON), BOB_IN, SCRIBE_IN, By(BOB, MemberLeft())
    assert outcome(line.permission, reporting(SCRIBE, bob), *history) is Forbidden


@each_permission
def test_a_report_provider_of_another_album_finds_no_album(line: Line) -> None:
    """Though its user is an admin here."""
    assert outcome(line.permission, reporting(READER), opened(**ON), SCRIBE_IN) is AlbumNotFound


@each_permission
def test_who_acts_through_both_holds_what_the_report_provider_holds(line: Line) -> None:
    """A report may have been started with a capability token (Kheops API 1); the provider acts."""
    both = Source(ALICE.user, KEY, SCRIBE)
    held = None if line.provider == "yes" else Forbidden
    assert outcome(line.permission, both, opened(**OFF), SCRIBE_IN, issued(ALL)) is held
