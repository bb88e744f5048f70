"""Start of a report: the user's browser is sent to a report provider, with a code or a token (Kheops API 8.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import falcon
from attrs import frozen

from albumcore import Albumcore, Permission, album_stream
from albumcore.albums import ReportProvider
from albumcore.errors import Forbidden, Invalid, ReportProviderNotFound, StudyNotFound
from albumcore.feed import Person
from albumcore.ids import AlbumId, ReportProviderId, StudyUID, is_uid
from albumcore.index import MemberRow, ProviderRow
from albumcore.kernel import shown_text
from albumcore_adapters.access.albums import may
from albumcore_adapters.access.series import series_in_album
from albumcore_adapters.base.random_ids import MakeId
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.accept import HTML
from albumcore_adapters.http.kheops.parameters import Fields
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import NOTHING, shown
from albumcore_adapters.http.openapi.schemas import UID
from albumcore_adapters.http.openapi.specs import TEXT, ParameterSpec, ResponseSpec, array, text
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.identity.callers import Caller, caller_of
from albumcore_adapters.identity.jwt_claims import MAX_TOKEN
from albumcore_adapters.identity.service_tokens import (
    READ,
    REPORT_TOKEN,
    WRITE,
    Report,
    report_code,
    report_token,
)
from albumcore_adapters.outbound import Metadata, Outbound, check_metadata

CONFIGURATION = "/.well-known/report-provider-configuration"

NUMBER_LENGTH = 22


def start(
    request: ApiRequest,
    auth: Authentication,
    outbound: Outbound,
    settings: Settings,
    make_id: MakeId,
) -> Response:
    """Show a page that sends the browser to the provider, with a code or a token for the report.

    Raises:
        Invalid: a field is missing, or the metadata of the provider are not valid now.
        Unauthorized: the token is not valid.
        Forbidden: it does not act as a user, or the user is not a member of the provider's album.
        ReportProviderNotFound, StudyNotFound: no such provider; a study is not in its album.
    """
    form = request.form()
    token = form.text("access_token")
    if not token:
        raise Invalid("access_token", "it is required")
    caller = caller_of(auth, token)
    found, studies = _checked(auth.albums, caller, form)
    metadata = check_metadata(outbound, shown_text(found.provider.url))
    if not metadata.valid:
        raise Invalid(
            "client_id", f"the metadata of the provider are not valid. {metadata.error_description}"
        )
    writes = metadata.response_type == "code" or may(
        auth.albums, caller, found.album, Permission.ADD_SERIES, auth.clock()
    )
    scope = (READ, WRITE) if writes else (READ,)
    user = auth.people.person(caller.user) or Person(caller.user)
    report = Report(user.sub, found.client_id, studies, scope, caller.shown)
    shared = [
        ("client_id", report.client_id),
        ("conf_uri", settings.api_url + CONFIGURATION),
        ("return_uri", f"{settings.root}/albums/{found.album}"),
        *(("studyUID", study) for study in studies),
    ]
    address = _address(auth, make_id, report, metadata, shared)
    page = _PAGE.format(name=escape(shown_text(found.provider.name)), address=escape(address))
    return Response(200, page.encode(), falcon.MEDIA_HTML, _HEADERS)


_HEADERS: Mapping[str, str] = {
    # The page holds a token: it is not stored, not framed, and loads nothing.
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{name}</title>
<meta http-equiv="refresh" content="0; url={address}">
</head>
<body>
<p>The report is written at <a href="{address}">{name}</a>.</p>
</body>
</html>
"""


@frozen
class Found:
    """A report provider that is not deleted, and its album."""

    client_id: ReportProviderId
    album: AlbumId
    provider: ReportProvider


def provider_named(albums: Albumcore, client_id: str) -> Found | None:
    """The report provider with this id; None if there is none, or it was deleted."""
    name = ReportProviderId(client_id)
    for row in albums.index.rows(ProviderRow, {"provider_id": client_id}):
        album = AlbumId(row.album_id)
        provider = albums.load(album_stream(album)).report_providers.get(name)
        if provider is not None and not provider.is_removed:
            return Found(name, album, provider)
    return None


