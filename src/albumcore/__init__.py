"""albumcore: albums of medical images and patient image sets, whose history is the truth.

State is what replaying the recorded events gives; the feed shows that very stream; any moment of the past can
be asked for. Open a store with ``adapters.store`` and talk to the `Albumcore` it returns.
"""

from albumcore.albums import Album, MemberFlags, Permission, Webhook, WebhookEvent
from albumcore.application import Albumcore
from albumcore.capabilities import CapabilityToken, Grants, UserTokens
from albumcore.commands import utc_now
from albumcore.comments import StudyComments
from albumcore.feed import FeedPage, FeedQuery, Kind
from albumcore.imagesets import Content, Image, ImageType, PatientImageSet
from albumcore.kernel import Act, CommandKey, Recorded, Source, Stream, fold
from albumcore.streams import album_stream, patient_stream, study_stream, user_stream

__all__ = [
    "Act",
    "Album",
    "Albumcore",
    "CapabilityToken",
    "CommandKey",
    "Content",
    "FeedPage",
    "FeedQuery",
    "Grants",
    "Image",
    "ImageType",
    "Kind",
    "MemberFlags",
    "PatientImageSet",
    "Permission",
    "Recorded",
    "Source",
    "Stream",
    "StudyComments",
    "UserTokens",
    "Webhook",
    "WebhookEvent",
    "album_stream",
    "fold",
    "patient_stream",
    "study_stream",
    "user_stream",
    "utc_now",
]
