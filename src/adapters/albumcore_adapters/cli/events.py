"""`albumcore events`."""

from __future__ import annotations

from typing import Annotated

import orjson
from cyclopts import Parameter

from albumcore.ids import album_id
from albumcore.past import past_time
from albumcore_adapters.base.progress import progress_of
from albumcore_adapters.cli.base import DataOption, app
from albumcore_adapters.cli.opening import existing, user_with_sub
from albumcore_adapters.http.kheops.compat import FORMS
from albumcore_adapters.http.kheops.feed_json import render


@app.command
def events(
    album: Annotated[str, Parameter(help="The album id.")],
    /,
    *,
    viewer: Annotated[str | None, Parameter(help="Show only what this sub may see.")] = None,
    at: Annotated[
        str | None,
        Parameter(
            help="As of this time, in ISO 8601, or the end of this second if it has no fraction; UTC by default."
        ),
    ] = None,
    data: DataOption = None,
) -> None:
    """Print the feed of an album, newest first, one JSON object per line: the current one, or as of a time.

    Each has its version, and the version that it takes back, if any: the number that `albumcore undo` takes.

    For example:

        albumcore events Q7bZ2mP0xT --viewer alice --at 2026-03-14T12:00:00Z
    """
    with existing(data) as service, progress_of("reading the history"):
        page = service.albums.feed(
            album_id(album),
            None if viewer is None else user_with_sub(service.people, viewer),
            at=None if at is None else past_time(at, service.clock),
        )
        form = FORMS[service.settings.compat]
        about = service.people, service.catalogue, service.claims
        shown = render(page, album_id(album), *about, form, versions=True)
    for one in shown:
        print(orjson.dumps(one).decode())
