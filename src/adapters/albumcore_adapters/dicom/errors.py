"""Why a file is refused, or cannot be made, or a picture cannot be made of it."""

from __future__ import annotations


class NotAnInstance(Exception):
    """The file has no usable instance; the message is the reason, the same for every file with the same fault."""


class CannotDecode(Exception):
    """The frames of an instance cannot be decoded here, or it has none; the message is the reason."""


class CannotCompose(Exception):
    """No file can be made of a data set and its bulk data; the message is the reason."""
