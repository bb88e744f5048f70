"""Strategies for single values of the domain: ids, texts, times, flags, sources.

Each yields valid values only, including the shortest and the longest.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import NoneType
from typing import Any, get_args

from hypothesis import strategies as st

from albumcore.albums import MemberFlags, Webhook, WebhookEvent
from albumcore.albums.values import (
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_PROVIDER_TEXT,
    MAX_WEBHOOK_NAME,
    in_order,
)
from albumcore.ids import (
    MAX_IMAGE_ID,
    MAX_UID,
    MAX_USER_ID,
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
from albumcore.image_sets import Content, ImageType
from albumcore.kernel import Act, CommandKey, Erased, Source
from albumcore.text import MAX_COMMENT
from albumcore.user_tokens import Grants
from albumcore.user_tokens.values import MAX_TITLE

__all__ = [
    "acts",
    "album_ids",
    "capability_token_ids",
    "command_keys",
    "comments",
    "contents",
    "descriptions",
    "digests",
    "grants",
    "image_ids",
    "image_types",
    "member_flags",
    "names",
    "patient_ids",
    "provider_names",
    "report_provider_ids",
    "secret_names",
    "series_uids",
    "sources",
    "study_uids",
    "times",
    "titles",
    "urls",
    "user_ids",
    "webhook_events",
    "webhook_ids",
    "webhook_names",
    "webhooks",
]


_TEXT = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
_PRINTABLE = st.characters(exclude_categories=["Cc", "Cs"])
_ALPHANUMERIC = string.ascii_letters + string.digits
_MAX_NUMBER = MAX_IMAGE_ID


def texts(shortest: int, longest: int) -> st.SearchStrategy[str]:
    """Any text that can be stored, with a length between the two, in characters; most are short, one is the longest."""
    short = st.text(_TEXT, min_size=shortest, max_size=min(longest, 20))
    return short | st.just("x" * longest)


def album_ids() -> st.SearchStrategy[AlbumId]:
    """Album ids: ten letters and digits."""
    return st.text(_ALPHANUMERIC, min_size=10, max_size=10).map(AlbumId)


def user_ids() -> st.SearchStrategy[UserId]:
    """The sub of a user: 1 to 255 printable characters of any script."""
    short = st.text(_PRINTABLE, min_size=1, max_size=20)
    return (short | st.just("u" * MAX_USER_ID)).map(UserId)


def _uids() -> st.SearchStrategy[str]:
    parts = st.lists(st.integers(0, 99_999), min_size=1, max_size=MAX_UID // 6)
    return parts.map(lambda numbers: ".".join(map(str, numbers)))


def study_uids() -> st.SearchStrategy[StudyUID]:
    """StudyInstanceUID, (0020,000D), by DICOM PS3.5 section 9.1."""
    return _uids().map(StudyUID)


def series_uids() -> st.SearchStrategy[SeriesUID]:
    """SeriesInstanceUID, (0020,000E), by DICOM PS3.5 section 9.1."""
    return _uids().map(SeriesUID)


def report_provider_ids() -> st.SearchStrategy[ReportProviderId]:
    """Ids of report providers: 22 letters and digits."""
    return st.text(_ALPHANUMERIC, min_size=22, max_size=22).map(ReportProviderId)


def capability_token_ids() -> st.SearchStrategy[CapabilityTokenId]:
    """Public names of capability tokens: ten letters and digits."""
    return st.text(_ALPHANUMERIC, min_size=10, max_size=10).map(CapabilityTokenId)


def webhook_ids() -> st.SearchStrategy[WebhookId]:
    """Ids of webhooks: 20 letters and digits."""
    return st.text(_ALPHANUMERIC, min_size=20, max_size=20).map(WebhookId)


def patient_ids() -> st.SearchStrategy[PatientId]:
    """Ids of patients: positive, and small enough for 32 bits."""
    return st.integers(1, _MAX_NUMBER).map(PatientId)


def image_ids() -> st.SearchStrategy[ImageId]:
    """Ids of images: positive, and small enough for 32 bits."""
    return st.integers(1, _MAX_NUMBER).map(ImageId)


def names() -> st.SearchStrategy[str]:
    """An album's name, as it is stored: trimmed, 1 to 255 characters."""
    return texts(1, MAX_NAME).map(str.strip).filter(bool)


def descriptions() -> st.SearchStrategy[str]:
    """An album's description, as it is stored: trimmed, up to 2048 characters."""
    return texts(0, MAX_DESCRIPTION).map(str.strip)


def comments() -> st.SearchStrategy[str]:
    """The text of a comment: 1 to 1024 characters, blanks and line breaks among them."""
    return texts(1, MAX_COMMENT)


def titles() -> st.SearchStrategy[str]:
    """The title of a capability token: 1 to 255 characters."""
    return texts(1, MAX_TITLE)


def provider_names() -> st.SearchStrategy[str]:
    """The name of a report provider: 1 to 1024 characters."""
    return texts(1, MAX_PROVIDER_TEXT)


