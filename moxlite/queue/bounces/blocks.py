"""Recent replies of hosts that block this server's IP address, for the administrator (QUEUE-184)."""

from typing import Final

import msgspec

from moxlite.queue.bounces.table import Meaning

LIFE: Final = 48 * 3600 * 1_000_000
"""µs for which a block is listed after its last reply: longer than the time between two nightly checks."""


class Block(msgspec.Struct, frozen=True):
    """Replies of one meaning that report a block. `since`, `last`: time of the first and last reply, µs UTC; `times`:
    number of replies; `host`, `reply`: of the last one.
    """

    meaning: Meaning
    since: int
    last: int
    times: int
    host: str
    reply: str


class Blocks:
    """The known blocks, in memory: one for each meaning."""

    def __init__(self) -> None:
        self._known: dict[str, Block] = {}

    def note(self, meaning: Meaning, host: str, reply: str, now: int) -> None:
        """Note a refusal by a host that blocks our address."""
        known = self._known.get(meaning.meaning)
        if known is None or now - known.last > LIFE:
            known = Block(meaning, now, now, 0, host, reply)
        self._known[meaning.meaning] = Block(meaning, known.since, now, known.times + 1, host, reply)

    def end(self, host: str) -> None:
        """Remove the blocks whose last reply came from this host: it has accepted a message."""
        for key in [key for key, block in self._known.items() if block.host == host]:
            del self._known[key]

    def listed(self, now: int) -> list[Block]:
        """Return the blocks with a reply within `LIFE`, the latest first."""
        found = [block for block in self._known.values() if now - block.last <= LIFE]
        return sorted(found, key=lambda block: -block.last)
