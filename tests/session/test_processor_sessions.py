"""IMAP sessions of an account that has used much, beside another one at work (STORE-198)."""

import pytest
import trio
import trio.lowlevel

from moxlite.process.watchdog import Watchdog
from moxlite.processor import RESTED, Usage, act_for, acting
from tests.session.imapd_harness import Imap, imap

pytestmark = pytest.mark.served

__all__ = ["imap"]

COMMANDS = (
    ("UID FETCH 1:* (BODY.PEEK[])", "FETCH"),
    ('UID SEARCH BODY "qz"', "SEARCH"),
    ("UID SORT (SUBJECT FROM) UTF-8 ALL", "SORT"),
    ("UID THREAD REFERENCES UTF-8 ALL", "THREAD"),
    ("UID STORE 1:* +FLAGS (one)", "FETCH"),
    ("UID STORE 1:* -FLAGS (one)", "FETCH"),
    ("UID COPY 1:* Archive", ""),
    ('LIST "" "*"', "LIST"),
    ("STATUS Inbox (MESSAGES UNSEEN)", "STATUS"),
    ("NOOP", ""),
)

MESSAGES = 60
SESSIONS = 8


def usage(name: str) -> Usage:
    """The usage of an account."""
    before = acting.get()
    act_for(name)
    found = acting.get()
    assert found is not None
    acting.set(before)
    return found


async def prepared(imap: Imap) -> None:
    """Mail in the Inbox of the account that works."""
    async with imap.connect() as c:
        await c.login()
        await c.say("x CREATE Archive")
        for number in range(MESSAGES):
            await c.append(f"Subject: s{number % 7}\r\nFrom: a{number}@x.example\r\n\r\n" + "word " * 200)


async def test_sessions_that_rest_are_answered_in_full(imap: Imap) -> None:
    """STORE-198: no command fails or waits for ever, while all sessions of an account that has used much change and
    read the same mailbox at once, and another account is always at work.
    """
    await prepared(imap)
    mia, bo = usage("mia"), usage("bo")
    bo.limited = False  # as if it were many accounts that use little
    answered: list[str] = []

    async def work() -> None:
        async with imap.connect() as c:
            await c.login()
            await c.select()
            for number, (command, told) in enumerate(COMMANDS):
                found = await c.ok(f"w{number} {command}")
                assert not told or any(told in line for line in found) or told == "FETCH", (command, found)
                if command.startswith("UID FETCH"):
                    assert len([line for line in found if "BODY[]" in line]) >= MESSAGES
                answered.append(command)

    async def others() -> None:
        while True:
            bo.step(0.001)
            mia.step(0.005)
            await trio.sleep(0.002)

    rested = RESTED.value
    mia.step(60.0)
    assert mia.is_heavy()
    with trio.fail_after(100):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(others)
            async with trio.open_nursery() as sessions:
                for _ in range(SESSIONS):
                    sessions.start_soon(work)
            nursery.cancel_scope.cancel()
    assert len(answered) == SESSIONS * len(COMMANDS)
    assert RESTED.value > rested
    with trio.fail_after(30):
        while mia.threads or mia.processor.threads.light or len(mia.queue):  # noqa: ASYNC110  background work may have one
            await trio.sleep(0.01)


async def test_what_a_session_uses_counts_for_its_account(imap: Imap) -> None:
    """STORE-198: on the loop, in threads and in the writer, from the log-in on."""
    await prepared(imap)
    watchdog = Watchdog()
    trio.lowlevel.add_instrument(watchdog)
    before = usage("mia").spent, usage("bo").spent
    try:
        async with imap.connect() as c, imap.connect() as other:
            await c.login()
            await c.select()
            await c.ok("a UID FETCH 1:* (BODY.PEEK[])")
            await c.ok('b UID SEARCH BODY "qz"')
            await c.ok("c UID STORE 1:* +FLAGS (one)")
            await other.ok("n NOOP")
            assert usage("bo").spent == before[1]
    finally:
        trio.lowlevel.remove_instrument(watchdog)
    assert usage("mia").spent > before[0] + 0.002
