"""Strategies for sequences of commands: who tries what, in which order, whether or not it will be refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from attrs import frozen
from hypothesis import strategies as st

from albumcore.albums import Album
from albumcore.capabilities import Grants, UserTokens
from albumcore.comments import StudyComments
from albumcore.errors import AlbumcoreError
from albumcore.ids import ImageId
from albumcore.imagesets import PatientImageSet
from albumcore.kernel import Act, Event, Recorded, Source, Stream, fold, record
from albumcore.streams import album_stream, patient_stream, study_stream, user_stream
from albumcore.testing.arguments import (
    ALBUMS,
    CAST,
    IMAGES,
    PATIENTS,
    START,
    Arguments,
    Cast,
    Decision,
    album_arguments,
    digest_of,
    image_set_arguments,
    study_comment_arguments,
    user_token_arguments,
    waits,
)

S = TypeVar("S")
History = tuple[Recorded[Event[S]], ...]


@frozen
class Command(Generic[S]):
    """Something that somebody tries: ``decision(state, Act(source, at), *args)``.

    Attributes:
        source: Who tries it, and through what.
        decision: What is tried, such as ``Album.add_member``.
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
        added = _attempt(stream, state, len(history), command, at)
        history, state = history + added, fold(state, added)
    return history


def _attempt(
    stream: Stream[S], state: S, version: int, command: Command[S], at: datetime
) -> History[S]:
    act = Act(command.source, at)
    try:
        return record(stream.name, version, act, command.decision(state, act, *command.args))
    except AlbumcoreError:
        return ()


ENDS: tuple[Decision, ...] = (Album.delete, PatientImageSet.delete_patient)
"""Decisions after which there is nothing left to decide."""


@st.composite
def _commands(
    draw: st.DrawFn,
    stream: Stream[S],
    arguments: Arguments,
    sources: Sequence[Source],
    is_over: Callable[[S], bool],
    beginnings: Sequence[Sequence[Command[S]]],
    max_size: int,
) -> list[Command[S]]:
    """Commands most of which come from a source that may: to know one, each is tried on the state so far.

    What would end everything is kept for the last command, and is often it.
    """
    decisions = st.sampled_from([*arguments])
    last = decisions | st.sampled_from([one for one in ENDS if one in arguments] or [*arguments])
    commands, at = [*draw(st.sampled_from(beginnings))], START
    history = history_of(stream, commands)
    state = fold(stream.initial, history)
    for left in reversed(range(draw(st.integers(0, max_size)))):
        decision = draw(decisions if left else last)
        args, wait = draw(arguments[decision]), draw(waits())
        tried = [Command(source, decision, args, wait) for source in sources]
        led_to = [_attempt(stream, state, len(history), one, at + wait) for one in tried]
        fruitful = [number for number, added in enumerate(led_to) if added]
        choices = range(len(tried)) if draw(st.integers(0, 5)) == 5 else fruitful
        if not choices:
            continue
        # In person or through something: one as often as the other, though there are more of one.
        ways = [[n for n in choices if sources[n].in_person is way] for way in (True, False)]
        number = draw(st.sampled_from(draw(st.sampled_from([way for way in ways if way]))))
        after = fold(state, led_to[number])
        if is_over(after) and left:
            continue
        commands.append(tried[number])
        history, state, at = history + led_to[number], after, at + wait
    return commands


def album_commands(
    cast: Cast = CAST, max_size: int = 50
) -> st.SearchStrategy[list[Command[Album]]]:
    """What a cast of users tries on an album: first to create it, then anything, refused or not."""
    creator, admin, member = cast.users[:3]
    key, rights = cast.tokens[0], Grants(read=True, write=True)
    beginning = [
        Command[Album](Source(creator), decision, args)
        for decision, args in (
            (Album.create, ("Album",)),
            (Album.add_admin, (admin,)),
            (Album.add_member, (member,)),
            (Album.import_study, (cast.series[0][0], [cast.series[0][1]])),
            (Album.create_report_provider, (cast.providers[0], "Scribe", "https://scribe.example")),
            (Album.issue_capability_token, (key, digest_of(key), "Key", rights)),
            (Album.create_webhook, (cast.webhooks[0], "Bell", "https://bell.example")),
        )
    ]
    return _commands(
        album_stream(ALBUMS[0]),
        album_arguments(cast),
        cast.sources(),
        lambda album: not any(member.is_admin for member in album.members.values()),
        [beginning[:length] for length in (1, 2, 3, len(beginning))],
        max_size,
    )


def user_token_commands(
    cast: Cast = CAST, max_size: int = 30
) -> st.SearchStrategy[list[Command[UserTokens]]]:
    """What is tried on a user's own capability tokens, by the first user of a cast, by others, and through tokens."""
    first = Command[UserTokens](
        Source(cast.users[0]), UserTokens.issue, (cast.tokens[0], digest_of(cast.tokens[0]), "Key")
    )
    return _commands(
        user_stream(cast.users[0]),
        user_token_arguments(cast),
        cast.sources(),
        lambda tokens: False,
        [[first]],
        max_size,
    )


def study_comment_commands(
    cast: Cast = CAST, max_size: int = 20
) -> st.SearchStrategy[list[Command[StudyComments]]]:
    """What is said of a study, by those of a cast who can see it and by others, in person or not."""
    return _commands(
        study_stream(cast.series[0][0]),
        study_comment_arguments(cast),
        cast.sources(),
        lambda comments: False,
        [[]],
        max_size,
    )


def image_set_commands(
    image_ids: Sequence[ImageId] = IMAGES, cast: Cast = CAST, max_size: int = 30
) -> st.SearchStrategy[list[Command[PatientImageSet]]]:
    """What is tried on a patient's image set. Give each patient images of its own: image ids are unique in a store."""
    return _commands(
        patient_stream(PATIENTS[0]),
        image_set_arguments(tuple(image_ids)),
        [Source(user) for user in cast.users],
        lambda images: images.is_closed,
        [[]],
        max_size,
    )
