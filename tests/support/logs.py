"""What the service would write of what was logged."""

from __future__ import annotations

import pytest

from albumcore_adapters.base.json_lines import JsonLinesHandler


def written(caplog: pytest.LogCaptureFixture) -> str:
    """The lines of all records of ours so far."""
    lines = JsonLinesHandler()
    ours = [
        one for one in caplog.records if one.name.startswith(("albumcore", "albumcore_adapters"))
    ]
    return "\n".join(map(lines.format, ours))
