"""Django: a view that uses the library, and the service below a path, over one open store."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.util import shift_path_info

import django
from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import path
from falcon.testing import TestClient

from albumcore import Source, album_stream, create_album
from albumcore.errors import AlbumNotFound
from albumcore.ids import UserId, album_id
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.identity.issuing import issue
from albumcore_adapters.service import Service, open_service

service: Service  # one for each process, opened after the fork: in `wsgi.py`


def logged_in(service: Service) -> UserId:
    """The user who asks: the application around the service knows their sub."""
    return service.people.register("alice").id


def show(request: HttpRequest, case: str) -> JsonResponse:
    """A view."""
    try:
        page = service.albums.feed(album_id(case), logged_in(service))
    except AlbumNotFound as error:
        raise Http404(error.detail) from error
    shown = [entry.type.mutation or entry.shown_comment for entry in page.entries]
    return JsonResponse(shown, safe=False)  # a list


urlpatterns = [path("cases/<str:case>", show)]


def make_app(around: WSGIApplication, service: WSGIApplication) -> WSGIApplication:
    """What `wsgi.py` names `application`: the service below ``/albumcore``, and Django for everything else."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/albumcore/"):
            shift_path_info(environ)  # from PATH_INFO to SCRIPT_NAME
            return service(environ, start_response)
        return around(environ, start_response)

    return application


if __name__ == "__main__":
    django_settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
    django.setup()
    with TemporaryDirectory() as folder:
        settings = Settings(
            data=Path(folder),
            public_url="https://clinic.example/albumcore",  # in the addresses that its answers hold
            log_level="warning",
        )
        service = open_service(settings)
        alice = Source(service.people.register("alice", "alice@clinic.example", "Alice").id)
        stream = album_stream(album_id("Q7bZ2mP0xT"))
        service.albums.handle(stream, create_album, alice, "Knees")

        app = make_app(get_wsgi_application(), create_app(service))
        client = TestClient(app)
        print(client.simulate_get("/cases/Q7bZ2mP0xT").json)
        print(client.simulate_get("/cases/Nowhere000").status)
        jwt = issue(service.auth, "alice", "alice@clinic.example", "Alice", 60)
        headers = {"Authorization": f"Bearer {jwt}"}
        albums = client.simulate_get("/albumcore/albums", headers=headers).json
        print([album["name"] for album in albums])
        service.close()
