"""The files for Prometheus and Grafana in `examples/deploy`: linted, and tried with `promtool` if it is there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from falcon.testing import TestClient

from albumcore_adapters.base.request_counts import RequestCounts
from albumcore_adapters.http.app import create_app
from albumcore_adapters.http.prometheus import TEXT_FORMAT
from support.programs import needs
from support.server import opened

DEPLOY = Path(__file__).parents[2] / "examples" / "deploy"

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
