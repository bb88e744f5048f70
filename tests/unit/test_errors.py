"""The errors: four families, stable codes, and what they carry."""

from __future__ import annotations

import pickle

import pytest

from albumcore import errors
from albumcore.errors import AlbumcoreError, Invalid

FAMILIES = (errors.NotFound, errors.Forbidden, errors.Invalid, errors.Conflict)

CODES = {
    "AlbumExists": "album_exists",
    "AlbumNotFound": "album_not_found",
    "AlbumcoreError": "error",
    "CapabilityTokenNotFound": "capability_token_not_found",
    "ChangedSince": "changed_since",
    "CommandReused": "command_reused",
    "Conflict": "conflict",
    "DamagedStoredEvent": "damaged_stored_event",
    "EventNotFound": "event_not_found",
    "Forbidden": "forbidden",
    "IdTaken": "id_taken",
    "ImageNotFound": "image_not_found",
    "Invalid": "invalid",
    "MemberNotFound": "member_not_found",
    "NotFound": "not_found",
    "NotUndoable": "not_undoable",
    "ReportProviderNotFound": "report_provider_not_found",
    "SeriesInAnotherStudy": "series_in_another_study",
    "SeriesNotFound": "series_not_found",
    "StudyNotFound": "study_not_found",
    "UnknownStoredEvent": "unknown_stored_event",
    "UserNotFound": "user_not_found",
    "WebhookNotFound": "webhook_not_found",
}
"""Public, so it is written out: a code that changes breaks whoever tells errors apart by it."""


def test_codes_are_stable() -> None:
    """Every error class has the code it always had, and a new one gets a line here."""
    found = {
        name: one.code
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, AlbumcoreError)
    }
    assert found == CODES


def test_every_error_of_a_decision_is_of_one_family() -> None:
    """What the stored form raises is not: it is nobody's mistake who asks."""
    outside = {"AlbumcoreError", "UnknownStoredEvent", "DamagedStoredEvent"}
    for name in CODES.keys() - outside:
        assert sum(issubclass(getattr(errors, name), family) for family in FAMILIES) == 1


def test_an_error_carries_a_sentence() -> None:
    """The detail, which is also its text; an invalid value names its field in both."""
    error = errors.AlbumNotFound("no such album")
    assert (error.detail, str(error)) == ("no such album", "no such album")
    invalid = Invalid("title", "too long")
    assert (invalid.field, invalid.detail, str(invalid)) == (
        "title",
        "title: too long",
        "title: too long",
    )


def test_an_error_names_the_rule_that_refuses() -> None:
    """For those who say it in words of their own, with what the sentence says of the rule; else it is the code."""
    error = Invalid("title", "it has 1 to 9 characters", rule="length", shortest=1, longest=9)
    assert (error.rule, error.places) == ("length", {"shortest": 1, "longest": 9})
    passed = pickle.loads(pickle.dumps(error))
    assert vars(passed) == vars(error)
    assert errors.SeriesInAnotherStudy("a").rule == "series_in_another_study"


@pytest.mark.parametrize("name", CODES)
def test_an_error_passes_from_one_process_to_another(name: str) -> None:
    """Where a child of a pool raises what its parent cannot read, the whole pool breaks."""
    error = Invalid("title", "title: too long") if name == "Invalid" else getattr(errors, name)("a")
    passed = pickle.loads(pickle.dumps(error))
    assert (type(passed), str(passed), vars(passed)) == (type(error), str(error), vars(error))
