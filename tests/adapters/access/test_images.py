"""Whose images a caller may view, download and store; what is expected stands in ``images.md`` beside this file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve

from albumcore import (
    ReportAdded,
    SeriesImported,
    Source,
    edit_album,
    import_series,
    remove_member,
    remove_study,
)
from albumcore.errors import AlbumcoreError
from albumcore.ids import AlbumId, SeriesUID, StudyUID
from albumcore_adapters.access.claims import put_in_album, put_in_inbox
from albumcore_adapters.access.images import (
    ImageAccess,
    SeriesNotWritable,
    Upload,
    downloadable,
    put_images,
    require_storable,
    upload_to,
    viewable,
)
from albumcore_adapters.access.series import EVERYWHERE, Claim, Place
from albumcore_adapters.directory.claims import UNKNOWN_USER
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.http.errors import status_of
from albumcore_adapters.identity.callers import Caller, caller_of
from albumcore_adapters.identity.service_tokens import Viewer, viewer_token
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CT,
    DAVE,
    MR,
    OTHER,
    SR,
    STUDY,
    World,
    open_world,
)
from support.matrix import BY_DEFAULT, FLAGS, PRINCIPALS, PROVIDER, Principal, read_rows
from support.matrix_world import FRED, KEPT, KEPT_SERIES, NEW, OF_FRED, prepare

CLAIMED = SeriesUID("1.2.3.7")
"""A series of the study that the album claims, with images that are nowhere else."""

LEFT, LEFT_SERIES = StudyUID("1.2.5"), SeriesUID("1.2.5.1")
"""A study with a series that is in no album or inbox, with images."""

ROWS = read_rows(Path(__file__).with_name("images.md"))
CALLERS = [one for one in PRINCIPALS if one.column != "nobody" and "removed" not in one.words]

SERIES: Mapping[str, tuple[StudyUID, SeriesUID]] = {
    "": (STUDY, CT),
    "unrestricted": (STUDY, CT),
    "in the inbox of another": (STUDY, OF_FRED),
    "claimed": (STUDY, CLAIMED),
    "of the inbox": (KEPT, KEPT_SERIES),
    "new": (STUDY, NEW),
    "new, into the album": (STUDY, NEW),
    "of the album": (STUDY, CT),
    "of the album, into the album": (STUDY, CT),
    "of another study, in no album or inbox": (LEFT, LEFT_SERIES),
}
"""What each variant of a question is about."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world of the authorization matrix, with some more series."""
    made = open_world(tmp_path_factory.mktemp("data"), start=_prepare)
    made.clock.tick(3600)
    yield made
    made.service.close()


def _prepare(world: World) -> None:
    prepare(world, "http://127.0.0.1:9/provider")
    world.store({LEFT_SERIES: "CT"}, study=LEFT)
    world.store({CLAIMED: "CT"})
    claim = Claim(None, UNKNOWN_USER, is_first=False, may_show=False)
    source = Source(world.user(ALICE))
    put_in_album(world.service.holdings, source, ALBUM, import_series, claim, STUDY, CLAIMED)


def caller_named(world: World, sub: str) -> Caller:
    """A caller with a JWT, or with a capability token of this name."""
    return caller_of(world.service.auth, world.token_of(sub))


def outcome(act: Callable[[], object]) -> int:
    """The status of what an act leads to."""
    try:
        act()
    except AlbumcoreError as error:
        return status_of(error) or 500
    return 200


@pytest.mark.parametrize("by", CALLERS, ids=lambda one: one.name)
def test_images(by: Principal, world: World) -> None:
    """Each question is answered to each caller as the table says."""
    flags = {flag: flag in by.flags for flag in FLAGS}
    world.act(ALICE, edit_album, flags=flags)
    assert by.make_token is not None
    caller = caller_of(world.service.auth, by.make_token(world, by))
    wrong = []
    for row in ROWS:
        access = world.service.image_access
        if row.variant == "unrestricted":
            access = evolve(access, enforces_download=False)
        study, series = SERIES[row.variant]
        one = None if row.path == "study" else series
        acts: Mapping[str, Callable[[], object]] = {
            "VIEW": partial(viewable, access, caller, EVERYWHERE, study, one),
            "DOWNLOAD": partial(downloadable, access, caller, EVERYWHERE, study, one),
            "STORE": partial(_store, access, caller, row.variant, study, series),
        }
        found = outcome(acts[row.method])
        if found != row.expected(by):
            wrong.append(f"{row.name}: {row.expected(by)} expected, {found}")
    world.act(ALICE, edit_album, flags={flag: flag in BY_DEFAULT for flag in FLAGS})
    assert not wrong, "\n".join(wrong)


def _store(
    access: ImageAccess, caller: Caller, variant: str, study: StudyUID, series: SeriesUID
) -> None:
    album = ALBUM if variant.endswith("into the album") else None
    require_storable(access, upload_to(access, caller, album), study, series)


