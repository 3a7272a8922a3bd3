"""Rules that all storage on other machines shares: when a call is made again, and how long a lock is another's."""

import errno
import time
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

T = TypeVar("T")

PAUSES: Final = (2.0, 10.0, 30.0)
"""Seconds until a connection that failed is tried again."""

LOOK: Final = 0.1
"""Seconds between two looks whether the program has ended."""

LOCKED: Final = "locked"

SIGN: Final = 300.0
"""Seconds between two signs of life of the holder of a lock."""

STALE: Final = 2 * 3600.0
"""Seconds after the last sign of life at which another may take a lock over: no call takes as long."""


def go_on() -> None:
    """For calls that nothing ends."""


def again(call: Callable[[bool], T], pauses: Iterable[float], check: Callable[[], None]) -> T:
    """Call until the connection holds, once more after each pause (seconds). `call` is told whether it is the first
    time. `check` is called some times a second in a pause; it raises what ends the work.
    """
    first = True
    for pause in pauses:
        try:
            return call(first)
        except ConnectionError:
            first = False
            end = time.monotonic() + pause
            while time.monotonic() < end:
                check()
                time.sleep(LOOK)
    return call(first)


def in_use(place: object, owner: str, since: float) -> BlockingIOError:
    """The error for a place whose lock another writer holds. `since`: its last sign of life, seconds UTC."""
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(since))
    text = f"{place} is in use by {owner}, last active {when}"
    return BlockingIOError(errno.EBUSY, f"{text}; the lock expires {int(STALE / 3600)} h later")