def _checked(albums: Albumcore, caller: Caller, form: Fields) -> tuple[Found, tuple[StudyUID, ...]]:
    """The provider and the studies of the form, if the caller may have a report on them."""
    if not caller.acts_as_user:
        raise Forbidden("this needs a user, or a capability token that acts as one")
    studies = tuple(StudyUID(uid) for uid in dict.fromkeys(form.texts("studyUID")))
    if not studies or not all(map(is_uid, studies)):
        raise Invalid("studyUID", "the UIDs of one or more studies are expected")
    found = provider_named(albums, form.text("client_id") or "")
    if found is None:
        raise ReportProviderNotFound("no such report provider")
    if not albums.index.rows(MemberRow, {"album_id": found.album, "sub": caller.user}):
        raise Forbidden("you are not a member of the album of the report provider")
    if not all(series_in_album(albums.index, found.album, study) for study in studies):
        raise StudyNotFound("one of the studies is not in the album of the report provider")
    return found, studies


def _address(
    auth: Authentication,
    make_id: MakeId,
    report: Report,
    metadata: Metadata,
    shared: Sequence[tuple[str, str]],
) -> str:
    """The redirect URI in the provider's metadata, with the code in its query or the token in its fragment."""
    target, at = metadata.redirect_uri, auth.clock()
    assert target is not None
    parts = urlsplit(target)
    if metadata.response_type == "code":
        code = _short(report_code(auth.issuer, report, target, make_id(NUMBER_LENGTH), at))
        query = "&".join(filter(None, (parts.query, _encoded([("code", code), *shared]))))
        return urlunsplit(parts._replace(query=query, fragment=""))
    fragment = [
        ("access_token", _short(report_token(auth.issuer, report, at))),
        ("token_type", "bearer"),
        ("expires_in", str(REPORT_TOKEN.seconds)),
        ("scope", " ".join(report.scope)),
        *shared,
    ]
    return urlunsplit(parts._replace(fragment=_encoded(fragment)))


def _encoded(parameters: Sequence[tuple[str, str]]) -> str:
    return urlencode(parameters, quote_via=quote)


def _short(token: str) -> str:
    if len(token) > MAX_TOKEN:
        raise Invalid("studyUID", "too many studies for one report")
    return token


def configuration(request: ApiRequest, settings: Settings) -> Response:
    """Describe the service to report providers."""
    base = settings.api_url
    return Response.json(
        {
            "issuer": settings.root,
            "dicomweb_endpoint": base,
            "dicomweb_uri_endpoint": f"{base}/wado",
            "token_endpoint": f"{base}/token",
            "introspection_endpoint": f"{base}/token/introspect",
            "userinfo_endpoint": f"{base}/userinfo",
            "grant_types_supported": ["authorization_code", "implicit"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
            "introspection_endpoint_auth_methods_supported": ["none"],
            "response_types_supported": ["code", "token"],
            "response_modes_supported": ["query", "fragment"],
        }
    )


ROUTES = (
    Route(
        *(
            "POST",
            "/report",
            start,
            "Start a report: the response is a page that redirects to the report provider.",
        ),
        callers=Callers.ANYBODY,
        needs="a token in the form, of a member of the provider's album",
        form={
            "access_token": ParameterSpec(text(1), required=True),
            "client_id": ParameterSpec(TEXT, required=True),
            "studyUID": ParameterSpec({**array(UID), "minItems": 1}, required=True),
        },
        responses={200: ResponseSpec("The page.", {HTML: TEXT})},
        errors=(401, 403, 404, 502),
    ),
    Route(
        *("GET", CONFIGURATION, configuration),
        summary="Show the addresses of the service to report providers.",
        callers=Callers.ANYBODY,
        needs=NOTHING,
        responses=shown("Configuration"),
    ),
)
