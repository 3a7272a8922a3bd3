"""Connections that stay open after a long command keep nothing of it (STORE-198a).

What an exchange takes is given back to the ledger with its answer. So nothing may hold the octets any longer, least of
all a local name of the loop that waits for the next command.
"""

import base64
import gc
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import trio

from moxlite.ledger import ledger
from moxlite.proto import publicsuffix
from tests.memory import large_objects, traced
from tests.web_rig import PASSWORD, STATIC, Rig, open_rig

pytestmark = pytest.mark.served

LISTENER = """
[listeners.more]
ips = ["127.0.0.1"]
tls.key_certs = [{ cert_file = "cert.pem", key_file = "key.pem" }]
smtp = { enabled = true, port = 25, starttls = false, first_time_sender_delay = "0s" }
submission = { enabled = true, port = 587, require_tls = false }
imap = { enabled = true, port = 143, require_tls = false }
managesieve = { enabled = true, port = 4190, require_tls = false }
jmap_https = { enabled = true, port = 444 }
dav_https = { enabled = true, port = 444 }
webapi_https = { enabled = true, port = 444 }
"""

LONG = 900_000
"""Octets of what is sent: more than any read, and less than any limit."""

PATIENCE = 50
"""Tenths of a second of real time for background work, such as the search index."""

