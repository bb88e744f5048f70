"""Image bytes in a bucket of S3, or of a server that speaks its language. Needs the extra ``s3``."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import obstore
from attrs import field, frozen
from obstore.exceptions import BaseError
from obstore.store import S3Store

from albumcore.ids import is_digest
from albumcore.times import in_utc
from albumcore_adapters.base.settings import SettingsError
from albumcore_adapters.blobs.protocol import (
    WRONG_DIGEST,
    BlobDamaged,
    BlobMissing,
    BlobsUnavailable,
    Digest,
    check_digest,
    wrong_length,
)

PATIENCE = 30.0
"""Seconds, about, until S3 has answered a request or is said not to: one attempt, and the time to try again."""

_PAGE = 1000  # keys; what S3 lists at a time
_PIECE = 1024 * 1024  # bytes; what is read at a time to be checked
_KEY = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_OF_ONE_BLOB = frozenset({"InvalidObjectState"})
"""Refusals that concern a single blob, such as one moved to an archive: found by a check, not in its way."""

_process: int | None = None
"""The process that first asked S3 for something. Its threads do not survive a fork, and a child would wait for ever."""


@frozen
class S3Blobs:
    """Blobs as objects of a bucket: ``PREFIX/ab/cdef...`` for the digest ``abcdef...``.

    Any number of processes and machines may share it. Open it wherever; use it after a fork only, not before.

    `put` always uploads. To look first would cost a request as well, and to leave an object as it is would leave
    it old, when it is about to be needed and old objects are collected. The key is the digest, so whoever writes
    it writes the same.
    """

    place: str
    _store: S3Store = field(repr=False, eq=False)

    def put(self, content: bytes) -> Digest:
        """Keep ``content`` and return its digest, once S3 has said that it is stored.

        S3 is told the SHA-256 and refuses what arrives otherwise.

        Raises:
            BlobsUnavailable: S3 did not say so. It may have stored it all the same, which does no harm.
        """
        digest = hashlib.sha256(content).hexdigest()
        with self._asking(digest):
            # In one part: S3 checks the SHA-256 of the whole, and no half is ever left behind.
            obstore.put(self._store, _key(digest), content, use_multipart=False)
        return digest

    def get(self, digest: Digest, length: int | None = None) -> bytes:
        """Return the content, once its length and its SHA-256 are those that were put.

        Each read is verified, for each one comes over the network, where a proxy may answer with something else.

        Raises:
            BlobMissing: it is not there.
            BlobDamaged: S3 gave other bytes.
            BlobsUnavailable: S3 does not say whether it is there, or broke off.
        """
        with self._asking(digest), self._found(digest):
            content = bytes(obstore.get(self._store, _key(digest)).bytes())
        if length is not None and len(content) != length:
            raise BlobDamaged(digest, wrong_length(len(content), length))
        if hashlib.sha256(content).hexdigest() != digest:
            raise BlobDamaged(digest, WRONG_DIGEST)
        return content

    def size(self, digest: Digest) -> int:
        """Return the length of the content, in bytes.

        Raises:
            BlobMissing: it is not there.
            BlobsUnavailable: S3 does not say whether it is.
        """
        with self._asking(digest), self._found(digest):
            return obstore.head(self._store, _key(digest))["size"]

    def digests(self, before: datetime | None = None) -> Iterator[Digest]:
        """Go through the digests of all blobs, in ascending order; or of those last put before a moment.

        The order is the one in which S3 lists keys, and the moment is one of its clock.

        Raises:
            BlobsUnavailable: S3 does not go on telling.
        """
        before = before and in_utc("before", before)
        with self._asking("the list"):
            pages = obstore.list(self._store, chunk_size=_PAGE)
        while True:
            with self._asking("the list"):
                page = next(pages, None)
            if page is None:
                return
            for one in page:
                key = _KEY.fullmatch(one["path"])
                if key and (before is None or one["last_modified"] < before):
                    yield key[1] + key[2]

    def check(self, digest: Digest, length: int) -> str | None:
        """Read the blob to its end and say what is wrong with it; None if it is sound.

        Raises:
            BlobsUnavailable: S3 does not let it be read, so nothing can be said.
        """
        if not is_digest(digest):
            return "not a SHA-256 digest"
        try:
            with self._asking(digest), self._found(digest):
                return self._wrong(digest, length)
        except BlobMissing:
            return "missing"
        except BlobsUnavailable as error:
            if error.code in _OF_ONE_BLOB:
                return f"cannot be read: {error.code}"
            raise

    def remove(self, digest: Digest, before: datetime) -> bool:
        """Remove a blob that was last put before a moment; whether it was there, and that old.

        S3 cannot be told to remove an object only if it is old. One that is put in the milliseconds between the
        look at its age and the removal is lost, unless the bucket keeps versions.

        Raises:
            BlobsUnavailable: S3 did not say that it is removed. It may be all the same.
        """
        young = in_utc("before", before)
        try:
            with self._asking(digest), self._found(digest):
                if obstore.head(self._store, _key(digest))["last_modified"] >= young:
                    return False
                obstore.delete(self._store, _key(digest))
        except BlobMissing:
            return False
        return True

    def _wrong(self, digest: Digest, length: int) -> str | None:
        found = obstore.get(self._store, _key(digest))
        if found.meta["size"] != length:
            return wrong_length(found.meta["size"], length)
        content = hashlib.sha256()
        for piece in found.stream(min_chunk_size=_PIECE):
            content.update(piece)
        return None if content.hexdigest() == digest else WRONG_DIGEST

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Turn whatever S3 or the way to it can do wrong into the one error that says so."""
        _stay_in_this_process()
        try:
            yield
        except (BaseError, OSError) as error:
            # Not chained: what obstore tells includes the whole answer, in which S3 may repeat a session token.
            raise BlobsUnavailable(f"{self.place}: {what}: {_told(error)}", _code(error)) from None

    @contextmanager
    def _found(self, digest: Digest) -> Iterator[None]:
        """Tell a blob that is missing from a bucket that is, for S3 answers 404 to both."""
        try:
            yield
        except FileNotFoundError as error:
            if _code(error) != "NoSuchKey":
                # A HEAD is answered without a word why, and what is no S3 answers 404 to anything.
                next(obstore.list(self._store, _key(digest)), None)
            raise BlobMissing(digest) from None


