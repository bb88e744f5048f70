"""Blocks of Python in the pages run, page by page, after what a page takes for granted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from blocks import PAGES, ROOT, Block, blocks_of

_STORE = """
from datetime import UTC, datetime
from albumcore import *
from albumcore.past import difference
times = iter(datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 32))
store = open_memory(clock=lambda: next(times))
alice = Source(UserId("alice"))
album_id_text = AlbumId("Cases00001")
cases = album_stream(album_id_text)
store.handle(cases, create_album, alice, "Cases")
for number in range(11):
    store.handle(cases, add_member, alice, UserId(f"user{number}"))
"""

GRANTED: Mapping[str, tuple[str, str]] = {
    "docs/how-to/download-with-python.md": (
        """
import shutil
from unittest.mock import create_autospec
import pydicom
from dicomweb_client import DICOMwebClient
from pydicom.data import get_testdata_file
shutil.copy(get_testdata_file("CT_small.dcm"), "image.dcm")
token, made = "a token", create_autospec(DICOMwebClient, instance=True)
DICOMwebClient = create_autospec(DICOMwebClient, return_value=made)
""",
        "assert len(client.store_instances.call_args.args[0]) == 1",
    ),
    "docs/how-to/export-for-research.md": (
        """
import hmac, sys
from pathlib import Path
import duckdb, pandas, polars
from albumcore_adapters.cli import main
from support.documented import fill

fill(Path("albumcore"))
key_file = Path("research.key")
key_file.write_bytes(bytes(range(32)))
key_file.chmod(0o600)
for what, form in (("feed", "parquet"), ("images", "csv")):
    sys.argv = ["albumcore", "export", "--what", what, "--format", form, "--data", "albumcore"]
    sys.argv += ["--key-file", "research.key", "--out", f"{what}.{form}"]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code
""",
        """
assert per_type["ADD_USER"] == 1
assert dict(per_user.iter_rows())[alice] == 1 and comments.height == 6
[(_, entries, latest)] = studies
assert entries == 1 and latest.utcoffset().total_seconds() == 0
assert len(images) == 2 and str(images["recorded_at"].dt.tz) == "UTC"
""",
    ),
    "docs/how-to/follow-an-album.md": (
        """
import json, time
from collections.abc import Iterator
import httpx

answers = iter([
    httpx.Response(200, text='id: c1\\ndata: {"comment": "Look"}\\n\\n'),
    httpx.Response(503, headers={"Retry-After": "0"}),
    httpx.Response(200, json=[{"comment": "Again"}], headers={"X-Next-Cursor": "c2"}),
])
client = httpx.Client(
    transport=httpx.MockTransport(lambda request: next(answers)), base_url="http://service"
)
album, cursor, handled = "Cases00001", "c0", []
handle = handled.append
""",
        """
assert (handled, cursor) == ([{"comment": "Look"}], "c1")
assert next(follow(client, album, cursor)) == {"comment": "Again"}
""",
    ),
    "docs/how-to/look-at-the-past.md": (
        f"""{_STORE}
album_id, alice = album_id_text, UserId("alice")
noon = datetime(2026, 3, 14, 12, tzinfo=UTC)
before, after = (store.load(cases, version=version) for version in (2, 12))
""",
        "assert len(album.members) == 12 and len(page.entries) == 12 and changed",
    ),
    "docs/how-to/receive-webhooks.md": (
        """
import base64, hashlib, hmac, json
from datetime import UTC, datetime
from standardwebhooks import Webhook
secret, body = "a secret of the album's webhook", b'{"event": "new_user"}'
signer, now = Webhook(base64.b64encode(secret.encode()).decode()), datetime.now(UTC)
headers = {
    "webhook-id": "1",
    "webhook-timestamp": str(int(now.timestamp())),
    "webhook-signature": signer.sign("1", now, body.decode()),
    "X-Kheops-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
}
""",
        "assert message == json.loads(body) and is_genuine",
    ),
    "docs/how-to/retry-safely.md": (
        f"{_STORE}\nfrom hashlib import sha256\n",
        """
failures = iter([httpx.ReadError("gone"), httpx.Response(503), httpx.Response(204)])
keys = []

def answer(request):
    keys.append(request.headers["Idempotency-Key"])
    found = next(failures)
    if isinstance(found, Exception):
        raise found
    return found

time.sleep = lambda seconds: None
with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://service") as client:
    assert post_once(client, "/albums").status_code == 204
assert len(keys) == 3 and len(set(keys)) == 1
""",
    ),
    "docs/how-to/test-your-projection.md": (
        """
from hypothesis import HealthCheck, settings
slow = [HealthCheck.too_slow]
settings.register_profile("few", max_examples=10, deadline=None, suppress_health_check=slow)
settings.load_profile("few")

class MyCount:
    value = 0

    def see(self, recorded):
        self.value += 1

def key_of(study_uid):
    return f"study {study_uid}"
""",
        "test_my_count_never_goes_below_zero()\ntest_a_key_of_my_cache_names_the_study()",
    ),
    "docs/how-to/write-a-follower.md": (
        "",
        """
from threading import Event
from own_projection import WhereStudiesAre
from albumcore import AlbumId, Source, UserId, album_stream, create_album, open_memory

class Once(Event):
    def wait(self, seconds):
        return self.is_set() or self.set()

with open_memory() as store:
    store.handle(album_stream(AlbumId("a1")), create_album, Source(UserId("alice")), "Knees")
    projection = WhereStudiesAre()
    run(projection, store, Once())
    assert projection.position == 1
""",
    ),
}
"""Of each page, what its Python has before it, and what must hold after it."""

ELSEWHERE = {
    "README.md": "tests/test_examples.py",
    "docs/tutorial/first-album.md": "tests/test_examples.py",
    "docs/reference/library.md": "tests/test_public.py",
    **{
        f"docs/how-to/add-a-{thing}.md": "tests/test_how_to.py"
        for thing in ("column", "filter", "mutation", "route")
    },
}
"""Pages whose Python another module runs."""


def python_of(page: Path) -> list[Block]:
    """The blocks of Python of a page, but pieces of files, which tests/test_how_to.py compares."""
    return [one for one in blocks_of(page) if one.language == "python" and one.file is None]


@pytest.mark.parametrize("name", GRANTED)
def test_the_python_of_a_page_runs(name: str, tmp_path: Path) -> None:
    """From its first block to its last, in one process, where a warning is an error."""
    before, after = GRANTED[name]
    code = "\n".join((before, *(block.code for block in python_of(ROOT / name)), after))
    path = [
        ROOT / "examples",
        ROOT / "tests",
        ROOT / "docs",
        *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)),
    ]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_python_of_every_page_is_run() -> None:
    """Here or by another module, which names the page."""
    pages = {str(page.relative_to(ROOT)) for page in PAGES if python_of(page)}
    assert pages == {*GRANTED, *ELSEWHERE} - {"docs/how-to/add-a-route.md"}
    for page, module in ELSEWHERE.items():
        text = (ROOT / module).read_text(encoding="utf-8")
        assert Path(page).name in text or "add-a-*.md" in text
