"""The command line: ``albumcore``."""

from __future__ import annotations

import getpass
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import orjson
from cyclopts import App, Parameter

from adapters import demo as demonstration
from adapters.blobs import BlobsUnavailable, DirectoryBlobs
from adapters.blobs.collect import unreferred
from adapters.copying import CopyRefused
from adapters.copying.command import copy_by_addresses, sentences
from adapters.deployment import Deployment, NoStore, open_deployment
from adapters.exposure import exposures
from adapters.http.kheops.answers import latest
from adapters.http.kheops.modes import MODES
from adapters.http.kheops.render import render
from adapters.issuing import end_all, issue
from adapters.progress import progress_of
from adapters.secret import SecretError
from adapters.serve import serve as serve_until_stopped
from adapters.settings import Settings, SettingsError
from adapters.store import StoreError
from albumcore import utc_now
from albumcore.errors import AlbumcoreError
from albumcore.ids import UserId, album_id, user_id

app = App(
    name="albumcore",
    help="""Albums of medical images and patient image sets, whose history is the truth.

    Settings come from the environment (ALBUMCORE_DATA, ALBUMCORE_COMPAT,
    ALBUMCORE_MAX_UPLOAD, ...); docs/reference/settings.md has the table. Examples:

        albumcore serve --demo
        albumcore token --sub alice --email alice@clinic.example --name Alice
        albumcore token --revoke-all alice
        echo "$PASSWORD" | albumcore tscharts-user nurse --password-stdin
        albumcore import-dicom --owner alice /media/cdrom
        albumcore events Q7bZ2mP0xT --viewer alice --at 2026-03-14T12:00:00Z
        albumcore rebuild
        albumcore verify
        albumcore collect-blobs --dry-run
        albumcore copy --from sqlite:///srv/albumcore --to postgresql://albumcore@db.example/albumcore
    """,
    help_format="plaintext",
    version=version("albumcore"),
)

Data = Annotated[
    Path | None, Parameter(name="--data", help="The data directory. [env: ALBUMCORE_DATA]")
]


@app.command
def serve(
    *,
    data: Data = None,
    bind: Annotated[str | None, Parameter(help="HOST:PORT. [env: ALBUMCORE_BIND]")] = None,
    workers: Annotated[
        int | None, Parameter(help="Worker processes. [env: ALBUMCORE_WORKERS]")
    ] = None,
    demo: Annotated[
        bool, Parameter(negative=(), help="Fill the directory with a demo, once.")
    ] = False,
) -> None:
    """Serve both APIs until stopped.

    Example: albumcore serve --data /srv/albumcore --bind 0.0.0.0:8000 --workers 4
    """
    settings = _settings(data, bind=bind, workers=workers)
    announce: Callable[[str], None] = _silence
    # Opened here first, so that a damaged directory is told of before any worker starts.
    with _opened(settings) as deployment:
        if demo:
            if not isinstance(deployment.blobs, DirectoryBlobs):
                _fill_apart(settings.data)
            with progress_of("filling in the demo"):
                made = demonstration.fill(deployment)
            announce = demonstration.announcement(deployment, made)
        for line in exposures(deployment):
            print(f"warning: {line}", file=sys.stderr, flush=True)
    serve_until_stopped(settings, announce)


def _fill_apart(data: Path) -> None:
    """Fill in the demo in another process, for this one is to be forked, and must not have asked S3 for anything."""
    command = [sys.executable, "-m", "adapters", "fill-demo", "--data", str(data)]
    if status := subprocess.run(command, check=False).returncode:  # noqa: S603 - our own command
        raise _Failed("the demo is not filled in", status)


@app.command(name="fill-demo")
def fill_demo(*, data: Data = None) -> None:
    """Fill the data directory with the demo, once; ``serve --demo`` does so by itself.

    Example: albumcore fill-demo --data /srv/albumcore
    """
    with _opened(_settings(data)) as deployment, progress_of("filling in the demo"):
        demonstration.fill(deployment)


def _silence(address: str) -> None:
    """What a service without a demo has to say of its address; gunicorn logs it."""


