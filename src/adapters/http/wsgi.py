"""The application for any WSGI server: ``adapters.http.wsgi:app``, with the settings of the environment."""

import os

from adapters.deployment import open_deployment
from adapters.http.app import create_app
from adapters.settings import Settings
from adapters.webhooks import Runner

deployment = open_deployment(Settings.from_environment(os.environ))
app = create_app(deployment)
runner = Runner(deployment.outbox)  # tells webhooks, in each process that imports this
runner.start()
