"""The authorisation matrix as it is written, and everybody who asks."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from attrs import frozen

from albumcore.ids import ReportProviderId, UserId
from albumcore_adapters.identity.service_tokens import (
    Report,
    Viewer,
    report_token,
    viewer_token,
)
from support.kheops import ALBUM, ALICE, BOB, DAVE, STUDY, World

ERIN = UserId("sub-erin")
"""Was a member once. As in every settled world, Alice and Carol are admins, Bob is a member, and Dave is none."""

PROVIDER, GONE = ReportProviderId("provider"), ReportProviderId("provider-gone")
"""Two report providers of the album; the second was turned away."""

FLAGS = (
    "add_user",
    "download_series",
    "send_series",
    "delete_series",
    "add_series",
    "write_comments",
)
BY_DEFAULT = frozenset(FLAGS) - {"add_user", "delete_series"}
GRANTS = ("read", "write", "download", "appropriate")


# The table


@frozen
class Row:
    """One line of the table: a route, what is asked of it, and the cells, by the names of the columns."""

    method: str
    path: str
    variant: str
    cells: Mapping[str, str]

    @property
    def name(self) -> str:
        """As it is written."""
        return f"{self.method} {self.path}" + (f" ({self.variant})" if self.variant else "")

    def expected(self, by: Principal) -> int:
        """The status that the cell of a column says."""
        if by.column == "provider" and "removed" in by.words and self.cells["nobody"] == "401":
            return 403
        return self._read(by.column, by.words)

    def _read(self, column: str, words: frozenset[str]) -> int:
        cell = self.cells[column]
        if cell == "same":
            [kind] = words
            return self._read(kind, BY_DEFAULT)
        for part in cell.split(" else "):
            match = _PART.fullmatch(part)
            assert match, f"{self.name}: {column}: {cell!r}"
            if match["words"] is None or words.issuperset(match["words"].split("+")):
                return int(match["status"])
        raise AssertionError(f"{self.name}: {column}: {cell!r} does not say what else")


_ROUTE = re.compile(r"(?P<method>[A-Z]+) (?P<path>\S+)(?: \((?P<variant>.+)\))?")
_PART = re.compile(r"(?P<status>\d{3})(?: if (?P<words>[a-z_+]+))?")


def read_rows(table: Path) -> list[Row]:
    """The rows of all tables in a file that have a column of routes."""
    rows, columns = [], list[str]()
    for line in table.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            columns = []
        elif not columns:
            columns = cells
        elif columns[0] == "route" and not cells[0].startswith("---"):
            route = _ROUTE.fullmatch(cells[0])
            assert route, line
            assert len(cells) == len(columns), line
            by_column = dict(zip(columns[1:], cells[1:], strict=True))
            rows.append(Row(route["method"], route["path"], route["variant"] or "", by_column))
    return rows


# The columns


@frozen
class Principal:
    """Somebody who asks.

    Attributes:
        name: What he is called in the report of a failure.
        column: The column of the table that he is in.
        words: What holds of him, of all that the cells of the column speak of.
        user: Who it is, or in whose name it happens.
        make_token: Makes the token he shows; None for no token at all.
        flags: The member flags of the album while he asks.
    """

    name: str
    column: str
    words: frozenset[str] = frozenset()
    user: UserId = ALICE
    make_token: Callable[[World, Principal], str] | None = lambda world, by: world.token(by.user)
    flags: frozenset[str] = BY_DEFAULT


def secret(world: World, by: Principal) -> str:
    """A capability token of the world."""
    return by.name.replace("-", "").ljust(22, "0")


def report(world: World, by: Principal) -> str:
    """A token of a report provider."""
    provider = GONE if "removed" in by.words else PROVIDER
    asked = Report(by.user, provider, (STUDY,), _scope(by))
    return report_token(world.service.auth.issuer, asked, world.clock.now)


def view(world: World, by: Principal) -> str:
    """A viewer token."""
    seen = Viewer(world.token(by.user), STUDY, _scope(by), ALBUM)
    return viewer_token(world.service.auth.issuer, seen, world.clock.now)


def _scope(by: Principal) -> tuple[str, ...]:
    return tuple(sorted(by.words & {"read", "write"}))


def grants_that_can_be() -> Iterator[frozenset[str]]:
    """The sets of grants of an album's token: ten of sixteen, as download and appropriate need read."""
    for size in range(len(GRANTS) + 1):
        for chosen in map(frozenset, itertools.combinations(GRANTS, size)):
            if "read" in chosen or not chosen & {"download", "appropriate"}:
                yield chosen


def _initials(grants: frozenset[str]) -> str:
    return "".join(one[0] for one in GRANTS if one in grants)


def _member(name: str, flags: frozenset[str]) -> Principal:
    return Principal(name, "member", flags, BOB, flags=flags)


def _token(name: str, column: str, words: frozenset[str], user: UserId = ALICE) -> Principal:
    return Principal(name, column, words, user, secret)


def _words(*words: str) -> frozenset[str]:
    return frozenset(words)


DEAD = ("expired", "revoked", "future")

PRINCIPALS: tuple[Principal, ...] = (
    Principal("nobody", "nobody", _words("absent"), make_token=None),
    *(_token(f"{why}-{scope}", "nobody", _words()) for why in DEAD for scope in ("album", "user")),
    Principal("stranger", "stranger", user=DAVE),
    Principal("former", "former", user=ERIN),
    _member("member", BY_DEFAULT),
    *(_member(f"member-with-{flag}-alone", _words(flag)) for flag in FLAGS),
    *(_member(f"member-without-{flag}", _words(*FLAGS) - {flag}) for flag in FLAGS),
    Principal("admin", "admin"),
    _token("user-dave", "user token", _words("stranger"), DAVE),
    _token("user-bob", "user token", _words("member"), BOB),
    _token("user-alice", "user token", _words("admin")),
    *(_token(f"album-{_initials(one)}", "album token", one) for one in grants_that_can_be()),
    _token("other", "other token", _words(), DAVE),
    *(
        Principal(f"{column}-{_initials(one)}", column, one, make_token=make)
        for column, make in (("provider", report), ("viewer", view))
        for one in (_words("read"), _words("write"), _words("read", "write"))
    ),
    Principal(
        "provider-removed", "provider", _words("read", "write", "removed"), make_token=report
    ),
)
"""Every column of the matrix, and every way to be in it."""
