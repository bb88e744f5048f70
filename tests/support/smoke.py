"""Whether an installed albumcore works, as a program that needs nothing else: run it with the interpreter to try.

It serves the demo, signs a browser in, reads an album over HTTP, and has the store verified, backed up and examined.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.request import HTTPCookieProcessor, Request, build_opener

COMMAND = [sys.executable, "-I", "-m", "albumcore_adapters"]
START_SECONDS = 60


def run(*arguments: str) -> str:
    """Run a command to its end, and return what it prints."""
    return subprocess.run([*COMMAND, *arguments], check=True, capture_output=True, text=True).stdout


def try_out(address: str, page: str, token: str) -> None:
    """Ask a running service for its pages and its API."""
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    for path in ("/healthz", "/openapi.json", "/metrics"):
        assert browser.open(f"{address}{path}").status == 200, path
    assert "Tumour board" in browser.open(page).read().decode(), "the albums of who was signed in"
    request = Request(f"{address}/albums", headers={"Authorization": f"Bearer {token}"})
    assert b"Tumour board" in browser.open(request).read(), "the albums of a token"


def serve(data: str, use: Callable[[str, str, str], None]) -> None:
    """Serve the demo until it was used."""
    options = ["--demo", "--data", data, "--bind", "127.0.0.1:0", "--workers", "1"]
    process = subprocess.Popen(
        [*COMMAND, "serve", *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    watch = threading.Timer(START_SECONDS, process.kill)
    watch.start()
    try:
        assert process.stdout is not None
        printed = ""
        page = token = None
        while not (page and token):
            line = process.stdout.readline()
            assert line, f"the service did not start:\n{printed}"
            printed += line
            page = page or re.search(r"(http://\S+)/ui/sign-in\?code=\S+", printed)
            token = token or re.search(r"Bearer (ey[\w.-]+)", printed)
        use(page[1], page[0], token[1])
    finally:
        watch.cancel()
        process.terminate()
        process.communicate()


def main() -> None:
    """Try everything out."""
    with tempfile.TemporaryDirectory() as folder:
        data, backup = str(Path(folder) / "data"), str(Path(folder) / "backup")
        print("albumcore", run("--version").strip())
        serve(data, try_out)
        for command in (("verify",), ("backup", backup), ("doctor", "--without", "disk")):
            print(run(*command, "--data", data), end="")
        assert run("settings").startswith("# Settings of albumcore")


if __name__ == "__main__":
    main()
