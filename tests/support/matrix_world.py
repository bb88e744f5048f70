"""The world in which the authorisation matrix is asked, and what is asked there of every route."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import field, frozen

from albumcore import (
    Grants,
    Source,
    add_admin,
    add_member,
    create_album,
    create_report_provider,
    create_webhook,
    delete_report_provider,
    import_study,
    issue_capability_token,
    issue_user_token,
    remove_member,
    revoke_capability_token,
    revoke_user_token,
)
from albumcore.ids import (
    AlbumId,
    CapabilityTokenId,
    SeriesUID,
    StudyUID,
    UserId,
    WebhookId,
)
from albumcore.streams import user_stream
from support.dicom_files import dicom_file
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    CT,
    DAVE,
    MR,
    OTHER,
    STUDY,
    Answer,
    Fields,
    World,
    digest_of,
    settle,
)
from support.matrix import ERIN, GONE, GRANTS, PRINCIPALS, PROVIDER, Principal, Row, secret
from support.stored_files import store_file

FRED, GINA = UserId("sub-fred"), UserId("sub-gina")
"""Fred is a member, and Gina never was one."""

COMMON = AlbumId("Common0001")
"""An album of which everybody who asks is an admin, to put things in."""

KEPT, KEPT_SERIES = StudyUID("1.2.4"), SeriesUID("1.2.4.1")
"""A study that everybody who asks has in the inbox, and that is in no album."""

NEW = SeriesUID("1.2.3.9")
"""A series that nobody has, of a study that is there."""

OF_FRED = SeriesUID("1.2.3.8")
"""A series of the study that Fred has in the inbox, and that is in no album."""

WEBHOOK, HOOK = WebhookId("webhook"), "http://127.0.0.1:9/hook"

CAPABILITY = CapabilityTokenId("of-carol")
"""A capability token of the album that Carol made."""

THEN = "2026-03-01T12:00:10Z"
"""A time at which everybody who is a member was one already."""

CONFIGURATION = "CONFIGURATION"
"""Stands for the address of a report provider that is there."""

# What is asked


@frozen
class Request:
    """What is asked of a route, so that nothing but who asks stands in the way.

    Attributes:
        path: The parts of the path that are not the usual ones.
        form: The fields of the form.
        query: The fields of the query.
        body: A body that is no form, and its media type.
    """

    path: Mapping[str, str] = field(factory=dict)
    form: Fields | None = None
    query: Fields | None = None
    body: tuple[str, bytes] | None = None

    def with_names(self, names: Mapping[str, str]) -> Request:
        """The same with other names for things, wherever they stand, but in the path of the route."""

        def renamed(fields: Any) -> Any:
            return fields and {key: names.get(name, name) for key, name in fields.items()}

        path = renamed({**USUAL, **self.path})
        return Request(path, renamed(self.form), renamed(self.query), self.body)


USUAL: Mapping[str, str] = {
    "album": ALBUM,
    "study": STUDY,
    "series": CT,
    "user": GINA,
    "client": PROVIDER,
    "webhook": WEBHOOK,
    "capability": CAPABILITY,
    "instance": f"{CT}.1",
    "frames": "1",
    "bulk": "7FE00010",
}
"""What the parts of a path stand for where a row says nothing else."""

OF_INSTANCE = {
    "requestType": "WADO",
    "studyUID": STUDY,
    "seriesUID": CT,
    "objectUID": f"{CT}.1",
}
KEPT_PATH = {"study": KEPT, "series": KEPT_SERIES}
OF_ALBUM = Request(query={"album": ALBUM})
OF_INBOX = Request(KEPT_PATH, query={"inbox": "true"})
OF_KEPT = Request(KEPT_PATH)
TO_COMMON = {"album": COMMON}
INSTANCE = "application/dicom", dicom_file(STUDY, NEW, f"{NEW}.1")
INSTANCE_OF_ALBUM = "application/dicom", dicom_file(STUDY, CT, f"{CT}.7")
INSTANCE_OF_INBOX = "application/dicom", dicom_file(KEPT, KEPT_SERIES, f"{KEPT_SERIES}.7")
INSTANCE_OF_OTHERS = "application/dicom", dicom_file(STUDY, OF_FRED, f"{OF_FRED}.7")
UNVERIFIED = {"skipVerify": "true"}

REQUESTS: Mapping[str, Request] = {
    "POST /albums": Request(form={"name": "Mine"}),
    "GET /albums/{album} (with its users)": Request(query={"includeUsers": "true"}),
    "GET /albums/{album}/changes": Request(query={"from": THEN, "to": THEN}),
    "PATCH /albums/{album} (a notification)": Request(form={"notificationNewSeries": "true"}),
    "PATCH /albums/{album} (the name)": Request(form={"name": "Other"}),
    "PUT /studies/{study}/albums/{album} (from the inbox)": OF_INBOX,
    "PUT /studies/{study}/albums/{album} (from the album)": Request(
        TO_COMMON, query={"album": ALBUM}
    ),
    "PUT /studies/{study}/albums/{album} (lent)": Request(TO_COMMON),
    "PUT /studies/{study}/series/{series}/albums/{album} (new)": Request({"series": NEW}),
    "PUT /studies/{study}/series/{series}/albums/{album} (of the album)": Request(TO_COMMON),
    "PUT /studies/{study}/series/{series}/albums/{album} (lent)": Request(TO_COMMON),
    "DELETE /albums/{album}/users/{user}": Request({"user": FRED}),
    "DELETE /albums/{album}/users/{user}/admin": Request({"user": CAROL}),
    **{
        f"{method} {path}/favorites ({where})": request
        for method in ("PUT", "DELETE")
        for path in ("/studies/{study}", "/studies/{study}/series/{series}")
        for where, request in (("of the album", OF_ALBUM), ("of the inbox", OF_INBOX))
    },
    "POST /albums/{album}/events/{version}/undo": Request({"version": "5"}),  # that Fred was added
    "POST /albums/{album}/comments": Request(form={"comment": "Seen"}),
    "POST /studies/{study}/comments": Request(form={"comment": "Seen"}),
    "POST /albums/{album}/reportproviders": Request(form={"name": "Quill", "url": CONFIGURATION}),
    "PATCH /albums/{album}/reportproviders/{client}": Request(form={"name": "Quill"}),
    "POST /reportproviders/metadata": Request(form={"url": CONFIGURATION}),
    "PUT /studies/{study} (from the album)": OF_ALBUM,
    "PUT /studies/{study}/series/{series} (new)": Request({"series": NEW}),
    "DELETE /studies/{study} (of the inbox)": OF_KEPT,
    "DELETE /studies/{study}/series/{series} (of the inbox)": OF_KEPT,
    "PUT /studies/{study}/users/{user} (from the album)": OF_ALBUM,
    "PUT /studies/{study}/users/{user} (from the inbox)": OF_INBOX,
    "POST /capabilities (for the album)": Request(
        form={"title": "Mine", "scope_type": "album", "album": ALBUM}
    ),
    "POST /capabilities (for oneself)": Request(form={"title": "Mine", "scope_type": "user"}),
    "GET /capabilities (of the album)": OF_ALBUM,
    "POST /albums/{album}/webhooks": Request(form={"name": "Mine", "url": HOOK}),
    "PATCH /albums/{album}/webhooks/{webhook}": Request(form={"name": "Mine"}),
    "POST /albums/{album}/webhooks/{webhook}/trigger": Request(
        form={"event": "new_user", "user": BOB}
    ),
    **{
        f"GET {path} (of the album)": OF_ALBUM
        for path in (
            *("/studies", "/series", "/instances"),
            "/studies/{study}/series",
            "/studies/{study}/metadata",
            "/studies/{study}/instances",
            "/studies/{study}/series/{series}/instances",
        )
    },
    **{
        f"GET {path} (of the inbox)": Request(query={"inbox": "true"})
        for path in ("/studies", "/series", "/instances")
    },
    "POST /studies (a new series)": Request(body=INSTANCE),
    "POST /studies (a new series, to the album)": Request(query={"album": ALBUM}, body=INSTANCE),
    "POST /studies (a series of the album)": Request(body=INSTANCE_OF_ALBUM),
    "POST /studies (a series of the album, to the album)": Request(
        query={"album": ALBUM}, body=INSTANCE_OF_ALBUM
    ),
    "POST /studies (a series of the inbox)": Request(query=UNVERIFIED, body=INSTANCE_OF_INBOX),
    "POST /studies (a series that others have)": Request(query=UNVERIFIED, body=INSTANCE_OF_OTHERS),
    "POST /studies/{study}": Request(body=INSTANCE),
    "GET /studies/{study} (in an archive)": Request(query={"accept": "application/zip"}),
    "GET /wado (the file)": Request(query=OF_INSTANCE),
    "GET /wado (a picture)": Request(query={**OF_INSTANCE, "contentType": "image/jpeg"}),
    "POST /studies/{study}/series/fetch": Request(form={"SeriesInstanceUID": CT}),
    "POST /report (form)": Request(form={"client_id": PROVIDER, "studyUID": STUDY}),
    "POST /register (form)": Request(form={}),
    "POST /token (form)": Request(
        form={
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "scope": "viewer read",
            "studyUID": STUDY,
            "source_type": "album",
            "source_id": ALBUM,
        }
    ),
    "POST /token/introspect (form)": Request(form={}),
    "GET /users (anybody)": Request(query={"reference": GINA}),
    "GET /users (of the album)": Request(query={"reference": GINA, "album": ALBUM}),
}
"""By the names of the rows; where there is none, the path says all."""

LENT, IN_FORM = "lent", "form"


def names_the_album(row: Row) -> bool:
    """Whether what is asked names the album, in the path, the query or the form, and is not about it only there."""
    request = REQUESTS.get(row.name, Request())
    places: list[Mapping[str, Any]] = [request.form or {}, request.query or {}]
    if "{album}" in row.path:
        places.append({**USUAL, **request.path})
    return row.variant != LENT and any(ALBUM in place.values() for place in places)


def request(
    world: World, row: Row, by: Principal, names: Mapping[str, str], *, by_link: bool = False
) -> Answer:
    """Ask what a row is about, with other names for some things; by a link, with the token in the path."""
    request = REQUESTS.get(row.name, Request()).with_names(names)
    parts = dict(request.path) | ({"user": by.user} if row.variant == "oneself" else {})
    headers, form = {}, request.form
    media_type, body = request.body or ("", None)
    if media_type:
        headers["Content-Type"] = media_type
    token = None if by.make_token is None else by.make_token(world, by)
    if row.variant == LENT:
        headers["Authorization"] = f"Bearer {world.token(DAVE)}"
    if token is not None and row.variant == IN_FORM:
        form = {TOKEN_FIELDS[row.path]: token, **(form or {})}
    elif token is not None:
        headers["X-Authorization-Source" if row.variant == LENT else "Authorization"] = (
            f"Bearer {token}"
        )
    path = row.path.format(**parts)
    if by_link:
        del headers["Authorization"]
        path = f"/link/{token}{path}"
    return world.request(None, row.method, path, form, request.query, headers, body)


TOKEN_FIELDS: Mapping[str, str] = {
    "/report": "access_token",
    "/register": "access_token",
    "/token": "subject_token",
    "/token/introspect": "token",
}
"""Where a token is in the form, the name of its field, by path."""


# The world


def prepare(world: World, configuration: str) -> None:
    """Settle a world in which every row can be asked of every column; with a report provider at an address."""
    settle(world)
    world.register(ERIN, FRED, GINA)
    for one in (ERIN, FRED):
        world.act(ALICE, add_member, one)
    world.store({CT: "CT", MR: "MR"})
    store_file(world.service, None, dicom_file(STUDY, CT, f"{CT}.1"))
    world.store({OF_FRED: "CT"}, owner=FRED)
    world.act(ALICE, import_study, STUDY, [CT, MR])
    world.act(ALICE, remove_member, ERIN)
    for user in (ALICE, BOB, DAVE, ERIN):
        world.store({KEPT_SERIES: "CT"}, study=KEPT, owner=user)
    world.act(DAVE, create_album, "Other", album=OTHER)
    world.act(DAVE, create_album, "Common", album=COMMON)
    for user in (ALICE, BOB, ERIN):
        world.act(DAVE, add_admin, user, album=COMMON)
    for provider in (PROVIDER, GONE):
        world.act(ALICE, create_report_provider, provider, "Scribe", configuration)
    world.act(ALICE, delete_report_provider, GONE)
    world.act(ALICE, create_webhook, WEBHOOK, "Hook", HOOK)
    of_carol = (CAPABILITY, digest_of("of-carol"), "Of Carol", Grants())
    world.act(CAROL, issue_capability_token, *of_carol)
    _give_tokens(world)


def _give_tokens(world: World) -> None:
    now = world.clock.now
    year = timedelta(days=365)
    lives: Mapping[str, tuple[datetime, datetime]] = {
        "expired": (now - year, now - timedelta(hours=1)),
        "revoked": (now, now + year),
        "future": (now + timedelta(days=1), now + year),
    }
    for one in PRINCIPALS:
        if one.make_token is not secret:
            continue
        token, (kind, _, _) = CapabilityTokenId(one.name), one.name.partition("-")
        life = lives.get(kind, lives["revoked"])
        digest = digest_of(secret(world, one))
        if one.column == "user token" or one.name.endswith("-user"):
            user = world.user(one.user)
            stream, source = user_stream(user), Source(user)
            albums = world.service.albums
            albums.handle(stream, issue_user_token, source, token, digest, one.name, *life)
            if kind == "revoked":
                albums.handle(stream, revoke_user_token, source, token)
            continue
        album = OTHER if one.column == "other token" else ALBUM
        names = one.words if one.column == "album token" else GRANTS
        grants = Grants(**dict.fromkeys(names, True))
        issue, revoke = issue_capability_token, revoke_capability_token
        world.act(one.user, issue, token, digest, one.name, grants, *life, album=album)
        if kind == "revoked":
            world.act(one.user, revoke, token, album=album)
