"""Whose images a caller may view and add to, after any history: against a model of a few lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from attrs import define, field, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albumcore import edit_album, remove_series
from albumcore.errors import NotFound
from albumcore.ids import SeriesUID, UserId
from albumcore_adapters.access.claims import put_in_inbox
from albumcore_adapters.access.images import SeriesNotWritable, put_images, upload_to, viewable
from albumcore_adapters.access.series import EVERYWHERE, Claim, origin_of
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.identity.callers import caller_of
from support.kheops import ALBUM, ALICE, BOB, CT, DAVE, MR, STUDY, World, open_world, settle
from support.templates import kept

PEOPLE = (ALICE, BOB, DAVE)
MEMBERS = (ALICE, BOB)
"""Alice is an admin of the album, Bob a plain member, Dave none."""


@frozen
class Step:
    """Something that somebody does with a series."""

    act: str
    by: UserId
    series: SeriesUID


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(
            ["store", "store in the album", "claim", "leave", "remove", "flip sending"]
        ),
        st.sampled_from(PEOPLE),
        st.sampled_from([CT, MR]),
    ),
    max_size=12,
)


@define
class Model:
    """Who holds what: by user, an inbox; and the album. A claim is held and shows nothing."""

    inboxes: dict[UserId, set[SeriesUID]] = field(factory=lambda: {one: set() for one in PEOPLE})
    album: set[SeriesUID] = field(factory=set)
    claims: set[tuple[UserId, SeriesUID]] = field(factory=set)
    brought: set[tuple[UserId, SeriesUID]] = field(factory=set)
    sends: bool = True

    def may_add(self, by: UserId, series: SeriesUID, *, to_album: bool) -> bool:
        """Whether somebody may add images to a series."""
        in_album = series in self.album
        if not in_album and not any(series in held for held in self.inboxes.values()):
            return True
        may_send = by == ALICE or (by == BOB and self.sends)
        return (
            series in self.inboxes[by]
            or (in_album and may_send)
            or (in_album and to_album and (by, series) in self.brought)
        )

    def seen(self, by: UserId) -> set[SeriesUID]:
        """The series whose images are shown to somebody."""
        return self.inboxes[by] | (self.album if by in MEMBERS else set())

    def store(self, by: UserId, series: SeriesUID, *, to_album: bool) -> None:
        """Somebody's images come, and their claim becomes true."""
        (self.album if to_album else self.inboxes[by]).add(series)
        self.brought.add((by, series))
        if (by, series) in self.claims:
            self.claims.remove((by, series))
            self.inboxes[by].add(series)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the world."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def world(data: Path) -> Iterator[World]:
    """A settled world in which nothing is remembered but what is stored."""
    made = open_world(data, start=settle)
    made.service.albums.states.most = 0
    with closing(made.service):
        yield made


@pytest.fixture(scope="module")
def restore(world: World, data: Path) -> Iterator[Callable[[], None]]:
    """Puts the world back to its beginning."""
    with kept(data) as back:
        yield back


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_history(steps: list[Step], world: World, restore: Callable[[], None]) -> None:
    """What is allowed, and what is shown, is what the model says after every step."""
    restore()
    model = Model()
    for step in steps:
        _take(world, model, step)
        for user in PEOPLE:
            assert _seen(world, user) == model.seen(user), step


def _seen(world: World, user: UserId) -> set[SeriesUID]:
    caller = caller_of(world.service.auth, world.token_of(user))
    try:
        return {*viewable(world.service.image_access, caller, EVERYWHERE, STUDY)}
    except NotFound:
        return set()


def _take(world: World, model: Model, step: Step) -> None:
    by, series = step.by, step.series
    match step.act:
        case "store" | "store in the album":
            _store(world, model, step)
        case "claim" if _claim(world, step):
            if (by, series) in model.brought:
                model.inboxes[by].add(series)
            elif series not in model.inboxes[by]:
                model.claims.add((by, series))
        case "leave":
            world.service.inbox.remove(world.user(by), STUDY, [series])
            model.inboxes[by].discard(series)
            model.claims.discard((by, series))
        case "remove" if series in model.album:
            world.act(ALICE, remove_series, STUDY, series)
            model.album.remove(series)
        case "flip sending":
            model.sends = not model.sends
            world.act(ALICE, edit_album, flags={"send_series": model.sends})


def _store(world: World, model: Model, step: Step) -> None:
    to_album = step.act == "store in the album"
    if to_album and step.by not in MEMBERS:
        return
    access, series = world.service.image_access, step.series
    caller = caller_of(world.service.auth, world.token_of(step.by))
    begun = upload_to(access, caller, ALBUM if to_album else None)
    record = InstanceRecord(STUDY, series, f"{series}.{PEOPLE.index(step.by)}", {}, {}, {})

    def write(_: object) -> None:
        world.service.catalogue.store([record])

    if model.may_add(step.by, series, to_album=to_album):
        put_images(access, begun, [(STUDY, series)], write)
        model.store(step.by, series, to_album=to_album)
    else:
        with pytest.raises(SeriesNotWritable):
            put_images(access, begun, [(STUDY, series)], write)


def _claim(world: World, step: Step) -> bool:
    """Put a series into an inbox as a claim without a source, if it is one."""
    caller = caller_of(world.service.auth, world.token_of(step.by))
    origin = origin_of(world.service.holdings, caller, STUDY, step.series)
    if not isinstance(origin, Claim) or origin.source is not None:
        return False
    put_in_inbox(world.service.holdings, caller.user, origin, STUDY, [step.series])
    return True
