"""Copies of refused messages: how long, how many, and what they mean when their owner takes one out (SMTP-102)."""

import pytest

from moxlite.acceptance.commands import WhyFailed, stored
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery import perform
from moxlite.store.mail.copying import move_messages
from moxlite.store.options import DAY
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag
from tests.session.smtpd_harness import Smtp, clock, headers, smtp
from tests.session.test_smtpd_checks import MAIL
from tests.session.test_smtpd_decisions import DMARC, FORBIDDEN, count, mark, send

__all__ = ["clock", "smtp"]

pytestmark = pytest.mark.served

REFUSED = {DMARC: [], **FORBIDDEN}


async def refuse(smtp: Smtp, number: int, **more: object) -> None:
    mail = MAIL.replace(b"text", b"text %d" % number)
    assert (await send(smtp, REFUSED, mail, **more)).startswith("451 4.3.0")  # type: ignore[arg-type]  # by name


async def age(smtp: Smtp, days: int) -> None:
    """Let all mail have come so long ago."""
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: tx.execute("UPDATE message SET received = received - ?", days * DAY))


async def test_copies_are_kept_for_two_weeks(smtp: Smtp) -> None:
    """SMTP-102, STORE-72: older ones go when the next one comes."""
    await refuse(smtp, 1)
    await age(smtp, 13)
    await refuse(smtp, 2)
    assert await count(smtp, "Rejects") == (2,)
    await age(smtp, 2)
    await refuse(smtp, 3)
    assert await count(smtp, "Rejects") == (2,)


async def test_so_many_copies_are_kept_unless_the_owner_wants_all(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-102, STORE-72: the refusal is the same; with `keep_rejects` neither age nor number ends them."""
    assert perform.MAX_REJECTS == 1000
    monkeypatch.setattr(perform, "MAX_REJECTS", 2)
    for number in range(3):
        await refuse(smtp, number)
    assert await count(smtp, "Rejects") == (2,)
    path = smtp.context.config.path.with_name("domains.toml")
    path.write_text(path.read_text().replace("[accounts.mia]\n", "[accounts.mia]\nkeep_rejects = true\n"))
    context = smtp.configured("")
    await age(smtp, 20)
    for number in range(3, 6):
        await refuse(smtp, number, context=context)
    assert await count(smtp, "Rejects") == (5,)


async def test_what_its_owner_moves_out_is_history(smtp: Smtp) -> None:
    """SMTP-88, SMTP-102, STORE-73: it is unseen and no reject any more, and speaks for its sender."""
    state = "SELECT is_reject, flags & ? FROM message JOIN mailbox ON mailbox.id = mailbox_id WHERE name = ?"

    def move(tx: AccountTx) -> None:
        refused, inbox = mailbox_by_name(tx, "Rejects"), mailbox_by_name(tx, "Inbox")
        assert refused is not None
        assert inbox is not None
        move_messages(tx, refused.id, [1], inbox.id)

    await refuse(smtp, 1)
    async with smtp.context.accounts.use("mia") as account:
        assert await account.read(lambda r: r.row(state, Flag.SEEN, "Rejects"), op="test") == (1, Flag.SEEN)
        await account.write(move)
        assert await account.read(lambda r: r.row(state, Flag.SEEN, "Inbox"), op="test") == (0, 0)
    await mark(smtp, Flag.NOTJUNK)
    assert (await send(smtp, {DMARC: [], "remote.example": []})).startswith("250")
    [steps] = headers((await smtp.messages())[-1], "X-Moxlite-Reason")
    assert "earlier mail: wanted by dkimspf" in steps


async def test_the_owner_can_ask_why_mail_of_a_sender_was_refused(smtp: Smtp) -> None:
    """ADMIN-77, SMTP-102: by the address in From or MAIL FROM, in any case, or by the domain; newest first, with all
    that was found and proposed.
    """
    assert (await send(smtp, {DMARC: [], "remote.example": []})).startswith("250")
    await refuse(smtp, 1)
    accounts = smtp.context.accounts
    for asked in ("Ann@remote.example", "ann@REMOTE.example", "@remote.example"):
        refused, taken = await stored(accounts, "mia", asked)
        assert (refused.mailbox, taken.mailbox) == ("Rejects", "Inbox")
        assert refused.why is not None
        assert (refused.why.reason, refused.why.reply) == (
            "spf-policy",
            "451 4.3.0 can't accept this message right now",
        )
        assert "keep a copy in Rejects" in refused.why.actions
        assert [said.word for said in refused.why.proposals] == ["spf-policy"]
        assert any(fact.name == "spf" and fact.value.startswith("fail") for fact in refused.why.facts)
    one = await stored(accounts, "mia", str(refused.message))
    assert [found.mailbox for found in one] == ["Rejects"]
    for asked in ("ben@remote.example", "@example", "ann@other.example"):
        with pytest.raises(WhyFailed, match="not found in account"):
            await stored(accounts, "mia", asked)


async def test_an_address_that_leaked_is_given_up(smtp: Smtp) -> None:
    """SMTP-69, SMTP-72a: as it is written, in any case, also for own users; all else of the address works."""
    path = smtp.context.config.path.with_name("domains.toml")
    line = '[accounts.bo.destinations."bo@ours.example"]\n'
    assert line in path.read_text()
    refused = 'refused_addresses = ["bo+Shop@ours.example"]\n'
    catchall = '[accounts.bo.destinations."@ours.example"]\nrefused_addresses = ["old@ours.example"]\n'
    path.write_text(path.read_text().replace(line, line + refused + catchall))
    context = smtp.configured("")
    async with smtp.connect(context=context) as client:
        await client.play("C: MAIL FROM:<ann@remote.example>\nS: 250")
        for leaked in ("bo+shop@ours.example", "BO+SHOP@OURS.example", "Old@ours.example"):
            await client.play(f"C: RCPT TO:<{leaked}>\nS: 550 5.1.1")
    for good in ("bo@ours.example", "bo+shopping@ours.example", "older@ours.example"):
        async with smtp.connect(context=context) as client:
            assert (await client.deliver(good)).startswith("250")
    async with smtp.user(context=context) as client:
        await client.play("C: MAIL FROM:<mia@ours.example>\nS: 250\nC: RCPT TO:<bo+shop@ours.example>\nS: 550 5.1.1")
        await client.play("C: RCPT TO:<bo@ours.example>\nS: 250")
    assert len(await smtp.messages("bo")) == 3
