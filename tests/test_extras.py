"""What is installed with which extra: four packages carry the library, and the service says what it lacks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from albumcore_adapters.__main__ import SERVICE

LACKING = """\
import sys
lacking = frozenset({lacking!r})
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in lacking:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Lacking())
{code}
"""
"""A program run as if some modules were not installed."""

SMALL_PROGRAM = """\
from albumcore_adapters.store import open_sqlite
from albumcore import Source, album_stream, create_album
from albumcore.ids import AlbumId, UserId
with open_sqlite("cases.sqlite") as store:
    store.handle(album_stream(AlbumId("Cases00001")), create_album, Source(UserId("alice")), "Cases")
    print(len(store.feed(AlbumId("Cases00001"), None).entries))
"""


@cache
def modules() -> Mapping[str, list[str]]:
    """The distributions that own each top-level module that is installed."""
    return packages_distributions()


def required(extra: str = "") -> list[Requirement]:
    """What the installed package asks for with one extra, or without any."""
    all_of_it = [Requirement(one) for one in requires("albumcore") or ()]
    plain = [one for one in all_of_it if one.marker is None]
    with_it = [one for one in all_of_it if one.marker and one.marker.evaluate({"extra": extra})]
    return with_it if extra else plain


def closure(wanted: list[Requirement]) -> set[str]:
    """The distributions that are installed with these."""
    found: set[str] = set()
    waiting = [(one.name, frozenset(one.extras)) for one in wanted]
    seen = set()
    while waiting:
        name, extras = one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        found.add(canonicalize_name(name))
        for more in map(Requirement, requires(name) or ()):
            environments = [{"extra": extra} for extra in ("", *extras)]
            if more.marker is None or any(map(more.marker.evaluate, environments)):
                waiting.append((more.name, frozenset(more.extras)))
    return found


def run_with(installed: set[str], code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program as if only these distributions were installed, beside our own."""
    there = installed | {"albumcore"}
    lacking = {
        module
        for module, owners in modules().items()
        if there.isdisjoint(map(canonicalize_name, owners))
    }
    assert "falcon" in lacking
    return subprocess.run(
        [sys.executable, "-c", LACKING.format(lacking=lacking, code=code)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_four_packages_carry_the_library() -> None:
    """The metadata of what is installed asks for them alone, unless an extra is named."""
    names = {one.name for one in required()}
    assert names == {"attrs", "cattrs", "eventsourcing", "orjson"}


def test_a_store_works_with_the_four_alone(tmp_path: Path) -> None:
    """It is opened, written and read, with nothing else to be imported."""
    done = run_with(closure(required()), SMALL_PROGRAM, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_a_store_in_postgresql_needs_its_extra_and_no_other(tmp_path: Path) -> None:
    """The service's packages are not needed for it."""
    installed = closure([*required(), *required("postgres")])
    done = run_with(installed, "import albumcore_adapters.store.postgres", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_store_in_postgresql_without_its_extra_names_it(tmp_path: Path) -> None:
    """The error says what to install."""
    code = "from albumcore_adapters.store import open_postgres\nopen_postgres('postgresql:///albumcore')"
    done = run_with(closure(required()), code, tmp_path)
    assert done.returncode == 1
    assert "MissingExtra: PostgreSQL needs more: pip install 'albumcore[postgres]'" in done.stderr


RENDERING = """\
from pathlib import Path
import pydicom.data
from albumcore_adapters.base.byte_source import SourceFile
from albumcore_adapters.dicom.deflated import MAX_INFLATED, BoundedReader
from albumcore_adapters.dicom.errors import CannotDecode
from albumcore_adapters.dicom.headers import read_header
from albumcore_adapters.dicom.pictures import Rendering
from albumcore_adapters.dicom.reading import load_all, rendered_frame
path = Path(pydicom.data.__file__).parent / "test_files" / "CT_small.dcm"
load_all()
def file():
    return BoundedReader(path.open("rb", buffering=0), MAX_INFLATED)
print(read_header(file()).record.series["00080060"]["Value"])
try:
    print(rendered_frame(file(), 1, Rendering()).media_type)
except CannotDecode as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("extras", "expected"),
    [
        (
            ["service"],
            "the packages that decode frames are not installed: pip install 'albumcore[pixels]'",
        ),
        (["service", "pixels"], "image/jpeg"),
    ],
)
def test_frames_are_rendered_with_their_extra(
    extras: list[str], expected: str, tmp_path: Path
) -> None:
    """Headers are read without it."""
    wanted = [one for extra in ("", *extras) for one in required(extra)]
    done = run_with(closure(wanted) - {"falcon"}, RENDERING, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"['CT']\n{expected}\n", "")


EXPORTING = """\
from albumcore_adapters.export.formats import MissingExtra, export_writer
try:
    print(export_writer("parquet").__name__)
except MissingExtra as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("extras", "expected"),
    [
        ([], "Parquet needs more: pip install 'albumcore[export]'"),
        (["export"], "write_parquet"),
    ],
)
def test_parquet_is_written_with_its_extra(
    extras: list[str], expected: str, tmp_path: Path
) -> None:
    """Without it, the error says what to install."""
    wanted = [one for extra in ("", "service", *extras) for one in required(extra)]
    done = run_with(closure(wanted) - {"falcon"}, EXPORTING, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{expected}\n", "")


def test_the_command_without_the_service_names_the_extra(tmp_path: Path) -> None:
    """One line and status 2, as the installed script and as a module."""
    expected = "albumcore: the service needs more: pip install 'albumcore[service]'\n"
    script = "from albumcore_adapters.__main__ import main\nmain()"
    module = "import runpy\nrunpy.run_module('albumcore_adapters', run_name='__main__')"
    for code in (script, module):
        done = run_with(closure(required()), code, tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


def test_a_command_without_a_part_of_the_service_names_the_extra(tmp_path: Path) -> None:
    """It says so where it imports that part, which others may do without."""
    installed = closure([*required(), *required("service")]) - {"falcon"}
    code = (
        "import sys\nfrom albumcore_adapters.__main__ import main\nsys.argv[1:] = ['serve']\nmain()"
    )
    done = run_with(installed, code, tmp_path)
    expected = "albumcore: the service needs more: pip install 'albumcore[service]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


def test_another_missing_module_is_not_laid_to_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A traceback says more then."""
    monkeypatch.setitem(sys.modules, "albumcore_adapters.cli", None)
    from albumcore_adapters.__main__ import main

    with pytest.raises(ModuleNotFoundError, match=r"albumcore_adapters\.cli"):
        main()


def test_the_command_knows_the_modules_of_its_extra() -> None:
    """Each module whose absence it explains is installed by the extra, and each package of the extra has one."""
    owners = {owner for module in SERVICE for owner in modules()[module]}
    assert set(map(canonicalize_name, owners)) == {one.name for one in required("service")}
