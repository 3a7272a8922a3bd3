"""The end of a session over a socket: the last reply reaches a client that still sends."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address

import pytest
import trio

from moxlite.net import listeners
from moxlite.net.admission import Admission, ConnectionInfo, Gate
from moxlite.net.limits import OpenConnections
from moxlite.net.listeners import bind, listen, serve_listener
from moxlite.net.tls.certificates import self_signed
from moxlite.net.tls.handshake import ServerTLS
from moxlite.smtpd import Context
from moxlite.smtpd.connection import serve_connection
from tests.session.smtpd_harness import Smtp, smtp

pytestmark = pytest.mark.served

__all__ = ["smtp"]

MORE = b"NOOP\r\n" * 1000
"""Sent some times behind the end of a session, less than the listener reads."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The listener reads on for as long as the clients of these tests send, however busy the machine is."""
    monkeypatch.setattr(listeners, "PART_SECONDS", 60.0)


@asynccontextmanager
async def listening(smtp: Smtp, context: Context) -> AsyncIterator[int]:
    """A port of a real listener."""
    sock = bind(ip_address("127.0.0.1"), 0)

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        await serve_connection(stream, info, context)

    async with trio.open_nursery() as nursery:
        serve = partial(
            serve_listener,
            listen(sock),
            handler,
            pkg="smtpd",
            name="local",
            shutdown=smtp.shutdown,
            connections=nursery,
            admission=Admission(1000),
            gate=context.gate,
        )
        nursery.start_soon(serve)
        with trio.fail_after(30):
            yield sock.getsockname()[1]
        nursery.cancel_scope.cancel()


async def connect(port: int, *, starttls: bool = False) -> trio.abc.Stream:
    """A client that has read the greeting and the reply to EHLO. Its TLS tells a closing alert from a mere end."""
    stream: trio.abc.Stream = await trio.open_tcp_stream("127.0.0.1", port)
    assert (await stream.receive_some()).startswith(b"220 ")
    if starttls:
        for command, code in ((b"EHLO x\r\n", b"250"), (b"STARTTLS\r\n", b"220")):
            await stream.send_all(command)
            assert (await stream.receive_some()).startswith(code)
        trust = ssl.create_default_context()
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
        stream = trio.SSLStream(stream, trust)
    await stream.send_all(b"EHLO x\r\n")
    assert (await stream.receive_some()).startswith(b"250")
    return stream


async def rest(stream: trio.abc.ReceiveStream) -> bytes:
    """All octets up to the end of the stream. Raises BrokenResourceError where the connection was reset."""
    octets = b""
    while more := await stream.receive_some():
        octets += more
    return octets


async def send_on(stream: trio.abc.SendStream) -> None:
    """Send until it fails."""
    while True:
        await stream.send_all(b"NOOP\r\n")
        await trio.sleep(0.001)


@pytest.mark.parametrize("starttls", [False, True])
@pytest.mark.parametrize(
    ("end", "reply"),
    [
        (b"x" * 5000, b"500 5.5.0 line too long"),
        (b"NOOP\r\n" * 1001, b"421 4.7.0 too many commands"),
        (b"QUIT\r\n" + MORE, b"221 2.0.0 bye"),
    ],
    ids=["line", "commands", "quit"],
)
async def test_the_last_reply_reaches_a_client_that_still_sends(
    smtp: Smtp, starttls: bool, end: bytes, reply: bytes
) -> None:
    """SMTP-6a"""
    context = smtp.with_context(service="submission", starttls=ServerTLS([self_signed(["mail.ours.example"])]))
    async with listening(smtp, context) as port:
        client = await connect(port, starttls=starttls)
        await client.send_all(end)
        for _ in range(5):
            await trio.sleep(0.01)  # the server has ended the session, and a reset would meet the next one
            await client.send_all(MORE)
        *_, last = (await rest(client)).splitlines()
        assert last.startswith(reply)
        await trio.aclose_forcefully(client)


async def test_a_session_that_has_ended_counts_until_it_is_closed(smtp: Smtp) -> None:
    """SMTP-6a, SMTP-135: a client that stays has no place for another connection; a refused one is closed at once."""
    gate = Gate(None, OpenConnections((1, 9, 9)))
    async with listening(smtp, smtp.with_context(gate=gate)) as port:
        first = await connect(port)
        await first.send_all(b"QUIT\r\n")
        assert await rest(first) == b"221 2.0.0 bye\r\n"
        second = await trio.open_tcp_stream("127.0.0.1", port)
        assert (await rest(second)).startswith(b"421 4.7.0 too many connections")
        with pytest.raises(trio.BrokenResourceError):
            await send_on(second)
        await first.aclose()
        while gate.at_once.pressure(ip_address("127.0.0.1")):  # noqa: ASYNC110 no event says that it is closed
            await trio.sleep(0.001)
        await (await connect(port)).aclose()
        await second.aclose()
