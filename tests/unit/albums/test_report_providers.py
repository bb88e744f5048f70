"""The report providers of an album (Kheops API 8)."""

from __future__ import annotations

from typing import Any

import pytest

from albumcore import (
    ReportProviderCreated,
    ReportProviderDeleted,
    ReportProviderEdited,
    create_report_provider,
    delete_report_provider,
    edit_report_provider,
)
from albumcore.albums import ReportProvider
from albumcore.errors import (
    AlbumNotFound,
    Forbidden,
    IdTaken,
    Invalid,
    ReportProviderNotFound,
)
from support.album import (
    BOB,
    BOB_IN,
    CAROL,
    CAROL_ADMIN,
    DAVE,
    KEY,
    OPEN,
    READER,
    SCRIBE,
    SCRIBE_IN,
    URL,
    issued,
    reporting,
    through,
)
from support.given import ALICE, NOW, given

OTHER_URL = "https://other.example/config"
DELETED = ReportProviderDeleted(SCRIBE)


def test_create_report_provider() -> None:
    """Any admin lets one in; its id is used up then, also after it is deleted."""
    created = given(OPEN, CAROL_ADMIN).when(create_report_provider, CAROL, SCRIBE, "Scribe", URL)
    created.then(SCRIBE_IN).again().refused(IdTaken)
    state = created.then(SCRIBE_IN).state
    assert state.report_providers == {SCRIBE: ReportProvider("Scribe", URL, NOW)}
    given(OPEN, SCRIBE_IN, DELETED).when(
        create_report_provider, ALICE, SCRIBE, "Scribe", URL
    ).refused(IdTaken)


def test_create_a_second_report_provider_leaves_the_first() -> None:
    """They stand side by side, and may bear the same name."""
    created = given(OPEN, SCRIBE_IN).when(create_report_provider, ALICE, READER, "Scribe", URL)
    state = created.then(ReportProviderCreated(READER, "Scribe", URL)).state
    assert state.report_providers.keys() == {SCRIBE, READER}


@pytest.mark.parametrize(
    ("name", "url", "field"),
    [
        ("", URL, "name"),
        ("n" * 1025, URL, "name"),
        ("Scribe", "", "url"),
        ("Scribe", "u" * 1025, "url"),
        ("Scribe\x00", URL, "name"),
    ],
)
def test_report_provider_texts_outside_their_limits(name: str, url: str, field: str) -> None:
    """Both have 1 to 1024 characters, when it is created and when it is edited."""
    given(OPEN).when(create_report_provider, ALICE, SCRIBE, name, url).refused(Invalid, field)
    given(OPEN, SCRIBE_IN).when(edit_report_provider, ALICE, SCRIBE, name, url).refused(
        Invalid, field
    )


def test_report_provider_texts_at_their_limits() -> None:
    """One character is enough, and 1024 are not too many."""
    given(OPEN).when(create_report_provider, ALICE, SCRIBE, "n", "u" * 1024).then(
        ReportProviderCreated(SCRIBE, "n", "u" * 1024)
    )


@pytest.mark.parametrize(
    ("changes", "name", "url"),
    [
        ({"name": "Pen"}, "Pen", URL),
        ({"url": OTHER_URL}, "Scribe", OTHER_URL),
        ({"name": "Pen", "url": OTHER_URL}, "Pen", OTHER_URL),
        ({}, "Scribe", URL),
    ],
)
def test_edit_report_provider(changes: Any, name: str, url: str) -> None:
    """What is not given stays; it is recorded each time, even when nothing changed (Kheops API 8)."""
    event = ReportProviderEdited(SCRIBE, name, url)
    edited = given(OPEN, SCRIBE_IN).when(edit_report_provider, ALICE, SCRIBE, **changes)
    provider = edited.then(event).state.report_providers[SCRIBE]
    assert (provider.name, provider.url, provider.is_removed) == (name, url, False)
    edited.then(event).again().then(event)


def test_delete_report_provider_keeps_it_as_removed() -> None:
    """Kheops API 14, rules 33 and 69; a second time there is none to delete."""
    deleted = given(OPEN, SCRIBE_IN).when(delete_report_provider, ALICE, SCRIBE)
    provider = deleted.then(DELETED).state.report_providers[SCRIBE]
    assert (provider.name, provider.is_removed) == ("Scribe", True)
    deleted.then(DELETED).again().refused(ReportProviderNotFound)


def test_unknown_and_deleted_report_providers_are_not_found() -> None:
    """Kheops API 14, rule 69."""
    for album, provider_id in (
        (given(OPEN, SCRIBE_IN), READER),
        (given(OPEN, SCRIBE_IN, DELETED), SCRIBE),
    ):
        album.when(edit_report_provider, ALICE, provider_id, "Pen").refused(ReportProviderNotFound)
        album.when(delete_report_provider, ALICE, provider_id).refused(ReportProviderNotFound)


@pytest.mark.parametrize("source", [BOB, through(KEY), reporting(SCRIBE)])
def test_report_providers_are_the_admins_affair(source: Any) -> None:
    """Kheops API 14, rule 68: in person, and whether the provider is there or not."""
    album = given(OPEN, BOB_IN, SCRIBE_IN, issued())
    album.when(create_report_provider, source, READER, "Reader", URL).refused(Forbidden)
    for provider_id in (SCRIBE, READER):
        album.when(edit_report_provider, source, provider_id, "Pen").refused(Forbidden)
        album.when(delete_report_provider, source, provider_id).refused(Forbidden)


def test_report_providers_of_a_stranger_to_the_album() -> None:
    """Kheops API 14, rule 2."""
    album = given(OPEN, SCRIBE_IN)
    album.when(create_report_provider, DAVE, READER, "R", URL).refused(AlbumNotFound)
    album.when(edit_report_provider, DAVE, SCRIBE, "Pen").refused(AlbumNotFound)
    album.when(delete_report_provider, DAVE, SCRIBE).refused(AlbumNotFound)
