"""The headers of a delivery, with two signatures: that of Kheops, and that of the Standard Webhooks convention.

The signature of Kheops covers the body alone, so an attacker who has seen a request can replay it. The other one
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
        message_id: The id of the delivery, the same for all attempts.
        event: The name of the event.
        attempt: ``1/5`` to ``5/5``.
        at: When it is sent.
        body: The bytes that are sent.
        has_delivery_id: Send the id in the header of Kheops too; not for a deleted album.
    """

    message_id: str
    event: str
    attempt: str
    at: datetime
    body: bytes = field(repr=False)
    has_delivery_id: bool = True


def signed_headers(message: Message, secret: str | None) -> dict[str, str]:
    """The headers that a message is sent with. Without a secret there is no signature among them."""
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
        content = b".".join((message.message_id.encode(), timestamp.encode(), message.body))
        headers["X-Kheops-Signature"] = hmac.new(
            secret.encode(), message.body, hashlib.sha256
        ).hexdigest()
        digest = hmac.new(signing_key(secret), content, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


def signing_key(secret: str) -> bytes:
    """The key of the Standard Webhooks signature.

    A secret of the form ``whsec_`` and base64, with or without padding, holds the key in base64. Any other secret is
    the key itself, in UTF-8; receivers give base64 of it to a library of the convention.
    """
    encoded = secret.removeprefix(PREFIX)
    if encoded != secret and _BASE64.fullmatch(encoded):
        digits = encoded.rstrip("=")
        if len(digits) % 4 != 1:
            return base64.b64decode(digits + "=" * (-len(digits) % 4))
    return secret.encode()
