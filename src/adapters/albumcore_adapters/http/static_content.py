"""Content that never changes while the process runs: kept compressed too, and addressed by its digest."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from importlib.resources import files

import falcon
from attrs import field, frozen

FOR_A_YEAR = "public, max-age=31536000, immutable"
"""The Cache-Control of what is at an address with its digest."""

_DIGITS = 16


@frozen
class StaticContent:
    """Bytes that every client is sent, as they are or compressed.

    Attributes:
        media_type: Their media type.
        plain: The bytes.
        compressed: The same, by gzip.
        digest: The first digits of their SHA-256.
    """

    media_type: str
    plain: bytes = field(repr=False)
    compressed: bytes = field(repr=False)
    digest: str

    @classmethod
    def of(cls, media_type: str, plain: bytes) -> StaticContent:
        """The content with these bytes."""
        digest = hashlib.sha256(plain).hexdigest()[:_DIGITS]
        return cls(media_type, plain, gzip.compress(plain, mtime=0), digest)

    @classmethod
    def of_file(cls, package: str, name: str, media_type: str) -> StaticContent:
        """The content of a file in the folder ``static`` of a package."""
        return cls.of(media_type, files(package).joinpath("static", name).read_bytes())

    def accepted(self, req: falcon.Request) -> tuple[bytes, Mapping[str, str]]:
        """What a client is sent, and the headers that say so: compressed if it accepts that."""
        headers = {"Vary": "Accept-Encoding"}
        if "gzip" in req.get_header("Accept-Encoding", default=""):
            return self.compressed, {**headers, "Content-Encoding": "gzip"}
        return self.plain, headers
