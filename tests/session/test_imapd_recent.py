r"""``\Recent``: who shows it for which messages, and until when (IMAP-72a)."""

import pytest
import trio

from moxlite.store.accounts import accounts
from moxlite.store.mail.expunging import expunge
from moxlite.store.types import MailboxID
from tests.session.imapd_harness import Client, Imap, imap
from tests.store_mail import box, put
from tests.tools import eventually

pytestmark = pytest.mark.served

__all__ = ["imap"]

INBOX = MailboxID(1)


async def recent(client: Client, command: str = "SELECT") -> int:
    """What SELECT says."""
    (line,) = [line for line in await client.select("Inbox", command) if line.endswith(" RECENT")]
    return int(line.split()[1])


async def test_what_one_session_was_told_is_not_recent_in_the_next(imap: Imap) -> None:
    r"""IMAP-72a: a claim made in memory outlives the session, and the last session of the account."""
    async with imap.account() as account:
        async with imap.user() as c:
            await put(account, 2)
            assert "* 2 RECENT" in await c.ok("a NOOP")
            assert (await box(account)).recent_uid == 1, "a unit for each delivery is too much"
        assert (await box(account)).recent_uid == 3, "written once, by the last session to end"
        await put(account, 1, first=9)
        async with imap.user(select=None) as c:
            assert await c.ok("a STATUS inbox (RECENT)") == ["* STATUS INBOX (RECENT 1)"]
            assert await recent(c) == 1
            assert await c.ok("a FETCH 2:3 FLAGS") == [
                "* 2 FETCH (UID 2 FLAGS ())",
                r"* 3 FETCH (UID 3 FLAGS (\Recent))",
            ]


async def test_claims_survive_the_closing_of_the_account(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-72a"""
    async with imap.user() as c:
        async with imap.account() as account:
            await put(account, 2)
        assert "* 2 RECENT" in await c.ok("a NOOP")
        await c.ok("a UNSELECT")  # claims of mailboxes that were left count as well
    await eventually(lambda: imap.context.sessions.count() == 0)
    monkeypatch.setattr(accounts, "IDLE", 0.0)
    with trio.fail_after(20):
        while imap.accounts._slots:  # a background task may use the account for a moment
            await imap.accounts.close_idle()
            await trio.sleep(0.01)
    async with imap.user(select=None) as c:
        assert await recent(c) == 0


async def test_a_session_that_ends_leaves_the_claims_to_the_others(imap: Imap) -> None:
    """IMAP-72a"""
    async with imap.account() as account, imap.user(select=None) as other:
        async with imap.user() as c:
            await put(account, 2)
            assert "* 2 RECENT" in await c.ok("a NOOP")
        assert (await box(account)).recent_uid == 1
        assert await recent(other) == 0
        assert (await box(account)).recent_uid == 1, "SELECT waits for no disk"
    assert (await stored(imap)) == 3


async def stored(imap: Imap) -> int:
    """What the store knows once all sessions are over."""
    await eventually(lambda: imap.context.sessions.count() == 0)
    async with imap.account() as account:
        return (await box(account)).recent_uid


async def test_the_first_one_told_shows_it_and_no_other(imap: Imap) -> None:
    """IMAP-72a: also when it is told of several deliveries at once, some of which another one knows."""
    async with imap.account() as account, imap.user() as c, imap.user() as d, imap.user(enable=["IMAP4rev2"]) as rev2:
        await put(account, 1)
        assert "* 1 RECENT" in await c.ok("a NOOP")
        await put(account, 1, first=9)
        assert await d.ok("a NOOP") == [
            "* 2 EXISTS",
            "* 1 RECENT",
            "* 1 FETCH (UID 1 FLAGS ())",
            r"* 2 FETCH (UID 2 FLAGS (\Recent))",
        ]
        assert await c.ok("a NOOP") == ["* 2 EXISTS", "* 2 FETCH (UID 2 FLAGS ())"]
        assert not [line for line in await rev2.ok("a NOOP") if "ecent" in line.lower()]


async def test_examine_and_rev2_claim_nothing(imap: Imap) -> None:
    """IMAP-72a: EXAMINE shows what is recent, and it stays so (RFC 3501 §6.3.2)."""
    async with imap.account() as account:
        await put(account, 2)
        async with imap.user(select=None) as c, imap.user(select="Inbox", enable=["IMAP4rev2"]):
            assert await recent(c, "EXAMINE") == 2
            assert await c.ok("a FETCH 1 FLAGS") == [r"* 1 FETCH (UID 1 FLAGS (\Recent))"]
            await put(account, 1, first=9)
            assert "* 3 RECENT" in await c.ok("a NOOP")
            assert await c.ok("a SEARCH RECENT") == ["* SEARCH 1 2 3"]
            assert await c.ok("a STATUS inbox (RECENT)") == ["* STATUS INBOX (RECENT 3)"]
        assert (await box(account)).recent_uid == 1


async def test_removed_messages_are_not_counted(imap: Imap) -> None:
    """IMAP-72a"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 3)
        await c.ok("a NOOP")
        await account.write(lambda tx: expunge(tx, INBOX, [2]))
        assert await c.ok("a NOOP") == ["* 2 EXPUNGE", "* 2 RECENT"]
