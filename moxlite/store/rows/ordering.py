"""Orders of many messages by keys of any length, in bounded memory (STORE-198b).

Theory of operation
-------------------
The key of a message is octets that sort as its values do, all of them together: a number in eight octets, a text in
UTF-8 with an end that sorts before any character, and what descends inverted. A subject may have 16 KiB, and a name
more, so only `KEY` octets of a key are kept, fewer for very many messages. Messages that these octets don't tell apart
are read again, the next octets of their keys in place of the first ones, until none is left: so the order is that of
the whole keys. Of usual mail few are read twice.

The room for the keys is taken from the ledger before the first one is read (STORE-198a).
"""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar

from moxlite.ledger import ledger
from moxlite.processor import off_loop
from moxlite.store.errors import LimitExceeded

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader

KeysOf: TypeAlias = "Callable[[Reader, Sequence[int]], Iterable[tuple[int, bytes]]]"
"""Yields the keys of some messages, named by numbers, in their order, without those that are gone."""

T = TypeVar("T")
K = TypeVar("K", bytes, str, int)


class Scanned(Protocol):
    """An account, of whose methods an order needs one."""

    async def scan(self, fn: Callable[[Reader], T], *, op: str) -> T:
        """Run `fn` in one snapshot in a thread."""
        ...


SLICE: Final = 5_000
"""Messages read at once: 5 to 25 ms in a thread, then the snapshot is given up."""

KEY: Final = 128
"""Octets of a key that are kept: a subject and an address of usual mail."""

LEAST_KEY: Final = 24
"""Octets of a key that are kept at least: with fewer, most messages would be read twice."""

BESIDE: Final = 96
"""Octets of a message beside its key: the object of the key, the places in it, and four arrays."""

RUN: Final = 10_000
"""Keys that are sorted at once, 5 ms."""

FEW: Final = 500
"""Messages that are sorted on the loop."""

_OFFSET: Final = 1 << 63
_INVERTED: Final = bytes(range(255, -1, -1))
PLACE: Final = 4
"""Octets of a place."""


def number_key(value: int, *, descending: bool = False) -> bytes:
    """The part of a key for a number of 64 bits."""
    octets = (value + _OFFSET).to_bytes(8, "big")
    return octets.translate(_INVERTED) if descending else octets


def text_key(value: str, *, descending: bool = False) -> bytes:
    """The part of a key for a text, which is compared by code points."""
    octets = value.encode()
    if b"\0" in octets:
        octets = octets.replace(b"\0", b"\0\xff")
    octets += b"\0\0"
    return octets.translate(_INVERTED) if descending else octets


def room_for(count: int) -> int:
    """Octets that `arrange` takes for so many messages at most. Raises LimitExceeded."""
    most = ledger().work
    if count * (LEAST_KEY + BESIDE) > most:
        raise LimitExceeded(f"can't sort more than {most // (LEAST_KEY + BESIDE):,} messages")
    return min(count * (KEY + BESIDE), most)


@asynccontextmanager
async def holding(octets: int) -> AsyncIterator[None]:
    """Hold so much for what is made of the rows of all messages, within a block. Raises NoRoom."""
    hold = ledger().hold()
    await hold.take("rows", octets)
    try:
        yield
    finally:
        hold.close()


