"""Whether an instance agrees with what is known of its study, its series and itself (DICOM PS3.3 section A.1).

One study has one patient and one description: an instance that contradicts the images that are stored is refused,
unless the sender asks for no such check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from attrs import frozen

from albumcore_adapters.base.dicom_json import Attributes, integer_value, text_value
from albumcore_adapters.blobs.port import Digest
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.directory.known_instances import KnownInstances
from albumcore_adapters.instances.outcomes import FailureReason, Refusal


def _text(attributes: Attributes, tag: str) -> str | None:
    return text_value(attributes, tag)


def _name(attributes: Attributes, tag: str) -> str | None:
    """A name without the characters that separate its components."""
    name = text_value(attributes, tag)
    return None if name is None else name.translate({ord("^"): None, ord("="): None})


def _number(attributes: Attributes, tag: str) -> int:
    return integer_value(attributes, tag) or 0


@frozen
class _Compared:
    """How an attribute is compared.

    Attributes:
        value: Returns the value that is compared.
        may_lack: Whether no value on either side agrees with any value on the other.
    """

    value: Callable[[Attributes, str], str | int | None]
    may_lack: bool

    def contradicts(self, tag: str, known: Attributes, sent: Attributes) -> bool:
        """Whether two objects have values that do not agree."""
        values = self.value(known, tag), self.value(sent, tag)
        return values[0] != values[1] and not (self.may_lack and None in values)


_OF_STUDY: Mapping[str, _Compared] = {
    "00080020": _Compared(_text, may_lack=True),  # StudyDate
    "00080030": _Compared(_text, may_lack=True),  # StudyTime
    "00080050": _Compared(_text, may_lack=True),  # AccessionNumber
    "00080090": _Compared(_name, may_lack=True),  # ReferringPhysicianName
    "00080201": _Compared(_text, may_lack=True),  # TimezoneOffsetFromUTC
    "00081030": _Compared(_text, may_lack=True),  # StudyDescription
    "00100010": _Compared(_name, may_lack=True),  # PatientName
    "00100020": _Compared(_text, may_lack=True),  # PatientID
    "00100030": _Compared(_text, may_lack=True),  # PatientBirthDate
    "00100040": _Compared(_text, may_lack=True),  # PatientSex
    "00200010": _Compared(_text, may_lack=False),  # StudyID
}
_OF_SERIES: Mapping[str, _Compared] = {
    "00080060": _Compared(_text, may_lack=False),  # Modality
    "00080201": _Compared(_text, may_lack=False),  # TimezoneOffsetFromUTC
    "0008103E": _Compared(_text, may_lack=False),  # SeriesDescription
    "00180015": _Compared(_text, may_lack=False),  # BodyPartExamined
    "00200011": _Compared(_number, may_lack=False),  # SeriesNumber
}
_STUDY_UID = "0020000D"


def is_stored(known: KnownInstances, record: InstanceRecord, digest: Digest) -> bool:
    """Whether the same instance with the same bytes is stored."""
    sop = record.sop_instance_uid
    return known.digests.get(sop) == digest and known.instances.get(sop) == record.series_uid


def refusal_of(
    known: KnownInstances,
    record: InstanceRecord,
    digest: Digest,
    *,
    must_agree: bool,
    is_strict: bool = False,
) -> Refusal | None:
    """Return why an instance is refused by what is known; None if it is not.

    The same instance again is not refused. Other bytes under its UID are, and a UID that is in use elsewhere.

    Args:
        known: What is known of its UIDs.
        record: The instance.
        digest: SHA-256 of its file.
        must_agree: Whether the attributes of its study and series must agree with what is known.
        is_strict: Whether all of them must be the same, also those that one side lacks. The refusal does not name those
            that are not: the sender may not see what is known.
    """
    sop = record.sop_instance_uid
    if is_stored(known, record, digest):
        return None
    if known.instances.get(sop, record.series_uid) != record.series_uid:
        return Refusal(FailureReason.DUPLICATE, "the SOP instance UID is in use in another series")
    if sop in known.digests:
        detail = "another file with this SOP instance UID is stored"
        return Refusal(FailureReason.DUPLICATE, detail)
    study, attributes = known.series.get(record.series_uid, (record.study_uid, None))
    if study != record.study_uid:
        detail = "the series UID is in use in another study"
        return Refusal(FailureReason.CONTRADICTS, detail, (_STUDY_UID,))
    if is_strict:
        if not _is_same(known.studies.get(study), record.study) or not _is_same(
            attributes, record.series
        ):
            return Refusal(FailureReason.CONTRADICTS, "it contradicts what is known of its study")
    elif must_agree:
        tags = sorted(_contradictions(known.studies.get(study), attributes, record))
        if tags:
            detail = f"it contradicts what is known of its study or series: {', '.join(tags)}"
            return Refusal(FailureReason.CONTRADICTS, detail, tags)
    return None


def _is_same(known: Attributes | None, sent: Attributes) -> bool:
    return known is None or all(known.get(tag) == sent.get(tag) for tag in known.keys() | sent)


def _contradictions(
    study: Attributes | None, series: Attributes | None, record: InstanceRecord
) -> Iterator[str]:
    if study is not None:
        for tag, compared in _OF_STUDY.items():
            if compared.contradicts(tag, study, record.study):
                yield tag
    if series is not None:
        for tag, compared in _OF_SERIES.items():
            if compared.contradicts(tag, series, record.series):
                yield tag
