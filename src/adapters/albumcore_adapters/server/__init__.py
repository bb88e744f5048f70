"""Running the service: `serve` starts gunicorn with a worker of our own, and `demo` fills a data directory.

The worker gives a thread to a request that has arrived, not to a connection, so slow clients occupy no thread. The
workers share counts of their connections, so that the load is spread evenly.
"""

from albumcore_adapters.server.connection_counts import MAX_WORKERS, ConnectionCounts
from albumcore_adapters.server.limits import Limits
from albumcore_adapters.server.worker import Worker

__all__ = ["MAX_WORKERS", "ConnectionCounts", "Limits", "Worker"]
