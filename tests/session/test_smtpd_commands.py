"""Commands, addresses and octets of content by whole sessions, where the codec has tables of its own (smtp.md)."""

import base64

import pytest
import trio

from moxlite import processor
from moxlite.acceptance import rules
from moxlite.store.types import Flag
from tests.session.smtpd_harness import MESSAGE, TLS, Smtp, clock, headers, smtp
from tests.session.test_smtpd_checks import MAIL, zone
from tests.session.test_smtpd_decisions import DMARC, count, mark, reason, send
from tests.session.test_smtpd_rulesets import with_rules

__all__ = ["clock", "smtp"]

pytestmark = pytest.mark.served


async def test_commands_in_any_case_and_lines_of_any_kind(smtp: Smtp) -> None:
    """SMTP-10: NUL is refused; a bare LF or an endless line ends the connection."""
    async with smtp.connect() as client:
        await client.play("C: nOoP\nS: 250\nC: mail from:<ann@remote.example>\nS: 250\nC: rset\nS: 250")
        await client.send(b"NOOP \0\r\n")
        assert (await client.reply()).startswith("501 5.5.2")
    async with smtp.connect() as client:
        await client.send(b"NOOP\n")
        assert (await client.reply()).startswith("500 5.5.2")
        await client.play("S: close")
    async with smtp.connect() as client:
        await client.send(b"NOOP " + b"x" * 2100)
        assert (await client.reply()).startswith("500 5.5.0")
        await client.play("S: close")


