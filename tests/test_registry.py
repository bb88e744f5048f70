"""Everything that belongs to a stored event is there: a line of the feed, a golden file, a docs entry, a decision."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from attrs import fields, frozen

from albumcore import (
    AdminAdded,
    AdminDemoted,
    AlbumCreated,
    AlbumDeleted,
    AlbumEdited,
    CapabilityTokenIssued,
    CapabilityTokenRevoked,
    CommentPosted,
    CommentWithdrawn,
    ErasureRecorded,
    FavoriteAdded,
    FavoriteRemoved,
    FavoriteSet,
    ImageAdded,
    ImageRemoved,
    ImageRestored,
    MemberAdded,
    MemberLeft,
    MemberPromoted,
    MemberRemoved,
    MemberSettingsRestored,
    NotificationsSet,
    PatientDeleted,
    PatientRestored,
    PersonRegistered,
    ReportAdded,
    ReportProviderCreated,
    ReportProviderDeleted,
    ReportProviderEdited,
    SeriesImported,
    SeriesRemoved,
    StoreSealed,
    StudyCommentPosted,
    StudyImported,
    StudyRemoved,
    UserTokenIssued,
    UserTokenRevoked,
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    WebhookTriggered,
)
from albumcore.albums import Album
from albumcore.codec import Codec
from albumcore.erasures import ERASURE_NOTICES, Erasures
from albumcore.feed import FEED
from albumcore.image_sets import PatientImageSet
from albumcore.kernel import STORED, stored_name
from albumcore.study_comments import StudyComments
from albumcore.user_tokens import UserTokens
from support.examples import EVENTS, SPARSE

ROOT = Path(__file__).parents[1]
GENERATE: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "generate.py"))
PAGE = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
each_class = pytest.mark.parametrize("name", STORED)

DECISIONS: dict[type[Any], str] = {
    AlbumCreated: "create_album",
    AlbumEdited: "edit_album",
    AlbumDeleted: "delete_album leave_album remove_member",
    NotificationsSet: "edit_album",
    FavoriteSet: "set_favorite",
    MemberLeft: "leave_album remove_member",
    MemberAdded: "add_member",
    AdminAdded: "add_admin",
    MemberRemoved: "remove_member",
    MemberSettingsRestored: "undo",
    MemberPromoted: "add_admin promote_member",
    AdminDemoted: "demote_admin",
    StudyImported: "import_study",
    SeriesImported: "import_series",
    ReportAdded: "add_report",
    StudyRemoved: "remove_study",
    SeriesRemoved: "remove_series",
    FavoriteAdded: "add_favorite",
    FavoriteRemoved: "remove_favorite",
    CommentPosted: "post_comment",
    CommentWithdrawn: "undo",
    ReportProviderCreated: "create_report_provider",
    ReportProviderEdited: "edit_report_provider",
    ReportProviderDeleted: "delete_report_provider",
    CapabilityTokenIssued: "issue_capability_token",
    CapabilityTokenRevoked: "demote_admin leave_album remove_member revoke_capability_token",
    WebhookCreated: "create_webhook",
    WebhookEdited: "edit_webhook",
    WebhookDeleted: "delete_webhook",
    WebhookTriggered: "trigger_webhook",
    StudyCommentPosted: "post_study_comment",
    PersonRegistered: "register_person",
    UserTokenIssued: "issue_user_token",
    UserTokenRevoked: "revoke_user_token",
    ImageAdded: "add_image",
    ImageRemoved: "remove_image",
    ImageRestored: "restore_image",
    PatientDeleted: "delete_patient",
    PatientRestored: "restore_patient",
}
"""The decisions that lead to each event; that they do is shown one by one in the tests of the decisions."""


@each_class
def test_a_stored_class_has_a_line_of_the_feed(name: str) -> None:
    """Or is said to be hidden."""
    assert STORED[name] in FEED


def test_the_feed_has_no_line_of_anything_else() -> None:
    """Every line is of a class that is stored."""
    assert set(FEED) == set(STORED.values())


@each_class
def test_a_stored_class_has_a_golden_file(name: str) -> None:
    """Of its newest version."""
    version = stored_name(STORED[name]).version
    assert (ROOT / "tests" / "golden" / f"{name}.v{version}.json").is_file()


@each_class
def test_a_stored_class_has_an_entry_in_the_docs(name: str) -> None:
    """Under its name."""
    assert f"\n### {name}\n" in PAGE


def test_the_docs_are_what_the_code_says() -> None:
    """If this fails: ``python docs/generate.py``."""
    assert GENERATE["page"]() == PAGE


def test_every_value_in_an_event_is_explained_in_the_docs() -> None:
    """A field whose type has fields of its own refers to an entry."""
    simple = {"str", "int", "bool", "datetime", "Encoding"}
    ids = {
        "UserId",
        "StudyUID",
        "SeriesUID",
        "ImageId",
        "ReportProviderId",
        "CapabilityTokenId",
        "WebhookId",
    }
    types = {
        cls.__annotations__[field.name]
        .removesuffix(" | None")
        .removesuffix(" | Erased")
        .removeprefix("tuple[")
        .removesuffix(", ...]")
        for cls in STORED.values()
        for field in fields(cls)
    }
    for type_ in types - simple - ids:
        assert f"\n### {type_}\n" in PAGE


@each_class
def test_a_stored_class_survives_the_codec(name: str) -> None:
    """With everything in it, and with what may be absent left out."""
    for examples in (EVENTS, SPARSE):
        for key, recorded in examples.items():
            if key.rpartition(".")[0] == name:
                assert Codec().to_domain_event(Codec().to_stored_event(recorded)) == recorded
    assert any(key.rpartition(".")[0] == name for key in EVENTS)


def test_every_stored_class_is_led_to_by_a_decision() -> None:
    """By exactly the decisions that are known to, read from their code."""
    found: dict[type[Any], set[str]] = {}
    for state in (Album, StudyComments, UserTokens, PatientImageSet, Erasures):
        for cls, names in GENERATE["decisions"](state).items():
            found.setdefault(cls, set()).update(names)
    assert found == {cls: set(names.split()) for cls, names in DECISIONS.items()}
    assert found.keys() == set(STORED.values()) - {*ERASURE_NOTICES, ErasureRecorded, StoreSealed}


@each_class
def test_a_stored_class_is_frozen_and_told(name: str) -> None:
    """An event cannot be changed after it happened, and its docstring says what did."""
    cls = STORED[name]
    assert cls.__setattr__ is _frozen_setattr()
    assert (cls.__doc__ or "").endswith(".")
    assert cls.evolve.__doc__


def _frozen_setattr() -> object:
    @frozen
    class Frozen:
        """Something that cannot be changed."""

    return Frozen.__setattr__
