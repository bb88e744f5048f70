"""What the requests to the album API are made of: mostly sound, sometimes not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from support.kheops import ALICE, BOB, CAROL, DAVE, NOBODY, email_of

PEOPLE = (ALICE, BOB, CAROL, DAVE)
EMAILS: Mapping[str, str] = {
    sub: f"{number}.{email_of(sub)}" for number, sub in enumerate(reversed(PEOPLE))
}
"""In another order than that of their subs."""

# What is known of series before anything happens: study, modality, description, instances, and whose inbox has it.
SERIES: Mapping[str, tuple[str, str, str | None, int, tuple[str, ...]]] = {
    "1.2.3.1": ("1.2.3", "CT", "Thorax", 2, (ALICE,)),
    "1.2.3.2": ("1.2.3", "MR", None, 1, (ALICE, BOB)),
    "1.2.4.1": ("1.2.4", "US", "Heart", 3, (BOB,)),
    "1.2.4.2": ("1.2.4", "CT", None, 1, ()),
}
NEW = [("1.2.3", "1.2.3.8"), ("1.2.3", "1.2.3.9"), ("1.2.4", "1.2.4.9"), ("1.2.4", "1.2.3.9")]
UIDS = [*((study, uid) for uid, (study, *_) in SERIES.items()), *NEW]
WRONG_UIDS = [("1.2.4", "1.2.3.1"), ("1.2.9", "1.2.9.9"), ("1.02", "1.2.3.1"), ("1.2.3", "x")]


def mostly(usual: list[Any], seldom: list[Any], share: int) -> st.SearchStrategy[Any]:
    """One of the usual values, and one time in so many one of the others."""
    return st.integers(1, share * 4).flatmap(
        lambda number: st.sampled_from(usual if number <= share * 4 - 4 else seldom)
    )


NUMBERS = st.integers(0, 7)
OTHERS = [("token",), ("token",), ("provider",), ("user", NOBODY), ("nobody",), ("garbage",)]
"""Who asks beside users: there is little that most of them may do."""

ASKERS = mostly([("user", one) for one in (ALICE, ALICE, ALICE, BOB, BOB, CAROL, DAVE)], OTHERS, 7)
MANAGERS = mostly(
    [("user", one) for one in (ALICE, ALICE, ALICE, CAROL)],
    [*OTHERS, ("user", DAVE), ("user", BOB)],
    4,
)
"""More often those who may do what admins do."""

BRINGERS = mostly(
    [("user", ALICE), ("user", BOB), ("token",)], [("provider",), ("user", DAVE), ("garbage",)], 3
)
"""More often those who bring and fetch series: tokens and report providers."""

OF_ALBUM = mostly([0, 0, 0, 1], [2], 20)
USERS = mostly(
    [*PEOPLE, *PEOPLE, *EMAILS.values(), EMAILS[BOB].upper()],
    [NOBODY, "nobody@example.org", "SUB-ALICE"],
    10,
)
TO = st.one_of(st.none(), st.sampled_from([BOB, DAVE, EMAILS[DAVE]]), USERS)
PAIRS = mostly([*UIDS[:2], *UIDS], WRONG_UIDS, 14)
FLAGS = st.sampled_from(["true", "true", "TRUE", "false", "no"])
NAMES = mostly(["Heart", "Lungs ", "Brain", "Heart of 2026"], ["", "  ", "x" * 256], 8)
TEXTS = mostly(["", " About hearts", "é" * 2048], ["x" * 2049], 8)
COMMENTS = mostly(["Well seen", " ", "two\nlines", "é" * 1024], ["", "x" * 1025], 8)
TITLES = mostly(["Referrer", "Ünï"], ["", "x" * 256], 10)
GRANTS = st.sampled_from(
    ["", "read", "write", "read write", "read appropriate", "read write download appropriate"] * 2
    + ["download", "write appropriate"]
)
PAGES = mostly(
    [{}, {}, {"limit": "2"}, {"offset": "1"}, {"limit": "1", "offset": "1"}],
    [{"limit": "-1"}, {"offset": "x"}, {"limit": ""}],
    12,
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def few(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Up to two of these fields."""
    names = st.lists(st.sampled_from(sorted(fields)), max_size=2, unique=True)
    return names.flatmap(lambda some: st.fixed_dictionaries({one: fields[one] for one in some}))


