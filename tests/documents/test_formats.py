"""Blocks that are data or configuration are read by what reads their format; no block is of an unknown one."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from albumcore_adapters.base.settings import declarations
from blocks import PAGES, ROOT, blocks_of
from support.certificates import write_certificate

BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def _ini(text: str) -> None:
    reader = configparser.RawConfigParser(strict=False)
    reader.optionxform = str  # type: ignore[assignment,method-assign]
    reader.read_string(text)


def _sql(text: str) -> None:
    assert text.rstrip().endswith(";")


def _braces(text: str) -> None:
    """Of JavaScript and Lua, which are pieces of files or small: their parentheses match."""
    for opening, closing in ("()", "[]", "{}"):
        assert text.count(opening) == text.count(closing)


READERS: Mapping[str, Callable[[str], Any]] = {
    "json": json.loads,
    "yaml": yaml.safe_load,
    "toml": tomllib.loads,
    "ini": _ini,
    "sql": _sql,
    "js": _braces,
    "javascript": _braces,
    "lua": _braces,
    "nginx": _braces,
}
"""What reads a block, by its language."""

RUN = {"sh": "test_shell.py", "python": "test_python.py", "diff": "tests/test_how_to.py"}
"""Languages of blocks that are run, and where."""

PROSE = {"text"}
"""Pictures and digests; nothing is run or read."""

OF_SPHINX = {"docs/reference/python.md"}
"""Pages with directives of Sphinx, which `nox -s docs` follows."""


@pytest.mark.parametrize(
    "block", [one for one in BLOCKS if one.language in READERS], ids=lambda block: block.name
)
def test_a_block_is_read_by_its_format(block: Any) -> None:
    """As it stands, without what is around it."""
    READERS[block.language](block.code)


def test_every_block_names_a_language_that_is_checked() -> None:
    """A block of a new language needs a reader, or something that runs it."""
    assert {block.language for block in BLOCKS} <= {*READERS, *RUN, *PROSE}


def test_no_block_is_overlooked() -> None:
    """Each fence that opens has a language, and none is indented code instead."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fences = len(re.findall(r"^ *```", text, re.MULTILINE))
        if str(page).endswith(tuple(OF_SPHINX)):
            continue
        assert fences == 2 * len(list(blocks_of(page))), page
        outside = re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.MULTILINE | re.DOTALL)
        assert re.search(r"\n\n    \S", outside) is None, page


def test_extras_on_pages_are_those_of_the_package() -> None:
    """`pip install` is not run, but what it asks for exists, in the checkout: before a release, pip knows no name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = project["optional-dependencies"].keys()
    asked = {
        extra
        for block in BLOCKS
        for found in re.findall(r"install .*\.\[([\w,]+)\]", block.code)
        for extra in found.split(",")
    }
    by_name = [
        one.name for one in BLOCKS if re.search(r"pip install [^&;\n]*[ '\"]albumcore\b", one.code)
    ]
    assert by_name == []
    assert asked
    assert asked <= known


def test_settings_on_pages_exist() -> None:
    """Each variable that a block sets or names."""
    blocks = [block for block in BLOCKS if block.language not in PROSE]
    named = {name for block in blocks for name in re.findall(r"\bALBUMCORE_[A-Z_]+", block.code)}
    known = {declaration.variable for declaration in declarations().values()}
    assert named - known - COMING == set()


COMING = {"ALBUMCORE_OIDC_CLIENT_ID", "ALBUMCORE_OIDC_CLIENT_SECRET_FILE"}
"""Settings of signing in with OpenID Connect."""

NGINX = shutil.which("nginx")


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
@pytest.mark.parametrize(
    "block", [one for one in BLOCKS if one.language == "nginx"], ids=lambda block: block.name
)
def test_nginx_takes_its_configuration(block: Any, tmp_path: Path) -> None:
    """With a certificate of the test, and ports that anyone may open."""
    assert NGINX is not None
    certificate = tmp_path / "certificate.pem"  # with its key
    write_certificate(certificate, "albums.example.org")
    text = re.sub(r"(?<=ssl_certificate )[^;]+", str(certificate), block.code)
    text = re.sub(r"(?<=ssl_certificate_key )[^;]+", str(certificate), text)
    text = re.sub(r"(?m)^ +listen \[::\].*\n", "", text)
    text = text.replace("listen 80;", "listen 127.0.0.1:8080;")
    text = text.replace("listen 443 ssl", "listen 127.0.0.1:8443 ssl")
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{name}_temp_path {tmp_path}/{name};\n" for name in names)
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{text}\n}}\n",
        encoding="utf-8",
    )
    command = [NGINX, "-t", "-q", "-e", "stderr", "-p", str(tmp_path), "-c", str(whole)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
