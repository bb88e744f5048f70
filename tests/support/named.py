"""The name of every request of a test, so that equal answers are equal to the last header."""

from __future__ import annotations

from collections.abc import Mapping

NAMED: Mapping[str, str] = {"X-Request-Id": "of-the-test"}
