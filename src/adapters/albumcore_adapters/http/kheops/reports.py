"""A report is started: the user's browser is sent to a report provider, with a code or a token (Kheops API 8.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import falcon
from attrs import frozen

from albumcore import Albumcore, Permission, album_stream
from albumcore.albums import ReportProvider
from albumcore.errors import Forbidden, Invalid, ReportProviderNotFound, StudyNotFound
from albumcore.ids import AlbumId, CapabilityTokenId, ReportProviderId, StudyUID, is_uid
from albumcore.index import MemberRow, ProviderRow
from albumcore_adapters.access.albums import may
from albumcore_adapters.access.series import series_in_album
from albumcore_adapters.http.kheops.common import NOTHING, shown
from albumcore_adapters.http.kheops.params import Fields
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.kheops.responses import answer_nothing
from albumcore_adapters.http.openapi.parts import TEXT, ParameterSpec, ResponseSpec, array, text
from albumcore_adapters.http.openapi.schemas import UID
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.callers import Caller, caller_of
from albumcore_adapters.identity.capability_secrets import capability_with, digest_of, is_secret
from albumcore_adapters.identity.claims import MAX_TOKEN
from albumcore_adapters.identity.service_tokens import (
    READ,
    REPORT_TOKEN,
    WRITE,
    Report,
    report_code,
    report_token,
)
from albumcore_adapters.outbound import Metadata, check_metadata

CONFIGURATION = "/.well-known/report-provider-configuration"

NUMBER_LENGTH = 22

HEADERS: Mapping[str, str] = {
    # The page holds a token: nobody keeps it, nobody frames it, and it loads nothing.
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@frozen
class Found:
    """A report provider that was not removed, and the album that it is of."""

    client_id: ReportProviderId
    album: AlbumId
    provider: ReportProvider


def provider_named(albums: Albumcore, client_id: str) -> Found | None:
    """The report provider of this id, unless it was removed."""
    name = ReportProviderId(client_id)
    for row in albums.index.rows(ProviderRow, {"provider_id": client_id}):
        album = AlbumId(row.album_id)
        provider = albums.load(album_stream(album)).report_providers.get(name)
        if provider is not None and not provider.is_removed:
            return Found(name, album, provider)
    return None


def start(request: ApiRequest) -> None:
    """Send the browser to the provider; what it is asked to do comes with it.

    Raises:
        Invalid: a field is missing, or the provider is not good at this moment.
        Unauthorized: the token is not good.
        Forbidden: it does not act as a user, or the user is no member of the provider's album.
        ReportProviderNotFound, StudyNotFound: no such provider; a study is not in its album.
    """
    form = request.form()
    token = form.text("access_token")
    if not token:
        raise Invalid("access_token", "it is needed")
    caller = caller_of(request.service.auth, token)
    found, studies = _checked(request, caller, form)
    metadata = check_metadata(request.service.outbound, found.provider.url)
    if not metadata.valid:
        raise Invalid("client_id", f"the provider is not good. {metadata.error_description}")
    report = Report(
        caller.user,
        found.client_id,
        studies,
        (READ, WRITE) if metadata.response_type == "code" else _scope(request, caller, found),
        _through(request, token),
    )
    address = _address(request, found.album, report, metadata)
    answer_nothing(request.resp, 200)
    request.resp.set_headers(HEADERS)
    request.resp.content_type = falcon.MEDIA_HTML
    request.resp.text = PAGE.format(name=escape(found.provider.name), address=escape(address))


def _checked(
    request: ApiRequest, caller: Caller, form: Fields
) -> tuple[Found, tuple[StudyUID, ...]]:
    """The provider and the studies of the form, if the caller may have a report on them."""
    if not caller.acts_as_user:
        raise Forbidden("a report is started by a user, or a capability token that acts as one")
    studies = tuple(StudyUID(uid) for uid in dict.fromkeys(form.texts("studyUID")))
    if not studies or not all(map(is_uid, studies)):
        raise Invalid("studyUID", "the UID of at least one study is needed, and nothing but UIDs")
    found = provider_named(request.service.albums, form.text("client_id") or "")
    if found is None:
        raise ReportProviderNotFound("there is no such report provider")
    member = {"album_id": found.album, "sub": caller.user}
    if not request.service.albums.index.rows(MemberRow, member):
        raise Forbidden("you are not a member of the album of the report provider")
    if not all(
        series_in_album(request.service.albums.index, found.album, study) for study in studies
    ):
        raise StudyNotFound("one of the studies is not in the album of the report provider")
    return found, studies


def _scope(request: ApiRequest, caller: Caller, found: Found) -> tuple[str, ...]:
    service = request.service
    adds = may(service.albums, caller, found.album, Permission.ADD_SERIES, service.clock())
    return (READ, WRITE) if adds else (READ,)


def _through(request: ApiRequest, token: str) -> CapabilityTokenId | None:
    if not is_secret(token):
        return None
    found = capability_with(request.service.auth, {"digest": digest_of(token)})
    return None if found is None else found.token_id


def _address(request: ApiRequest, album: AlbumId, report: Report, metadata: Metadata) -> str:
    """Where the browser is sent: to where the provider itself says now, and nowhere else."""
    service, at = request.service, request.service.clock()
    target = metadata.redirect_uri
    assert target is not None
    to_all = [
        ("client_id", report.client_id),
        ("conf_uri", base_of(request) + CONFIGURATION),
        ("return_uri", f"{service.settings.root}/albums/{album}"),
        *(("studyUID", study) for study in report.studies),
    ]
    parts = urlsplit(target)
    if metadata.response_type == "code":
        number = service.make_id(NUMBER_LENGTH)
        code = _short(report_code(service.auth.issuer, report, target, number, at))
        query = "&".join(filter(None, (parts.query, _encoded([("code", code), *to_all]))))
        return urlunsplit(parts._replace(query=query, fragment=""))
    told = [
        ("access_token", _short(report_token(service.auth.issuer, report, at))),
        ("token_type", "bearer"),
        ("expires_in", str(REPORT_TOKEN.seconds)),
        ("scope", " ".join(report.scope)),
        *to_all,
    ]
    return urlunsplit(parts._replace(fragment=_encoded(told)))


def _encoded(told: Sequence[tuple[str, str]]) -> str:
    return urlencode(told, quote_via=quote)


def _short(token: str) -> str:
    if len(token) > MAX_TOKEN:
        raise Invalid("studyUID", "these are too many studies for one report")
    return token


PAGE = """\
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


def configuration(request: ApiRequest) -> None:
    """Describe the service to report providers."""
    settings = request.service.settings
    base = base_of(request)
    request.answer(
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


def base_of(request: ApiRequest) -> str:
    """Where clients reach the routes of this API, without a slash at its end."""
    settings = request.service.settings
    return settings.root + (settings.kheops_prefix or "")


ROUTES = (
    Route(
        "POST",
        "/report",
        start,
        summary="Start a report: a page that leads to the report provider.",
        callers=Callers.ANYBODY,
        needs="a token in the form, of a member of the provider's album",
        form={
            "access_token": ParameterSpec(text(1), required=True),
            "client_id": ParameterSpec(TEXT, required=True),
            "studyUID": ParameterSpec({**array(UID), "minItems": 1}, required=True),
        },
        responses={200: ResponseSpec("The page.", {"text/html": TEXT})},
        errors=(401, 403, 404, 502),
    ),
    Route(
        "GET",
        "/.well-known/report-provider-configuration",
        configuration,
        summary="Tell report providers where what is.",
        callers=Callers.ANYBODY,
        needs=NOTHING,
        responses=shown("Configuration"),
    ),
)
