"""S3 on this machine: moto's server, asked over real HTTP, which also checks signatures and policies if told to."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx
import pytest
from attrs import frozen
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from albumcore_adapters.blobs.s3 import S3Blobs, open_s3

REGION = "eu-central-1"
ANYBODY = {"AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "a secret of nobody"}
QUICKLY = 0.6
"""The time limit of a request, in seconds, for tests in which S3 does not respond."""

_numbers = itertools.count(1)


@frozen
class S3:
    """A running server, and what a test does behind its back."""

    address: str

    def bucket(self) -> str:
        """Make a new bucket; its name."""
        name = f"images-{next(_numbers)}"
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(name, REGION)
        return name

    def keys(self, bucket: str) -> list[str]:
        """The keys of a bucket, in ascending order."""
        return sorted(self._objects(bucket))

    def write(self, bucket: str, key: str, content: bytes) -> None:
        """Put an object there, as another client would."""
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(bucket, key, content)

    def date(self, bucket: str, key: str, at: datetime) -> None:
        """Let an object be of another time."""
        self._objects(bucket)[key].last_modified = at.replace(tzinfo=None)

    def archive(self, bucket: str, key: str) -> None:
        """Move an object to where it cannot be read from at once."""
        self._objects(bucket)[key]._storage_class = "GLACIER"

    def _objects(self, bucket: str) -> Any:
        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys

    @contextmanager
    def strict(self, policy: str) -> Iterator[dict[str, str]]:
        """Check signatures, and what keys may do, until the block ends; the key of one who has this policy."""
        backend = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
        user = f"service-{next(_numbers)}"
        backend.create_user("aws", user)
        key = backend.create_access_key(user)
        backend.put_user_policy(user, "images", policy)
        self._count_of_requests_without_checks("0")
        try:
            yield {
                "AWS_ACCESS_KEY_ID": key.access_key_id,
                "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
            }
        finally:
            self._count_of_requests_without_checks("inf")

    def _count_of_requests_without_checks(self, count: str) -> None:
        httpx.post(f"{self.address}/moto-api/reset-auth", content=count).raise_for_status()


@contextmanager
def serving_s3() -> Iterator[S3]:
    """Run the server on a free port until the block ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3(f"http://{host}:{port}")
    finally:
        server.stop()


@contextmanager
def reached(address: str, credentials: Mapping[str, str] = ANYBODY) -> Iterator[None]:
    """Let the environment say that S3 is at an address, until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION"):
            patch.delenv(name, raising=False)
        given = {"AWS_ENDPOINT_URL": address, "AWS_REGION": REGION, **credentials}
        for name, value in given.items():
            patch.setenv(name, value)
        yield


def blobs_at(
    address: str,
    bucket: str = "images",
    prefix: str = "",
    credentials: Mapping[str, str] = ANYBODY,
    seconds: float = QUICKLY,
) -> S3Blobs:
    """Blobs in a bucket of the S3 at an address."""
    with reached(address, credentials):
        return open_s3(bucket, prefix, seconds)
