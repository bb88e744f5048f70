"""The headers of a delivery, signed twice: as Kheops does, and by the Standard Webhooks convention.

Kheops' signature covers the body alone, so an old request can be sent again by whoever saw it. The other one
covers the id and the time as well.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime

from attrs import field, frozen

PREFIX = "whsec_"
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


@frozen
class Message:
    """One attempt at a delivery, before it is signed.

    Attributes:
        message_id: The same for every attempt.
        event: The name of the event.
        attempt: ``1/5`` to ``5/5``.
        at: When it is sent.
        body: The very bytes that are sent.
        has_delivery_id: Whether Kheops' own header names the id; a deleted album's does not.
    """

    message_id: str
    event: str
    attempt: str
    at: datetime
    body: bytes = field(repr=False)
    has_delivery_id: bool = True


def headers_of(message: Message, secret: str | None) -> dict[str, str]:
    """The headers that a message is sent with; without a secret, none of them is a signature."""
    timestamp = str(int(message.at.timestamp()))
    headers = {
        "X-Kheops-Event": message.event,
        "X-Kheops-Attempt": message.attempt,
        "webhook-id": message.message_id,
        "webhook-timestamp": timestamp,
    }
    if message.has_delivery_id:
        headers["X-Kheops-Delivery"] = message.message_id
    if secret is not None:
        signed = b".".join((message.message_id.encode(), timestamp.encode(), message.body))
        headers["X-Kheops-Signature"] = hmac.new(
            secret.encode(), message.body, hashlib.sha256
        ).hexdigest()
        digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


def key_of(secret: str) -> bytes:
    """The key of the Standard Webhooks signature.

    After ``whsec_`` comes the key in base64, with or without its padding. Any other secret is the key as it
    stands, in UTF-8; a receiver gives base64 of it to a library of that convention.
    """
    encoded = secret.removeprefix(PREFIX)
    if encoded != secret and _BASE64.fullmatch(encoded):
        digits = encoded.rstrip("=")
        if len(digits) % 4 != 1:
            return base64.b64decode(digits + "=" * (-len(digits) % 4))
    return secret.encode()
