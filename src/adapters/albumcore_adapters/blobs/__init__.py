"""Blobs: image bytes in content-addressed storage, in a directory or on S3.

Events refer to a blob by its digest, so a blob is stored durably before the event is recorded.
"""

from albumcore_adapters.blobs.directory import DirectoryBlobs
from albumcore_adapters.blobs.image_bytes import ImageBytes
from albumcore_adapters.blobs.opening import open_blobs
from albumcore_adapters.blobs.port import (
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
    "ImageBytes",
    "open_blobs",
]
