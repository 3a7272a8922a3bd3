"""Counters, gauges and histograms of this process, of every room (ADMIN-57).

Counting is here, for it is a part of everything; the text that others read is made by prometheus-client, which
is loaded when it is asked for (`moxlite.net.exposition`). All may be used from any thread.

A metric with labels has a child for each combination of their values that was asked for. Without labels it has a value
of its own.
"""

import math
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import ClassVar, Final, Literal, Self, TypeAlias, get_args

Sample: TypeAlias = tuple[str, Mapping[str, str], float]
"""Text behind the metric's name: labels, value."""

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Bounds for times that a person waits."""

_metrics: Final[dict[str, "Metric"]] = {}


def metrics() -> list["Metric"]:
    """All there are."""
    return list(_metrics.values())


class Metric:
    """Base class of all kinds.

    Args:
      name: without the ``_total`` of a counter, which may be given.
      about: a sentence that tells what it is.
      labels: names of labels.
    """

    kind: ClassVar[str]
    __slots__ = ("_children", "_labels", "_lock", "about", "name")

    def __init__(self, name: str, about: str, labels: Sequence[str] = ()) -> None:
        self.name: Final = name.removesuffix("_total")
        self.about: Final = about
        self._labels = tuple(labels)
        assert self.name not in _metrics, f"two metrics are called {self.name}"
        self._begin()
        _metrics[self.name] = self

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._children: dict[tuple[str, ...], Self] = {}

    def labels(self, *values: str, **named: str) -> Self:
        """The child with these values, one for each label: in their order, or by name."""
        # No lock for one that is there, as at nearly each call: a child is never replaced, only added or removed.
        key = values or tuple([named[label] for label in self._labels])
        child = self._children.get(key)
        return self._add(key) if child is None else child

    def remove(self, *values: str) -> None:
        """Show the child with these values no longer, if there is one."""
        with self._lock:
            self._children.pop(values, None)

    def _add(self, key: tuple[str, ...]) -> Self:
        assert len(key) == len(self._labels) > 0, f"{self.name} has the labels {self._labels}"
        with self._lock:
            child = self._children.get(key)
            if child is None:
                child = self._children[key] = self._child()
        return child

    def _child(self) -> Self:
        child = object.__new__(type(self))
        child._begin()
        return child

    def samples(self) -> Iterator[Sample]:
        """Lines that are shown of it now."""
        if not self._labels:
            yield from self.own()
            return
        with self._lock:
            children = list(self._children.items())
        for key, child in children:
            labels = dict(zip(self._labels, key, strict=True))
            for suffix, more, value in child.own():
                yield suffix, {**labels, **more}, value

    def own(self) -> Iterator[Sample]:
        """Lines of a metric without labels, or of a child."""
        raise NotImplementedError


class Counter(Metric):
    """It only grows."""

    kind = "counter"
    __slots__ = ("_value",)

    def _begin(self) -> None:
        super()._begin()
        self._value = 0.0

    @property
    def value(self) -> float:
        """How far it has come."""
        return self._value

    def inc(self, amount: float = 1) -> None:
        """Add to it."""
        with self._lock:
            self._value += amount

    def own(self) -> Iterator[Sample]:
        yield "_total", {}, self._value


class Gauge(Metric):
    """It grows and shrinks, or is asked for."""

    kind = "gauge"
    __slots__ = ("_function", "_value")

    def _begin(self) -> None:
        super()._begin()
        self._value = 0.0
        self._function: Callable[[], float] | None = None

    @property
    def value(self) -> float:
        """Present value of the gauge."""
        return self._value if self._function is None else self._function()

    def inc(self, amount: float = 1) -> None:
        """Add to it."""
        with self._lock:
            self._value += amount

    def dec(self, amount: float = 1) -> None:
        """Take from it."""
        self.inc(-amount)

    def set(self, value: float) -> None:
        """Make it this."""
        with self._lock:
            self._value = float(value)  # a truth would be one in the exposition, too

    def set_function(self, function: Callable[[], float]) -> None:
        """From now on it is what this returns, in whichever thread it is asked."""
        self._function = function

    @contextmanager
    def track_inprogress(self) -> Iterator[None]:
        """One more while the block lasts."""
        self.inc()
        try:
            yield
        finally:
            self.dec()

    def own(self) -> Iterator[Sample]:
        yield "", {}, self.value


class Histogram(Metric):
    """How many observations were at most so large, for each of some bounds, and what all amount to."""

    kind = "histogram"
    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(
        self, name: str, about: str, labels: Sequence[str] = (), *, buckets: Sequence[float] = SECONDS
    ) -> None:
        self._bounds = tuple(float(bound) for bound in buckets)
        super().__init__(name, about, labels)

    def _begin(self) -> None:
        super()._begin()
        self._counts = [0] * (len(self._bounds) + 1)  # of each bucket alone; the last one is above all bounds
        self._sum = 0.0

    def _child(self) -> Self:
        child = object.__new__(type(self))
        child._bounds = self._bounds
        child._begin()
        return child

    def observe(self, value: float) -> None:
        """Count one observation."""
        bucket = bisect_left(self._bounds, value)
        with self._lock:
            self._counts[bucket] += 1
            self._sum += value

    @contextmanager
    def time(self) -> Iterator[None]:
        """Count the seconds that the block takes."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.observe(time.perf_counter() - began)

    def own(self) -> Iterator[Sample]:
        with self._lock:
            counts, total = self._counts.copy(), self._sum
        count = 0
        for bound, here in zip((*self._bounds, math.inf), counts, strict=True):
            count += here
            yield "_bucket", {"le": str(bound) if bound < math.inf else "+Inf"}, count
        yield "_count", {}, count
        yield "_sum", {}, total


