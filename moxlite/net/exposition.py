"""The text of all metrics, for Prometheus and others that read its formats (ADMIN-57).

To be imported in a thread, by the first request: the library has 2 MB, most of it HTTP servers and clients of its own.
It adds metrics of the process (`process_*`) and of Python.
"""

from collections.abc import Iterator

from prometheus_client import REGISTRY as REGISTRY
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from moxlite.metrics import metrics


class MetricsCollector(Collector):
    """Collector of moxlite's own metrics for the Prometheus library."""

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics with their current values."""
        for one in metrics():
            metric = Metric(one.name, one.about, one.kind)
            for suffix, labels, value in one.samples():
                metric.add_sample(one.name + suffix, dict(labels), value)
            yield metric


REGISTRY.register(MetricsCollector())


def exposition(accept: str | None = None) -> tuple[bytes, str]:
    """All metrics as text, and its content type, in the format that the request's `Accept` header asks for."""
    encoder, content_type = choose_encoder(accept or "")
    return encoder(REGISTRY), content_type