def test_the_place_limits_what_is_shown(world: World) -> None:
    """Of an album, or of the inbox; and one series, or all that the caller may view."""
    access, fred = world.service.image_access, caller_named(world, FRED)
    assert viewable(access, fred, EVERYWHERE, STUDY) == {CT, MR, OF_FRED}
    assert viewable(access, fred, Place(inbox=True), STUDY) == {OF_FRED}
    assert viewable(access, fred, Place(ALBUM), STUDY) == {CT, MR}
    assert viewable(access, fred, Place(ALBUM), STUDY, MR) == {MR}
    assert outcome(partial(viewable, access, fred, Place(ALBUM), STUDY, OF_FRED)) == 404


def test_a_download_has_what_may_be_downloaded(world: World) -> None:
    """Of a study in the inbox and in an album, where the album does not allow it: the series of the inbox."""
    access, fred = world.service.image_access, caller_named(world, FRED)
    world.act(ALICE, edit_album, flags={"download_series": False})
    assert downloadable(access, fred, EVERYWHERE, STUDY) == {OF_FRED}
    assert outcome(partial(downloadable, access, fred, Place(ALBUM), STUDY)) == 403
    world.act(ALICE, edit_album, flags={"download_series": True})
    assert downloadable(access, fred, EVERYWHERE, STUDY) == {CT, MR, OF_FRED}


def test_upstream_an_unseen_series_is_unauthorized(tmp_path: Path) -> None:
    """As its token exchange fails; and downloads are not restricted there, unless a setting says so."""
    opened = open_world(tmp_path, compat="upstream", start=_prepare)
    access = opened.service.image_access
    with pytest.raises(Exception, match="no such series") as caught:
        viewable(access, caller_named(opened, DAVE), EVERYWHERE, STUDY, CT)
    assert status_of(caught.value) == 401
    assert outcome(partial(viewable, access, caller_named(opened, DAVE), EVERYWHERE, STUDY)) == 404
    opened.act(ALICE, edit_album, flags={"download_series": False})
    assert downloadable(access, caller_named(opened, BOB), EVERYWHERE, STUDY, CT)
    opened.service.close()


def viewer(
    world: World, by: str, *scope: str, study: StudyUID = STUDY, album: AlbumId | None = ALBUM
) -> Caller:
    """A viewer of a study in an album, or in the inbox of the user whose token it has."""
    seen = Viewer(world.token(by), study, scope, album, inbox=album is None)
    auth = world.service.auth
    return caller_of(auth, viewer_token(auth.issuer, seen, world.clock.now))


def test_a_viewer_may_what_its_user_may(world: World) -> None:
    """Its scope has no words for downloads, nor for series that are there already: the flags of the album decide."""
    access, both = world.service.image_access, ("read", "write")
    by_flag: Mapping[str, Callable[[], object]] = {
        "download_series": partial(
            downloadable, access, viewer(world, BOB, "read"), EVERYWHERE, STUDY
        ),
        "send_series": partial(
            _store, access, viewer(world, BOB, *both), "of the album", STUDY, CT
        ),
    }
    for flag, act in by_flag.items():
        for is_on in (False, True):
            world.act(ALICE, edit_album, flags={flag: is_on})
            assert outcome(act) == (200 if is_on else 403), flag


def test_a_viewer_of_an_inbox(world: World) -> None:
    """It reaches one study in the inbox, and stores there if its scope says so."""
    access = world.service.image_access
    reads = viewer(world, BOB, "read", study=KEPT, album=None)
    writes = viewer(world, BOB, "read", "write", study=KEPT, album=None)
    assert downloadable(access, reads, EVERYWHERE, KEPT) == {KEPT_SERIES}
    assert outcome(partial(viewable, access, reads, EVERYWHERE, STUDY)) == 404
    assert outcome(partial(upload_to, access, reads)) == 403
    assert upload_to(access, writes).album is None
    for study, series, status in (
        (KEPT, KEPT_SERIES, 200),
        (KEPT, SeriesUID("1.2.4.9"), 200),
        (STUDY, CT, 403),
    ):
        assert outcome(partial(_store, access, writes, "", study, series)) == status


# Storing


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    """A world of its own, to store in."""
    made = open_world(tmp_path, start=_prepare)
    made.album_token("writing", read=True, write=True)
    yield made
    made.service.close()


def send(
    world: World,
    upload: Upload,
    series: SeriesUID,
    study: StudyUID = STUDY,
    number: int = 1,
) -> list[type[object]]:
    """Store an instance of a series; the classes of the events."""
    record = InstanceRecord(study, series, f"{series}.{number}", {}, {}, {})

    def store(_: object) -> None:
        world.service.catalogue.store([record])

    recorded = put_images(world.service.image_access, upload, [(study, series)], store)
    return [type(one.event) for one in recorded]


def upload(world: World, by: str, album: str | None = None) -> Upload:
    """An upload of a person or a capability token."""
    return upload_to(world.service.image_access, caller_named(world, by), album)


def sees(world: World, by: str, series: SeriesUID, study: StudyUID = STUDY) -> bool:
    """Whether the images of a series are shown to somebody."""
    return (
        outcome(
            partial(
                viewable,
                world.service.image_access,
                caller_named(world, by),
                EVERYWHERE,
                study,
                series,
            )
        )
        == 200
    )


