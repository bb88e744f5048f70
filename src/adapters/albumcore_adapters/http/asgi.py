"""The application for ASGI servers: ``albumcore_adapters.http.asgi:app``, with the settings of the environment.

It is that of `albumcore_adapters.http.wsgi`, and sends Server-Sent Events. It needs the extra ``live``.
"""

from albumcore_adapters.http.event_stream import EventStreams
from albumcore_adapters.http.wsgi import app as _wsgi_app
from albumcore_adapters.http.wsgi import service, settings

_OTHERS = 16  # requests that are handled at a time, beside those that wait for events

app = EventStreams(_wsgi_app, service.log_watch, settings.max_waiting + _OTHERS)
