"""The ideas every stream shares: folding, recording, stored names, streams by name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import frozen

from albumcore import AlbumCreated, AlbumDeleted, MemberAdded, StudyImported
from albumcore.albums import Album
from albumcore.erasures import ErasureKind, ErasureRecorded, Erasures, StoreSealed
from albumcore.errors import Invalid
from albumcore.ids import AlbumId, PatientId, StudyUID, UserId
from albumcore.image_sets import PatientImageSet
from albumcore.kernel import (
    STORED,
    Act,
    CommandKey,
    Event,
    RecordedEvent,
    Source,
    assoc,
    changed,
    dissoc,
    evolve,
    fold,
    record,
    stored,
    stored_name,
)
from albumcore.streams import (
    album_stream,
    key_of,
    named_stream,
    patient_stream,
    study_stream,
    user_stream,
)
from albumcore.study_comments import StudyComments
from albumcore.user_tokens import UserTokens
from support.album import BOB_IN, CT, KEY, OPEN, S1, S2, SCRIBE, bob
from support.given import ALICE, NOW, START

ACT, LATER_ACT = Act(ALICE, START), Act(ALICE, NOW)


@pytest.mark.parametrize("event", [ErasureRecorded(ErasureKind.ALBUM, "A1"), StoreSealed(7)])
def test_the_record_of_erasures_has_no_state(event: Event[Erasures]) -> None:
    """No decision depends on what was erased."""
    assert event.evolve(Erasures(), ACT) == Erasures()


def test_record_puts_the_events_of_one_act_into_envelopes() -> None:
    """They follow the version given, and share the act."""
    events: tuple[Event[Album], ...] = (OPEN, BOB_IN)
    first, second = record("album-A1", 7, ACT, events)
    assert first == RecordedEvent("album-A1", 8, ACT, OPEN)
    assert second == RecordedEvent("album-A1", 9, ACT, BOB_IN)
    assert (second.at, second.originator_id, second.originator_version) == (START, "album-A1", 9)


def test_the_events_of_one_command_carry_its_id() -> None:
    """The first alone carries what was asked: by it the command is found again."""
    whole, rest = CommandKey("again", "ab" * 32), CommandKey("again")
    events = (OPEN, BOB_IN, BOB_IN)
    keyed = record("album-A1", 7, Act(ALICE, START, whole), events)
    assert [one.act.command for one in keyed] == [whole, rest, rest]
    assert {(one.act.source, one.at) for one in keyed} == {(ALICE, START)}
    unasked = record("album-A1", 7, Act(ALICE, START, rest), events)
    assert [one.act.command for one in unasked] == [rest] * 3


def test_fold_is_one_event_after_another() -> None:
    """Any prefix and then the rest make the same state as the whole."""
    history: tuple[RecordedEvent[Event[Album]], ...] = (
        *record("album-A1", 0, ACT, (OPEN,)),
        *record("album-A1", 1, LATER_ACT, (BOB_IN,)),
    )
    whole = fold(Album(), history)
    assert fold(Album(), ()) == Album()
    assert fold(fold(Album(), history[:1]), history[1:]) == whole
    assert evolve(evolve(Album(), history[0]), history[1]) == whole
    assert (set(whole.members), whole.created_at) == ({UserId("alice"), bob}, START)


def test_a_source_acts_in_person_or_through_something() -> None:
    """Only with neither token nor provider is it the user himself."""
    assert ALICE.in_person
    assert not Source(bob, capability_token=KEY).in_person
    assert not Source(bob, report_provider=SCRIBE).in_person
    assert Act(Source(bob, KEY), START).user == bob


def test_a_stored_name_is_given_once() -> None:
    """Two classes of one name could not be told apart when they are read."""
    with pytest.raises(ValueError, match=r"'album\.created' is taken by AlbumCreated"):
        stored("album.created")(type("Other", (), {}))
    assert STORED["album.created"] is AlbumCreated


def test_stored_name_knows_registered_classes_alone() -> None:
    """The name and version under which they are written."""
    name = stored_name(AlbumDeleted)
    assert (name.name, name.version) == ("album.deleted", 1)

    @frozen
    class NeverRegistered:
        """Not an event."""

    with pytest.raises(KeyError):
        stored_name(NeverRegistered)


def test_streams_are_named_by_kind_and_key() -> None:
    """And a name leads back to the stream; a key may hold hyphens itself."""
    album = album_stream(AlbumId("Q7bZ2mP0xT"))
    images = patient_stream(PatientId(343))
    study = study_stream(StudyUID("1.2.840.1"))
    user = user_stream(UserId("c2fd0b66-dac4"))
    assert [one.name for one in (album, images, study, user)] == [
        "album-Q7bZ2mP0xT",
        "images-343",
        "study-1.2.840.1",
        "user-c2fd0b66-dac4",
    ]
    assert [one.initial for one in (album, images, study, user)] == [
        Album(),
        PatientImageSet(),
        StudyComments(),
        UserTokens(owner=UserId("c2fd0b66-dac4")),
    ]
    for one in (album, images, study, user):
        assert named_stream(one.name) == one
    assert key_of(user.name) == "c2fd0b66-dac4"
    with pytest.raises(KeyError):
        named_stream("ward-1.2.3")


def test_a_stream_is_of_something_that_can_be() -> None:
    """Its key keeps the rules of its kind."""
    for key in ("", "a-b"):
        with pytest.raises(Invalid):
            album_stream(AlbumId(key))
    for number in (0, -1):
        with pytest.raises(Invalid):
            patient_stream(PatientId(number))
    for uid in ("", "1.02"):
        with pytest.raises(Invalid):
            study_stream(StudyUID(uid))
    for sub in ("", "a\n"):
        with pytest.raises(Invalid):
            user_stream(UserId(sub))


def test_states_and_events_are_values() -> None:
    """Equal by content, and nothing in them can be set."""
    one, other = StudyImported(CT, (S1, S2)), StudyImported(CT, (S1, S2))
    assert one == other
    assert hash(one) == hash(other)
    with pytest.raises(AttributeError):
        one.study_uid = CT  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Album().name = "other"  # type: ignore[misc]
    assert MemberAdded(bob) != MemberAdded(UserId("carol"))
    assert Act(ALICE, NOW) != Act(ALICE, NOW + timedelta(microseconds=1))


def test_a_changed_copy_leaves_the_original_alone() -> None:
    """Some fields are others, and the rest are the same objects; a field that there is not is refused."""
    other = changed(ALICE, user=bob)
    assert (ALICE.user, other.user) == (UserId("alice"), bob)
    assert changed(other, user=ALICE.user) == ALICE
    with pytest.raises(KeyError):
        changed(ALICE, name="?")


def test_assoc_and_dissoc_leave_the_original_alone() -> None:
    """States share what did not change, so nothing may change under them; the order is that of coming."""
    original = {"b": 2, "a": 1}
    assert list(assoc(original, "c", 3).items()) == [("b", 2), ("a", 1), ("c", 3)]
    assert assoc(original, "a", 3) == {"a": 3, "b": 2}
    assert dissoc(original, "a") == {"b": 2}
    assert dissoc(original, "c") == original
    assert original == {"a": 1, "b": 2}
