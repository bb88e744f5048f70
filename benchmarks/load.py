"""HTTP load by wrk, a compiled client: requests that were written down before, answers that must succeed."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from attrs import field, frozen

UNIQUE = "@@@@@@@@"
"""Eight characters of a path or a body that a number never used before is put in the place of, in each request."""

_numbers = count(1)

_SCRIPT = """
local asks, at, number, threads = {}, 0, 0, 0

function setup(thread)
  thread:set("place", threads)
  threads = threads + 1
end

local function split(text)
  local first, last = text:find("@@@@@@@@", 1, true)
  return first and { text:sub(1, first - 1), text:sub(last + 1) } or { text }
end

local function read(file)
  local path = file:read("*l")
  if not path then return nil end
  local method, headers = file:read("*l"), {}
  for _ = 1, tonumber(file:read("*l")) do
    local name, value = file:read("*l"):match("^(.-): (.*)$")
    headers[name] = value
  end
  local length = tonumber(file:read("*l"))
  local body = length > 0 and file:read(length) or nil
  file:read("*l")
  local ask = { method = method, headers = headers, path = split(path), body = split(body or "") }
  if #ask.path + #ask.body == 2 then ask.whole = wrk.format(method, path, headers, body) end
  return ask
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  number = tonumber(args[2]) + place * 100000
  repeat
    local ask = read(file)
    asks[#asks + 1] = ask
  until not ask
  file:close()
  at = place * 7
end

function request()
  at = at % #asks + 1
  local ask = asks[at]
  if ask.whole then return ask.whole end
  number = number + 1
  local unique = string.format("%08d", number)
  local body = table.concat(ask.body, unique)
  return wrk.format(ask.method, table.concat(ask.path, unique), ask.headers, #body > 0 and body or nil)
end

function done(summary, latency, requests)
  local wrong = summary.errors
  io.write(string.format(
    '\\nRESULT {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "most": %d, '
    .. '"refused": %d, "broken": %d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    wrong.status, wrong.connect + wrong.read + wrong.write + wrong.timeout))
end
"""


class LoadFailed(Exception):
    """Not every request was answered with a success."""


@frozen
class ApiRequest:
    """One request to be sent."""

    path: str
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""
    method: str = "GET"


@frozen
class Load:
    """What came of some seconds of load.

    Attributes:
        requests: How many requests were answered.
        seconds: For how long.
        p50: The median time from request to answer, in milliseconds; ``p99`` and ``most`` alike.
    """

    requests: int
    seconds: float
    p50: float
    p99: float
    most: float

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


def version() -> str:
    """The version of wrk.

    Raises:
        LoadFailed: it is not installed.
    """
    if shutil.which("wrk") is None:
        raise LoadFailed("wrk is not there: install Debian's package of that name")
    said = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)
    return " ".join((said.stdout + said.stderr).split()[:3])


def load(
    address: str,
    asks: Sequence[ApiRequest],
    *,
    seconds: int,
    connections: int = 16,
    threads: int = 1,
) -> Load:
    """Send the requests in turns over some kept connections, for some seconds, as fast as they are answered.

    Raises:
        LoadFailed: an answer was none, or no success.
    """
    with tempfile.TemporaryDirectory() as directory:
        script, written = Path(directory) / "load.lua", Path(directory) / "asks"
        script.write_text(_SCRIPT, encoding="utf-8")
        with written.open("wb") as file:
            for ask in asks:
                lines = [ask.path, ask.method, str(len(ask.headers))]
                lines += [f"{name}: {value}" for name, value in ask.headers.items()]
                lines.append(str(len(ask.body)))
                file.write("\n".join(lines).encode() + b"\n" + ask.body + b"\n")
        said = subprocess.run(
            [
                *("wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s"),
                *("--timeout", "30s", "-s", str(script), address, "--", str(written)),
                str(next(_numbers) * 1_000_000 % 100_000_000),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    line = next((one for one in said.stdout.splitlines() if one.startswith("RESULT ")), None)
    if line is None:
        raise LoadFailed(f"wrk said: {said.stdout}{said.stderr}")
    seen = json.loads(line.removeprefix("RESULT "))
    if seen["refused"] or seen["broken"] or not seen["requests"]:
        raise LoadFailed(
            f"{seen['refused']} answers were no success, {seen['broken']} were none, "
            f"of {seen['requests']} to {asks[0].method} {asks[0].path}"
        )
    return Load(
        seen["requests"],
        seen["microseconds"] / 1e6,
        *(seen[name] / 1e3 for name in ("p50", "p99", "most")),
    )
