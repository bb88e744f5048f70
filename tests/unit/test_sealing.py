"""Sealed events: what is encrypted, what can be read without the key, and what a wrong key is told by."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
import pytest
from attrs import evolve

from albumcore import ERASED, CommandKey, CommentPosted, RecordedEvent, ReportProviderEdited
from albumcore.codec import Codec, Snapshot, has_sealed_part
from albumcore.errors import DamagedStoredEvent
from albumcore.kernel import shown_text
from albumcore.sealing import KeyedEvent, Sealed, subject_of
from albumcore_adapters.store.sealing import AesSealer
from support.blanks import is_personal, without_keys
from support.examples import ALICE, BOB, DIGEST, EVENTS, KEYED, PROVIDER, SPARSE
from support.sealed import (
    SEALING,
    changed_state,
    keyed,
    sealed_in,
    traces,
    with_command,
    without_key,
)
from support.snapshots import SNAPSHOTS

ALL = {
    f"{name} {number}": one
    for number, of in enumerate((EVENTS, KEYED, SPARSE))
    for name, one in of.items()
}
PERSONAL = {name: one for name, one in ALL.items() if is_personal(one)}
each_event = pytest.mark.parametrize("recorded", ALL.values(), ids=ALL)
each_personal = pytest.mark.parametrize("recorded", PERSONAL.values(), ids=PERSONAL)
COMMENT = EVENTS["album.comment_posted.v1"]


@each_event
def test_what_was_sealed_is_opened(recorded: RecordedEvent[Any]) -> None:
    """By its key, and in clear by any codec where nothing is personal."""
    assert SEALING.to_domain_event(keyed(recorded)) == recorded
    assert is_personal(recorded) == (keyed(recorded).key is not None)
    if not is_personal(recorded):
        assert keyed(recorded).state == Codec().to_stored_event(recorded).state


@each_event
def test_without_its_key_an_event_is_read_with_erased_fields(recorded: RecordedEvent[Any]) -> None:
    """Also by a codec that never sealed anything: everything else is as it was recorded."""
    [blank] = without_keys([recorded], [recorded.version])
    for reader in (SEALING, Codec()):
        assert reader.to_domain_event(without_key(keyed(recorded))) == blank


@each_personal
def test_nothing_personal_can_be_read_in_a_sealed_event(recorded: RecordedEvent[Any]) -> None:
    """Not in another encoding either; what is not personal stays readable JSON."""
    clear = orjson.loads(Codec().to_stored_event(recorded).state)
    stored = keyed(recorded)
    values = sealed_in(recorded)
    assert values
    for one in values:
        assert [trace for trace in traces(one) if trace in stored.state] == []
    state = orjson.loads(stored.state)
    assert {name: state[name] for name in ("v", "at", "by")} == {
        name: clear[name] for name in ("v", "at", "by")
    }
    assert state.get("command", {}).get("id") == clear.get("command", {}).get("id")
    assert state["key"] == hashlib.sha256(b"albumcore/key/1" + (stored.key or b"")).hexdigest()
    assert has_sealed_part(stored)


@each_event
def test_the_form_in_clear_is_read_by_a_codec_that_seals(recorded: RecordedEvent[Any]) -> None:
    """What was stored before the store was sealed stays readable."""
    stored = Codec().to_stored_event(recorded)
    assert not has_sealed_part(stored)
    assert SEALING.to_domain_event(stored) == recorded


def test_equal_texts_are_not_seen_to_be_equal() -> None:
    """Each event has a key of its own, and a new one each time that it is made."""
    one, other = keyed(COMMENT), keyed(COMMENT)
    assert one.key != other.key
    for name in ("key", "sealed"):
        assert orjson.loads(one.state)[name] != orjson.loads(other.state)[name]


def test_the_content_of_a_command_is_sealed_whatever_the_event() -> None:
    """A guess of what was asked cannot be compared with it; that there was some can be seen."""
    command = CommandKey("once", DIGEST)
    stored = keyed(with_command(EVENTS["album.member_added.v1"], command))
    assert orjson.loads(stored.state)["command"] == {"id": "once", "content": None}
    assert SEALING.to_domain_event(stored).act.command == command
    erased = SEALING.to_domain_event(without_key(stored)).act.command
    assert erased == CommandKey("once", ERASED)
    never_repeated = keyed(with_command(COMMENT, CommandKey("once")))
    assert SEALING.to_domain_event(without_key(never_repeated)).act.command == CommandKey("once")


SAME: dict[str, Any] = {"stream": "album-Q7bZ2mP0xT", "version": 7, "topic": "album.comment_posted"}


@pytest.mark.parametrize(
    "place",
    [{"stream": "album-Q7bZ2mP0x"}, {"version": 8}, {"topic": "study.comment_posted"}],
    ids=str,
)
def test_a_sealed_part_cannot_be_moved(place: dict[str, Any]) -> None:
    """To another stream, version or kind of event, even with its key."""
    stored = keyed(COMMENT)
    at = {**SAME, **place}
    moved = KeyedEvent(at["stream"], at["version"], at["topic"], stored.state, stored.key)
    with pytest.raises(DamagedStoredEvent, match="is that of another event"):
        SEALING.to_domain_event(moved)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sealed": "AAAA"}, "was changed"),
        ({"sealed": "not base64"}, "cannot be read"),
        ({"sealed": 7}, "cannot be read"),
        ({"key": "00" * 32}, "not the one it was sealed with"),
        ({"key": None}, "cannot be read"),
        ({"data": {"target": None, "comment": "said otherwise"}}, "both sealed and in clear"),
        ({"data": []}, "cannot be read"),
    ],
    ids=str,
)
def test_a_changed_event_is_damaged(changed: dict[str, Any], said: str) -> None:
    """Whatever was changed in it."""
    with pytest.raises(DamagedStoredEvent, match=said):
        SEALING.to_domain_event(changed_state(keyed(COMMENT), **changed))


def test_another_key_opens_nothing() -> None:
    """The event names its key, so that no other one opens it in another way."""
    stored, other = keyed(COMMENT), keyed(COMMENT)
    wrong = KeyedEvent("album-Q7bZ2mP0xT", 7, stored.topic, stored.state, other.key)
    with pytest.raises(DamagedStoredEvent, match="not the one it was sealed with"):
        SEALING.to_domain_event(wrong)
    with pytest.raises(DamagedStoredEvent, match="no sealer"):
        Codec().to_domain_event(stored)


def test_what_is_sealed_is_personal() -> None:
    """A field that is not personal is not taken from the sealed part."""

    class Sealing(AesSealer):
        def seal(self, content: bytes, context: bytes) -> Sealed:
            return super().seal(content.replace(b'"comment"', b'"author"'), context)

    stored = Codec(sealer=Sealing()).to_stored_event(COMMENT)
    with pytest.raises(DamagedStoredEvent, match="author"):
        SEALING.to_domain_event(stored)


def test_an_event_may_repeat_an_erased_value() -> None:
    """Of a provider whose name was erased, the address is edited: the event has all values after the change."""
    edited = evolve(
        EVENTS["album.report_provider_edited.v1"],
        event=ReportProviderEdited(PROVIDER, ERASED, "https://pen.example"),
    )
    assert SEALING.to_domain_event(keyed(edited)) == edited
    assert Codec().to_domain_event(Codec().to_stored_event(edited)) == edited


@pytest.mark.parametrize("kind", ["album", "images", "user"])
def test_an_erased_value_survives_a_snapshot(kind: str) -> None:
    """It never comes back as a text."""
    snapshot = SNAPSHOTS[kind]
    state: Any = snapshot.state
    if kind == "album":
        state = evolve(state, name=ERASED, description=shown_text(ERASED))
    erased = evolve(snapshot, state=_blank_values(state))
    assert erased != snapshot
    read = SEALING.to_domain_event(SEALING.to_stored_event(erased))
    assert isinstance(read, Snapshot)
    assert read == erased


def _blank_values(state: Any) -> Any:
    """A state in which what a user or a patient has was erased."""
    if hasattr(state, "tokens"):
        return evolve(
            state, tokens={key: evolve(one, title=ERASED) for key, one in state.tokens.items()}
        )
    if hasattr(state, "images"):
        images = {
            key: evolve(one, content=evolve(one.content, length=ERASED))
            for key, one in state.images.items()
        }
        return evolve(state, images=images)
    return state


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("album.created.v1", "album:Q7bZ2mP0xT"),
        ("album.webhook_created.v1", "album:Q7bZ2mP0xT"),
        ("album.comment_posted.v1", f"user:{ALICE}"),
        ("study.comment_posted.v1", f"user:{ALICE}"),
        ("user.capability_token_issued.v1", f"user:{ALICE}"),
        ("images.image_added.v1", "patient:343"),
    ],
)
def test_the_subject_of_a_key(name: str, subject: str) -> None:
    """What it is erased with: a private comment with its author, not with its reader."""
    recorded = EVENTS[name]
    assert subject_of(recorded) == keyed(recorded).subject == subject
    assert BOB not in subject


def test_a_text_as_it_is_shown() -> None:
    """An erased one has a placeholder, which is told from the same text in the event."""
    assert shown_text(ERASED) == "[erased]"
    said = evolve(COMMENT, event=CommentPosted("[erased]"))
    assert SEALING.to_domain_event(keyed(said)).event.comment == "[erased]"
