"""Who blocks the address of this server: what hosts have said of that lately, for the administrator (QUEUE-184)."""

from typing import Final

import msgspec

from moxlite.queue.bounces.table import Meaning

__all__ = ["Block", "Blocks"]

LIFE: Final = 48 * 3600 * 1_000_000
"""µs after its last reply for which a block is told of: longer than the pause between two looks each night."""


class Block(msgspec.Struct, frozen=True):
    """What one kind of reply has said. `since`, `last`: µs UTC; `times`: replies; `host`, `reply`: of the last one."""

    meaning: Meaning
    since: int
    last: int
    times: int
    host: str
    reply: str


class Blocks:
    """Kept in memory: one for each entry of the table that names a block."""

    def __init__(self) -> None:
        self._known: dict[str, Block] = {}

    def note(self, meaning: Meaning, host: str, reply: str, now: int) -> None:
        """A host has refused a message because it blocks our address."""
        known = self._known.get(meaning.meaning)
        if known is None or now - known.last > LIFE:
            known = Block(meaning, now, now, 0, host, reply)
        self._known[meaning.meaning] = Block(meaning, known.since, now, known.times + 1, host, reply)

    def end(self, host: str) -> None:
        """A host has taken a message: if it was the last that told of a block, that is over."""
        for key in [key for key, block in self._known.items() if block.host == host]:
            del self._known[key]

    def listed(self, now: int) -> list[Block]:
        """Those that were told of lately, the latest first."""
        found = [block for block in self._known.values() if now - block.last <= LIFE]
        return sorted(found, key=lambda block: -block.last)
