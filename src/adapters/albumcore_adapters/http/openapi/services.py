"""The operations on report providers, tokens, webhooks, users and the service (Kheops API 1, 8, 10, 11, 13)."""

from __future__ import annotations

from collections.abc import Mapping

from albumcore_adapters.http import prometheus
from albumcore_adapters.http.openapi.common import DONE, JSON, OK, PAGE, listed, shown
from albumcore_adapters.http.openapi.parts import (
    TEXT,
    Answer,
    Field,
    Operation,
    Schema,
    array,
    at_most_one,
    exactly_one,
    group,
    one_of,
    ref,
    text,
)
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC, UID
from albumcore_adapters.http.openapi.values import (
    ADDRESS,
    ADDRESS_OR_NONE,
    MOMENT,
    NAMED,
    PLAIN,
    TOKEN,
    TRUE,
    USER,
    WEBHOOK_EVENTS,
    WORD,
    any_case,
)

_PERMISSIONS = ("read", "write", "download", "appropriate")


def _is(name: str, value: Schema) -> Schema:
    """The rule that a field is there, and looks like that."""
    return {"properties": {name: value}, "required": [name]}


_TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
_OF_CODES = ("code", "client_id", "redirect_uri", "client_assertion_type", "client_assertion")
_OF_EXCHANGES = (
    "subject_token",
    "subject_token_type",
    "scope",
    "studyUID",
    "source_type",
    "source_id",
)
_GRANTS_HANG_TOGETHER: Schema = {
    "if": {"anyOf": [_is(f"{name}_permission", TRUE) for name in ("download", "appropriate")]},
    "then": _is("read_permission", TRUE),
}
_SCOPE_HAS_ITS_ALBUM: Schema = {
    "if": _is("scope_type", any_case("album")),
    "then": _is("album", text(1)),
}
_TOLD_BY_HAND: Schema = {
    "anyOf": [
        {
            **_is("event", any_case("new_series")),
            "required": ["StudyInstanceUID", "SeriesInstanceUID"],
            "not": {"required": ["user"]},
        },
        {
            **_is("event", any_case("new_user")),
            "required": ["user"],
            "not": {"anyOf": [{"required": [f"{one}InstanceUID"]} for one in ("Study", "Series")]},
        },
    ]
}

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    # Report providers
    ("POST", "/albums/{album}/reportproviders"): Operation(
        "Let a report provider in.",
        shown("ReportProvider", 201),
        form={
            "name": Field(text(1, 1024, **PLAIN), required=True),
            "url": Field(ADDRESS, "Where it describes itself; it is asked there.", required=True),
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
        form={
            "name": Field(text(0, 1024, **PLAIN), "Empty: as it is."),
            "url": Field(ADDRESS_OR_NONE, "It is asked there."),
        },
    ),
    ("DELETE", "/albums/{album}/reportproviders/{client}"): Operation(
        "Turn a report provider away.", DONE
    ),
    ("POST", "/reportproviders/metadata"): Operation(
        "Check how a report provider describes itself.",
        shown("ProviderMetadata"),
        form={"url": Field(text(1), required=True)},
    ),
    # Capability tokens
    ("POST", "/capabilities"): Operation(
        "Make a capability token; its secret is shown this once.",
        shown("CapabilityToken", 201),
        form={
            "title": Field(text(1, 255, **PLAIN), required=True),
            "scope_type": Field(any_case("user", "album"), required=True),
            "album": Field(TEXT, "With scope_type album alone; it is needed then."),
            **{f"{name}_permission": Field(WORD) for name in _PERMISSIONS},
            "expiration_time": Field(MOMENT),
            "not_before_time": Field(MOMENT),
        },
        form_rules=(_SCOPE_HAS_ITS_ALBUM, _GRANTS_HANG_TOGETHER),
    ),
    ("GET", "/capabilities"): Operation(
        "List one's own tokens, or those of an album.",
        listed("CapabilityToken"),
        {
            **PAGE,
            "valid": Field(WORD, "true: neither revoked nor expired."),
            "of": group(
                {
                    "album": Field(ALPHANUMERIC),
                    "user": Field(USER, "Who made them; with an album."),
                },
                {"dependentRequired": {"user": ["album"]}},
            ),
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
            "url": Field(ADDRESS, required=True),
            "name": Field(text(1, 255, **NAMED), required=True),
            "secret": Field(text(1, 1024, **PLAIN)),
            "event": Field(WEBHOOK_EVENTS),
            "enabled": Field(WORD, "true when it is left out."),
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
            "url": Field(ADDRESS),
            "name": Field(text(1, 255, **NAMED)),
            "secret": Field(text(0, 1024, **PLAIN), "Empty: none from now on."),
            "enabled": Field(WORD),
            "event": Field(WEBHOOK_EVENTS, "Instead of those there are."),
            "add_event": Field(WEBHOOK_EVENTS),
            "remove_event": Field(WEBHOOK_EVENTS),
        },
        form_rules=(at_most_one("event", "add_event"), at_most_one("event", "remove_event")),
    ),
    ("DELETE", "/albums/{album}/webhooks/{webhook}"): Operation("Take a webhook away.", DONE),
    ("POST", "/albums/{album}/webhooks/{webhook}/trigger"): Operation(
        "Trigger a webhook by hand.",
        {202: Answer("It will be told.")},
        form={
            "event": Field(any_case("new_series", "new_user"), required=True),
            "StudyInstanceUID": Field(UID, "With new_series alone."),
            "SeriesInstanceUID": Field({**array(UID), "minItems": 1}, "With new_series alone."),
            "user": Field(USER, "With new_user alone."),
        },
        form_rules=(_TOLD_BY_HAND,),
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
            "who": group(
                {
                    "reference": Field(TEXT, "A sub, or an e-mail address."),
                    "search": Field(text(3), "Part of a name or an address."),
                    "album": Field(ALPHANUMERIC, "Search among its members."),
                    "studyInstanceUID": Field(UID, "Search among those who see it."),
                },
                exactly_one("reference", "search"),
                required=True,
            ),
        },
    ),
    ("GET", "/liveness"): Operation("Whether the process is there.", OK),
    ("GET", "/readiness"): Operation("Whether the database answers.", OK),
    ("GET", "/metrics"): Operation(
        "How much there is of what; for Prometheus, also what was answered.",
        {
            200: Answer(
                "The metrics.",
                {JSON: ref("Metrics"), prometheus.OPENMETRICS: TEXT, prometheus.TEXT: TEXT},
            )
        },
    ),
    # Tokens
    ("POST", "/register"): Operation(
        "Make oneself known, by a token of the identity provider.",
        {200: Answer("Who one is here.", {JSON: ref("Person")})},
        form={"access_token": Field(TOKEN, "A JWT.", required=True)},
    ),
    ("GET", "/userinfo"): Operation("Tell a report provider who its user is.", shown("Person")),
    ("POST", "/token"): Operation(
        "Exchange a code or a token for another (RFC 6749, RFC 8693).",
        {
            200: Answer("The token.", {JSON: ref("Token")}),
            400: Answer("Why there is none.", {JSON: ref("TokenError")}),
            401: Answer("Why there is none.", {JSON: ref("TokenError")}),
        },
        form={
            "grant_type": Field(one_of("authorization_code", _TOKEN_EXCHANGE), required=True),
            **{name: Field(TEXT) for name in _OF_CODES},
            **{name: Field(TEXT) for name in _OF_EXCHANGES},
        },
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
            "access_token": Field(text(1), required=True),
            "client_id": Field(TEXT, required=True),
            "studyUID": Field({**array(UID), "minItems": 1}, required=True),
        },
        errors=(401, 403, 404, 502),
    ),
    ("GET", "/.well-known/report-provider-configuration"): Operation(
        "Tell report providers where what is.", shown("Configuration")
    ),
}