def urls() -> st.SearchStrategy[str]:
    """Addresses of the configuration of a report provider, or of a webhook."""
    path = st.text(_ALPHANUMERIC, max_size=8)
    return path.map(lambda name: f"https://reports.example.org/{name}")


def webhook_names() -> st.SearchStrategy[str]:
    """The name of a webhook, as it is stored: trimmed, 1 to 255 characters."""
    return texts(1, MAX_WEBHOOK_NAME).map(str.strip).filter(bool)


def webhook_events() -> st.SearchStrategy[tuple[WebhookEvent, ...]]:
    """The events of a webhook, as they are stored: each once, in the order of `WebhookEvent`; possibly none."""
    return st.sets(st.sampled_from(WebhookEvent)).map(in_order)


def secret_names() -> st.SearchStrategy[str]:
    """The name under which the secret of a webhook is stored: ten letters and digits."""
    return st.text(_ALPHANUMERIC, min_size=10, max_size=10)


def webhooks() -> st.SearchStrategy[Webhook]:
    """Webhooks, enabled or not, with or without a secret."""
    return st.builds(
        Webhook,
        webhook_names(),
        urls(),
        webhook_events(),
        st.booleans(),
        st.none() | secret_names(),
    )


def digests() -> st.SearchStrategy[str]:
    """SHA-256 as 64 hexadecimal digits."""
    return st.binary(min_size=32, max_size=32).map(bytes.hex)


def times() -> st.SearchStrategy[datetime]:
    """Times of this century, aware and in UTC, to the microsecond."""
    return st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))


def member_flags() -> st.SearchStrategy[MemberFlags]:
    """The member flags of an album, in every combination."""
    return st.builds(MemberFlags, *[st.booleans()] * 6)


def grants() -> st.SearchStrategy[Grants]:
    """The grants of a capability token; download and appropriate only together with read."""
    readable = st.builds(Grants, st.just(True), *[st.booleans()] * 3)
    return readable | st.builds(Grants, write=st.booleans())


def image_types() -> st.SearchStrategy[ImageType]:
    """Types of images."""
    return st.sampled_from(ImageType)


def contents() -> st.SearchStrategy[Content]:
    """References to image bytes; the bytes do not exist."""
    return st.builds(
        Content,
        digests(),
        st.integers(1, _MAX_NUMBER),
        st.sampled_from(["image/jpeg", "image/png", "application/octet-stream"]),
        st.sampled_from(["base64", "verbatim"]),
    )


def sources() -> st.SearchStrategy[Source]:
    """A user in person, or acting through a capability token or a report provider."""
    return st.one_of(
        st.builds(Source, user_ids()),
        st.builds(Source, user_ids(), capability_token=capability_token_ids()),
        st.builds(Source, user_ids(), report_provider=report_provider_ids()),
    )


def command_keys() -> st.SearchStrategy[CommandKey]:
    """Idempotency keys: an id of 1 to 64 visible ASCII characters, with or without a digest of the content."""
    visible = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
    ids = st.text(visible, min_size=1, max_size=20) | st.just("c" * 64)
    return st.builds(CommandKey, ids, st.none() | digests())


def acts() -> st.SearchStrategy[Act]:
    """Any source at any time, with or without an idempotency key, and perhaps taking back an event."""
    undoes = st.none() | st.integers(min_value=1, max_value=10_000)
    return st.builds(Act, sources(), times(), st.none() | command_keys(), undoes)


BY_TYPE: Mapping[Any, Callable[[], st.SearchStrategy[Any]]] = {
    AlbumId: album_ids,
    CapabilityTokenId: capability_token_ids,
    ImageId: image_ids,
    PatientId: patient_ids,
    ReportProviderId: report_provider_ids,
    SeriesUID: series_uids,
    StudyUID: study_uids,
    UserId: user_ids,
    WebhookId: webhook_ids,
    Act: acts,
    CommandKey: command_keys,
    Content: contents,
    Grants: grants,
    MemberFlags: member_flags,
    Source: sources,
    Webhook: webhooks,
}
"""The types of ids and values, and the strategy of each."""

_NOT_REGISTERED: Mapping[Any, Callable[[], st.SearchStrategy[Any]]] = {
    datetime: times,
    int: lambda: st.integers(1, 999),
    str: names,
}
"""Types of Python that events and decisions take, and the strategy of each where nothing else is known."""


def required(hint: Any) -> Any:
    """The type that a hint names beside None, and beside what is erased."""
    types = [one for one in get_args(hint) if one not in (NoneType, Erased)]
    return types[0] if len(types) < len(get_args(hint)) else hint


def of_type(hint: Any, values: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    """Sound values of a type, and None where the hint allows it.

    Args:
        hint: The type: one of ours, or any that `hypothesis.strategies.from_type` knows.
        values: The values to use instead of any of the type.
    """
    type_ = required(hint)
    if values is None:
        make = BY_TYPE.get(type_) or _NOT_REGISTERED.get(type_)
        values = make() if make else st.from_type(type_)
    return st.none() | values if NoneType in get_args(hint) else values
