"""The system's mailbox `Outgoing` for mail programs: read like any other, changed by the queue, and by a move to the
trash (IMAP-162). The queue itself is in test_queue_mirror.py.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.status import drop_queued, fit_queue_mailbox, put_queued
from moxlite.store.mail.systemmailbox import UNQUEUE
from moxlite.store.upkeep.outbox import OutboxRow
from tests.session.imapd_harness import Client, Imap, imap

pytestmark = pytest.mark.served

__all__ = ["imap"]

QUEUED = 1_790_000_000_000_000
MESSAGE = b"From: mia@example.org\r\nSubject: soon %d\r\n\r\ntext of %d\r\n"


async def add(account: Account, *numbers: int) -> None:
    for number in numbers:
        with Spool.of(MESSAGE % (number, number)) as spool:
            assert await put_queued(account, b"%d 1" % number, await prepare(spool, b"Received: x\r\n"), QUEUED)


@asynccontextmanager
async def queued(imap: Imap, *numbers: int) -> AsyncIterator[OpenAccount]:
    """The account with these messages in its mailbox."""
    imap.queue_mailbox.add("mia")
    async with imap.account() as account:
        await fit_queue_mailbox(account)
        await add(account, *numbers)
        yield account


async def names(c: Client, mailbox: str) -> list[str]:
    await c.ok(f"x EXAMINE {mailbox}")
    found = await c.ok("x FETCH 1:* (BODY.PEEK[HEADER.FIELDS (Subject)])") if await _exists(c) else []
    return [line.split("Subject: ")[1].split("\r")[0] for line in found]


async def _exists(c: Client) -> bool:
    return "* SEARCH" not in await c.ok("x SEARCH ALL")


async def test_it_is_listed_without_inferiors_and_opened_without_permanent_flags(imap: Imap) -> None:
    """IMAP-162: LIST, STATUS, SELECT, EXAMINE, FETCH and SEARCH as of any mailbox."""
    async with queued(imap, 1, 2), imap.user(select=None) as c:
        assert await c.ok('a LIST "" Outgoing RETURN (SUBSCRIBED)') == [
            '* LIST (\\HasNoChildren \\NoInferiors \\Subscribed) "/" Outgoing'
        ]
        assert await c.ok("a STATUS Outgoing (MESSAGES UNSEEN UIDNEXT)") == [
            "* STATUS Outgoing (MESSAGES 2 UNSEEN 0 UIDNEXT 3)"
        ]
        told = await c.say("a SELECT Outgoing")
        assert told[-1].startswith("a OK [READ-WRITE]")
        assert "* OK [PERMANENTFLAGS ()] flags that stay" in told
        assert "* 2 EXISTS" in told
        assert (await c.say("a EXAMINE Outgoing"))[-1].startswith("a OK [READ-ONLY]")
        [line] = await c.ok("a FETCH 2 (FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS (Subject)])")
        assert "FLAGS (\\Seen)" in line
        assert '"21-Sep-2026' in line
        assert "Subject: soon 2" in line
        assert await c.ok('a SEARCH BODY "text of 1"') == ["* SEARCH 1"]
        [line] = await c.ok("a FETCH 1 BODY[TEXT]")
        assert "text of 1" in line
        assert await c.ok("a SORT (REVERSE SUBJECT) UTF-8 ALL") == ["* SORT 2 1"]


async def test_a_move_to_the_trash_cancels(imap: Imap) -> None:
    """IMAP-162: of SELECT, not of EXAMINE; the queue gets the keys, the message stays in the trash."""
    heard: list[bytes] = []

    async def unqueue(_: Account, row: OutboxRow) -> None:
        await trio.lowlevel.checkpoint()
        heard.append(row.data)

    imap.accounts.register_outbox(UNQUEUE, unqueue)
    async with queued(imap, 1, 2, 3) as account, imap.user(select=None, enable=["IMAP4rev2"]) as c:
        await c.ok("a EXAMINE Outgoing")
        assert await c.tagged("a MOVE 1 Trash") == "NO mailbox is read-only"
        await c.ok("a SELECT Outgoing")
        told = await c.ok("a UID MOVE 1,3 Trash")
        assert told[0].split("[")[1].startswith("COPYUID")
        assert told[0].split("]")[0].endswith(" 1,3 1:2")
        assert told[1:] == ["* 3 EXPUNGE", "* 1 EXPUNGE"]
        await account.carrier.once()
        assert heard == [b"1 1", b"3 1"]
        assert await names(c, "Trash") == ["soon 1", "soon 3"]
        assert await names(c, "Outgoing") == ["soon 2"]
        # In the trash it is a message as any other.
        await c.ok("a SELECT Trash")
        await c.ok("a STORE 1 +FLAGS (\\Deleted)")
        assert (await c.ok("a EXPUNGE"))[0] == "* 1 EXPUNGE"


async def test_everything_else_is_refused_in_clear_words(imap: Imap) -> None:
    """IMAP-162: and nothing is changed; copying out is free."""
    async with queued(imap, 1) as account, imap.user(select=None) as c:
        await c.append("Subject: mine\r\n\r\nx\r\n")
        await c.ok("a SELECT Outgoing")
        fixed = "NO [CANNOT] Outgoing only shows queued messages; to cancel a message, move it to your trash"
        assert await c.tagged("a STORE 1 +FLAGS (\\Flagged)") == fixed
        assert await c.tagged("a STORE 1 -FLAGS (\\Seen)") == fixed
        assert await c.tagged("a STORE 1 +FLAGS (\\Deleted)") == fixed
        assert await c.tagged("a STORE 1 FLAGS (word)") == fixed
        assert await c.tagged("a EXPUNGE") == fixed
        assert await c.tagged("a UID EXPUNGE 1") == fixed
        await c.send("a REPLACE 1 Archive {3}\r\n")  # refused before the octets come
        assert await c.response() == f"a {fixed}"
        elsewhere = (
            "NO [CANNOT] you can only move messages in Outgoing to Trash, which cancels them; to keep one, copy it to "
            "another folder"
        )
        assert await c.tagged("a MOVE 1 Archive") == elsewhere
        into = "NO [CANNOT] Outgoing only shows queued messages, so you can't add any"
        assert await c.tagged("a COPY 1 Outgoing") == into
        assert await c.append("Subject: x\r\n\r\nx\r\n", "Outgoing") == into
        await c.send("a APPEND Outgoing {10}\r\n")  # refused before the octets come
        assert await c.response() == f"a {into}"
        own = "NO [CANNOT] Outgoing is managed by the server; to remove it, turn off queue_mailbox"
        assert await c.tagged("a RENAME Outgoing Mine") == own
        assert await c.tagged("a DELETE Outgoing") == own
        assert (await c.tagged("a CREATE Outgoing")).startswith("NO [ALREADYEXISTS]")
        kept = "NO [CANNOT] Outgoing is reserved for the folder that shows queued messages"
        assert await c.tagged("a CREATE Outgoing/sub") == kept
        assert await c.tagged("a RENAME Archive Outgoing/sub") == kept
        assert await c.tagged("a RENAME Inbox Outgoing/sub") == kept
        await c.ok("a COPY 1 Archive")
        await c.ok("a CLOSE")
        await c.ok("a SELECT Inbox")
        assert await c.tagged("a MOVE 1 Outgoing") == into
        assert await c.tagged("a COPY 1 Outgoing") == into
        assert await names(c, "Outgoing") == ["soon 1"]
        assert await names(c, "Archive") == ["soon 1"]
        await c.ok('a SETMETADATA Outgoing (/private/comment "mine")')
        assert await account.read(lambda r: r.value("SELECT count(*) FROM outbox"), op="test") == 0


async def test_sessions_hear_what_the_queue_does(imap: Imap) -> None:
    """IMAP-162: in IDLE, by NOTIFY, with QRESYNC after an absence."""
    async with (
        queued(imap, 1) as account,
        imap.user(select="Outgoing", enable=["IMAP4rev2"]) as c,
        imap.user(enable=["IMAP4rev2"]) as d,
        imap.user(select=None, enable=["QRESYNC"]) as e,
    ):
        await d.ok("a NOTIFY SET (personal (MessageNew MessageExpunge))")
        [uidvalidity, modseq] = [
            next(line.split(code)[1].split("]")[0] for line in told if code in line)
            for told in [await e.ok("a SELECT Outgoing")]
            for code in ("UIDVALIDITY ", "HIGHESTMODSEQ ")
        ]
        await e.ok("a UNSELECT")
        await c.idle()
        await add(account, 2)
        assert await c.response() == "* 2 EXISTS"
        assert await c.response() == "* 2 FETCH (UID 2 FLAGS (\\Seen))"
        assert await d.response() == "* STATUS Outgoing (UIDNEXT 3 MESSAGES 2 UNSEEN 0)"
        await account.write(lambda tx: drop_queued(tx, [b"1 1"]))
        assert await c.response() == "* 1 EXPUNGE"
        assert await d.response() == "* STATUS Outgoing (UIDNEXT 3 MESSAGES 1 UNSEEN 0)"
        await c.done()
        told = await e.ok(f"a SELECT Outgoing (QRESYNC ({uidvalidity} {modseq} 1))")
        assert "* VANISHED (EARLIER) 1" in told


async def test_the_setting_makes_and_removes_it_under_open_sessions(imap: Imap) -> None:
    """IMAP-162, IMAP-58, IMAP-59."""
    async with (
        imap.account() as account,
        imap.user(enable=["IMAP4rev2"]) as c,
        imap.user(enable=["IMAP4rev2"]) as d,
    ):
        await d.ok("a NOTIFY SET (personal (MailboxName))")
        imap.queue_mailbox.add("mia")
        await fit_queue_mailbox(account)
        assert await c.ok("a NOOP") == ['* LIST (\\Subscribed \\NoInferiors) "/" Outgoing']
        assert await d.response() == '* LIST (\\HasNoChildren \\NoInferiors \\Subscribed) "/" Outgoing'
        await add(account, 1)
        told = await c.ok("a SELECT Outgoing")
        assert '* LIST (\\Subscribed \\NoInferiors) "/" Outgoing' in told
        imap.queue_mailbox.clear()
        await fit_queue_mailbox(account)
        assert '* LIST (\\NonExistent) "/" Outgoing' in await c.ok("a NOOP")
        assert await c.tagged("a FETCH 1 FLAGS") == "NO [NONEXISTENT] the mailbox was deleted"
        assert (await d.response()).startswith("* LIST (\\NonExistent")
        assert (await c.tagged("a SELECT Outgoing")).startswith("NO [NONEXISTENT]")
        await c.ok("a CREATE Outgoing/sub")


async def test_a_full_account_shows_and_cancels(imap: Imap) -> None:
    """IMAP-162, IMAP-132: what waits is no part of the quota."""
    imap.quota["mia"] = 1024
    async with queued(imap, *range(1, 30)), imap.user(select=None) as c:
        assert await c.ok("a GETQUOTAROOT Outgoing") == ['* QUOTAROOT Outgoing ""', '* QUOTA "" (STORAGE 0 1)']
        await c.ok("a SELECT Outgoing")
        await c.ok("a MOVE 1:* Trash")
        assert await c.ok('a GETQUOTA ""') == ['* QUOTA "" (STORAGE 2 1)']


async def test_without_a_mailbox_for_trash_nothing_can_be_canceled(imap: Imap) -> None:
    """IMAP-162: the special use decides, not the name."""
    async with queued(imap, 1), imap.user(select=None) as c:
        await c.ok("a RENAME Trash Bin")
        await c.ok("a CREATE Trash")
        await c.ok("a SELECT Outgoing")
        assert (await c.tagged("a MOVE 1 Trash")).startswith("NO [CANNOT]")
        assert "* 1 EXPUNGE" in await c.ok("a MOVE 1 Bin")
