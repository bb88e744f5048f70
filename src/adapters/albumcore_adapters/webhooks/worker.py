"""The courier: it makes the deliveries that are due, and writes down what came of them."""

from __future__ import annotations

from datetime import datetime

import orjson
from attrs import frozen

from albumcore.albums import WebhookEvent
from albumcore_adapters.outbound.client import OutboundError
from albumcore_adapters.webhooks import queue
from albumcore_adapters.webhooks.context import Box
from albumcore_adapters.webhooks.log import log_error
from albumcore_adapters.webhooks.payloads import body_of
from albumcore_adapters.webhooks.queue import LEASE, MOST_ATTEMPTS, Delivery
from albumcore_adapters.webhooks.signing import Message, headers_of
from albumcore_adapters.webhooks.triggers import Attempt

NO_ANSWER = -1
"""The status of an attempt that nobody answered, or that was refused an address to go to."""


@frozen
class Courier(Box):
    """The part of the outbox that delivers."""

    def deliver_next(self, now: datetime) -> bool:
        """Make one attempt at the delivery that is next; whether there was one.

        Args:
            now: What is due by then is due.
        """
        delivery = self.claim_next(now)
        if delivery is not None:
            self.deliver(delivery)
        return delivery is not None

    def claim_next(
        self, now: datetime, *, is_for_first_attempts: bool = False, abreast: int = queue.ABREAST
    ) -> Delivery | None:
        """Take the lease of the delivery that is next; None where none is due.

        Args:
            now: What is due by then is due.
            is_for_first_attempts: Leave what was tried before to others.
            abreast: How many deliveries of one album may be made at a time.
        """
        return queue.claim(
            self.database,
            now,
            self.make_id(20),
            self.clock() + LEASE,
            is_for_first_attempts=is_for_first_attempts,
            abreast=abreast,
        )

    def deliver(self, delivery: Delivery) -> None:
        """Make one attempt at a delivery whose lease was taken, and write down what came of it.

        One whose body cannot be made is an attempt that failed, and is logged: it must not stand before all others.
        """
        sent_at = self.clock()
        try:
            status = self._send(delivery, sent_at)
        except Exception as error:
            log_error(error)
            status = NO_ANSWER
        queue.record(self.database, delivery, Attempt(delivery.number, status, sent_at), self.clock)

    def _send(self, delivery: Delivery, at: datetime) -> int:
        if delivery.is_secret_lost:  # nothing goes out unsigned that was to be signed
            return NO_ANSWER
        event = delivery.call.event
        message = Message(
            delivery.trigger_id,
            event.value,
            f"{delivery.number}/{MOST_ATTEMPTS}",
            at,
            orjson.dumps(body_of(self, delivery.album_id, delivery.call)),
            has_delivery_id=event is not WebhookEvent.DELETE_ALBUM,
        )
        try:
            return self.outbound.post(
                delivery.url, message.body, headers_of(message, delivery.secret)
            )
        except OutboundError:
            return NO_ANSWER
