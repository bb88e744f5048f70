"""Sealed fields: which parts of an event are stored encrypted, and what a store needs to encrypt them.

In a sealed store the personal fields of an event, and the content of its idempotency key, are encrypted under a key of
that event alone. The key is stored beside the event, not in it. Once the key is erased, what it sealed is forgotten,
and the rest of the event is read as before: each sealed field is `ERASED`.

The core has no cryptography: a store brings a `Sealer`.
"""

from __future__ import annotations

import struct
from binascii import a2b_base64, b2a_base64
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Any, Protocol, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

import orjson
from attrs import define, fields, has
from eventsourcing.persistence import Notification, StoredEvent

from albumcore.albums.comments import CommentPosted
from albumcore.kernel import ERASED, PERSONAL, RecordedEvent
from albumcore.streams import key_of
from albumcore.study_comments import StudyCommentPosted


@define  # one is made for each event that is read, and a frozen one takes several times as long to make
class Sealed:
    """What a sealer makes of some bytes.

    Attributes:
        key: The key that opens it, of this event alone.
        commitment: A digest of the key, in hexadecimal. It is stored in the event, which no other key can open then.
        content: The encrypted bytes.
    """

    key: bytes
    commitment: str
    content: bytes


class Sealer(Protocol):
    """Encrypts and decrypts the sealed part of an event."""

    def seal(self, content: bytes, context: bytes) -> Sealed:
        """Encrypt bytes under a new key, authenticated together with their context."""
        ...

    def open(self, sealed: Sealed, context: bytes) -> bytes:
        """Decrypt bytes.

        Raises:
            ValueError: the key is not that of the commitment, or the bytes or their context are not what was sealed.
        """
        ...


@dataclass(frozen=True)
class KeyedEvent(StoredEvent):
    """A stored event with the key that opens its sealed part.

    Attributes:
        key: The key; None if the event has no sealed part, or if the key was erased.
        subject: Whom or what the key is erased with, see `subject_of`. Set when the event is written.
    """

    key: bytes | None = None
    subject: str | None = None


@dataclass(frozen=True)
class KeyedNotification(Notification):
    """A stored event of a sealed store with its position, and the key that opens its sealed part."""

    key: bytes | None = None


def subject_of(recorded: RecordedEvent[Any]) -> str:
    """Whom or what the key of an event is erased with.

    It is ``patient:<id>`` for images, ``album:<id>`` for what an album is and has, and ``user:<id>``, the author, for
    comments and for a user's own capability tokens.
    """
    kind = recorded.stream.partition("-")[0]
    if kind == "images":
        return patient_subject(key_of(recorded.stream))
    if kind == "album" and not isinstance(recorded.event, CommentPosted):
        return album_subject(key_of(recorded.stream))
    return user_subject(recorded.act.user)


def album_subject(album_id: str) -> str:
    """The subject of what an album is called, and of its report providers, webhooks and capability tokens."""
    return f"album:{album_id}"


def patient_subject(patient: str | int) -> str:
    """The subject of the images of a patient."""
    return f"patient:{patient}"


def user_subject(user: str) -> str:
    """The subject of the comments of a user, and of the titles of their own capability tokens."""
    return f"user:{user}"


CHANGING_NO_STATE: frozenset[type[Any]] = frozenset({CommentPosted, StudyCommentPosted})
"""Events that change no state: a replay does not open them."""

Names: TypeAlias = Mapping[str, "Names"]
"""Names of fields, each with the personal ones inside of its value; none if the field itself is personal."""


@cache
def personal_fields(of: Hashable) -> Names:
    """The personal fields of a class of events or values, also those inside of its values."""
    cls = cast(type[Any], of)
    hints = get_type_hints(cls)
    found: dict[str, Names] = {}
    for one in fields(cls):
        if one.metadata.items() >= PERSONAL.items():
            found[one.name] = {}
            continue
        for kind in _classes(hints[one.name]):
            if inside := personal_fields(kind):
                found[one.name] = inside
    return found


