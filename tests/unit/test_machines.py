"""The public machines as they come: each rule does what it says, whatever the dice would have it do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from albumcore import (
    AdminAdded,
    AdminDemoted,
    Albumcore,
    AlbumCreated,
    AlbumDeleted,
    AlbumEdited,
    CapabilityTokenIssued,
    CapabilityTokenRevoked,
    CommentPosted,
    FavoriteAdded,
    FavoriteRemoved,
    FavoriteSet,
    Grants,
    ImageAdded,
    ImageRemoved,
    ImageRestored,
    ImageType,
    MemberAdded,
    MemberLeft,
    MemberPromoted,
    MemberRemoved,
    PatientDeleted,
    PatientRestored,
    ReportAdded,
    ReportProviderCreated,
    ReportProviderDeleted,
    ReportProviderEdited,
    SeriesImported,
    SeriesRemoved,
    Source,
    StudyCommentPosted,
    StudyImported,
    StudyRemoved,
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    WebhookTriggered,
    album_stream,
    create_album,
    set_favorite,
)
from albumcore.albums import Webhook, WebhookEvent
from albumcore.ids import CapabilityTokenId, UserId
from albumcore.testing import (
    ALBUMS,
    CAST,
    PATIENTS,
    STUDIES,
    AlbumMachine,
    Clock,
    Command,
    ImageSetMachine,
    StudyCommentsMachine,
)
from albumcore_adapters.store import open_memory


class Albums(AlbumMachine):
    """Nothing but a store."""

    @staticmethod
    def open_store(clock: Callable[[], datetime]) -> Albumcore:
        """In memory."""
        return open_memory(clock=clock)


class ImageSets(ImageSetMachine):
    """Nothing but a store."""

    open_store = staticmethod(Albums.open_store)


class StudyComments(StudyCommentsMachine):
    """Nothing but a store."""

    open_store = staticmethod(Albums.open_store)


ALICE, BOB, CAROL, DAVE = map(Source, CAST.users)
A1, A2 = ALBUMS
STUDY, FIRST = CAST.series[0]
SECOND = CAST.series[1][1]


@pytest.fixture
def machine() -> Iterator[Albums]:
    """The machine of albums, as it begins."""
    made = Albums()
    made.begin()
    yield made
    made.teardown()


def each(made: Any) -> tuple[Any, ...]:
    """What a rule puts into its bundles."""
    values: tuple[Any, ...] = made.values
    return values


def since_then(machine: Albums, begun: int) -> list[Any]:
    """The events that were recorded after so many."""
    return [one.event for one in machine.history[begun:]]


def test_machine_without_a_store_says_so() -> None:
    """A subclass has to say how one is opened."""
    with pytest.raises(NotImplementedError):
        AlbumMachine()


def test_album_machine_begins_with_one_of_everything(machine: Albums) -> None:
    """Once, whichever is asked for first; and what is said to be there is what was recorded."""
    begun = [type(one) for one in since_then(machine, 0)]
    assert begun == [
        AlbumCreated,
        AdminAdded,
        MemberAdded,
        StudyImported,
        ReportProviderCreated,
        WebhookCreated,
        CapabilityTokenIssued,
    ]
    assert each(machine.have_admins()) == (ALICE, BOB)
    assert each(machine.have_others()) == (CAROL, DAVE)
    assert machine.have_a_study() == (STUDY, FIRST)
    assert machine.have_a_webhook() in machine.store.load(album_stream(A1)).webhooks
    machine.import_series(A1, machine.have_a_capability_token(), (STUDY, SECOND))
    machine.add_report(A1, machine.have_a_report_provider(), CAST.series[2])
    assert since_then(machine, 7) == [
        SeriesImported(STUDY, SECOND),
        ReportAdded(*CAST.series[2]),
    ]


def test_rules_of_albums_and_members_act_on_the_store(machine: Albums) -> None:
    """Members come and go, albums are opened, edited and ended; who came is among those who act from then on."""
    machine.decide(A2, BOB, (create_album, ("Other",)))
    machine.edit_album(A1, ALICE, ("Hips",))
    assert machine.add_member(A2, BOB, ALICE.user) == ALICE
    assert machine.add_admin(A2, BOB, CAROL.user) == CAROL
    machine.promote_member(A1, ALICE, CAROL.user)
    machine.demote_admin(A1, ALICE, CAROL.user)
    machine.remove_member(A1, ALICE, CAROL.user)
    machine.leave_album(A1, BOB)
    machine.undo(A1, CAROL, back=0)
    machine.undo(A1, ALICE, back=1)
    machine.delete_album(A1, ALICE)
    assert [type(one) for one in since_then(machine, 7)] == [
        AlbumCreated,
        AlbumEdited,
        MemberAdded,
        AdminAdded,
        MemberPromoted,
        AdminDemoted,
        MemberRemoved,
        MemberLeft,
        MemberAdded,
        AlbumDeleted,
    ]


def test_rules_of_studies_act_on_the_store(machine: Albums) -> None:
    """They come and go, and what was tried is held for later; things are said to all and in private."""
    held = machine.import_study(A1, ALICE, (STUDY, (FIRST, SECOND)))
    assert each(held) == ((STUDY, FIRST), (STUDY, SECOND))
    machine.remove_series(A1, ALICE, (STUDY, FIRST))
    machine.remove_study(A1, ALICE, (STUDY, FIRST))
    machine.post_comment(A1, ALICE, ("to all", None))
    machine.whisper(A1, ALICE, BOB.user)
    assert since_then(machine, 7) == [
        StudyImported(STUDY, (SECOND,)),
        SeriesRemoved(STUDY, FIRST),
        StudyRemoved(STUDY, (SECOND,)),
        CommentPosted("to all"),
        CommentPosted("Between us", BOB.user),
    ]


def test_rules_of_report_providers_act_on_the_store(machine: Albums) -> None:
    """One is let in, reports for another user, is renamed, and is turned away."""
    reader = CAST.providers[1]
    made = machine.create_report_provider(A1, ALICE, (reader, "Reader", "https://r.example"))
    assert made == Source(ALICE.user, report_provider=reader)
    started = machine.start_report(BOB.user, made)
    assert started == Source(BOB.user, report_provider=reader)
    machine.edit_report_provider(A1, ALICE, made, (CAST.providers[0], "Quill", None))
    machine.delete_report_provider(A1, ALICE, made)
    assert since_then(machine, 7) == [
        ReportProviderCreated(reader, "Reader", "https://r.example"),
        ReportProviderEdited(reader, "Quill", "https://r.example"),
        ReportProviderDeleted(reader),
    ]


def test_rules_of_capability_tokens_act_on_the_store(machine: Albums) -> None:
    """One is issued, acts, and is taken back; it is named after its album, for ids are unique in a store."""
    args = CAST.tokens[1], "ignored", "Key", Grants(write=True)
    made = machine.issue_capability_token(A1, BOB, args)
    token = CapabilityTokenId(f"{A1}{CAST.tokens[1]}")
    assert made == Source(BOB.user, capability_token=token)
    machine.import_series(A1, made, (STUDY, SECOND))
    machine.revoke_capability_token(A1, BOB, made)
    assert since_then(machine, 8) == [
        SeriesImported(STUDY, SECOND),
        CapabilityTokenRevoked(token),
    ]


def test_rules_of_favorites_act_on_the_store(machine: Albums) -> None:
    """An album, a series and a study become favourites, and are none again."""
    machine.decide(A1, CAROL, (set_favorite, (True,)))
    machine.add_favorite(A1, ALICE, (STUDY, FIRST), whole=False)
    machine.remove_favorite(A1, ALICE, (STUDY, SECOND), whole=True)
    assert since_then(machine, 7) == [
        FavoriteSet(is_favorite=True),
        FavoriteAdded(STUDY, (FIRST,)),
        FavoriteRemoved(STUDY, (FIRST,)),
    ]


def test_rules_of_webhooks_act_on_the_store(machine: Albums) -> None:
    """One is made, edited, triggered and deleted; the rules that follow name the one that was made."""
    horn, other = CAST.webhooks[1], CAST.webhooks[0]
    made = machine.create_webhook(A1, ALICE, (horn, "Horn", "http://horn.example"))
    assert made == horn
    machine.edit_webhook(A1, ALICE, made, (other, "Trumpet"))
    user = WebhookEvent.NEW_USER, None, (), ALICE.user
    machine.trigger_webhook(A1, ALICE, made, (other, *user))
    machine.delete_webhook(A1, ALICE, made)
    assert since_then(machine, 7) == [
        WebhookCreated(horn, Webhook("Horn", "http://horn.example")),
        WebhookEdited(horn, Webhook("Trumpet", "http://horn.example")),
        WebhookTriggered(horn, *user),
        WebhookDeleted(horn),
    ]


def test_rules_of_study_comments_act_on_the_store() -> None:
    """Who loses sight of a study says nothing of it, and hears nothing in private, until he sees it again."""
    machine = StudyComments()
    machine.post_comment(STUDIES[0], ALICE, ("one", None))
    machine.go_out_of_sight(STUDIES[0], BOB.user)
    machine.post_comment(STUDIES[0], BOB, ("lost", None))
    machine.post_comment(STUDIES[0], ALICE, ("lost", BOB.user))
    machine.post_comment(STUDIES[1], BOB, ("two", None))
    machine.come_into_sight(STUDIES[0], BOB.user)
    machine.post_comment(STUDIES[0], ALICE, ("three", BOB.user))
    assert [(one.stream, one.event) for one in machine.history] == [
        (f"study-{STUDIES[0]}", StudyCommentPosted("one")),
        (f"study-{STUDIES[1]}", StudyCommentPosted("two")),
        (f"study-{STUDIES[0]}", StudyCommentPosted("three", BOB.user)),
    ]
    machine.teardown()


def test_image_rules_act_on_the_store() -> None:
    """An image is added, tried again, removed and restored, and so is the patient."""
    machine = ImageSets()
    nurse = Source(UserId("tscharts-1"))
    image = machine.add_image(PATIENTS[0], nurse, 1, 1, ImageType.XRAY, b"xray")
    machine.add_image_again(PATIENTS[0], nurse, image, ImageType.XRAY)
    machine.remove_image(PATIENTS[0], nurse, image)
    machine.restore_image(PATIENTS[0], nurse, image)
    machine.delete_patient(PATIENTS[0], nurse)
    machine.restore_patient(PATIENTS[0], nurse)
    assert [type(one.event) for one in machine.history] == [
        ImageAdded,
        ImageRemoved,
        ImageRestored,
        PatientDeleted,
        PatientRestored,
    ]
    machine.teardown()


def test_time_goes_on_and_back() -> None:
    """By the time that is drawn, and by a minute."""
    machine = Albums()
    machine.time_passes(timedelta(hours=1))
    machine.clock_is_set_back()
    assert machine.clock() - Clock()() == timedelta(minutes=59)
    machine.teardown()


def test_the_check_of_a_subclass_follows_every_step() -> None:
    """Those that Hypothesis draws, arguments and all; the store is that of the machine."""
    checked: list[int] = []

    class Checked(Albums):
        """One that counts."""

        def check(self) -> None:
            """Do nothing besides."""
            super().check()
            checked.append(len(self.history))

    drawn = settings(max_examples=5, stateful_step_count=50, derandomize=True)
    run_state_machine_as_test(Checked, settings=drawn)
    assert len({*checked}) > 10


def test_a_command_has_the_name_of_its_decision() -> None:
    """By which a model finds what it has to predict."""
    assert Command(ALICE, create_album, ("Other",)).name == "create_album"
