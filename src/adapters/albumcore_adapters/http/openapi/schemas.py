"""Schemas of the bodies of responses, by name."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import fields

from albumcore.feed import MUTATIONS
from albumcore_adapters.directory.patients import Patient
from albumcore_adapters.http.openapi.specs import (
    COUNT,
    FLAG,
    INTEGER,
    TEXT,
    Schema,
    array,
    closed_object,
    one_of,
    ref,
    text,
)

LOCAL_TIME: Schema = text(
    pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?$", description="UTC, without a zone"
)
UTC_TIME: Schema = text(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$")
UID: Schema = text(1, 64, pattern=r"^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*$")
ALPHANUMERIC: Schema = text(1, 64, pattern="^[A-Za-z0-9]+$")
CURSOR: Schema = text(43, 43, pattern="^[A-Za-z0-9_-]+$")

DAY: Schema = text(pattern=r"^\d{1,2}/\d{1,2}/\d{4}$", description="MM/DD/YYYY")
GENDER: Schema = one_of("Male", "Female")
PATIENT: Mapping[str, Schema] = {
    **{field.name: TEXT for field in fields(Patient)},
    "dob": DAY,
    "gender": GENDER,
    "oldid": INTEGER,
}
"""The fields of a patient, without the id."""
IMAGE_TYPE: Schema = one_of("Xray", "Headshot", "Audiogram", "Surgery")

_PERSON = {"email": TEXT, "name": TEXT}
_CONTENTS = {
    "modalities": array(TEXT),
    "number_of_studies": COUNT,
    "number_of_series": COUNT,
    "number_of_instances": COUNT,
}
_FLAGS = dict.fromkeys(
    ("add_user", "download_series", "send_series", "delete_series", "add_series", "write_comments"),
    FLAG,
)
_SERIES = closed_object({"UID": UID}, {"description": TEXT})
_PROVIDER = closed_object(
    {"name": TEXT, "is_removed": FLAG}, {"id": ALPHANUMERIC, "client_id": ALPHANUMERIC}
)
_IN_EVENT = {"can_access": FLAG}
_WEBHOOK_EVENT = one_of("new_series", "remove_series", "new_user", "delete_album")
_HISTOGRAM = {
    "users_in_album_histogram": array(closed_object({"nb_users": COUNT, "nb_albums": COUNT})),
    "series_in_album_histogram": array(closed_object({"nb_series": COUNT, "nb_albums": COUNT})),
    "series_in_study_histogram": array(closed_object({"nb_series": COUNT, "nb_studies": COUNT})),
}
_WEBHOOK = {
    "id": ALPHANUMERIC,
    "url": TEXT,
    "name": text(1, 255),
    "use_secret": FLAG,
    "events": array(_WEBHOOK_EVENT),
    "enabled": FLAG,
    "number_of_triggers": COUNT,
}
_TRIGGERED_SERIES = closed_object({"series_uid": UID}, {"retrieve_url": TEXT})

_VERSIONS = {"version": COUNT, "undoes": COUNT, "cursor": CURSOR}

SCHEMAS: Mapping[str, Schema] = {
    "Error": closed_object(
        {"message": TEXT, "detail": TEXT, "help": TEXT},
        {"version": COUNT, "mutation_type": one_of(*MUTATIONS)},
    ),
    "Person": closed_object({"sub": TEXT}, _PERSON),
    "Member": closed_object({"sub": TEXT, "is_admin": FLAG}, _PERSON),
    "Album": closed_object(
        {
            "album_id": ALPHANUMERIC,
            "name": text(1, 255),
            "description": text(0, 2048),
            **_CONTENTS,
            "created_time": LOCAL_TIME,
            "last_event_time": LOCAL_TIME,
            "number_of_users": COUNT,
            "number_of_comments": COUNT,
            **_FLAGS,
            "is_favorite": FLAG,
            "notification_new_series": FLAG,
            "notification_new_comment": FLAG,
            "is_admin": FLAG,
        },
        {"users": array(ref("Member"))},
    ),
    "AlbumInBrief": closed_object(
        {
            "album_id": ALPHANUMERIC,
            "name": text(1, 255),
            "description": text(0, 2048),
            **_CONTENTS,
        }
    ),
    "AlbumChanges": closed_object(
        {
            "from": LOCAL_TIME,
            "to": LOCAL_TIME,
            "members": closed_object(
                dict.fromkeys(("added", "removed", "changed"), array(ref("Member")))
            ),
            "studies": closed_object(
                dict.fromkeys(("added", "removed"), array(closed_object({"UID": UID})))
            ),
            "series": closed_object(
                dict.fromkeys(
                    ("added", "removed"),
                    array(closed_object({"UID": UID, "study": closed_object({"UID": UID})})),
                )
            ),
        },
        {
            "name": {**array(text(1, 255)), "minItems": 2, "maxItems": 2},
            "description": {**array(text(0, 2048)), "minItems": 2, "maxItems": 2},
        },
    ),
    "Contents": closed_object(_CONTENTS),
    "Source": closed_object(
        {"sub": TEXT, **_IN_EVENT},
        {
            **_PERSON,
            "is_admin": FLAG,
            "capability_token": closed_object({"id": ALPHANUMERIC, "title": text(1, 255)}),
            "report_provider": _PROVIDER,
        },
    ),
    "Target": closed_object({"sub": TEXT, **_IN_EVENT}, {**_PERSON, "is_admin": FLAG}),
    "Comment": closed_object(
        {
            "event_type": one_of("Comment"),
            "source": ref("Source"),
            "comment": text(1, 1024),
            "post_date": LOCAL_TIME,
            "is_private": FLAG,
        },
        {"target": ref("Target"), **_VERSIONS},
    ),
    "Mutation": closed_object(
        {
            "event_type": one_of("Mutation"),
            "source": ref("Source"),
            "post_date": LOCAL_TIME,
            "mutation_type": one_of(*MUTATIONS),
        },
        {
            "target": ref("Target"),
            "study": closed_object(
                {"UID": UID},
                {
                    "description": TEXT,
                    "series": array(
                        closed_object(
                            {"UID": UID, "is_present_in_album": FLAG}, {"description": TEXT}
                        )
                    ),
                },
            ),
            "series": _SERIES,
            "report_provider": _PROVIDER,
            **_VERSIONS,
        },
    ),
    "Event": {"oneOf": [ref("Comment"), ref("Mutation")]},
    "CapabilityToken": closed_object(
        {
            "id": ALPHANUMERIC,
            "title": text(1, 255),
            "token_type": one_of("Bearer"),
            "issued_at_time": UTC_TIME,
            "not_before_time": UTC_TIME,
            "expiration_time": UTC_TIME,
            "revoked": FLAG,
            "scope_type": one_of("user", "album"),
        },
        {
            "last_used": UTC_TIME,
            "revoke_time": UTC_TIME,
            "read_permission": FLAG,
            "write_permission": FLAG,
            "download_permission": FLAG,
            "appropriate_permission": FLAG,
            "album": closed_object({"album_id": ALPHANUMERIC, "name": text(1, 255)}),
            "created_by": ref("Person"),
            "revoked_by": ref("Person"),
            "access_token": text(22, 22),
            "secret": text(22, 22),
        },
    ),
    "ReportProvider": closed_object(
        {
            "name": text(1, 1024),
            "url": text(1, 1024),
            "client_id": ALPHANUMERIC,
            "created_time": LOCAL_TIME,
        }
    ),
    "ProviderMetadata": {
        "type": "object",
        "required": ["valid"],
        "properties": {"valid": FLAG, "error_description": TEXT},
    },
    "Webhook": closed_object(
        _WEBHOOK,
        {
            "last_triggers": array(
                closed_object({"id": ALPHANUMERIC, "status": one_of("pass", "fail")})
            ),
            "triggers": array(ref("Trigger")),
        },
    ),
    "Trigger": closed_object(
        {"id": ALPHANUMERIC, "is_manual_trigger": FLAG, "event": _WEBHOOK_EVENT},
        {
            "attempts": array(
                closed_object({"status": INTEGER, "time": UTC_TIME, "attempt": INTEGER})
            ),
            "user": ref("Person"),
            "study": closed_object(
                {"study_uid": UID, "series": array(_TRIGGERED_SERIES)}, {"retrieve_url": TEXT}
            ),
        },
    ),
    "KnownUser": closed_object(
        {"sub": TEXT}, {**_PERSON, "is_admin": FLAG, "album_access": FLAG, "study_access": FLAG}
    ),
    "DicomObject": {
        "type": "object",
        "description": "DICOM JSON Model, PS3.18 Annex F",
        # Generators of clients read additionalProperties, and ignore patternProperties.
        "propertyNames": {"pattern": "^[0-9A-F]{8}$"},
        "additionalProperties": {
            "type": "object",
            "required": ["vr"],
            "properties": {"vr": text(2, 2), "Value": array({})},
        },
    },
    "Metrics": {
        "type": "object",
        "properties": {**_HISTOGRAM},
        "required": [*_HISTOGRAM],
        "additionalProperties": COUNT,
    },
    "Token": closed_object(
        {"access_token": TEXT, "token_type": one_of("bearer"), "expires_in": COUNT}, {"scope": TEXT}
    ),
    "TokenError": closed_object({"error": TEXT}, {"error_description": TEXT}),
    "Introspection": {
        "type": "object",
        "required": ["active"],
        "properties": {"active": FLAG, "scope": TEXT, "sub": TEXT},
    },
    "Configuration": {"type": "object", "required": ["issuer"], "properties": {"issuer": TEXT}},
    "Detail": closed_object({"detail": TEXT}),
    "Image": closed_object(
        {
            "id": INTEGER,
            "patient": INTEGER,
            "clinic": {"type": ["integer", "null"]},
            "station": {"type": ["integer", "null"]},
            "type": IMAGE_TYPE,
            "data": TEXT,
        }
    ),
    "ImageEvent": closed_object(
        {
            "event": one_of(
                "image_added",
                "image_removed",
                "image_restored",
                "images_erased",
                "patient_deleted",
                "patient_restored",
            ),
            "time": text(),
            "cursor": CURSOR,
        },
        {
            "image": INTEGER,
            "clinic": {"type": ["integer", "null"]},
            "station": {"type": ["integer", "null"]},
            "type": IMAGE_TYPE,
        },
    ),
    "Made": closed_object({"id": INTEGER}),
    "Clinic": closed_object({"id": INTEGER, "start": DAY, "end": DAY, "location": TEXT}),
    "Station": closed_object({"id": INTEGER, "name": TEXT, "level": INTEGER}),
    "Patient": closed_object({"id": INTEGER, **PATIENT}),
}
