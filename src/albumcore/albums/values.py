"""Values an album is made of: members, flags, permissions, studies, report providers (Kheops API 2 to 8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from attrs import frozen

from albumcore.ids import SeriesUID
from albumcore.text import check_text

MAX_NAME = 255
MAX_DESCRIPTION = 2048
MAX_COMMENT = 1024
MAX_PROVIDER_TEXT = 1024


class Phase(Enum):
    """The life of an album."""

    NEW = "new"
    OPEN = "open"
    DELETED = "deleted"


@frozen
class MemberFlags:
    """What plain members may do. They belong to the album, so a change reaches every plain member at once."""

    add_user: bool = False
    download_series: bool = True
    send_series: bool = True
    delete_series: bool = False
    add_series: bool = True
    write_comments: bool = True


@frozen
class Member:
    """A user in an album. The two notification settings are the member's own."""

    is_admin: bool = False
    notification_new_series: bool = False
    notification_new_comment: bool = False


@frozen
class ReportProvider:
    """An outside service that may add reports. A deleted one is kept: old events still name it."""

    name: str
    url: str
    created_at: datetime
    is_removed: bool = False


Study = frozenset[SeriesUID]
"""The series of one study that are in the album; a study without series is not in it."""


class Permission(Enum):
    """One right in an album (Kheops API 2)."""

    ADD_USER = "ADD_USER"
    REMOVE_USER = "REMOVE_USER"
    ADD_ADMIN = "ADD_ADMIN"
    REMOVE_ADMIN = "REMOVE_ADMIN"
    SEND_SERIES = "SEND_SERIES"
    DELETE_SERIES = "DELETE_SERIES"
    ADD_SERIES = "ADD_SERIES"
    READ_SERIES = "READ_SERIES"
    WRITE_COMMENT = "WRITE_COMMENT"
    READ_COMMENT = "READ_COMMENT"
    EDIT_ALBUM = "EDIT_ALBUM"
    DELETE_ALBUM = "DELETE_ALBUM"
    LIST_USERS = "LIST_USERS"
    MANAGE_CAPABILITY_TOKENS = "MANAGE_CAPABILITIES_TOKEN"
    MANAGE_REPORT_PROVIDERS = "MANAGE_DICOM_SR"
    GET_REPORT_PROVIDERS = "GET_DICOM_SR"


@frozen
class Holders:
    """Who holds a permission beside the admins, who hold every one.

    Attributes:
        member: True for every member, False for none, or the member flag that decides.
        token: The grants a capability token of the album needs, or None where no token will do.
        report_provider: Whether a report provider of the album holds it.
    """

    member: bool | str
    token: frozenset[str] | None = None
    report_provider: bool = False


PERMISSIONS: Mapping[Permission, Holders] = {
    Permission.ADD_USER: Holders("add_user"),
    Permission.REMOVE_USER: Holders(member=True),  # oneself only: the decision says so
    Permission.ADD_ADMIN: Holders(member=False),
    Permission.REMOVE_ADMIN: Holders(member=False),
    Permission.SEND_SERIES: Holders("send_series", frozenset({"read", "appropriate"})),
    Permission.DELETE_SERIES: Holders("delete_series", frozenset({"read", "write"})),
    Permission.ADD_SERIES: Holders("add_series", frozenset({"write"}), report_provider=True),
    Permission.READ_SERIES: Holders(True, frozenset({"read"}), report_provider=True),
    Permission.WRITE_COMMENT: Holders("write_comments"),
    Permission.READ_COMMENT: Holders(member=True),
    Permission.EDIT_ALBUM: Holders(
        member=True
    ),  # one's own notifications only: the decision says so
    Permission.DELETE_ALBUM: Holders(member=False),
    Permission.LIST_USERS: Holders(member=True),
    Permission.MANAGE_CAPABILITY_TOKENS: Holders(member=False),
    Permission.MANAGE_REPORT_PROVIDERS: Holders(member=False),
    Permission.GET_REPORT_PROVIDERS: Holders(member=True),
}


def check_name(name: str) -> str:
    """An album's name, trimmed: 1 to 255 characters.

    Raises:
        Invalid: nothing is left of it, or it is longer.
    """
    return check_text("name", name.strip(), 1, MAX_NAME)


def check_description(description: str) -> str:
    """An album's description, trimmed: up to 2048 characters.

    Raises:
        Invalid: it is longer.
    """
    return check_text("description", description.strip(), 0, MAX_DESCRIPTION)


def check_comment(comment: str) -> str:
    """The text of a comment, as it was written: 1 to 1024 characters, blanks count.

    Raises:
        Invalid: it is empty or longer.
    """
    return check_text("comment", comment, 1, MAX_COMMENT)


def check_provider_text(field: str, text: str) -> str:
    """A report provider's name or address: 1 to 1024 characters.

    Raises:
        Invalid: it is empty or longer.
    """
    return check_text(field, text, 1, MAX_PROVIDER_TEXT)
