"""Flask: a view that uses the library, and the service below a path, over one open store."""

from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask
from flask.typing import ResponseReturnValue
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from albumcore import Source, album_stream, create_album
from albumcore.errors import AlbumNotFound
from albumcore.ids import UserId, album_id
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.identity.issuing import issue
from albumcore_adapters.service import Service, open_service


def logged_in(service: Service) -> UserId:
    """The user who asks: the application around the service knows their sub."""
    return service.people.register("alice").id


def make_app(service: Service) -> Flask:
    """The application of one process: the service is opened after the fork."""
    app = Flask(__name__)

    @app.get("/cases/<case>")
    def show(case: str) -> ResponseReturnValue:
        page = service.albums.feed(album_id(case), logged_in(service))
        return [entry.type.mutation or entry.shown_comment for entry in page.entries]

    @app.errorhandler(AlbumNotFound)
    def missing(error: AlbumNotFound) -> ResponseReturnValue:
        return {"error": error.detail}, 404

    app.wsgi_app = DispatcherMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, {"/albumcore": create_app(service)}
    )
    return app


if __name__ == "__main__":
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

        client = make_app(service).test_client()
        print(client.get("/cases/Q7bZ2mP0xT").json)
        print(client.get("/cases/Nowhere000").status)
        jwt = issue(service.auth, "alice", "alice@clinic.example", "Alice", 60)
        headers = {"Authorization": f"Bearer {jwt}"}
        albums = client.get("/albumcore/albums", headers=headers).json or ()
        print([album["name"] for album in albums])
        service.close()
