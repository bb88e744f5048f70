"""What does not hold yet: each list may only shrink, and is empty in the end."""

MODULE_CIRCLES: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "albumcore.albums.album",
            "albumcore.albums.events",
            "albumcore.albums.events.life",
            "albumcore.albums.events.providers",
            "albumcore.albums.events.studies",
            "albumcore.albums.events.tokens",
            "albumcore.albums.events.webhooks",
            "albumcore.albums.providers",
            "albumcore.albums.studies",
            "albumcore.albums.tokens",
            "albumcore.albums.webhooks",
        }
    ),
    frozenset({"albumcore.image_sets.events", "albumcore.image_sets.image_set"}),
    frozenset({"albumcore.study_comments.events", "albumcore.study_comments.study_comments"}),
    frozenset({"albumcore.user_tokens.events", "albumcore.user_tokens.user_tokens"}),
)
"""Modules that import each other in a circle."""

RINGS: frozenset[tuple[str, str]] = frozenset(
    {
        ("access", "http"),
        ("access", "service"),
        ("base", "blobs"),
        ("identity", "http"),
        ("identity", "service"),
        ("service", "http"),
        ("store", "directory"),
        ("transfer", "service"),
    }
)
"""A room, and one of a ring above it that it imports."""

PACKAGES: frozenset[tuple[str, str]] = frozenset({("identity", "falcon")})
"""A room, and a package that it should not know."""

TAKES_THE_DEPLOYMENT: frozenset[str] = frozenset(
    {
        "access.albums",
        "access.claims",
        "access.series",
        "http.health",
        "http.kheops",
        "http.kheops.album_list",
        "http.kheops.album_overview",
        "http.kheops.feed_json",
        "http.kheops.reports",
        "http.kheops.request",
        "http.kheops.routing",
        "http.tscharts",
        "http.tscharts.accounts",
        "http.tscharts.images",
        "http.tscharts.patients",
        "http.tscharts.records",
        "http.tscharts.resource",
        "identity.callers",
        "identity.client_assertions",
        "identity.issuing",
        "transfer.backup",
        "transfer.postgres",
        "transfer.sqlite",
    }
)
"""Modules that know the whole `Deployment` and should be handed what they use."""

LONG_FUNCTIONS: frozenset[str] = frozenset(
    {
        "server.demo:_album",
        "service:open_deployment",
        "transfer.copy.run:copy_store",
    }
)

TWO_MEANINGS: frozenset[str] = frozenset(
    [
        "ADDRESS",
        "Answer",
        "Arguments",
        "BATCH",
        "BLOBS",
        "COUNT",
        "Claims",
        "Clock",
        "Cursor",
        "DATABASE",
        "DETAILS",
        "DICOM_JSON",
        "Decided",
        "Decision",
        "EVENTS",
        "FILTERS",
        "FLAGS",
        "FORGOTTEN_AFTER",
        "Factory",
        "Fields",
        "Filter",
        "HEADER",
        "HEADERS",
        "History",
        "ID_LENGTH",
        "IMAGES",
        "Image",
        "JSON",
        "Json",
        "Keep",
        "Kind",
        "LATE",
        "LOCK_SECONDS",
        "Line",
        "MAX_INTEGER",
        "NOTHING",
        "OPERATIONS",
        "Origin",
        "PAGE",
        "Place",
        "READERS",
        "ROOT",
        "Refused",
        "Route",
        "Row",
        "SEARCHED",
        "SIGNED_WITH",
        "STATUSES",
        "STORED",
        "Server",
        "Snapshot",
        "SortKey",
        "Stage",
        "TEXT",
        "TOKEN",
        "UPSTREAM",
        "URL",
        "USER",
        "Values",
        "WAITS",
        "Webhooks",
        "add",
        "alone",
        "as_json",
        "bring",
        "check_digest",
        "chosen",
        "digest_of",
        "drop",
        "in_order",
        "key_of",
        "moment_of",
        "present",
        "record",
        "routes",
        "text",
        "texts",
        "times",
    ]
)
"""Public names that are defined in two places and mean two things."""
