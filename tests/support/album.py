"""The people, things and short histories that the tests of albums speak of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from albumcore import (
    AdminAdded,
    AlbumCreated,
    CapabilityTokenIssued,
    MemberAdded,
    ReportProviderCreated,
    StudyImported,
    WebhookCreated,
)
from albumcore.albums import Album, MemberFlags, Webhook, WebhookEvent
from albumcore.ids import (
    CapabilityTokenId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
    WebhookId,
)
from albumcore.kernel import Act, Event, Source
from albumcore.user_tokens import Grants
from support.given import NOW, START

alice, bob, carol, dave = (UserId(name) for name in ("alice", "bob", "carol", "dave"))
BOB, CAROL, DAVE = Source(bob), Source(carol), Source(dave)

CT, MR = StudyUID("1.2.840.1"), StudyUID("1.2.840.2")
S1, S2, S3 = (SeriesUID(f"1.2.840.1.{n}") for n in (1, 2, 3))

M1 = SeriesUID("1.2.840.2.1")
"""A series of MR; the others are of CT."""

KEY, OTHER_KEY = CapabilityTokenId("hIU3IUjdh9"), CapabilityTokenId("zzzzzzzzzz")
DIGEST = "ab" * 32
SCRIBE, READER = ReportProviderId("dhiuGD29Hhbniu"), ReportProviderId("READER")
URL = "https://scribe.example/config"

BELL, HORN = WebhookId("bell"), WebhookId("horn")
BELL_URL = "https://bell.example/new"
TOLD = (WebhookEvent.NEW_SERIES, WebhookEvent.NEW_USER)
WEBHOOK = Webhook("Bell", BELL_URL, TOLD, secret="kept")

OPEN = AlbumCreated("Knees", "", MemberFlags())
"""Alice opened the album."""

BOB_IN = MemberAdded(bob)
CAROL_ADMIN = AdminAdded(carol)
CT_IN = StudyImported(CT, (S1, S2))
SCRIBE_IN = ReportProviderCreated(SCRIBE, "Scribe", URL)
BELL_IN = WebhookCreated(BELL, WEBHOOK)


def opened(**flags: bool) -> AlbumCreated:
    """Alice opened the album with these member flags, the others at their defaults."""
    return AlbumCreated("Knees", "", MemberFlags(**flags))


NO_GRANTS = Grants()

OnUser = Callable[[Album, Act, UserId], tuple[Event[Album], ...]]
"""A decision about another user."""


def issued(
    grants: Grants = NO_GRANTS,
    *,
    token_id: CapabilityTokenId = KEY,
    digest: str = DIGEST,
    not_before: datetime = START,
    expires_at: datetime = NOW,
) -> CapabilityTokenIssued:
    """Somebody, Alice unless said otherwise, made a capability token of the album."""
    return CapabilityTokenIssued(token_id, digest, "Scanner 2", not_before, expires_at, grants)


def through(token_id: CapabilityTokenId, user: UserId = alice) -> Source:
    """A capability token, acting for a user."""
    return Source(user, capability_token=token_id)


def reporting(provider_id: ReportProviderId, user: UserId = alice) -> Source:
    """A report provider, acting for a user."""
    return Source(user, report_provider=provider_id)
