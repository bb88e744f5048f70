"""What does not hold yet: each list may only shrink, and is empty in the end."""

MODULE_CIRCLES: tuple[frozenset[str], ...] = ()
"""Modules that import each other in a circle."""

RINGS: frozenset[tuple[str, str]] = frozenset(
    {
        ("service", "http"),
    }
)
"""A room, and one of a ring above it that it imports."""

PACKAGES: frozenset[tuple[str, str]] = frozenset()
"""A room, and a package that it should not know."""

TAKES_THE_WHOLE: frozenset[str] = frozenset(
    {
        "http.health",
        "http.kheops",
        "http.kheops.admission",
        "http.kheops.album_list",
        "http.kheops.album_overview",
        "http.kheops.request",
        "http.tscharts",
        "http.tscharts.accounts",
        "http.tscharts.images",
        "http.tscharts.patients",
        "http.tscharts.records",
        "http.tscharts.resource",
    }
)
"""Modules that know the whole `Service` and should be handed what they use."""

LONG_FUNCTIONS: frozenset[str] = frozenset(
    {
        "server.demo:_album",
        "transfer.backup:back_up",
        "transfer.copy.run:copy_store",
    }
)
"""Functions that are longer than they should be."""

LONG_MODULES: frozenset[str] = frozenset(
    {
        "albumcore_adapters.http.kheops.study_list",
    }
)
"""Modules that are longer than they should be."""

TWO_MEANINGS: frozenset[str] = frozenset(
    {
        "Arguments",
        "COUNT",
        "Claims",
        "Clock",
        "Cursor",
        "DETAILS",
        "Decided",
        "Decision",
        "EVENTS",
        "FILTERS",
        "Factory",
        "Filter",
        "HEADER",
        "HEADERS",
        "ID_LENGTH",
        "Image",
        "JSON",
        "Json",
        "Keep",
        "Kind",
        "LATE",
        "LOCK_SECONDS",
        "MAX_INTEGER",
        "NOTHING",
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
        "STORED",
        "SortKey",
        "Stage",
        "TOKEN",
        "UPSTREAM",
        "Values",
        "Webhooks",
        "alone",
        "check_digest",
        "chosen",
        "digest_of",
        "in_order",
        "key_of",
        "present",
        "record",
        "routes",
    }
)
"""Public names that are defined in two places and mean two things."""
