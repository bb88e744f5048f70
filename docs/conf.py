"""Sphinx makes the pages of this folder: ``nox -s docs``."""

from __future__ import annotations

from importlib.metadata import version as installed

project = "albumcore"
author = "the albumcore contributors"
version = release = installed("albumcore")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
