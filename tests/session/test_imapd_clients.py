"""Well-known client libraries over real TLS connections: the standard library's imaplib, and imapclient."""

import imaplib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address

import msgspec
import pytest
import trio
from imapclient import IMAPClient

from moxlite.imapd.connection import serve_connection
from moxlite.net.admission import Admission, ConnectionInfo
from moxlite.net.listeners import bind, listen, serve_listener
from moxlite.net.tls.certificates import self_signed
from moxlite.net.tls.handshake import ServerTLS
from tests.logs import kv
from tests.session.imapd_harness import PASSWORD, Imap, imap
from tests.tools import eventually

pytestmark = pytest.mark.served

__all__ = ["imap"]

MAIL = b"From: a@example.org\r\nSubject: greetings\r\n\r\nhello\r\n"


@asynccontextmanager
async def listening(imap: Imap, *, starttls: bool = False) -> AsyncIterator[int]:
    """A port of a real listener, with TLS from the start or by STARTTLS."""
    tls = ServerTLS([self_signed(["localhost"])])
    context = imap.context
    if starttls:
        context = msgspec.structs.replace(context, service="imap", starttls=tls)
    sock = bind(ip_address("127.0.0.1"), 0)

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        await serve_connection(stream, info, context)

    async with trio.open_nursery() as nursery:
        serve = partial(
            serve_listener,
            listen(sock),
            handler,
            pkg="imapd",
            name="test",
            shutdown=imap.shutdown,
            connections=nursery,
            admission=Admission(1000),
            gate=context.gate,
            tls=None if starttls else tls,
        )
        nursery.start_soon(serve)
        yield sock.getsockname()[1]
        nursery.cancel_scope.cancel()


def trusting() -> ssl.SSLContext:
    """A client's TLS that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def run(function: Callable[[int], None], port: int) -> None:
    """Run a blocking client."""
    with trio.fail_after(30):
        await trio.to_thread.run_sync(function, port)


async def test_imaplib_reads_and_writes(imap: Imap) -> None:
    """IMAP-140, IMAP-176"""

    def client(port: int) -> None:
        with imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=trusting()) as c:
            assert c.login("mia@example.org", PASSWORD)[0] == "OK"
            assert c.append("INBOX", r"(\Flagged)", None, MAIL)[0] == "OK"
            assert c.select("INBOX") == ("OK", [b"1"])
            assert c.search(None, "FLAGGED") == ("OK", [b"1"])
            data = c.fetch("1", "(FLAGS BODY.PEEK[])")[1]
            assert data[0] is not None
            assert data[0][1] == MAIL
            assert c.store("1", "+FLAGS", r"\Deleted")[0] == "OK"
            assert c.expunge() == ("OK", [b"1"])
            assert len(c.list()[1]) == 6
            assert c.create("x/y")[0] == "OK"
            assert c.status("x/y", "(MESSAGES)") == ("OK", [b"x/y (MESSAGES 0)"])

    async with listening(imap) as port:
        await run(client, port)


async def test_starttls_begins_encryption(imap: Imap) -> None:
    """IMAP-13, IMAP-38, IMAP-41, IMAP-45"""

    def client(port: int) -> None:
        with imaplib.IMAP4("127.0.0.1", port) as c:
            assert "LOGINDISABLED" in c.capabilities
            assert "STARTTLS" in c.capabilities
            c.starttls(trusting())
            assert "AUTH=SCRAM-SHA-256-PLUS" in c.capabilities
            assert "STARTTLS" not in c.capabilities
            assert c.login("mia@example.org", PASSWORD)[0] == "OK"

    async with listening(imap, starttls=True) as port:
        await run(client, port)
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.receive_some()
            await stream.send_all(b"a STARTTLS\r\nb NOOP\r\n")
            answer = b""
            while data := await stream.receive_some():
                answer += data
            assert answer == b"* BYE unexpected data after STARTTLS\r\n"


async def test_the_log_says_why_starttls_failed(imap: Imap, caplog: pytest.LogCaptureFixture) -> None:
    """IMAP-41"""
    caplog.set_level("INFO", "moxlite.imapd")
    async with listening(imap, starttls=True) as port, await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.receive_some()
        await stream.send_all(b"a STARTTLS\r\n")
        assert (await stream.receive_some()).startswith(b"a OK")
        await stream.send_all(b"no handshake\r\n")
        while await stream.receive_some():
            pass
        await eventually(lambda: "STARTTLS failed" in caplog.messages, what="the line")
    [record] = [record for record in caplog.records if record.message == "STARTTLS failed"]
    assert "doesn't use TLS" in str(kv(record)["err"])


async def test_imapclient_synchronizes(imap: Imap) -> None:
    """IMAP-32, IMAP-128, IMAP-176"""

    def client(port: int) -> None:
        with IMAPClient("127.0.0.1", port, ssl=True, ssl_context=trusting()) as c:
            c.login("mia@example.org", PASSWORD)
            c.create_folder("Entwürfe & mehr")
            assert "Entwürfe & mehr" in [name for _, _, name in c.list_folders()]
            c.append("Entwürfe & mehr", MAIL, [b"\\Seen"])
            c.select_folder("Entwürfe & mehr")
            assert c.search(["SUBJECT", "greet"]) == [1]
            found = c.fetch([1], ["ENVELOPE", "FLAGS", "BODYSTRUCTURE", "INTERNALDATE"])
            assert found[1][b"ENVELOPE"].subject == b"greetings"
            assert b"\\Seen" in found[1][b"FLAGS"]
            c.copy([1], "INBOX")
            c.move([1], "Trash")
            assert c.folder_status("INBOX", ["MESSAGES"])[b"MESSAGES"] == 1
            c.select_folder("INBOX")
            c.idle()
            with IMAPClient("127.0.0.1", port, ssl=True, ssl_context=trusting()) as other:
                other.login("mia@example.org", PASSWORD)
                other.append("INBOX", MAIL)
            told = c.idle_check(timeout=60)
            assert (2, b"EXISTS") in told
            c.idle_done()
            assert c.namespace().personal == (("", "/"),)
            c.logout()

    async with listening(imap) as port:
        await run(client, port)
