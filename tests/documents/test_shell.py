"""Blocks of shell in the pages do what the pages say, on a machine that is a folder."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import evolve

from albumcore_adapters.base.settings import Settings
from blocks import PAGES, Block, blocks_of
from support.documented import STAND_INS, Machine, fill, machine, remove_both
from support.store_form import make_store

SHELL = [block for page in PAGES for block in blocks_of(page) if block.language == "sh"]

FOLLOWED = "docs/how-to/add-a-"
"""Pages that `tests/test_how_to.py` follows in a copy of the tree, commands included."""

_POSTGRES = (
    "it needs a server of PostgreSQL of this name; tests/store and tests/adapters/transfer have one"
)
_ORTHANC = (
    "it needs an Orthanc that has the study; tests/adapters/pacs drives one, where it is installed"
)
EXEMPT: Mapping[str, str] = {
    ".venv/bin/pip install --upgrade pip": "it runs the tests, of which this is one",
    "python -m benchmarks.sealed": "it measures for minutes",
    "createdb albumcore_restored": _POSTGRES,
    "createdb albumcore_copy": _POSTGRES,
    "albumcore copy --from sqlite:///srv/albumcore --to postgresql": _POSTGRES,
    "ALBUMCORE_DATABASE='postgresql://albumcore@db.example/albumcore?sslmode": _POSTGRES,
    "albumcore fetch": "it needs an archive that has the study; tests/adapters/pacs has one",
    "pip install '.[service,s3]'": "it serves from a bucket; tests/adapters/blobs has one",
    "curl http://localhost:8042": _ORTHANC,
}
"""Blocks that are not run, by their beginning, each with the reason. Their syntax is checked all the same."""

REFUSED: Mapping[str, tuple[int, str]] = {
    "ALBUMCORE_KEEP_AT_LEAST=": (2, "2036-03-02"),
}
"""Blocks that the page says are refused, by their beginning: the status, and what the message has."""

BACKUP = "albumcore backup /backup/2026-03-14"
RESEARCH_KEY = "(umask 077; head -c 32 /dev/urandom > /srv/research.key)"
CURSOR = """\
CURSOR=$(curl -o /dev/null -w '%header{x-next-cursor}' \\
    -H "Authorization: Bearer $TOKEN" "$SERVICE/albums/$ALBUM/events?limit=0")
curl -H "Authorization: Bearer $TOKEN" -d comment=Look "$SERVICE/albums/$ALBUM/comments"
"""
"""The cursor is read, and a comment comes after it, so that nothing is waited for."""
BEFORE: Mapping[str, str] = {
    'curl -sD - -H "Authorization: Bearer $TOKEN" "$SERVICE/albums/$ALBUM/events?after=$CURSOR': CURSOR,
    "albumcore export --what feed --format parquet": RESEARCH_KEY,
    "albumcore export --what feed --format csv --key-file": RESEARCH_KEY,
    "albumcore doctor --data": BACKUP,
    "tar -C /backup/2026-03-14": BACKUP,
    "albumcore restore /backup/2026-03-14 --data /tmp/looked-at": BACKUP,
    "albumcore verify --read-only --data /mnt/backup": "cp -r /srv/albumcore /mnt/backup",
}
"""What was done before a block, by its beginning."""

WHOLE: Mapping[str, str] = {
    "README.md": """
ALBUM=$(grep -oE 'albums/[A-Za-z0-9]+' "$BOX/served" | head -n 1 | cut -d / -f 2)
JWT=$(grep -oE 'Bearer [^ ]+' "$BOX/served" | head -n 1 | cut -d ' ' -f 2 | tr -d "'")
POST_DATE=$(python -c 'import datetime as d; print(d.date.today() - d.timedelta(7))')T12:00:00
""",
    "docs/tutorial/shared-album.md": "",
}
"""Pages whose blocks are run as one, and what a reader has read after the first."""

BLOCKS = [block for block in SHELL if not block.page.startswith(FOLLOWED)]


def begins(table: Mapping[str, object], block: Block) -> str | None:
    """The key of a table that a block begins with."""
    return next((key for key in table if block.code.startswith(key)), None)


Filled = tuple[Path, Mapping[str, str]]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """The store of the pages, and the variables of their commands."""
    data = tmp_path_factory.mktemp("documented") / "albumcore"
    return data, fill(data)


@pytest.fixture
def prepared(filled: Filled, tmp_path: Path, request: pytest.FixtureRequest) -> Machine:
    """A machine with a copy of the store; it is in clear where a page seals it, and has removed what is restored."""
    data, variables = filled
    found = machine(tmp_path / "box", **variables)
    store = found.box / "srv" / "albumcore"
    shutil.copytree(data, store)
    shutil.copy(data.parent / "one.dcm", found.box / "media" / "cdrom")
    block = request.node.callspec.params["block"]
    if "copy --seal" in block.code:
        shutil.rmtree(store)
        make_store(Settings(data=store), sealed=False)
    if "restore-image" in block.code:
        remove_both(store)
        return evolve(found, environment={**found.environment, "TOKEN": variables["TSCHARTS"]})
    return found


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if begins(EXEMPT, block) is None and block.page not in WHOLE],
    ids=lambda block: block.name,
)
def test_a_block_does_what_it_says(block: Block, prepared: Machine) -> None:
    """It ends with success, or is refused where the page says so."""
    before = begins(BEFORE, block)
    code = f"{BEFORE[before]}\n{block.code}" if before else block.code
    if "curl" in code and "serve" not in code:
        code = f"albumcore serve > /dev/null\n{code}"
    done = prepared.run(code)
    refused = begins(REFUSED, block)
    status, said = REFUSED[refused] if refused else (0, "")
    assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
    assert said in done.stderr


@pytest.mark.on_sqlite
@pytest.mark.parametrize("page", WHOLE)
def test_a_page_does_what_it_says(page: str, filled: Filled, tmp_path: Path) -> None:
    """From its first block to its last, in one shell, in a directory where nothing is yet."""
    _, variables = filled
    first, *others = [block.code for block in BLOCKS if block.page == page]
    done = machine(tmp_path / "box", **variables).run("\n".join((first, WHOLE[page], *others)))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.name)
def test_the_syntax_is_that_of_bash(block: Block) -> None:
    """Also where a block cannot be run."""
    done = subprocess.run(
        ["bash", "-n"], input=block.code, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_what_is_exempt_is_there_and_has_a_reason() -> None:
    """A block that is not there any more is not exempt, nor a program that no page names."""
    for table in (EXEMPT, REFUSED, BEFORE):
        assert all(any(block.code.startswith(key) for block in BLOCKS) for key in table)
    assert all(len(reason) > 20 for reason in (*EXEMPT.values(), *STAND_INS.values()))
