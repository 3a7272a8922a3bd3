"""Answers by mail to the question whether mail may be sent on (SMTP-159b, QUEUE-179)."""

import hashlib
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from moxlite.admin.delivery.consent import account_of, make_code, read_answer
from moxlite.admin.delivery.forwarding import Forwarding
from moxlite.lazyimport import Lazy
from moxlite.net.resolver import FakeResolver
from moxlite.smtpd import Context
from moxlite.store.delivery.forwarding import Target, targets
from tests.session.smtpd_harness import TLS, Smtp, clock, smtp
from tests.session.test_smtpd_checks import signed, zone
from tests.session.test_smtpd_forwarding import forwarding

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]

ASKED = "ann@remote.example"
"""The address that was asked; its domain signs, and has SPF and DMARC in the zone of the checks."""


class Asked:
    """A question of mia's to `ASKED`, and a server that takes answers."""

    def __init__(self, smtp: Smtp, context: Context, address: str) -> None:
        self.smtp = smtp
        self.context = context
        self.address = address
        """For answers."""

    async def deliver(self, message: bytes, sender: str = ASKED, *, resolver: FakeResolver | None = None) -> str:
        context = msgspec.structs.replace(self.context, resolver=resolver or zone())
        async with self.smtp.connect(context=context, tls=TLS) as client:
            return await client.deliver(self.address, message, sender)

    async def target(self) -> Target:
        async with self.smtp.context.accounts.use("mia") as account:
            [found] = await account.read(targets, op="test")
        return found


async def ask(smtp: Smtp) -> Asked:
    """Have mia's question sent; the address for answers is in its Reply-To."""
    context = forwarding(smtp, ASKED)
    asking = Forwarding(config=context.config, accounts=context.accounts, keys=context.keys, submit=context.submit)
    await asking.ask("mia", ASKED)
    question = (await smtp.carried())[-1].message
    address = str(question["Reply-To"]).strip("<>")
    assert address.startswith("consent-")
    assert address.endswith("@ours.example")
    assert 'reply "yes" to this email within a week' in question.get_payload()
    return Asked(smtp, msgspec.structs.replace(context, forwarding=Lazy(lambda: asking)), address)


def answer(word: str, author: str = ASKED, more: str = "") -> bytes:
    """An answer as mail programs write it, with the question quoted above or below."""
    text = f'{word}\n\nOn Fri, Mia <mia@ours.example> wrote:\n> Mia wants to forward mail. answer "no"\n'
    head = f"From: <{author}>\nTo: <mia@ours.example>\nSubject: Re: forwarded\nMessage-Id: <a@remote.example>\n{more}\n"
    return (head + text).replace("\n", "\r\n").encode()


@pytest.mark.parametrize(("word", "agrees"), [("Yes", True), ("  Ja, gerne!", True), ("No.", False), ("Nein", False)])
async def test_the_first_word_of_a_signed_answer_counts_once(smtp: Smtp, word: str, agrees: bool) -> None:
    """SMTP-159b, QUEUE-179: kept by no account; the second answer finds no question."""
    asked = await ask(smtp)
    assert (await asked.deliver(await signed(answer(word)))).startswith("250 2.0.0 thank you")
    target = await asked.target()
    assert (target.confirmed is not None, target.stopped is not None) == (agrees, not agrees)
    assert (await asked.deliver(await signed(answer("no" if agrees else "yes")))).startswith("550 5.1.1")
    assert await asked.target() == target
    assert await smtp.messages() == []


async def test_only_the_owner_of_the_address_answers(smtp: Smtp) -> None:
    """SMTP-159b: another author, a forged one, a program, a bounce, and words that say neither yes nor no."""
    asked = await ask(smtp)
    other = answer("yes", author="bob@remote.example")
    assert "reply from the address that got" in await asked.deliver(await signed(other, "bob@remote.example"))
    forged = await asked.deliver(answer("yes"), "eve@other.example")
    assert forged.startswith("550 5.7.26")
    unproven = zone({"_dmarc.remote.example": [], "remote.example": [], "s1._domainkey.remote.example": []})
    assert (await asked.deliver(answer("yes"), resolver=unproven)).startswith("550 5.7.26")
    automatic = answer("yes, I am away", more="Auto-Submitted: auto-replied\n")
    assert "automatic" in await asked.deliver(await signed(automatic))
    assert 'the word "yes" or "no"' in await asked.deliver(await signed(answer("who are you?")))
    async with smtp.connect(context=asked.context, tls=TLS) as client:
        await client.play(f"C: MAIL FROM:<>\nS: 250 2.1.0\nC: RCPT TO:<{asked.address}>\nS: 550 5.1.1")
    assert (await asked.target()).confirmed is None
    assert (await asked.deliver(answer("yes"))).startswith("250"), "SPF of the address's domain is proof, too"
    assert (await asked.target()).confirmed is not None


async def test_a_question_comes_from_an_address_that_each_server_takes(smtp: Smtp) -> None:
    """SMTP-2e, QUEUE-179: the owner's server may not take the address of the account (RFC 6531 §3.2)."""
    path = smtp.context.config.path.with_name("domains.toml")
    first = '[accounts.mia.destinations."mia@ours.example"]\n'
    path.write_text(path.read_text().replace(first, f'[accounts.mia.destinations."jürg@ours.example"]\n{first}'))
    await ask(smtp)
    question = (await smtp.carried())[-1]
    assert not question.submission.smtputf8
    assert str(question.submission.mail_from) == "postmaster@ours.example"
    assert question.message["From"] == "<postmaster@ours.example>"
    assert "jürg@ours.example" in question.message.get_payload(decode=True).decode()  # type: ignore[union-attr]


async def test_forged_codes_are_unknown_users(smtp: Smtp) -> None:
    """SMTP-159b: a code of another account or secret; other recipients need a transaction of their own."""
    asked = await ask(smtp)
    code = asked.address.partition("@")[0].removeprefix("consent-")
    assert account_of(asked.context.config.current, code) == ("mia", code[8:])
    for forged in (make_code("eve", code[8:]), code[:8] + "a" * 26):
        asked.address = f"consent-{forged}@ours.example"
        assert (await asked.deliver(await signed(answer("yes")))).startswith("550 5.1.1")
    both = f"""
        C: MAIL FROM:<{ASKED}>
        S: 250 2.1.0
        C: RCPT TO:<consent-{code}@ours.example>
        S: 250 2.1.5
        C: RCPT TO:<mia@ours.example>
        S: 452 4.5.3
        """
    async with smtp.connect(context=asked.context, tls=TLS) as client:
        await client.play(both)
    assert (await asked.target()).confirmed is None


@pytest.mark.parametrize(
    ("text", "agrees"),
    [("", None), ("[...] yes", True), ("yes.", True), ("Oui", True), ("SÍ", True), ("nee hoor", False), ("know", None)],
)
def test_what_an_answer_says(text: str, agrees: bool | None) -> None:
    """SMTP-159b: whole words, in the languages of the pages."""
    assert read_answer(text) is agrees


def test_the_account_of_a_code_is_found_without_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-179: strangers may ask for codes as often as they like, and each account has a tag."""
    snapshot = cast("Any", SimpleNamespace(domains=SimpleNamespace(accounts=[f"account{n}" for n in range(100)])))
    token = "a" * 26
    code = make_code("account99", token)
    assert account_of(snapshot, code) == ("account99", token)
    monkeypatch.setattr(hashlib, "sha256", None)
    assert account_of(snapshot, code) == ("account99", token)
    assert account_of(snapshot, "a" * 34) is None
