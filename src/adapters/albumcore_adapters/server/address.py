"""The address that the service listens at."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
from typing import cast

from gunicorn.util import is_ipv6, parse_address


class CannotListen(Exception):
    """The service cannot listen at the address: the message says why, and what to do."""


_REASONS = {
    errno.EADDRINUSE: "the port is in use: stop what listens there, or",
    errno.EADDRNOTAVAIL: "this machine has no such address:",
    errno.EACCES: "this user may not listen there, as below port 1024:",
}
_EVERYWHERE = re.compile(r"//(?:0\.0\.0\.0|\[::\])(?=:)")
_INHERITED_LISTENERS = "GUNICORN_FD", "LISTEN_FDS"  # from a previous master, or from systemd


def check_address(bind: str) -> None:
    """Check that the service can listen at a ``HOST:PORT``, by listening there briefly.

    Gunicorn itself would retry for five seconds, and log many lines. Nothing is checked if the process inherits its
    listeners.

    Raises:
        CannotListen: it cannot.
    """
    if any(name in os.environ for name in _INHERITED_LISTENERS):
        return
    host, port = cast("tuple[str, int]", parse_address(bind))
    try:
        with socket.socket(socket.AF_INET6 if is_ipv6(host) else socket.AF_INET) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen()
    except (OSError, UnicodeError) as error:  # the latter for an invalid host name
        number, said = getattr(error, "errno", None), getattr(error, "strerror", None)
        why = _REASONS.get(number or 0, f"{said or 'no host has such a name'}:")
        what = "choose another address with --bind or ALBUMCORE_BIND"
        raise CannotListen(f"cannot listen at {bind}: {why} {what}") from error


def is_loopback(bind: str) -> bool:
    """Return whether a ``HOST:PORT`` is reachable from this machine only; of names, only localhost is."""
    host = bind.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def asked_at(listener: str) -> str:
    """The address at which this machine asks a service, by where that listens, such as ``http://0.0.0.0:8000``.

    Every address together is none that all browsers can ask.
    """
    return _EVERYWHERE.sub("//localhost", listener)
