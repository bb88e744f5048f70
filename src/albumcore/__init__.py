"""albumcore: albums of medical images and patient image sets, whose history is the truth.

State is what replaying the recorded events gives; the feed shows that very stream; any moment of the past can
be asked for. Open a store with `open_memory`, `open_sqlite` or `open_postgres`, and talk to the `Albumcore` it
returns. The names listed here are the public interface, with the events in ``albumcore.albums.events`` and its
neighbours, and ``albumcore.testing``.
"""

import sys

from albumcore import study_comments
from albumcore.albums import (
    Album,
    MemberFlags,
    Permission,
    Webhook,
    WebhookEvent,
    capability_tokens,
    comments,
    lifecycle,
    members,
    report_providers,
    studies,
    webhooks,
)
from albumcore.albums.capability_tokens import *
from albumcore.albums.comments import *
from albumcore.albums.lifecycle import *
from albumcore.albums.members import *
from albumcore.albums.report_providers import *
from albumcore.albums.studies import *
from albumcore.albums.webhooks import *
from albumcore.application import Albumcore, StoreError, StoreUnavailable
from albumcore.commands import utc_now
from albumcore.errors import (
    AlbumcoreError,
    AlbumExists,
    AlbumNotFound,
    CapabilityTokenNotFound,
    CommandReused,
    Conflict,
    DamagedStoredEvent,
    Forbidden,
    IdTaken,
    ImageNotFound,
    Invalid,
    MemberNotFound,
    NotFound,
    ReportProviderNotFound,
    SeriesInAnotherStudy,
    SeriesNotFound,
    StudyNotFound,
    UnknownStoredEvent,
    UserNotFound,
    WebhookNotFound,
)
from albumcore.feed import (
    DOCUMENTED,
    PUBLIC,
    UPSTREAM,
    AlbumStatus,
    Entry,
    EntryKind,
    Family,
    FeedForm,
    FeedPage,
    FeedQuery,
    Person,
    ReportProviderStatus,
    render_feed,
    render_study_comments,
)
from albumcore.ids import (
    AlbumId,
    CapabilityTokenId,
    ImageId,
    PatientId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
    WebhookId,
    album_id,
    series_uid,
    study_uid,
    user_id,
)
from albumcore.image_sets import Content, Image, ImageType, image_set
from albumcore.image_sets.image_set import *
from albumcore.index import AlbumOverview
from albumcore.kernel import Act, CommandKey, Event, RecordedEvent, Source, Stream, fold
from albumcore.opening import (
    MissingExtra,
    NoAddress,
    StoreOptions,
    open_memory,
    open_postgres,
    open_sqlite,
)
from albumcore.streams import album_stream, patient_stream, study_stream, user_stream
from albumcore.study_comments import *
from albumcore.user_tokens import CapabilityToken, Grants, user_tokens
from albumcore.user_tokens.user_tokens import *

__version__: str


def __getattr__(name: str) -> str:
    if name == "__version__":
        # Not before it is asked for: to find it takes longer than the rest of the import.
        from importlib.metadata import version

        return version("albumcore")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "DOCUMENTED",
    "PUBLIC",
    "UPSTREAM",
    "Act",
    "Album",
    "AlbumExists",
    "AlbumId",
    "AlbumNotFound",
    "AlbumOverview",
    "AlbumStatus",
    "Albumcore",
    "AlbumcoreError",
    "CapabilityToken",
    "CapabilityTokenId",
    "CapabilityTokenNotFound",
    "CommandKey",
    "CommandReused",
    "Conflict",
    "Content",
    "DamagedStoredEvent",
    "Entry",
    "Event",
    "Family",
    "FeedForm",
    "FeedPage",
    "FeedQuery",
    "Forbidden",
    "Grants",
    "IdTaken",
    "Image",
    "ImageId",
    "ImageNotFound",
    "ImageType",
    "Invalid",
    "EntryKind",
    "MemberFlags",
    "MemberNotFound",
    "MissingExtra",
    "NoAddress",
    "NotFound",
    "PatientId",
    "Permission",
    "Person",
    "RecordedEvent",
    "ReportProviderId",
    "ReportProviderNotFound",
    "ReportProviderStatus",
    "SeriesInAnotherStudy",
    "SeriesNotFound",
    "SeriesUID",
    "Source",
    "StoreError",
    "StoreOptions",
    "StoreUnavailable",
    "Stream",
    "StudyNotFound",
    "StudyUID",
    "UnknownStoredEvent",
    "UserId",
    "UserNotFound",
    "Webhook",
    "WebhookEvent",
    "WebhookId",
    "WebhookNotFound",
    "__version__",
    "album_id",
    "album_stream",
    "fold",
    "open_memory",
    "open_postgres",
    "open_sqlite",
    "patient_stream",
    "render_feed",
    "render_study_comments",
    "series_uid",
    "study_stream",
    "study_uid",
    "user_id",
    "user_stream",
    "utc_now",
    *capability_tokens.__all__,
    *comments.__all__,
    *image_set.__all__,
    *lifecycle.__all__,
    *members.__all__,
    *report_providers.__all__,
    *studies.__all__,
    *study_comments.__all__,
    *user_tokens.__all__,
    *webhooks.__all__,
]

_HYPOTHESIS = (6, 130)
"""The oldest version that `albumcore.testing` works with."""


def _register_types() -> None:
    """Register the strategies of `albumcore.testing.types`, if Hypothesis is imported and new enough.

    In a test that has imported Hypothesis first; `albumcore_hypothesis` calls it where that comes second. A project
    with an older Hypothesis does not ask for the extra ``testing``, and has to be left alone.
    """
    if getattr(sys.modules.get("hypothesis"), "__version_info__", (0,)) >= _HYPOTHESIS:
        import albumcore.testing.types  # noqa: F401 - importing it registers them


_register_types()
