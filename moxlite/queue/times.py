"""Times of the queue, for people and programs."""

import datetime as dt

__all__ = ["rfc3339"]


def rfc3339(microseconds: int) -> str:
    """A moment (µs UTC), in UTC."""
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=microseconds)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