LOGIN = base64.b64encode(f"mia@example.org:{PASSWORD}".encode()).decode()
PLAIN = base64.b64encode(f"\0mia@example.org\0{PASSWORD}".encode()).decode()
MAIL = b"From: Jo <jo@else.example>\r\nSubject: long\r\n\r\n" + b"some words of a mail\r\n" * (LONG // 22)

ECHO = b'{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["Core/echo",{"a":"%s"},"0"]]}' % (b"x" * LONG)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    publicsuffix.load()
    async with trio.open_nursery() as nursery:
        yield await open_rig(tmp_path, nursery, static=STATIC + LISTENER)
        nursery.cancel_scope.cancel()


class Talk:
    """A connection on which a test writes octets, and reads without keeping what comes."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream

    async def say(self, octets: bytes, until: bytes) -> None:
        """Send octets and read until `until` has come."""
        if octets:
            await self._stream.send_all(octets)
        with trio.fail_after(60):
            last = b""
            while until not in last:
                piece = bytes(await self._stream.receive_some(65536))
                assert piece, last
                last = last[-400:] + piece

    async def request(self, method: str, path: str, body: bytes, kind: str = "application/json") -> None:
        """A request of HTTP/1.1, and its answer up to the next one's."""
        head = f"{method} {path} HTTP/1.1\r\nHost: mail.example.org:444\r\nAuthorization: Basic {LOGIN}\r\n"
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        await self.say(head.encode() + body, b"HTTP/1.1 2")
        await self.say(b"OPTIONS /dav/ HTTP/1.1\r\nHost: mail.example.org:444\r\n\r\n", b"HTTP/1.1 ")


def talk(rig: Rig, port: int) -> Talk:
    return Talk(rig.connect(port=port, remote="127.0.0.1", tls=port == 444))


@contextmanager
def without_cycles() -> Iterator[None]:
    """Context without garbage collection: what cycles keep would else stay for as long as the collector likes, which
    differs between versions of Python.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@asynccontextmanager
async def nothing_stays() -> AsyncIterator[None]:
    """Fail for large objects that were made in the block and stay alive.

    Background work may hold such ones for a moment at any time: the clock runs ahead, so the periodic checks of the
    search index read what came again and again. So one look that finds nothing is enough.
    """
    with traced(), without_cycles():
        yield
        for _ in range(PATIENCE):
            held, octets = large_objects(), ledger().octets
            if not held and octets == 0:
                return
            await trio.to_thread.run_sync(time.sleep, 0.1)
    raise AssertionError("\n\n".join([f"the ledger counts {octets} octets", *held]))


async def test_imap(rig: Rig) -> None:
    """STORE-198a: a session that has appended, fetched and searched waits for its next command with nothing of them."""
    imap = talk(rig, 143)
    await imap.say(b"a LOGIN mia@example.org {%d+}\r\n%s\r\n" % (len(PASSWORD), PASSWORD.encode()), b"a OK")
    await imap.say(b"a SELECT INBOX\r\n", b"a OK")
    for command in (
        b"a APPEND INBOX {%d+}\r\n%s\r\n" % (len(MAIL), MAIL),
        b"a FETCH 1 BODY[]\r\n",
        b"a SEARCH SUBJECT {99000+}\r\n" + b"x" * 99_000 + b"\r\n",
        b"a SEARCH NOT SUBJECT {99000+}\r\n" + b"x" * 99_000 + b" FLORP\r\n",
    ):
        async with nothing_stays():
            await imap.say(command, b"\r\na " if b"FETCH" in command else b"a ")


async def test_smtp(rig: Rig) -> None:
    """STORE-198a: after DATA, BDAT, and a message that was refused."""
    smtp = talk(rig, 25)
    await smtp.say(b"EHLO client.example\r\n", b"250 ")
    begin = b"MAIL FROM:<jo@else.example>\r\nRCPT TO:<mia@example.org>\r\n"
    for end in (
        b"DATA\r\n" + MAIL + b".\r\n",
        b"BDAT %d LAST\r\n%s" % (len(MAIL), MAIL),
        b"DATA\r\n" + b"X-Long: " + b"y" * LONG + b"\r\n.\r\n",
    ):
        async with nothing_stays():
            await smtp.say(begin + end + b"RSET\r\nVRFY florp\r\n", b"252 ")


async def test_submission(rig: Rig) -> None:
    """STORE-198a: after a message to the same server."""
    smtp = talk(rig, 587)
    await smtp.say(b"EHLO client.example\r\n", b"250 ")
    await smtp.say(b"AUTH PLAIN %s\r\n" % PLAIN.encode(), b"235 ")
    async with nothing_stays():
        await smtp.say(b"MAIL FROM:<mia@example.org>\r\nRCPT TO:<tom@example.org>\r\nDATA\r\n", b"354 ")
        await smtp.say(MAIL.replace(b"jo@else.example", b"mia@example.org") + b".\r\n", b"250 ")
        await smtp.say(b"VRFY florp\r\n", b"252 ")


async def test_managesieve(rig: Rig) -> None:
    """STORE-198a: after a script, and after one with an error."""
    sieve = talk(rig, 4190)
    await sieve.say(b"", b"OK ")
    await sieve.say(b'AUTHENTICATE "PLAIN" "%s"\r\n' % PLAIN.encode(), b"OK ")
    script = b"# words of a comment\r\n" * 2_900
    for text in (script + b"keep;\r\n", script + b"florp;\r\n"):
        for verb in (b'PUTSCRIPT "a" ', b"CHECKSCRIPT "):
            async with nothing_stays():
                await sieve.say(verb + b"{%d+}\r\n%s\r\n" % (len(text), text), b"\r\n")


async def test_http(rig: Rig) -> None:
    """STORE-198a: after JMAP, DAV, the web API and an upload, on one connection."""
    http = talk(rig, 444)
    event = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20261121T100000Z\r\n"
    event += b"DTSTART:20261121T100000Z\r\n" + b"X-LINE:some words of a line\r\n" * 3_000
    event += b"END:VEVENT\r\nEND:VCALENDAR\r\n"
    report = (
        b'<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop>'
        b'<C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
    )
    home = "/dav/calendars/mia/calendar/"
    for method, path, body, kind in (
        ("POST", "/jmap/api", ECHO, "application/json"),
        ("POST", "/jmap/upload/umia/", b"u" * LONG, "application/octet-stream"),
        ("PUT", f"{home}a.ics", event, "text/calendar"),
        ("REPORT", home, report, "application/xml"),
        ("GET", f"{home}a.ics", b"", "text/plain"),
    ):
        async with nothing_stays():
            await http.request(method, path, body, kind)
