"""The whole album API over HTTP, driven through every route beside a naive model of its documentation.

Every answer is compared, status and body. The model is a second server: it is sent the same requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
from hypothesis import assume, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from albumcore_adapters.base.settings import Compat
from albumcore_adapters.http.kheops.all_routes import ROUTES
from support import http_drawn as draw
from support.http_belongings import Belongings
from support.http_channels import Channel, InProcess, OverHttp
from support.http_drawn import EMAILS, UIDS
from support.http_machine import By
from support.kheops import ALICE, BOB, CAROL, World
from support.naive_routes import TABLE
from support.naive_undo import NaiveUndo
from support.receiver import Answer as Reply
from support.receiver import receiving


class ApiMachine(Belongings):
    """Requests of all kinds, each answered as the model says."""

    @initialize(number=st.integers(0, 99))
    def open(self, number: int) -> None:
        """Two albums, one token of each scope, a report provider and a webhook."""
        # The simplest example there is takes the simplest step over and over, and shows nothing.
        assume(number)
        self.start()
        for by in (ALICE, BOB):
            self.create_album(
                ("user", by), {"name": f"Of {by.removeprefix('sub-')}"}, in_query=False
            )
        for by, target, album, rest in (
            (ALICE, BOB, 0, ""),
            (ALICE, CAROL, 0, "/admin"),
            (BOB, ALICE, 1, ""),
            (BOB, CAROL, 1, ""),
        ):
            self.change_member(("user", by), album, target, ("PUT", rest))
        self.put_series(("user", ALICE), UIDS[0], "/albums/{album}", "", 0, ALICE, 0)
        self.create_token(
            ("user", ALICE), 0, "album", "Seed", "read write", {}, "deleteSeries", in_query=False
        )
        self.create_token(("user", BOB), 0, "user", "Seed", "", {}, "addSeries", in_query=False)
        self.create_provider(("user", ALICE), 0, "Scribe", "/a")
        self.create_webhook(
            ("user", ALICE),
            0,
            {"name": "Hook", "url": "http://h.example/a", "event": ["new_user", "remove_series"]},
        )

    # Albums

    @rule(by=draw.ASKERS, form=draw.EDITS, in_query=st.booleans())
    def create_album(self, by: By, form: dict[str, Any], in_query: bool) -> None:
        """Three albums are enough: two are asked for, the third is one more on lists."""
        if len(self.open_albums) < 3:
            self.request(by, "POST", "/albums", form, in_query=in_query)

    @rule(
        by=draw.MANAGERS,
        which=draw.OF_ALBUM,
        form=st.one_of(draw.EDITS, draw.EDITS, draw.OWN_EDITS),
        in_query=st.booleans(),
        number=draw.NUMBERS,
    )
    def edit_album(
        self, by: By, which: int, form: dict[str, Any], in_query: bool, number: int
    ) -> None:
        """What the form says, wherever it is."""
        path = f"/albums/{self.album(which)}"
        self.request(by, "PATCH", path, form, number=number, in_query=in_query)

    @rule(by=draw.ASKERS, which=draw.OF_ALBUM, sure=st.integers(0, 5), number=draw.NUMBERS)
    def delete_album(self, by: By, which: int, sure: int, number: int) -> None:
        """Seldom, so that there is something to delete."""
        if sure == 0:
            self.request(by, "DELETE", f"/albums/{self.album(which)}", number=number)

    @rule(by=draw.ASKERS, which=draw.OF_ALBUM, method=draw.PUT_DELETE, number=draw.NUMBERS)
    def favor_album(self, by: By, which: int, method: str, number: int) -> None:
        """One's own favourite."""
        self.request(by, method, f"/albums/{self.album(which)}/favorites", number=number)

    @rule(by=draw.MANAGERS, which=draw.OF_ALBUM, user=draw.USERS, change=draw.CHANGES)
    def change_member(self, by: By, which: int, user: str, change: tuple[str, str]) -> None:
        """Add, promote, demote, remove."""
        method, rest = change
        self.request(by, method, f"/albums/{self.album(which)}/users/{user}{rest}")

    @rule(which=st.integers(0, 1), flag=st.sampled_from(sorted(draw.TRIES)), on=draw.FLAGS)
    def set_flag(self, which: int, flag: str, on: str) -> None:
        """By who made the album; a plain member tries what he may do by then."""
        maker, member = [(ALICE, BOB), (BOB, ALICE)][which]
        album = self.album(which)
        self.request(("user", maker), "PATCH", f"/albums/{album}", {flag: on})
        self.attempt(("user", member), flag, album)

    @rule(which=st.integers(0, 1), number=st.integers(0, 15))
    def leave(self, which: int, number: int) -> None:
        """Whoever came last leaves; seldom everybody, and with the last the album ends."""
        album = self.album(which)
        there = self.model.albums.get(album)
        members = [] if there is None else [*reversed(there.members)]
        for sub in members if number == 15 else members[: len(members) // 3]:
            self.request(("user", sub), "DELETE", f"/albums/{album}/users/{EMAILS[sub]}")

    # Studies and series

    @rule(
        by=draw.BRINGERS,
        pair=draw.PAIRS,
        place=draw.STUDY_TARGETS,
        source=draw.SOURCES,
        to=draw.OF_ALBUM,
        which=draw.OF_ALBUM,
        user=draw.USERS,
        number=draw.NUMBERS,
    )
    def put_study(
        self,
        by: By,
        pair: tuple[str, str],
        place: str,
        source: str,
        to: int,
        which: int,
        user: str,
        number: int,
    ) -> None:
        """Into an album, one's inbox, or another's."""
        query, lender = self.source(source, which, number)
        path = f"/studies/{pair[0]}{place.format(album=self.album(to), user=user)}"
        self.request(by, "PUT", path, query=query, lender=lender, number=number)

    @rule(
        by=draw.BRINGERS,
        pair=draw.PAIRS,
        place=draw.STUDY_TARGETS,
        lent=draw.LENDING,
        to=draw.OF_ALBUM,
        user=draw.USERS,
        number=draw.NUMBERS,
    )
    def put_series(
        self,
        by: By,
        pair: tuple[str, str],
        place: str,
        lent: str,
        to: int,
        user: str,
        number: int,
    ) -> None:
        """The same of one series; and what a report provider brings."""
        _, lender = self.source(lent, 0, number)
        where = place.format(album=self.album(to), user=user)
        path = f"/studies/{pair[0]}/series/{pair[1]}{where}"
        self.request(by, "PUT", path, lender=None if "user" in place else lender, number=number)

    @rule(sub=st.sampled_from(draw.PEOPLE), pair=st.sampled_from(draw.UIDS))
    def bring(self, sub: str, pair: tuple[str, str]) -> None:
        """Images come in, of series that are there, are claimed, or are new."""
        self.bring_images(sub, *pair)

    @rule(pair=st.sampled_from(draw.UIDS), number=draw.NUMBERS)
    def report(self, pair: tuple[str, str], number: int) -> None:
        """What a report provider brings."""
        self.request(("provider",), "PUT", f"/studies/{pair[0]}/series/{pair[1]}", number=number)

    @rule(
        by=draw.BRINGERS,
        pair=draw.PAIRS,
        whole=st.booleans(),
        place=st.sampled_from(["", "/albums/{album}", "/albums/{album}"]),
        which=draw.OF_ALBUM,
        number=draw.NUMBERS,
    )
    def remove(
        self, by: By, pair: tuple[str, str], whole: bool, place: str, which: int, number: int
    ) -> None:
        """A study or a series, out of an album or one's inbox."""
        path = f"/studies/{pair[0]}" + ("" if whole else f"/series/{pair[1]}")
        path += place.format(album=self.album(which))
        self.request(by, "DELETE", path, number=number)

    @rule(
        by=draw.ASKERS,
        method=draw.PUT_DELETE,
        pair=draw.PAIRS,
        whole=st.booleans(),
        source=draw.SOURCES,
        which=draw.OF_ALBUM,
    )
    def favor_series(
        self, by: By, method: str, pair: tuple[str, str], whole: bool, source: str, which: int
    ) -> None:
        """A study or a series, of an album or one's inbox."""
        path = f"/studies/{pair[0]}" + ("" if whole else f"/series/{pair[1]}")
        query, _ = self.source(source, which, 0)
        self.request(by, method, f"{path}/favorites", query=query)

    # Undo

    @rule(
        by=draw.MANAGERS,
        which=draw.OF_ALBUM,
        back=st.integers(0, 15),
        odd=st.sampled_from([None] * 12 + ["0", "999", "x", "-1"]),
        number=draw.NUMBERS,
    )
    def undo(self, by: By, which: int, back: int, odd: str | None, number: int) -> None:
        """One of the last events, or none that there is."""
        album = self.album(which)
        there = self.model.albums.get(album)
        moments = there.moments if isinstance(there, NaiveUndo) else []
        version = max(1, len(moments) - back)
        # Its new id is in no answer, so the model cannot know it.
        if moments and moments[version - 1].fact.get("mutation") != "DELETE_REPORT_PROVIDER":
            path = f"/albums/{album}/events/{odd or version}/undo"
            self.request(by, "POST", path, number=number)

    # Comments

    @rule(
        by=draw.ASKERS,
        about=draw.ABOUT,
        which=draw.OF_ALBUM,
        comment=draw.COMMENTS,
        to=draw.TO,
        in_query=st.booleans(),
    )
    def comment(
        self, by: By, about: str, which: int, comment: str, to: str | None, in_query: bool
    ) -> None:
        """On an album or a study, to all or in private."""
        form = {"comment": comment} | ({} if to is None else {"to_user": to})
        path = about.format(album=self.album(which))
        self.request(by, "POST", f"{path}/comments", form, in_query=in_query)

    # Reading

    @rule(by=draw.ASKERS, query=draw.LISTS, page=draw.PAGES, number=draw.NUMBERS)
    def list_albums(self, by: By, query: dict[str, str], page: dict[str, str], number: int) -> None:
        """By every filter."""
        if page.get("limit") != "0":
            self.request(by, "GET", "/albums", query=query | page, number=number)

    @rule(
        by=draw.ASKERS,
        which=draw.OF_ALBUM,
        kinds=draw.KINDS,
        query=st.one_of(draw.FILTERS, draw.FILTERS, draw.BOTH),
        page=draw.PAGES,
        through=st.sampled_from(["", "", "", "reportProvider", "capabilityToken"]),
        number=draw.NUMBERS,
    )
    def list_events(
        self,
        by: By,
        which: int,
        kinds: list[str],
        query: dict[str, Any],
        page: dict[str, str],
        through: str,
        number: int,
    ) -> None:
        """By every filter."""
        made = {
            "reportProvider": self.clients[-1 - number % len(self.clients)][0],
            "capabilityToken": self.tokens[-1 - number % len(self.tokens)][0],
        }
        query = {"types": kinds} | query | page | ({through: made[through]} if through else {})
        self.request(by, "GET", f"/albums/{self.album(which)}/events", query=query, number=number)

    @rule(
        by=draw.BRINGERS,
        which=draw.OF_ALBUM,
        path=draw.READS,
        page=draw.PAGES,
        more=draw.some(
            includeUsers=draw.FLAGS, valid=draw.FLAGS, url=draw.HOOKS, album=draw.OF_ALBUM
        ),
        number=draw.NUMBERS,
    )
    def read(
        self, by: By, which: int, path: str, page: dict[str, str], more: dict[str, Any], number: int
    ) -> None:
        """Every other list, and every other thing."""
        if "album" in more:
            more = more | {"album": self.album(more["album"])}
        path = path.format(album=self.album(which))
        self.request(by, "GET", path, query=more | page, number=number)

    @rule(
        by=draw.BRINGERS,
        which=draw.OF_ALBUM,
        path=st.sampled_from(["", "/users", "/events", "/events"]),
        moment=draw.MOMENTS,
        form=draw.TIME_FORMS,
        more=draw.few(includeUsers=draw.FLAGS, types=draw.KINDS, endDate=draw.DATES),
        page=draw.PAGES,
        number=st.integers(0, 99),
    )
    def look_back(
        self,
        by: By,
        which: int,
        path: str,
        moment: Any,
        form: str,
        more: dict[str, Any],
        page: dict[str, str],
        number: int,
    ) -> None:
        """An album, its members and its events, as of a moment."""
        album = self.album(which)
        query = self.moment(album, moment, form, number) | more | page
        self.request(by, "GET", f"/albums/{album}{path}", query=query, number=number)

    @rule(
        by=draw.BRINGERS,
        which=draw.OF_ALBUM,
        moments=st.tuples(draw.MOMENTS, draw.MOMENTS),
        forms=st.tuples(draw.TIME_FORMS, draw.TIME_FORMS),
        numbers=st.tuples(st.integers(0, 99), st.integers(0, 99)),
    )
    def compare_moments(
        self,
        by: By,
        which: int,
        moments: tuple[Any, Any],
        forms: tuple[str, str],
        numbers: tuple[int, int],
    ) -> None:
        """What changed between two; sometimes the earlier one is the second, or missing."""
        album = self.album(which)
        begin, end = (
            self.moment(album, *one).get("at")
            for one in zip(moments, forms, sorted(numbers), strict=True)
        )
        query = {"from": begin, "to": end}
        query = {name: text for name, text in query.items() if text is not None}
        self.request(by, "GET", f"/albums/{album}/changes", query=query, number=numbers[0])

    @rule(days=st.sampled_from([0.01, 1, 30]))
    def wait(self, days: float) -> None:
        """Time passes, and tokens with it."""
        self.world.clock.tick(round(days * 24 * 3600))

    @invariant()
    def everybody_looks(self) -> None:
        """What everybody sees of everything is what the model says, after every event and some other steps."""
        if hasattr(self, "model"):
            self.steps += 1
            if self.news() or self.steps % 3 == 0:
                self.look()


@pytest.fixture(scope="module")
def providers_at() -> Iterator[str]:
    """Where report providers are: at ``/a`` and ``/b``."""
    with receiving() as receiver:
        receiver.answer(Reply(404))
        for path in ("/a", "/b"):
            about = {"redirect_uri": receiver.address, "response_type": "token"}
            receiver.answer(Reply.json(about), path=path)
        yield receiver.address


@pytest.mark.parametrize(("channel_to", "share"), [(InProcess, 0.8), (OverHttp, 0.08)])
def test_api(channel_to: Callable[[World], Channel], share: float, providers_at: str) -> None:
    """Whatever is asked, by whomever: every answer is the model's."""
    # One at a time: further examples of one run are for the most part variants of those before.
    one = settings(max_examples=1)
    for number in range(max(2, round(settings().max_examples * share))):
        about = {
            "channel_to": staticmethod(channel_to),
            "providers_at": providers_at,
            "compat": get_args(Compat)[number % 2],
        }
        machine = type("Machine", (ApiMachine,), about)
        run_state_machine_as_test(
            seed(number)(machine) if one.derandomize else machine, settings=one
        )


def test_model_knows_every_route_of_albums() -> None:
    """What the model has no row for is no business of an album."""
    known = {(method, path) for method, path, *_ in TABLE}
    others = {(one.method, one.path) for one in ROUTES} - known
    assert known <= {(one.method, one.path) for one in ROUTES}
    assert not [path for _, path in others if path.startswith("/albums")]
