"""Who sent a message: checks, and what the headers, the evidence and the log say of them (smtp.md §7, mailauth.md)."""

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import pytest
import trio

from moxlite.acceptance import checks
from moxlite.acceptance.checks import mailauth_total
from moxlite.config.domains import DKIM_HEADERS
from moxlite.mailauth import iprev
from moxlite.mailauth.dkim import verify
from moxlite.mailauth.dkim.message import BodyHash, Canonicalization, Message, hash_body
from moxlite.mailauth.dkim.sign import Signer, generate, key_record, sign
from moxlite.net.metrics import panics
from moxlite.net.resolver import FakeResolver
from moxlite.proto.address import Address
from moxlite.store.delivery.submission import DSNNotify
from moxlite.store.errors import OverQuota
from tests.logs import kv
from tests.session.smtpd_harness import TLS, Smtp, clock, fail_for, headers, pass_time, smtp

__all__ = ["clock", "smtp"]

pytestmark = pytest.mark.served

KEY = generate("ed25519")

MAIL = (
    b"From: Ann <ann@remote.example>\r\nTo: <mia@ours.example>\r\nSubject: hello\r\n"
    b"Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nMessage-Id: <1@remote.example>\r\n\r\ntext\r\n"
)

ZONE: dict[str, dict[str, Iterable[str]]] = {
    "A": {"remote.example": ["198.51.100.7"], "mx.remote.example": ["198.51.100.7"]},
    "PTR": {"7.100.51.198.in-addr.arpa": ["mx.remote.example"]},
    "TXT": {
        "remote.example": ["v=spf1 ip4:198.51.100.7 -all"],
        "there.example": ["v=spf1 ip4:198.51.100.7 -all"],
        "s1._domainkey.remote.example": [key_record(KEY)],
        "_dmarc.remote.example": ["v=DMARC1; p=reject"],
    },
    "MX": {name: ["10 mx.remote.example"] for name in ("remote.example", "other.example", "sub.remote.example")},
}


def zone(changes: dict[str, list[str]] | None = None, **more: Any) -> FakeResolver:
    """`ZONE` with other TXT records."""
    return FakeResolver({**ZONE, "TXT": {**ZONE["TXT"], **(changes or {})}}, **more)


async def signed(mail: bytes = MAIL, author: str = "ann@remote.example") -> bytes:
    signer = Signer(selector="s1", key=KEY, sealed=DKIM_HEADERS)
    return await sign(Message.of(mail), Address.parse(author), [signer], time.time()) + mail


async def send(
    smtp: Smtp, resolver: FakeResolver, mail: bytes = MAIL, *, sender: str = "ann@remote.example", **more: Any
) -> str:
    async with smtp.connect(context=smtp.with_context(resolver=resolver), **more) as client:
        return await client.deliver(message=mail, sender=sender)


async def stored(smtp: Smtp) -> tuple[Any, ...]:
    """What is kept with the only message."""
    async with smtp.context.accounts.use("mia") as account:
        row = await account.read(
            lambda r: r.row(
                """SELECT ehlo_ok, ehlo_validation, mailfrom_ok, mailfrom_validation, msgfrom_ok, msgfrom_validation,
                (SELECT group_concat(value) FROM json_each(dkim)) FROM message_smtp"""
            ),
            op="test",
        )
    assert row is not None
    return tuple(row)


