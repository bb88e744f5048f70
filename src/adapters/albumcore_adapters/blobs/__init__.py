"""Image bytes, each content stored once under the SHA-256 of it: in a directory, or on S3.

An event refers to a blob by digest, so the blob is kept safely before the event is recorded.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from albumcore_adapters.base.data_directory import BLOBS_DIRECTORY
from albumcore_adapters.base.settings import Settings, SettingsError
from albumcore_adapters.blobs.directory import DirectoryBlobs
from albumcore_adapters.blobs.protocol import (
    BlobDamaged,
    BlobMissing,
    Blobs,
    BlobsFull,
    BlobsUnavailable,
    Digest,
)

__all__ = [
    "BlobDamaged",
    "BlobMissing",
    "Blobs",
    "BlobsFull",
    "BlobsUnavailable",
    "Digest",
    "DirectoryBlobs",
    "open_blobs",
]


def open_blobs(settings: Settings, *, to_read: bool = False) -> Blobs:
    """Open the place for image bytes that the settings name; where they name none, it is in the data directory.

    Nothing is asked of S3 yet: albums are served while it is away, and images as soon as it is back.

    Args:
        settings: What names the place.
        to_read: Nothing will be put, so a directory that is missing is not made.

    Raises:
        SettingsError: the place is on S3, and the extra ``s3`` is not installed, or a variable that says how to
            reach it has a value that is none.
        OSError: the directory cannot be made.
    """
    if settings.blobs is None:
        return DirectoryBlobs(settings.data / BLOBS_DIRECTORY, makes=not to_read)
    place = urlsplit(settings.blobs)
    if place.scheme == "file":
        return DirectoryBlobs(Path(unquote(place.path)), makes=not to_read)
    try:
        from albumcore_adapters.blobs.s3 import open_s3
    except ModuleNotFoundError:
        raise SettingsError(
            "ALBUMCORE_BLOBS",
            "the extra `s3` to be installed for an `s3://` address: pip install 'albumcore[s3]'",
        ) from None
    return open_s3(place.netloc, place.path.removeprefix("/"))
