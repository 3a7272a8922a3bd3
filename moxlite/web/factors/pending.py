"""Values that wait in memory for the browser's next call, such as challenges and begun set-ups; bounded in time and
number.
"""

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

import trio

T = TypeVar("T")

LIFE: Final = 300.0
"""Seconds to the next call; finding a phone or key takes a user one or two minutes."""

MAX: Final = 1000
"""Values of one kind, 2 KiB each; the oldest makes way."""


class Pending(Generic[T]):
    """Values by key. A restart forgets them: the user begins again."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, T]] = {}

    def put(self, key: Hashable, value: T) -> None:
        """Keep a value for `LIFE` seconds, in place of an earlier one."""
        self._kept.pop(key, None)
        while len(self._kept) >= MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (trio.current_time() + LIFE, value)

    def get(self, key: Hashable) -> T | None:
        """The value; None if there is no such value, or it is too old."""
        until, value = self._kept.get(key, (0.0, None))
        return value if trio.current_time() < until else None

    def take(self, key: Hashable) -> T | None:
        """As `get`; the value cannot be had again."""
        value = self.get(key)
        self._kept.pop(key, None)
        return value
