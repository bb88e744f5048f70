"""What has to hold before a change lands. `nox` runs every session that is on by default; `nox -s tests` runs one."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|venv"  # uv makes in seconds what pip makes in a minute
nox.options.error_on_external_run = True
nox.needs_version = ">=2024.10.9"

PYTHON_SOURCES = ("src", "tests", "benchmarks", "examples", "docs", "noxfile.py")
CORE_COVERAGE = "100"
ADAPTERS_COVERAGE = "95"
ON_POSTGRES = (
    *("tests/contract", "tests/adapters/kheops", "tests/adapters/tscharts"),
    *("tests/property/test_album_machine.py", "tests/property/test_image_set_machine.py"),
    *("tests/property/test_study_comments_machine.py", "tests/property/test_http_machine.py"),
)

DEEP = (
    *("tests/property", "tests/service", "tests/store"),
    *("tests/adapters/transfer", "tests/adapters/test_verification.py", "tests/test_examples.py"),
    "tests/browser/test_large_album.py",
)
"""Where the tests are that last longer in the deep run: those of properties, and those that ask `at_length`."""
LONG = (
    *("tests/test_how_to.py", "tests/property", "tests/service"),
    *("tests/documents", "tests/test_examples.py"),
)
"""Properties and state machines, kills and load of real servers, and what the documents have a reader do. The session
`long` runs them, and `tests` leaves them out: each line that they reach, a test of a single rule reaches."""
OF_THE_LIBRARY = ("tests/unit", "tests/property")
BUILT_DOCS = "src/adapters/albumcore_adapters/built_docs"
"""Where the session `docs` makes the site; a wheel that is built afterwards has it."""
ARCH = "tests/arch"
"""Tests that read the source and import nothing of it. The session `arch` runs them, and `tests` leaves them out."""
BROWSER = "tests/browser"
"""Tests in a real browser. The session `browser` runs them, and `tests` leaves them out."""


# A file's tests stay together: some share what is costly to make; the longest files come first, as tests/conftest.py
# has them. A test that hangs fails, and names itself.
PARALLEL = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "--timeout", "600")
# Of these tests one file takes most of the time: each worker has half of it.
IN_THE_BROWSER = ("-n", "2", "--dist", "worksteal", "--timeout", "600")
MEMORY = "/dev/shm"  # noqa: S108
ROOM = 6 * 1024**3  # bytes


@contextmanager
def quick_files() -> Iterator[dict[str, str | None]]:
    """Have temporary files in memory, where that has room: some tests wait for the disk most of their time.

    And have bytecode written: pytest compiles tests in a way of its own, which takes a quarter of a minute.
    """
    env: dict[str, str | None] = {"PYTHONDONTWRITEBYTECODE": None}
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
        yield env
        return
    with tempfile.TemporaryDirectory(
        prefix="albumcore-", dir=MEMORY, ignore_cleanup_errors=True
    ) as own:
        os.chmod(own, 0o755)  # noqa: S103 - PostgreSQL's files are of another user
        yield env | {"TMPDIR": own}


@nox.session
def lint(session: nox.Session) -> None:
    """Style, docstrings, and the traps that ruff knows."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "format", "--check", *PYTHON_SOURCES)
    session.run("ruff", "check", *PYTHON_SOURCES)


