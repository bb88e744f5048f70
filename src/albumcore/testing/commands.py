"""Strategies for sequences of commands, refused ones included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from attrs import frozen
from hypothesis import strategies as st

from albumcore.albums import Album
from albumcore.albums.capability_tokens import issue_capability_token, revoke_capability_token
from albumcore.albums.comments import post_comment
from albumcore.albums.lifecycle import create_album, delete_album, edit_album, set_favorite
from albumcore.albums.members import (
    add_admin,
    add_member,
    demote_admin,
    leave_album,
    promote_member,
    remove_member,
)
from albumcore.albums.report_providers import (
    create_report_provider,
    delete_report_provider,
    edit_report_provider,
)
from albumcore.albums.studies import (
    add_favorite,
    add_report,
    import_series,
    import_study,
    remove_favorite,
    remove_series,
    remove_study,
)
from albumcore.albums.webhooks import create_webhook, delete_webhook, edit_webhook, trigger_webhook
from albumcore.errors import AlbumcoreError
from albumcore.ids import ImageId
from albumcore.image_sets import PatientImageSet
from albumcore.image_sets.image_set import delete_patient, remove_image, restore_image
from albumcore.kernel import Act, Decision, Event, RecordedEvent, Source, Stream, fold, record
from albumcore.streams import album_stream, patient_stream, study_stream, user_stream
from albumcore.study_comments import StudyComments
from albumcore.testing.arguments import (
    ALBUMS,
    CAST,
    IMAGES,
    PATIENTS,
    START,
    WAITS,
    Arguments,
    Cast,
    album_arguments,
    digest_from,
    image_set_arguments,
    study_comment_arguments,
    user_token_arguments,
)
from albumcore.user_tokens import Grants, UserTokens
from albumcore.user_tokens.registration import register_person
from albumcore.user_tokens.user_tokens import issue_user_token, revoke_user_token

__all__ = [
    "Command",
    "History",
    "album_commands",
    "history_of",
    "image_set_commands",
    "study_comment_commands",
    "user_token_commands",
]


S = TypeVar("S")
History = tuple[RecordedEvent[Event[S]], ...]


@frozen
class Command(Generic[S]):
    """A call of a decision: ``decision(state, Act(source, at), *args)``.

    Attributes:
        source: Who acts, and through what.
        decision: The decision, such as ``add_member``.
        args: The arguments of the decision after the act.
        wait: Time since the command before.
    """

    source: Source
    decision: Callable[..., tuple[Event[S], ...]]
    args: tuple[Any, ...] = ()
    wait: timedelta = timedelta(0)

    @property
    def name(self) -> str:
        """The name of the decision."""
        return self.decision.__name__


def history_of(
    stream: Stream[S], commands: Iterable[Command[S]], start: datetime = START
) -> History[S]:
    """The history that commands lead to, one after the other. A command that is refused adds nothing."""
    history: History[S] = ()
    state, at = stream.initial, start
    for command in commands:
        at += command.wait
        added = _led_to(stream, state, len(history), command, at)
        history, state = history + added, fold(state, added)
    return history


def _led_to(
    stream: Stream[S], state: S, version: int, command: Command[S], at: datetime
) -> History[S]:
    act = Act(command.source, at)
    try:
        return record(stream.name, version, act, command.decision(state, act, *command.args))
    except AlbumcoreError:
        return ()


ENDS: tuple[Decision, ...] = (delete_album, delete_patient)
"""Decisions after which all others are refused."""


@frozen
class _Attempt:
    """A command before the state is known that it is applied to, so that a shrinker can remove it alone.

    Attributes:
        decision: The decision.
        args: Its arguments; `AIMS` may replace the first ones.
        wait: Time since the command before.
        aim: Index of the existing thing that the decision is about, if it is below two thirds of `_PLACES`.
        in_person: Whether users in person are tried first as the source, or tokens and report providers.
        number: Index of the source that is tried first.
        is_blind: Whether the first source acts even if the decision is refused or changes nothing.
    """

    decision: Decision
    args: tuple[Any, ...]
    wait: timedelta
    aim: int
    in_person: bool
    number: int
    is_blind: bool

    def in_order(self, sources: Sequence[Source]) -> list[Source]:
        """The sources, in the order in which they are tried."""
        ways: tuple[list[Source], list[Source]] = ([], [])
        for source in sources:
            ways[source.in_person is not self.in_person].append(source)
        return [one for way in ways for one in _turned(way, self.number)]


def _turned(way: list[Source], number: int) -> list[Source]:
    start = number % max(len(way), 1)
    return way[start:] + way[:start]


_PLACES = 12
_CHANCES = st.integers(0, _PLACES * _PLACES * len(WAITS) * 12 - 1)


@st.composite
def _attempts(
    draw: st.DrawFn, decisions: Sequence[Decision], arguments: Arguments
) -> _Attempt | None:
    """An attempt, or None as the simplest value: a shrinker removes any attempt in one step, and the others stay.

    One number is drawn for all fields with few choices, because every draw takes time, above all in shrinking.
    """
    decision = draw(st.sampled_from([None, *decisions]))
    if decision is None:
        return None
    rest, number = divmod(draw(_CHANCES), _PLACES)
    rest, wait = divmod(rest, len(WAITS))
    who, aim = divmod(rest, _PLACES)
    is_blind, is_through = divmod(who, 2)
    args = draw(arguments[decision])
    return _Attempt(decision, args, WAITS[wait], aim, not is_through, number, is_blind == 5)


def _series_of(album: Album) -> list[tuple[Any, ...]]:
    return [(study, uid) for study, uids in album.studies.items() for uid in uids]


def _each_of(name: str) -> Callable[[Any], list[tuple[Any, ...]]]:
    return lambda state: [(one,) for one in getattr(state, name)]


AIMS: Mapping[Decision, Callable[[Any], Iterable[tuple[Any, ...]]]] = {
    remove_study: _each_of("studies"),
    remove_series: _series_of,
    add_favorite: _series_of,
    remove_favorite: _series_of,
    promote_member: _each_of("members"),
    demote_admin: _each_of("members"),
    remove_member: _each_of("members"),
    delete_report_provider: _each_of("report_providers"),
    edit_report_provider: _each_of("report_providers"),
    revoke_capability_token: _each_of("capability_tokens"),
    edit_webhook: _each_of("webhooks"),
    delete_webhook: _each_of("webhooks"),
    trigger_webhook: _each_of("webhooks"),
    revoke_user_token: _each_of("tokens"),
    remove_image: _each_of("images"),
    restore_image: _each_of("removed"),
}
"""For a decision about a thing that must exist: the first arguments that name such things in a state."""


@frozen
class _Play(Generic[S]):
    """Turns attempts into commands, most of them by a source that has the permission.

    Attributes:
        is_over: Whether all decisions are refused in a state.
    """

    stream: Stream[S]
    sources: Sequence[Source]
    is_over: Callable[[S], bool]

    def commands(
        self,
        beginning: Iterable[Command[S]],
        attempts: Iterable[_Attempt | None],
        last: _Attempt | None,
    ) -> list[Command[S]]:
        """The commands. Left out are attempts without effect that are not blind, and early ones that end everything."""
        commands = [*beginning]
        history = history_of(self.stream, commands)
        state, version, at = fold(self.stream.initial, history), len(history), START
        for one in [*attempts, last]:
            found = None if one is None else self._command(state, version, one, at)
            if found is None:
                continue
            command, added = found
            after = fold(state, added)
            if one is not last and self.is_over(after) and added:
                continue
            commands.append(command)
            state, version, at = after, version + len(added), at + command.wait
        return commands

    def _command(
        self, state: S, version: int, one: _Attempt, at: datetime
    ) -> tuple[Command[S], History[S]] | None:
        there = sorted(AIMS[one.decision](state)) if one.decision in AIMS else []
        args = one.args
        if there and one.aim < _PLACES * 2 // 3:
            target = there[one.aim % len(there)]
            args = (*target, *args[len(target) :])
        for source in one.in_order(self.sources):
            command = Command[S](source, one.decision, args, one.wait)
            added = _led_to(self.stream, state, version, command, at + one.wait)
            if added or one.is_blind:
                return command, added
        return None


@st.composite
def _commands(
    draw: st.DrawFn,
    play: _Play[S],
    arguments: Arguments,
    max_size: int,
    beginning: Sequence[Command[S]] = (),
    parts: Sequence[Sequence[Decision]] = (),
) -> list[Command[S]]:
    """The first command of a beginning and some of the others; then attempts; then one that may end everything.

    In a third of the examples the attempts are about one part only, so that rare combinations of decisions occur.
    Attempts are drawn independently of the state, so that a shrinker can remove any of them.
    """
    decisions = [*arguments]
    part = draw(st.sampled_from([*[decisions] * (2 * len(parts) or 1), *parts]))
    begun = [one for one in beginning if one is beginning[0] or draw(st.booleans())]
    attempt = _attempts(part, arguments)
    room = max(max_size - 1, 0)  # beside the last
    few = st.lists(attempt, max_size=room)
    many = st.lists(attempt, min_size=room // 2, max_size=room)
    attempts = draw(draw(st.sampled_from([few, *[many] * 31])))
    ends = [one for one in ENDS if one in arguments] or decisions
    last = draw(_attempts(ends, arguments) | _attempts(decisions, arguments))
    return play.commands(begun, attempts, last)


ALBUM_PARTS: tuple[tuple[Decision, ...], ...] = (
    (
        *(import_study, import_series, add_report),
        *(remove_study, remove_series),
        *(add_favorite, remove_favorite),
    ),
    (
        *(add_member, add_admin, promote_member, demote_admin),
        *(remove_member, leave_album, set_favorite, post_comment),
    ),
    (
        *(create_report_provider, edit_report_provider, delete_report_provider),
        *(add_report, add_admin, remove_member),
    ),
    (
        *(issue_capability_token, revoke_capability_token, import_series),
        *(add_admin, demote_admin, edit_album),
    ),
    (create_webhook, edit_webhook, delete_webhook, trigger_webhook),
)
"""Groups of related decisions: studies, members, report providers, capability tokens, webhooks."""


def album_commands(
    cast: Cast = CAST, max_size: int = 50
) -> st.SearchStrategy[list[Command[Album]]]:
    """Commands of a cast of users on an album: first its creation, then any others, refused ones included."""
    creator, admin, member = cast.users[:3]
    key, rights = cast.tokens[0], Grants(read=True, write=True)
    beginning = [
        Command[Album](Source(creator), decision, args)
        for decision, args in (
            (create_album, ("Album",)),
            (add_admin, (admin,)),
            (add_member, (member,)),
            (import_study, (cast.series[0][0], [cast.series[0][1]])),
            (create_report_provider, (cast.providers[0], "Scribe", "https://scribe.example")),
            (issue_capability_token, (key, digest_from(key), "Key", rights)),
            (create_webhook, (cast.webhooks[0], "Bell", "https://bell.example")),
        )
    ]
    play = _Play(
        album_stream(ALBUMS[0]),
        cast.sources(),
        lambda album: not any(member.is_admin for member in album.members.values()),
    )
    return _commands(play, album_arguments(cast), max_size, beginning, ALBUM_PARTS)


def user_token_commands(
    cast: Cast = CAST, max_size: int = 30
) -> st.SearchStrategy[list[Command[UserTokens]]]:
    """Commands on the own capability tokens of the first user of a cast, by that user, by others and through tokens.

    In half of the examples the user is registered first: with a token, they cannot be any more.
    """
    owner = Source(cast.users[0])
    issue = (cast.tokens[0], digest_from(cast.tokens[0]), "Key")
    first = Command[UserTokens](owner, issue_user_token, issue)
    registration = Command[UserTokens](owner, register_person, (digest_from(cast.tokens[0]),))
    play = _Play(user_stream(cast.users[0]), cast.sources(), lambda tokens: False)
    arguments = user_token_arguments(cast)
    return st.one_of(
        _commands(play, arguments, max_size, [first]),
        _commands(play, arguments, max_size, [registration, first]),
    )


def study_comment_commands(
    cast: Cast = CAST, max_size: int = 20
) -> st.SearchStrategy[list[Command[StudyComments]]]:
    """Comments on a study, by users of a cast who can see it and by others, in person or not."""
    play = _Play(study_stream(cast.series[0][0]), cast.sources(), lambda comments: False)
    return _commands(play, study_comment_arguments(cast), max_size)


def image_set_commands(
    image_ids: Sequence[ImageId] = IMAGES, cast: Cast = CAST, max_size: int = 30
) -> st.SearchStrategy[list[Command[PatientImageSet]]]:
    """Commands on a patient's image set. Give each patient different images: image ids are unique in a store."""
    sources = [Source(user) for user in cast.users]
    play = _Play(patient_stream(PATIENTS[0]), sources, lambda images: False)
    return _commands(play, image_set_arguments(tuple(image_ids)), max_size)
