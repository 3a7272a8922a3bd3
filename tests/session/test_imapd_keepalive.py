"""Signs of life while a client idles (IMAP-161)."""

import msgspec
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.session.imapd_harness import Imap, imap
from tests.tools import settled

pytestmark = pytest.mark.served

__all__ = ["imap"]


def every(imap: Imap, seconds: float) -> None:
    """Set idle_keepalive."""
    holder = imap.context.config
    static = holder.current.static
    changed = msgspec.structs.replace(static, imap=msgspec.structs.replace(static.imap, idle_keepalive=seconds))
    holder._current = msgspec.structs.replace(holder.current, static=changed)


async def test_all_idling_clients_hear_of_the_server_at_the_same_time(mock_clock: MockClock, imap: Imap) -> None:
    """IMAP-161"""
    every(imap, 120.0)
    async with imap.user() as one, imap.user() as other:
        await one.idle()
        await settled()
        mock_clock.jump(100)
        await other.idle()
        await settled()
        mock_clock.jump(120 - trio.current_time() % 120)
        assert await one.response() == "* OK still here"
        assert await other.response() == "* OK still here"
        await settled()
        mock_clock.jump(120)
        assert await one.done() == ["* OK still here"]


async def test_by_default_nothing_is_said(mock_clock: MockClock, imap: Imap) -> None:
    """IMAP-161"""
    async with imap.user() as c:
        await c.idle()
        await settled()
        mock_clock.jump(1000)
        await settled()
        assert await c.done() == []
