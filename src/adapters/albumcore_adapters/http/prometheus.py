"""The metrics as Prometheus reads them: its text format 0.0.4, or OpenMetrics 1.0.0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from albumcore_adapters.base.request_counts import DURATION_BUCKETS, RequestCounts
from albumcore_adapters.store.metrics import Histogram

if TYPE_CHECKING:
    from prometheus_client.core import Metric

TEXT_FORMAT = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"

_SIZES = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Upper bounds of the histograms of sizes of albums and studies."""


def prometheus_text(
    media_type: str,
    requests: RequestCounts,
    stored: Mapping[str, int],
    held: Mapping[str, Histogram],
) -> tuple[bytes, str]:
    """The metrics in one of the two formats, and their content type.

    Args:
        media_type: `TEXT_FORMAT` or `OPENMETRICS`.
        requests: The requests of all workers.
        stored: The numbers of stored things, by name.
        held: Histograms of sizes, by name: pairs of a size and the number of things of that size.
    """
    # Imported here, because it takes a quarter of a second that commands do not need.
    from prometheus_client import exposition, openmetrics

    metrics = _Metrics([*_of_requests(requests), *_of_store(stored, held)])
    if media_type == OPENMETRICS:
        written = openmetrics.exposition.generate_latest(metrics)  # type: ignore[no-untyped-call]
    else:
        written = exposition.generate_latest(metrics)
    return written, f"{media_type}; charset=utf-8"


def _of_requests(requests: RequestCounts) -> Iterable[Metric]:
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    counted = CounterMetricFamily(
        "albumcore_http_requests",
        "Requests that were answered.",
        labels=("api", "method", "status"),
    )
    for api, method, status, number in requests.requests():
        counted.add_metric((api, method, str(status)), number)
    yield counted
    timed = HistogramMetricFamily(
        "albumcore_http_request_duration_seconds",
        "Time from the header of a request to its answer, without that for which it waited for events.",
        labels=("api",),
    )
    for api, classes, seconds in requests.durations():
        timed.add_metric((api,), _buckets(DURATION_BUCKETS, classes), seconds)
    yield timed


def _of_store(stored: Mapping[str, int], held: Mapping[str, Histogram]) -> Iterable[Metric]:
    from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily

    for name, number in stored.items():
        what = name.replace("_", " ")
        yield GaugeMetricFamily(f"albumcore_{name}", f"How many {what} there are.", value=number)
    for name, pairs in held.items():
        classes = [0] * (len(_SIZES) + 1)
        for size, times in pairs:
            place = next((n for n, bound in enumerate(_SIZES) if size <= bound), len(_SIZES))
            classes[place] += times
        family = GaugeHistogramMetricFamily(
            f"albumcore_{name}", f"How many {name.replace('_', ' ')} there are."
        )
        total = sum(size * times for size, times in pairs)
        family.add_metric((), _buckets(_SIZES, classes), total)
        yield family


def _buckets(bounds: Sequence[float], classes: Sequence[int]) -> list[tuple[str, float]]:
    """Cumulative numbers, by upper bound."""
    names = [*(str(float(bound)) for bound in bounds), "+Inf"]
    return list(zip(names, accumulate(classes), strict=True))


class _Metrics:
    """A collector of metrics, as the library's writers expect."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """All metrics."""
        return self._metrics
