"""The SMTP client on Trio: deadlines, TLS, lost connections, trace."""

import contextlib
import io
import logging
from collections.abc import AsyncIterator

import pytest
import trio
import trio.testing

from moxlite.net import log
from moxlite.net.smtpclient import CertificateRejected, HandshakeFailed, SMTPClient
from moxlite.net.tls.certificates import self_signed
from moxlite.net.tls.errors import TLSError
from moxlite.net.tls.handshake import ClientTLS, ServerTLS
from moxlite.net.tls.stream import TLSStream
from moxlite.proto.address import Path
from moxlite.proto.smtp.conversation import ClientAuth, Recipient, TLSMode, Transaction
from moxlite.proto.smtp.errors import ConnectionLost, SMTPError

pytestmark = pytest.mark.served

PAIR = self_signed(["mx.example"])
TRANSACTION = Transaction(
    mail_from=Path.parse("a@own.example"), recipients=(Recipient(Path.parse("b@mx.example")),), size=7
)


async def body(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class Script:
    """The server's side: what it says, and what it waits for."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.heard = bytearray()

    async def play(self, *lines: str) -> None:
        """Lines ``S:…`` are sent, ``C:…`` are waited for."""
        for line in lines:
            text = line[2:].encode() + b"\r\n"
            if line.startswith("S:"):
                await self.stream.send_all(text)
            else:
                while text not in self.heard:
                    data = await self.stream.receive_some()
                    assert data, f"ended before {line}"
                    self.heard += data
                del self.heard[: self.heard.index(text) + len(text)]


def pair() -> tuple[trio.abc.Stream, Script]:
    client, server = trio.testing.memory_stream_pair()
    return client, Script(server)


def plain(stream: trio.abc.Stream, **options: object) -> SMTPClient:
    return SMTPClient(stream, "own.example", tls_mode=TLSMode.SKIP, **options)  # type: ignore[arg-type]


HELLO = ("S:220 hi", "C:EHLO own.example", "S:250 mx.example")


async def test_message_is_sent_from_its_pieces() -> None:
    """SMTP-119, QUEUE-71: octets come as they are needed, dots are stuffed."""
    stream, server = pair()
    client = plain(stream)

    async def play() -> None:
        await server.play(*HELLO, "C:MAIL FROM:<a@own.example>", "S:250 ok", "C:RCPT TO:<b@mx.example>", "S:250 ok")
        await server.play("C:DATA", "S:354 go", "C:..x", "C:.", "S:250 taken", "C:QUIT", "S:221 bye")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        await client.hello()
        outcome = await client.deliver(TRANSACTION, body(b".", b"x\r", b"\n"))
        await client.quit()
    assert outcome.recipients[0].error is None


@pytest.mark.parametrize(
    ("lines", "seconds", "command"),
    [((), 300, "greeting"), (("S:220 hi",), 300, "ehlo")],
)
async def test_silent_server_is_given_up(
    autojump_clock: trio.testing.MockClock, lines: tuple[str, ...], seconds: int, command: str
) -> None:
    """QUEUE-60: five minutes for greeting and EHLO."""
    stream, server = pair()
    await server.play(*lines)
    with pytest.raises(ConnectionLost, match="no reply after 300 s") as caught:
        await plain(stream).hello()
    assert caught.value.command == command
    assert trio.current_time() == pytest.approx(seconds)


async def test_server_that_does_not_read_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    """QUEUE-60: three minutes per block of data; the outcome is temporary."""
    stream, server = pair()
    client = plain(stream)

    async def never() -> None:
        await trio.sleep_forever()

    async def play() -> None:
        await server.play(*HELLO, "C:MAIL FROM:<a@own.example>", "S:250 ok", "C:RCPT TO:<b@mx.example>", "S:250 ok")
        await server.play("C:DATA")
        stream.send_stream.send_all_hook = never  # type: ignore[attr-defined]  # a memory stream
        await server.play("S:354 go")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        await client.hello()
        outcome = await client.deliver(TRANSACTION, body(b"x\r\n"))
    assert isinstance(outcome.error, ConnectionLost)
    assert outcome.recipients[0].error is not None
    assert trio.current_time() == pytest.approx(180)
    await client.quit()


async def test_closed_connection_is_an_error_of_the_command() -> None:
    """QUEUE-70."""
    stream, server = pair()
    await server.play("S:220 hi")
    await server.stream.aclose()
    with pytest.raises(ConnectionLost):
        await plain(stream).hello()


async def test_starttls_encrypts_and_tells_the_bindings() -> None:
    """QUEUE-61, SMTP-120: SNI is sent, the caller's check sees the chain before EHLO is said again."""
    stream, server = pair()
    seen: list[bool] = []

    def check(tls: TLSStream) -> None:
        seen.append(tls.peer_chain() == [PAIR.leaf])

    client = SMTPClient(stream, "own.example", tls=ClientTLS(), server_name="mx.example", check=check)

    async def play() -> None:
        await server.play("S:220 hi", "C:EHLO own.example", "S:250-mx", "S:250 STARTTLS", "C:STARTTLS", "S:220 go")
        tls = await ServerTLS([PAIR]).accept(server.stream)
        assert tls.facts.server_name == "mx.example"
        await Script(tls).play("C:EHLO own.example", "S:250 mx")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        await client.hello()
    assert seen == [True]
    assert client.tls_stream is not None
    assert client.codec.tls is not None
    assert set(client.codec.tls.bindings) == {"tls-exporter", "tls-server-end-point"}


async def test_rejected_certificate_ends_the_connection_before_a_word() -> None:
    """QUEUE-54."""
    stream, server = pair()

    def check(tls: TLSStream) -> None:
        raise CertificateRejected("not the right one")

    client = SMTPClient(stream, "own.example", tls=ClientTLS(), check=check)
    heard: list[bytes] = []

    async def play() -> None:
        await server.play("S:220 hi", "C:EHLO own.example", "S:250-mx", "S:250 STARTTLS", "C:STARTTLS", "S:220 go")
        with contextlib.suppress(TLSError):  # the client may close while session tickets are still sent
            tls = await ServerTLS([PAIR]).accept(server.stream)
            heard.append(bytes(await tls.receive_some()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(CertificateRejected):
            await client.hello()
        await client.quit()
    assert not any(heard)


async def test_injected_reply_behind_starttls_is_never_read_as_smtp() -> None:
    """QUEUE-61: what came with the 220 belongs to TLS, where it is garbage."""
    stream, server = pair()
    client = SMTPClient(stream, "own.example", tls=ClientTLS())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            server.play,
            *("S:220 hi", "C:EHLO own.example", "S:250-mx", "S:250 STARTTLS", "C:STARTTLS"),
            "S:220 go\r\n250 injected",
        )
        with pytest.raises(HandshakeFailed):
            await client.hello()
    await client.abort()


async def test_immediate_tls_comes_before_the_greeting() -> None:
    """SMTP-120: port 465."""
    stream, server = pair()
    client = SMTPClient(stream, "own.example", tls_mode=TLSMode.IMMEDIATE, tls=ClientTLS())

    async def play() -> None:
        tls = await ServerTLS([PAIR]).accept(server.stream)
        await Script(tls).play(*HELLO)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        await client.hello()
    assert client.codec.greeting == "hi"


async def test_trace_shows_commands_and_hides_secrets_and_content() -> None:
    """QUEUE-72, ADMIN-55: at trace neither password nor message; tracedata shows all."""
    stream_log = io.StringIO()
    handler = log.setup("trace", stream=stream_log, timestamps=False)
    try:
        stream, server = pair()
        client = plain(stream, auth=ClientAuth("u", "secret", ("PLAIN",), allow_clear=True))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                server.play, *HELLO[:2], "S:250-mx", "S:250 AUTH PLAIN", "C:AUTH PLAIN AHUAc2VjcmV0", "S:235 in"
            )
            await client.hello()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                server.play,
                *("C:MAIL FROM:<a@own.example>", "S:250 ok", "C:RCPT TO:<b@mx.example>", "S:250 ok"),
                *("C:DATA", "S:354 go", "C:private words", "C:.", "S:250 ok"),
            )
            await client.deliver(TRANSACTION, body(b"private words\r\n"))
        text = stream_log.getvalue()
        assert "MAIL FROM:<a@own.example>" in text
        assert "***" in text
        assert "AHUAc2VjcmV0" not in text
        assert "private" not in text
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger("moxlite").setLevel(logging.NOTSET)


async def test_refused_greeting_is_told_with_its_code() -> None:
    """SMTP-128."""
    stream, server = pair()
    await server.play("S:554 5.7.1 go away")
    with pytest.raises(SMTPError) as caught:
        await plain(stream).hello()
    assert (caught.value.permanent, caught.value.code) == (True, 554)
