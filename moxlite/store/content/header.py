"""The header section of a spooled message: read once, for all that is decided by it (SMTP-42, 76, 80, 111, 112)."""

from collections.abc import Callable
from typing import Final, TypeVar

import trio

from moxlite.proto.mime.headers import MAX_HEADER, HeaderSection
from moxlite.store.content.spool import Spool

__all__ = ["HeaderTooLarge", "look_at", "read_header"]

T = TypeVar("T")

ON_LOOP: Final = 8 << 10
"""Octets of a header section that are looked at on the loop: 100 fields, decoded in a millisecond (STORE-7)."""


class HeaderTooLarge(Exception):
    """A header section is longer, or has more fields, than what is read: what lies behind would reach the recipient
    unchecked.
    """


async def read_header(spool: Spool) -> HeaderSection:
    """The section that a finished spool begins with. Raises HeaderTooLarge, OSError."""
    if spool.in_memory:
        section = HeaderSection(spool.read(0, ON_LOOP))
        if section.body is not None or spool.size <= ON_LOOP:
            return section
    section = await trio.to_thread.run_sync(_read, spool)
    if not section.complete:
        raise HeaderTooLarge("header section too large")
    return section


async def look_at(section: HeaderSection, work: Callable[[HeaderSection], T]) -> T:
    """What `work` finds in a section: on the loop in a short one, else in a thread."""
    if len(section.octets) <= ON_LOOP:
        return work(section)
    return await trio.to_thread.run_sync(work, section)


def _read(spool: Spool) -> HeaderSection:
    return HeaderSection(spool.read(0, MAX_HEADER + len(b"\r\n")))
