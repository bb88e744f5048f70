"""Each decision, from any state that can be reached: it has its effect and no other, and then what it does again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from attrs import fields_dict
from hypothesis import given

from albumcore import (
    Act,
    Album,
    PatientImageSet,
    StudyComments,
    UserTokens,
    album_stream,
    fold,
)
from albumcore import patient_stream as images_of
from albumcore.albums.values import Study
from albumcore.errors import AlbumcoreError
from albumcore.ids import SeriesUID, StudyUID
from albumcore.kernel import Stream, record
from albumcore.streams import study_stream, user_stream
from albumcore.testing import (
    ALBUMS,
    CAST,
    IMAGES,
    PATIENTS,
    START,
    Arguments,
    Command,
    album_arguments,
    album_commands,
    image_set_arguments,
    image_set_commands,
    study_comment_arguments,
    study_comment_commands,
    user_token_arguments,
    user_token_commands,
)
from albumcore.testing.decisions import decisions_on

Effect = Callable[[Any, Any, Act, tuple[Any, ...]], bool]


def meant(album: Album, study_uid: StudyUID, series_uid: SeriesUID | None = None) -> Study:
    """The series that a favourite is about."""
    return album.studies[study_uid] if series_uid is None else frozenset({series_uid})


EFFECTS: Mapping[str, tuple[Effect, str, str]] = {
    # decision: what is true after it; the fields it may touch; what comes of the same command again
    "create_album": (
        lambda old, new, act, args: [*new.members] == [act.user] and new.created_at == act.at,
        "phase name description flags created_at members",
        "album_exists",
    ),
    "edit_album": (
        lambda old, new, act, args: (
            all(getattr(new.flags, flag) == value for flag, value in (args[2] or {}).items())
            and (args[0] is None or new.name == args[0].strip())
            and (args[1] is None or new.description == args[1].strip())
        ),
        "name description flags members",
        "nothing again",
    ),
    "set_favorite": (
        lambda old, new, act, args: new.members[act.user].is_favorite == args[0],
        "members",
        "nothing",
    ),
    "delete_album": (lambda old, new, act, args: not new.members, "*", "album_not_found"),
    "add_member": (
        lambda old, new, act, args: not new.members[args[0]].is_admin,
        "members",
        "nothing",
    ),
    "add_admin": (
        lambda old, new, act, args: new.members[args[0]].is_admin,
        "members",
        "nothing",
    ),
    "promote_member": (
        lambda old, new, act, args: new.members[args[0]].is_admin and args[0] in old.members,
        "members",
        "nothing",
    ),
    "demote_admin": (
        lambda old, new, act, args: not new.members[args[0]].is_admin,
        "members capability_tokens",
        "member_not_found forbidden",
    ),
    "remove_member": (
        lambda old, new, act, args: args[0] not in new.members,
        "*",
        "member_not_found album_not_found",
    ),
    "leave_album": (
        lambda old, new, act, args: act.user not in new.members,
        "*",
        "album_not_found",
    ),
    "import_study": (
        lambda old, new, act, args: set(args[1]) <= new.studies[args[0]],
        "studies",
        "nothing",
    ),
    "import_series": (
        lambda old, new, act, args: args[1] in new.studies[args[0]],
        "studies",
        "nothing",
    ),
    "add_report": (
        lambda old, new, act, args: args[1] in new.studies[args[0]],
        "studies",
        "nothing",
    ),
    "remove_study": (
        lambda old, new, act, args: args[0] not in new.studies,
        "studies favorites",
        "series_not_found",
    ),
    "remove_series": (
        lambda old, new, act, args: args[1] not in new.studies.get(args[0], ()),
        "studies favorites",
        "series_not_found",
    ),
    "add_favorite": (
        lambda old, new, act, args: new.favorites == old.favorites | meant(old, *args),
        "favorites",
        "again",
    ),
    "remove_favorite": (
        lambda old, new, act, args: new.favorites == old.favorites - meant(old, *args),
        "favorites",
        "again",
    ),
    "post_comment": (lambda old, new, act, args: new == old, "", "again"),
    "post_study_comment": (lambda old, new, act, args: new == old, "", "again"),
    "create_report_provider": (
        lambda old, new, act, args: new.report_providers[args[0]].created_at == act.at,
        "report_providers",
        "id_taken",
    ),
    "edit_report_provider": (
        lambda old, new, act, args: (
            new.report_providers[args[0]].name
            == (old.report_providers[args[0]].name if args[1] is None else args[1])
        ),
        "report_providers",
        "again",
    ),
    "delete_report_provider": (
        lambda old, new, act, args: new.report_providers[args[0]].is_removed,
        "report_providers",
        "report_provider_not_found",
    ),
    "create_webhook": (
        lambda old, new, act, args: (
            new.webhooks[args[0]].name == args[1].strip()
            and set(new.webhooks[args[0]].events) == set(*args[3:4])
        ),
        "webhooks",
        "id_taken",
    ),
    "edit_webhook": (
        lambda old, new, act, args: (
            args[1] is None or new.webhooks[args[0]].name == args[1].strip()
        ),
        "webhooks",
        "again",
    ),
    "delete_webhook": (
        lambda old, new, act, args: args[0] not in new.webhooks,
        "webhooks",
        "webhook_not_found",
    ),
    "trigger_webhook": (lambda old, new, act, args: new == old, "", "again"),
    "issue_capability_token": (
        lambda old, new, act, args: new.capability_tokens[args[0]].creator == act.user,
        "capability_tokens",
        "id_taken",
    ),
    "revoke_capability_token": (
        lambda old, new, act, args: new.capability_tokens[args[0]].revoked_by == act.user,
        "capability_tokens",
        "nothing",
    ),
    "issue_user_token": (
        lambda old, new, act, args: new.tokens[args[0]].creator == act.user,
        "tokens",
        "id_taken",
    ),
    "revoke_user_token": (
        lambda old, new, act, args: not new.tokens[args[0]].usable_at(act.at),
        "tokens",
        "nothing",
    ),
    "register_person": (lambda old, new, act, args: new == old, "", "again"),
    "add_image": (
        lambda old, new, act, args: new.images[args[0]].content == args[4],
        "images",
        "id_taken",
    ),
    "remove_image": (
        lambda old, new, act, args: args[0] not in new.images and args[0] in new.removed,
        "images removed",
        "image_not_found",
    ),
    "restore_image": (
        lambda old, new, act, args: new.images[args[0]] == old.removed[args[0]],
        "images removed",
        "nothing",
    ),
    "restore_patient": (lambda old, new, act, args: not new.is_closed, "is_closed", "nothing"),
    "delete_patient": (lambda old, new, act, args: new.is_closed, "is_closed", "nothing"),
}


def check_effects(stream: Stream[Any], commands: list[Command[Any]]) -> None:
    """Try the commands in turn, and each that is recorded once more."""
    state, at = stream.initial, START
    for command in commands:
        at += command.wait
        act = Act(command.source, at)
        try:
            events = command.decision(state, act, *command.args)
        except AlbumcoreError:
            continue
        after = fold(state, record(stream.name, 0, act, events))
        if not events:
            assert after is state
            continue
        effect, touched, again = EFFECTS[command.name]
        assert effect(state, after, act, command.args), command
        allowed = fields_dict(type(state)) if touched == "*" else touched.split()
        assert set(changed(state, after)) <= set(allowed), command
        assert outcome(after, act, command) in again.split(), command
        state = after


def outcome(state: Any, act: Act, command: Command[Any]) -> str:
    """What comes of a command that was recorded a moment ago: nothing, an event without effect, or a refusal."""
    try:
        events = command.decision(state, act, *command.args)
    except AlbumcoreError as error:
        return error.code
    assert fold(state, record("again", 0, act, events)) == state
    return "again" if events else "nothing"


def changed(before: Any, after: Any) -> Iterator[str]:
    """The fields that differ."""
    for name in fields_dict(type(before)):
        if getattr(before, name) != getattr(after, name):
            yield name


@given(commands=album_commands())
def test_effect_then_again_on_albums(commands: list[Command[Album]]) -> None:
    """Every decision of an album."""
    check_effects(album_stream(ALBUMS[0]), commands)


@given(commands=study_comment_commands())
def test_effect_then_again_on_study_comments(commands: list[Command[StudyComments]]) -> None:
    """There is nothing but what was said."""
    check_effects(study_stream(CAST.series[0][0]), commands)


@given(commands=user_token_commands())
def test_effect_then_again_on_user_tokens(commands: list[Command[UserTokens]]) -> None:
    """Registration, and both decisions about a user's own capability tokens."""
    check_effects(user_stream(CAST.users[0]), commands)


@given(commands=image_set_commands())
def test_effect_then_again_on_image_sets(commands: list[Command[PatientImageSet]]) -> None:
    """Every decision of an image set."""
    check_effects(images_of(PATIENTS[0]), commands)


@pytest.mark.parametrize(
    ("state", "arguments"),
    [
        (Album, album_arguments(CAST)),
        (StudyComments, study_comment_arguments(CAST)),
        (UserTokens, user_token_arguments(CAST)),
        (PatientImageSet, image_set_arguments(IMAGES)),
    ],
)
def test_every_decision_is_tried(state: type[Any], arguments: Arguments) -> None:
    """A decision that is missing here is found: every public one on that state."""
    assert (
        decisions_on(state).keys()
        == {decision.__name__ for decision in arguments}
        <= EFFECTS.keys()
    )