DailyKind: TypeAlias = Literal[
    "delivered",
    "junk",
    "refused",
    "sent",
    "failed",
    "passed-on",
    "judged-junk",
    "judged-wanted",
    "marked-junk",
    "marked-wanted",
    "login-failed",
]
"""Kinds of daily counts (WEB-86b): incoming messages per account; recipients of our mail;
messages passed on to servers from which domains move, by domain; verdicts of junk filters;
corrections of them by users; failed log-ins.
"""

DAILY_KINDS: Final[tuple[DailyKind, ...]] = get_args(DailyKind)

MAX_DAILY: Final = 500
"""Texts `about` of one kind and day that are counted apart; further ones are counted under ""."""

DAY_SECONDS: Final = 86_400
"""Seconds of a day: counts are kept by days of UTC, which have no summer time."""

DailyKey: TypeAlias = tuple[DailyKind, int, str]
"""Kind, day since 1970 (UTC), reason or network."""


class Daily:
    """Counts by kind and day, until they are taken to be stored. `clock` in seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[DailyKey, int] = {}
        self._texts: dict[tuple[DailyKind, int], int] = {}

    def count(self, kind: DailyKind, about: str = "", number: int = 1) -> None:
        """Count something now."""
        self._add((kind, int(self._clock() // DAY_SECONDS), about), number)

    def take(self) -> dict[DailyKey, int]:
        """Return the counts since the last call, and begin anew."""
        with self._lock:
            taken, self._counts = self._counts, {}
            self._texts = {}
        return taken

    def put_back(self, counts: Mapping[DailyKey, int]) -> None:
        """Add counts that could not be stored."""
        for key, number in counts.items():
            self._add(key, number)

    def _add(self, key: DailyKey, number: int) -> None:
        kind, day, _ = key
        with self._lock:
            if key not in self._counts:
                texts = self._texts.get((kind, day), 0)
                if texts >= MAX_DAILY:  # texts may come from strangers, such as the networks of failed log-ins
                    key = (kind, day, "")
                else:
                    self._texts[kind, day] = texts + 1
            self._counts[key] = self._counts.get(key, 0) + number


daily: Final = Daily()
"""The counts of this process."""
