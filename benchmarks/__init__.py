"""Measures of speed and scale, each a ratio of two things measured side by side in one run: ``nox -s bench``."""
