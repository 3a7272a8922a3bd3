"""8-bit messages to hosts that do not take them, by attempts of a running queue."""

import email
from pathlib import Path

import pytest

from moxlite.mailauth.dkim.message import Message as Signed
from moxlite.mailauth.dkim.sign import generate, key_record, sign, to_pem
from moxlite.mailauth.dkim.verify import verify
from moxlite.net.resolver import RecordType
from moxlite.proto.address import Address
from tests.queue_rig import START, Rig, Server, rig_at

pytestmark = pytest.mark.served

KEY = generate("ed25519")
DOMAIN = 'dkim = { sign = ["a"], selectors = { a = { key_file = "a.pem" } } }'
KEEP = 'keep_retired_message_period = "72h"'
SEVEN = ("PIPELINING", "ENHANCEDSTATUSCODES", "SIZE 10000000")
HEAD = b"From: Alice <alice@own.example>\r\nSubject: test\r\nMessage-Id: <m1@own.example>\r\nMIME-Version: 1.0\r\n"
TYPE = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
BODY = "Grüße aus Köln\r\n.\r\nund so weiter\r\n".encode()
MESSAGE = HEAD + TYPE + BODY
TRACE = b"Received: by mail.own.example\r\n"


async def submit(rig: Rig, *recipients: str, data: bytes = MESSAGE, signed: bool = True) -> None:
    """Queue an 8-bit message as a submission does it."""
    fields = b""
    if signed:
        author = Address.parse("alice@own.example")
        signers = rig.queue.ctx.keys.signers(rig.snapshot.domain(author.domain))
        fields = await sign(Signed.of(data), author, signers, START / 1_000_000)
    await rig.submit(*recipients, data=data, prefix=TRACE + fields, has8bit=True)


async def statuses(rig: Rig, message: bytes) -> list[str]:
    rig.resolver.set("a._domainkey.own.example", RecordType.TXT, [key_record(KEY)])
    return [str(one.status) for one in await verify(rig.resolver, Signed.of(message), now=START / 1_000_000)]


@pytest.mark.landing("EHLO", "HELO")
@pytest.mark.parametrize("how", ["EHLO", "HELO", "large"])
async def test_a_host_without_8bitmime_gets_quoted_printable_signed_anew(tmp_path: Path, how: str) -> None:
    """QUEUE-63a: SIZE is that of what is sent; the row keeps the 8-bit form, which a host that takes it gets."""
    (tmp_path / "a.pem").write_bytes(to_pem(KEY))
    body = BODY * 60_000 if how == "large" else BODY
    async with rig_at(tmp_path, domain=DOMAIN) as rig:
        replies = {"EHLO": "502 5.5.2 unknown"} if how == "HELO" else {}
        old = rig.remote(Server(replies, extensions=SEVEN))
        new = rig.remote(Server(), "new.example", "192.0.2.2")
        await submit(rig, "bob@remote.example", "carol@new.example", data=HEAD + TYPE + body)
        await rig.settle()
        [raw], [message] = new.messages, old.messages
        assert raw.endswith(HEAD + TYPE + body)
        assert await statuses(rig, raw) == await statuses(rig, message) == ["pass"]
        assert message.isascii()
        assert TRACE in message
        parsed = email.message_from_bytes(message)
        assert parsed["Content-Transfer-Encoding"] == "quoted-printable"
        assert parsed.get_payload(decode=True) == body
        [mail] = [line for line in old.lines if line.startswith("MAIL")]
        assert "BODY=" not in mail
        assert (f" SIZE={len(message)}" in mail) == (how != "HELO")


