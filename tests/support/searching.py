"""What tests of searches share: DICOM attributes made and read, and wildcards in the plainest way."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

from pydicom import Dataset

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.directory.instances import InstanceRecord


def attribute(vr: str, *values: Any) -> dict[str, Any]:
    """An attribute in the DICOM JSON Model."""
    return {"vr": vr, "Value": list(values)}


def record(
    study: str,
    series: str,
    uid: str,
    study_has: Mapping[str, Any] | None = None,
    series_has: Mapping[str, Any] | None = None,
    instance_has: Mapping[str, Any] | None = None,
) -> InstanceRecord:
    """An instance with those attributes."""
    return InstanceRecord(
        StudyUID(study),
        SeriesUID(series),
        uid,
        study_has or {},
        series_has or {},
        instance_has or {},
    )


def loaded(attributes: Mapping[str, Any]) -> Dataset:
    """What pydicom makes of it, which must be JSON with the tags in order."""
    assert list(attributes) == sorted(attributes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at old ways to write a date, and the like
        return Dataset.from_json(json.dumps(attributes, allow_nan=False))


def like(wanted: str, text: str) -> bool:
    """Whether text matches, found out letter by letter."""
    if not wanted:
        return not text
    if wanted[0] == "*":
        return any(like(wanted[1:], text[start:]) for start in range(len(text) + 1))
    return text[:1] == wanted[0] and like(wanted[1:], text[1:])
