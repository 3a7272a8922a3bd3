"""Removed messages that come back, as sessions see it (IMAP-160)."""

from pathlib import Path

import msgspec
import pytest

from moxlite.store.mail.mailboxes import delete_mailbox
from moxlite.store.options import DAY
from moxlite.store.upkeep.repairs import undelete
from tests.session.imapd_harness import Imap, imap
from tests.store_mail import box

pytestmark = pytest.mark.served

__all__ = ["imap"]


async def test_undeleted_messages_are_new_ones_of_their_mailbox(imap: Imap, tmp_path: Path) -> None:
    """IMAP-160, IMAP-10: told at once, with new UIDs, the old flags and the old time; the client that removed them sees
    them, too.
    """
    async with imap.account() as account, imap.user(enable=["QRESYNC"]) as c, imap.user(select="Archive") as other:
        account.options = msgspec.structs.replace(account.options, undelete_grace=7 * DAY)
        date = '" 1-Feb-2026 03:04:05 -0730"'
        await c.append("Subject: one\r\n\r\nx", flags=r"(\Flagged work)", date=date)
        await c.append("Subject: two\r\n\r\ny")
        await other.append("Subject: three\r\n\r\nz", "Archive")
        await c.ok(r"a STORE 1:2 +FLAGS.SILENT (\Deleted)")
        await c.ok("a EXPUNGE")
        modseq = (await box(account)).modseq
        await account.settle()
        assert (await undelete(account, tmp_path)).messages == 2
        told = await c.ok("a NOOP")
        assert "* 2 EXISTS" in told
        assert any("UID 3 FLAGS" in line and r"\Flagged work" in line and r"\Deleted" not in line for line in told)
        assert await other.ok("a NOOP") == []
        validity = (await box(account)).uidvalidity
        lines = await c.ok(f"b SELECT Inbox (QRESYNC ({validity} {modseq}))")
        assert [line.split()[3:5] for line in lines if " FETCH " in line] == [["(UID", "3"], ["(UID", "4"]]
        assert f"INTERNALDATE {date}" in (await c.ok("c UID FETCH 3 (INTERNALDATE)"))[0]
        assert (await c.ok("c UID FETCH 4 (BODY.PEEK[TEXT])"))[0].split("{")[1].startswith("1}\r\ny")


async def test_a_mailbox_that_is_gone_is_there_again(imap: Imap, tmp_path: Path) -> None:
    """IMAP-160, IMAP-59, IMAP-64: with a new UIDVALIDITY."""
    async with imap.account() as account, imap.user(enable=["IMAP4rev2"]) as c:
        account.options = msgspec.structs.replace(account.options, undelete_grace=7 * DAY)
        await c.ok("a CREATE Trips/2026")
        await c.append("Subject: tickets\r\n\r\nx", "Trips/2026")
        before = await box(account, "Trips/2026")
        await account.write(lambda tx: delete_mailbox(tx, before.id))
        await c.ok("a NOOP")
        await account.settle()
        assert (await undelete(account, tmp_path, mailbox="Trips/2026")).messages == 1
        assert r'* LIST (\Subscribed) "/" Trips/2026' in await c.ok("b NOOP")
        after = await box(account, "Trips/2026")
        assert after.uidvalidity > before.uidvalidity
        assert "* 1 EXISTS" in await c.select("Trips/2026")
