"""Counters, gauges, histograms, and the text that is made of them (moxlite.metrics, moxlite.net.exposition)."""

import math
import threading
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from moxlite import metrics
from moxlite.metrics import Counter, Gauge, Histogram
from moxlite.net.exposition import REGISTRY, exposition

value = REGISTRY.get_sample_value


@pytest.fixture(autouse=True)
def own_metrics() -> Iterator[None]:
    """What a test makes is gone after it."""
    before = dict(metrics._metrics)
    yield
    metrics._metrics.clear()
    metrics._metrics.update(before)


def test_counters_and_gauges_have_a_value_for_each_combination_of_labels() -> None:
    """ADMIN-57."""
    counter = Counter("a_total", "A.", ["kind", "result"])
    counter.labels("x", "ok").inc()
    counter.labels(result="ok", kind="x").inc(2)
    counter.labels("x", 'no "way"\n\\')
    gauge = Gauge("b", "B.")
    gauge.set(5)
    gauge.dec(2)
    with gauge.track_inprogress():
        assert gauge.value == 4
    assert value("a_total", {"kind": "x", "result": "ok"}) == 3 == counter.labels("x", "ok").value
    assert value("a_total", {"kind": "x", "result": 'no "way"\n\\'}) == 0
    assert value("a_total", {"kind": "y", "result": "ok"}) is None
    assert value("b") == 3
    gauge.set_function(lambda: 7.5)
    assert value("b") == 7.5 == gauge.value


def test_histograms_count_what_is_at_most_each_bound() -> None:
    """ADMIN-57."""
    histogram = Histogram("c_seconds", "C.", ["op"], buckets=(0.1, 1))
    for seconds in (0.05, 0.1, 0.5, 2):
        histogram.labels("read").observe(seconds)
    assert [value("c_seconds_bucket", {"op": "read", "le": le}) for le in ("0.1", "1.0", "+Inf")] == [2, 3, 4]
    assert value("c_seconds_count", {"op": "read"}) == 4
    assert value("c_seconds_sum", {"op": "read"}) == pytest.approx(2.65)
    plain = Histogram("d_seconds", "D.")
    with pytest.raises(KeyError), plain.time():
        raise KeyError
    assert value("d_seconds_count") == 1


def test_labels_must_fit_and_names_are_taken_once() -> None:
    """ADMIN-57: bounded labels; what is wrong shows at the first use."""
    counter = Counter("e", "E.", ["kind"])
    for values in (("x", "y"), ()):
        with pytest.raises((AssertionError, KeyError)):
            counter.labels(*values)
    with pytest.raises(AssertionError):
        Gauge("f", "F.").labels("x")
    with pytest.raises(AssertionError):
        Gauge("e_total", "E again.")


def test_nothing_is_lost_between_threads() -> None:
    """ADMIN-57: store, DNS and loop count at the same time."""
    counter, histogram = Counter("g", "G.", ["n"]), Histogram("h", "H.", buckets=(1,))

    def work() -> None:
        for number in range(2_000):
            counter.labels(str(number % 50)).inc()
            histogram.observe(0.5)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sample[2] for sample in counter.samples()) == 8_000
    assert value("h_count") == 8_000
    assert value("h_sum") == 4_000


def test_what_is_shown_can_be_read() -> None:
    """ADMIN-57: in both formats; with what the library tells of the process."""
    Counter("i", "Eye \\ and\nline.", ["x"]).labels('a"\\\n').inc()
    Gauge("j", "J.").set(-math.inf)
    Histogram("k", "K.", buckets=(2,)).observe(1)
    text, kind = exposition("text/plain")
    assert kind.startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(text.decode())}
    assert families["i"].type == "counter"
    assert families["i"].documentation == "Eye \\ and\nline."
    assert [(one.name, one.labels, one.value) for one in families["i"].samples] == [("i_total", {"x": 'a"\\\n'}, 1)]
    assert families["j"].samples[0].value == -math.inf
    assert families["k"].type == "histogram"
    assert families["process_open_fds"].samples[0].value > 0
    text, kind = exposition("application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert b"# TYPE i counter\n" in text
    assert b'k_bucket{le="2.0"} 1.0\n' in text
    assert text.endswith(b"# EOF\n")
