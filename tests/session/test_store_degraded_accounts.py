"""What clients are told while an account's file cannot be written or read (docs/spec/store.md, STORE-158)."""

import pytest

from tests.session.imapd_harness import Imap, imap
from tests.session.smtpd_harness import Smtp, clock, smtp

pytestmark = pytest.mark.served

__all__ = ["clock", "imap", "smtp"]

MAIL = "Subject: one\r\n\r\ntext\r\n"


async def test_imap_reads_on_and_refuses_changes(imap: Imap) -> None:
    """STORE-158, IMAP-153: with UNAVAILABLE, and a word; other accounts go on."""
    async with imap.user() as client:
        await client.append(MAIL)
        async with imap.account() as account:
            account.database.health.damaged("a page is damaged")
        for command in (r"STORE 1 +FLAGS (\Seen)", "COPY 1 Archive", "CREATE New"):
            answer = await client.tagged(f"x {command}")
            assert answer == "NO [UNAVAILABLE] the mailbox file isn't available right now"
        assert (await client.append(MAIL)).startswith("NO [UNAVAILABLE]")
        assert any("text" in line for line in await client.ok("y FETCH 1 BODY.PEEK[]"))
        async with imap.connect() as other:  # logging in needs no change
            await other.login()
            await other.ok("z EXAMINE Inbox")


async def test_smtp_lets_the_sender_try_again(smtp: Smtp) -> None:
    """STORE-158: 451 for the account that cannot be written, 250 for another."""
    async with smtp.context.accounts.use("mia") as account, smtp.connect() as client:
        account.database.health.damaged("a page is damaged")
        assert (await client.deliver(to="mia@ours.example")).startswith("451 4.3.0")
        assert (await client.deliver(to="bo@ours.example")).startswith("250")
    assert len(await smtp.messages("bo")) == 1
