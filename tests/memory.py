"""What Python allocates while a test does something."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from moxlite.ledger import ledger

__all__ = ["at_most", "large_objects", "nothing_kept", "peak", "traced"]

LARGE: Final = 60_000
"""Octets of an object that no connection keeps after its answer: a little less than a read, or a script of 64 KiB."""


@contextmanager
def at_most(octets: int, what: str = "the block") -> Iterator[None]:
    """Assert that the block never holds so many octets that it has allocated itself."""
    tracemalloc.start()
    try:
        yield
        most = tracemalloc.get_traced_memory()[1]
        assert most < octets, f"{what} held {most:,} octets"
    finally:
        tracemalloc.stop()


def peak(work: Callable[[], object]) -> int:
    """The most octets that Python has allocated at a time while something is done, with its result."""
    tracemalloc.start()
    try:
        result = work()
        found = tracemalloc.get_traced_memory()[1]
        del result
        return found
    finally:
        tracemalloc.stop()


@contextmanager
def traced() -> Iterator[None]:
    """Context in which `large_objects` sees what is made."""
    tracemalloc.start(8)
    try:
        yield
    finally:
        tracemalloc.stop()


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Fail for large objects that were made in the block and are still alive at its end."""
    with traced():
        yield
        assert not large_objects()


def large_objects() -> list[str]:
    """The large objects that are alive of those made within `traced`: their octets, and the lines that made them."""
    found = [trace for trace in tracemalloc.take_snapshot().traces if trace.size > LARGE]
    return ["\n".join([f"{trace.size} octets", *trace.traceback.format()]) for trace in found]


def nothing_held() -> None:
    """Fail for octets that the ledger still counts for messages and commands after all connections have ended."""
    left = {kind: octets for kind, octets in ledger().held.items() if octets and kind in ("spool", "command")}
    assert not left, f"never given back: {left}"
