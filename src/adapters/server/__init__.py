"""Gunicorn's worker as the service runs it: slow clients hold no thread, and workers share connections evenly."""

from adapters.server.connections import Limits
from adapters.server.spread import MOST_WORKERS, Shares
from adapters.server.worker import Worker

__all__ = ["MOST_WORKERS", "Limits", "Shares", "Worker"]
