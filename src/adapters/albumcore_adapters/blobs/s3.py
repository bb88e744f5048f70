"""Blobs as objects in a bucket of S3, or of a compatible server. Needs the extra ``s3``."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from attrs import define, field, frozen
from obstore.exceptions import BaseError
from obstore.store import S3Store

from albumcore.ids import is_digest
from albumcore.times import in_utc
from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.blobs.draft_files import FileDraft, no_space_is_full
from albumcore_adapters.blobs.port import (
    WRONG_DIGEST,
    BlobDamaged,
    BlobMissing,
    BlobsUnavailable,
    Digest,
    Draft,
    require_digest,
    too_short,
    wrong_length,
)

REQUEST_SECONDS = 30.0
"""Approximate time limit of a request, in seconds: one attempt and its retries."""

_PAGE = 1000  # keys of one page of a listing
_PIECE = 1024 * 1024  # bytes read at a time to be verified
_KEY = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_OF_ONE_BLOB = frozenset({"InvalidObjectState"})
"""Error codes that concern one blob, such as one that was moved to an archive: a check reports them and continues."""
_AFTER_THE_END = "InvalidRange"
"""Error code of a range that begins where the object has ended already."""

_process: int | None = None
"""The process that sent the first request. Its threads do not exist in a child, which would wait forever."""


_WHOLE = 5 * 1024 * 1024
"""Bytes of a draft that are uploaded in one request, whose SHA-256 S3 checks as a whole; longer ones go in parts."""
_PART = 5 * 1024 * 1024  # bytes, the least that S3 takes
_PARTS = 2
"""Parts that are in memory at a time."""


@frozen
class S3Blobs:
    """Blobs as objects in a bucket: ``PREFIX/ab/cdef...`` for the digest ``abcdef...``.

    Any number of processes and machines may share it. It may be opened before a fork, but not used before one.

    `put` always uploads. Checking for the object first would cost a request too, and an object that is not written
    again stays old, so that garbage collection would remove it. Concurrent uploads under one key are harmless: the
    key is the digest, so they have the same content.

    Drafts are local files without a name, so a crash leaves none: in the directory ``drafts``, or where the system has
    its temporary files. They are uploaded once they are complete. An upload in parts that is broken off stays in the
    bucket, invisible, until a rule of the bucket removes it.
    """

    place: str
    _store: S3Store = field(repr=False, eq=False)
    drafts: Path | None = field(default=None, kw_only=True, repr=False, eq=False)

    def put(self, content: bytes) -> Digest:
        """Store content and return its digest, after S3 has confirmed it.

        The request contains the SHA-256, so S3 refuses content that was changed on the way.

        Raises:
            BlobsUnavailable: S3 did not confirm it. The content may be stored nevertheless, which is harmless.
        """
        digest = hashlib.sha256(content).hexdigest()
        with self._request(digest):
            # In one part: S3 verifies the SHA-256 of the whole content, and no incomplete upload remains.
            obstore.put(self._store, _key(digest), content, use_multipart=False)
        return digest

    def draft(self) -> Draft:
        """Begin a blob that is written piece by piece, as a local file that is uploaded in the end.

        Raises:
            BlobsFull: the local disk is full.
        """
        place = self.drafts or tempfile.gettempdir()
        with no_space_is_full(place), tempfile.TemporaryFile(dir=place) as file:
            return _S3Draft(place, os.dup(file.fileno()), self._upload)

    def _upload(self, descriptor: int, digest: Digest, length: int) -> None:
        with (
            open(descriptor, "rb", closefd=False) as file,
            self._request(digest),
        ):
            file.seek(0)
            if length <= _WHOLE:
                obstore.put(self._store, _key(digest), file.read(), use_multipart=False)
            else:
                obstore.put(
                    self._store,
                    _key(digest),
                    file,
                    use_multipart=True,
                    chunk_size=_PART,
                    max_concurrency=_PARTS,
                )

    def get(self, digest: Digest, length: int | None = None) -> bytes:
        """Return the content of a blob: exactly what was put.

        Every read is verified by its SHA-256: a proxy on the way may return something else.

        Args:
            digest: The digest.
            length: The recorded length in bytes, if known.

        Raises:
            BlobMissing: the blob does not exist.
            BlobDamaged: S3 returned other bytes.
            BlobsUnavailable: the request failed, or the response is incomplete.
        """
        content = self._read(digest, length)
        if hashlib.sha256(content).hexdigest() != digest:
            raise BlobDamaged(digest, WRONG_DIGEST)
        return content

    def read(self, digest: Digest, length: int) -> bytes:
        """Return the stored bytes of a blob, of this length; see `Blobs.read`."""
        return self._read(digest, length)

    def read_range(self, digest: Digest, start: int, stop: int) -> bytes:
        """Return a range of the stored bytes; see `Blobs.read_range`. No other bytes are transferred."""
        try:
            with self._request(digest), self._existing(digest):
                part = obstore.get_range(self._store, _key(digest), start=start, end=stop)
                content = bytes(part)
        except BlobsUnavailable as error:
            if error.code == _AFTER_THE_END:
                raise BlobDamaged(digest, too_short(start, stop)) from None
            raise
        if len(content) != stop - start:
            raise BlobDamaged(digest, too_short(start, stop))
        return content

    def _read(self, digest: Digest, length: int | None) -> bytes:
        with self._request(digest), self._existing(digest):
            content = bytes(obstore.get(self._store, _key(digest)).bytes())
        if length is not None and len(content) != length:
            raise BlobDamaged(digest, wrong_length(len(content), length))
        return content

    def size(self, digest: Digest) -> int:
        """Return the length of the content, in bytes.

        Raises:
            BlobMissing: the blob does not exist.
            BlobsUnavailable: the request failed.
        """
        with self._request(digest), self._existing(digest):
            return obstore.head(self._store, _key(digest))["size"]

    def digests(self, before: datetime | None = None) -> Iterator[Digest]:
        """Yield the digests of all blobs in ascending order, or only of those last put before a time (UTC).

        The order is that of S3's listing, and the time is compared with S3's clock.

        Raises:
            BlobsUnavailable: a request failed.
        """
        before = before and in_utc(before, "before")
        with self._request("the list"):
            pages = obstore.list(self._store, chunk_size=_PAGE)
        while True:
            with self._request("the list"):
                page = next(pages, None)
            if page is None:
                return
            for one in page:
                key = _KEY.fullmatch(one["path"])
                if key and (before is None or one["last_modified"] < before):
                    yield key[1] + key[2]

    def check(self, digest: Digest, length: int) -> str | None:
        """Read a whole blob and return what is wrong with it, or None if it is sound; ``length`` is in bytes.

        Raises:
            BlobsUnavailable: the request failed, so nothing is known of the blob.
        """
        if not is_digest(digest):
            return "not a SHA-256 digest"
        try:
            with self._request(digest), self._existing(digest):
                return self._wrong(digest, length)
        except BlobMissing:
            return "missing"
        except BlobsUnavailable as error:
            if error.code in _OF_ONE_BLOB:
                return f"cannot be read: {error.code}"
            raise

    def remove(self, digest: Digest, before: datetime) -> bool:
        """Remove a blob if it was last put before a time (UTC); return whether it was removed.

        S3 has no conditional removal by age. A blob that is put in the milliseconds between the request for its age
        and the removal is lost, unless the bucket has versioning.

        Raises:
            BlobsUnavailable: S3 did not confirm the removal. The blob may be removed nevertheless.
        """
        limit = in_utc(before, "before")
        try:
            with self._request(digest), self._existing(digest):
                if obstore.head(self._store, _key(digest))["last_modified"] >= limit:
                    return False
                obstore.delete(self._store, _key(digest))
        except BlobMissing:
            return False
        return True

    def remove_drafts(self, before: datetime) -> int:
        """Return 0: drafts have no name, so none is left behind."""
        return 0

    def _wrong(self, digest: Digest, length: int) -> str | None:
        found = obstore.get(self._store, _key(digest))
        if found.meta["size"] != length:
            return wrong_length(found.meta["size"], length)
        content = hashlib.sha256()
        for piece in found.stream(min_chunk_size=_PIECE):
            content.update(piece)
        return None if content.hexdigest() == digest else WRONG_DIGEST

    @contextmanager
    def _request(self, what: str) -> Iterator[None]:
        """Translate every error of a request into `BlobsUnavailable`."""
        _refuse_after_fork()
        try:
            yield
        except (BaseError, OSError) as error:
            # Not chained: obstore's message includes the whole response, which may contain a session token.
            raise BlobsUnavailable(
                f"{self.place}: {what}: {_described(error)}", _code(error)
            ) from None

    @contextmanager
    def _existing(self, digest: Digest) -> Iterator[None]:
        """Distinguish a missing blob from a missing bucket: S3 answers 404 to both."""
        try:
            yield
        except FileNotFoundError as error:
            if _code(error) != "NoSuchKey":
                # The response to HEAD has no error code, and a server that is not S3 answers 404 to anything.
                next(obstore.list(self._store, _key(digest)), None)
            raise BlobMissing(digest) from None


@define
class _S3Draft(FileDraft):
    _upload: Callable[[int, Digest, int], None]

    def _store(self, digest: Digest, length: int) -> None:
        self._upload(self.descriptor, digest, length)


def open_s3(
    bucket: str,
    prefix: str = "",
    seconds: float = REQUEST_SECONDS,
    *,
    drafts: Path | None = None,
) -> S3Blobs:
    """Open a bucket with the configuration of the usual ``AWS_*`` environment variables. No request is sent.

    Args:
        bucket: The name of the bucket.
        prefix: The prefix of all keys, without a slash at either end.
        seconds: Approximate time limit of a request.
        drafts: The directory of drafts; by default, where the system has its temporary files.

    Raises:
        SettingsError: the value of one of the variables is invalid.
    """
    endpoint = _endpoint()
    try:
        store = S3Store(
            bucket,
            prefix=prefix or None,
            config={"checksum_algorithm": "SHA256"},
            client_options={
                "allow_http": endpoint.startswith("http:"),
                "connect_timeout": timedelta(seconds=seconds / 6),
                "timeout": timedelta(seconds=seconds * 5 / 6),
            },
            retry_config={
                "max_retries": 5,
                "retry_timeout": timedelta(seconds=seconds / 6),
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
            "valid `AWS_*` variables for S3, and the value of one of them is invalid",
        ) from None
    return S3Blobs("/".join(filter(None, (f"s3://{bucket}", prefix))), store, drafts=drafts)


def _endpoint() -> str:
    """Return the address of the S3 server, or "" for Amazon's.

    Address and region are checked here, because obstore panics on invalid ones.
    """
    for variable in _REGIONS:
        if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", os.environ.get(variable, "us-east-1")):
            raise SettingsError(variable, "the name of a region, or the variable not to be set")
    given = {variable: os.environ[variable] for variable in _ENDPOINTS if variable in os.environ}
    for variable, address in given.items():
        try:
            url = urlsplit(address)
            url.port  # noqa: B018 - the property raises for a port that is not a number
            plain = re.fullmatch(r"[!-~]+", address) and "@" not in url.netloc
        except ValueError:
            plain = None
        if not plain or url.scheme not in ("http", "https") or not url.hostname:
            raise SettingsError(
                variable, "an `http` or `https` address, or the variable not to be set"
            )
    return next(iter(given.values()), "")


def _key(digest: Digest) -> str:
    require_digest(digest)
    return f"{digest[:2]}/{digest[2:]}"


def _refuse_after_fork() -> None:
    global _process
    if _process is None:
        _process = os.getpid()
    elif _process != os.getpid():
        raise RuntimeError("S3 was used before this process was forked")


_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>|\(code: (\w{1,64})\)")
_HOST = re.compile(r"Error performing [A-Z]+ https?://([^/\s?]+)")


def _code(error: Exception) -> str | None:
    found = _CODE.search(str(error))
    return found and (found[1] or found[2])


def _described(error: Exception) -> str:
    """Describe an error in a few words that cannot contain a secret."""
    text = str(error)
    host = found[1] if (found := _HOST.search(text)) else "S3"
    status = found[1] if (found := _STATUS.search(text)) else None
    if status or _code(error):
        return " ".join(filter(None, (host, "answered", status, _code(error))))
    # The first line ends with the cause; the text before it contains the whole address.
    return f"{host} gave no answer to use: {text.partition(chr(10))[0].rpartition(' - ')[2][:200]}"
