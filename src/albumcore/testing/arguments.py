"""Strategies for the arguments of each decision, from the few names of a `Cast`.

There are few names, so that commands often name the same member, study or token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from inspect import signature
from typing import Any, TypeVar, get_type_hints

from attrs import asdict, frozen
from hypothesis import strategies as st

from albumcore.albums import Album, MemberFlags, WebhookEvent
from albumcore.albums.capability_tokens import issue_capability_token
from albumcore.albums.comments import post_comment
from albumcore.albums.lifecycle import create_album, edit_album
from albumcore.albums.members import (
    add_admin,
    add_member,
)
from albumcore.albums.report_providers import (
    create_report_provider,
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
from albumcore.albums.values import (
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_PROVIDER_TEXT,
    MAX_WEBHOOK_NAME,
    MAX_WEBHOOK_URL,
)
from albumcore.albums.webhooks import create_webhook, edit_webhook, trigger_webhook
from albumcore.ids import (
    MAX_IMAGE_ID,
    AlbumId,
    CapabilityTokenId,
    ImageId,
    PatientId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
    WebhookId,
)
from albumcore.image_sets import Content, PatientImageSet
from albumcore.image_sets.image_set import add_image, remove_image, restore_image
from albumcore.kernel import Decision, Source
from albumcore.study_comments import StudyComments, post_study_comment
from albumcore.testing import values
from albumcore.testing.decisions import decisions_on
from albumcore.text import MAX_COMMENT
from albumcore.user_tokens import Grants, UserTokens
from albumcore.user_tokens.registration import register_person
from albumcore.user_tokens.user_tokens import issue_user_token
from albumcore.user_tokens.values import MAX_TITLE

__all__ = [
    "ALBUMS",
    "CAST",
    "IMAGES",
    "PATIENTS",
    "START",
    "Arguments",
    "Cast",
    "album_arguments",
    "image_set_arguments",
    "study_comment_arguments",
    "user_token_arguments",
]


T = TypeVar("T")
Arguments = Mapping[Decision, st.SearchStrategy[tuple[Any, ...]]]

Series = tuple[StudyUID, SeriesUID]
"""A study, and one of its series."""

START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
"""Time of the first command of a sequence. The month three months later has no such day."""

ALBUMS = AlbumId("Q7bZ2mP0xT"), AlbumId("otherAlbum")
PATIENTS = PatientId(7), PatientId(8)
IMAGES = tuple(map(ImageId, range(1, 6)))
"""The images of a patient, unless others are given."""


@frozen
class Cast:
    """The names that commands draw from. Give each album a cast of its own tokens: digests are unique in a store."""

    users: tuple[UserId, ...] = tuple(map(UserId, ("alice", "bob", "carol", "dave")))
    series: tuple[Series, ...] = tuple(
        (StudyUID(study), SeriesUID(f"{study}.{number}"))
        for study, number in (("1.2.1", 1), ("1.2.1", 2), ("1.2.1", 3), ("1.2.2", 1))
    )
    providers: tuple[ReportProviderId, ...] = tuple(map(ReportProviderId, ("scribe", "reader")))
    tokens: tuple[CapabilityTokenId, ...] = tuple(map(CapabilityTokenId, ("key1", "key2", "key3")))
    webhooks: tuple[WebhookId, ...] = tuple(map(WebhookId, ("bell", "horn")))

    def sources(self) -> list[Source]:
        """Every user in person, through every capability token, and through every report provider."""
        return [
            *(Source(user) for user in self.users),
            *(Source(user, token) for user in self.users for token in self.tokens),
            *(
                Source(user, report_provider=provider)
                for user in self.users
                for provider in self.providers
            ),
        ]


CAST = Cast()


def digest_from(token_id: CapabilityTokenId) -> str:
    """The digest that commands give a capability token; different ids have different digests."""
    return hashlib.sha256(token_id.encode()).hexdigest()


def mostly(sound: st.SearchStrategy[T] | Sequence[T], *unsound: T) -> st.SearchStrategy[T]:
    """Valid values, and about one time in eight one of the values in ``unsound``."""
    if isinstance(sound, st.SearchStrategy):
        return _mostly(sound, st.sampled_from(unsound))
    times = -(-7 * len(unsound) // len(sound))
    return st.sampled_from([*[*sound] * times, *unsound])


@st.composite
def _mostly(draw: st.DrawFn, sound: st.SearchStrategy[T], unsound: st.SearchStrategy[T]) -> T:
    return draw(unsound if draw(_ONE_IN_EIGHT) == 7 else sound)


_ONE_IN_EIGHT = st.integers(0, 7)
_NO_TIME, _MOMENT, _HOUR, _LONG = (
    *(timedelta(0), timedelta(seconds=4), timedelta(hours=1), timedelta(days=60)),
)
WAITS = *[_NO_TIME] * 6, *[_MOMENT] * 3, *[_HOUR] * 2, _LONG
"""Times between commands: mostly zero, seldom so long that capability tokens expire."""


def waits() -> st.SearchStrategy[timedelta]:
    """One of `WAITS`."""
    return st.sampled_from(WAITS)


def flag_changes() -> st.SearchStrategy[Mapping[str, bool]]:
    """New values for some of an album's member flags."""
    flags = [*asdict(MemberFlags())]
    return st.dictionaries(st.sampled_from(flags), st.booleans(), max_size=len(flags))


