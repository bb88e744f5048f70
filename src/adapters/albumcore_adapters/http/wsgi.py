"""The application for any WSGI server: ``albumcore_adapters.http.wsgi:app``, with the settings of the environment."""

import os

from albumcore_adapters.base.logs import write_lines
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.service import open_deployment
from albumcore_adapters.webhooks import Runner

settings = Settings.from_environment(os.environ)
write_lines(settings.log_level)
deployment = open_deployment(settings)
app = create_app(deployment)
runner = Runner(deployment.outbox)  # tells webhooks, in each process that imports this
runner.start()