async def test_the_next_host_may_take_it_as_it_is(tmp_path: Path) -> None:
    """QUEUE-63a: what cannot be converted goes to one with 8BITMIME."""
    async with rig_at(tmp_path) as rig:
        rig.resolver.set("remote.example", RecordType.MX, ["10 old.example", "20 new.example"])
        for n, (name, server) in enumerate((("old", Server(extensions=SEVEN)), ("new", Server()))):
            rig.resolver.set(f"{name}.example", RecordType.A, [f"192.0.2.{n + 1}"])
            rig.serve(f"192.0.2.{n + 1}", server)
        data = b"DKIM-Signature: v=1; d=other.example\r\n" + MESSAGE
        await submit(rig, "bob@remote.example", data=data, signed=False)
        await rig.settle()
        assert rig.servers["192.0.2.1", 25].messages == []
        assert rig.servers["192.0.2.2", 25].messages == [TRACE + data]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"DKIM-Signature: v=1; d=other.example\r\n" + MESSAGE, "message already has other signatures"),
        (b"ARC-Message-Signature: i=1\r\n" + MESSAGE, "message already has other signatures"),
        (HEAD + b"Comments: caf\xe9\r\n" + TYPE + BODY, "header field"),
    ],
)
@pytest.mark.parametrize("way", ["direct", "smarthost"])
async def test_what_no_host_takes_and_cannot_be_converted_comes_back(
    tmp_path: Path, data: bytes, why: str, way: str
) -> None:
    """QUEUE-63a: status 5.6.3 (RFC 6152 §3), and the reason."""
    static = '[transports.relay.smtp]\nhost = "192.0.2.1"\nno_starttls = true' if way == "smarthost" else ""
    routes = '[[routes]]\ntransport = "relay"' if way == "smarthost" else ""
    async with rig_at(tmp_path, account=KEEP, static=static, domains=routes) as rig:
        mx = rig.remote(Server(extensions=SEVEN))
        await submit(rig, "bob@remote.example", data=data, signed=False)
        await rig.settle()
        assert mx.messages == []
        assert not any(line.startswith("MAIL") for line in mx.lines)
        [dsn] = await rig.inbox()
        assert b"Status: 5.6.3" in dsn
        assert why.encode() in dsn.replace(b"\r\n ", b" ")


@pytest.mark.parametrize("way", ["direct", "smarthost"])
async def test_an_address_that_needs_smtputf8_is_the_reason(tmp_path: Path, way: str) -> None:
    """QUEUE-64: status 5.6.7, also where the message could not be converted for that host either."""
    static = '[transports.relay.smtp]\nhost = "192.0.2.1"\nno_starttls = true' if way == "smarthost" else ""
    routes = '[[routes]]\ntransport = "relay"' if way == "smarthost" else ""
    async with rig_at(tmp_path, account=KEEP, static=static, domains=routes) as rig:
        mx = rig.remote(Server(extensions=SEVEN))
        data = HEAD + "Comments: caf\u00e9\r\n".encode() + TYPE + BODY
        await submit(rig, "b\u00f8b@remote.example", data=data, signed=False)
        await rig.settle()
        assert mx.messages == []
        [dsn] = await rig.inbox()
        assert b"Status: 5.6.7" in dsn


async def test_a_host_that_is_away_may_take_it_later(tmp_path: Path) -> None:
    """QUEUE-63a, QUEUE-64: it is final when all hosts were asked, not when one of them has only failed for now."""
    async with rig_at(tmp_path) as rig:
        rig.resolver.set("remote.example", RecordType.MX, ["10 new.example", "20 old.example"])
        for n, (name, server) in enumerate((("new", Server()), ("old", Server(extensions=SEVEN)))):
            rig.resolver.set(f"{name}.example", RecordType.A, [f"192.0.2.{n + 1}"])
            rig.serve(f"192.0.2.{n + 1}", server)
        first = rig.servers["192.0.2.1", 25]
        first.refuse_connections = True
        await submit(rig, "bob@remote.example", data=b"DKIM-Signature: v=1\r\n" + MESSAGE, signed=False)
        await rig.settle()
        first.refuse_connections = False
        await rig.pass_time(460)
        assert len(first.messages) == 1
        assert await rig.inbox() == []
