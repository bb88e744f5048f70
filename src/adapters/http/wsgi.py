"""The application for any WSGI server: ``adapters.http.wsgi:app``, with the settings of the environment."""

import os

from adapters.deployment import open_deployment
from adapters.http.app import create_app
from adapters.logs import write_lines
from adapters.settings import Settings
from adapters.webhooks import Runner

settings = Settings.from_environment(os.environ)
write_lines(settings.log_level)
deployment = open_deployment(settings)
app = create_app(deployment)
runner = Runner(deployment.outbox)  # tells webhooks, in each process that imports this
runner.start()
