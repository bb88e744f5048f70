"""`albumcore at`."""

from __future__ import annotations

from typing import Annotated, Any

from attrs import asdict
from cyclopts import Parameter

from albumcore import Album, album_stream
from albumcore.albums.values import Phase
from albumcore.errors import AlbumNotFound
from albumcore.ids import album_id
from albumcore.kernel import shown_text
from albumcore.past import Moment, past_time
from albumcore.times import local_time
from albumcore_adapters.cli.base import DataOption, JsonOption, app, print_json
from albumcore_adapters.cli.opening import existing
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.album_overview import members_of


@app.command
def at(
    album: Annotated[str, Parameter(help="The album id.")],
    time: Annotated[
        str,
        Parameter(
            help="A time of the past in ISO 8601, or the end of this second if it has no fraction; UTC by default."
        ),
    ],
    /,
    *,
    json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Print an album as of a time: its name, description, members and studies. It may have been deleted since.

    For example:

        albumcore at Q7bZ2mP0xT 2026-03-14T12:00:00Z
    """
    with existing(data) as service:
        stream = album_stream(album_id(album))
        moment = service.albums.moment(stream, past_time(time, service.clock, "time"))
        then = service.albums.load(stream, version=moment.version)
        if then.phase is Phase.NEW:
            raise AlbumNotFound("no such album then")
        found = _found(album, moment, then, service.people)
    if json:
        print_json(found)
    else:
        print(*_lines(found), sep="\n")


def _found(album: str, moment: Moment, then: Album, people: People) -> dict[str, Any]:
    studies = {study: sorted(then.studies[study]) for study in sorted(then.studies)}
    return {
        "album_id": album,
        "at": local_time(moment.at),
        "version": moment.version,
        "phase": then.phase.value,
        "name": shown_text(then.name),
        "description": shown_text(then.description),
        **asdict(then.flags),
        "number_of_users": len(then.members),
        "number_of_studies": len(studies),
        "number_of_series": sum(map(len, studies.values())),
        "users": members_of(then, people),
        "studies": [{"UID": study, "series": series} for study, series in studies.items()],
    }


def _lines(found: dict[str, Any]) -> list[str]:
    numbers = ("users", "studies", "series")
    counts = ", ".join(f"{found[f'number_of_{name}']} {name}" for name in numbers)
    lines = [
        f"album {found['album_id']} as of {found['at']}, version {found['version']}, {found['phase']}",
        f"name: {found['name']!r}",
        f"description: {found['description']!r}",
        counts,
    ]
    for one in found["users"]:
        named = [repr(one[name]) for name in ("sub", "email", "name") if name in one]
        role = "admin" if one["is_admin"] else "member"
        lines.append(f"{role}: {', '.join(named)}")
    lines += [
        f"study: {one['UID']}, series: {', '.join(one['series'])}" for one in found["studies"]
    ]
    return lines
