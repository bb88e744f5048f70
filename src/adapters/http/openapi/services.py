"""The operations on report providers, tokens, webhooks, users and the service (Kheops API 1, 8, 10, 11, 13)."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.http.openapi.common import (
    DONE,
    JSON,
    MOMENT,
    OK,
    PAGE,
    USER,
    WEBHOOK_EVENT,
    listed,
    shown,
)
from adapters.http.openapi.parts import (
    FLAG,
    TEXT,
    Answer,
    Field,
    Operation,
    array,
    one_of,
    ref,
    text,
)
from adapters.http.openapi.schemas import ALPHANUMERIC, UID

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    # Report providers
    ("POST", "/albums/{album}/reportproviders"): Operation(
        "Let a report provider in.",
        shown("ReportProvider", 201),
        form={
            "name": Field(text(1, 1024), required=True),
            "url": Field(text(1, 1024), "Where it describes itself.", required=True),
        },
    ),
    ("GET", "/albums/{album}/reportproviders"): Operation(
        "List the report providers.", listed("ReportProvider"), PAGE
    ),
    ("GET", "/albums/{album}/reportproviders/{client}"): Operation(
        "Show a report provider.", shown("ReportProvider")
    ),
    ("PATCH", "/albums/{album}/reportproviders/{client}"): Operation(
        "Rename a report provider, or move its address.",
        shown("ReportProvider"),
        form={"name": Field(text(0, 1024)), "url": Field(text(0, 1024))},
    ),
    ("DELETE", "/albums/{album}/reportproviders/{client}"): Operation(
        "Turn a report provider away.", DONE
    ),
    ("POST", "/reportproviders/metadata"): Operation(
        "Check how a report provider describes itself.",
        shown("ProviderMetadata"),
        form={"url": Field(TEXT, required=True)},
    ),
    # Capability tokens
    ("POST", "/capabilities"): Operation(
        "Make a capability token; its secret is shown this once.",
        shown("CapabilityToken", 201),
        form={
            "title": Field(text(1, 255), required=True),
            "scope_type": Field(TEXT, "user or album", required=True),
            "album": Field(ALPHANUMERIC),
            "read_permission": Field(FLAG),
            "write_permission": Field(FLAG),
            "download_permission": Field(FLAG),
            "appropriate_permission": Field(FLAG),
            "expiration_time": Field(MOMENT),
            "not_before_time": Field(MOMENT),
        },
    ),
    ("GET", "/capabilities"): Operation(
        "List one's own tokens, or those of an album.",
        listed("CapabilityToken"),
        {
            **PAGE,
            "valid": Field(FLAG, "true: neither revoked nor expired."),
            "album": Field(ALPHANUMERIC),
            "user": Field(USER, "Who made them; with an album."),
        },
    ),
    ("GET", "/capabilities/{capability}"): Operation(
        "Show a capability token.", shown("CapabilityToken")
    ),
    ("POST", "/capabilities/{capability}/revoke"): Operation(
        "Take a capability token back.", shown("CapabilityToken")
    ),
    # Webhooks
    ("POST", "/albums/{album}/webhooks"): Operation(
        "Have an address told of events.",
        shown("Webhook", 201),
        form={
            "url": Field(text(1, 1024), required=True),
            "name": Field(text(1, 255), required=True),
            "secret": Field(text(1, 1024)),
            "event": Field(WEBHOOK_EVENT, repeated=True),
            "enabled": Field(FLAG),
        },
    ),
    ("GET", "/albums/{album}/webhooks"): Operation(
        "List the webhooks.", listed("Webhook"), {**PAGE, "url": Field(TEXT)}
    ),
    ("GET", "/albums/{album}/webhooks/{webhook}"): Operation(
        "Show a webhook, and when it was triggered.", shown("Webhook"), PAGE
    ),
    ("PATCH", "/albums/{album}/webhooks/{webhook}"): Operation(
        "Change a webhook.",
        shown("Webhook"),
        form={
            "url": Field(text(1, 1024)),
            "name": Field(text(1, 255)),
            "secret": Field(text(0, 1024), "Empty: none from now on."),
            "enabled": Field(FLAG),
            "event": Field(WEBHOOK_EVENT, "Instead of those there are.", repeated=True),
            "add_event": Field(WEBHOOK_EVENT, repeated=True),
            "remove_event": Field(WEBHOOK_EVENT, repeated=True),
        },
    ),
    ("DELETE", "/albums/{album}/webhooks/{webhook}"): Operation("Take a webhook away.", DONE),
    ("POST", "/albums/{album}/webhooks/{webhook}/trigger"): Operation(
        "Trigger a webhook by hand.",
        {202: Answer("It will be told.")},
        form={
            "event": Field(one_of("new_series", "new_user"), required=True),
            "StudyInstanceUID": Field(UID),
            "SeriesInstanceUID": Field(UID, repeated=True),
            "user": Field(USER),
        },
    ),
    # Users, probes, metrics
    ("GET", "/users"): Operation(
        "Find users: one by reference, or some by what they are called.",
        {
            200: Answer(
                "One user, or a list.",
                {JSON: {"oneOf": [ref("KnownUser"), array(ref("KnownUser"))]}},
            ),
            204: Answer("Nobody was found."),
        },
        {
            **PAGE,
            "reference": Field(TEXT),
            "search": Field(TEXT),
            "album": Field(ALPHANUMERIC, "Search among its members."),
            "studyInstanceUID": Field(UID, "Search among those who see it."),
        },
    ),
    ("GET", "/liveness"): Operation("Whether the process is there.", OK),
    ("GET", "/readiness"): Operation("Whether the database answers.", OK),
    ("GET", "/metrics"): Operation("How much there is of what.", shown("Metrics")),
    # Tokens
    ("POST", "/register"): Operation(
        "Make oneself known, by a token of the identity provider.",
        {200: Answer("Who one is here.", {JSON: ref("Person")})},
        form={"access_token": Field(TEXT, required=True)},
    ),
    ("GET", "/userinfo"): Operation("Tell a report provider who its user is.", shown("Person")),
    ("POST", "/token"): Operation(
        "Exchange a code or a token for another (RFC 6749, RFC 8693).",
        {
            200: Answer("The token.", {JSON: ref("Token")}),
            400: Answer("Why there is none.", {JSON: ref("TokenError")}),
            401: Answer("Why there is none.", {JSON: ref("TokenError")}),
        },
        form={"grant_type": Field(TEXT, required=True)},
    ),
    ("POST", "/token/introspect"): Operation(
        "Tell what a token is worth (RFC 7662).",
        shown("Introspection"),
        form={"token": Field(TEXT)},
        errors=(401,),
    ),
    ("POST", "/report"): Operation(
        "Start a report: a page that leads to the report provider.",
        {200: Answer("The page.", {"text/html": TEXT})},
        form={
            "access_token": Field(TEXT, required=True),
            "client_id": Field(TEXT, required=True),
            "studyUID": Field(UID, required=True, repeated=True),
        },
        errors=(401, 403, 404, 502),
    ),
    ("GET", "/.well-known/report-provider-configuration"): Operation(
        "Tell report providers where what is.", shown("Configuration")
    ),
}