EDITS = some(
    name=NAMES,
    description=TEXTS,
    addUser=FLAGS,
    sendSeries=FLAGS,
    deleteSeries=FLAGS,
    addSeries=FLAGS,
    writeComments=FLAGS,
    downloadSeries=FLAGS,
)
OWN_EDITS = some(notificationNewSeries=FLAGS, notificationNewComment=FLAGS)
SORTS = (
    "created_time",
    "last_event_time",
    "name",
    *(f"number_of_{one}" for one in ("users", "studies", "comments")),
)
LISTS = few(
    name=st.sampled_from(["heart", "*heart*", "lu*", "*S", "%"]),
    modality=st.sampled_from(["CT", "mr", "XX"]),
    favorite=FLAGS,
    canAddSeries=FLAGS,
    canCreateCapabilityToken=FLAGS,
    sort=mostly(
        [sign + key for sign in ("", "-") for key in SORTS],
        ["size", ""],
        12,
    ),
)
TYPES = mostly(
    ["CREATE_ALBUM", "ADD_USER", "IMPORT_SERIES", "IMPORT_STUDY", "ADD_FAV", "CREATE_WEBHOOK"],
    ["NEW_REPORT", "add_user", "Comment"],
    6,
)
FAMILIES = mostly(["WEBHOOKS", "sending", "Users", "REPORT_PROVIDER"], ["ALL"], 10)
DATES = mostly(
    ["2026-03-01", "2026-03-02", "2026-03-01 12:02:00", "2026-03-01 12:05:00"],
    ["2026-02-30", "yesterday"],
    8,
)
FILTERS = few(
    type=st.lists(TYPES, min_size=1, max_size=2),
    family=st.lists(FAMILIES, min_size=1, max_size=2),
    user=st.lists(USERS, min_size=1, max_size=2),
    studies=mostly(["1.2.3", "1.2.4"], ["1.2.9"], 10),
    series=mostly(list(SERIES), ["1.2.9.9"], 10),
    startDate=DATES,
    endDate=DATES,
)
BOTH = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["CREATE_ALBUM", "IMPORT_SERIES", "CREATE_WEBHOOK"]),
        "family": st.sampled_from(["USERS", "sending", "report_provider"]),
    }
)
KINDS = st.sampled_from(
    [
        [],
        ["mutations"],
        ["comments"],
        ["mutations"],
        ["mutations"],
        ["comments", "mutations"],
        ["comments,mutations"],
    ]
)
HOOKS = mostly(["http://h.example/a", "https://h.example/b"], ["ftp://h.example/", "", "h"], 10)
HOOK_EVENTS = mostly(
    [["new_series"], ["New_User", "delete_album"], ["remove_series", "remove_series"], [""]],
    [["new_album"], ["", "new_user"]],
    8,
)
HOOK_EDITS = some(
    name=NAMES,
    url=HOOKS,
    secret=st.sampled_from(["", "hush", "é" * 1024]),
    event=HOOK_EVENTS,
    enabled=FLAGS,
)
HOOK_LISTS = st.fixed_dictionaries(
    {"remove_event": mostly([["new_user"], ["Remove_Series", "new_user"]], [[""], ["all"]], 8)},
    optional={"add_event": HOOK_EVENTS, "event": HOOK_EVENTS, "enabled": FLAGS},
)

# Routes, and where things are taken from

