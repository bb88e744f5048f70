"""Bodies of requests to an ASGI application whose requests are handled by threads: slow clients occupy none.

A short body is awaited before a thread has the request. A longer one is read by the thread while it arrives; for a
client that is too slow it ends early, as for one that has gone. What is left unread, the server drops.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

AsgiMessage: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[AsgiMessage]]

SHORT_BODY = 64 * 1024
"""Largest body that is awaited, in bytes: as large as any that a route reads without authentication."""

GRACE_SECONDS = 10.0
"""Seconds that a client may take before the least rate counts."""

LEAST_RATE = 1024
"""Least rate at which a client sends, in bytes per second."""

LONGEST_PAUSE = 60.0
"""Longest pause of a client that was faster, in seconds."""


async def arrived(receive: Receive, length: int) -> Receive:
    """Wait for a body if it is short; return what receives it, in the place of ``receive``.

    Args:
        receive: Receives the messages of a request.
        length: The length of its body that the client announces, in bytes.
    """
    paced = _paced(receive)
    messages: deque[AsgiMessage] = deque()
    size = 0
    while max(length, size) <= SHORT_BODY:  # a body in chunks announces no length
        message = await paced()
        messages.append(message)
        if not message.get("more_body", False):
            break
        size += len(message.get("body", b""))

    async def received() -> AsgiMessage:
        return messages.popleft() if messages else await paced()

    return received


def _paced(receive: Receive) -> Receive:
    """The messages of a client; it has gone where it sends too slowly."""
    left = GRACE_SECONDS

    async def paced() -> AsgiMessage:
        nonlocal left
        began = asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(receive(), left)
        except TimeoutError:
            return {"type": "http.disconnect"}
        waited = asyncio.get_running_loop().time() - began
        sent = len(message.get("body", b"")) / LEAST_RATE
        left = min(max(left - waited, 0.0) + sent, LONGEST_PAUSE)
        return message

    return paced
