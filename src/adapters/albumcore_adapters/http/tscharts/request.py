"""The request as responders of the TSCharts API see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import falcon
from attrs import field, frozen

from albumcore import Source
from albumcore_adapters.http.route import Route
from albumcore_adapters.http.tscharts.body import json_object
from albumcore_adapters.http.tscharts.value_readers import identifier

T = TypeVar("T")

NOT_FOUND = "Not found."
MAX_JSON = 64 * 1024
"""Largest body of a request that carries no image, in bytes: some times the longest patient."""


@frozen
class TSChartsRequest:
    """A request whose caller is authenticated, if its route needs that.

    Attributes:
        req: The request as Falcon parsed it.
        route: The route it is for.
        source: The account that makes it.
        path: The parameters in its path, by name.
    """

    req: falcon.Request = field(repr=False)
    route: Route = field(repr=False)
    source: Source
    path: Mapping[str, str]

    @property
    def id(self) -> int:
        """The id in the path; 0, which no record has, if that is not an id."""
        try:
            return identifier(self.path["key"])
        except ValueError:
            return 0

    def param(self, name: str) -> str | None:
        """A parameter of the query string, the last one if it is repeated."""
        return self.req.get_param(name)

    def json(self, limit: int = MAX_JSON) -> dict[str, Any]:
        """The JSON object in the body, of at most so many bytes; see `json_object` for the errors."""
        return json_object(self.req, limit)


def read(name: str, reader: Callable[[Any], T], value: Any) -> T:
    """Read a value.

    Raises:
        falcon.HTTPBadRequest: the reader raised `ValueError`; the detail names the value.
    """
    try:
        return reader(value)
    except ValueError as error:
        raise falcon.HTTPBadRequest(description=f"{name}: {error}") from None


def not_found() -> falcon.HTTPNotFound:
    """A 404 with a detail."""
    return falcon.HTTPNotFound(description=NOT_FOUND)