async def test_a_message_carries_what_was_found(smtp: Smtp, caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-73, SMTP-75..79, AUTH-12, AUTH-85, AUTH-87, AUTH-29: fields in their order, with their DNSSEC state; facts
    in the columns; one line in the log.
    """
    caplog.set_level(logging.INFO)
    assert (await send(smtp, zone(authentic=True), await signed(), tls=TLS)).startswith("250")
    message = await smtp.one()
    names = [line.partition(b":")[0] for line in message.split(b"\r\n") if line[:1] not in b" \t"]
    assert names[:6] == [
        b"X-Moxlite-Reason",
        b"Delivered-To",
        b"Return-Path",
        b"Authentication-Results",
        b"Received-SPF",
        b"Received",
    ]
    [reason] = headers(message, "X-Moxlite-Reason")
    assert reason == (
        "no-bad-signals; reverse name: pass mx.remote.example; SPF: pass remote.example; signed by remote.example; "
        "DMARC: pass policy reject; author verification: strict; earlier mail: none"
    )
    [results] = headers(message, "Authentication-Results")
    assert results.startswith(
        "mail.ours.example; iprev=pass (with dnssec) policy.iprev=198.51.100.7; "
        "dkim=pass (256 bit ed25519, with dnssec) header.d=remote.example header.s=s1 header.a=ed25519-sha256 header.b="
    )
    assert results.endswith(
        "spf=pass (with dnssec) smtp.mailfrom=ann@remote.example; spf=pass (with dnssec) smtp.helo=there.example; "
        "dmarc=pass (policy reject, with dnssec) header.from=remote.example"
    )
    [received_spf] = headers(message, "Received-SPF")
    assert received_spf.startswith("pass (mail.ours.example: remote.example designates 198.51.100.7")
    assert 'mechanism="ip4:198.51.100.7"' in received_spf
    [received] = headers(message, "Received")
    assert received.startswith("from there.example (mx.remote.example [198.51.100.7]) by mail.ours.example")
    assert await stored(smtp) == (1, "pass", 1, "pass", 1, "strict", "remote.example")
    [line] = [record for record in caplog.records if record.message == "message delivered"]
    found: dict[str, str] = kv(line)
    assert (str(found["spf"]), found["dkim"], found["dmarc"]) == ("pass", "remote.example:pass", "pass:reject")
    assert (found["reason"], found["method"]) == ("no-bad-signals", "none")


async def test_without_dnssec_the_fields_say_so(smtp: Smtp) -> None:
    """AUTH-12: for each method by itself."""
    signed_names = ["7.100.51.198.in-addr.arpa.", "mx.remote.example."]
    assert (await send(smtp, zone(authentic=signed_names))).startswith("250")
    [results] = headers(await smtp.one(), "Authentication-Results")
    assert "iprev=pass (with dnssec)" in results
    assert "dkim=none;" in results
    assert "spf=pass (without dnssec)" in results
    assert "dmarc=pass (policy reject, without dnssec)" in results


@pytest.mark.parametrize(
    ("changes", "sender", "expected", "validation"),
    [
        ({}, "ann@sub.remote.example", "spf=none", "none"),
        ({"sub.remote.example": ["v=spf1 +all"]}, "ann@sub.remote.example", "dmarc=pass", "dmarc"),
        ({"sub.remote.example": ["v=spf1 +all"], "_dmarc.remote.example": []}, "ann@sub.remote.example", "", "relaxed"),
        ({"_dmarc.remote.example": []}, "ann@remote.example", "dmarc=none", "strict"),
        ({"remote.example": ["v=spf1 ?all"], "_dmarc.remote.example": []}, "ann@remote.example", "spf=neutral", "none"),
        ({"_dmarc.remote.example": ["v=DMARC1; p=none"], "remote.example": []}, "", "spf=pass", "none"),
    ],
)
async def test_how_the_author_is_validated(
    smtp: Smtp, changes: dict[str, list[str]], sender: str, expected: str, validation: str
) -> None:
    """SMTP-77, AUTH-20, AUTH-58; of the null sender the name given to EHLO is checked."""
    dmarc = {} if "_dmarc.remote.example" in changes else {"_dmarc.remote.example": ["v=DMARC1; p=none"]}
    assert (await send(smtp, zone({**changes, **dmarc}), sender=sender)).startswith("250")
    [results] = headers(await smtp.one(), "Authentication-Results")
    assert expected in results
    assert (await stored(smtp))[5] == validation
    if not sender:
        assert "smtp.helo=there.example" in results
        assert "smtp.mailfrom" not in results
        assert (await stored(smtp))[:4] == (1, "pass", 0, "unknown")


async def test_signatures_cover_the_message_as_it_came(smtp: Smtp) -> None:
    """SMTP-80, AUTH-102: a field that we take out because it claims our name may have been signed."""
    forged = b"Authentication-Results : (c) MAIL.ours.example 1; dmarc=pass\r\n" + MAIL
    signer = Signer(selector="s1", key=KEY, sealed=("From", "Subject", "Authentication-Results"))
    mail = await sign(Message.of(forged), Address.parse("ann@remote.example"), [signer], time.time()) + forged
    assert (await send(smtp, zone(), mail)).startswith("250")
    [results] = headers(await smtp.one(), "Authentication-Results")
    assert "dkim=pass" in results
    assert results.startswith("mail.ours.example; iprev=pass")


async def test_a_long_message_is_verified_from_its_file(smtp: Smtp) -> None:
    """SMTP-37, AUTH-39."""
    mail = await signed(MAIL + b"and so on and on\r\n" * 10_000)
    assert (await send(smtp, zone(), mail)).startswith("250")
    assert "dkim=pass" in headers(await smtp.one(), "Authentication-Results")[0]


async def test_the_body_is_read_once_for_all_signatures(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-30, AUTH-39: whatever ways of reading it they name; it is in a file."""
    passes = []

    def counted(pieces: Iterable[bytes], wanted: Iterable[BodyHash]) -> Mapping[BodyHash, bytes]:
        passes.append(sorted(way for way, _ in wanted))
        return hash_body(pieces, wanted)

    monkeypatch.setattr(verify, "hash_body", counted)
    plain = MAIL + b"and so on \t and on \r\n" * 100_000
    ways: tuple[Canonicalization, ...] = ("relaxed", "simple", "relaxed")
    signers = [Signer(selector="s1", key=KEY, sealed=DKIM_HEADERS, body=way) for way in ways]
    mail = await sign(Message.of(plain), Address.parse("ann@remote.example"), signers, time.time()) + plain
    context = smtp.configured("max_message_size = 200000=>max_message_size = 4000000", resolver=zone())
    async with smtp.connect(context=context) as client:
        assert (await client.deliver(message=mail)).startswith("250")
    assert headers(await smtp.one(), "Authentication-Results")[0].count("dkim=pass") == 3
    assert passes == [["relaxed", "simple"]]


async def test_a_crash_of_one_check_loses_nothing(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-13: it is logged, counted, and that method's temperror."""

    async def crash(*_: Any, **__: Any) -> Any:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError

    monkeypatch.setattr(checks, "verify_dkim", crash)
    monkeypatch.setattr(iprev, "find_name", crash)
    counted = panics.labels(pkg="mailauth").value
    before = mailauth_total.labels(method="dkim", result="temperror").value
    assert (await send(smtp, zone(), await signed(MAIL))).startswith("250")
    [results] = headers(await smtp.one(), "Authentication-Results")
    assert "iprev=temperror" in results
    assert "dkim=temperror" in results
    assert "spf=pass" in results
    assert panics.labels(pkg="mailauth").value == counted + 2
    assert mailauth_total.labels(method="dkim", result="temperror").value == before + 1


async def test_a_check_that_hangs_ends_after_a_minute(smtp: Smtp, clock: trio.testing.MockClock) -> None:
    """AUTH-13: each method has a time of its own; the others' results stand."""
    resolver = zone(delays={"7.100.51.198.in-addr.arpa.": 10_000})
    answers: list[str] = []

    async def one() -> None:
        answers.append(await send(smtp, resolver))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(one)
        for _ in range(3):
            await pass_time(clock, 31)
    assert answers[0].startswith("250")
    [results] = headers(await smtp.one(), "Authentication-Results")
    assert "iprev=temperror" in results
    assert "dmarc=pass" in results


async def test_mail_of_the_own_queue_is_not_checked(smtp: Smtp) -> None:
    """QUEUE-36."""
    resolver = zone()
    assert (await send(smtp, resolver, trusted=True)).startswith("250")
    assert resolver.asked == []
    assert headers(await smtp.one(), "Authentication-Results") == []


async def test_several_authors_are_asked_for_one_by_one(smtp: Smtp) -> None:
    """SMTP-76, AUTH-50: the strictest outcome counts."""
    mail = MAIL.replace(b"From: Ann <ann@remote.example>", b"From: ann@remote.example, bob@other.example")
    world = zone({"_dmarc.other.example": ["v=DMARC1; p=none"], "_dmarc.remote.example": ["v=DMARC1; p=none"]})
    assert (await send(smtp, world, mail)).startswith("250")
    assert "header.from=other.example" in headers(await smtp.one(), "Authentication-Results")[0]


async def test_authors_of_many_domains_are_refused(smtp: Smtp) -> None:
    """SMTP-76, AUTH-50: as many domains are asked for as are accepted; none comes without a proof behind others."""
    for others, reply in ((4, "550 5.7.26"), (5, "550 5.7.1 From includes authors in too many domains (limit 5)")):
        authors = ", ".join(f"x{number}@d{number}.test" for number in range(others))
        mail = MAIL.replace(b"From: Ann <ann@remote.example>", f"From: {authors}, ann@remote.example".encode())
        assert (await send(smtp, zone({"remote.example": ["v=spf1 -all"]}), mail, sender="")).startswith(reply)


async def test_many_signatures_cost_little(smtp: Smtp) -> None:
    """AUTH-101: fifty of them; ten keys are asked for, and the author's own signature counts."""
    junk = b"".join(
        b"DKIM-Signature: v=1; a=ed25519-sha256; d=d%d.test; s=s; h=from; bh=%b; b=AAAA\r\n" % (n, b"A" * 43 + b"=")
        for n in range(49)
    )
    resolver = zone()
    assert (await send(smtp, resolver, junk + await signed())).startswith("250")
    [results] = headers(await smtp.one(), "Authentication-Results")
    assert results.count("dkim=") == 50
    assert "dkim=pass" in results
    assert len([name for name, _ in resolver.asked if "_domainkey" in name]) <= 10


@pytest.mark.parametrize(
    ("records", "notify", "kept"),
    [
        ({}, "", DSNNotify.FAILURE),
        ({}, "NOTIFY=NEVER", DSNNotify.NEVER),
        ({}, "NOTIFY=SUCCESS,DELAY", DSNNotify.SUCCESS | DSNNotify.DELAY),
        ({"remote.example": []}, "NOTIFY=SUCCESS,DELAY,FAILURE", DSNNotify.FAILURE),
        ({"remote.example": []}, "NOTIFY=SUCCESS", DSNNotify.NEVER),
    ],
)
async def test_a_delivery_that_waits_keeps_what_its_sender_wants_to_be_told(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, records: dict[str, list[str]], notify: str, kept: DSNNotify
) -> None:
    """QUEUE-28, SMTP-156: NOTIFY, RET, ENVID and ORCPT go with it; success and delay only to who shows who they are."""
    context = smtp.configured("starttls = false, first=>starttls = false, dsn_ext = true, first")
    context = msgspec.structs.replace(context, resolver=zone(records | {"_dmarc.remote.example": []}))
    await fail_for(smtp, monkeypatch, {"mia": OverQuota(5, 5)})
    async with smtp.connect(context=context) as client:
        await client.play(
            "C: MAIL FROM:<ann@remote.example> RET=HDRS ENVID=id1\nS: 250\n"
            f"C: RCPT TO:<team@ours.example> {notify} ORCPT=rfc822;them@old.example\nS: 250\n"
            "C: DATA\nS: 354"
        )
        await client.send(MAIL + b".\r\n")
        assert (await client.reply()).startswith("250 2.0.0")
    (owed,) = smtp.deferred
    told = "Action: delivered" in "".join(one.octets.decode() for one in await smtp.carried())
    assert owed.dsn_notify == (kept & ~DSNNotify.SUCCESS if told else kept)
    assert (owed.dsn_ret, owed.dsn_envid, owed.dsn_orcpt) == ("HDRS", "id1", "rfc822;them@old.example")


@pytest.mark.parametrize(
    ("records", "notify", "told"),
    [
        ({}, "SUCCESS", True),
        ({}, "FAILURE", False),
        ({"remote.example": ["v=spf1 ?all"], "_dmarc.remote.example": []}, "SUCCESS", False),
        ({"remote.example": [], "_dmarc.remote.example": []}, "SUCCESS", False),
    ],
)
async def test_delivery_is_told_to_senders_who_show_who_they_are(
    smtp: Smtp, records: dict[str, list[str]], notify: str, told: bool
) -> None:
    """SMTP-156: with `dsn_ext`, after SPF pass, once for each recipient, also of an alias; owed with the delivery."""
    context = smtp.configured("starttls = false, first=>starttls = false, dsn_ext = true, first")
    context = msgspec.structs.replace(context, resolver=zone(records))
    names = ("mia",) if records else ("mia", "team")  # unknown senders bring mail for one at a time
    async with smtp.connect(context=context) as client:
        await client.play("C: MAIL FROM:<ann@remote.example> ENVID=id1\nS: 250")
        for name in names:
            await client.play(
                f"C: RCPT TO:<{name}@ours.example> NOTIFY={notify} ORCPT=rfc822;{name}@old.example\nS: 250"
            )
        await client.play("C: DATA\nS: 354")
        await client.send(MAIL + b".\r\n")
        assert (await client.reply()).startswith("250 2.0.0")
    queued = await smtp.carried()
    octets = b"".join(one.octets for one in queued)
    for name in names:
        final = f"Final-Recipient: rfc822;{name}@ours.example\r\nAction: delivered"
        assert octets.count(final.encode()) == told
        assert (f"Original-Recipient: rfc822;{name}@old.example".encode() in octets) is told
    assert all(one.submission.mail_from is None for one in queued)
    assert {str(to.address) for one in queued for to in one.submission.recipients} == (
        {"ann@remote.example"} if told else set()
    )
