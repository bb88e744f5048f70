"""The templates of the pages: Jinja2, with every value escaped and every missing one an error."""

from __future__ import annotations

from functools import cache, partial

from jinja2 import Environment, PackageLoader, StrictUndefined

from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.static_files import static_path

HTML_PAGE = "text/html; charset=utf-8"


@cache
def environment() -> Environment:
    """The environment; each template is compiled once in a process."""
    return Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def html(request: PageRequest, name: str, /, **values: object) -> bytes:
    """A template filled in, as HTML.

    Beside the values, a template has ``page`` (the `PageRequest`), ``say`` (its texts), ``url`` (addresses under its
    prefix), ``static`` (addresses of static files), and ``times`` (times in words).

    Args:
        request: The request that it answers.
        name: The file of the template, in ``templates``.
        values: What it shows, by name.
    """
    return (
        environment()
        .get_template(name)
        .render(
            page=request,
            say=request.say,
            url=request.url,
            static=partial(static_path, request.prefix),
            times=request.times,
            **values,
        )
        .encode()
    )


def show(request: PageRequest, name: str, /, *, status: int = 200, **values: object) -> Response:
    """A page, or a part of one, as a response."""
    return Response(status, html(request, name, **values), HTML_PAGE)
