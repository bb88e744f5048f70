"""The process that others are forked from: ``python parent.py SOCKET``. It ends when its input does.

Each connection is for one process, as `ask.py` asks for it: beside it, a process waits for it and tells its status.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from importlib import import_module
from json import loads
from struct import Struct
from types import ModuleType

NUMBER = Struct("!i")
PLACES = 3  # input, output and error output


def main(address: str) -> None:
    """Import what commands and the service do, and fork for everyone who connects."""
    command = import_module("albumcore_adapters.__main__")
    import_module("albumcore_adapters.cli.commands").load_commands()
    import_module("albumcore_adapters.cli.exits")
    with suppress(ImportError):
        import_module("albumcore_adapters.store.postgres")
    decoding = import_module("albumcore_adapters.decoding.decoder")
    decoding.Decoder.start = lambda self: None  # a decoding process starts when it is first needed
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no one waits for those that wait
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], (), ())[0]:
            asked, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                return _beside(command, asked)
            asked.close()
    return None


def _beside(command: ModuleType, asked: socket.socket) -> None:
    """Fork the process itself, wait for it, and tell its status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, files, _, _ = socket.recv_fds(asked, 1, PLACES)
    told = b"".join(iter(lambda: asked.recv(65536), b""))
    pid = os.fork()
    if pid == 0:
        asked.close()
        return _become(command, files, *loads(told))
    with suppress(BrokenPipeError):
        asked.sendall(NUMBER.pack(pid))
        for number in range(PLACES):
            os.close(number)
        for file in files:
            os.close(file)
        _, status = os.waitpid(pid, 0)
        asked.sendall(NUMBER.pack(os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _become(
    command: ModuleType,
    files: list[int],
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    own_session: bool,
) -> None:
    """Run the command in this process."""
    if own_session:
        os.setsid()
    for place, file in enumerate(files):
        os.dup2(file, place)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = [str(command.__file__), *arguments]
    command.main()


if __name__ == "__main__":
    main(sys.argv[1])
