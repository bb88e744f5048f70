"""A snapshot of every kind of stream, with everything a state can hold in it."""

from __future__ import annotations

from albumcore.albums import Album, Member, Phase, ReportProvider
from albumcore.codec import Snapshot
from albumcore.erasures import Erasures
from albumcore.ids import ImageId
from albumcore.image_sets import Image, ImageType, PatientImageSet
from albumcore.study_comments import StudyComments
from albumcore.user_tokens import CapabilityToken, Grants, UserTokens
from support.examples import (
    ALICE,
    AT,
    BOB,
    CONTENT,
    DIGEST,
    EXPIRES,
    FLAGS,
    HOOK,
    IMAGE,
    NOT_BEFORE,
    OTHER_SERIES,
    PROVIDER,
    SERIES,
    STUDY,
    TOKEN,
    WEBHOOK,
)

ALBUM = Album(
    Phase.OPEN,
    "Knees",
    "All of them",
    FLAGS,
    NOT_BEFORE,
    {ALICE: Member(is_admin=True), BOB: Member(notification_new_comment=True, is_favorite=True)},
    {STUDY: frozenset({SERIES, OTHER_SERIES})},
    frozenset({SERIES}),
    {PROVIDER: ReportProvider("Scribe", "https://scribe.example/config", AT, is_removed=True)},
    {
        TOKEN: CapabilityToken(
            DIGEST, "Scanner 2", ALICE, AT, NOT_BEFORE, EXPIRES, Grants(read=True), AT, BOB
        )
    },
    {HOOK: WEBHOOK},
)
IMAGES = PatientImageSet(
    {IMAGE: Image(276, None, ImageType.XRAY, CONTENT)},
    is_closed=True,
    removed={ImageId(64): Image(None, 117, ImageType.SURGERY, CONTENT)},
)
TOKENS = UserTokens(
    {TOKEN: CapabilityToken(DIGEST, "Laptop", ALICE, AT, NOT_BEFORE, EXPIRES)}, ALICE
)

SNAPSHOTS = {
    "album": Snapshot("album-Q7bZ2mP0xT", 500, AT, ALBUM),
    "erasures": Snapshot("erasures", 500, AT, Erasures()),
    "images": Snapshot("images-343", 500, AT, IMAGES),
    "study": Snapshot(f"study-{STUDY}", 500, AT, StudyComments()),
    "user": Snapshot(f"user-{ALICE}", 500, AT, TOKENS),
}
"""By kind of stream."""
