"""Addresses to give away, by whole SMTP sessions (docs/spec/masked.md)."""

import re

import pytest

from moxlite.admin.masked import MaskedAddresses, New, leak_of
from moxlite.operations.masked import ImportedAlias
from moxlite.store.errors import LimitExceeded
from moxlite.store.mail import masked as rows
from moxlite.store.mail.masked import MaskedChange, MaskedRefused, NoSuchMasked
from moxlite.store.upkeep.check import check_account
from tests.session.smtpd_harness import Smtp, clock, headers, smtp

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]


def addresses(smtp: Smtp) -> MaskedAddresses:
    assert smtp.context.masked is not None
    return smtp.context.masked


def mail(author: str = "news@shop.example", subject: str = "hello") -> bytes:
    return f"From: <{author}>\r\nTo: <you@there.example>\r\nSubject: {subject}\r\n\r\ntext\r\n".encode()


async def rcpt(smtp: Smtp, address: str) -> str:
    async with smtp.connect() as client:
        await client.play("C: MAIL FROM:<news@shop.example>\nS: 250")
        return await client.say(f"RCPT TO:<{address}>")


async def deliver(smtp: Smtp, to: str, author: str = "news@shop.example", sender: str = "news@shop.example") -> str:
    async with smtp.connect() as client:
        return await client.deliver(to=to, sender=sender, message=mail(author))


async def test_mail_to_an_address_that_was_given_away_arrives(smtp: Smtp) -> None:
    """MASK-1, MASK-2, MASK-3: in the account's Inbox, with the address in its facts; the sender is noted."""
    made = await addresses(smtp).make("mia", New(site="https://www.shop.example/x", note=" my  books "))
    assert re.fullmatch(r"shop\.[a-z2-9]{5}@ours\.example", made.address)
    assert (made.given_to, made.note, made.active, made.messages) == ("shop.example", "my books", True, 0)
    assert (await deliver(smtp, made.address.upper())).startswith("250")
    message = await smtp.one()
    assert [one.lower() for one in headers(message, "Delivered-To")] == [made.address]
    async with smtp.context.accounts.use("mia") as account:
        facts = await account.read(lambda r: r.row("SELECT rcptto, rcptto_domain FROM message_smtp"), op="test")
        assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []
    assert facts is not None
    assert "@".join(facts).lower() == made.address
    [known] = await addresses(smtp).list("mia", "BOOKS")
    assert (known.messages, known.last_mail is not None) == (1, True)
    assert [(one.domain, one.messages) for one in known.senders] == [("shop.example", 1)]
    assert await addresses(smtp).list("mia", "other") == []


async def test_one_that_is_off_expired_or_removed_is_refused(smtp: Smtp) -> None:
    """MASK-4: from then on; on again, at once."""
    given = addresses(smtp)
    made = await given.make("mia", New(word="Books!"))
    assert made.address.startswith("books.")
    await given.change("mia", made.address, MaskedChange(active=False))
    assert (await rcpt(smtp, made.address)).startswith("550 5.2.1 this address no longer accepts mail")
    await given.change("mia", made.address, MaskedChange(active=True))
    assert (await rcpt(smtp, made.address)).startswith("250")
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: tx.execute("UPDATE masked SET expires = 1"))
    assert (await rcpt(smtp, made.address)).startswith("550 5.2.1")
    with pytest.raises(MaskedRefused, match="must be in the future"):
        await given.change("mia", made.address, MaskedChange(expires=2))
    switched = await given.change("mia", made.address, MaskedChange(active=True))
    assert switched.expires is None
    assert (await rcpt(smtp, made.address)).startswith("250")
    await given.change("mia", made.address, MaskedChange(expires=0))
    assert (await rcpt(smtp, made.address)).startswith("250")
    await given.remove("mia", made.address)
    assert (await deliver(smtp, made.address)).startswith("550 5.1.1")
    with pytest.raises(NoSuchMasked):
        await given.remove("mia", made.address)


async def test_only_chosen_senders_may_write(smtp: Smtp) -> None:
    """MASK-5: by their address, or of their domain and below it; bounces pass."""
    made = await addresses(smtp).make("mia", New(only_from=("shop.example", "Ann@post.example")))
    for author in ("news@shop.example", "a@mail.shop.example", "ann@post.example"):
        assert (await deliver(smtp, made.address, author)).startswith("250")
    for author in ("bo@post.example", "a@eshop.example"):
        refused = await deliver(smtp, made.address, author)
        assert refused.startswith("550 5.7.1 this address only accepts mail from selected senders")
    assert (await deliver(smtp, made.address, "mailer-daemon@post.example", "")).startswith(
        ("250", "550 5.7.1 this bounce")
    )
    assert len(await smtp.messages()) >= 3


async def test_the_leak_is_named(smtp: Smtp) -> None:
    """MASK-8: who writes besides the site, since when."""
    made = await addresses(smtp).make("mia", New(site="shop.example"))
    for author in ("news@mail.shop.example", "a@evil.example", "b@evil.example", "c@worse.example"):
        assert (await deliver(smtp, made.address, author)).startswith("250")
    [known] = await addresses(smtp).list("mia")
    assert [one.domain for one in known.strangers] == ["evil.example", "worse.example"]
    assert re.fullmatch(r"given to shop\.example; since [-0-9]{10} 2 unknown senders", leak_of(known))