def _classes(hint: Any) -> list[Hashable]:
    """The classes with fields that a type hint names."""
    if get_origin(hint) in (Union, UnionType):
        return [one for part in get_args(hint) for one in _classes(part)]
    return [hint] if isinstance(hint, type) and has(hint) else []


def _context(stream: str, version: int, name: str) -> bytes:
    """What the sealed part of an event is bound to, so that it cannot be moved: stream, version and stored name."""
    place = stream.encode()
    return _LENGTH.pack(len(place)) + place + _VERSION.pack(version) + name.encode()


_LENGTH, _VERSION = struct.Struct(">H"), struct.Struct(">Q")


def seal_envelope(
    sealer: Sealer, recorded: RecordedEvent[Any], name: str, envelope: dict[str, Any], names: Names
) -> tuple[bytes | None, str | None]:
    """Seal what is personal in the stored form of an event, which is changed, and return its key and the subject.

    Args:
        sealer: Encrypts it.
        recorded: The event.
        name: The name it is stored by.
        envelope: Its stored form in clear.
        names: The personal fields of its class.
    """
    inside: dict[str, Any] = {}
    if names and (taken := _take_personal(envelope["data"], names)):
        inside["data"] = taken
    if "command" in envelope and "content" in envelope["command"]:
        inside["content"] = envelope["command"]["content"]
        envelope["command"]["content"] = None
    if not inside:
        return None, None
    context = _context(recorded.stream, recorded.version, name)
    sealed = sealer.seal(orjson.dumps(inside), context)
    envelope["key"] = sealed.commitment
    envelope["sealed"] = b2a_base64(sealed.content, newline=False).decode()
    return sealed.key, subject_of(recorded)


def unseal_envelope(
    sealer: Sealer | None,
    stored_event: StoredEvent,
    key: bytes | None,
    envelope: dict[str, Any],
    names: Names,
) -> None:
    """Give the stored form of an event that in clear: with what was sealed, or with `ERASED` if there is no key.

    Raises:
        ValueError: the key is not its key, or there is no sealer.
    """
    content, commitment = a2b_base64(envelope.pop("sealed"), strict_mode=True), envelope.pop("key")
    inside: dict[str, Any] = {"content": ERASED}
    if key is None:
        _put_erased(envelope["data"], names)
    elif sealer is None:
        raise ValueError("it is sealed, and there is no sealer to open it")
    else:
        stream, version = str(stored_event.originator_id), stored_event.originator_version
        context = _context(stream, version, stored_event.topic)
        inside = orjson.loads(sealer.open(Sealed(key, commitment, content), context))
        _put_back(envelope["data"], inside.get("data", {}), names)
    if "command" in envelope and "content" in envelope["command"]:
        envelope["command"]["content"] = inside["content"]


def _take_personal(data: dict[str, Any], names: Names) -> dict[str, Any]:
    """Take the values of personal fields out of the stored data of an event. None says nothing and stays."""
    taken: dict[str, Any] = {}
    for name, inside in names.items():
        if not inside:
            if data.get(name) is not None:
                taken[name] = data.pop(name)
        else:
            taken[name] = _take_personal(data[name], inside)
    return taken


def _put_back(data: dict[str, Any], taken: Mapping[str, Any], names: Names) -> None:
    """Put what was taken out of the data of an event back.

    Raises:
        ValueError: it is no personal field, or its place is taken.
    """
    for name, value in taken.items():
        inside = names[name]
        if inside:
            _put_back(data[name], value, inside)
        elif name in data:
            raise ValueError(f"{name} is both sealed and in clear")
        else:
            data[name] = value


def _put_erased(data: dict[str, Any], names: Names) -> None:
    """Put `ERASED` for each personal field that is not in the data of an event."""
    for name, inside in names.items():
        if not inside:
            data.setdefault(name, ERASED)
        else:
            _put_erased(data[name], inside)
