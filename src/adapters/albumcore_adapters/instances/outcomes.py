"""What becomes of instances that are sent: stored, or refused with a reason (DICOM PS3.18 section 10.5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TypeAlias

from attrs import frozen

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.directory.instances import InstanceRecord


class FailureReason(IntEnum):
    """Why an instance is refused: the codes of FailureReason, (0008,1197) (DICOM PS3.7 annex C, PS3.4 annex B)."""

    CONTRADICTS = 0x0106
    PROCESSING_FAILURE = 0x0110
    DUPLICATE = 0x0111
    NOT_AUTHORIZED = 0x0124
    OUT_OF_RESOURCES = 0xA700
    OTHER_STUDY = 0xA900
    CANNOT_UNDERSTAND = 0xC000


@frozen
class InstanceStored:
    """An instance that is stored: now, or it was before, with the same bytes.

    Attributes:
        study_uid: StudyInstanceUID, (0020,000D).
        series_uid: SeriesInstanceUID, (0020,000E).
        sop_instance_uid: SOPInstanceUID, (0008,0018).
        sop_class_uid: SOPClassUID, (0008,0016), if it has one.
        is_new: Whether its bytes were stored now.
    """

    study_uid: StudyUID
    series_uid: SeriesUID
    sop_instance_uid: str
    sop_class_uid: str | None
    is_new: bool = True


@frozen
class InstanceRefused:
    """An instance that is refused, or what is none.

    Attributes:
        reason: Why, by its code; another archive may give one that is not in `FailureReason`.
        detail: Why, in words.
        sop_instance_uid: SOPInstanceUID, (0008,0018); None if it has none that can be read.
        sop_class_uid: SOPClassUID, (0008,0016), if it has one.
        file_id: What the sender calls the file, if they do.
        tags: The attributes that contradict what is known, each in eight hexadecimal digits.
    """

    reason: int
    detail: str
    sop_instance_uid: str | None = None
    sop_class_uid: str | None = None
    file_id: str | None = None
    tags: Sequence[str] = ()


Outcome: TypeAlias = InstanceStored | InstanceRefused


@frozen
class Refusal:
    """Why an instance is refused; see `InstanceRefused`."""

    reason: int
    detail: str
    tags: Sequence[str] = ()

    def of(
        self, record: InstanceRecord, sop_class_uid: str | None, file_id: str | None
    ) -> InstanceRefused:
        """The outcome for an instance."""
        return InstanceRefused(
            self.reason, self.detail, record.sop_instance_uid, sop_class_uid, file_id, self.tags
        )