async def arrange(account: Scanned, ids: array[int], keys_of: KeysOf, *, op: str) -> array[int]:
    """The places of messages in `ids`, in the order of their keys, those with equal keys ascending. Messages that are
    gone are left out. The caller holds `room_for` them.
    """
    room, ordering = room_for(len(ids)), _Ordering(ids, keys_of)
    start, width = 0, max(min(KEY, room // max(len(ids), 1) - BESIDE), LEAST_KEY)
    tied: Sequence[int] = range(len(ids))
    while tied:
        keys: list[bytes] = []
        for places in slices(tied):
            keys += await account.scan(partial(ordering.read, places=places, start=start, stop=start + width), op=op)
        if len(keys) <= FEW:
            tied = ordering.sort(keys, start, width)
        else:
            tied = await off_loop(partial(ordering.sort, keys, start, width), kind="sort")
        start, width = start + width, max(room // max(len(tied), 1) - BESIDE, LEAST_KEY)
    return ordering.places


def slices(of: Sequence[int]) -> Iterator[Sequence[int]]:
    """Slices to be read at once."""
    for at in range(0, len(of), SLICE):
        yield of[at : at + SLICE]


class _Ordering:
    """The order of messages as far as their keys were read. A place is an index in `ids`.

    Attributes:
      places: in order.
    """

    def __init__(self, ids: array[int], keys_of: KeysOf) -> None:
        self.places = array("I")
        self._ids = ids
        self._keys_of = keys_of
        self._begins = array("I")  # by place, where the messages begin in the order that are equal so far

    def read(self, r: Reader, places: Sequence[int], start: int, stop: int) -> list[bytes]:
        """Octets of the keys, each between the beginning of its equals, from the second time on, and its place. A
        message that went meanwhile comes first among its equals.
        """
        ids, begins = self._ids, self._begins
        found: list[bytes] = []
        left = iter(places)
        for id_, key in self._keys_of(r, [ids[place] for place in places]):
            for place in left:
                if ids[place] == id_:
                    break
                if start:
                    found.append(_octets(begins[place]) + _octets(place))
            if start:
                found.append(_octets(begins[place]) + key[start:stop] + _octets(place))
            else:
                found.append(key[:stop] + _octets(place))
        if start:
            found += [_octets(begins[place]) + _octets(place) for place in left]
        return found

    def sort(self, keys: list[bytes], start: int, width: int) -> array[int]:
        """Sort messages by what `read` gave, and empty it. Returns the places of those that are still equal."""
        sort_in_runs(keys)
        places = array("I", (int.from_bytes(key[-PLACE:], "big") for key in keys))
        if not start:
            self.places, self._begins = places, array("I", bytes(len(self._ids) * PLACE))
            spots: Sequence[int] = range(len(places))
        else:
            spots = _spots(int.from_bytes(key[:PLACE], "big") for key in keys)
            for spot, place in zip(spots, places, strict=True):
                self.places[spot] = place
        length = width + (2 * PLACE if start else PLACE)  # of a key that goes on
        tied = array("I")
        if max(map(len, keys), default=0) < length:
            return tied
        begin = -1
        for at, (key, following) in enumerate(pairwise(keys)):
            if len(key) != length or key[:-PLACE] != following[:-PLACE]:
                begin = -1
                continue
            if begin < 0:
                begin = spots[at]
                tied.append(places[at])
                self._begins[places[at]] = begin
            tied.append(places[at + 1])
            self._begins[places[at + 1]] = begin
        keys.clear()
        return array("I", sorted(tied))


def sort_in_runs(keys: list[K]) -> None:
    """Sort as ``keys.sort()`` does, which would hold up all other threads for half a second for 500,000: in runs, of
    which two and two are joined. A sort that finds two runs joins them in one pass, 20 ms for the last one.
    """
    size = RUN
    for at in range(0, len(keys), size):
        keys[at : at + size] = sorted(keys[at : at + size])
    while size < len(keys):
        size *= 2
        for at in range(0, len(keys), size):
            keys[at : at + size] = sorted(keys[at : at + size])


def _octets(place: int) -> bytes:
    return place.to_bytes(PLACE, "big")


def _spots(begins: Iterable[int]) -> array[int]:
    """Where in the order messages belong, for the beginning of each one's equals."""
    spots = array("I")
    spot = before = -1
    for begin in begins:
        spot = spot + 1 if begin == before else begin
        before = begin
        spots.append(spot)
    return spots


class Numbers:
    """A set of ids, of which the store gives the lowest ones first: a bit each."""

    def __init__(self, bits: int = 0) -> None:
        self._bits = bytearray(bits.to_bytes(bits.bit_length() // 8 + 1, "little"))

    def add(self, one: int) -> None:
        """Add a number."""
        at = one >> 3
        if at >= len(self._bits):
            self._bits += bytes(at + 1 - len(self._bits) + (len(self._bits) >> 3))
        self._bits[at] |= 1 << (one & 7)

    def __contains__(self, one: int) -> bool:
        at = one >> 3
        return at < len(self._bits) and bool(self._bits[at] >> (one & 7) & 1)

    def __iter__(self) -> Iterator[int]:
        for at, octet in enumerate(self._bits):
            if octet:
                yield from [at << 3 | bit for bit in range(8) if octet >> bit & 1]

    def _number(self) -> int:
        return int.from_bytes(self._bits, "little")

    def both(self, other: Numbers) -> Numbers:
        """The numbers that are in both."""
        return Numbers(self._number() & other._number())

    def either(self, other: Numbers) -> Numbers:
        """The numbers that are in one of them."""
        return Numbers(self._number() | other._number())

    def without(self, other: Numbers) -> Numbers:
        """The numbers that aren't in the other."""
        return Numbers(self._number() & ~other._number())
