"""Probes and numbers, for anybody (Kheops API 13.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from albumcore import (
    Albumcore,
    Source,
    add_favorite,
    create_album,
    create_report_provider,
    delete_album,
    delete_report_provider,
    import_study,
    post_comment,
    post_study_comment,
    revoke_capability_token,
    set_favorite,
    study_stream,
)
from albumcore.ids import ReportProviderId
from albumcore_adapters.store import StoreUnavailable
from support.kheops import ALBUM, ALICE, BOB, CT, DAVE, MR, OTHER, SR, STUDY, World
from support.logs import written

COVERS = ("GET /liveness", "GET /readiness", "GET /metrics")


def metrics(world: World) -> dict[str, object]:
    """The numbers, as anybody is told them."""
    answer = world.request(None, "GET", "/metrics")
    assert answer.status_code == 200
    found: dict[str, object] = answer.json
    return found


@pytest.mark.parametrize("path", ["/liveness", "/readiness"])
def test_probe(path: str, world: World) -> None:
    """All is well: 200, and nothing to read."""
    answer = world.request(None, "GET", path)
    assert (answer.status_code, answer.content) == (200, b"")


def test_probes_while_the_database_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Then the service lives and is not ready; that is written down, and nobody is told what happened."""
    follow = Albumcore.follow

    def away(self: Albumcore, after: int = 0, limit: int = 1000) -> list[Any]:
        if limit == 1:
            raise StoreUnavailable("disk on fire")
        return follow(self, after, limit)

    # The edge of what a test can break: a database that does not answer.
    monkeypatch.setattr(Albumcore, "follow", away)
    answers = [world.request(None, "GET", path) for path in ("/liveness", "/readiness")]
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b""), (500, b"")]
    assert "disk on fire" in written(caplog)


def test_metrics_of_an_empty_service(world: World) -> None:
    """Before anything is stored: the people of the settled world and its album, and nothing else."""
    found = metrics(world)
    assert found.pop("users_in_album_histogram") == [{"nb_users": 3, "nb_albums": 1}]
    assert found.pop("series_in_album_histogram") == [{"nb_series": 0, "nb_albums": 1}]
    assert found.pop("series_in_study_histogram") == []
    assert found.pop("number_of_users") == 4
    assert found.pop("number_of_albums") == 1
    assert set(found.values()) == {0}
    assert sorted(found) == sorted(
        f"number_of_{name}"
        for name in (
            "report_providers",
            "active_user_capability_tokens",
            "inactive_user_capability_tokens",
            "user_capability_tokens",
            "active_album_capability_tokens",
            "inactive_album_capability_tokens",
            "album_capability_tokens",
            "capability_tokens",
            "studies",
            "unpopulated_studies",
            "series",
            "orphan_series",
            "unpopulated_series",
            "instances",
            "fav_albums",
            "fav_series",
            "public_study_comments",
            "private_study_comments",
            "study_comments",
        )
    )


def test_metrics_of_albums(world: World) -> None:
    """Albums that are open, their members, favourites, and report providers, removed ones included."""
    world.act(DAVE, create_album, "Other", album=OTHER)
    world.act(DAVE, set_favorite, True, album=OTHER)
    for number in ("1", "2"):
        provider = ReportProviderId(number * 22)
        world.act(ALICE, create_report_provider, provider, "P", "https://p.example")
    world.act(ALICE, delete_report_provider, ReportProviderId("1" * 22))
    found = metrics(world)
    assert found["number_of_albums"] == 2
    assert found["number_of_report_providers"] == 2
    assert found["number_of_fav_albums"] == 1
    assert found["users_in_album_histogram"] == [
        {"nb_users": 1, "nb_albums": 1},
        {"nb_users": 3, "nb_albums": 1},
    ]
    world.act(DAVE, delete_album, album=OTHER)
    found = metrics(world)
    assert (found["number_of_albums"], found["number_of_fav_albums"]) == (1, 0)


def test_metrics_of_series(world: World) -> None:
    """Studies, series and instances; what is nobody's is an orphan; favourites of albums and inboxes count."""
    world.store({CT: "CT", MR: "MR"}, owner=BOB, instances=3)
    world.store({SR: "SR", "1.2.3.4": "PR"})
    world.service.catalogue.add_placeholder("9.9", "9.9.1")  # type: ignore[arg-type]
    world.act(ALICE, import_study, STUDY, [CT, SR])
    world.act(ALICE, add_favorite, STUDY, CT)
    world.service.inbox.set_favorites(world.user(BOB), STUDY, [CT, MR], is_favorite=True)
    world.act(DAVE, create_album, "Other", album=OTHER)
    found = metrics(world)
    names = ("studies", "series", "instances", "unpopulated_studies", "unpopulated_series")
    assert [found[f"number_of_{name}"] for name in names] == [2, 5, 8, 1, 1]
    assert found["number_of_orphan_series"] == 2
    assert found["number_of_fav_series"] == 3
    assert found["series_in_album_histogram"] == [
        {"nb_series": 0, "nb_albums": 1},
        {"nb_series": 2, "nb_albums": 1},
    ]
    assert found["series_in_study_histogram"] == [
        {"nb_series": 1, "nb_studies": 1},
        {"nb_series": 4, "nb_studies": 1},
    ]


