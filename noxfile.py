"""What has to hold before a change lands. `nox` runs every session below; `nox -s tests` runs one."""

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_external_run = True
nox.needs_version = ">=2024.10.9"

PYTHON_SOURCES = ("src", "tests", "examples", "docs", "noxfile.py")
CORE_COVERAGE = "100"
ADAPTERS_COVERAGE = "95"


@nox.session
def lint(session: nox.Session) -> None:
    """Style, docstrings, and the traps that ruff knows."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "format", "--check", *PYTHON_SOURCES)
    session.run("ruff", "check", *PYTHON_SOURCES)


@nox.session
def types(session: nox.Session) -> None:
    """Strict types, for the tests and the examples too: they are how an embedding project writes."""
    groups = nox.project.dependency_groups(PYPROJECT, "typing", "tests")
    session.install("-e", ".", *groups)
    session.run(
        "mypy", "src", "tests", "examples", "docs/generate.py", "docs/routes.py", "noxfile.py"
    )


@nox.session
def tests(session: nox.Session) -> None:
    """Every test, against the built wheel, with the coverage that the core and the adapters owe."""
    session.install(".", *nox.project.dependency_groups(PYPROJECT, "tests"))
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("coverage", "erase")
    # A file's tests stay together: some share what is costly to make.
    session.run("pytest", "-n", "2", "--dist", "loadfile", "--cov", "--cov-report=")
    for package, least in (("albumcore", CORE_COVERAGE), ("adapters", ADAPTERS_COVERAGE)):
        session.run("coverage", "report", f"--include=*/{package}/*", f"--fail-under={least}")


PYPROJECT = nox.project.load_toml("pyproject.toml")
