"""What hostile mail, keys, zones and clients do to the checks of senders: little (mailauth.md)."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
import trio

from moxlite.config.domains import DKIM_HEADERS
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import Signer, generate, key_record, sign
from moxlite.net.metrics import panics
from moxlite.net.resolver import FakeResolver, RecordType
from moxlite.proto.address import Address
from tests.session.smtpd_harness import TLS, Smtp, clock, headers, pass_time, reason_of, smtp
from tests.session.test_smtpd_checks import MAIL, ZONE, signed, zone
from tests.tools import slowness

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]

KEY = generate("rsa")
BLOCKED = "203.0.114.9"
"""A client that may be on lists: a public address."""


def crashes() -> float:
    """How many have been counted."""
    return sum(value for _, _, value in panics.samples())


@asynccontextmanager
async def calm() -> AsyncIterator[None]:
    """Nothing crashes in the block, and it takes some seconds of the processor at most, on a usual machine one."""
    before, began = crashes(), time.process_time()
    yield
    assert crashes() == before
    assert time.process_time() - began < 3 * slowness()


async def bring(smtp: Smtp, resolver: FakeResolver, mail: bytes) -> str:
    """Deliver; what Authentication-Results says of it."""
    async with smtp.connect(context=smtp.with_context(resolver=resolver), tls=TLS) as client:
        assert (await client.deliver(message=mail)).startswith("250")
    return headers((await smtp.messages())[-1], "Authentication-Results")[0]


@pytest.mark.parametrize(
    ("record", "status"),
    [
        (f"v=DKIM1; n={'x' * 64_000}; {key_record(KEY).partition(';')[2]}", "dkim=pass"),
        ("v=DKIM1; p=" + "A" * 64_000, "dkim=permerror"),
        ("v=DKIM1; " + "".join(f"t{n}=;" for n in range(10_000)) + "p=", "dkim=permerror"),
        ("v=DKIM1; p=" + " " * 64_000, "dkim=permerror"),
        ("v=DKIM1; h=" + "sha256:" * 9_000 + "; p=AA==", "dkim=permerror"),
        ("v=DKIM1; p=" + "A" * 200_000, "dkim=permerror"),
        ("=" * 64_000, "dkim=permerror"),
    ],
    ids=["note", "key", "tags", "blanks", "list", "more", "garbage"],
)
async def test_a_huge_key_record(smtp: Smtp, record: str, status: str) -> None:
    """AUTH-36, AUTH-101: 64 KiB are read, and cost next to nothing."""
    signer = Signer(selector="s1", key=KEY, sealed=DKIM_HEADERS)
    author = Address.parse("ann@remote.example")
    mail = await sign(Message.of(MAIL), author, [signer], time.time()) + MAIL
    async with calm():
        results = await bring(smtp, zone({"s1._domainkey.remote.example": [record]}), mail)
    assert status in results


@pytest.mark.parametrize("number", [20_000, 150_000])
@pytest.mark.parametrize("place", ["body", "line", "header", "end"])
async def test_blanks_without_end_are_read_once(smtp: Smtp, place: str, number: int) -> None:
    """AUTH-39, AUTH-101: by the relaxed way, where others need the square of their number."""
    blanks = b" \t" * (number // 2)
    header, _, body = MAIL.partition(b"\r\n\r\n")
    mail = {
        "body": header + b"\r\n\r\n" + blanks + b"x\r\n" + body,
        "line": header + b"\r\n\r\n" + b"x" + blanks + b"\r\n" + body,
        "header": header + b"\r\nReply-To: ann@remote.example" + blanks + b"\r\n\r\n" + body,
        "end": header + b"\r\n\r\n" + body + (b" \r\n" * (number // 3)),
    }[place]
    whole = await signed(mail)
    async with calm():
        assert "dkim=pass" in await bring(smtp, zone(), whole)


@pytest.mark.parametrize("health", ["lists all", "does not serve us", "fails"])
async def test_a_block_list_that_does_not_work_refuses_nothing(smtp: Smtp, health: str) -> None:
    """SMTP-94, AUTH-61, AUTH-62: a list that has 127.0.0.1, one that answers 127.255.255.254 to all, a dead one."""
    name = f"{health.replace(' ', '-')}.example"  # its own: whether a list works is remembered
    resolver = zone(failing=[f"9.114.0.203.{name}", f"2.0.0.127.{name}"] if health == "fails" else [])
    answer = "127.255.255.254" if health == "does not serve us" else "127.0.0.2"
    if health != "fails":
        for ip in ("1.0.0.127", "2.0.0.127", "9.114.0.203"):
            resolver.set(f"{ip}.{name}", RecordType.A, [answer])
    context = smtp.configured(f'starttls = false=>starttls = false, dnsbls = ["{name}"]')
    context = msgspec.structs.replace(context, resolver=resolver)
    async with calm(), smtp.connect(context=context, remote=BLOCKED, tls=TLS) as client:
        assert (await client.deliver(message=await signed())).startswith("250")
    assert reason_of(await smtp.one()) == "no-bad-signals"


async def test_a_silent_block_list_costs_half_a_minute_and_refuses_nothing(
    smtp: Smtp, clock: trio.testing.MockClock
) -> None:
    """SMTP-94, AUTH-61: 30 s for a zone; whether it works is known for four hours then."""
    resolver = zone(delays=dict.fromkeys(("2.0.0.127.silent.example.", "9.114.0.203.silent.example."), 10_000))
    context = smtp.configured('starttls = false=>starttls = false, dnsbls = ["silent.example"]')
    context = msgspec.structs.replace(context, resolver=resolver)
    replies: list[str] = []

    async def one() -> None:
        async with smtp.connect(context=context, remote=BLOCKED, tls=TLS) as client:
            replies.append(await client.deliver(message=await signed()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(one)
        for _ in range(3):
            await pass_time(clock, 31)
    assert replies[0].startswith("250")


async def test_a_dead_zone_of_the_author_is_no_verdict(smtp: Smtp) -> None:
    """AUTH-13, AUTH-54, SMTP-73: each check says temperror; the message is not lost, nor refused for good."""
    dead = ["s1._domainkey.remote.example", "_dmarc.remote.example", "remote.example", "7.100.51.198.in-addr.arpa"]
    resolver = zone({"other.example": ["v=spf1 include:remote.example -all"]}, failing=dead)
    async with calm(), smtp.connect(context=smtp.with_context(resolver=resolver), tls=TLS) as client:
        assert (await client.deliver(message=await signed(), sender="x@other.example")).startswith("250")
    [results] = headers(await smtp.one(), "Authentication-Results")
    for method in ("iprev", "dkim", "spf", "dmarc"):
        assert f"{method}=temperror" in results


CONVERSATION = (
    b"EHLO there.example\r\n",
    b"MAIL FROM:<ann@remote.example>\r\n",
    b"RCPT TO:<mia@ours.example>\r\n",
    b"DATA\r\n",
)


async def test_a_client_may_leave_at_each_point(smtp: Smtp) -> None:
    """SMTP-146, AUTH-13: in the middle of each command, of the header, the body, the dot, and while the checks run;
    nothing is stored that was not complete, nothing crashes, and the next client is served.
    """
    mail = await signed()
    whole = b"".join(CONVERSATION) + mail
    ends = [sum(map(len, CONVERSATION[:n])) for n in range(len(CONVERSATION) + 1)]
    cuts = sorted({*ends, *(end - 1 for end in ends[1:]), *range(ends[-1] + 5, len(whole), len(mail) // 7)})
    slow = dict.fromkeys(("s1._domainkey.remote.example.", "7.100.51.198.in-addr.arpa."), 0.02)
    context = smtp.with_context(resolver=FakeResolver(ZONE, delays=slow))
    before = crashes()
    for cut in cuts:
        async with smtp.connect(context=context, tls=TLS, hello="") as client:
            await client.send(whole[:cut])
    for last in (b".", b".\r"):
        async with smtp.connect(context=context, tls=TLS, hello="") as client:
            await client.send(whole + last)
    assert await smtp.messages() == []
    async with smtp.connect(context=context, tls=TLS, hello="") as client:
        await client.send(whole + b".\r\n")  # and gone while its signature is verified
    assert len(await smtp.messages()) <= 1
    again = b"Message-Id: <2@remote.example>"
    async with smtp.connect(context=context, tls=TLS) as client:
        reply = await client.deliver(message=await signed(MAIL.replace(b"Message-Id: <1@remote.example>", again)))
        assert reply.startswith("250")
    assert crashes() == before
