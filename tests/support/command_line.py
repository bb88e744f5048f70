"""The type of what runs a command of albumcore in this process."""

from __future__ import annotations

from collections.abc import Callable

Run = Callable[..., tuple[int, str, str]]
"""Runs a command; returns its status, standard output and standard error."""
