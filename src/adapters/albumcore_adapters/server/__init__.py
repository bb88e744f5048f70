"""Gunicorn's worker as the service runs it: slow clients hold no thread, and workers share connections evenly."""

from albumcore_adapters.server.connections import Limits
from albumcore_adapters.server.spread import MOST_WORKERS, Shares
from albumcore_adapters.server.worker import Worker

__all__ = ["MOST_WORKERS", "Limits", "Shares", "Worker"]
