"""What does not hold yet: each list may only shrink, and is empty in the end."""

MODULE_CIRCLES: tuple[frozenset[str], ...] = ()
"""Modules that import each other in a circle."""

RINGS: frozenset[tuple[str, str]] = frozenset()
"""A room, and one of a ring above it that it imports."""

PACKAGES: frozenset[tuple[str, str]] = frozenset()
"""A room, and a package that it should not know."""

TAKES_THE_WHOLE: frozenset[str] = frozenset()
"""Modules that know the whole `Service` and should be handed what they use."""

LONG_FUNCTIONS: frozenset[str] = frozenset()
"""Functions that are longer than they should be."""

LONG_MODULES: frozenset[str] = frozenset()
"""Modules that are longer than they should be."""

TWO_MEANINGS: frozenset[str] = frozenset()
"""Public names that are defined in two places and mean two things."""

PRIVATE_WORDS: frozenset[str] = frozenset(
    {
        "albumcore_adapters.http.tscharts.patients",
        "albumcore_adapters.http.tscharts.resource",
    }
)
"""Modules whose prose has private words."""

PAGES_WITH_PRIVATE_WORDS: frozenset[str] = frozenset()
"""Pages whose prose has private words."""
