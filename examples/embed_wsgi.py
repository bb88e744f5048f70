"""The service as a part of another WSGI application: everything below one path is its own."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.util import shift_path_info

from falcon.testing import TestClient

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.service import open_service


class Mounted:
    """Hands what is below ``/albumcore`` to the service, and everything else to the application around it."""

    def __init__(self, around: WSGIApplication, service: WSGIApplication) -> None:
        self.around, self.service = around, service

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ["PATH_INFO"].startswith("/albumcore/"):
            shift_path_info(environ)  # from PATH_INFO to SCRIPT_NAME
            return self.service(environ, start_response)
        return self.around(environ, start_response)


def around(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The application that was there before."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the clinic"]


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        settings = Settings(
            data=Path(folder),
            public_url="https://clinic.example/albumcore",  # in the addresses that its answers hold
            log_level="warning",
        )
        service = open_service(settings)
        client = TestClient(Mounted(around, create_app(service)))
        print(client.simulate_get("/").text)
        print(client.simulate_get("/albumcore/healthz").status)
        print(client.simulate_get("/albumcore/albums").json["message"])
        service.close()
