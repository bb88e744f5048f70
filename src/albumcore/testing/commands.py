"""Strategies for sequences of commands: who tries what, in which order, whether or not it will be refused."""

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
from albumcore.image_sets.image_set import delete_patient, remove_image
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
    digest_of,
    image_set_arguments,
    study_comment_arguments,
    user_token_arguments,
)
from albumcore.user_tokens import Grants, UserTokens
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
    """Something that somebody tries: ``decision(state, Act(source, at), *args)``.

    Attributes:
        source: Who tries it, and through what.
        decision: What is tried, such as ``add_member``.
        args: What the decision takes after the act.
        wait: How long after the command before it.
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
    """The history that commands lead to, tried one after the other. Those that are refused leave nothing."""
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
"""Decisions after which there is nothing left to decide."""


@frozen
class _Attempt:
    """What to try, drawn without a look at the state it will meet, so that taking one out changes no other.

    Attributes:
        decision: What is tried.
        args: What it is given, but for what `AIMS` puts in its place.
        wait: How long after the command before it.
        aim: Which of the things that are there it is about, if it is below two thirds of `_PLACES`.
        in_person: Whether a user in person is asked first, or what acts in a user's name.
        number: The place of the source that is asked first.
        is_blind: Whether that source tries it even where it is refused or changes nothing.
    """

    decision: Decision
    args: tuple[Any, ...]
    wait: timedelta
    aim: int
    in_person: bool
    number: int
    is_blind: bool

    def in_order(self, sources: Sequence[Source]) -> list[Source]:
        """The sources, beginning with the one that is asked first."""
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
    """An attempt, or None, the simplest: a shrinker gets rid of any attempt in one step, and the others stay.

    One number is drawn for all that has few choices, as every draw takes time, most of all in shrinking.
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
}
"""What a decision about a thing that must exist can be about, in a state: its first arguments."""


@frozen
class _Play(Generic[S]):
    """Makes commands of attempts, most of which come from a source that may.

    Attributes:
        is_over: Whether there is nothing left to decide in a state.
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
        """The commands. An attempt without effect is left out, unless blind; one that ends all, unless last."""
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
    """Some of a beginning, its first command always; then attempts; then one that may end everything.

    In a third of the examples the attempts are about one part alone: what is rare among all decisions is common there.
    Each attempt is drawn without a look at the state, so that a shrinker can take out any of them.
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
"""What belongs together in an album: studies, members, report providers, capability tokens, webhooks."""


def album_commands(
    cast: Cast = CAST, max_size: int = 50
) -> st.SearchStrategy[list[Command[Album]]]:
    """What a cast of users tries on an album: first to create it, then anything, refused or not."""
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
            (issue_capability_token, (key, digest_of(key), "Key", rights)),
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
    """What is tried on a user's own capability tokens, by the first user of a cast, by others, and through tokens."""
    first = Command[UserTokens](
        Source(cast.users[0]), issue_user_token, (cast.tokens[0], digest_of(cast.tokens[0]), "Key")
    )
    play = _Play(user_stream(cast.users[0]), cast.sources(), lambda tokens: False)
    return _commands(play, user_token_arguments(cast), max_size, [first])


def study_comment_commands(
    cast: Cast = CAST, max_size: int = 20
) -> st.SearchStrategy[list[Command[StudyComments]]]:
    """What is said of a study, by those of a cast who can see it and by others, in person or not."""
    play = _Play(study_stream(cast.series[0][0]), cast.sources(), lambda comments: False)
    return _commands(play, study_comment_arguments(cast), max_size)


def image_set_commands(
    image_ids: Sequence[ImageId] = IMAGES, cast: Cast = CAST, max_size: int = 30
) -> st.SearchStrategy[list[Command[PatientImageSet]]]:
    """What is tried on a patient's image set. Give each patient images of its own: image ids are unique in a store."""
    sources = [Source(user) for user in cast.users]
    play = _Play(patient_stream(PATIENTS[0]), sources, lambda images: images.is_closed)
    return _commands(play, image_set_arguments(tuple(image_ids)), max_size)
