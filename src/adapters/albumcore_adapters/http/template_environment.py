"""How templates are read: Jinja2, with every value escaped and every missing one an error."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def template_environment(package: str) -> Environment:
    """The environment of a package with a folder ``templates``; each template is compiled once in a process."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
