"""Times on the command line."""

import datetime as dt
import re
import time
from contextlib import suppress

from moxlite.cli.common import Failure


def moment(text: str) -> int:
    """Parse a time, as µs UTC: an age (``90m``, ``3d``), or a date with or without a time, in UTC."""
    seconds = -1.0
    if match := re.fullmatch(r"(\d{1,12})([smhdw])", text):
        seconds = time.time() - int(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}[match[2]]
    else:
        with suppress(ValueError):
            when = dt.datetime.fromisoformat(text)
            seconds = (when if when.tzinfo is not None else when.replace(tzinfo=dt.UTC)).timestamp()
    if seconds < 0:  # servers know no earlier ones than 1970
        raise Failure(f"{text!r} isn't a valid time. For example, use 2h, 3d, or 2026-11-20T08:00")
    return int(seconds * 1_000_000)


def past_moment(text: str, option: str) -> int:
    """The time of an option, as µs UTC. Raises Failure for one to come: nothing has happened then."""
    when = moment(text)
    if when > time.time_ns() // 1000:
        today = dt.datetime.now(dt.UTC).date()
        raise Failure(f"{option} {text} is in the future. For example, use 2h, 3d, or {today}")
    return when


def since_moment(text: str | None) -> int:
    """The time of an option ``--since``, as µs UTC, 0 without one. Raises Failure."""
    return 0 if text is None else past_moment(text, "--since")
