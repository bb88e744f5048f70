"""FastAPI: an endpoint that uses the library, and the service below a path, over one open store."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from a2wsgi import WSGIMiddleware
from fastapi import FastAPI, HTTPException

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


def make_app(service: Service) -> FastAPI:
    """The application of one process: the service is opened after the fork."""
    app = FastAPI()

    # Not `async`: the store is waited for, and FastAPI calls a plain function in a thread of its pool.
    @app.get("/cases/{case}")
    def show(case: str) -> list[str | None]:
        try:
            page = service.albums.feed(album_id(case), logged_in(service))
        except AlbumNotFound as error:
            raise HTTPException(404, error.detail) from error
        return [entry.type.mutation or entry.shown_comment for entry in page.entries]

    app.mount("/albumcore", WSGIMiddleware(create_app(service)))  # type: ignore[arg-type]
    return app


async def try_out(app: FastAPI, jwt: str) -> None:
    """Ask the application, as a client would."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://clinic.example") as client:
        print((await client.get("/cases/Q7bZ2mP0xT")).json())
        print((await client.get("/cases/Nowhere000")).status_code)
        headers = {"Authorization": f"Bearer {jwt}"}
        albums = (await client.get("/albumcore/albums", headers=headers)).json()
        print([album["name"] for album in albums])


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
        jwt = issue(service.auth, "alice", "alice@clinic.example", "Alice", 60)
        asyncio.run(try_out(make_app(service), jwt))
        service.close()
