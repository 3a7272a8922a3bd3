"""What Python allocates while a test does something."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

from moxlite.ledger import ledger

__all__ = ["at_most"]


@contextmanager
def at_most(octets: int) -> Iterator[None]:
    """Assert that the block never holds so many octets that it has allocated itself."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < octets
    finally:
        tracemalloc.stop()


def nothing_held() -> None:
    """Fail for octets that the ledger still counts for messages and commands after all connections have ended."""
    left = {kind: octets for kind, octets in ledger().held.items() if octets and kind in ("spool", "command")}
    assert not left, f"never given back: {left}"
