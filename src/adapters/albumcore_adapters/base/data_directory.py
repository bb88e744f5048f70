"""The layout of a data directory: the names of what the service makes in it."""

from __future__ import annotations

DATABASE_FILE = "albumcore.sqlite"
"""The SQLite database, unless the settings name a PostgreSQL one."""

BLOBS_DIRECTORY = "blobs"
"""The directory of the image bytes, unless the settings name another place for them."""

SECRET_FILE = "secret"  # noqa: S105 - the name of a file
"""The secret that signing keys are derived from, unless the settings name another file."""

ERASURES_FILE = "erasures.jsonl"
"""The list of erasures, which a backup from before one of them is restored with; it is there once there is one."""

OPENED_FILE = "open.html"
"""What leads the browser to the demo; it is there while a service runs that was asked to open it."""

DEMO_FILE = "demo.json"
"""The ids that the demo made; it is there once the demo has been filled in."""
