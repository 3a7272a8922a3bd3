"""Incoming mail by whole sessions over a real store (docs/spec/smtp.md §2..7, §10)."""

import email.utils
import errno
import re
from pathlib import Path

import pytest
import trio

from moxlite.net.admission import Gate
from moxlite.net.limits import OpenConnections, Window
from moxlite.net.resolver import MX, FakeResolver
from moxlite.process.spools import Spools
from moxlite.smtpd import Timeouts
from moxlite.smtpd.incoming import deliver
from moxlite.smtpd.metrics import delivery_total
from moxlite.store.content import prepare
from moxlite.store.content.prepare import OctetLimiter
from moxlite.store.content.spool import Spool, SpoolSpace
from moxlite.store.delivery.perform import TELL
from moxlite.store.errors import NoLease, OverQuota, StorageBroken, StorageBusy, StorageFull, StoreError
from tests.logs import kv
from tests.session.smtpd_harness import (
    DOMAINS,
    MESSAGE,
    TLS,
    Smtp,
    clock,
    fail_for,
    headers,
    pass_time,
    reason_of,
    serving,
    smtp,
)
from tests.tools import still

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]

RESOLVER = FakeResolver(
    {
        "MX": {"good.example": [MX(10, "mx.good.example")], "null.example": [MX(0, ".")]},
        "A": {"plain.example": ["192.0.2.1"]},
    },
    failing=["broken.example"],
)


async def test_a_message_is_delivered(smtp: Smtp) -> None:
    """SMTP-7, 19, 37, 44"""
    async with smtp.connect() as client:
        assert client.greeting == "220 mail.ours.example ESMTP moxlite"
        reply = await client.deliver()
        assert reply.startswith("250 2.0.0 message accepted, id ")
        assert smtp.context.received_id.decode(reply.rpartition(" ")[2]) == 7
        await client.play("C: QUIT\nS: 221 2.0.0\nS: close")
    assert (await smtp.one()).endswith(MESSAGE)


async def test_ehlo_tells_what_we_can_do(smtp: Smtp) -> None:
    """SMTP-25, 30, 32"""
    async with smtp.connect(hello="") as client:
        lines = (await client.say("EHLO there.example")).splitlines()
        assert lines[0] == "250-mail.ours.example"
        assert [line[4:] for line in lines[1:]] == [
            "PIPELINING",
            "SIZE 200000",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
            "SMTPUTF8",
            "CHUNKING",
            "LIMITS RCPTMAX=1000",
        ]
        assert await client.say("HELO there.example") == "250 mail.ours.example"
    async with smtp.connect(hello="", tls=TLS) as client:
        assert "REQUIRETLS" in await client.say("EHLO there.example")


async def test_trace_fields_stand_in_their_order(smtp: Smtp) -> None:
    """SMTP-9, 78, 79"""
    async with smtp.connect(tls=TLS) as client:
        await client.deliver("Mia+x@ours.example")
    message = await smtp.one()
    names = re.findall(rb"^([A-Za-z-]+):", message, re.MULTILINE)
    assert names[:4] == [b"X-Moxlite-Reason", b"Delivered-To", b"Return-Path", b"Received"]
    assert headers(message, "Delivered-To") == ["Mia+x@ours.example"]
    assert headers(message, "Return-Path") == ["<ann@remote.example>"]
    (received,) = headers(message, "Received")
    pattern = (
        r"from there\.example \(\[198\.51\.100\.7\]\) by mail\.ours\.example \(\[192\.0\.2\.25\]\) via tcp "
        r"with ESMTPS id ([\w-]{22}) \(TLSv1\.3 TLS_AES_128_GCM_SHA256\) for <Mia\+x@ours\.example>; (.*)"
    )
    match = re.fullmatch(pattern, received)
    assert match
    assert smtp.context.received_id.decode(match[1]) == 7
    assert email.utils.parsedate_to_datetime(match[2]).tzinfo is not None
    assert all(len(line) <= 78 for line in message.split(b"\r\n"))


async def test_requiretls_leaves_its_mark(smtp: Smtp) -> None:
    """SMTP-30"""
    async with smtp.connect(tls=TLS) as client:
        await client.play("C: MAIL FROM:<ann@remote.example> REQUIRETLS\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250")
        await client.play("C: DATA\nS: 354\nC: a: b\nC: \nC: .\nS: 250 2.0.0")
    assert "with ESMTPS (requiretls) id " in headers(await smtp.one(), "Received")[0]
    async with smtp.connect() as client:
        await client.play("C: MAIL FROM:<ann@remote.example> REQUIRETLS\nS: 523 5.7.10")


async def test_the_protocol_is_named(smtp: Smtp) -> None:
    """SMTP-79"""
    async with smtp.connect(hello="HELO there.example") as client:
        await client.deliver()
    assert " with SMTP id " in headers(await smtp.one(), "Received")[0]
    async with smtp.connect() as client:
        await client.play(
            "C: MAIL FROM:<é@é.example> SMTPUTF8\nS: 250\nC: RCPT TO:<bo@ours.example>\nS: 250\nC: DATA\nS: 354"
        )
        await client.play("C: a: b\nC: \nC: .\nS: 250 2.0.0")
    message = await smtp.one("bo")
    assert " with UTF8SMTP id " in headers(message, "Received")[0]
    assert "Return-Path: <é@é.example>\r\n".encode() in message


