"""Instances that are sent as data sets in the DICOM JSON Model, followed by their bulk data (DICOM PS3.18 8.7.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import orjson
from attrs import define, field

from albumcore_adapters.base.dicom_json import text_value
from albumcore_adapters.decoding import BulkData, CannotCompose, DecoderFailed
from albumcore_adapters.instances.archive import InstanceDraft
from albumcore_adapters.instances.outcomes import FailureReason, InstanceRefused
from albumcore_adapters.instances.storing import Storing

MAX_METADATA = 1024 * 1024
"""The longest part with data sets, in bytes, which is in memory as a whole; and the most that may wait of all parts."""

MAX_DATA_SETS = 1000
"""Data sets of one part, and data sets of a message that may wait for their bulk data."""

MAX_WAITING = 64
"""Bulk data that may wait for others of the same data set."""

_TAG = re.compile("[0-9A-F]{8}")
_LINK = "BulkDataURI"


@define(eq=False)
class _Waiting:
    """A data set, and the bulk data that it waits for.

    Attributes:
        attributes: The data set.
        transfer_syntax: The transfer syntax that the sender names.
        missing: The tags by the addresses of bulk data that have not come.
        bulk: The bulk data that have come, by tag.
        drafts: The bytes of these.
        size: The length of its text, in bytes; of several in one part, on average.
    """

    attributes: Mapping[str, Any]
    transfer_syntax: str | None
    missing: dict[str, str]
    size: int
    bulk: dict[str, BulkData] = field(factory=dict)
    drafts: list[InstanceDraft] = field(factory=list)


@define
class Composing:
    """The data sets of one request, each stored when its bulk data have come. A context manager, for one thread.

    Attributes:
        storing: The instances of the request.
        has_metadata: Whether a part with data sets has come.
    """

    storing: Storing
    _waiting: list[_Waiting] = field(factory=list, init=False)
    has_metadata: bool = field(default=False, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for waiting in self._waiting:
            for draft in waiting.drafts:
                draft.discard()

    def awaits(self, location: str | None) -> bool:
        """Whether a data set waits for the bulk data at this address."""
        return any(location in waiting.missing for waiting in self._waiting)

    def add_metadata(self, content: Iterable[bytes], transfer_syntax: str | None) -> None:
        """Read a part with one data set, or a list of them; what is none is refused."""
        self.has_metadata, text = True, bytearray()
        for piece in content:
            text += piece
            if len(text) > MAX_METADATA:
                reason = FailureReason.OUT_OF_RESOURCES
                self.storing.refuse(reason, f"the data sets are larger than {MAX_METADATA} bytes")
                return
        try:
            found = orjson.loads(text)
        except ValueError:
            found = None
        data_sets = found if isinstance(found, list) else [found]
        held = len(text) + sum(one.size for one in self._waiting)
        number = len(data_sets) + len(self._waiting)
        if held > MAX_METADATA or number > MAX_DATA_SETS:
            detail = (
                f"more than {MAX_DATA_SETS} data sets wait for bulk data, or {MAX_METADATA} bytes"
            )
            self.storing.refuse(FailureReason.OUT_OF_RESOURCES, detail)
            return
        for attributes in data_sets:
            if not isinstance(attributes, dict):
                reason = FailureReason.CANNOT_UNDERSTAND
                self.storing.refuse(reason, "it is no data set in the DICOM JSON Model")
                continue
            # Keywords in place of tags, and links within sequences, are left to be refused as invalid.
            missing = {
                one[_LINK]: tag
                for tag, one in attributes.items()
                if _TAG.fullmatch(tag) and isinstance(one, dict) and isinstance(one.get(_LINK), str)
            }
            size = len(text) // len(data_sets)
            waiting = _Waiting(attributes, transfer_syntax, missing, size)
            self._waiting.append(waiting)
            self._store_if_whole(waiting)

    def add_bulk(self, location: str, media_type: str, content: Iterable[bytes]) -> None:
        """Read a part with bulk data that a data set waits for."""
        waiting, store = (
            next(one for one in self._waiting if location in one.missing),
            self.storing.store,
        )
        if sum(len(one.drafts) for one in self._waiting) >= MAX_WAITING:
            self._refuse(waiting, FailureReason.OUT_OF_RESOURCES, "too many bulk data wait")
            return
        draft = store.archive.draft()
        waiting.drafts.append(draft)
        for piece in content:
            if draft.length + len(piece) > store.max_instance:
                detail = f"it is larger than {store.max_instance} bytes"
                self._refuse(waiting, FailureReason.OUT_OF_RESOURCES, detail)
                return
            draft.write(piece)
        draft.finish()
        tag = waiting.missing.pop(location)
        waiting.bulk[tag] = BulkData(media_type, waiting.transfer_syntax, draft)
        self._store_if_whole(waiting)

    def finish(self) -> None:
        """Refuse the data sets whose bulk data have not come."""
        for waiting in list(self._waiting):
            self._refuse(waiting, FailureReason.CANNOT_UNDERSTAND, "its bulk data were not sent")

    def _store_if_whole(self, waiting: _Waiting) -> None:
        if waiting.missing:
            return
        try:
            file = self.storing.store.decoder.compose(waiting.attributes, waiting.bulk)
        except CannotCompose as error:
            self._refuse(waiting, FailureReason.CANNOT_UNDERSTAND, str(error))
        except DecoderFailed as error:
            self._refuse(waiting, FailureReason.PROCESSING_FAILURE, str(error))
        else:
            self.storing.add(file)
            self._forget(waiting)

    def _refuse(self, waiting: _Waiting, reason: FailureReason, detail: str) -> None:
        self.storing.outcomes.append(
            InstanceRefused(
                reason,
                detail,
                _uid(waiting.attributes, "00080018"),
                _uid(waiting.attributes, "00080016"),
            )
        )
        self._forget(waiting)

    def _forget(self, waiting: _Waiting) -> None:
        self._waiting.remove(waiting)
        for draft in waiting.drafts:
            draft.discard()


def _uid(attributes: Mapping[str, Any], tag: str) -> str | None:
    try:
        return text_value(attributes, tag)
    except (AttributeError, TypeError):
        return None