@nox.session
def arch(session: nox.Session) -> None:
    """The rings, the names and the sizes of modules: read from the source, which nothing has to be installed for."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "arch"))
    session.run("pytest", "-q", f"--confcutdir={ARCH}", *(session.posargs or [ARCH]))


@nox.session
def types(session: nox.Session) -> None:
    """Strict types, for the tests and the examples too: they are how an embedding project writes. For macOS as well."""
    groups = nox.project.dependency_groups(PYPROJECT, "typing", "tests", "browser", "bench", "docs")
    session.install("-e", ".[service]", *groups)
    scripts = ("docs", "noxfile.py")
    both_cores = {"MYPY_NUM_WORKERS": "2"}  # older versions take one
    session.run("mypy", "src", "tests", "benchmarks", "examples", *scripts, env=both_cores)
    # What is cached is of one platform: each has its own.
    other = ("--platform", "darwin", "--cache-dir", ".mypy_cache/darwin")
    session.run("mypy", *other, "src", env=both_cores)


@nox.session
def tests(session: nox.Session) -> None:
    """Each rule by itself, against the built wheel, with the coverage that the core and the adapters owe."""
    session.install(".[service]", *nox.project.dependency_groups(PYPROJECT, "tests"))
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("coverage", "erase")
    others = (f"--ignore={path}" for path in (ARCH, BROWSER, *LONG))
    with quick_files() as env:
        session.run("pytest", *PARALLEL, "--cov", "--cov-report=", *others, env=env)
    for package, least in (("albumcore", CORE_COVERAGE), ("albumcore_adapters", ADAPTERS_COVERAGE)):
        session.run("coverage", "report", f"--include=*/{package}/*", f"--fail-under={least}")


@nox.session
def long(session: nox.Session) -> None:
    """What takes longest: properties, state machines, kills and load of real servers, and every block of the docs."""
    session.install(".[service]", *nox.project.dependency_groups(PYPROJECT, "tests"))
    with quick_files() as env:
        session.run("pytest", *PARALLEL, *(session.posargs or LONG), env=env)


@nox.session
def postgres(session: nox.Session) -> None:
    """The tests of the contracts, and the state machines, with every world in a PostgreSQL database."""
    session.install(".[service]", *nox.project.dependency_groups(PYPROJECT, "tests"))
    chosen = session.posargs or ON_POSTGRES
    with quick_files() as env:
        env = {**env, "ALBUMCORE_TEST_DATABASE": "postgres"}
        session.run("pytest", *PARALLEL, "-m", "not on_sqlite", *chosen, env=env)


@nox.session
def browser(session: nox.Session) -> None:
    """The pages in the Chromium of the system: with axe, by keys, without script, and everything that needs it."""
    if shutil.which("chromium") is None and not os.environ.get("CI"):
        session.skip("Chromium is not installed; Debian's package is `chromium`")
    groups = nox.project.dependency_groups(PYPROJECT, "tests", "browser")
    session.install(".[service]", *groups)
    with quick_files() as env:
        session.run("pytest", *IN_THE_BROWSER, *(session.posargs or [BROWSER]), env=env)


@nox.session(default=False)
def screenshots(session: nox.Session) -> None:
    """The pictures of the pages that the documentation shows, taken anew."""
    groups = nox.project.dependency_groups(PYPROJECT, "tests", "browser")
    session.install(".[service]", *groups)
    session.run("python", "docs/screenshots.py")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation as a site, where a wheel takes it from; a warning is an error, and links are checked."""
    groups = nox.project.dependency_groups(PYPROJECT, "docs")
    session.install("-e", ".[service,testing]", *groups)
    shutil.rmtree(BUILT_DOCS, ignore_errors=True)
    strictly = ("-b", "html", "-q", "-W", "--keep-going", "-d", f"{session.create_tmp()}/doctrees")
    session.run("python", "-m", "sphinx", *strictly, "docs", BUILT_DOCS)
    session.run("python", "docs/site_links.py", BUILT_DOCS)


@nox.session(default=False)
def deep(session: nox.Session) -> None:
    """The long runs, with fresh seeds, on both databases: an hour or two; `-- PATH ...` runs some of them."""
    groups = nox.project.dependency_groups(PYPROJECT, "tests", "browser")
    session.install(".[service]", *groups)
    env = {"HYPOTHESIS_PROFILE": "deep"}
    run = ("pytest", "-n", "2", "--dist", "loadfile")
    session.run(*run, *(session.posargs or DEEP), env=env)
    if not session.posargs:
        on_postgres = {**env, "ALBUMCORE_TEST_DATABASE": "postgres"}
        machines = [path for path in ON_POSTGRES if path.startswith("tests/property")]
        session.run(*run, "-m", "not on_sqlite", *machines, env=on_postgres)


@nox.session(name="tests-3.13", python="3.13", default=False)
def tests_on_the_newest_python(session: nox.Session) -> None:
    """The tests of the library alone, where that interpreter is installed."""
    session.install(".[service]", *nox.project.dependency_groups(PYPROJECT, "tests"))
    session.run("pytest", "-n", "2", "--dist", "loadfile", *(session.posargs or OF_THE_LIBRARY))


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Speed and scale, measured side by side; `-- --quick` tries it out, `-- NAME ...` measures some rows alone."""
    session.install(
        "-e", ".[service,postgres,pixels]", *nox.project.dependency_groups(PYPROJECT, "bench")
    )
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Wheel and sdist, built once and tried as built in a fresh environment, with digests and what they depend on."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "release"))
    dist = Path("dist")
    for former in dist.glob("*") if dist.exists() else ():
        former.unlink()
    when = os.environ.get("SOURCE_DATE_EPOCH") or session.run(
        "git", "log", "-1", "--format=%ct", external=True, silent=True
    )
    env = {"SOURCE_DATE_EPOCH": str(when).strip()}
    # The wheel is built from the sdist: what is in neither is missed here.
    session.run("python", "-m", "build", "--outdir", str(dist), env=env)
    session.run("python", "-m", "twine", "check", "--strict", *map(str, dist.glob("*")))
    [wheel] = dist.glob("*.whl")
    fresh = Path(session.create_tmp()).absolute() / "fresh"
    session.run("python", "-m", "venv", "--clear", str(fresh))
    python = str(fresh / "bin" / "python")
    extras = f"{wheel.absolute()}[service,pixels,postgres,s3,live,export]"
    session.run(python, "-m", "pip", "install", "--quiet", extras, external=True)
    session.run(python, "-I", "tests/support/smoke.py", external=True)
    bill = str(dist / f"{wheel.name.removesuffix('.whl')}.cdx.json")
    to_bill = ("--output-reproducible", "--output-file", bill, "--pyproject", "pyproject.toml")
    session.run("cyclonedx-py", "environment", *to_bill, python)
    made = sorted(dist.iterdir())
    sums = [f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.name}\n" for one in made]
    (dist / "SHA256SUMS").write_text("".join(sums))


PYPROJECT = nox.project.load_toml("pyproject.toml")