def _by_signature(state: type[Any], cast: Cast = CAST) -> Arguments:
    """Sound arguments for every public decision on a state, drawn by the types of its parameters."""
    of_cast = {
        UserId: st.sampled_from(cast.users),
        StudyUID: st.sampled_from([study for study, _ in cast.series]),
        SeriesUID: st.sampled_from([uid for _, uid in cast.series]),
        ReportProviderId: st.sampled_from(cast.providers),
        CapabilityTokenId: st.sampled_from(cast.tokens),
        WebhookId: st.sampled_from(cast.webhooks),
    }
    found = {}
    for _, decision in sorted(decisions_on(state).items()):
        hints = get_type_hints(decision)
        types = [hints[name] for name in [*signature(decision).parameters][2:]]
        found[decision] = st.tuples(
            *(values.of_type(hint, of_cast.get(values.required(hint))) for hint in types)
        )
    return found


@cache
def album_arguments(cast: Cast) -> Arguments:
    """What each decision of an album can be given: mostly sound, and about the names of the cast.

    A decision that is not named here takes any sound value of the type of each parameter.
    """
    user, provider = st.sampled_from(cast.users), st.sampled_from(cast.providers)
    (first_study, first_series), (last_study, _) = cast.series[0], cast.series[-1]
    series = mostly(
        cast.series,
        (last_study, first_series),  # a series of another study
        (first_study, SeriesUID("1.02")),
        (StudyUID("1.02"), first_series),
    )
    newcomer = mostly(cast.users, UserId(""))
    name = mostly(values.names(), "", "   ", "n" * (MAX_NAME + 1), "\ud800")
    description = mostly(values.descriptions(), "d" * (MAX_DESCRIPTION + 1))
    comment = mostly(values.comments(), "", "c" * (MAX_COMMENT + 1))
    provider_name = mostly(values.provider_names(), "", "p" * (MAX_PROVIDER_TEXT + 1))
    flags = mostly(flag_changes(), {"fly": True})
    nothing, choice = st.none(), st.none() | st.booleans()
    listed: Arguments = {
        create_album: st.tuples(name, description, st.none() | values.member_flags()),
        edit_album: st.one_of(
            st.tuples(st.none() | name, st.none() | description, st.none() | flags, choice, choice),
            st.tuples(name, nothing, nothing, nothing, nothing),
            st.tuples(nothing, description, nothing, nothing, nothing),
            st.tuples(nothing, nothing, flags, nothing, nothing),
            st.tuples(nothing, nothing, nothing, choice, choice),
        ),
        add_member: st.tuples(newcomer),
        add_admin: st.tuples(newcomer),
        import_study: series.flatmap(lambda one: _some_series(cast, *one)),
        import_series: series,
        add_report: series,
        remove_study: series.map(lambda one: one[:1]),
        remove_series: series,
        add_favorite: series | series.map(lambda one: one[:1]),
        remove_favorite: series | series.map(lambda one: one[:1]),
        post_comment: st.tuples(comment, st.none() | user),
        create_report_provider: st.tuples(provider, provider_name, values.urls()),
        edit_report_provider: st.tuples(
            provider, st.none() | provider_name, st.none() | values.urls()
        ),
        issue_capability_token: token_arguments(st.sampled_from(cast.tokens)),
        **_webhook_arguments(cast),
    }
    # The order counts, and must not depend on that of imports: a shrinker prefers what comes first.
    return {
        **listed,
        **{one: by for one, by in _by_signature(Album, cast).items() if one not in listed},
    }


