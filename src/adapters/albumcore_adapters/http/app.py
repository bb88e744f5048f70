"""The WSGI application: both APIs and the pages over one open service."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import falcon

from albumcore import Albumcore
from albumcore.feed import FeedForm
from albumcore.times import Clock
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.images import ImageAccess
from albumcore_adapters.base.concurrency import ConcurrencyLimit
from albumcore_adapters.base.random_ids import MakeId
from albumcore_adapters.base.request_counts import RequestCounts
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import ImageBytes
from albumcore_adapters.decoding import Decoder
from albumcore_adapters.directory.accounts import Accounts
from albumcore_adapters.directory.album_looks import AlbumLooks
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims
from albumcore_adapters.directory.clinics import Clinics
from albumcore_adapters.directory.patients import Patients
from albumcore_adapters.directory.people import People
from albumcore_adapters.directory.sessions import Sessions
from albumcore_adapters.directory.single_use import SingleUseTokens
from albumcore_adapters.directory.token_last_use import TokenLastUses
from albumcore_adapters.http import tscharts
from albumcore_adapters.http.binding import Components
from albumcore_adapters.http.body import DropsBodies
from albumcore_adapters.http.cors import Cors, HeadAsGet
from albumcore_adapters.http.description import DOCUMENTATION, OpenApi
from albumcore_adapters.http.encoded_slashes import OneLeadingSlash, PlainPaths
from albumcore_adapters.http.errors import Refused, refusing
from albumcore_adapters.http.health import Health
from albumcore_adapters.http.kheops.admission import KheopsApi
from albumcore_adapters.http.kheops.all_routes import routes as kheops_routes
from albumcore_adapters.http.kheops.compat import FORMS
from albumcore_adapters.http.kheops.errors import answer_error
from albumcore_adapters.http.link_paths import LinkPaths, is_through_link
from albumcore_adapters.http.live import Live
from albumcore_adapters.http.ohif_host import OhifHost, is_ohif_host
from albumcore_adapters.http.reference.resource import reference_resources
from albumcore_adapters.http.request_log import RequestLog, log_fault
from albumcore_adapters.http.response_cache import ResponseCache
from albumcore_adapters.http.router import Router, resources
from albumcore_adapters.http.ui.all_routes import page_routes
from albumcore_adapters.http.ui.csrf import CsrfTokens
from albumcore_adapters.http.ui.data import DATA, DataApi
from albumcore_adapters.http.ui.errors import Answerer, error_pages, link_errors, without_dialog
from albumcore_adapters.http.ui.front import Front
from albumcore_adapters.http.ui.link_pages import LinkApi
from albumcore_adapters.http.ui.page_api import PageApi
from albumcore_adapters.http.ui.session import SessionCookies
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.identity.failed_logins import FailedLogins
from albumcore_adapters.identity.oidc import OpenIdConnect
from albumcore_adapters.instances.fetching import SeriesFetcher
from albumcore_adapters.instances.reading import InstanceReader
from albumcore_adapters.instances.received import InstanceStore
from albumcore_adapters.outbound import Outbound
from albumcore_adapters.service import Service
from albumcore_adapters.sql.database import Database
from albumcore_adapters.webhooks import Outbox

_RETRY_SECONDS = 5  # after which a request that was not let wait may try again

_TSCHARTS, _PAGES, _OHIF, _LINKS = "/tscharts/", "/ui/", "/ohif/", "/link/"


def create_app(service: Service) -> falcon.App[falcon.Request, falcon.Response]:
    """Compose the application: every route of both APIs and every page, errors in the form of where they belong."""
    settings = service.settings
    kheops_api = KheopsApi(service.database, service.auth)
    documentation = (settings.kheops_prefix or "") + DOCUMENTATION
    found = components(service)
    cookies: SessionCookies = found[SessionCookies]  # type: ignore[assignment]
    pages = PageApi(service.database, cookies, CsrfTokens(service.secret))
    links = LinkApi(service.database, cookies, pages.csrf)
    data = DataApi(service.database, service.auth, cookies=cookies)
    prefix = settings.kheops_prefix
    rows = (*tscharts.routes_of(settings.compat), *tscharts.OTHER_ROUTES)
    routes = (
        *kheops_routes(kheops_api, prefix, found),
        *resources(tscharts.TSChartsApi(service.accounts), rows, found),
        *page_routes(pages, links, data, prefix, found),
        ("/", Front()),
        ("/healthz", Health(service.albums, service.database)),
        *((path, OpenApi(settings)) for path in sorted({DOCUMENTATION, documentation})),
        *reference_resources(settings),
    )
    # The pages have the same form of errors under a prefix.
    prefixes = ("", *([prefix] if prefix else ()))
    of_pages = tuple(f"{one}{_PAGES}" for one in prefixes)
    of_ohif = tuple(f"{one}{_OHIF}" for one in prefixes)
    of_data = tuple(f"{one}data/" for one in of_pages)
    of_links = tuple(f"{one}{_LINKS}" for one in prefixes)
    elsewhere = (_TSCHARTS, *of_pages, *of_ohif)
    origin = settings.ohif_url
    middleware: list[Any] = [
        RequestLog(service.requests),
        OneLeadingSlash(),
        *([] if origin is None else [OhifHost(origin, *of_ohif, *of_data)]),
        LinkPaths(prefix, *elsewhere),
        PlainPaths(path for path, _ in routes),
        Cors(*elsewhere, *of_links),
        HeadAsGet(),
        DropsBodies(),
    ]
    app = falcon.App(middleware=middleware, router=Router())
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.keep_blank_qs_values = True
    app.req_options.auto_parse_qs_csv = False
    for path, resource in routes:
        app.add_route(path, resource)
    app.add_sink(refusing(tscharts.no_route(service.accounts)), "/tscharts/")
    # Falcon has a handler of its own for HTTPError, and the most specific one wins.
    as_json = partial(answer_error, settings.root + documentation)
    answerers: dict[str, Answerer] = {
        **dict.fromkeys(of_data, without_dialog(as_json)),
        **dict.fromkeys((*of_pages, *of_ohif), error_pages(pages)),
        **dict.fromkeys(of_links, link_errors(links, as_json)),
        _TSCHARTS: tscharts.answer_error,
        "": as_json,
    }
    app.add_error_handler((Exception, falcon.HTTPError), partial(_on_error, answerers))
    return app


def components(service: Service) -> Components:
    """The components that responders can name, by type; those that belong to one application are made here."""
    return {
        Albumcore: service.albums,
        Settings: service.settings,
        Database: service.database,
        ImageBytes: service.image_bytes,
        People: service.people,
        Catalogue: service.catalogue,
        SeriesClaims: service.claims,
        Holdings: service.holdings,
        ImageAccess: service.image_access,
        Decoder: service.decoder,
        InstanceReader: service.instance_reader,
        Authentication: service.auth,
        TokenLastUses: service.token_last_uses,
        SingleUseTokens: service.single_use_tokens,
        Clinics: service.clinics,
        Patients: service.patients,
        Accounts: service.accounts,
        Clock: service.clock,
        MakeId: service.make_id,
        Outbound: service.outbound,
        Outbox: service.outbox,
        InstanceStore: service.instance_store,
        SeriesFetcher: service.series_fetcher,
        RequestCounts: service.requests,
        ResponseCache: ResponseCache(),
        OpenIdConnect | None: service.openid,
        FailedLogins: FailedLogins(service.clock),
        AlbumLooks: AlbumLooks(service.database),
        SessionCookies: SessionCookies(
            *(service.settings, Sessions(service.database), service.auth),
            *(service.accounts, service.clock),
        ),
        FeedForm: FORMS[service.settings.compat],
        Live: Live(service.log_watch, service.cursors, _waiting_limit(service.settings)),
    }


def _waiting_limit(settings: Settings) -> ConcurrencyLimit:
    detail = "too many requests wait for events; try again"
    # Half of them for one user: their requests do not keep those of others from waiting.
    share = -(-settings.max_waiting // 2)
    return ConcurrencyLimit(settings.max_waiting, detail, _RETRY_SECONDS, share=share)


def _on_error(
    answerers: Mapping[str, Answerer],
    req: falcon.Request,
    resp: falcon.Response,
    error: Exception,
    params: Any,
) -> None:
    """Write an error response in the form of the API that the path belongs to."""
    status = 500
    if isinstance(error, falcon.HTTPError):
        status = error.status_code
        for name, value in error.headers.items() if isinstance(error.headers, dict) else ():
            resp.set_header(name, value)
    if isinstance(error, Refused):
        error = error.error
    if status >= 500 and not isinstance(error, falcon.HTTPError):
        log_fault(req, error)
    resp.status = falcon.code_to_http_status(status)
    path = _LINKS if is_through_link(req) else f"{req.path}/"
    if is_ohif_host(req):
        path = f"{DATA}/"  # nothing is there that pages of errors lead to
    answer = next(api for prefix, api in answerers.items() if path.startswith(prefix))
    answer(req, resp, status, error)
