"""Named values of a request, and the parameters that several routes share (Kheops API, conventions)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import falcon
from attrs import evolve, frozen

from albumcore import Albumcore, Stream
from albumcore.errors import Invalid, UserNotFound
from albumcore.ids import SeriesUID, StudyUID, UserId, is_uid
from albumcore.past import Moment, past_time
from albumcore.times import Clock
from albumcore_adapters.directory.people import People
from albumcore_adapters.directory.pseudonyms import is_pseudonym

MAX_FIELDS = 10_000
MAX_NUMBER = 2**31 - 1
_BAD_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_NUMBER = re.compile("0*([0-9]{1,10})")


class BadQuery(Invalid):
    """A value in the address of a request, in its path or its query string, breaks a rule."""

    code = "bad_query_parameter"

    @classmethod
    def of(cls, error: Invalid) -> BadQuery:
        """The same error of a value in the address of the request."""
        return cls(
            error.field,
            error.detail.removeprefix(f"{error.field}: "),
            rule=error.rule,
            **error.places,
        )


_UID_RULE = "a UID has at most 64 characters: numbers without leading zeros, joined by dots"


def study_in(text: str) -> StudyUID:
    """The study that a path names, by StudyInstanceUID, (0020,000D).

    Raises:
        BadQuery: it is no UID.
    """
    if not is_uid(text):
        raise BadQuery("study", _UID_RULE)
    return StudyUID(text)


def series_in(text: str) -> SeriesUID:
    """The series that a path names, by SeriesInstanceUID, (0020,000E).

    Raises:
        BadQuery: it is no UID.
    """
    if not is_uid(text):
        raise BadQuery("series", _UID_RULE)
    return SeriesUID(text)


def instance_in(text: str) -> str:
    """The instance that a path names, by SOPInstanceUID, (0008,0018).

    Raises:
        BadQuery: it is no UID.
    """
    if not is_uid(text):
        raise BadQuery("instance", _UID_RULE)
    return text


@frozen
class Fields:
    """Named values of a query string or a form.

    Attributes:
        values: By name, in the order they came.
        refusal: The class of the error for an invalid value.
    """

    values: Mapping[str, Sequence[str]]
    refusal: type[Invalid]

    @classmethod
    def parse(
        cls, encoded: bytes, where: str, refusal: type[Invalid], charset: str = "utf-8"
    ) -> Fields:
        """Read ``name=value&...``, percent-encoded.

        Raises:
            Invalid: as ``refusal``, with ``where`` as its field: it is malformed, or has more than 10,000 fields.
        """
        values: dict[str, list[str]] = {}
        try:
            text = encoded.decode(charset)
            if _BAD_PERCENT.search(text):
                raise ValueError
            for name, value in parse_qsl(
                text,
                keep_blank_values=True,
                encoding=charset,
                errors="strict",
                max_num_fields=MAX_FIELDS,
            ):
                values.setdefault(name, []).append(value)
        except ValueError:
            raise refusal(
                where,
                f"at most {MAX_FIELDS} fields are expected, percent-encoded",
                rule="malformed",
            ) from None
        return cls(values, refusal)

    def texts(self, name: str) -> Sequence[str]:
        """Every value of that name."""
        return self.values.get(name, ())

    def text(self, name: str) -> str | None:
        """The first value of that name."""
        values = self.values.get(name)
        return values[0] if values else None

    def flag(self, name: str) -> bool | None:
        """Whether the value is ``true``, in any case; None without a value."""
        text = self.text(name)
        return None if text is None else text.lower() == "true"

    def order(self, keys: Collection[str], default: str) -> tuple[str, bool]:
        """The sort key that ``sort`` names, and whether the order is descending: with a hyphen before the key.

        Raises:
            Invalid: the key is unknown.
        """
        text = self.text("sort")
        text = default if text is None else text
        key = text.removeprefix("-")
        if key not in keys:
            raise self.refusal("sort", f"one of {', '.join(keys)} is expected")
        return key, text.startswith("-")

    def number(self, name: str, least: int = 0) -> int | None:
        """The value as a whole number, up to 2147483647.

        Raises:
            Invalid: as ``refusal``: it is not a number, or out of range.
        """
        text = self.text(name)
        if text is None:
            return None
        match = _NUMBER.fullmatch(text)
        if match is None or not least <= int(match[1]) <= MAX_NUMBER:
            raise self.refusal(
                name,
                f"a whole number from {least} to {MAX_NUMBER} is expected",
                rule="whole_number",
                least=least,
                most=MAX_NUMBER,
            )
        return int(match[1])

    def with_values(self, **values: Sequence[str]) -> Fields:
        """The same with other values of some fields."""
        return evolve(self, values={**self.values, **values})

    def without_empty(self, *names: str) -> Fields:
        """The same without some fields, as far as they are empty: a form of a page sends every field that it has."""
        left_out = {name for name in names if not self.text(name)}
        kept = {name: values for name, values in self.values.items() if name not in left_out}
        return evolve(self, values=kept)


def query_of(req: falcon.Request, refusal: type[Invalid] = BadQuery) -> Fields:
    """The fields in the query string of a request.

    Raises:
        Invalid: as ``refusal``: it is malformed.
    """
    # WSGI passes bytes, decoded as Latin-1.
    return Fields.parse(req.query_string.encode("latin-1", "replace"), "query string", refusal)


@frozen
class Page:
    """A page of a list: at most ``limit`` entries (None for all), after the first ``offset``."""

    limit: int | None
    offset: int

    @classmethod
    def of(cls, query: Fields, least_limit: int = 0) -> Page:
        """The page with ``limit`` and ``offset`` of a query.

        Raises:
            Invalid: one of them is not a number, or out of range.
        """
        return cls(query.number("limit", least_limit), query.number("offset") or 0)

    @property
    def slice(self) -> slice:
        """The page as a slice of the whole list."""
        return slice(self.offset, None if self.limit is None else self.offset + self.limit)


def user_named(people: People, reference: str) -> UserId:
    """The user that a client refers to: by e-mail address, which is case-insensitive, or by sub.

    Raises:
        UserNotFound: no user has it.
    """
    user = people.find(reference)
    if user is None:
        raise UserNotFound("no user has this sub or e-mail address")
    return user.id


def member_named(people: People, reference: str) -> UserId:
    """The member that a client refers to, as by `user_named`; one who was erased by the pseudonym they are shown by.

    Raises:
        UserNotFound: no user has it.
    """
    # A sub may have the form of a pseudonym, and takes precedence.
    if (user := people.find(reference)) is not None:
        return user.id
    if is_pseudonym(reference) and not people.known(UserId(reference)):
        return UserId(reference)
    raise UserNotFound("no user has this sub or e-mail address")


def user_named_or_none(people: People, reference: str | None) -> UserId | None:
    """`user_named`, for a parameter that may be missing."""
    return None if reference is None else user_named(people, reference)


MOMENT_NAMES = ("at", "version")


def asked_moment(
    query: Fields, albums: Albumcore, stream: Stream[Any], clock: Clock
) -> Moment | None:
    """The moment that ``at`` or ``version`` names in the history of a stream; None without either.

    Raises:
        BadQuery: both are given, or the one is no time or version of the past.
    """
    at, version = query.text("at"), query.number("version", 1)
    if at is None and version is None:
        return None
    if at is not None and version is not None:
        raise BadQuery("version", "at most one of at and version is expected")
    try:
        time = None if at is None else past_time(at, clock)
        return albums.moment(stream, time, version)
    except Invalid as error:
        raise BadQuery.of(error) from None
