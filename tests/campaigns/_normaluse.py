"""What the users of a house and many unknown senders do at the same time, each as fast as the server lets it, until
SIGTERM.

A separate process with lower priority than the server, outside its control group.
`python -m tests.campaigns._normaluse KINDS BASE ACCOUNTS SEED`, with the port base of a `localserve`. Writes a line
once all clients have started, and at the end counts by kind, and the marks of acknowledged messages by mailbox, as
JSON.
"""

import base64
import http.client
import itertools
import json
import os
import random
import signal
import smtplib
import socket
import sys
import threading
from collections import Counter, defaultdict
from typing import Final

from bench.imapload import IMAP, WORDS
from bench.webload import Webmail
from tests.campaigns.kill import insecure

__all__ = ["BOX", "CROWD", "PASSWORD", "address", "mail"]

PASSWORD: Final = "moxmoxmox"
NICE: Final = 5
BOX: Final = "Box"
"""The mailbox to which IMAP clients append."""

SMALLEST, LARGEST = 2_000, 12_000_000
"""Bytes of unknown senders' messages."""

APPENDED: Final = 3_000_000
SUBMITTED: Final = 5_000_000
HELD: Final = 20.0
"""Seconds for which half bodies and silent TLS connections stay."""

SHOWN: Final = 50
"""Messages that a page of a mail client shows."""

TRUSTING: Final = insecure()
"""For all connections: making one reads all authorities, which takes longer than a handshake."""

done: Final[Counter[str]] = Counter()
acknowledged: Final[defaultdict[str, list[str]]] = defaultdict(list)
"""Marks of messages by address; those that were appended by address, then " Box"."""

_numbers: Final = itertools.count()


class Refused(Exception):
    """The server says politely that it has no room now."""


def address(number: int) -> str:
    """Address of an account."""
    return f"u{number}@localhost"


