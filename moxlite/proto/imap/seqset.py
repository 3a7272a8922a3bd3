"""Sets of message numbers and UIDs (RFC 9051 §9 ``sequence-set``, RFC 5182 ``$``), and arithmetic on sorted UID
arrays.

Theory of operation
-------------------
A client may write ``1:4294967295`` or ten thousand ranges. So the numbers of a set are never enumerated: a set is a
list of ranges, and the existing messages are a sorted array of UIDs. All functions cost O(ranges · log n) or O(runs ·
log n), where a *run* is a part of the array without gaps (``7 8 9``); the cost does not depend on how many numbers the
ranges include (IMAP-145).

`Ranges` are inclusive pairs (first, last), ascending, without overlap and not adjacent.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from .errors import ProtocolError

MAX_NUMBER: Final = 0xFFFF_FFFF
"""Largest message number or UID: 32 bits (RFC 9051 §9 ``nz-number``)."""

STAR: Final = MAX_NUMBER + 1
"""Representation of ``*`` in `SequenceSet.ranges`: above every number, replaced by `SequenceSet.resolve`."""

Ranges: TypeAlias = list[tuple[int, int]]
"""Inclusive pairs, ascending, with at least one missing number between two of them."""


def _number(digits: bytes) -> int:
    if digits == b"*":
        return STAR
    if not digits.isdigit() or len(digits) > 10 or not 0 < (value := int(digits)) <= MAX_NUMBER:
        raise ProtocolError("numbers in a set must be between 1 and 4294967295")
    return value


class SequenceSet(Struct, frozen=True):
    """``sequence-set`` as the client wrote it (RFC 9051 §9), or ``$``, the saved search result (RFC 5182 §2).

    `ranges` keep the order, direction and duplicates of the wire; ``*`` is `STAR`.
    """

    ranges: tuple[tuple[int, int], ...] = ()
    saved: bool = False

    @classmethod
    def parse(cls, text: bytes) -> "SequenceSet":
        """Parse a set. Raises ProtocolError."""
        if text == b"$":
            return SAVED
        ranges = []
        for item in text.split(b","):
            if len(item) < 10 and item.isdigit() and (number := int(item)):  # the usual case
                ranges.append((number, number))
                continue
            first, colon, last = item.partition(b":")
            low = _number(first)
            ranges.append((low, _number(last) if colon else low))
        return cls(tuple(ranges))

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "SequenceSet":
        """The most compact set of `numbers` (any order)."""
        return cls(tuple(normalize((n, n) for n in numbers)))

    def encode(self) -> bytes:
        """The set in wire form."""
        if self.saved:
            return b"$"
        return ",".join(
            _text(low) if low == high else f"{_text(low)}:{_text(high)}" for low, high in self.ranges
        ).encode()

    def resolve(self, largest: int) -> Ranges:
        """Return the set as `Ranges`, with `largest` for ``*`` (RFC 9051 §9: the largest number in use).

        A range like ``559:*`` includes `largest` even if that's below 559. For an empty mailbox, `largest` is 0, which
        is not the number of any message.
        """
        return normalize(
            (min(low, largest) if low == STAR else low, largest if high == STAR else high) for low, high in self.ranges
        )

    @property
    def star(self) -> bool:
        """Whether ``*`` occurs."""
        return any(high == STAR or low == STAR for low, high in self.ranges)

    @property
    def largest(self) -> int:
        """The largest explicit number, 0 without one (only ``*`` or ``$``)."""
        return max((n for pair in self.ranges for n in pair if n != STAR), default=0)


SAVED: Final = SequenceSet(saved=True)
"""``$`` (RFC 5182)."""


def _text(number: int) -> str:
    return "*" if number == STAR else str(number)


def normalize(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """Sort, orient and merge pairs of any order. O(n log n)."""
    result: Ranges = []
    for low, high in sorted((a, b) if a <= b else (b, a) for a, b in pairs):
        if result and low <= result[-1][1] + 1:
            if high > result[-1][1]:
                result[-1] = (result[-1][0], high)
        else:
            result.append((low, high))
    return result


def _run_end(values: Sequence[int], start: int, stop: int) -> int:
    """Index after the run of ascending `values` that begins at `start`, at most `stop`. O(log of its length)."""
    base = values[start] - start
    step, low = 1, start
    while low + step < stop and values[low + step] - (low + step) == base:
        low += step
        step *= 2
    high = min(low + step, stop)
    while high - low > 1:
        middle = (low + high) // 2
        if values[middle] - middle == base:
            low = middle
        else:
            high = middle
    return low + 1


def runs(values: Sequence[int], start: int = 0, stop: int | None = None) -> Iterator[tuple[int, int]]:
    """The ranges of strictly ascending `values`."""
    stop = len(values) if stop is None else stop
    while start < stop:
        end = _run_end(values, start, stop)
        yield values[start], values[end - 1]
        start = end


def index_runs(values: Sequence[int], ranges: Ranges) -> list[tuple[int, int]]:
    """Slices (start, stop) of ascending `values` whose elements are in `ranges`; adjacent slices are merged."""
    result: list[tuple[int, int]] = []
    start = 0
    for low, high in ranges:
        start = bisect_left(values, low, start)
        stop = bisect_right(values, high, start)
        if start < stop:
            if result and result[-1][1] == start:
                result[-1] = (result[-1][0], stop)
            else:
                result.append((start, stop))
        start = stop
    return result


def pick(values: "array[int]", ranges: Ranges) -> "array[int]":
    """The elements of ascending `values` that are in `ranges`, as a new array (always a copy)."""
    result = values[:0]
    for start, stop in index_runs(values, ranges):
        result += values[start:stop]
    return result


def subtract(ranges: Ranges, values: Sequence[int]) -> Ranges:
    """Numbers in `ranges` that are not in ascending `values`, as `Ranges`."""
    result: Ranges = []
    position = 0
    for low, high in ranges:
        position = bisect_left(values, low, position)
        stop = bisect_right(values, high, position)
        for first, last in runs(values, position, stop):
            if low < first:
                result.append((low, first - 1))
            low = last + 1
        if low <= high:
            result.append((low, high))
        position = stop
    return result


def intersect(left: Ranges, right: Ranges) -> Ranges:
    """Intersection of two `Ranges`. O(n + m)."""
    result: Ranges = []
    i = j = 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low <= high:
            result.append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return result


def within(ranges: Ranges, low: int, high: int) -> Ranges:
    """Intersection of `ranges` with low to high, inclusive."""
    return intersect(ranges, [(low, high)]) if low <= high else []


def count(ranges: Ranges) -> int:
    """Number of numbers in `ranges`."""
    return sum(high - low + 1 for low, high in ranges)


def format_ranges(ranges: Iterable[tuple[int, int]]) -> bytes:
    """Encode ranges: ``1:3,7`` for [(1, 3), (7, 7)]; b"" without ranges."""
    return b",".join([b"%d:%d" % (low, high) if low != high else b"%d" % low for low, high in ranges])


def format_lines(ranges: Iterable[tuple[int, int]], limit: int) -> Iterator[bytes]:
    """`format_ranges`, cut at commas into pieces of at most `limit` octets (at least one range each)."""
    line: list[bytes] = []
    size = 0
    for low, high in ranges:
        item = b"%d:%d" % (low, high) if low != high else b"%d" % low
        if line and size + len(item) + 1 > limit:
            yield b",".join(line)
            line, size = [], 0
        line.append(item)
        size += len(item) + 1
    if line:
        yield b",".join(line)
