"""The files of `examples/deploy`: linted everywhere, and tried with the programs that read them, if there are any."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import frozen
from falcon.testing import TestClient

from albumcore_adapters.base.request_counts import RequestCounts
from albumcore_adapters.base.settings_file import settings_from
from albumcore_adapters.cli.base import app
from albumcore_adapters.http.app import create_app
from albumcore_adapters.http.prometheus import TEXT_FORMAT
from support.server import opened

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
UNITS = sorted(DEPLOY.glob("*.service")) + sorted(DEPLOY.glob("*.timer"))

PINNED = re.compile(r"[a-z0-9./_-]+(?::(?!latest)[\w.-]*\d[\w.-]*|@sha256:[0-9a-f]{64})")
"""An image by a tag with a number in it, or by its digest."""


def needs(program: str) -> str:
    """The path of a program; the test is skipped where there is none."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program} on this machine")
    return found


# The container


@frozen
class Instruction:
    """An instruction of a Containerfile."""

    name: str
    rest: str


KNOWN = {
    *("ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN"),
    *("STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}
"""The instructions that may be used: ADD may fetch, MAINTAINER and ONBUILD are of the past."""


def instructions(text: str) -> list[Instruction]:
    """Read a Containerfile: comments are dropped, and lines joined that end in a backslash."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    read = [line.partition(" ") for line in joined.splitlines() if line.strip()]
    return [Instruction(name, rest.strip()) for name, _, rest in read]


def problems_of(text: str) -> list[str]:
    """What is wrong with a Containerfile, one word each."""
    read = instructions(text)
    found = [f"unknown {one.name}" for one in read if one.name not in KNOWN]
    images = [one.rest.split()[0] for one in read if one.name == "FROM"]
    found += [f"unpinned {image}" for image in images if not PINNED.fullmatch(image)]
    last = max(number for number, one in enumerate(read) if one.name == "FROM")
    final = read[last + 1 :]
    users = [one.rest for one in final if one.name == "USER"]
    if not users or not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1]):
        found.append("root")
    if not any(one.name == "HEALTHCHECK" and "CMD" in one.rest for one in final):
        found.append("no healthcheck")
    if [one.name for one in final][-1] not in ("CMD", "ENTRYPOINT"):
        found.append("no command")
    addresses = re.findall(r"https?://([^/:'\"]+)", "\n".join(one.rest for one in read))
    found += [f"address {host}" for host in addresses if host != "127.0.0.1"]
    found += ["index"] * bool(re.search(r"--(extra-)?index-url|--find-links|-i ", text))
    return found


def test_the_containerfile() -> None:
    """Pinned images, a user without rights, a check of its health, and no address that packages come from."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert problems_of(text) == []
    read = instructions(text)
    for copied in (one.rest for one in read if one.name == "COPY" and "--from" not in one.rest):
        assert all((ROOT / source).exists() for source in copied.split()[:-1])
    [variables] = [one.rest for one in read if one.name == "ENV"]
    settings = settings_from(dict(part.split("=", 1) for part in shlex.split(variables)))
    assert [one.rest for one in read if one.name == "VOLUME"] == [f'["{settings.data}"]']
    command = json.loads(read[-1].rest)
    assert app.parse_args(command[1:], exit_on_error=False, print_error=False)


@pytest.mark.parametrize(
    ("line", "instead", "problem"),
    [
        (r"FROM docker.io/library/python:\S+(?= AS)", "FROM python", "unpinned python"),
        (
            r"FROM docker.io/library/python:\S+(?= AS)",
            "FROM python:latest",
            "unpinned python:latest",
        ),
        (r"^USER .*", "", "root"),
        (r"^USER .*", "USER root", "root"),
        (r"^USER .*", "USER 0:0", "root"),
        (r"^HEALTHCHECK (.*\n)*?.*\]\n", "", "no healthcheck"),
        (r"^HEALTHCHECK (.*\n)*?.*\]\n", "HEALTHCHECK NONE\n", "no healthcheck"),
        (r"^VOLUME", "ADD", "unknown ADD"),
        (r"\Z", "EXPOSE 1", "no command"),
        (r"--no-cache-dir", "--index-url x", "index"),
        (r"^STOPSIGNAL .*", "RUN curl https://packages.example/a", "address packages.example"),
    ],
)
def test_the_lint_finds(line: str, instead: str, problem: str) -> None:
    """Each of what it is there for."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    changed = re.sub(line, instead, text, count=1, flags=re.MULTILINE)
    assert changed != text
    assert problem in problems_of(changed)


def test_the_container_is_built() -> None:
    """Where an engine runs."""
    for engine in ("podman", "docker"):
        if (
            shutil.which(engine)
            and not subprocess.run([engine, "info"], capture_output=True).returncode
        ):
            file = DEPLOY / "Containerfile"
            subprocess.run(
                [engine, "build", "--file", file, "--tag", "albumcore-test", ROOT], check=True
            )
            return
    pytest.skip("no container engine runs on this machine")


def compose() -> Any:
    """The compose file."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_compose_pins_and_checks_each_service() -> None:
    """Each has a pinned image and a healthcheck, its own or that of its image; what it refers to is declared."""
    found = compose()
    for name, service in found["services"].items():
        assert PINNED.fullmatch(service["image"]), name
        assert "healthcheck" in service or "build" in service, name
        assert "privileged" not in service, name
        assert set(service.get("secrets", ())) <= set(found["secrets"]), name
        assert set(service.get("depends_on", ())) <= set(found["services"]), name
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in found["volumes"], name
        assert not [port for port in service.get("ports", ()) if not port.startswith("127.0.0.1:")]
    ours = found["services"]["albumcore"]
    assert ours["user"].split(":")[0] not in ("0", "root")
    assert (ours["build"]["context"], ours["read_only"]) == ("../..", True)
    assert (DEPLOY / ours["build"]["context"] / ours["build"]["dockerfile"]).exists()


def test_compose_has_settings_that_are_accepted_and_no_secret() -> None:
    """Secrets are files; what is substituted is an address."""
    environment = compose()["services"]["albumcore"]["environment"]
    environment = {
        name: re.sub(r"\$\{.*?\}", "https://a.example", str(value))
        for name, value in environment.items()
    }
    settings = settings_from(environment)
    assert settings.public_url == "https://a.example"
    assert "passfile=/run/secrets/" in str(settings.database)
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert not re.search(r"(?i)(password|secret|key): *[\"']?(?!/run/secrets/|\{file)\w", text)


# systemd


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_a_command_that_exists(unit: Path) -> None:
    """With settings that are accepted; a timer has a service."""
    read = RawConfigParser(strict=False)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(unit, encoding="utf-8")
    if unit.suffix == ".timer":
        assert unit.with_suffix(".service").exists()
        return
    program, *arguments = shlex.split(read["Service"]["ExecStart"])
    assert program == "/opt/albumcore/bin/albumcore"
    app.parse_args(arguments, exit_on_error=False, print_error=False)
    lines = re.findall(r"^Environment=(.*?)=", unit.read_text(encoding="utf-8"), re.MULTILINE)
    settings_from(dict.fromkeys(lines, ""))
    for hardened in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices"):
        assert read["Service"][hardened] == "yes"
    assert read["Service"]["ProtectSystem"] == "strict"
    assert read["Service"]["CapabilityBoundingSet"] == ""
    assert read["Service"]["User"] not in ("", "root")


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """It verifies them together; the program is another, which is there."""
    verify = needs("systemd-analyze")
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        (tmp_path / unit.name).write_text(text.replace("/opt/albumcore/bin/albumcore", "/bin/true"))
    units = [str(tmp_path / unit.name) for unit in UNITS]
    ended = subprocess.run(
        [verify, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    about_ours = [line for line in ended.stderr.splitlines() if "albumcore" in line]
    assert (about_ours, ended.returncode) == ([], 0)


def test_systemd_finds_little_exposed() -> None:
    """Its own figure is 1.4 of 10 for the service; 2 and less is what it calls well protected."""
    verify = needs("systemd-analyze")
    command = [verify, "security", "--offline=true", "--threshold=20", "--no-pager"]
    ended = subprocess.run(
        [*command, DEPLOY / "albumcore.service"], capture_output=True, text=True, check=False
    )
    if "unrecognized option" in ended.stderr:
        pytest.skip("this systemd does not examine files")
    assert ended.returncode == 0, ended.stdout[-300:]


# Prometheus and Grafana

METRIC = re.compile(r"\b(albumcore_\w+)")
OF_A_FAMILY = re.compile(r"_(bucket|count|sum)$")


def rules() -> list[dict[str, Any]]:
    """The rules of Prometheus."""
    read = yaml.safe_load((DEPLOY / "prometheus-rules.yml").read_text(encoding="utf-8"))
    return [rule for group in read["groups"] for rule in group["rules"]]


def dashboard() -> Any:
    """The dashboard of Grafana."""
    return json.loads((DEPLOY / "grafana.json").read_text(encoding="utf-8"))


def queries() -> list[str]:
    """Every query, of the rules and of the dashboard."""
    panels = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    variables = [str(one["query"]) for one in dashboard()["templating"]["list"]]
    return [rule["expr"] for rule in rules()] + panels + variables


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What /metrics shows to Prometheus."""
    with opened(tmp_path_factory.mktemp("metrics") / "data") as service:
        service.requests.count("kheops", "GET", 200, 0.01)
        client = TestClient(create_app(service))
        return client.simulate_get("/metrics", headers={"Accept": TEXT_FORMAT}).text


def test_every_metric_of_a_query_exists(shown: str) -> None:
    """Each name that begins with ours is one that /metrics shows, or a rule records."""
    there = set(METRIC.findall(shown)) | set(re.findall(r"^# TYPE (\w+)", shown, re.MULTILINE))
    asked = {name for query in queries() for name in METRIC.findall(query)}
    assert len(asked) > 10
    assert asked <= there
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert {
        name for query in queries() for name in re.findall(r"\balbumcore:[\w:]+", query)
    } <= recorded


def test_labels_of_a_query_exist() -> None:
    """Those that are selected or summed by are of the requests, or of Prometheus itself."""
    labels = {"api", "method", "status", "le", "job", "instance"}
    for query in queries():
        assert set(re.findall(r"(\w+)(?:=~|!=|=)\"", query)) <= labels
        for names in re.findall(r"by \(([^)]*)\)", query):
            assert set(names.replace(" ", "").split(",")) <= labels
    assert {name for name, *_ in RequestCounts().requests()} == set()


def test_every_alert_says_what_to_do() -> None:
    """It has a severity, a summary with what it is about, and a description."""
    alerts = [rule for rule in rules() if "alert" in rule]
    assert alerts
    for alert in alerts:
        assert alert["labels"]["severity"] in ("critical", "warning", "info")
        assert "{{" in alert["annotations"]["summary"]
        assert alert["annotations"]["description"].endswith(".")
        assert "for" in alert


def test_prometheus_accepts_its_files() -> None:
    """Its own tool reads rules and configuration."""
    tool = needs("promtool")
    subprocess.run(
        [tool, "check", "rules", "--lint=all", "--lint-fatal", DEPLOY / "prometheus-rules.yml"],
        check=True,
    )
    subprocess.run([tool, "check", "config", DEPLOY / "prometheus.yml"], check=True)


def test_alerts_fire(tmp_path: Path) -> None:
    """By Prometheus' own engine: where nothing answers, and where one request in twenty fails; not otherwise."""
    tool = needs("promtool")
    requests = 'albumcore_http_requests_total{job="albumcore",instance="a",api="kheops",method="GET",status="%s"}'
    down = {
        "alertname": "AlbumcoreDown",
        "severity": "critical",
        "job": "albumcore",
        "instance": "a",
    }
    errors = {
        "alertname": "AlbumcoreErrors",
        "severity": "critical",
        "job": "albumcore",
        "api": "kheops",
    }
    test = {
        "rule_files": [str(DEPLOY / "prometheus-rules.yml")],
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": 'up{job="albumcore",instance="a"}', "values": "1x20 0x9"},
                    {"series": requests % 200, "values": "0+95x60"},
                    {"series": requests % 500, "values": "0x20 0+5x40"},
                ],
                "alert_rule_test": [
                    {"eval_time": at, "alertname": expected["alertname"], "exp_alerts": alerts}
                    for at, expected, alerts in (
                        ("19m", down, []),
                        ("19m", errors, []),
                        (
                            "25m",
                            down,
                            [{"exp_labels": {k: v for k, v in down.items() if k != "alertname"}}],
                        ),
                        (
                            "50m",
                            errors,
                            [{"exp_labels": {k: v for k, v in errors.items() if k != "alertname"}}],
                        ),
                    )
                ],
            }
        ],
    }
    for group in test["tests"][0]["alert_rule_test"]:  # type: ignore[index]
        for alert in group["exp_alerts"]:
            alert["exp_annotations"] = _annotations(group["alertname"])
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    ended = subprocess.run(
        [tool, "test", "rules", tmp_path / "test.yml"], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def _annotations(alert: str) -> dict[str, str]:
    """The annotations of an alert, with the values of the series above."""
    [found] = [rule["annotations"] for rule in rules() if rule.get("alert") == alert]
    values = {
        "{{ $labels.instance }}": "a",
        "{{ $labels.api }}": "kheops",
        "{{ $value | humanizePercentage }}": "5%",
    }
    filled = dict(found)
    for place, value in values.items():
        filled = {name: text.replace(place, value) for name, text in filled.items()}
    return filled


def test_the_dashboard_is_whole() -> None:
    """Panels have numbers and places of their own, and take their data from what the user chooses."""
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = {
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    }
    assert len(places) == sum(panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in panels)
    assert max(x for x, _ in places) < 24
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels)
    assert all(panel["description"] and panel["title"] for panel in panels)