async def test_a_pipelined_batch_lets_others_have_turns(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-12: here after each command, as if each took 2 ms."""
    monkeypatch.setattr(processor, "STRETCH", 0.0)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with smtp.connect() as client, trio.open_nursery() as nursery:
        await client.play("C: MAIL FROM:<>\nS: 250")
        nursery.start_soon(other)
        await client.send(b"RCPT TO:<mia@ours.example>\r\n" + b"NOOP\r\n" * 500)
        assert [await client.reply() for _ in range(501)][-1].startswith("250")
        assert turns > 500
        nursery.cancel_scope.cancel()


async def test_blanks_behind_arguments(smtp: Smtp) -> None:
    """SMTP-13"""
    async with smtp.connect() as client:
        await client.play("C: MAIL FROM:<ann@remote.example>  \nS: 250")
    async with smtp.user() as client:
        await client.play("C: MAIL FROM:<mia@ours.example> \nS: 250")


async def test_parameters_of_mail(smtp: Smtp) -> None:
    """SMTP-27, SMTP-28, SMTP-41: BINARYMIME is not offered; addresses outside of ASCII need SMTPUTF8."""
    async with smtp.connect(hello="") as client:
        assert "BINARYMIME" not in await client.say("EHLO there.example")
        await client.play(
            """
            C: MAIL FROM:<a@remote.example> BODY=BINARYMIME
            S: 555 5.5.4
            C: MAIL FROM:<a@remote.example> BODY=OTHER
            S: 555 5.5.4
            C: MAIL FROM:<a@remote.example> BODY=7BIT BODY=7BIT
            S: 501 5.5.4
            C: MAIL FROM:<a@remote.example> MOO=1
            S: 555 5.5.4
            C: MAIL FROM:<ä@remote.example>
            S: 550 5.6.7
            C: MAIL FROM:<ä@remote.example> SMTPUTF8 AUTH=<>
            S: 250
            C: RSET
            S: 250
            C: MAIL FROM:<a@remote.example> BODY=8BITMIME
            S: 250
            C: RCPT TO:<ä@ours.example>
            S: 553 5.6.7
            """
        )


async def test_octets_of_a_message_are_kept(smtp: Smtp) -> None:
    """SMTP-39: bare LFs become CRLF; a NUL and a long line stay."""
    content = MESSAGE + b"one\ntwo\r\n" + b"x" * 20_000 + b"\r\nnul \0 here\r\n"
    async with smtp.connect() as client:
        assert (await client.deliver(message=content)).startswith("250")
    stored = await smtp.one()
    assert b"one\r\ntwo\r\n" in stored
    assert b"x" * 20_000 + b"\r\nnul \0 here\r\n" in stored


async def test_a_catchall_gets_what_nobody_else_does(smtp: Smtp) -> None:
    """SMTP-72: an address with a separator or other case belongs to the one that exists."""
    path = smtp.context.config.path.with_name("domains.toml")
    line = '[accounts.bo.destinations."bo@ours.example"]\n'
    path.write_text(path.read_text().replace(line, f'{line}[accounts.bo.destinations."@ours.example"]\n'))
    context = smtp.configured("")
    for to in ("anything@ours.example", "Mia+shop@ours.example", "MIA@OURS.example", "team@ours.example"):
        async with smtp.connect(context=context) as client:
            assert (await client.deliver(to=to)).startswith("250")
    assert [headers(one, "Delivered-To")[0] for one in await smtp.messages("bo")] == [
        "anything@ours.example",
        "team@ours.example",
    ]
    assert len(await smtp.messages("mia")) == 3


async def test_attempts_to_log_in_are_kept(smtp: Smtp) -> None:
    """SMTP-64: account, address, protocol, mechanism and result, with their number."""
    plain = base64.b64encode(b"\0mia@ours.example\0wrong").decode()
    for _ in range(2):
        async with smtp.connect("submission", tls=TLS) as client:
            await client.play(f"C: AUTH PLAIN {plain}\nS: 535 5.7.8")
    async with smtp.user():
        pass
    nobody = base64.b64encode(b"\0nobody@ours.example\0wrong").decode()
    async with smtp.connect("submission", tls=TLS) as client:
        await client.play(f"C: AUTH PLAIN {nobody}\nS: 535 5.7.8")
    with trio.fail_after(30):  # they are written in the background
        while sum(one.count for one in await smtp.auth.attempts.newest()) < 4:  # noqa: ASYNC110  # of another task's writer
            await trio.sleep(0.01)
    found = await smtp.auth.attempts.newest()
    assert {(one.account, one.address, one.protocol, one.mechanism, one.result, one.count) for one in found} == {
        ("mia", "mia@ours.example", "submission", "plain", "badpassword", 2),
        ("-", "nobody@ours.example", "submission", "plain", "baduser", 1),
        ("mia", "mia@ours.example", "submission", "plain", "ok", 1),
    }
    assert {one.remote_ip for one in found} == {"198.51.100.7"}


async def test_a_pattern_without_end_does_not_match(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-150: it has a tenth of a second; the message goes where it would go without it."""
    monkeypatch.setattr(rules, "TOTAL_SECONDS", 0.05)
    context = with_rules(smtp, 'mailbox = "Never"\nheaders_regexp = { "^subject$" = "^(a|a)*(b|b)*(a|a)*c$" }')
    evil = MAIL.replace(b"hello", b"a" * 900)
    async with smtp.connect(context=context) as client:
        assert (await client.deliver(message=evil)).startswith("250")
    assert await count(smtp, "Never", "Inbox") == (0, 1)


async def test_a_client_without_a_name_and_a_history_that_leans_to_junk(smtp: Smtp) -> None:
    """SMTP-91: together they refuse; each alone does not."""
    world: dict[str, list[str]] = {DMARC: [], "remote.example": [], "there.example": []}

    def stranger(name: str) -> bytes:
        return MAIL.replace(b"ann@remote.example", name.encode() + b"@" + name.encode() + b".example")

    nameless = "198.51.100.8"
    assert (await send(smtp, world, stranger("a"), remote=nameless)).startswith("250")
    await mark(smtp, Flag.JUNK)
    assert (await send(smtp, world, stranger("b"), remote="198.51.100.9")).startswith("451")
    assert await reason(smtp, "Rejects") == "iprev"
    assert (await send(smtp, world, stranger("c"))).startswith("250")  # of the same network, with a name


@pytest.mark.parametrize("number", [1000])
async def test_a_thousand_signatures_are_not_checked(smtp: Smtp, number: int) -> None:
    """SMTP-149: ten are, all others are named as they are."""
    junk = b"".join(
        b"DKIM-Signature: v=1; a=ed25519-sha256; d=d%d.test; s=s; h=from; bh=%b; b=AAAA\r\n" % (n, b"A" * 43 + b"=")
        for n in range(number)
    )
    resolver = zone({DMARC: []})
    async with smtp.connect(context=smtp.with_context(resolver=resolver), tls=TLS) as client:
        assert (await client.deliver(message=junk + MAIL)).startswith("250")
    assert len([name for name, _ in resolver.asked if "_domainkey" in name]) <= 10
    assert "dkim=policy" in headers(await smtp.one(), "Authentication-Results")[0]
