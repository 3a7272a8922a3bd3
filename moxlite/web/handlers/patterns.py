"""Matching the administrator's patterns against paths of strangers, in bounded time (WEB-36)."""

from collections.abc import Callable
from typing import Final, TypeVar

import trio

T = TypeVar("T")

QUICK_SECONDS: Final = 0.001
"""Seconds of the first attempt, on the event loop. Nearly every pattern takes 10 µs, and a thread costs 100 µs. `regex`
checks its clock so rarely that it may be some milliseconds late.
"""

SEARCH_SECONDS: Final = 0.020
"""Seconds of the second attempt, in a thread; `concurrent` lets the event loop run meanwhile."""

threads: Final = trio.CapacityLimiter(2)
"""Limit of slow searches at a time, so that an attacker keeps no more than these threads busy."""


class PatternTooSlow(Exception):
    """The pattern takes too long for this path; the administrator must write another one."""


async def in_time(match: Callable[[float, bool], T]) -> T:
    """Call `match(timeout, concurrent)`, first on the event loop with a short timeout, then in a thread; returns its
    result.

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
