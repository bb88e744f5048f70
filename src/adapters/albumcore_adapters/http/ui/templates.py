"""The templates of the pages, filled in."""

from __future__ import annotations

from functools import partial

from albumcore_adapters.http.response import Response
from albumcore_adapters.http.template_environment import template_environment
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.static_files import static_path

HTML_PAGE = "text/html; charset=utf-8"


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
        template_environment(__package__)
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