async def test_forged_results_and_marks_are_removed(smtp: Smtp) -> None:
    """SMTP-80"""
    forged = (
        b"Authentication-Results: (x) mail.ours.example;\r\n spf=pass\r\n"
        b"X-Moxlite-Reason: friend\r\n"
        b"authentication-results: other.example; spf=pass\r\n"
    )
    async with smtp.connect() as client:
        await client.deliver(message=forged + MESSAGE)
        await client.deliver(message=MESSAGE.replace(b"text", b"Authentication-Results: mail.ours.example"))
    one, other = await smtp.messages()
    assert b"\r\nauthentication-results: other.example; spf=pass\r\n" + MESSAGE in one
    assert b"friend" not in one
    assert b"mail.ours.example; spf" not in one
    assert b"mail.ours.example;\r\n" not in one
    assert other.endswith(b"\r\nAuthentication-Results: mail.ours.example\r\n")


@pytest.mark.parametrize(
    "forged",
    [
        b"Authentication-Results: mail.ours.example;",
        b"authentication-RESULTS \t: mail.ours.example 1;",
        b"Authentication-Results:\r\n\t(a (nested \\) one)) mail.ours.example (and) 1;",
        b'Authentication-Results: "mail.ours.example";',
        b'Authentication-Results: ("") "mail.\\ours.example" ;',
        b"Authentication-Results: mail . ours(x)\r\n .example. ;",
        b"Authentication-Results: MAIL.Ours.Example/1;",
        b"Authentication-Results: =?utf-8?q?mail.ours=2Eexample?=;",
        "Authentication-Results: mail。ours.ｅxample;".encode(),
        b"Authentication-Results: mail.ours.example",
        b"X-Moxlite-Anything \t:",
    ],
)
async def test_a_forged_field_is_removed_however_it_is_written(smtp: Smtp, forged: bytes) -> None:
    """SMTP-80"""
    kept = b"Authentication-Results: (mail.ours.example) there.example; x=mail.ours.example\r\n" + MESSAGE
    async with smtp.connect() as client:
        await client.deliver(message=forged + b"\r\n forgery=pass\r\n" + kept)
    one = await smtp.one()
    assert one.endswith(b"\r\n" + kept)
    assert b"forgery" not in one


LARGE = "max_message_size = 200000=>max_message_size = 4000000"


async def test_a_header_section_too_large_is_refused_as_soon_as_that_is_known(smtp: Smtp) -> None:
    """SMTP-46a"""
    half = b"X-Long: " + b"x" * (600 << 10) + b"\r\n"
    async with smtp.connect(context=smtp.configured(LARGE)) as client:
        await client.play("C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250")
        chunk = b"BDAT %d\r\n%b" % (len(half), half)
        await client.send(chunk)
        assert (await client.reply()).startswith("250 2.0.0 chunk")
        await client.send(chunk)
        assert (await client.reply()).startswith("552 5.3.4 header section too large")
        await client.send(chunk)
        assert (await client.reply()).startswith("503 5.5.1")
        await client.play("C: RSET\nS: 250")
        assert (await client.deliver(message=MESSAGE + b"no header\r\n" * 200_000)).startswith("250")
    async with smtp.connect(context=smtp.configured(LARGE, timeouts=Timeouts(discard=0.1))) as client:
        await client.play("C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250")
        await client.play("C: DATA\nS: 354")
        await client.send(half + half)  # and no end of it
        assert (await client.reply()).startswith("552 5.3.4 header section too large")
        assert await client.reply() == ""


