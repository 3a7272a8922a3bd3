"""Header section of a spooled message: read once, for all decisions that depend on it (SMTP-42, 76, 80, 111, 112)."""

from collections.abc import Callable
from typing import Final, TypeVar

import trio

from moxlite.proto.mime.headers import MAX_HEADER, HeaderSection
from moxlite.store.content.spool import Spool

T = TypeVar("T")

ON_LOOP: Final = 8 << 10
"""Octets up to which a header section is examined on the loop: 100 fields, decoded in a millisecond (STORE-7)."""


class HeaderTooLarge(Exception):
    """A header section has more octets or fields than are read: the remainder would reach the recipient unchecked."""


async def read_header(spool: Spool, *, hint: str = "") -> HeaderSection:
    """Read the header section of a finished spool; `hint` as of `HeaderSection`. Raises HeaderTooLarge, OSError."""
    if spool.in_memory:
        section = HeaderSection(spool.read(0, ON_LOOP), hint=hint)
        if section.body is not None or spool.size <= ON_LOOP:
            return section
    section = await trio.to_thread.run_sync(_read, spool, hint)
    if not section.complete:
        raise HeaderTooLarge("header section too large")
    return section


async def look_at(section: HeaderSection, work: Callable[[HeaderSection], T]) -> T:
    """Run `work` on a header section and return its result: on the loop if the section is short, else in a thread."""
    if len(section.octets) <= ON_LOOP:
        return work(section)
    return await trio.to_thread.run_sync(work, section)


def _read(spool: Spool, hint: str) -> HeaderSection:
    return HeaderSection(spool.read(0, MAX_HEADER + len(b"\r\n")), hint=hint)
