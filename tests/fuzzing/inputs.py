"""Inputs made from seeds and words. All follows from a seeded random source, so that a finding can be repeated."""

import random
from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["EDGES", "LIMIT", "Maker"]

#: Octets of one input; larger ones cost time and find nothing that smaller ones do not.
LIMIT: Final = 6_000
#: What goes wrong at edges: of numbers, of lengths, of character sets.
EDGES: Final = (
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b'"',
    b"\\",
    b"(",
    b")",
    b"<",
    b">",
    b"{0}\r\n",
    b"{1}",
    b"{4294967296}\r\n",
    b"99999999999999999999",
    b"18446744073709551616",
    b"4294967295",
    b"-1",
    b"0",
    b"\xff",
    b"\xc3\xbc",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"\x7f",
    b"\x80",
    b"%",
    b"%00",
    b"=",
    b"=?",
    b"?=",
    b"*",
    b"A" * 300,
    b"(" * 70,
    b"<" * 70,
    b"a." * 130,
)

Mutation = Callable[["Maker", bytearray], None]


class Maker:
    """Makes inputs for one target.

    Args:
      seeds: valid inputs. words: pieces of its language, from which new inputs are put together as well.
    """

    def __init__(self, rng: random.Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> None:
        self.rng = rng
        self.seeds = seeds
        self.words = (*words, *EDGES)

    def make(self) -> bytes:
        """The next input."""
        rng = self.rng
        if rng.random() < 0.15:
            return b"".join(rng.choices(self.words, k=rng.randrange(1, 40)))[:LIMIT]
        data = bytearray(rng.choice(self.seeds))
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5, 9))):
            rng.choice(MUTATIONS)(self, data)
        return bytes(data[:LIMIT])

    def span(self, data: bytearray) -> tuple[int, int]:
        """Some range of the data, short more often than long."""
        start = self.rng.randrange(len(data) + 1)
        length = self.rng.choice((1, 2, 5, 20, 100, len(data)))
        return start, min(start + self.rng.randrange(length + 1), len(data))


def flip(maker: Maker, data: bytearray) -> None:
    """One bit of one octet."""
    if data:
        data[maker.rng.randrange(len(data))] ^= 1 << maker.rng.randrange(8)


def replace(maker: Maker, data: bytearray) -> None:
    """One octet by any."""
    if data:
        data[maker.rng.randrange(len(data))] = maker.rng.randrange(256)


def insert(maker: Maker, data: bytearray) -> None:
    """A word."""
    at = maker.rng.randrange(len(data) + 1)
    data[at:at] = maker.rng.choice(maker.words)


def overwrite(maker: Maker, data: bytearray) -> None:
    """A word in place of something."""
    start, end = maker.span(data)
    data[start:end] = maker.rng.choice(maker.words)


def delete(maker: Maker, data: bytearray) -> None:
    """A range."""
    start, end = maker.span(data)
    del data[start:end]


def repeat(maker: Maker, data: bytearray) -> None:
    """A range, some times."""
    start, end = maker.span(data)
    data[end:end] = data[start:end] * maker.rng.choice((1, 1, 2, 5, 50))
    del data[LIMIT * 2 :]


def splice(maker: Maker, data: bytearray) -> None:
    """A range of another seed."""
    other = bytearray(maker.rng.choice(maker.seeds))
    start, end = maker.span(other)
    at = maker.rng.randrange(len(data) + 1)
    data[at:at] = other[start:end]


def swap(maker: Maker, data: bytearray) -> None:
    """Two lines."""
    lines = bytes(data).split(b"\n")
    if len(lines) > 1:
        one, other = maker.rng.sample(range(len(lines)), 2)
        lines[one], lines[other] = lines[other], lines[one]
        data[:] = b"\n".join(lines)


def truncate(maker: Maker, data: bytearray) -> None:
    """All behind some place."""
    del data[maker.rng.randrange(len(data) + 1) :]


def recase(maker: Maker, data: bytearray) -> None:
    """The case of a range."""
    start, end = maker.span(data)
    data[start:end] = data[start:end].swapcase()


MUTATIONS: Final[tuple[Mutation, ...]] = (
    flip,
    flip,
    replace,
    replace,
    insert,
    insert,
    overwrite,
    overwrite,
    delete,
    repeat,
    splice,
    swap,
    truncate,
    recase,
)