def _webhook_arguments(cast: Cast) -> Arguments:
    webhook, user = st.sampled_from(cast.webhooks), st.sampled_from(cast.users)
    name = mostly(values.webhook_names(), "", "   ", "w" * (MAX_WEBHOOK_NAME + 1))
    long = "https://hooks.example.org/" + "u" * MAX_WEBHOOK_URL
    url = mostly(values.urls(), "", "ftp://hooks.example.org", "https://me@hooks.example.org", long)
    some_events = st.lists(st.sampled_from(WebhookEvent), max_size=5).map(
        tuple
    )  # in any order, and twice
    nothing, none, choice = st.none(), st.just(()), st.none() | st.booleans()
    secret = nothing | values.secret_names()
    by_hand = st.sampled_from(cast.series).flatmap(lambda one: _some_series(cast, *one))
    return {
        create_webhook: st.tuples(webhook, name, url, some_events, st.booleans(), secret),
        edit_webhook: st.one_of(
            st.tuples(
                webhook,
                nothing | name,
                nothing | url,
                nothing | some_events,
                none,
                none,
                choice,
                secret | st.just(""),
            ),
            st.tuples(webhook, nothing, nothing, nothing, some_events, some_events),
            st.tuples(webhook, nothing, nothing, some_events, some_events, some_events),
        ),
        trigger_webhook: st.one_of(
            st.tuples(webhook, st.just(WebhookEvent.NEW_USER), nothing, none, user),
            by_hand.flatmap(
                lambda series: st.tuples(
                    webhook, st.just(WebhookEvent.NEW_SERIES), *map(st.just, series)
                )
            ),
            by_hand.flatmap(
                lambda series: st.tuples(
                    webhook,
                    st.sampled_from(WebhookEvent),
                    nothing | st.just(series[0]),
                    none | st.just(series[1]),
                    nothing | user,
                )
            ),
        ),
    }


@cache
def study_comment_arguments(cast: Cast) -> Arguments:
    """Comments on a study, each with the users of the cast who can see it then: mostly all."""
    all_users = frozenset(cast.users)
    comment = mostly(values.comments(), "", "c" * (MAX_COMMENT + 1), "\x00")
    return {
        **_by_signature(StudyComments, cast),
        post_study_comment: st.tuples(
            st.just(all_users) | st.frozensets(st.sampled_from(cast.users)),
            comment,
            st.none() | st.sampled_from(cast.users),
        ),
    }


def _some_series(
    cast: Cast, study_uid: StudyUID, series_uid: SeriesUID
) -> st.SearchStrategy[tuple[StudyUID, tuple[SeriesUID, ...]]]:
    of_study = [series_uid, *(uid for study, uid in cast.series if study == study_uid)]
    some = st.lists(st.sampled_from(of_study), max_size=4)
    return st.tuples(st.just(study_uid), some.map(tuple))


def token_arguments(token: st.SearchStrategy[CapabilityTokenId]) -> st.SearchStrategy[Any]:
    """Arguments of `issue_capability_token`, for one of these token ids."""
    sound = st.just(Grants(read=True, write=True)) | values.grants()
    grants = mostly(sound, Grants(download=True), Grants(appropriate=True, write=True))
    return st.tuples(token, _titles(), grants, *_validity()).map(_with_digest)


def _with_digest(drawn: tuple[Any, ...]) -> tuple[Any, ...]:
    token_id, *rest = drawn
    return token_id, digest_from(token_id), *rest


def _titles() -> st.SearchStrategy[str]:
    return mostly(values.titles(), "", "t" * (MAX_TITLE + 1), "\x00")


def _validity() -> tuple[st.SearchStrategy[datetime | None], st.SearchStrategy[datetime | None]]:
    """Start and end: often the defaults, or times near those that the waits of commands lead to."""
    near = [timedelta(days=-1), timedelta(0), timedelta(seconds=3), timedelta(days=60)]
    moment = st.none() | st.sampled_from(near).map(lambda by: START + by)
    return moment, moment


@cache
def user_token_arguments(cast: Cast) -> Arguments:
    """Arguments of each decision about a user's own capability tokens."""
    token = st.sampled_from(cast.tokens)
    return {
        **_by_signature(UserTokens, cast),
        issue_user_token: st.tuples(token, _titles(), *_validity()).map(_with_digest),
        register_person: st.tuples(mostly(values.digests(), "0" * 63)),
    }


@cache
def image_set_arguments(image_ids: tuple[ImageId, ...]) -> Arguments:
    """Arguments of each decision of a patient's image set, for images of these ids."""
    image = st.sampled_from(image_ids)
    place = st.none() | st.integers(1, 3)
    content = mostly(
        values.contents(),
        Content("0" * 63, 1, "image/png"),
        Content("0" * 64, 0, "image/png"),
        Content("0" * 64, 1, ""),
    )
    return {
        **_by_signature(PatientImageSet),
        add_image: st.tuples(
            mostly(image_ids, ImageId(0), ImageId(MAX_IMAGE_ID + 1)),
            place,
            place,
            values.image_types(),
            content,
        ),
        remove_image: st.tuples(image),
        restore_image: st.tuples(image),
    }
