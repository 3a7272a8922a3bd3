"""What Python allocates while a test does something."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from moxlite.ledger import ledger

__all__ = ["at_most", "nothing_kept"]

LARGE: Final = 64 << 10
"""Octets of an object that no connection keeps after its answer: a read, or a compiled table of a codec."""


@contextmanager
def at_most(octets: int) -> Iterator[None]:
    """Assert that the block never holds so many octets that it has allocated itself."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < octets
    finally:
        tracemalloc.stop()


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Fail for large objects that were made in the block and are still alive at its end, with the lines that made
    them.
    """
    tracemalloc.start(12)
    try:
        yield
        kept = [trace for trace in tracemalloc.take_snapshot().traces if trace.size > LARGE]
        lines = [f"{trace.size} octets:\n" + "\n".join(trace.traceback.format()) for trace in kept]
        assert not lines, "still alive after the answer: " + "\n".join(lines)
    finally:
        tracemalloc.stop()


def nothing_held() -> None:
    """Fail for octets that the ledger still counts for messages and commands after all connections have ended."""
    left = {kind: octets for kind, octets in ledger().held.items() if octets and kind in ("spool", "command")}
    assert not left, f"never given back: {left}"
