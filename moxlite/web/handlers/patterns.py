"""Patterns of the administrator, matched against paths of strangers: never longer than a moment (WEB-36)."""

from collections.abc import Callable
from typing import Final, TypeVar

import trio

__all__ = ["PatternTooSlow", "in_time"]

T = TypeVar("T")

QUICK_SECONDS: Final = 0.001
"""On the loop: nearly every pattern is done in 10 µs, and a thread costs 100. `regex` looks at its clock so seldom that
it is late by some milliseconds.
"""

SEARCH_SECONDS: Final = 0.020
"""Then in a thread, where `concurrent` lets the loop run meanwhile."""

threads: Final = trio.CapacityLimiter(2)
"""Slow patterns wait for each other, so that an attacker keeps no more than this busy."""


class PatternTooSlow(Exception):
    """The pattern needs too long for this path; the administrator must write another one."""


async def in_time(match: Callable[[float, bool], T]) -> T:
    """What `match(timeout, concurrent)` returns: a function that searches with these arguments.

    Raises PatternTooSlow.
    """
    try:
        return match(QUICK_SECONDS, False)
    except TimeoutError:
        pass
    try:
        return await trio.to_thread.run_sync(match, SEARCH_SECONDS, True, limiter=threads)
    except TimeoutError:
        raise PatternTooSlow from None
