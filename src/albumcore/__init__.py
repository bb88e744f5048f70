"""albumcore: an event-sourced store of albums of DICOM studies and of patients' image sets.

The state of a stream is a fold over its recorded events, the feed is a projection of them, and both can be read as of
any time in the past. Open a store with `open_memory`, `open_sqlite` or `open_postgres`. `Albumcore.handle` records
the events of a decision, such as `add_member`, and `Albumcore.load` returns a state.

The names below are the public interface, with `albumcore.following` and `albumcore.testing`. Of the modules that are
imported with a star, ``__all__`` is public: their events and decisions.
"""

import sys

from albumcore import erasures as _erasures
from albumcore import errors as _errors
from albumcore import ids as _ids
from albumcore import study_comments as _study_comments
from albumcore.albums import (
    Album,
    MemberFlags,
    Permission,
    Webhook,
    WebhookEvent,
)
from albumcore.albums import capability_tokens as _capability_tokens
from albumcore.albums import comments as _comments
from albumcore.albums import lifecycle as _lifecycle
from albumcore.albums import members as _members
from albumcore.albums import report_providers as _report_providers
from albumcore.albums import studies as _studies
from albumcore.albums import webhooks as _webhooks
from albumcore.albums.capability_tokens import *
from albumcore.albums.comments import *
from albumcore.albums.lifecycle import *
from albumcore.albums.members import *
from albumcore.albums.report_providers import *
from albumcore.albums.studies import *
from albumcore.albums.undo import Past, undo
from albumcore.albums.webhooks import *
from albumcore.commands import utc_now
from albumcore.erasures import *
from albumcore.errors import *
from albumcore.feed import (
    DOCUMENTED,
    PUBLIC,
    UPSTREAM,
    WITHDRAWN,
    AlbumStatus,
    Entry,
    EntryKind,
    Family,
    FeedForm,
    FeedPage,
    FeedQuery,
    Person,
    ReportProviderStatus,
    Withdrawn,
    render_feed,
    render_study_comments,
)
from albumcore.ids import *
from albumcore.image_sets import Content, Image, ImageType
from albumcore.image_sets import image_set as _image_set
from albumcore.image_sets.image_set import *
from albumcore.index import AlbumOverview
from albumcore.kernel import (
    ERASED,
    Act,
    CommandKey,
    Erased,
    Event,
    RecordedEvent,
    Source,
    Stream,
    fold,
    shown_text,
)
from albumcore.opening import (
    MissingExtra,
    NoAddress,
    StoreOptions,
    open_memory,
    open_postgres,
    open_sqlite,
)
from albumcore.queries import Albumcore, StoreError, StoreUnavailable
from albumcore.streams import album_stream, patient_stream, study_stream, user_stream
from albumcore.study_comments import *
from albumcore.user_tokens import CapabilityToken, Grants
from albumcore.user_tokens import registration as _registration
from albumcore.user_tokens import user_tokens as _user_tokens
from albumcore.user_tokens.registration import *
from albumcore.user_tokens.user_tokens import *

__version__: str


def __getattr__(name: str) -> str:
    if name == "__version__":
        # Looked up on first use: that takes longer than the rest of the import.
        from importlib.metadata import version

        return version("albumcore")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "DOCUMENTED",
    "ERASED",
    "PUBLIC",
    "UPSTREAM",
    "WITHDRAWN",
    "Act",
    "Album",
    "AlbumOverview",
    "AlbumStatus",
    "Albumcore",
    "CapabilityToken",
    "CommandKey",
    "Content",
    "Entry",
    "Erased",
    "Event",
    "Family",
    "FeedForm",
    "FeedPage",
    "FeedQuery",
    "Grants",
    "Image",
    "ImageType",
    "EntryKind",
    "MemberFlags",
    "MissingExtra",
    "NoAddress",
    "Past",
    "Permission",
    "Person",
    "RecordedEvent",
    "ReportProviderStatus",
    "Source",
    "StoreError",
    "StoreOptions",
    "StoreUnavailable",
    "Stream",
    "Webhook",
    "WebhookEvent",
    "Withdrawn",
    "__version__",
    "album_stream",
    "fold",
    "open_memory",
    "open_postgres",
    "open_sqlite",
    "patient_stream",
    "render_feed",
    "render_study_comments",
    "shown_text",
    "study_stream",
    "undo",
    "user_stream",
    "utc_now",
    *_capability_tokens.__all__,
    *_comments.__all__,
    *_ids.__all__,
    *_erasures.__all__,
    *_errors.__all__,
    *_image_set.__all__,
    *_lifecycle.__all__,
    *_members.__all__,
    *_registration.__all__,
    *_report_providers.__all__,
    *_studies.__all__,
    *_study_comments.__all__,
    *_user_tokens.__all__,
    *_webhooks.__all__,
]

_HYPOTHESIS = (6, 130)
"""The oldest version that `albumcore.testing` works with."""


def _register_types() -> None:
    """Register the strategies of `albumcore.testing.types`, if Hypothesis is imported and new enough.

    It has an effect if Hypothesis is imported first; otherwise Hypothesis calls it through `albumcore_hypothesis`. An
    older Hypothesis is left as it is: the project that uses it did not install the extra ``testing``.
    """
    if getattr(sys.modules.get("hypothesis"), "__version_info__", (0,)) >= _HYPOTHESIS:
        import albumcore.testing.types  # noqa: F401 - importing it registers them


_register_types()
