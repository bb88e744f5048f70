"""Everything that belongs to a stored event is there: a line of the feed, a golden file, a docs entry, a decision."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from attrs import fields, frozen

from albumcore.albums import Album
from albumcore.albums import events as album
from albumcore.codec import Codec
from albumcore.feed import FEED
from albumcore.image_sets import PatientImageSet
from albumcore.image_sets import events as images
from albumcore.kernel import STORED, stored_name
from albumcore.study_comments import StudyCommentPosted, StudyComments
from albumcore.user_tokens import UserTokens
from albumcore.user_tokens import events as user
from support.examples import EVENTS, SPARSE

ROOT = Path(__file__).parents[1]
GENERATE: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "generate.py"))
PAGE = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
each_class = pytest.mark.parametrize("name", STORED)

DECISIONS: dict[type[Any], str] = {
    album.AlbumCreated: "create",
    album.AlbumEdited: "edit",
    album.AlbumDeleted: "delete leave remove_member",
    album.NotificationsSet: "edit",
    album.FavoriteSet: "set_favorite",
    album.MemberLeft: "leave remove_member",
    album.MemberAdded: "add_member",
    album.AdminAdded: "add_admin",
    album.MemberRemoved: "remove_member",
    album.MemberPromoted: "add_admin promote_member",
    album.AdminDemoted: "demote_admin",
    album.StudyImported: "import_study",
    album.SeriesImported: "import_series",
    album.ReportAdded: "add_report",
    album.StudyRemoved: "remove_study",
    album.SeriesRemoved: "remove_series",
    album.FavoriteAdded: "add_favorite",
    album.FavoriteRemoved: "remove_favorite",
    album.CommentPosted: "post_comment",
    album.ReportProviderCreated: "create_report_provider",
    album.ReportProviderEdited: "edit_report_provider",
    album.ReportProviderDeleted: "delete_report_provider",
    album.CapabilityTokenIssued: "issue_capability_token",
    album.CapabilityTokenRevoked: "demote_admin leave remove_member revoke_capability_token",
    album.WebhookCreated: "create_webhook",
    album.WebhookEdited: "edit_webhook",
    album.WebhookDeleted: "delete_webhook",
    album.WebhookTriggered: "trigger_webhook",
    StudyCommentPosted: "post_comment",
    user.UserTokenIssued: "issue",
    user.UserTokenRevoked: "revoke",
    images.ImageAdded: "add_image",
    images.ImageRemoved: "remove_image",
    images.PatientDeleted: "delete_patient",
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
    for state in (Album, StudyComments, UserTokens, PatientImageSet):
        for cls, names in GENERATE["decisions"](state).items():
            found.setdefault(cls, set()).update(names)
    assert found == {cls: set(names.split()) for cls, names in DECISIONS.items()}
    assert found.keys() == set(STORED.values())


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
