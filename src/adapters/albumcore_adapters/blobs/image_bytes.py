"""The bytes of images, as events refer to them: in clear, or sealed under a key of their own."""

from __future__ import annotations

from attrs import frozen

from albumcore import ImageAdded
from albumcore.errors import ImageNotFound
from albumcore.image_sets import Content
from albumcore.image_sets.values import Encoding
from albumcore.kernel import ERASED
from albumcore_adapters.blobs.media_types import sniff
from albumcore_adapters.blobs.port import Blobs
from albumcore_adapters.blobs.sealed import SealKey, sealed_length
from albumcore_adapters.blobs.sealed_blobs import (
    SealedBlob,
    check_sealed,
    get_sealed,
    put_sealed,
)


@frozen
class ImageBytes:
    """The bytes of a store's images.

    Attributes:
        blobs: Where they are.
        seals: Whether the store is sealed, so that new bytes are sealed as well.
    """

    blobs: Blobs
    seals: bool = False

    def put(self, image: bytes, encoding: Encoding = "base64") -> tuple[Content, SealKey | None]:
        """Store the bytes of an image durably, and return what an event refers to them by: the content and the key.

        Raises:
            BlobsUnavailable: the storage did not confirm it.
        """
        media_type = sniff(image)
        if not self.seals:
            return Content(self.blobs.put(image), len(image), media_type, encoding), None
        blob = put_sealed(self.blobs, image)
        return Content(blob.digest, blob.length, media_type, encoding), blob.key

    def get(self, added: ImageAdded) -> bytes | bytearray:
        """Return the bytes of an image. They are verified: damaged bytes are never returned.

        Raises:
            ImageNotFound: they were erased.
            BlobMissing, BlobDamaged: the store is damaged.
            BlobsUnavailable: the storage does not respond.
        """
        digest, length, key = added.content.digest, added.content.length, added.key
        if length is ERASED or key is ERASED:
            raise ImageNotFound("the image was erased")
        if key is None:
            return self.blobs.get(digest, length)
        return get_sealed(self.blobs, SealedBlob(digest, length, key))

    def check(self, added: ImageAdded) -> str | None:
        """Read the stored bytes of an image and return what is wrong with them, or None if they are sound.

        Of an image that was erased nothing is wrong, whether its bytes are still stored or not.
        """
        digest, length, key = added.content.digest, added.content.length, added.key
        if length is ERASED or key is ERASED:
            return None
        if key is None:
            return self.blobs.check(digest, length)
        return check_sealed(self.blobs, SealedBlob(digest, length, key))


def stored_length(added: ImageAdded) -> int | None:
    """Return the number of stored bytes of an image; None if it was erased, and is not known any more."""
    length = added.content.length
    if length is ERASED or added.key is ERASED:
        return None
    return length if added.key is None else sealed_length(length)
