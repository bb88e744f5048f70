"""Both signatures of a delivery, over the bytes that are sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from albumcore import WebhookEvent, add_member, utc_now
from albumcore_adapters.webhooks.signing import Message, signed_headers, signing_key
from support.kheops import DAVE, Clock
from support.webhooks import SECRET, hooked

KEY = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = Message("id", "new_user", "2/5", datetime(2026, 3, 1, tzinfo=UTC), b'{"a": 1}')


def now() -> Message:
    """The message as of now: the library refuses one that is older than five minutes."""
    return evolve(MESSAGE, at=utc_now())


def library_secret(secret: str) -> str:
    """The form that a receiver gives to the library, of a secret without ``whsec_``."""
    return base64.b64encode(secret.encode()).decode()


@pytest.mark.parametrize(
    ("secret", "theirs"),
    [
        (f"whsec_{KEY}", f"whsec_{KEY}"),
        ("whsec_YWI=", "whsec_YWI="),
        ("whsec_YWI", "whsec_YWI"),
        (KEY, library_secret(KEY)),
        ("plain text", library_secret("plain text")),
        ("whsec_", library_secret("whsec_")),
        ("whsec_no base64!", library_secret("whsec_no base64!")),
        ("whsec_YWJjZ", library_secret("whsec_YWJjZ")),
        ("whsec_ü", library_secret("whsec_ü")),
    ],
)
def test_the_standard_library_verifies_the_signature(secret: str, theirs: str) -> None:
    """A secret in the form of the convention holds the key; any other is the key."""
    headers = signed_headers(now(), secret)
    assert Verifier(theirs).verify(MESSAGE.body, headers) == {"a": 1}


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
    | st.text("aZ0+/=", max_size=12)
)
def test_every_secret_can_be_verified_with(text: str) -> None:
    """One of the two documented forms verifies, for any text after the prefix or without it."""
    headers = signed_headers(now(), f"whsec_{text}")
    try:
        verified = Verifier(f"whsec_{text}").verify(MESSAGE.body, headers)
    except (ValueError, EmptyWebhookSecretError, WebhookVerificationError):
        verified = Verifier(library_secret(f"whsec_{text}")).verify(MESSAGE.body, headers)
    assert verified == {"a": 1}
    assert signing_key(f" {text}") == f" {text}".encode()


@pytest.mark.parametrize(
    "changed",
    [evolve(MESSAGE, message_id="other"), evolve(MESSAGE, body=b'{"a": 2}')],
)
def test_a_changed_message_is_not_verified(changed: Message) -> None:
    """The signature covers id and body."""
    headers = signed_headers(now(), SECRET) | {"webhook-id": changed.message_id}
    with pytest.raises(WebhookVerificationError):
        Verifier(library_secret(SECRET)).verify(changed.body, headers)


def test_the_headers_of_a_message() -> None:
    """Kheops' headers and those of the convention stand side by side."""
    headers = signed_headers(MESSAGE, SECRET)
    assert headers.pop("webhook-signature").startswith("v1,")
    assert headers == {
        "X-Kheops-Event": "new_user",
        "X-Kheops-Attempt": "2/5",
        "X-Kheops-Delivery": "id",
        "X-Kheops-Signature": hmac.new(SECRET.encode(), MESSAGE.body, hashlib.sha256).hexdigest(),
        "webhook-id": "id",
        "webhook-timestamp": str(int(MESSAGE.at.timestamp())),
    }


def test_without_a_secret_nothing_is_signed() -> None:
    """No signature is better than one that anybody can make."""
    assert {name for name in signed_headers(MESSAGE, None) if "signature" in name.lower()} == set()


def test_the_message_of_a_deleted_album_has_no_delivery_id_of_kheops() -> None:
    """The convention wants an id all the same."""
    headers = signed_headers(evolve(MESSAGE, has_delivery_id=False), None)
    assert "X-Kheops-Delivery" not in headers
    assert headers["webhook-id"] == "id"


@pytest.mark.parametrize("secret", [SECRET, f"whsec_{KEY}", "ü" * 1024])
def test_what_is_received_is_verified_both_ways(tmp_path: Path, secret: str) -> None:
    """A real delivery: Kheops' signature over the received bytes, and the other one by the library."""
    with hooked(tmp_path, Clock(utc_now())) as world:
        world.hook(WebhookEvent.NEW_USER, secret=secret)
        world.act(add_member, DAVE)
        [request] = world.run()
    signature = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-kheops-signature"] == signature
    theirs = secret if secret.startswith("whsec_") else library_secret(secret)
    verified = Verifier(theirs).verify(request.body, dict(request.headers))
    assert verified["new_user"]["sub"] == DAVE