PUT_DELETE = st.sampled_from(["PUT", "PUT", "DELETE"])
CHANGES = st.sampled_from(
    [("PUT", ""), ("PUT", "/admin"), ("PUT", "/admin"), ("DELETE", "/admin"), ("DELETE", "")]
)
STUDY_TARGETS = st.sampled_from(["/albums/{album}"] * 3 + ["", "", "/users/{user}"])
SOURCES = mostly(
    ["album", "inbox", "inbox", "lent"], ["", "album inbox", "album lent", "lent by a user"], 6
)
LENDING = mostly(["", "", "", "lent"], ["lent by a user"], 10)
ABOUT = st.sampled_from(["/albums/{album}", "/albums/{album}", "/studies/1.2.3", "/studies/1.2.4"])
PROVIDER_PATHS = mostly(["/a", "/b"], ["/none"], 8)
PROVIDER_NAMES = mostly(["Quill", "Scribe", ""], ["x" * 1025], 8)
SCOPES = mostly(["album", "Album", "user"], ["", "all"], 12)
LIVES = mostly(
    [
        {},
        {},
        {},
        {"expiration_time": "2026-03-02T00:00:00Z"},
        {"not_before_time": "2026-03-01T18:00:00+02:00"},
        {"not_before_time": "2026-04-01T00:00:00+00:00"},
    ],
    [{"expiration_time": "tomorrow"}],
    10,
)
TRIES: Mapping[str, tuple[str, str, dict[str, str], dict[str, str] | None]] = {
    "addUser": ("PUT", f"/albums/{{album}}/users/{DAVE}", {}, None),
    "addSeries": ("PUT", "/studies/1.2.3/favorites", {"album": "{album}"}, None),
    "deleteSeries": ("DELETE", "/studies/1.2.3/series/1.2.3.1/albums/{album}", {}, None),
    "sendSeries": ("PUT", "/studies/1.2.3/users/sub-carol", {"album": "{album}"}, None),
    "writeComments": ("POST", "/albums/{album}/comments", {}, {"comment": "Seen"}),
    "downloadSeries": ("GET", "/studies/1.2.3/comments", {}, None),
}
"""What shows whether a member flag is on, or what a token may do: method, path, query and form."""

MOMENTS = mostly(
    ["at", "at", "at", "version"],
    [
        {"at": "yesterday"},
        {"at": ""},
        {"at": "2026-02-30T12:00:00Z"},
        {"at": "2026-03-01"},
        {"at": "0001-01-01T00:00:00+01:00"},
        {"at": "2999-01-01T00:00:00Z"},
        {"version": "0"},
        {"version": "-1"},
        {"version": "x"},
        {"version": "99999"},
        {"version": "99999999999999999999"},
        {"at": "2026-03-01T12:00:00", "version": "1"},
    ],
    6,
)
"""A moment of what happened, by its time or version; or what is none."""

TIME_FORMS = st.sampled_from(
    ["{}", "{}", "{}Z", "{}+00:00", "{}.000000Z", "{}.5", "{}.999999999Z", "{}-01:00"]
)
"""How a time is written."""

TRIGGERS = mostly(
    [
        {"event": "new_user", "user": BOB},
        {"event": "NEW_USER", "user": EMAILS[DAVE]},
        {"event": "new_series", "StudyInstanceUID": "1.2.3", "SeriesInstanceUID": ["1.2.3.1"]},
    ],
    [
        {"event": "delete_album"},
        {"event": "new_user", "user": NOBODY},
        {"event": "new_series", "StudyInstanceUID": "1.2.3"},
        {"event": "new_series", "StudyInstanceUID": "x", "SeriesInstanceUID": "1.2.3.1"},
        {},
    ],
    5,
)
READS = st.sampled_from(
    [
        "/albums/{album}",
        "/albums/{album}/users",
        "/albums/{album}/reportproviders",
        "/albums/{album}/webhooks",
        "/studies/1.2.3/comments",
        "/studies/1.2.4/comments",
        "/capabilities",
        "/capabilities",
        "/inboxinfo",
    ]
)
