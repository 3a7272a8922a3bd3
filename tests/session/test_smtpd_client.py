"""The SMTP client of moxlite against its server, over memory streams: what one sends the other stores."""

from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest
import trio
import trio.testing

from moxlite.net.admission import ConnectionInfo
from moxlite.net.smtpclient import SMTPClient
from moxlite.net.tls.certificates import self_signed
from moxlite.net.tls.handshake import ClientTLS, ServerTLS
from moxlite.proto.address import Address, Path
from moxlite.proto.smtp.conversation import ClientAuth, Recipient, TLSMode, Transaction
from moxlite.proto.smtp.errors import SMTPError
from moxlite.smtpd import Context
from moxlite.smtpd.commands import hello as hello_module
from moxlite.smtpd.connection import serve_connection
from tests.session.smtpd_harness import PASSWORD, Smtp, clock, smtp

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]

LONG = b"From: <ann@remote.example>\r\nSubject: long\r\n\r\n" + b".dots and text\r\n..\r\n.\r\n" * 6000


async def pieces(octets: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(octets), 50_000):
        yield octets[start : start + 50_000]


async def send(smtp: Smtp, context: Context, octets: bytes, **options: object) -> list[bool]:
    ours, theirs = trio.testing.memory_stream_pair()
    info = ConnectionInfo(
        cid=9,
        remote=ip_address("198.51.100.7"),
        remote_port=1,
        local=ip_address("192.0.2.25"),
        local_port=25,
        listener="local",
        shutdown=smtp.shutdown,
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_connection, theirs, info, context)
        client = SMTPClient(ours, "there.example", **options)  # type: ignore[arg-type]  # by name
        await client.hello()
        sender = "mia@ours.example" if context.submission else "ann@remote.example"
        outcome = await client.deliver(
            Transaction(
                Path.of(Address.parse(sender)),
                tuple(Recipient(Path.of(Address.parse(one))) for one in ("mia@ours.example", "bo@ours.example")),
                len(octets),
            ),
            pieces(octets),
        )
        await client.quit()
    return [result.error is None for result in outcome.recipients]


@pytest.mark.parametrize("without", [(), ("CHUNKING",), ("CHUNKING", "PIPELINING")])
async def test_a_message_arrives_as_it_was_sent(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, without: tuple[str, ...]
) -> None:
    """SMTP-37, 40, 126, 127"""
    lines = hello_module._lines
    monkeypatch.setattr(hello_module, "_lines", lambda *args: [line for line in lines(*args) if line not in without])
    assert await send(smtp, smtp.context, LONG, tls_mode=TLSMode.SKIP) == [True, True]
    for account in ("mia", "bo"):
        assert (await smtp.one(account)).endswith(b"\r\n" + LONG)


async def test_the_client_logs_in_with_tls(smtp: Smtp) -> None:
    """SMTP-55, 119, 123"""
    tls = ServerTLS([self_signed(["mail.ours.example"])])
    context = smtp.with_context(service="submission", starttls=tls)
    message = LONG.replace(b"ann@remote", b"mia@ours")
    auth = ClientAuth("mia@ours.example", PASSWORD)
    options = {
        "tls_mode": TLSMode.REQUIRED_STARTTLS,
        "tls": ClientTLS(),
        "auth": auth,
        "server_name": "mail.ours.example",
    }
    assert await send(smtp, context, message, **options) == [True, True]
    assert smtp.queued[0].octets == message


async def test_a_wrong_password_is_an_answer(smtp: Smtp) -> None:
    """SMTP-123, QUEUE-33: by SCRAM, where the refusal comes within the mechanism: 535, and no crash of the client."""
    tls = ServerTLS([self_signed(["mail.ours.example"])])
    context = smtp.with_context(service="submission", starttls=tls)
    options = {
        "tls_mode": TLSMode.REQUIRED_STARTTLS,
        "tls": ClientTLS(),
        "auth": ClientAuth("mia@ours.example", "not the password", ("SCRAM-SHA-256",)),
        "server_name": "mail.ours.example",
    }
    with pytest.RaisesGroup(pytest.RaisesExc(SMTPError, check=lambda error: error.permanent and error.code == 535)):
        await send(smtp, context, LONG, **options)
