"""What Python allocates while a test does something."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

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
