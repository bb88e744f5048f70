"""The worker: makes one attempt at a delivery that is due, and records the outcome."""

from __future__ import annotations

from datetime import datetime

import orjson

from albumcore.albums import WebhookEvent
from albumcore_adapters.outbound import OutboundError
from albumcore_adapters.webhooks import queue
from albumcore_adapters.webhooks.batches import enqueue_due_batches
from albumcore_adapters.webhooks.outbox import Outbox, log_error
from albumcore_adapters.webhooks.payloads import payload
from albumcore_adapters.webhooks.signing import Message, signed_headers

NO_RESPONSE = -1
"""The status of an attempt without a response, or to an address that requests are not sent to."""


def deliver_due(outbox: Outbox, now: datetime) -> int:
    """Make one attempt at each delivery that is due, batches of new series included; the number of attempts."""
    enqueue_due_batches(outbox, now)
    number = 0
    while deliver_next(outbox, now):
        number += 1
    return number


def deliver_next(outbox: Outbox, now: datetime) -> bool:
    """Make one attempt at the next delivery that is due; whether there was one."""
    delivery = claim_next(outbox, now)
    if delivery is not None:
        deliver(outbox, delivery)
    return delivery is not None


def claim_next(
    outbox: Outbox,
    now: datetime,
    *,
    is_first_attempt: bool = False,
    max_per_album: int = queue.MAX_PER_ALBUM,
) -> queue.Delivery | None:
    """Claim the next delivery that is due, as `queue.claim_delivery` does, under a lease of 60 s."""
    return queue.claim_delivery(
        outbox.database,
        now,
        outbox.make_id(20),
        outbox.clock() + queue.LEASE,
        is_first_attempt=is_first_attempt,
        max_per_album=max_per_album,
    )


def deliver(outbox: Outbox, delivery: queue.Delivery) -> None:
    """Make one attempt at a claimed delivery, and record its outcome.

    An error while the body is made is a failed attempt, and logged: it must not block the queue.
    """
    sent_at = outbox.clock()
    try:
        status = _send(outbox, delivery, sent_at)
    except Exception as error:
        log_error(error)
        status = NO_RESPONSE
    attempt = queue.Attempt(delivery.number, status, sent_at)
    queue.record_attempt(outbox.database, delivery, attempt, outbox.clock)


def _send(outbox: Outbox, delivery: queue.Delivery, at: datetime) -> int:
    if delivery.is_secret_lost:  # never sent unsigned
        return NO_RESPONSE
    event = delivery.notification.event
    message = Message(
        delivery.trigger_id,
        event.value,
        f"{delivery.number}/{queue.MAX_ATTEMPTS}",
        at,
        orjson.dumps(payload(outbox, delivery.album_id, delivery.notification)),
        has_delivery_id=event is not WebhookEvent.DELETE_ALBUM,
    )
    headers = signed_headers(message, delivery.secret)
    try:
        return outbox.outbound.post(delivery.url, message.body, headers)
    except OutboundError:
        return NO_RESPONSE