def open_s3(bucket: str, prefix: str = "", patience: float = PATIENCE) -> S3Blobs:
    """Open a bucket, reached as the usual ``AWS_*`` variables of the environment say. Nothing is asked of it yet.

    Args:
        bucket: Its name.
        prefix: What the keys begin with, without a slash at either end.
        patience: Seconds, about, until a request is given up.

    Raises:
        SettingsError: one of those variables has a value that is none.
    """
    endpoint = _endpoint()
    try:
        store = S3Store(
            bucket,
            prefix=prefix or None,
            config={"checksum_algorithm": "SHA256"},
            client_options={
                "allow_http": endpoint.startswith("http:"),
                "connect_timeout": timedelta(seconds=patience / 6),
                "timeout": timedelta(seconds=patience * 5 / 6),
            },
            retry_config={
                "max_retries": 5,
                "retry_timeout": timedelta(seconds=patience / 6),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=1),
                    "base": 2,
                },
            },
        )
    except (BaseError, ValueError):
        raise SettingsError(
            "ALBUMCORE_BLOBS",
            "`AWS_*` variables that say how to reach S3, and one of them has a value that is none",
        ) from None
    return S3Blobs("/".join(filter(None, (f"s3://{bucket}", prefix))), store)


def _endpoint() -> str:
    """The address S3 is to be asked at; empty where it is Amazon's own.

    Checked here, and the region with it: obstore would end the request with a panic.
    """
    for variable in _REGIONS:
        if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", os.environ.get(variable, "us-east-1")):
            raise SettingsError(variable, "the name of a region, or the variable not to be set")
    given = {variable: os.environ[variable] for variable in _ENDPOINTS if variable in os.environ}
    for variable, address in given.items():
        try:
            url = urlsplit(address)
            url.port  # noqa: B018 - a port that is no number is refused when it is looked at
            plain = re.fullmatch(r"[!-~]+", address) and "@" not in url.netloc
        except ValueError:
            plain = None
        if not plain or url.scheme not in ("http", "https") or not url.hostname:
            raise SettingsError(
                variable, "an `http` or `https` address, or the variable not to be set"
            )
    return next(iter(given.values()), "")


def _key(digest: Digest) -> str:
    check_digest(digest)
    return f"{digest[:2]}/{digest[2:]}"


def _stay_in_this_process() -> None:
    global _process
    if _process is None:
        _process = os.getpid()
    elif _process != os.getpid():
        raise RuntimeError("S3 was asked for something before this process was forked")


_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>|\(code: (\w{1,64})\)")
_HOST = re.compile(r"Error performing [A-Z]+ https?://([^/\s?]+)")


def _code(error: Exception) -> str | None:
    found = _CODE.search(str(error))
    return found and (found[1] or found[2])


def _told(error: Exception) -> str:
    """What went wrong, in a few words of which none can be a secret."""
    text = str(error)
    host = found[1] if (found := _HOST.search(text)) else "S3"
    status = found[1] if (found := _STATUS.search(text)) else None
    if status or _code(error):
        return " ".join(filter(None, (host, "answered", status, _code(error))))
    # The first line ends with the cause; what comes before has the whole address.
    return f"{host} gave no answer to use: {text.partition(chr(10))[0].rpartition(' - ')[2][:200]}"