@app.command
def token(
    *,
    sub: Annotated[str | None, Parameter(help="Who the token is of: the sub claim.")] = None,
    email: Annotated[
        str | None, Parameter(help="E-mail address, for others to find the person by.")
    ] = None,
    name: Annotated[str | None, Parameter(help="Name to show to others.")] = None,
    ttl: Annotated[int, Parameter(help="Seconds it is valid for.")] = 3600,
    revoke_all: Annotated[
        str | None, Parameter(help="End every JWT that this sub was issued until now, instead.")
    ] = None,
    data: Data = None,
) -> None:
    """Print a JWT for the Kheops routes, signed with the secret of the data directory, and nothing else.

    With --revoke-all, end all of a user's instead, also those of an identity provider, in every running worker at
    once. Capability tokens are revoked each by itself.

    Example: albumcore token --sub alice --email alice@clinic.example --name "Alice Ndiaye"

    Example: albumcore token --revoke-all alice
    """
    person = sub, email, name
    if revoke_all is not None and person == (None, None, None):
        with _existing(data) as deployment:
            good_from = end_all(deployment, revoke_all).isoformat()
            print(f"every JWT of {revoke_all} issued before {good_from} has ended")
            if not deployment.people.known(revoke_all):
                raise _Failed("no user of that sub was seen yet: is it the right one?", 1)
    elif revoke_all is None and sub is not None and email is not None and name is not None:
        with _opened(_settings(data)) as deployment:
            print(issue(deployment, sub, email, name, ttl))
    else:
        raise _Failed("token needs --sub, --email and --name, or --revoke-all alone", 2)


@app.command(name="tscharts-user")
def tscharts_user(
    name: Annotated[str, Parameter(help="Name of the account.")],
    /,
    *,
    password_stdin: Annotated[
        bool, Parameter(negative=(), help="Read the password from standard input.")
    ] = False,
    disable: Annotated[
        bool, Parameter(negative=(), help="End login and token until there is a new password.")
    ] = False,
    data: Data = None,
) -> None:
    """Add a TSCharts account, or give an existing one a new password, which ends its old token, or disable it.

    Example: echo "$PASSWORD" | albumcore tscharts-user nurse --password-stdin
    """
    if disable and password_stdin:
        raise _Failed("--disable takes no password", 2)
    if disable:
        with _existing(data) as deployment:
            if not deployment.accounts.disable(name):
                raise _Failed(f"there is no account {name!r}", 1)
        print(f"disabled: {name}")
        return
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else getpass.getpass()
    with _opened(_settings(data)) as deployment:
        account = deployment.accounts.add(name, password)
        print(f"account {account.id}: {account.name}")


@app.command(name="import-dicom")
def import_dicom(
    *paths: Annotated[Path, Parameter(help="DICOM files, and folders of them.")],
    owner: Annotated[str, Parameter(help="The sub of the person whose inbox receives them.")],
    data: Data = None,
) -> None:
    """Read DICOM files into the catalogue and the owner's inbox. What is not DICOM is named and passed over.

    Example: albumcore import-dicom --owner alice /media/cdrom
    """
    from adapters.dicom import import_files  # a service has no use for it, and it takes memory

    if not paths:
        raise _Failed("import-dicom needs at least one file or folder", 2)
    with _opened(_settings(data)) as deployment, progress_of("reading files") as progress:
        person = deployment.people.register(user_id(owner))
        seen = iter(range(1, sys.maxsize))
        report = import_files(
            deployment.catalogue,
            person.sub,
            paths,
            lambda path: progress(next(seen)),
            deployment.settings.max_inflated,
        )
    for refused in report.refused:
        # A name may hold line breaks, control sequences of terminals, and bytes that are not UTF-8.
        print(f"passed over: {str(refused.path)!r}: {refused.reason}")
    print(
        f"{report.instances} instances in {report.series} series of {report.studies} studies; "
        f"{len(report.refused)} passed over"
    )


