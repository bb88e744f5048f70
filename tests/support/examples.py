"""One recorded event of every stored class, with every field set, as the golden files hold them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from albumcore import (
    AdminAdded,
    AdminDemoted,
    AlbumCreated,
    AlbumDeleted,
    AlbumEdited,
    AlbumTextErased,
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
    ImagesErased,
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
    StudyTextErased,
    UserTextErased,
    UserTokenIssued,
    UserTokenRevoked,
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    WebhookTriggered,
)
from albumcore.albums import MemberFlags, Webhook, WebhookEvent
from albumcore.erasures import ErasureKind
from albumcore.ids import (
    CapabilityTokenId,
    ImageId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
    WebhookId,
)
from albumcore.image_sets import Content, ImageType
from albumcore.kernel import Act, CommandKey, Event, RecordedEvent, Source, stored_name
from albumcore.user_tokens import Grants

ALICE = UserId("c2fd0b66-dac4-4b98-9341-d4f3b303bd4e")
BOB = UserId("d4f3b303bd4e-4b98-dac4-9341-c2fd0b66")
TOKEN = CapabilityTokenId("hIU3IUjdh9")
PROVIDER = ReportProviderId("dhiuGD29Hhbniu")
HOOK = WebhookId("hZ3T7q0rJkT9yWcV1x2b")
STUDY = StudyUID("2.16.840.1.113669.632.20.1211.10000314223")
SERIES = SeriesUID("3.14.840.5.751489.471.55.1218.14752314753")
OTHER_SERIES = SeriesUID("3.14.840.5.751489.471.55.1218.14752314754")
IMAGE = ImageId(63)
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
AT = datetime(2026, 3, 1, 9, 30, 15, 250, tzinfo=UTC)
NOT_BEFORE = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
EXPIRES = datetime(2026, 6, 1, 9, 30, 0, 500_000, tzinfo=UTC)
FLAGS = MemberFlags(add_user=True, download_series=False, delete_series=True)
CONTENT = Content(DIGEST, 30_211, "image/jpeg", "verbatim")
WEBHOOK = Webhook(
    "Bell é",
    "https://bell.example/new?of=album",
    (WebhookEvent.NEW_SERIES, WebhookEvent.DELETE_ALBUM),
    enabled=False,
    secret="k3yF0rBell",
)

IN_PERSON = Source(ALICE)
BY_TOKEN = Source(ALICE, capability_token=TOKEN)
BY_PROVIDER = Source(ALICE, report_provider=PROVIDER)


def _recorded(stream: str, event: Event[Any], source: Source = IN_PERSON) -> RecordedEvent[Any]:
    return RecordedEvent(stream, 7, Act(source, AT), event)


def _of_album(event: Event[Any], source: Source = IN_PERSON) -> RecordedEvent[Any]:
    return _recorded("album-Q7bZ2mP0xT", event, source)


def _of_undo(event: Event[Any]) -> RecordedEvent[Any]:
    return RecordedEvent("album-Q7bZ2mP0xT", 7, Act(IN_PERSON, AT, undoes=6), event)


_EXAMPLES = (
    _of_album(AlbumCreated("Knees é 🦴", "All of them", FLAGS)),
    _of_album(AlbumEdited("Hips", "", FLAGS)),
    _of_album(AlbumDeleted()),
    _of_album(NotificationsSet(new_series=True, new_comment=False)),
    _of_album(FavoriteSet(is_favorite=True)),
    _of_album(MemberLeft()),
    _of_album(MemberAdded(BOB)),
    _of_album(AdminAdded(BOB)),
    _of_album(MemberRemoved(BOB)),
    _of_undo(MemberSettingsRestored(BOB, True, False, True)),
    _of_album(MemberPromoted(BOB)),
    _of_album(AdminDemoted(BOB)),
    _of_album(StudyImported(STUDY, (SERIES, OTHER_SERIES)), BY_TOKEN),
    _of_album(SeriesImported(STUDY, SERIES), BY_TOKEN),
    _of_album(ReportAdded(STUDY, SERIES), BY_PROVIDER),
    _of_album(StudyRemoved(STUDY, (SERIES, OTHER_SERIES)), BY_TOKEN),
    _of_album(SeriesRemoved(STUDY, SERIES), BY_TOKEN),
    _of_album(FavoriteAdded(STUDY, (SERIES, OTHER_SERIES))),
    _of_album(FavoriteRemoved(STUDY, (SERIES,))),
    _of_album(CommentPosted('two\nlines and a "quote"', BOB)),
    _of_undo(CommentWithdrawn(6)),
    _of_album(ReportProviderCreated(PROVIDER, "Scribe", "https://scribe.example/config")),
    _of_album(ReportProviderEdited(PROVIDER, "Pen", "https://pen.example/config")),
    _of_album(ReportProviderDeleted(PROVIDER)),
    _of_album(
        CapabilityTokenIssued(
            TOKEN, DIGEST, "Scanner 2", NOT_BEFORE, EXPIRES, Grants(read=True, download=True)
        )
    ),
    _of_album(CapabilityTokenRevoked(TOKEN)),
    _of_album(WebhookCreated(HOOK, WEBHOOK)),
    _of_album(WebhookEdited(HOOK, WEBHOOK)),
    _of_album(WebhookDeleted(HOOK)),
    _of_album(WebhookTriggered(HOOK, WebhookEvent.NEW_SERIES, STUDY, (SERIES,), BOB)),
    _recorded(f"study-{STUDY}", StudyCommentPosted("Psst é", BOB)),
    _recorded(f"user-{ALICE}", PersonRegistered(DIGEST)),
    _recorded(f"user-{ALICE}", UserTokenIssued(TOKEN, DIGEST, "Laptop", NOT_BEFORE, EXPIRES)),
    _recorded(f"user-{ALICE}", UserTokenRevoked(TOKEN)),
    _recorded("images-343", ImageAdded(IMAGE, 276, 117, ImageType.HEADSHOT, CONTENT)),
    _recorded("images-343", ImageRemoved(IMAGE)),
    _recorded("images-343", ImageRestored(IMAGE)),
    _recorded("images-343", PatientDeleted()),
    _recorded("images-343", PatientRestored()),
    _of_album(
        AlbumTextErased(
            (1, 3, 5),
            without_name=True,
            report_providers=(PROVIDER,),
            capability_tokens=(TOKEN,),
            webhooks=(HOOK,),
        )
    ),
    _recorded(f"study-{STUDY}", StudyTextErased((2, 4))),
    _recorded(f"user-{ALICE}", UserTextErased((1,), (TOKEN,))),
    _recorded("images-343", ImagesErased((1, 2), (IMAGE,))),
    _recorded(
        "erasures", ErasureRecorded(ErasureKind.COMMENT, "album-Q7bZ2mP0xT", 3, "Art. 17(1)(b)")
    ),
    _recorded("erasures", StoreSealed(1204)),
)

EVENTS: dict[str, RecordedEvent[Any]] = {
    f"{stored_name(type(one.event)).name}.v{stored_name(type(one.event)).version}": one
    for one in _EXAMPLES
}
"""By stored name and newest version, as in ``album.created.v1``."""

KEYED: dict[str, RecordedEvent[Any]] = {
    "album.comment_posted.v1.keyed": RecordedEvent(
        "album-Q7bZ2mP0xT",
        7,
        Act(IN_PERSON, AT, CommandKey(DIGEST[::-1], DIGEST)),
        CommentPosted("Once", BOB),
    ),
    "images.image_added.v1.with_key": _recorded(
        "images-343", ImageAdded(IMAGE, 276, 117, ImageType.XRAY, CONTENT, "QUJD" * 16)
    ),
}
"""An event of a command that has a key, and one of bytes that have one, by the names of their golden files."""

SPARSE: dict[str, RecordedEvent[Any]] = {
    "album.edited.v1": _of_album(AlbumEdited()),
    "album.favorite_set.v1": _of_album(FavoriteSet(is_favorite=False)),
    "album.comment_posted.v1": _of_album(CommentPosted("x")),
    "album.webhook_created.v1": _of_album(
        WebhookCreated(HOOK, Webhook("Bell", "http://bell.example"))
    ),
    "album.webhook_triggered.v1": _of_album(
        WebhookTriggered(HOOK, WebhookEvent.NEW_USER, user=BOB)
    ),
    "study.comment_posted.v1": _recorded(f"study-{STUDY}", StudyCommentPosted("x")),
    "album.text_erased.v1": _of_album(AlbumTextErased((2,), without_description=True)),
    "user.text_erased.v1": _recorded(f"user-{ALICE}", UserTextErased((1,))),
    "images.images_erased.v1": _recorded("images-343", ImagesErased((1,))),
    "erasures.recorded.v1": _recorded("erasures", ErasureRecorded(ErasureKind.PERSON, ALICE)),
    "images.image_added.v1": _recorded(
        "images-343",
        ImageAdded(
            IMAGE, None, None, ImageType.AUDIOGRAM, Content(DIGEST, 1, "application/octet-stream")
        ),
    ),
}
"""The same with every field that may be absent left out, and a choice taken back."""
