"""Times of retries (QUEUE-10..12), and times as text. Pure: no clock, no database."""

import datetime as dt
from collections.abc import Sequence
from random import Random
from typing import Final

SECOND: Final = 1_000_000
"""Microseconds in a second."""

JITTER: Final = 0.01
"""Share by which a delay is made longer or shorter, so that messages that failed together are not all retried together
(QUEUE-10).
"""


def delay_after(attempts: int, delays: Sequence[float], random: Random) -> int:
    """Microseconds from the beginning of attempt number `attempts` (from 1) to the next one; the last delay repeats."""
    delay = delays[min(attempts, len(delays)) - 1]
    return int(delay * SECOND * random.uniform(1 - JITTER, 1 + JITTER))


def max_attempts_of(own: int, configured: int) -> int:
    """Maximum number of attempts for a message: its own number, or else the configured one (QUEUE-11)."""
    return own or configured


def attempts_left(attempts: int, maximum: int, next_attempt: int, delays: Sequence[float]) -> list[int]:
    """Times (µs UTC, without jitter) of the remaining attempts, the first at `next_attempt`; for the delayed DSN."""
    times: list[int] = []
    when = next_attempt
    for number in range(attempts + 1, maximum + 1):
        times.append(when)
        when += int(delays[min(number, len(delays)) - 1] * SECOND)
    return times


def rfc3339(microseconds: int) -> str:
    """Format a time (µs UTC) as RFC 3339 text, in UTC."""
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=microseconds)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
