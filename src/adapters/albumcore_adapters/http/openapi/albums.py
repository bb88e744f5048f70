"""The operations on albums, studies, comments and inboxes (Kheops API 3 to 7, 9 and 12)."""

from __future__ import annotations

from collections.abc import Mapping

from albumcore_adapters.http.openapi.common import (
    ADDED,
    COMMENT,
    DONE,
    FLAGS,
    FROM,
    IN,
    IN_ONE,
    JSON,
    LENT,
    OK,
    PAGE,
    PAGE_OF_SOME,
    dicom,
    in_place,
    listed,
    shown,
)
from albumcore_adapters.http.openapi.parts import (
    TEXT,
    Answer,
    Field,
    Operation,
    Schema,
    array,
    one_of,
    ref,
    text,
)
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC, MUTATIONS, UID
from albumcore_adapters.http.openapi.values import (
    DAY_OR_MOMENT,
    DAYS,
    DAYS_OR_NONE,
    NAMED,
    PLAIN,
    TIMES_OR_NONE,
    USER,
    WORD,
    any_case,
)


def _sorts(*names: str) -> Schema:
    return one_of(*(sign + name for name in names for sign in ("", "-")))


OPERATIONS: Mapping[tuple[str, str], Operation] = {
    # Albums
    ("GET", "/albums"): Operation(
        "List the albums that the caller is a member of.",
        listed("Album"),
        {
            **PAGE_OF_SOME,
            "name": Field(TEXT, "The whole name in any case; * stands for anything."),
            "fuzzymatching": Field(WORD, "Names that sound alike will do."),
            "modality": Field(TEXT, "A modality that the album holds a series of."),
            "created_time": Field(DAYS),
            "last_event_time": Field(DAYS),
            "favorite": Field(WORD, "true: one's favourites only."),
            "canAddSeries": Field(WORD, "true: those one may add series to."),
            "canCreateCapabilityToken": Field(WORD, "true: those one is an admin of."),
            "sort": Field(
                _sorts(
                    "created_time",
                    "last_event_time",
                    "name",
                    "number_of_users",
                    "number_of_studies",
                    "number_of_comments",
                ),
                "A hyphen before it: descending.",
            ),
        },
    ),
    ("POST", "/albums"): Operation(
        "Create an album.",
        shown("Album", 201),
        form={
            "name": Field(text(1, 255, **NAMED), required=True),
            "description": Field(text(0, 2048, **PLAIN)),
            **FLAGS,
        },
    ),
    ("GET", "/albums/{album}"): Operation(
        "Show an album; to a token that is for it alone, in brief.",
        {200: Answer("The album.", {JSON: {"oneOf": [ref("Album"), ref("AlbumInBrief")]}})},
        {"includeUsers": Field(WORD, "true: with its members.")},
    ),
    ("PATCH", "/albums/{album}"): Operation(
        "Change what the form holds of an album.",
        shown("Album"),
        form={
            "name": Field(text(1, 255, **NAMED)),
            "description": Field(text(0, 2048, **PLAIN)),
            **FLAGS,
            "notificationNewSeries": Field(WORD),
            "notificationNewComment": Field(WORD),
        },
    ),
    ("DELETE", "/albums/{album}"): Operation("Delete an album for everybody.", DONE),
    # Studies and series in albums
    ("PUT", "/studies/{study}/albums/{album}"): Operation(
        "Add a study to an album.", ADDED, FROM, LENT
    ),
    ("DELETE", "/studies/{study}/albums/{album}"): Operation("Take a study out of an album.", DONE),
    ("PUT", "/studies/{study}/series/{series}/albums/{album}"): Operation(
        "Add a series to an album.", ADDED, headers=LENT
    ),
    ("DELETE", "/studies/{study}/series/{series}/albums/{album}"): Operation(
        "Take a series out of an album.", DONE
    ),
    # Members
    ("GET", "/albums/{album}/users"): Operation("List the members.", listed("Member"), PAGE),
    ("PUT", "/albums/{album}/users/{user}"): Operation("Add a member.", ADDED),
    ("DELETE", "/albums/{album}/users/{user}"): Operation("Remove a member, or leave.", DONE),
    ("PUT", "/albums/{album}/users/{user}/admin"): Operation("Add an admin, or promote.", DONE),
    ("DELETE", "/albums/{album}/users/{user}/admin"): Operation("Demote an admin.", DONE),
    # Favourites
    ("PUT", "/albums/{album}/favorites"): Operation("Make an album one's favourite.", DONE),
    ("DELETE", "/albums/{album}/favorites"): Operation("Undo that.", DONE),
    ("PUT", "/studies/{study}/favorites"): Operation("Make a study a favourite.", DONE, IN_ONE),
    ("DELETE", "/studies/{study}/favorites"): Operation("Undo that.", DONE, IN_ONE),
    ("PUT", "/studies/{study}/series/{series}/favorites"): Operation(
        "Make a series a favourite.", DONE, IN_ONE
    ),
    ("DELETE", "/studies/{study}/series/{series}/favorites"): Operation("Undo that.", DONE, IN_ONE),
    # Events and comments
    ("GET", "/albums/{album}/events"): Operation(
        "List what happened in an album, newest first. Filters apply to mutations alone.",
        listed("Event"),
        {
            **PAGE,
            "types": Field(one_of("comments", "mutations"), "Both when left out.", repeated=True),
            "type": Field(one_of(*MUTATIONS), repeated=True),
            "family": Field(
                any_case("WEBHOOKS", "SENDING", "USERS", "REPORT_PROVIDER"), repeated=True
            ),
            "user": Field(USER, "Who did it, or to whom.", repeated=True),
            "studies": Field(UID, repeated=True),
            "series": Field(UID, repeated=True),
            "reportProvider": Field(ALPHANUMERIC, repeated=True),
            "capabilityToken": Field(ALPHANUMERIC, repeated=True),
            "startDate": Field(DAY_OR_MOMENT, "Included."),
            "endDate": Field(DAY_OR_MOMENT, "Included; a day to its end."),
        },
    ),
    ("POST", "/albums/{album}/comments"): Operation("Post a comment.", DONE, form=COMMENT),
    ("GET", "/studies/{study}/comments"): Operation(
        "List the comments on a study, newest first.", listed("Comment"), PAGE
    ),
    ("POST", "/studies/{study}/comments"): Operation(
        "Post a comment on a study.", DONE, form=COMMENT
    ),
    # Inboxes, sending, uploads through tokens
    ("GET", "/inboxinfo"): Operation("Tell what is in the caller's inbox.", shown("Contents")),
    ("PUT", "/studies/{study}"): Operation(
        "Take a study into the inbox, or into the token's album.",
        ADDED,
        {"album": Field(ALPHANUMERIC, "The album it is taken from, if nothing is lent.")},
        LENT,
    ),
    ("DELETE", "/studies/{study}"): Operation(
        "Take a study out of the inbox, or out of the token's album.", DONE
    ),
    ("PUT", "/studies/{study}/series/{series}"): Operation(
        "Take a series into the inbox, or into the token's album.", ADDED, headers=LENT
    ),
    ("DELETE", "/studies/{study}/series/{series}"): Operation(
        "Take a series out of the inbox, or out of the token's album.", DONE
    ),
    ("PUT", "/studies/{study}/users/{user}"): Operation(
        "Send a study to somebody's inbox.", ADDED, FROM
    ),
    ("PUT", "/studies/{study}/series/{series}/users/{user}"): Operation(
        "Send a series to somebody's inbox.", ADDED
    ),
    # The study list
    ("GET", "/studies"): Operation(
        "List studies. Attributes are filters, by keyword or by tag.",
        dicom(),
        {
            **PAGE_OF_SOME,
            **in_place(Field(any_case("true"), "true: favourites only.")),
            "StudyDate": Field(DAYS_OR_NONE),
            "StudyTime": Field(TIMES_OR_NONE),
            "StudyInstanceUID": Field(UID, "One of these.", repeated=True),
            **{
                name: Field(TEXT)
                for name in (
                    "AccessionNumber",
                    "ModalitiesInStudy",
                    "ReferringPhysicianName",
                    "PatientName",
                    "PatientID",
                    "StudyID",
                    "StudyDescription",
                )
            },
            "sort": Field(
                _sorts(
                    "StudyDate",
                    "StudyTime",
                    "AccessionNumber",
                    "ReferringPhysicianName",
                    "PatientName",
                    "PatientID",
                    "StudyInstanceUID",
                    "StudyID",
                ),
                "A hyphen before it: descending, as by StudyDate when it is left out.",
            ),
            "fuzzymatching": Field(WORD, "Names of persons that sound alike will do."),
            "includefield": Field(
                TEXT,
                "favorite (in an album or the inbox), comments, StudyDescription; others in vain.",
                repeated=True,
            ),
        },
    ),
    ("GET", "/studies/{study}/series"): Operation(
        "List the series of a study.",
        dicom(),
        {
            **PAGE,
            **in_place(Field(WORD, "true: favourites only; any other text: all but those.")),
            **{
                name: Field(TEXT)
                for name in (
                    "Modality",
                    "SeriesDescription",
                    "BodyPartExamined",
                    "SeriesInstanceUID",
                    "SeriesNumber",
                )
            },
            "sort": Field(
                _sorts(
                    "SeriesNumber",
                    "Modality",
                    "SeriesInstanceUID",
                    "NumberOfSeriesRelatedInstances",
                ),
                "A hyphen before it: descending.",
            ),
            "fuzzymatching": Field(WORD, "Passed over: series have no names of persons."),
            "includefield": Field(TEXT, "favorite (in an album or the inbox).", repeated=True),
        },
    ),
    ("GET", "/studies/{study}/metadata"): Operation(
        "Show the headers of the instances of a study.", dicom(paged=False), IN
    ),
    ("POST", "/studies/{study}/fetch"): Operation("Have the headers of a study read anew.", OK),
    ("POST", "/studies/{study}/series/fetch"): Operation(
        "Have the headers of some series read anew.",
        OK,
        form={
            "SeriesInstanceUID": Field({**array(UID), "minItems": 1}, required=True),
            "album": Field(ALPHANUMERIC),
        },
    ),
}