@app.command
def events(
    album: Annotated[str, Parameter(help="The album id.")],
    /,
    *,
    viewer: Annotated[
        str | None, Parameter(help="Show what this sub sees; without it, everything.")
    ] = None,
    at: Annotated[
        datetime | None,
        Parameter(
            help="As it was at that time, or at the end of that second; UTC unless it says otherwise."
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Print an album's feed, newest first, one JSON object a line: now, or as it was at a time.

    Example: albumcore events Q7bZ2mP0xT --viewer alice --at 2026-03-14T12:00:00Z
    """
    with _existing(data) as deployment, progress_of("reading the history"):
        page = deployment.albums.feed(
            album_id(album),
            None if viewer is None else UserId(viewer),
            at=None if at is None else latest(at),
        )
        mode = MODES[deployment.settings.compat]
        about = deployment.people, deployment.catalogue, deployment.claims
        shown = render(page, album_id(album), *about, mode)
    for one in shown:
        print(orjson.dumps(one).decode())


@app.command
def rebuild(*, data: Data = None) -> None:
    """Make the index rows again from the events. The service may run meanwhile; writes wait.

    Example: albumcore rebuild --data /srv/albumcore
    """
    with _existing(data) as deployment, progress_of("reading events") as progress:
        count = deployment.albums.rebuild(progress)
    print(f"index rows made again from {count} events")


@app.command
def verify(*, data: Data = None) -> None:
    """Replay every stream, compare with the index rows and the image files, and name what differs.

    Ends with status 1 where something does. Example: albumcore verify --data /srv/albumcore
    """
    with _existing(data) as deployment, progress_of("reading events") as progress:
        count = 0

        def seen(done: int) -> None:
            nonlocal count
            count = done
            progress(done)

        problems = deployment.albums.verify(deployment.blobs.check, seen)
    for problem in problems:
        print(problem)
    if problems:
        raise _Failed(f"{len(problems)} things differ, in {count} events", 1)
    print(f"{count} events replayed; index rows, snapshots and image files agree with them")


@app.command
def copy(
    *,
    source: Annotated[
        str, Parameter(name="--from", help="sqlite:///DATA/DIRECTORY or postgresql://...")
    ],
    target: Annotated[str, Parameter(name="--to", help="The same; an empty place.")],
    blobs_from: Annotated[
        str | None, Parameter(help="Where the images are, as in ALBUMCORE_BLOBS.")
    ] = None,
    blobs_to: Annotated[str | None, Parameter(help="Where they are to be.")] = None,
) -> None:
    """Copy a whole store to an empty place: events, all that lies beside them, and images. Stop the service first.

    Cut off, it goes on when it is run again. Until it has come to its end, the copy cannot be opened. Ends with
    status 1 if the source was written to meanwhile, or something differs. Example:
    albumcore copy --from sqlite:///srv/albumcore --to postgresql://albumcore@db.example/albumcore
    """
    copied = copy_by_addresses(source, target, blobs_from, blobs_to, progress_of)
    for line in (*sentences(copied), *copied.problems):
        print(line)
    if not copied.is_whole:
        raise _Failed(
            "the source was written to meanwhile: stop the service and run the same again; "
            "until it has come to its end, the copy cannot be opened",
            1,
        )
    if copied.problems:
        raise _Failed(f"{len(copied.problems)} things differ, as in the source", 1)


@app.command(name="collect-blobs")
def collect_blobs(
    *,
    older_than: Annotated[
        int, Parameter(help="Days since a blob was last uploaded, 1 to 36500.")
    ] = 7,
    dry_run: Annotated[bool, Parameter(negative=(), help="Remove nothing.")] = False,
    data: Data = None,
) -> None:
    """Remove image bytes that no event refers to, and name them.

    The service may run meanwhile; on S3 the bucket should keep versions then, or an upload of the same bytes in
    the very moment of their removal is lost.

    Example: albumcore collect-blobs --older-than 30 --dry-run
    """
    if not 1 <= older_than <= 36500:
        raise _Failed("collect-blobs needs 1 to 36500 days: an upload may be under way", 2)
    before = utc_now() - timedelta(days=older_than)
    found: list[str] = []
    try:
        with _existing(data) as deployment, progress_of("reading events") as progress:
            blobs = deployment.blobs
            old = unreferred(deployment.albums, blobs, before, progress)
            found.extend(digest for digest in old if dry_run or blobs.remove(digest, before))
    finally:
        # Also what was removed before it came to an end that was not foreseen.
        for digest in found:
            print(digest)
    print(f"{len(found)} blobs that nothing refers to {'would be' if dry_run else 'were'} removed")


class _Failed(Exception):
    """The command cannot do what it was asked: a sentence, and the status to end with."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def _settings(data: Path | None, **options: Any) -> Settings:
    return Settings.from_environment(os.environ, data=data, **options)


def _existing(data: Path | None) -> AbstractContextManager[Deployment]:
    return _opened(_settings(data), must_exist=True)


@contextmanager
def _opened(settings: Settings, *, must_exist: bool = False) -> Iterator[Deployment]:
    deployment = open_deployment(settings, must_exist=must_exist)
    try:
        yield deployment
    finally:
        deployment.close()


_ASKED_WRONGLY = (SettingsError, SecretError, NoStore, CopyRefused, AlbumcoreError)
_ENDS: Sequence[tuple[tuple[type[Exception], ...], str, int]] = (
    ((*_ASKED_WRONGLY, OSError, EOFError), "", 2),
    ((BlobsUnavailable,), "image bytes cannot be reached: ", 1),
    ((StoreError, sqlite3.Error), "the database cannot be used: ", 1),
)
"""How a command ends that fails: by the kind of the error, what is said before its message, and the status."""


def main() -> None:
    """Run the command that the arguments name; 0 well done, 1 it found something, 2 asked wrongly."""
    os.umask(0o077)  # what is made in the data directory is for its owner
    try:
        app(sys.argv[1:])
    except _Failed as failure:
        print(failure, file=sys.stderr)
        sys.exit(failure.status)
    except BrokenPipeError:
        # Whoever read what we print has seen enough. What is left in the buffer must not be tried again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        for kinds, about, status in _ENDS:
            if isinstance(error, kinds):
                print(f"albumcore: {about}{error}", file=sys.stderr)
                sys.exit(status)
        raise