def test_what_is_stored_is_seen_where_it_is_put(own: World) -> None:
    """In the inbox by the sender, in an album by its members; an event for each series that is new to the album."""
    assert send(own, upload(own, BOB), NEW) == []
    assert (sees(own, BOB, NEW), sees(own, ALICE, NEW)) == (True, False)
    assert send(own, upload(own, BOB, ALBUM), NEW) == [SeriesImported]
    assert send(own, upload(own, BOB, ALBUM), NEW, number=2) == []
    assert sees(own, ALICE, NEW)
    assert own.state().studies[STUDY] >= {NEW}


def test_images_win_over_a_claim(own: World) -> None:
    """A bare claim of the place becomes a confirmed holding, and no event says that the series came again."""
    assert not sees(own, ALICE, CLAIMED)
    assert send(own, upload(own, "writing"), CLAIMED) == []
    assert sees(own, ALICE, CLAIMED)


def test_images_do_not_confirm_the_claims_of_others(own: World) -> None:
    """Those of the sender they do, wherever they are; those of a token whose bearer is not known stay there alone."""
    holdings, claimant = own.service.holdings, own.user(DAVE)
    claim = Claim(None, claimant, is_first=False, may_show=False)
    put_in_inbox(holdings, claimant, claim, STUDY, [NEW])
    send(own, upload(own, "writing"), NEW)
    assert (sees(own, DAVE, NEW), sees(own, ALICE, NEW)) == (False, True)
    put_in_album(holdings, Source(claimant), OTHER, import_series, claim, STUDY, SR)
    send(own, upload(own, DAVE), SR)
    assert viewable(own.service.image_access, caller_named(own, DAVE), Place(OTHER), STUDY) == {SR}


def test_more_images_follow_the_first(own: World) -> None:
    """An upload comes in parts: who may add, and not send, goes on with what they brought, and with nothing else."""
    own.act(ALICE, edit_album, flags={"send_series": False})
    send(own, upload(own, BOB, ALBUM), NEW)
    send(own, upload(own, BOB, ALBUM), NEW, number=2)
    with pytest.raises(SeriesNotWritable) as caught:
        send(own, upload(own, FRED, ALBUM), NEW, number=3)
    assert caught.value.series_uid == NEW
    with pytest.raises(SeriesNotWritable):
        send(own, upload(own, BOB), NEW, number=3)
    assert own.service.catalogue.series([NEW])[NEW].instances == 2


def test_two_senders_of_a_new_series_do_not_mix(own: World) -> None:
    """Both are let in before the body is read; only the first stores."""
    first, second = upload(own, BOB), upload(own, DAVE)
    for one in (first, second):
        require_storable(own.service.image_access, one, STUDY, NEW)
    send(own, first, NEW)
    with pytest.raises(SeriesNotWritable):
        send(own, second, NEW, number=2)
    assert not sees(own, DAVE, NEW)


def test_a_member_who_left_stores_nothing(own: World) -> None:
    """The album decides again when the images are stored."""
    begun = upload(own, BOB, ALBUM)
    own.act(ALICE, remove_member, BOB)
    position = own.position()
    with pytest.raises(AlbumcoreError):
        send(own, begun, NEW)
    assert (own.position(), NEW in own.service.catalogue.all_series()) == (position, False)


def test_a_failed_store_puts_nothing_anywhere(own: World) -> None:
    """Neither into the album nor into the inbox."""

    def store(_: object) -> None:
        raise ZeroDivisionError

    position = own.position()
    for album in (ALBUM, None):
        with pytest.raises(ZeroDivisionError):
            put_images(own.service.image_access, upload(own, BOB, album), [(STUDY, NEW)], store)
    assert own.position() == position
    assert not own.service.inbox.holds(own.user(BOB), NEW)


def test_a_provider_adds_a_report(own: World) -> None:
    """In the name of the user who asked for it."""
    [by] = [one for one in CALLERS if one.name == "provider-rw"]
    assert by.make_token is not None
    caller = caller_of(own.service.auth, by.make_token(own, by))
    begun = upload_to(own.service.image_access, caller)
    assert send(own, begun, NEW) == [ReportAdded]
    assert begun.source == Source(own.user(ALICE), report_provider=PROVIDER)
    with pytest.raises(SeriesNotWritable):
        send(own, begun, LEFT_SERIES, LEFT)
    own.act(ALICE, remove_study, STUDY)
    with pytest.raises(SeriesNotWritable):
        send(own, begun, SR)


def test_images_must_agree_where_they_make_others_visible(own: World) -> None:
    """Those of a series that is nowhere; and the attributes of a study that the sender does not see."""
    access = own.service.image_access

    def must_agree(by: str, study: StudyUID, series: SeriesUID) -> bool:
        return require_storable(access, upload(own, by), study, series)

    assert must_agree(DAVE, LEFT, LEFT_SERIES)
    assert must_agree(DAVE, STUDY, NEW)
    assert not must_agree(BOB, STUDY, NEW)
    assert not must_agree(BOB, STUDY, CT)
    assert not must_agree(DAVE, StudyUID("1.2.99"), SeriesUID("1.2.99.1"))
