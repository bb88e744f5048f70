"""Values in the state of an album: members, flags, studies, report providers, webhooks (Kheops API 2 to 11)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from ipaddress import IPv6Address

from attrs import field, frozen

from albumcore.errors import Invalid
from albumcore.ids import SeriesUID
from albumcore.kernel import ERASED, PERSONAL, Erased
from albumcore.text import check_text

MAX_NAME = 255
MAX_DESCRIPTION = 2048
MAX_PROVIDER_TEXT = 1024
MAX_WEBHOOK_NAME = 255
MAX_WEBHOOK_URL = 1024


class Phase(Enum):
    """Phase in the life of an album."""

    NEW = "new"
    OPEN = "open"
    DELETED = "deleted"


@frozen
class MemberFlags:
    """What plain members may do. The flags are the album's: a change applies to all plain members at once."""

    add_user: bool = False
    download_series: bool = True
    send_series: bool = True
    delete_series: bool = False
    add_series: bool = True
    write_comments: bool = True


@frozen
class Member:
    """A user in an album. The notification settings and the favourite are the member's own."""

    is_admin: bool = False
    notification_new_series: bool = False
    notification_new_comment: bool = False
    is_favorite: bool = False


@frozen
class ReportProvider:
    """An external service that may add reports. A deleted one stays on the list, because older events name it."""

    name: str | Erased
    url: str | Erased
    created_at: datetime
    is_removed: bool = False


class WebhookEvent(Enum):
    """Events that a webhook can receive, in the order in which they are listed (Kheops API 11)."""

    NEW_SERIES = "new_series"
    REMOVE_SERIES = "remove_series"
    NEW_USER = "new_user"
    DELETE_ALBUM = "delete_album"


@frozen
class Webhook:
    """An address that receives events of the album.

    Attributes:
        name: For people.
        url: The address.
        events: Events that are delivered as they happen, in the order of `WebhookEvent`.
        enabled: Whether events are delivered as they happen.
        secret: Name under which the signing secret is stored outside of the history; None for no secret.
    """

    name: str | Erased = field(metadata=PERSONAL)
    url: str | Erased = field(metadata=PERSONAL)
    events: tuple[WebhookEvent, ...] = ()
    enabled: bool = True
    secret: str | None = None


Study = frozenset[SeriesUID]
"""The series of one study that are in the album; a study without series is not in it."""


def check_name(name: str) -> str:
    """Trim an album's name and check it: 1 to 255 characters.

    Raises:
        Invalid: it is empty or longer.
    """
    return check_text("name", name.strip(), 1, MAX_NAME)


def check_description(description: str) -> str:
    """Trim an album's description and check it: up to 2048 characters.

    Raises:
        Invalid: it is longer.
    """
    return check_text("description", description.strip(), 0, MAX_DESCRIPTION)


def check_provider_text(field: str, text: str) -> str:
    """Check a report provider's name or address: 1 to 1024 characters.

    Raises:
        Invalid: it is empty or longer.
    """
    return check_text(field, text, 1, MAX_PROVIDER_TEXT)


def text_left(field: str, text: str | Erased) -> str:
    """A text that an edit leaves as it is.

    Raises:
        Invalid: it was erased, so that a new one is needed.
    """
    if text is ERASED:
        raise Invalid(field, "the present one was erased: a new one is needed", rule="erased_text")
    return text


def check_webhook_name(name: str) -> str:
    """Trim a webhook's name and check it: 1 to 255 characters.

    Raises:
        Invalid: it is empty or longer.
    """
    return check_text("name", name.strip(), 1, MAX_WEBHOOK_NAME)


_WEB_ADDRESS = re.compile(
    r"https?://(?:\[([0-9a-f:.]+)\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)(?::([0-9]{1,5}))?(?:[/?#][!-~]*)?\Z",
    re.IGNORECASE,
)
_MAX_PORT = 65535


def check_webhook_url(url: str) -> str:
    """Check a webhook's address: http or https, host in printable ASCII, no user name, up to 1024 characters.

    Raises:
        Invalid: it is something else.
    """
    match = _WEB_ADDRESS.match(check_text("url", url, 1, MAX_WEBHOOK_URL))
    if match is None or not (_is_ipv6(match[1]) and 0 < int(match[2] or 1) <= _MAX_PORT):
        raise Invalid(
            "url",
            "it is no http or https address of a host, without a user name",
            rule="web_address",
        )
    return url


def _is_ipv6(text: str | None) -> bool:
    """Whether a host in brackets is an address of IPv6; there may be none."""
    try:
        return text is None or bool(IPv6Address(text))
    except ValueError:
        return False


def in_order(events: Iterable[WebhookEvent]) -> tuple[WebhookEvent, ...]:
    """The events, each once, in the order of `WebhookEvent`."""
    wanted = set(events)
    return tuple(event for event in WebhookEvent if event in wanted)
