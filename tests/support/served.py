"""The application over real HTTP, for public clients of DICOMweb."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, make_server

import requests
from dicomweb_client.api import DICOMwebClient

from support.kheops import World


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def served(world: World, by: str) -> Iterator[DICOMwebClient]:
    """A public client that talks to the application over real HTTP, as one of the people."""
    with make_server("127.0.0.1", 0, world.client.app, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.headers["Authorization"] = f"Bearer {world.token(by)}"
                address = f"http://127.0.0.1:{server.server_port}"
                yield DICOMwebClient(address, session=session)
        finally:
            server.shutdown()
            thread.join()