@pytest.mark.parametrize("line", [b"X-Long: " + b"x" * 900 + b"\r\n", b"A:\r\n"])
async def test_a_header_section_longer_than_what_is_read_is_refused(smtp: Smtp, line: bytes) -> None:
    """SMTP-46a"""
    section = line * (1 + min((1 << 20) // len(line), 10_000))
    async with smtp.connect(context=smtp.configured(LARGE)) as client:
        assert (await client.deliver(message=section + MESSAGE)).startswith("552 5.3.4 header section too large")
        assert (await client.deliver()).startswith("250")
    assert await smtp.one() is not None


async def test_a_message_whose_turn_to_be_prepared_does_not_come_is_for_later(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-7a"""
    limiter = OctetLimiter(lambda: 1000, 0.05)
    monkeypatch.setattr(prepare, "_preparing", limiter)
    async with smtp.connect() as client:
        async with limiter.hold(1):
            assert (await client.deliver(message=MESSAGE + b"text\r\n" * 20_000)).startswith("451 4.3.")
            assert (await client.deliver()).startswith("250")  # short ones don't wait
        assert (await client.deliver(message=MESSAGE + b"text\r\n" * 20_000)).startswith("250")


async def test_a_message_without_header_gets_an_empty_one(smtp: Smtp) -> None:
    """SMTP-45; STORE-21"""
    async with smtp.connect() as client:
        await client.deliver(message=b"just text\r\n")
        await client.deliver(message=b"")
    one, other = await smtp.messages()
    assert one.endswith(b"\r\n\r\njust text\r\n")
    assert other.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("address", "account", "mailbox"),
    [
        ("MIA@OURS.example", "mia", "Inbox"),
        ("filed@ours.example", "mia", "Filed"),
        ("Postmaster", "mia", "Postmaster"),
        ("postmaster@ours.example", "mia", "Postmaster"),
        ("bo+x@ours.example", "bo", "Inbox"),
        ("shut@ours.example", "shut", "Inbox"),
    ],
)
async def test_local_addresses_are_delivered_to(smtp: Smtp, address: str, account: str, mailbox: str) -> None:
    """SMTP-62, 69, 70, 71"""
    async with smtp.connect() as client:
        assert (await client.deliver(address)).startswith("250 2.0.0")
    assert (await smtp.one(account, mailbox)).endswith(MESSAGE)


@pytest.mark.parametrize(
    ("address", "reply"),
    [
        ("x@elsewhere.example", "550 5.1.1"),
        ("x@[192.0.2.1]", "550 5.1.1"),
        ("mia@off.example", "450 4.2.1"),
        ("never@ours.example", "550 5.1.1 we have moved"),
        ("later@ours.example", "451 4.3.0 come back"),
    ],
)
async def test_other_addresses_are_refused_at_rcpt(smtp: Smtp, address: str, reply: str) -> None:
    """SMTP-69"""
    async with smtp.connect() as client:
        await client.play(f"C: MAIL FROM:<ann@remote.example>\nS: 250\nC: RCPT TO:<{address}>\nS: {reply}")


async def test_an_unknown_address_is_refused_after_the_message(smtp: Smtp) -> None:
    """SMTP-69, 74"""
    async with smtp.connect() as client:
        assert (await client.deliver("nobody@ours.example")).startswith("550 5.1.1")
        await client.play("C: MAIL FROM:<ann@remote.example>\nS: 250\nC: RCPT TO:<nobody@ours.example>\nS: 250")
        await client.play("C: RCPT TO:<mia@ours.example>\nS: 452 4.5.3")
    context = smtp.configured('delay = "0s"=>delay = "0s", reject_unknown_at_rcpt = true')
    async with smtp.connect(context=context) as client:
        await client.play("C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<nobody@ours.example>\nS: 550 5.1.1")


async def test_mail_to_unknown_addresses_is_told_to_the_owner(smtp: Smtp, caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-74, SMTP-139, SMTP-140: who tries which address, by log and metric."""
    caplog.set_level("INFO", logger="moxlite.smtpd")
    counted = delivery_total.labels(result="rejected", reason="unknown-user")
    before = counted.value
    async with smtp.connect() as client:
        assert (await client.deliver("nobody@ours.example")).startswith("550 5.1.1")
    (record,) = [record for record in caplog.records if record.getMessage() == "message rejected"]
    facts = kv(record)
    assert (facts["mailfrom"], facts["rcptto"]) == ("ann@remote.example", "nobody@ours.example")
    assert facts["reason"] == "unknown-user"
    assert str(facts["remote"]) == "198.51.100.7"
    assert counted.value == before + 1


async def test_several_recipients_get_the_message_once_each(smtp: Smtp) -> None:
    """SMTP-105, 108; STORE-60"""
    async with smtp.connect() as client:
        await client.play(
            """
            C: MAIL FROM:<ann@remote.example>
            S: 250
            C: RCPT TO:<mia@ours.example>
            S: 250
            C: RCPT TO:<team@ours.example>
            S: 250
            C: RCPT TO:<filed@ours.example>
            S: 250
            C: DATA
            S: 354
            C: Subject: x
            C:
            C: .
            S: 250 2.0.0
            """
        )
    mine = await smtp.messages("mia") + await smtp.messages("mia", "Filed")
    assert len(mine) == 1
    assert " for <" not in headers(mine[0], "Received")[0]
    assert len(await smtp.messages("bo")) == 1


async def test_a_null_sender_writes_to_one_recipient(smtp: Smtp) -> None:
    """SMTP-69, 155"""
    async with smtp.connect() as client:
        await client.play(
            "C: MAIL FROM:<>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250\nC: RCPT TO:<bo@ours.example>\nS: 452 4.5.3"
        )


async def test_the_thousand_and_first_recipient_waits(smtp: Smtp) -> None:
    """SMTP-32, 143"""
    async with smtp.connect() as client:
        await client.play("C: MAIL FROM:<ann@remote.example>\nS: 250")
        await client.send(b"".join(b"RCPT TO:<mia+%d@ours.example>\r\n" % i for i in range(1001)))
        for _ in range(1000):
            assert (await client.reply()).startswith("250 2.1.5")
        assert (await client.reply()).startswith("452 4.5.3")
        await client.play("C: DATA\nS: 354\nC: .\nS: 250 2.0.0")
    assert len(await smtp.messages()) == 1


async def test_an_alias_is_for_members_unless_public(smtp: Smtp) -> None:
    """SMTP-104, 106"""
    async with smtp.connect() as client:
        assert (await client.deliver("inner@ours.example")).startswith("550 5.7.2")
        mine = MESSAGE.replace(b"ann@remote.example", b"mia@ours.example")
        assert (await client.deliver("inner@ours.example", mine)).startswith("250 2.0.0")
        assert (await client.deliver("team@ours.example")).startswith("250 2.0.0")
    assert len(await smtp.messages("mia")) == 1  # not her own
    assert len(await smtp.messages("bo")) == 2


@pytest.mark.parametrize(("address", "rows"), [("team", 0), ("bo", 0), ("team+id", 1), ("bo+id", 1)])
async def test_a_message_that_no_webhook_can_be_about_owes_nothing(smtp: Smtp, address: str, rows: int) -> None:
    """QUEUE-95: without a webhook, only an address with a separator more may hold the FROMID of a sent message."""
    async with smtp.connect() as client:
        assert (await client.deliver(f"{address}@ours.example")).startswith("250")
    async with smtp.context.accounts.use("bo") as account:
        assert (
            await account.read(lambda r: r.value("SELECT count(*) FROM outbox WHERE kind = ?", TELL), op="test") == rows
        )


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (OverQuota(5, 5), "452 4.2.2"),
        (StorageFull("full"), "452 4.3.1"),
        (StorageBroken("broken"), "451 4.3.0"),
    ],
)
async def test_errors_of_the_store_have_their_replies(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, error: StoreError, reply: str
) -> None:
    """SMTP-43, 99, 154"""
    await fail_for(smtp, monkeypatch, {"mia": error})
    async with smtp.connect() as client:
        assert (await client.deliver()).startswith(reply)
        assert (await client.deliver("bo@ours.example")).startswith("250 2.0.0")


async def test_one_reply_stands_for_all_refusals(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-108"""
    both = "C: RCPT TO:<mia@ours.example>\nS: 250\nC: RCPT TO:<bo@ours.example>\nS: 250\nC: DATA\nS: 354\nC: .\nS: "
    await fail_for(smtp, monkeypatch, {"mia": OverQuota(5, 5), "bo": OverQuota(6, 6)})
    async with smtp.connect() as client:
        await client.play(f"C: MAIL FROM:<ann@remote.example>\nS: 250\n{both}452 4.2.2 mailbox full (")
    await fail_for(smtp, monkeypatch, {"mia": OverQuota(5, 5), "bo": StorageBroken("x")})
    async with smtp.connect() as client:
        await client.play(f"C: MAIL FROM:<ann@remote.example>\nS: 250\n{both}451-4.3.0 452 4.2.2 mailbox full")


async def test_a_looping_message_is_refused(smtp: Smtp) -> None:
    """SMTP-42"""
    async with smtp.connect() as client:
        assert (await client.deliver(message=b"Received: x\r\n" * 101 + MESSAGE)).startswith("550 5.4.6")
        assert (await client.deliver(message=b"Received: x\r\n" * 100 + MESSAGE)).startswith("250")


async def test_two_from_fields_are_refused(smtp: Smtp) -> None:
    """SMTP-76"""
    async with smtp.connect() as client:
        assert (await client.deliver(message=b"From: <x@y.example>\r\n" + MESSAGE)).startswith("550 5.7.1")


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\rx"])
async def test_a_smuggled_end_is_refused_and_no_command_behind_it_is_read(smtp: Smtp, end: bytes) -> None:
    """SMTP-38, 144: the message is read to its real end; then the connection closes."""
    async with smtp.connect() as client:
        await client.play(
            "C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250\nC: DATA\nS: 354"
        )
        await client.send(b"a: b\r\n\r\nx" + end + b"MAIL FROM:<evil@remote.example>\r\n.\r\nNOOP\r\n")
        assert (await client.reply()).startswith("500 5.5.2")
        assert await client.reply() == ""
    assert await smtp.messages() == []


async def test_a_message_comes_in_chunks(smtp: Smtp) -> None:
    """SMTP-40"""
    async with smtp.connect() as client:
        await client.play("C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250")
        await client.send(b"BDAT 8\r\na: b\r\n\r\nBDAT 3\r\n.\r\nBDAT 0 LAST\r\n")
        for _ in range(2):
            assert (await client.reply()).startswith("250 2.0.0 chunk")
        assert (await client.reply()).startswith("250 2.0.0 message accepted")
        assert (await client.deliver()).startswith("250")
    assert (await smtp.messages())[0].endswith(b"a: b\r\n\r\n.\r\n")


async def test_a_chunk_with_a_bare_cr_is_refused_and_nothing_behind_it_is_read(smtp: Smtp) -> None:
    """SMTP-38, SMTP-40"""
    async with smtp.connect() as client:
        await client.play("C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250")
        await client.send(b"BDAT 3\r\na\rbBDAT 2 LAST\r\nxx")
        assert (await client.reply()).startswith("554 5.6.0")
        assert await client.reply() == ""
    assert await smtp.messages() == []


async def test_too_large_a_message_is_refused(smtp: Smtp) -> None:
    """SMTP-26, 46, 147"""
    async with smtp.connect() as client:
        await client.play("C: MAIL FROM:<a@remote.example> SIZE=200001\nS: 552 5.3.4")
        assert (await client.deliver(message=MESSAGE + b"x" * 200_000 + b"\r\n")).startswith("552 5.3.4")
        assert (await client.deliver()).startswith("250")
    async with smtp.connect() as client:
        await client.play(
            "C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250\nC: DATA\nS: 354"
        )
        for _ in range(5):
            await client.send(b"x" * 100_000)
        assert (await client.reply()).startswith("552 5.3.4")
        assert await client.reply() == ""


async def test_a_client_that_leaves_in_data_leaves_nothing(smtp: Smtp) -> None:
    """SMTP-146"""
    async with smtp.connect() as client:
        await client.play(
            "C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250\nC: DATA\nS: 354"
        )
        await client.send(MESSAGE)
    assert await smtp.messages() == []


async def test_pipelined_commands_are_answered_in_one_write(smtp: Smtp) -> None:
    """SMTP-12"""
    async with smtp.connect() as client:
        await client.send(b"MAIL FROM:<a@remote.example>\r\nRCPT TO:<mia@ours.example>\r\nDATA\r\n")
        octets = await client.stream.receive_some(4096)
        assert [line[:3] for line in octets.splitlines()] == [b"250", b"250", b"354"]


@pytest.mark.parametrize("first", ["GET / HTTP/1.1", "\x16\x03\x01\x02\x00\x01\x00\x01"])
async def test_a_stranger_is_sent_away(smtp: Smtp, first: str) -> None:
    """SMTP-11, 141"""
    async with smtp.connect(hello="") as client:
        await client.play(f"C: {first}\nS: 500 5.5.2\nS: close")


async def test_after_many_failed_transactions_the_client_is_sent_away(smtp: Smtp) -> None:
    """SMTP-21"""
    async with smtp.connect() as client:
        for _ in range(11):
            assert (await client.deliver("nobody@ours.example")).startswith("550 5.1.1")
        await client.play("C: MAIL FROM:<a@remote.example>\nS: 421 4.7.0\nS: close")


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (StorageFull("account.db"), "452 4.3.1"),
        (StorageBroken("the folder is missing"), "451 4.3.0"),
        (StorageBusy("no descriptors"), "451 4.3.0"),
        (NoLease("stand-by"), "451 4.3.2"),
        (StoreError("a mistake"), "451 4.3.0"),
    ],
)
@pytest.mark.parametrize("to", ["mia@ours.example", "team@ours.example"])
async def test_our_own_failures_do_not_count_against_the_client(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, error: StoreError, reply: str, to: str
) -> None:
    """SMTP-21: a client that keeps its connection while our disk is full loses no mail; its own failures count."""
    failing = {"mia": error, "bo": StorageBusy("no descriptors")}
    await fail_for(smtp, monkeypatch, failing)
    async with smtp.connect() as client:
        for _ in range(30):
            assert (await client.deliver(to)).startswith(reply if to.startswith("mia") else "45")
        for _ in range(11):
            assert (await client.deliver("nobody@ours.example")).startswith("550 5.1.1")
        failing.clear()
        await client.play("C: MAIL FROM:<a@remote.example>\nS: 421 4.7.0\nS: close")


async def test_a_spool_that_fails_does_not_count_against_the_client(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-21, SMTP-43"""

    async def write(*_: object) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(Spool, "write", write)
    async with smtp.connect() as client:
        for _ in range(30):
            assert (await client.deliver("mia@ours.example")).startswith("451 4.3.0")


async def test_a_low_disk_is_told_before_the_message(smtp: Smtp) -> None:
    """SMTP-43: at MAIL, by its SIZE too; the connection goes on, and mail is taken once there is room."""
    free = 100_000
    space = SpoolSpace(
        smtp.context.spools.directory, reserve=50_000, free=lambda: free, clock=iter(range(1000)).__next__
    )
    async with smtp.connect(context=smtp.with_context(spools=Spools(space))) as client:
        await client.play("C: MAIL FROM:<a@remote.example> SIZE=60000\nS: 452 4.3.1")
        await client.play("C: MAIL FROM:<a@remote.example> SIZE=40000\nS: 250\nC: RSET\nS: 250")
        free = 40_000
        for _ in range(30):
            await client.play("C: MAIL FROM:<a@remote.example>\nS: 452 4.3.1")
        free = 1_000_000
        assert (await client.deliver("mia@ours.example")).startswith("250")


async def test_endless_commands_are_cut_off(smtp: Smtp) -> None:
    """SMTP-143"""
    async with smtp.connect() as client:
        for _ in range(999):
            assert (await client.say("NOOP")).startswith("250")
        await client.play("C: NOOP\nS: 421 4.7.0\nS: close")


async def test_a_message_comes_in_as_many_chunks_as_its_sender_likes(smtp: Smtp) -> None:
    """SMTP-40, 143: programs choose their size of chunks; empty ones are commands like others."""
    async with smtp.connect(context=smtp.configured(LARGE)) as client:
        await client.play("C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250")
        chunks = [b"Subject: long\r\n\r\n".ljust(1022, b"x") + b"\r\n", *[b"y" * 1022 + b"\r\n"] * 1001]
        for chunk in chunks:
            await client.send(b"BDAT %d\r\n%b" % (len(chunk), chunk))
            assert (await client.reply()).startswith("250 2.0.0")
        await client.play("C: BDAT 0 LAST\nS: 250 2.0.0")
        await client.play("C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250")
        for _ in range(999):
            assert (await client.say("BDAT 0")).startswith("250")
        await client.play("C: BDAT 0\nS: 421 4.7.0\nS: close")
    [message] = await smtp.messages()
    assert len(message) > 1002 << 10


async def test_error_texts_end_in_the_id_of_the_connection(smtp: Smtp) -> None:
    """SMTP-8, 9"""
    async with smtp.connect() as client:
        reply = await client.say("RCPT TO:<a@b>")
    match = re.search(r" \(([\w-]{22})\)$", reply)
    assert match
    assert smtp.context.received_id.decode(match[1]) == 7


async def test_connections_are_limited_by_network(smtp: Smtp) -> None:
    """SMTP-6, 135"""
    context = smtp.with_context(gate=Gate(None, OpenConnections((1, 9, 9))))
    async with smtp.connect(context=context):
        async with smtp.connect(context=context) as second:
            assert second.greeting.startswith("421 4.7.0")
            assert await second.reply() == ""
        async with smtp.connect(context=context, remote="203.0.113.1") as other:
            assert other.greeting.startswith("220")
    async with smtp.connect(context=context) as third:
        assert third.greeting.startswith("220")
    context = smtp.with_context(gate=Gate(still([Window(3600, (1, 9, 9))]), OpenConnections()))
    async with smtp.connect(context=context):
        pass
    async with smtp.connect(context=context) as second:
        assert second.greeting.startswith("421 4.7.0")


async def test_a_silent_client_is_sent_away(smtp: Smtp, clock: trio.testing.MockClock) -> None:
    """SMTP-14"""
    async with smtp.connect() as client:
        await pass_time(clock, 299)
        await client.play("C: NOOP\nS: 250")
        await pass_time(clock, 301)
        await client.play("S: 421 4.4.2\nS: close")


async def test_patience_is_short_where_a_network_is_crowded(smtp: Smtp, clock: trio.testing.MockClock) -> None:
    """SMTP-14"""
    async with smtp.connect(context=smtp.with_context(gate=Gate(None, OpenConnections((1, 9, 9))))) as client:
        await pass_time(clock, 31)
        await client.play("S: 421 4.4.2\nS: close")


async def test_a_client_that_stops_in_data_is_sent_away(smtp: Smtp, clock: trio.testing.MockClock) -> None:
    """SMTP-14, 146"""
    async with smtp.connect() as client:
        await client.play("C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250")
        await client.play("C: DATA\nS: 354\nC: Subject: x")
        await pass_time(clock, 181)
        await client.play("S: 421 4.4.2\nS: close")
    assert await smtp.messages() == []


async def test_shutdown_says_421(smtp: Smtp) -> None:
    """SMTP-16"""
    async with smtp.connect() as client:
        smtp.shutdown.set()
        assert (await client.reply()).startswith("421 4.3.2")
        assert await client.reply() == ""
    async with smtp.connect() as client:
        assert client.greeting.startswith("421 4.3.2")


async def test_a_message_in_data_may_end_during_shutdown(smtp: Smtp) -> None:
    """SMTP-16"""
    async with smtp.connect() as client:
        await client.play(
            "C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250\nC: DATA\nS: 354"
        )
        smtp.shutdown.set()
        await client.send(MESSAGE + b".\r\n")
        await client.play("S: 250 2.0.0\nS: 421 4.3.2\nS: close")


async def test_an_early_talker_is_refused(smtp: Smtp) -> None:
    """SMTP-142"""
    context = smtp.configured('first_time_sender_delay = "0s"=>greet_delay = "60s"')
    async with smtp.connect(context=context, early=b"EHLO x\r\n") as client:
        assert client.greeting.startswith("554 5.5.0")
        assert await client.reply() == ""


async def test_a_crash_says_451_and_is_counted(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-17"""
    from moxlite.net.exposition import REGISTRY

    async def crash(*args: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(deliver, "decide", crash)
    before = REGISTRY.get_sample_value("moxlite_panic_total", {"pkg": "smtpd"})
    assert before is not None
    async with smtp.connect() as client:
        assert (await client.deliver()).startswith("451 4.3.0")
        assert await client.reply() == ""
    assert REGISTRY.get_sample_value("moxlite_panic_total", {"pkg": "smtpd"}) == before + 1


async def test_without_tls_where_it_is_required_there_is_no_recipient(smtp: Smtp) -> None:
    """SMTP-35"""
    context = smtp.configured('first_time_sender_delay = "0s"=>require_starttls = true')
    async with smtp.connect(context=context) as client:
        await client.play("C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 530 5.7.0")


@pytest.mark.parametrize(
    ("sender", "reply"),
    [
        ("a@good.example", "250 2.1.0"),
        ("a@plain.example", "250 2.1.0"),
        ("a@ours.example", "250 2.1.0"),
        ("", "250 2.1.0"),
        ("a@null.example", "550 5.7.27"),
        ("a@none.example", "550 5.1.8"),
        ("a@broken.example", "451 4.4.0"),
        ("a@[192.0.2.1]", "550 5.7.0"),
    ],
)
async def test_senders_must_be_reachable(smtp: Smtp, sender: str, reply: str) -> None:
    """SMTP-67"""
    async with smtp.connect(context=smtp.with_context(resolver=RESOLVER)) as client:
        await client.play(f"C: MAIL FROM:<{sender}>\nS: {reply}")


async def test_helo_names_a_host_that_exists(smtp: Smtp) -> None:
    """SMTP-24"""
    async with smtp.connect(context=smtp.with_context(resolver=RESOLVER), hello="") as client:
        await client.play("C: HELO none.example\nS: 550 5.5.0\nC: HELO plain.example\nS: 250")
        await client.play("C: HELO broken.example\nS: 250\nC: EHLO none.example\nS: 250\nC: HELO [192.0.2.1]\nS: 250")


async def test_our_own_queue_is_trusted(smtp: Smtp) -> None:
    """SMTP-80, 133; QUEUE-36"""
    context = smtp.with_context(resolver=RESOLVER, gate=Gate(None, OpenConnections((0, 0, 0))))
    own = b"Authentication-Results: mail.ours.example; auth=pass smtp.mailfrom=a@b\r\n" + MESSAGE
    async with smtp.connect(context=context, trusted=True) as client:
        assert (await client.deliver(message=own, sender="a@none.example")).startswith("250")
    message = await smtp.one()
    assert message.endswith(own)
    assert reason_of(message) == "own-queue"


@pytest.mark.parametrize(
    ("author", "submitter", "proof"),
    [
        ("bo@ours.example", "bo", "strict"),
        ("bo@ours.example", "mia", "unknown"),  # another's address, by a script that sends mail on
        ("bo@ours.example", "", "unknown"),
        ("bo@remote.example", "bo", "unknown"),
    ],
)
async def test_what_a_user_here_submits_has_a_proven_author(
    smtp: Smtp, author: str, submitter: str, proof: str
) -> None:
    """QUEUE-36, SMTP-77: the address was checked at submission; of mail that was sent on, nothing is known."""
    context = smtp.with_context(resolver=RESOLVER)
    mail = f"From: {author}\r\nSubject: x\r\n\r\ntext\r\n".encode()
    async with smtp.connect(context=context, trusted=True, key=b"queue 1", submitter=submitter) as client:
        assert (await client.deliver("mia@ours.example", mail, sender=author)).startswith("250")
    proofs = "SELECT msgfrom_ok, msgfrom_validation FROM message_smtp"
    async with smtp.context.accounts.use("mia") as account:
        found = await account.read(lambda r: r.row(proofs), op="test")
    assert found == (int(proof == "strict"), proof)


async def test_localserve_delivers_everything_to_the_sender_or_the_default_account(smtp: Smtp) -> None:
    """SMTP-131, 133"""
    context = smtp.with_context(default_account="bo")
    async with smtp.connect(context=context) as client:
        for sender in ("mia+x@ours.example", "someone@elsewhere.example"):
            assert (await client.deliver("any@where.example", sender=sender)).startswith("250")
    assert headers(await smtp.one("mia"), "Delivered-To") == ["any@where.example"]
    assert len(await smtp.messages("bo")) == 1


async def test_localserve_refuses_mail_for_disabled_domains(smtp: Smtp) -> None:
    """SMTP-131, SMTP-69: as a real server does."""
    async with smtp.connect(context=smtp.with_context(default_account="bo")) as client:
        await client.play("C: MAIL FROM:<a@elsewhere.example>\nS: 250\nC: RCPT TO:<any@off.example>\nS: 450 4.2.1")


async def test_localserve_wants_well_formed_messages(smtp: Smtp) -> None:
    """SMTP-133: in pedantic mode, which is its default."""
    bad = b"Content-Type: multipart/mixed; boundary=x\r\n" + MESSAGE
    async with smtp.connect(context=smtp.with_context(default_account="bo")) as client:
        assert (await client.deliver(message=bad)).startswith("250")
    pedantic = 'hostname = "mail.ours.example"=>hostname = "mail.ours.example"\\npedantic = true'
    async with smtp.connect(context=smtp.configured(pedantic, default_account="bo")) as client:
        assert (await client.deliver(message=bad)).startswith("554 5.6.0")


async def test_localserve_fails_as_the_address_asks_for(smtp: Smtp) -> None:
    """SMTP-132"""
    async with smtp.connect(context=smtp.with_context(default_account="bo")) as client:
        await client.play("C: MAIL FROM:<mailfrom-temperror@x.example>\nS: 451 4.3.0")
        await client.play("C: MAIL FROM:<mailfrom555@x.example>\nS: 555 5.3.0")
        await client.play("C: MAIL FROM:<rcpttopermerror@x.example>\nS: 250 2.1.0")
        await client.play("C: RCPT TO:<rcptto-permerror@x.example>\nS: 550 5.3.0\nC: RSET\nS: 250")
        assert (await client.deliver("a-temperror@x.example")).startswith("451 4.3.0")
        assert (await client.deliver("a456@x.example")).startswith("456 4.3.0")
        assert (await client.deliver("queue456@x.example")).startswith("250")
    assert len(await smtp.messages("bo")) == 1


async def test_an_accounts_own_address_asks_for_nothing(tmp_path: Path) -> None:
    """SMTP-132: user405 and mailfrom405 are accounts' addresses here; with text after a separator they ask again."""
    more = "".join(f'[accounts.bo.destinations."{name}405@ours.example"]\n' for name in ("user", "mailfrom", "rcptto"))
    async with (
        serving(tmp_path, domains=DOMAINS + more) as smtp,
        smtp.connect(context=smtp.with_context(default_account="bo")) as client,
    ):
        await client.play("C: MAIL FROM:<mailfrom405@ours.example>\nS: 250 2.1.0")
        await client.play("C: RCPT TO:<rcptto405@ours.example>\nS: 250 2.1.5\nC: RSET\nS: 250")
        assert (await client.deliver("user405@ours.example")).startswith("250")
        assert (await client.deliver("user405+x406@ours.example")).startswith("406 4.3.0")


async def test_localserve_is_silent_if_asked_to(smtp: Smtp, clock: trio.testing.MockClock) -> None:
    """SMTP-132"""
    async with smtp.connect(context=smtp.with_context(default_account="bo")) as client:
        await client.send(b"MAIL FROM:<mailfromtimeout@x.example>\r\n")
        await pass_time(clock, 3599)
        await pass_time(clock, 2)
        await client.play("S: close")


async def test_an_ordinary_server_does_not_fail_on_demand(smtp: Smtp) -> None:
    """SMTP-132"""
    async with smtp.connect() as client:
        await client.play("C: MAIL FROM:<mailfrom-temperror@x.example>\nS: 250 2.1.0")


async def test_one_line_in_the_log_tells_of_each_delivery(smtp: Smtp, caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-139, 140"""
    caplog.set_level("INFO", logger="moxlite.smtpd")
    async with smtp.connect() as client:
        await client.deliver()
    (record,) = [record for record in caplog.records if record.getMessage() == "message delivered"]
    facts = kv(record)
    assert facts["mailfrom"] == facts["msgfrom"] == "ann@remote.example"
    assert facts["rcptto"] == "mia@ours.example"
    assert facts["reason"] == "no-bad-signals"
    assert str(facts["remote"]) == "198.51.100.7"


@pytest.mark.parametrize(("level", "shown"), [(3, True), (4, False)])
@pytest.mark.parametrize("pipelined", [True, False])
async def test_the_trace_shows_content_only_at_its_level(
    smtp: Smtp, caplog: pytest.LogCaptureFixture, level: int, shown: bool, pipelined: bool
) -> None:
    """SMTP-47"""
    caplog.set_level(level, logger="moxlite.smtpd")
    async with smtp.connect() as client:
        await client.say("NOOP")
        if pipelined:
            await client.send(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<mia@ours.example>\r\nDATA\r\n" + MESSAGE + b".\r\n")
            await client.play("S: 250\nS: 250\nS: 354\nS: 250")
        else:
            await client.deliver()
    lines = [kv(record) for record in caplog.records if record.getMessage() == "smtp"]
    assert any("NOOP" in str(line.get("text")) for line in lines)
    assert any("Subject: hello" in str(line.get("text")) for line in lines) is shown


@pytest.mark.parametrize(("level", "shown"), [(4, True), (5, False)])
async def test_the_trace_shows_credentials_only_at_its_level(
    smtp: Smtp, caplog: pytest.LogCaptureFixture, level: int, shown: bool
) -> None:
    """SMTP-47"""
    caplog.set_level(level, logger="moxlite.smtpd")
    async with smtp.connect("submission", tls=TLS) as client:
        await client.play("C: AUTH PLAIN c2VjcmV0\nS: 501\nC: AUTH LOGIN\nS: 334\nC: c2VjcmV0\nS: 334\nC: *\nS: 501")
    lines = [kv(record) for record in caplog.records if record.getMessage() == "smtp"]
    assert any("c2VjcmV0" in str(line.get("text")) for line in lines) is shown


@pytest.mark.parametrize(
    ("to", "stored"),
    [("mia+lists@ours.example", "mia+lists"), ("MIA@ours.example", "MIA"), ("team+x@ours.example", "mia")],
)
async def test_the_recipient_is_kept_with_its_detail(smtp: Smtp, to: str, stored: str) -> None:
    """WEB-96, SMTP-72: as the client wrote it; of an alias the member's own address."""
    async with smtp.connect() as client:
        assert (await client.deliver(to=to)).startswith("250")
    async with smtp.context.accounts.use("mia") as account:
        assert await account.read(lambda r: r.value("SELECT rcptto FROM message_smtp"), op="test") == stored
