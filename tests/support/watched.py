"""What the routes answered, and which events came of it, while tests asked them.

Contract modules say in ``COVERS`` which routes they are about. This is what that is held against.
"""

from __future__ import annotations

from typing import Any

import falcon
from attrs import field, frozen

from albumcore import PersonRegistered
from albumcore_adapters.service import Service


@frozen
class Watched:
    """What was seen since it was last cleared.

    Attributes:
        answered: The routes that answered with a status below 400, each as method and path.
        recorded: The classes of the events that were recorded while a route was asked, by route.
    """

    answered: set[str] = field(factory=set)
    recorded: dict[str, set[type[Any]]] = field(factory=dict)

    def clear(self) -> None:
        """Forget it all."""
        self.answered.clear()
        self.recorded.clear()


WATCHED = Watched()
"""Of all applications that were watched."""


class Watch:
    """Notes in `WATCHED` what an application answers and records; one request at a time."""

    def __init__(self, service: Service) -> None:
        self._albums = service.albums
        self._prefix = service.settings.kheops_prefix or ""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """See where the history stands."""
        req.context.position = self._albums.recorder.max_notification_id() or 0

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: Any, req_succeeded: bool
    ) -> None:
        """Note it."""
        if req.uri_template is None:
            return
        # The method as it was sent: HEAD is taken for GET on the way.
        template = req.uri_template.removeprefix(self._prefix).replace(":path}", "}")
        route = f"{req.env['REQUEST_METHOD']} {template}"
        if resp.status_code < 400:
            WATCHED.answered.add(route)
        for _, recorded in self._albums.follow(req.context.position):
            # Any route with a JWT may be the first that a person comes to.
            if isinstance(recorded.event, PersonRegistered):
                continue
            WATCHED.recorded.setdefault(route, set()).add(type(recorded.event))


def watched(
    app: falcon.App[falcon.Request, falcon.Response], service: Service
) -> falcon.App[falcon.Request, falcon.Response]:
    """The same application, under watch."""
    app.add_middleware(Watch(service))
    return app