def mail(mark: str, sender: str, recipient: str, octets: int, rng: random.Random) -> bytes:
    """A message of about so many bytes: text, HTML if it's longer, and an attachment if it's long."""
    text = "\r\n".join(" ".join(rng.choices(WORDS, k=11)) for _ in range(min(octets, 200_000) // 80 + 1))
    head = (
        f"From: {sender}\r\nTo: {recipient}\r\nSubject: {' '.join(rng.choices(WORDS, k=5))}\r\nX-Soak: {mark}\r\n"
        f"Date: Thu, 01 Oct 2026 10:00:00 +0000\r\nMessage-ID: <{mark}@soak.example>\r\nMIME-Version: 1.0\r\n"
    )
    if octets < 10_000:
        return f"{head}\r\n{text}\r\n".encode()
    html = "".join(f"<p>{line}</p>\r\n" for line in text.split("\r\n"))
    parts = [("text/plain", "8bit", text), ("text/html", "8bit", html)]
    if octets > 400_000:
        parts.append(
            ("application/pdf", "base64", base64.encodebytes(rng.randbytes((octets - 400_000) * 3 // 4)).decode())
        )
    body = (
        "".join(
            f"--xx\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{content}\r\n"
            for kind, encoding, content in parts
        )
        .replace("\r\n", "\n")
        .replace("\n", "\r\n")
    )
    return f"{head}Content-Type: multipart/mixed; boundary=xx\r\n\r\n{body}--xx--\r\n".encode()


def size(rng: random.Random, largest: int) -> int:
    """Bytes of a message: most are short, few are long."""
    return int(SMALLEST * (largest / SMALLEST) ** rng.random() ** 1.5)


class Client:
    """A client of a kind. `work` does a round, on connections that it keeps, and makes again after `close`."""

    def __init__(self, base: int, number: int, accounts: int, seed: int) -> None:
        self.base = base
        self.number = number
        self.accounts = accounts
        self.rng = random.Random(f"{type(self).__name__} {number} {seed}")
        self.user = address(number % accounts)

    def work(self) -> None:
        """One round. Raises Refused if the server has no room, OSError if the connection ends."""
        raise NotImplementedError

    def close(self) -> None:
        """Forget connections."""

    def new_mail(self, sender: str, recipient: str, largest: int) -> tuple[str, bytes]:
        """A new message: its mark and content."""
        mark = f"m{next(_numbers)}.{self.rng.getrandbits(32):x}"
        return mark, mail(mark, sender, recipient, size(self.rng, largest), self.rng)


class Stranger(Client):
    """An unknown sender, with an address of its own."""

    def work(self) -> None:
        """A message on a new connection."""
        to, sender = address(self.rng.randrange(self.accounts)), f"s{self.number}@far{self.number}.example"
        mark, content = self.new_mail(sender, to, LARGEST)
        source = (f"127.2.{self.number}.1", 0)
        with smtplib.SMTP("127.0.0.1", self.base + 25, "far.example", timeout=300, source_address=source) as client:
            deliver(client, sender, to, mark, content)


class Submitter(Client):
    """A user who sends mail."""

    def work(self) -> None:
        """A message to another user."""
        to = address((self.number + 1) % self.accounts)
        mark, content = self.new_mail(self.user, to, SUBMITTED)
        with smtplib.SMTP_SSL("127.0.0.1", self.base + 465, timeout=300, context=TRUSTING) as client:
            client.login(self.user, PASSWORD)
            deliver(client, self.user, to, mark, content)


def deliver(client: smtplib.SMTP, sender: str, recipient: str, mark: str, content: bytes) -> None:
    """Send a message and note that it was acknowledged."""
    try:
        client.sendmail(sender, [recipient], content)
    except smtplib.SMTPRecipientsRefused as refused:
        [(code, text)] = refused.recipients.values()
        raise refusal(code, text) from None
    except smtplib.SMTPResponseException as response:
        raise refusal(response.smtp_code, response.smtp_error) from None
    acknowledged[recipient].append(mark)


def refusal(code: int, text: object) -> Exception:
    """What a reply means: `Refused` if the client should try again."""
    return Refused(str(code)) if 400 <= code < 500 else RuntimeError(f"{code} {text!r}")


class Reader(Client):
    """A mail client with IMAP."""

    session: IMAP | None = None

    def work(self) -> None:
        """One of what mail clients do."""
        if self.session is None:
            self.session = IMAP(self.base + 143, self.user, PASSWORD)
        session, number = self.session, self.rng.randrange(8)
        try:
            session.command(b"SELECT INBOX")
            match number:
                case 0 | 1:
                    session.command(b"FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)", keep=False)
                case 2:
                    session.command(b"FETCH %d (BODY.PEEK[])" % self.rng.randint(1, SHOWN), keep=False)
                case 3 | 4:
                    mark, content = self.new_mail(self.user, self.user, APPENDED)
                    session.append(BOX.encode(), [content])
                    acknowledged[f"{self.user} {BOX}"].append(mark)
                case 5:
                    session.command(
                        b"SORT (%b) UTF-8 ALL" % self.rng.choice((b"SUBJECT", b"FROM", b"DATE")), keep=False
                    )
                case 6:
                    session.command(b'SEARCH TEXT "%b"' % self.rng.choice(WORDS).encode(), keep=False)
                case _:
                    session.command(b"THREAD REFERENCES UTF-8 ALL", keep=False)
        except RuntimeError as error:
            if str(error).startswith(("NO [LIMIT]", "NO [UNAVAILABLE]", "NO [INUSE]")):
                raise Refused(str(error)[:18]) from None
            if "no such message" not in str(error):  # no mail yet
                raise

    def close(self) -> None:
        self.session = None


class Web(Client):
    """A client with HTTP and a password."""

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "", **headers: str) -> bytes:
        """The body of an answer. Raises Refused, RuntimeError."""
        login = base64.b64encode(f"{self.user}:{PASSWORD}".encode()).decode()
        connection = http.client.HTTPSConnection("localhost", self.base + 443, context=TRUSTING, timeout=300)
        fields = {"authorization": f"Basic {login}", "content-type": kind, **headers}
        connection.request(method, path, body, fields)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status in (408, 413, 429, 503):
            raise Refused(str(answer.status))
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:200]!r}")
        return content


class JMAP(Web):
    """A mail client with JMAP."""

    def work(self) -> None:
        """The newest messages, sorted by something, with text."""
        account = {"accountId": f"u{self.user.partition('@')[0]}"}
        key = self.rng.choice(("receivedAt", "sentAt", "from", "subject", "size"))
        newest = {"resultOf": "0", "name": "Email/query", "path": "/ids"}
        calls = [
            ["Email/query", {**account, "sort": [{"property": key}], "limit": SHOWN, "collapseThreads": True}, "0"],
            ["Email/get", {**account, "#ids": newest, "fetchTextBodyValues": True, "maxBodyValueBytes": 65536}, "1"],
            ["Mailbox/get", account, "2"],
        ]
        using = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
        answer = self.ask(
            "POST", "/jmap/api", json.dumps({"using": using, "methodCalls": calls}).encode(), "application/json"
        )
        for name, result, _ in json.loads(answer)["methodResponses"]:
            if name == "error":
                if result["type"] == "serverUnavailable":
                    raise Refused("serverUnavailable")
                raise RuntimeError(f"JMAP: {result}")


class Phone(Web):
    """A phone that syncs its calendar by DAV."""

    def work(self) -> None:
        """Put an event, and read a year."""
        name = self.user.partition("@")[0]
        path = f"/dav/calendars/{name}/calendar/"
        number = self.rng.randrange(50)
        lines = (
            *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//soak//EN", "BEGIN:VEVENT", f"UID:{number}"),
            *("DTSTAMP:20260101T000000Z", f"DTSTART:20260{1 + number % 9}01T100000Z", "RRULE:FREQ=WEEKLY", "SUMMARY:x"),
            *(f"DESCRIPTION:{'some words ' * 100}", "END:VEVENT", "END:VCALENDAR", ""),
        )
        self.ask("PUT", f"{path}{number}.ics", "\r\n".join(lines).encode(), "text/calendar")
        span = 'start="20260101T000000Z" end="20270101T000000Z"'
        names = 'xmlns="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"'
        report = (
            f"<calendar-query {names}><D:prop><calendar-data><expand {span}/></calendar-data></D:prop><filter>"
            f'<comp-filter name="VCALENDAR"><comp-filter name="VEVENT"><time-range {span}/></comp-filter></comp-filter>'
            "</filter></calendar-query>"
        )
        self.ask("REPORT", path, report.encode(), "application/xml", depth="1")


class Browser(Client):
    """A browser with webmail."""

    page: Webmail | None = None

    def work(self) -> None:
        """The Inbox."""
        try:
            if self.page is None:
                self.page = Webmail(self.base + 80, self.user, PASSWORD)
            self.page.events().close()
        except RuntimeError as error:
            if any(f": {code} " in str(error) for code in (408, 429, 503)):
                raise Refused(str(error)[:24]) from None
            raise

    def close(self) -> None:
        self.page = None


class Visitor(Client):
    """A browser that loads the pages of the apps without a login."""

    def work(self) -> None:
        """A page."""
        connection = http.client.HTTPConnection("localhost", self.base + 80, timeout=120)
        connection.request("GET", self.rng.choice(("/webmail/", "/")))
        answer = connection.getresponse()
        answer.read()
        if answer.status in (429, 503):
            raise Refused(str(answer.status))


class HalfBody(Client):
    """A peer that never finishes the body of its request."""

    def work(self) -> None:
        """Most of a login's largest body."""
        source = (f"127.3.{self.number}.1", 0)
        with socket.create_connection(("127.0.0.1", self.base + 80), HELD, source) as connection:
            connection.sendall(
                b"POST /webmail/api/login_prep HTTP/1.1\r\nHost: localhost:%d\r\nOrigin: http://localhost:%d\r\n"
                b"Content-Type: application/json\r\nContent-Length: 65536\r\n\r\n" % (self.base + 80, self.base + 80)
            )
            connection.sendall(bytes(65_000))
            if connection.recv(100).startswith((b"HTTP/1.1 4", b"HTTP/1.1 503")):
                raise Refused("half body")


class Silent(Client):
    """A peer that connects with TLS, and says nothing."""

    def work(self) -> None:
        """A connection."""
        port = self.base + self.rng.choice((443, 465, 993))
        plain = socket.create_connection(("127.0.0.1", port), HELD, (f"127.4.{self.number}.1", 0))
        with plain, TRUSTING.wrap_socket(plain) as connection:
            connection.recv(4096)
            connection.recv(4096)


CROWD: Final[dict[str, tuple[int, type[Client]]]] = {
    "imap": (20, Reader),
    "jmap": (10, JMAP),
    "dav": (10, Phone),
    "webmail": (10, Browser),
    "submission": (10, Submitter),
    "smtp": (60, Stranger),
    "half": (60, HalfBody),
    "tls": (50, Silent),
    "page": (30, Visitor),
}
"""Number of clients of each kind."""


def repeat(kind: str, client: Client) -> None:
    """Work in a thread."""
    while True:
        try:
            client.work()
        except Refused as refused:
            done[f"{kind} {refused}"] += 1
            client.close()
            threading.Event().wait(1.0)
        except TimeoutError:
            done[f"{kind} timed out"] += 1
            client.close()
        except (OSError, EOFError, http.client.HTTPException, smtplib.SMTPException) as cut:
            done[f"{kind} cut"] += 1
            print(f"{kind}: {cut!r}", file=sys.stderr, flush=True)
            client.close()
            threading.Event().wait(1.0)
        except RuntimeError as wrong:
            done[f"{kind} wrong"] += 1
            print(f"{kind}: {wrong}", file=sys.stderr, flush=True)
            client.close()
            threading.Event().wait(1.0)
        else:
            done[kind] += 1


def main() -> None:
    """Begin, and go on."""
    kinds, (base, accounts, seed) = sys.argv[1].split(","), map(int, sys.argv[2:])
    os.nice(NICE)

    def end(*_: object) -> None:
        marks = {mailbox: [*those] for mailbox, those in [*acknowledged.items()]}  # threads go on
        print(json.dumps([dict(done), marks]), flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    for kind in kinds:
        count, make = CROWD[kind]
        for number in range(count):
            client = make(base, number, accounts, seed)
            threading.Thread(target=repeat, args=(kind, client), daemon=True).start()
    print("under way", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