async def test_the_owner_may_write_from_it_and_nobody_else(smtp: Smtp) -> None:
    """MASK-6: in MAIL FROM and From, off or on; another account may not, and mail to it from here arrives."""
    made = await addresses(smtp).make("mia", New())
    for active in (True, False):
        await addresses(smtp).change("mia", made.address, MaskedChange(active=active))
        async with smtp.user() as client:
            sent = await client.deliver(to="ann@remote.example", sender=made.address, message=mail(made.address))
            assert sent.startswith("250")
    async with smtp.user("bo@ours.example") as client:
        assert (await client.say(f"MAIL FROM:<{made.address}>")).startswith("550 5.7.1")
        stolen = await client.deliver(to="ann@remote.example", sender="bo@ours.example", message=mail(made.address))
        assert stolen.startswith(f"550 5.7.1 you can't send from {made.address}")
        await client.play("C: MAIL FROM:<bo@ours.example>\nS: 250")
        assert (await client.say(f"RCPT TO:<{made.address}>")).startswith("550 5.2.1")
        await addresses(smtp).change("mia", made.address, MaskedChange(active=True))
        assert (await client.say(f"RCPT TO:<{made.address}>")).startswith("250")


async def test_aliases_of_other_services_are_taken_over(smtp: Smtp) -> None:
    """MASK-15: under their own names, off or on; what cannot be here is told; again, nothing changes."""
    aliases = [
        ImportedAlias("Shop.Old@OURS.example", "  a   note "),
        ImportedAlias("quiet@ours.example", active=False),
        ImportedAlias("other@anonaddy.example"),
        ImportedAlias("mia@ours.example"),
        ImportedAlias("no address"),
    ]
    done = await addresses(smtp).take_over("mia", aliases)
    assert (done.added, done.known) == (2, 0)
    assert [(one.address.partition("@")[0], one.reason) for one in done.left_out] == [
        ("other", "the domain anonaddy.example isn't on this server"),
        ("mia", "this address is already configured on this server"),
        ("no address", "no address isn't a valid address"),
    ]
    assert (await deliver(smtp, "shop.old@ours.example")).startswith("250")
    assert (await rcpt(smtp, "quiet@ours.example")).startswith("550 5.2.1")
    again = await addresses(smtp).take_over("mia", aliases)
    assert (again.added, again.known) == (0, 2)
    stolen = await addresses(smtp).take_over("bo", aliases[:1])
    assert "another account already uses this address" in stolen.left_out[0].reason
    [found] = await addresses(smtp).list("mia", "shop.old")
    assert (found.note, found.messages) == ("a note", 1)


async def test_an_unknown_one_waits_until_all_accounts_were_compared(smtp: Smtp) -> None:
    """MASK-3: auth.db that was restored or lost lacks entries; no living address gets 550, and each is found again."""
    made = await addresses(smtp).make("mia", New())
    await smtp.auth.database.write(lambda tx: tx.execute("DELETE FROM masked"))
    smtp.auth.masked._compared._at.clear()
    assert (await rcpt(smtp, made.address)).startswith("451")
    assert (await deliver(smtp, "nobody@ours.example")).startswith("550 5.1.1")
    async with smtp.context.accounts.use("mia") as account:
        await smtp.auth.masked.compare(account)
    assert (await rcpt(smtp, made.address)).startswith("250")
    await smtp.auth.database.write(
        lambda tx: tx.execute("INSERT INTO masked VALUES ('left.x7k2p@ours.example', 'mia')")
    )
    assert (await deliver(smtp, "left.x7k2p@ours.example")).startswith("550 5.1.1")
    async with smtp.context.accounts.use("mia") as account:
        await smtp.auth.masked.compare(account)
    assert await smtp.auth.masked.account_of("left.x7k2p@ours.example") is None


async def test_limits_and_domains(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """MASK-2: in total, and a day, removed ones too; in domains of the account that take mail."""
    given = addresses(smtp)
    assert (rows.MAX_MASKED, rows.MAX_A_DAY) == (10_000, 200)
    with pytest.raises(MaskedRefused, match=r"choose one of your own domains: ours\.example"):
        await given.make("mia", New(domain="off.example"))
    monkeypatch.setattr(rows, "MAX_MASKED", 1)
    made = await given.make("mia", New())
    with pytest.raises(LimitExceeded, match="1 masked addresses"):
        await given.make("mia", New())
    await given.remove("mia", made.address)
    monkeypatch.setattr(rows, "MAX_A_DAY", 1)
    with pytest.raises(LimitExceeded, match="per day"):
        await given.make("mia", New())
    assert await smtp.auth.database.read(lambda r: r.value("SELECT count(*) FROM masked"), op="test") == 0


async def test_senders_are_bounded(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """MASK-1: messages of further ones are counted."""
    monkeypatch.setattr(rows, "MAX_SENDERS", 2)
    made = await addresses(smtp).make("mia", New())
    for name in ("a", "b", "c", "a", "d"):
        assert (await deliver(smtp, made.address, f"x@{name}.example")).startswith("250")
    [known] = await addresses(smtp).list("mia")
    assert ([(one.domain, one.messages) for one in known.senders], known.unlisted) == (
        [("a.example", 2), ("b.example", 1)],
        2,
    )


async def test_what_goes_with_an_account(smtp: Smtp) -> None:
    """MASK-3: the index forgets a removed account."""
    made = await addresses(smtp).make("bo", New())
    await smtp.auth.end_removal("bo")
    assert await smtp.auth.masked.account_of(made.address) is None
