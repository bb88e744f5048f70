"""The application for ASGI servers: ``albumcore_adapters.http.asgi:app``, with the settings of the environment.

It is that of `albumcore_adapters.http.wsgi`, and sends Server-Sent Events. It needs the extra ``live``.
"""

import os

from albumcore_adapters.base.logs import configure_logging
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.http.event_stream import EventStreams
from albumcore_adapters.service import open_service
from albumcore_adapters.webhooks import Runner

THREADS = 16
"""Requests that are handled at a time, beside those that wait for events."""

settings = Settings.from_environment(os.environ)
configure_logging(settings.log_level)
service = open_service(settings)
app = EventStreams(create_app(service), service.log_watch, settings.max_waiting + THREADS)
runner = Runner(service.outbox)  # sends webhooks, in each process that imports this
runner.start()
