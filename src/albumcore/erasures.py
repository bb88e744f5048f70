"""Erasure: the events by which a history says which of its events were erased, and the store's record of erasures.

An event is erased by deleting the key of its sealed part, which no event does. The first event here is recorded by the
same transaction in each stream that has such events. It names their versions, and what of the state they had set and
no later event has set since. So a state in a cache, which still has the text, is brought up to date by it like by any
other event: it becomes the state that a replay without the keys leads to.

No decision leads to these events: `albumcore_adapters.erasure` records them. The record of erasures of a store that was
in clear has `StoreSealed`, which `albumcore_adapters.transfer` records: before it, only `ErasureKind.INSTANCES` could
be erased.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from attrs import fields, frozen, has

from albumcore.albums import Album
from albumcore.ids import CapabilityTokenId, ImageId, ReportProviderId, WebhookId
from albumcore.image_sets import PatientImageSet
from albumcore.kernel import ERASED, Act, Event, changed, stored
from albumcore.persistent_map import removed
from albumcore.study_comments import StudyComments
from albumcore.user_tokens import UserTokens

__all__ = [
    "AlbumTextErased",
    "ErasureRecorded",
    "ImagesErased",
    "StoreSealed",
    "StudyTextErased",
    "UserTextErased",
]


@stored("album.text_erased")
@frozen
class AlbumTextErased:
    """The texts of these ``versions`` were erased; the other fields say what in the album has no text since."""

    versions: tuple[int, ...]
    without_name: bool = False
    without_description: bool = False
    report_providers: tuple[ReportProviderId, ...] = ()
    capability_tokens: tuple[CapabilityTokenId, ...] = ()
    webhooks: tuple[WebhookId, ...] = ()

    def evolve(self, album: Album, act: Act) -> Album:
        """The texts are gone; everything else stays."""
        return changed(
            album,
            name=ERASED if self.without_name else album.name,
            description=ERASED if self.without_description else album.description,
            report_providers=_with(
                album.report_providers, self.report_providers, name=ERASED, url=ERASED
            ),
            capability_tokens=_with(album.capability_tokens, self.capability_tokens, title=ERASED),
            webhooks=_with(album.webhooks, self.webhooks, name=ERASED, url=ERASED),
        )


@stored("study.text_erased")
@frozen
class StudyTextErased:
    """The comments of these ``versions`` were erased."""

    versions: tuple[int, ...]

    def evolve(self, comments: StudyComments, act: Act) -> StudyComments:
        """The state does not change."""
        return comments


@stored("user.text_erased")
@frozen
class UserTextErased:
    """The titles in these ``versions`` were erased; these ``capability_tokens`` have no title since."""

    versions: tuple[int, ...]
    capability_tokens: tuple[CapabilityTokenId, ...] = ()

    def evolve(self, state: UserTokens, act: Act) -> UserTokens:
        """The titles are gone; the tokens stay as they are."""
        return changed(state, tokens=_with(state.tokens, self.capability_tokens, title=ERASED))


@stored("images.images_erased")
@frozen
class ImagesErased:
    """The images of these ``versions`` were erased; ``image_ids`` are not in the set since, and cannot be restored."""

    versions: tuple[int, ...]
    image_ids: tuple[ImageId, ...] = ()

    def evolve(self, images: PatientImageSet, act: Act) -> PatientImageSet:
        """The images are neither in the set nor among the removed ones."""
        left, put_away = images.images, images.removed
        for image_id in self.image_ids:
            left, put_away = removed(left, image_id), removed(put_away, image_id)
        return changed(images, images=left, removed=put_away)


class ErasureKind(Enum):
    """What was erased as a whole. ``INSTANCES`` are the DICOM instances of a study, without the comments on it."""

    PERSON = "person"
    PATIENT = "patient"
    STUDY = "study"
    COMMENT = "comment"
    IMAGE = "image"
    ALBUM = "album"
    INSTANCES = "instances"


@frozen
class Erasures:
    """State of the record of erasures (stream ``erasures``). It is empty, because no rule depends on it."""


@stored("erasures.recorded")
@frozen
class ErasureRecorded:
    """Something was erased as a whole. ``identifier`` is its id, for a comment its stream; ``basis`` says why."""

    kind: ErasureKind
    identifier: str
    version: int | None = None
    basis: str | None = None

    def evolve(self, erasures: Erasures, act: Act) -> Erasures:
        """The state does not change."""
        return erasures


@stored("erasures.store_sealed")
@frozen
class StoreSealed:
    """The store is the sealed copy of one in clear, which had this number of ``events``."""

    events: int

    def evolve(self, erasures: Erasures, act: Act) -> Erasures:
        """The state does not change."""
        return erasures


ERASURE_NOTICES: tuple[type[Event[Any]], ...] = (
    AlbumTextErased,
    StudyTextErased,
    UserTextErased,
    ImagesErased,
)
"""The events that say which events of their stream were erased; each has ``versions``."""


def erasure_notice(state: Any, versions: tuple[int, ...]) -> Event[Any]:
    """The event that says which events of a stream were erased.

    Args:
        state: The state of the stream as it is replayed without their keys.
        versions: Their versions.

    Raises:
        KeyError: streams of its kind have no personal fields.
    """
    return _NOTICE_OF[type(state)](state, versions)


def is_erased(value: Any) -> bool:
    """Whether a value is `ERASED`, or has a field that is."""
    if has(type(value)):
        return any(is_erased(getattr(value, one.name)) for one in fields(type(value)))
    return value is ERASED


def _of_album(album: Album, versions: tuple[int, ...]) -> AlbumTextErased:
    return AlbumTextErased(
        versions,
        is_erased(album.name),
        is_erased(album.description),
        _erased_in(album.report_providers),
        _erased_in(album.capability_tokens),
        _erased_in(album.webhooks),
    )


_NOTICE_OF: Mapping[type[Any], Callable[[Any, tuple[int, ...]], Event[Any]]] = {
    Album: _of_album,
    StudyComments: lambda state, versions: StudyTextErased(versions),
    UserTokens: lambda state, versions: UserTextErased(versions, _erased_in(state.tokens)),
    PatientImageSet: lambda state, versions: ImagesErased(
        versions, _erased_in({**state.images, **state.removed})
    ),
}


def _erased_in(named: Mapping[Any, Any]) -> tuple[Any, ...]:
    return tuple(sorted([key for key, value in named.items() if is_erased(value)]))


def _with(named: Mapping[Any, Any], keys: tuple[Any, ...], **values: Any) -> Mapping[Any, Any]:
    """A copy in which the values of these keys have other values in some fields."""
    return {**named, **{key: changed(named[key], **values) for key in keys}} if keys else named