def test_metrics_of_capability_tokens(world: World) -> None:
    """Those of albums and of users, active until they are revoked or expire."""
    for name in ("a", "b", "c"):
        world.album_token(name, read=True)
    for name in ("d", "e"):
        world.user_token(name, BOB)
    world.act(ALICE, revoke_capability_token, "a")
    world.request(BOB, "POST", "/capabilities/d/revoke")
    world.act(DAVE, create_album, "Other", album=OTHER)
    world.album_token("f", DAVE, OTHER)
    world.act(DAVE, delete_album, album=OTHER)

    def counted() -> list[object]:
        found = metrics(world)
        return [
            found[f"number_of_{kind}{scope}_capability_tokens"]
            for scope in ("album", "user")
            for kind in ("active_", "inactive_", "")
        ] + [found["number_of_capability_tokens"]]

    assert counted() == [2, 1, 3, 1, 1, 2, 5]
    world.clock.tick(timedelta(days=100).total_seconds())
    assert counted() == [0, 3, 3, 0, 2, 2, 5]


def test_metrics_of_study_comments(world: World) -> None:
    """Comments on studies, public and private; those on albums are not among them."""
    world.act(ALICE, post_comment, "On the album")
    stream, alice, bob = study_stream(STUDY), world.user(ALICE), world.user(BOB)
    for comment, target in (("One", None), ("Two", None), ("For Bob", bob)):
        world.service.albums.handle(
            stream, post_study_comment, Source(alice), {alice, bob}, comment, target
        )
    found = metrics(world)
    names = ("public_study_comments", "private_study_comments", "study_comments")
    assert [found[f"number_of_{name}"] for name in names] == [2, 1, 3]
    assert found["number_of_albums"] == 1
    assert world.get(BOB, f"/albums/{ALBUM}")["number_of_comments"] == 1


PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
"""What a Prometheus server accepts."""

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (PROMETHEUS, OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ("text/plain", PLAIN),
        ("text/plain;version=0.0.4", PLAIN),
        ("*/*", "application/json"),
        ("text/html, */*;q=0.8", "application/json"),
        ("application/json, text/plain;q=0.9", "application/json"),
    ],
)
def test_the_form_of_the_metrics_goes_by_accept(
    world: World, accept: str, content_type: str
) -> None:
    """JSON, unless a format of Prometheus is asked for more."""
    answer = world.request(None, "GET", "/metrics", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)


def test_metrics_in_no_form_of_ours(world: World) -> None:
    """Not acceptable, as elsewhere."""
    answer = world.request(None, "GET", "/metrics", headers={"Accept": "image/png"})
    assert answer.status_code == 406


@pytest.mark.parametrize(
    ("accept", "parse"),
    [
        ("text/plain", text_string_to_metric_families),
        ("application/openmetrics-text", openmetrics_families),
    ],
)
def test_prometheus_reads_the_metrics(world: World, accept: str, parse: Any) -> None:
    """The numbers of the JSON document, the sizes of albums, and what was answered."""
    world.act(DAVE, create_album, "Other", album=OTHER)
    numbers = metrics(world)
    world.request(None, "GET", "/albums")
    world.request(None, "GET", "/ui/sign-in")
    text = world.request(None, "GET", "/metrics", headers={"Accept": accept}).text
    samples = {
        (one.name, *sorted(one.labels.items())): one.value
        for family in parse(text)
        for one in family.samples
    }
    for name, number in numbers.items():
        if name.startswith("number_of_"):
            assert samples[(f"albumcore_{name.removeprefix('number_of_')}",)] == number
    bucket = "albumcore_users_in_album_bucket"
    found = [samples[bucket, ("le", bound)] for bound in ("0.0", "1.0", "2.0", "5.0", "+Inf")]
    assert found == [0, 1, 1, 2, 2]
    assert samples[("albumcore_users_in_album_gsum",)] == 4
    refused = ("api", "kheops"), ("method", "GET"), ("status", "401")
    assert samples["albumcore_http_requests_total", *refused] == 1
    shown = ("api", "pages"), ("method", "GET"), ("status", "200")
    assert samples["albumcore_http_requests_total", *shown] == 1
    timed = "albumcore_http_request_duration_seconds"
    answered = sum(
        value
        for (name, *labels), value in samples.items()
        if name == "albumcore_http_requests_total" and ("api", "kheops") in labels
    )
    assert samples[f"{timed}_count", ("api", "kheops")] == answered > 0
    assert samples[f"{timed}_sum", ("api", "kheops")] > 0
