"""The application for any WSGI server: ``albumcore_adapters.http.wsgi:app``, with the settings of the environment."""

import os

from albumcore_adapters.base.json_lines import configure_logging
from albumcore_adapters.base.settings_file import settings_from
from albumcore_adapters.http.app import create_app
from albumcore_adapters.service import open_service
from albumcore_adapters.webhooks import Runner

settings = settings_from(os.environ)
configure_logging(settings.log_level)
service = open_service(settings)
app = create_app(service)
service.decoder.start()
runner = Runner(service.outbox)  # sends webhooks, in each process that imports this
runner.start()
