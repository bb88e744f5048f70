"""The rings, lowest first: a part or room may import its own ring and those below it."""

from __future__ import annotations

from collections.abc import Mapping

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "ids", "json_object", "kernel", "persistent_map", "text", "times"}),
    frozenset({"albums", "user_tokens", "study_comments", "image_sets"}),
    frozenset({"erasures"}),
    frozenset({"feed", "past", "streams", "structuring"}),
    frozenset({"sealing"}),
    frozenset({"codec", "index"}),
    frozenset({"library_api", "state_cache", "verification"}),
    frozenset({"commands"}),
    frozenset({"undoing"}),
    frozenset({"queries"}),
    frozenset({"following", "newest", "opening", "past_images", "past_stops"}),
    frozenset({"testing"}),
)
"""The parts of albumcore."""

PURE = frozenset().union(*LAYERS[:4], {"index"})
"""The parts of albumcore that know no clock, no chance and no system: their arguments decide what they return."""

ROOMS: tuple[frozenset[str], ...] = (
    frozenset({"base"}),
    frozenset({"sql"}),
    frozenset({"store"}),
    frozenset({"directory", "blobs"}),
    frozenset({"identity", "access", "outbound", "webhooks", "dicom"}),
    frozenset({"decoding"}),
    frozenset({"erasure", "instances"}),
    frozenset({"export", "transfer"}),
    frozenset({"service"}),
    frozenset({"doctor", "verification"}),
    frozenset({"http"}),
    frozenset({"server"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
"""The rooms of albumcore_adapters. Each may import albumcore too."""

KNOWN_BY: Mapping[str, frozenset[str]] = {
    "a2wsgi": frozenset({"http"}),
    "argon2": frozenset({"directory"}),
    "cryptography": frozenset({"blobs", "store"}),
    "cyclopts": frozenset({"cli"}),
    "falcon": frozenset({"http"}),
    "gunicorn": frozenset({"server"}),
    "httpcore": frozenset({"outbound"}),
    "httpx": frozenset({"outbound", "identity"}),
    "jinja2": frozenset({"http"}),
    "joserfc": frozenset({"identity"}),
    "markupsafe": frozenset({"http"}),
    "PIL": frozenset({"dicom"}),
    "numpy": frozenset({"dicom"}),
    "obstore": frozenset({"blobs"}),
    "prometheus_client": frozenset({"http"}),
    "psycopg": frozenset({"sql", "store"}),
    "pyarrow": frozenset({"export"}),
    "pybase64": frozenset({"blobs"}),
    "pydicom": frozenset({"dicom", "server"}),
    "python_multipart": frozenset({"base"}),
    "sqlite3": frozenset({"sql", "store", "directory", "transfer", "erasure", "doctor", "cli"}),
    "structlog": frozenset({"base"}),
}
"""Which rooms of the adapters may import a package that is not ours; albumcore imports none of these."""

COMMON = frozenset({"attrs", "cattrs", "eventsourcing", "hypothesis", "orjson", "rich"})
"""Packages that more than a few rooms use."""

EVENT_STORE_LIBRARY = frozenset(
    {
        "albumcore.codec",
        "albumcore.sealing",
        "albumcore.state_cache",
        "albumcore.library_api",
        "albumcore.commands",
        "albumcore.queries",
        "albumcore.following",
        "albumcore_adapters.store",
        "albumcore_adapters.sql",
    }
)
"""Modules and rooms that may import `eventsourcing`: its next release renames much of what is used of it."""

LAZY_CIRCLES = frozenset({("albumcore", "albumcore.testing.types")})
"""Imports inside a function that close a circle: strategies are registered only where Hypothesis is imported."""

WHOLE = ("albumcore_adapters.service", "Service")
"""The module and the name of everything that is open in a process."""

TAKES_THE_WHOLE = frozenset({"service", "verification", "http.app", "http.wsgi"})
"""Modules that may know it, beside those of the rooms `server` and `cli`. All others are handed what they use."""
