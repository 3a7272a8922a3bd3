"""One account that does the most expensive work it can find, of one kind or of all, until it is ended by SIGTERM.

A process of its own, with low priority: clients elsewhere take no processor from the server.
`python -m tests.campaigns._costly KINDS BASE`, with the port base of a `localserve`; it writes a line when all is under
way, and at the end how much of each kind was done.
"""

import base64
import http.client
import itertools
import json
import os
import selectors
import signal
import socket
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from bench.imapload import corpus
from bench.webload import Webmail

__all__ = ["KINDS", "PASSWORD", "USER", "search_of"]

USER: Final = "moxlite@localhost"
PASSWORD: Final = "moxmoxmox"
SESSIONS: Final = 50
MOST: Final = 100
"""IMAP sessions of each kind, and of all: the clients of a large family, or of one who means ill. More than `MOST` an
account does not get.
"""

SORTED: Final = ("SUBJECT", "FROM", "TO", "CC", "DATE", "ARRIVAL", "SIZE", "DISPLAYFROM", "DISPLAYTO")

IMPORTED: Final = 3_000
"""Messages of the archive that is imported for trial."""

CALENDAR: Final = f"/dav/calendars/{USER.partition('@')[0]}/calendar/"
EVENTS: Final = 50
"""Repeated events of the calendar, of 4 KB each."""

FILTERS: Final = 15
"""Filters of a query of the calendar: 64 Ki of entry × filter are allowed (DAV-18a)."""

done: Final[Counter[str]] = Counter()


def fetches(_: int) -> Iterator[str]:
    """All bodies, again and again."""
    return itertools.repeat("UID FETCH 1:* (BODY.PEEK[])")


def searches(number: int) -> Iterator[str]:
    """Texts of two characters, which no index helps to find, and longer ones that are nowhere."""
    for turn in itertools.count(number):
        yield f'UID SEARCH BODY "{chr(97 + turn % 26)}~"'
        yield f'UID SEARCH OR TEXT "~{turn % 10}" HEADER X-Nowhere "nothing {turn}"'


def sorts(number: int) -> Iterator[str]:
    """Orders that no one asked for before."""
    orders = list(itertools.permutations(SORTED, 3))
    for turn in itertools.count(number * 7):
        yield f"UID SORT ({' '.join(orders[turn % len(orders)])}) UTF-8 ALL"


def threads(_: int) -> Iterator[str]:
    """Threads of all messages."""
    return itertools.cycle(f"UID THREAD {way} UTF-8 ALL" for way in ("REFERENCES", "ORDEREDSUBJECT"))


def stores(number: int) -> Iterator[str]:
    """Changes of all messages."""
    return itertools.cycle(f"UID STORE 1:* {sign}FLAGS (kw{number % 10})" for sign in "+-")


IMAP: Final[dict[str, Callable[[int], Iterator[str]]]] = {
    "fetch": fetches,
    "search": searches,
    "sort": sorts,
    "thread": threads,
    "store": stores,
}


class Session:
    """An IMAP session that sends the next command as soon as the last one is answered."""

    def __init__(self, kind: str, port: int, number: int) -> None:
        self.kind = kind
        self.commands = IMAP[kind](number)
        self.tail = b""
        self.socket = socket.create_connection(("127.0.0.1", port))
        for command in (f"LOGIN {USER} {PASSWORD}", "SELECT INBOX"):
            self.socket.sendall(f"t {command}\r\n".encode())
            while b"\r\nt OK" not in self.tail and not self.tail.startswith(b"t OK"):
                self.tail += self._receive()
            self.tail = b""

    def _receive(self) -> bytes:
        if not (octets := self.socket.recv(65536)):
            raise ConnectionError(f"the server lets no session of kind {self.kind} in")
        return octets

    def next(self) -> None:
        """Send a command."""
        self.socket.sendall(f"t {next(self.commands)}\r\n".encode())

    def read(self, room: bytearray) -> None:
        """Take what has come."""
        size = self.socket.recv_into(room)
        if not size:
            raise ConnectionError(f"the server has ended a session of kind {self.kind}")
        self.tail = (self.tail + bytes(room[max(0, size - 200) : size]))[-200:]
        if self.tail.endswith(b"\r\n"):
            line = self.tail[:-2].rpartition(b"\n")[2]
            if line.startswith((b"t OK", b"t NO")):
                done[self.kind if line.startswith(b"t OK") else f"{self.kind} refused"] += 1
                self.tail = b""
                self.next()


def search_of(page: Webmail, query: object, count: int = 10_000) -> None:
    """Have a view of the webmail made, all of it."""
    request = quote(json.dumps({"id": 1, "view_id": 1, "query": query, "page": {"count": count}}))
    connection = http.client.HTTPConnection("localhost", page.port, timeout=600)
    cookie = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
    connection.request(
        "GET", f"/webmail/events?token={page.call('token')}&request={request}", headers={"cookie": cookie}
    )
    answer = connection.getresponse()
    while line := answer.readline():
        if line.startswith(b"data: ") and (b'"items":[]' in line or b'"view_err"' in line):
            break
    connection.close()


def posted(page: Webmail, path: str, body: bytes, kind: str) -> bytes:
    """Post a form of the account app, and read the answer."""
    connection = http.client.HTTPConnection("localhost", page.port, timeout=600)
    cookie = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
    connection.request("POST", path, body, {"content-type": kind, "cookie": cookie, "x-moxlite-csrf": page.csrf})
    answer = connection.getresponse()
    octets = bytearray(1 << 20)
    kept = b""
    while size := answer.readinto(octets):
        kept = kept or bytes(octets[: min(size, 200)])
    connection.close()
    return kept


def views(port: int, _: int) -> Iterator[None]:
    """The whole Inbox, by threads."""
    page = Webmail(port, USER, PASSWORD)
    query = {"threading": "on", "filter": {"mailbox_id": 0, "mailbox_name": "Inbox"}}
    while True:
        search_of(page, query)
        yield


def words(port: int, number: int) -> Iterator[None]:
    """Words that are in no message."""
    page = Webmail(port, USER, PASSWORD)
    for turn in itertools.count(number):
        search_of(page, {"filter": {"mailbox_id": -1, "words": [f"~{turn % 10}"]}})
        yield


def tries(port: int, _: int) -> Iterator[None]:
    """Dry runs of many rules."""
    page = Webmail(port, USER, PASSWORD, app="/")
    rule = {
        "mailbox": "Lists",
        "smtp_mail_from_regexp": "",
        "msg_from_regexp": "(a|b|ab)*c$",
        "verified_domain": "",
        "headers_regexp": [{"name": "^x-.*$", "value": "nowhere.*nothing"}],
        "is_forward": False,
        "list_allow_domain": "",
        "accept_rejects_to_mailbox": "",
        "comment": "",
    }
    while True:
        yield page.call("rules_try", address=USER, rules=[rule] * 50)


def exports(port: int, _: int) -> Iterator[None]:
    """The whole account as an archive."""
    page = Webmail(port, USER, PASSWORD, app="/")
    body = urlencode({"csrf": page.csrf, "format": "maildir", "archive": "tgz"}).encode()
    while True:
        posted(page, "/export", body, "application/x-www-form-urlencoded")
        yield


def imports(port: int, _: int) -> Iterator[None]:
    """A long archive, for trial."""
    page = Webmail(port, USER, PASSWORD, app="/")
    mails = b"".join(b"From a@b Thu Oct  1 00:00:00 2026\r\n" + corpus(n) + b"\r\n" for n in range(IMPORTED))
    parts = [("dry_run", "", b"true"), ("file", '; filename="a.mbox"', mails)]
    body = b"".join(
        f'--xx\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + octets + b"\r\n"
        for name, more, octets in parts
    )
    while True:
        answer = posted(page, "/import", body + b"--xx--\r\n", "multipart/form-data; boundary=xx")
        if b"token" not in answer:
            raise RuntimeError(f"import: {answer!r}")
        while not may_import(page):
            threading.Event().wait(0.1)
        yield


def may_import(page: Webmail) -> bool:
    """Whether the import has ended. `import_state` names it for a minute more, for pages that show its result."""
    try:
        page.call("import_check", size=1)
    except RuntimeError:
        return False
    return True


def trainings(port: int, _: int) -> Iterator[None]:
    """Retraining of the junk filter."""
    page = Webmail(port, USER, PASSWORD, app="/")
    while True:
        yield page.call("junk_retrain")


def asked(port: int, method: str, path: str, body: bytes = b"", kind: str = "application/xml") -> bytes:
    """The answer of JMAP or DAV to a request of the user by https. Raises RuntimeError."""
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("localhost", port - 80 + 443, context=trusting, timeout=600)
    connection.request(method, path, body, {"authorization": f"Basic {login}", "content-type": kind, "depth": "1"})
    answer = connection.getresponse()
    octets = answer.read()
    connection.close()
    if answer.status >= 300:
        raise RuntimeError(f"{method} {path}: {answer.status} {octets[:200]!r}")
    return octets


def jmap(port: int, number: int) -> Iterator[None]:
    """Searches that no index helps, the texts of 500 emails, and contacts."""
    session = json.loads(asked(port, "GET", "/jmap/session"))
    account = {"accountId": next(iter(session["accounts"]))}
    newest = {"resultOf": "1", "name": "Email/query", "path": "/ids"}
    for turn in itertools.count(number):
        calls = [
            ["Email/query", {**account, "filter": {"text": f"~{turn % 10}"}}, "0"],
            ["Email/query", {**account, "limit": 500}, "1"],
            ["Email/get", {**account, "#ids": newest, "fetchAllBodyValues": True}, "2"],
            ["ContactCard/query", {**account, "filter": {"text": f"~{turn % 10}"}}, "3"],
        ]
        body = json.dumps({"using": sorted(session["capabilities"]), "methodCalls": calls}).encode()
        if b'["error",' in asked(port, "POST", "/jmap/api", body, "application/json"):
            raise RuntimeError("a call of JMAP failed")
        yield


def put_events(port: int) -> None:
    """Put a calendar's worth of repeated events."""
    for number in range(EVENTS):
        lines = (
            *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//costly//EN", "BEGIN:VEVENT", f"UID:{number}"),
            *("DTSTAMP:20260101T000000Z", f"DTSTART:20260101T{number % 24:02}0000Z", "RRULE:FREQ=DAILY", "SUMMARY:x"),
            *(f"DESCRIPTION:{'nothing ' * 500}", "END:VEVENT", "END:VCALENDAR", ""),
        )
        asked(port, "PUT", f"{CALENDAR}{number}.ics", "\r\n".join(lines).encode(), "text/calendar")


def dav(port: int, _: int) -> Iterator[None]:
    """Many filters of each event, and 5,000 addresses."""
    match = '<prop-filter name="DESCRIPTION"><text-match>nowhere</text-match></prop-filter>' * FILTERS
    events = f'<comp-filter name="VEVENT" test="anyof">{match}</comp-filter>'
    hrefs = "".join(f"<D:href>{CALENDAR}{number % EVENTS}.ics</D:href>" for number in range(5_000))
    for kind, more in itertools.cycle(
        (
            ("query", f'<filter><comp-filter name="VCALENDAR">{events}</comp-filter></filter>'),
            ("multiget", hrefs),
        )
    ):
        names = 'xmlns="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"'
        wanted = "<D:prop><D:getetag/><calendar-data/></D:prop>"
        asked(port, "REPORT", CALENDAR, f"<calendar-{kind} {names}>{wanted}{more}</calendar-{kind}>".encode())
        yield


def secret_links(port: int, _: int) -> Iterator[None]:
    """A calendar without a password; requests above the limit of a network are refused."""
    page = Webmail(port, USER, PASSWORD)
    address = page.call("calendar_link_make")
    while True:
        asked(port, "GET", urlsplit(address).path)
        yield


WEB: Final[dict[str, tuple[int, Callable[[int, int], Iterator[None]]]]] = {
    "view": (8, views),
    "words": (8, words),
    "dry run": (4, tries),
    "export": (2, exports),
    "import": (1, imports),
    "retraining": (1, trainings),
    "jmap": (8, jmap),
    "dav": (8, dav),
    "link": (2, secret_links),
}

KINDS: Final = (*IMAP, *WEB)


def repeat(kind: str, port: int, number: int) -> None:
    """Work in a thread."""
    work = WEB[kind][1](port, number)
    while True:
        try:
            next(work)
        except (RuntimeError, OSError, http.client.HTTPException) as error:
            done[f"{kind} refused"] += 1
            print(f"{kind}: {error}", file=sys.stderr, flush=True)
            threading.Event().wait(0.2)
            work = WEB[kind][1](port, number)
        else:
            done[kind] += 1


def main() -> None:
    """Begin, and go on."""
    kinds, base = sys.argv[1].split(","), int(sys.argv[2])
    os.nice(19)

    def end(*_: object) -> None:
        print(json.dumps(done), flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    waiting = selectors.DefaultSelector()
    by_imap = [kind for kind in kinds if kind in IMAP]
    each = min(SESSIONS, MOST // max(1, len(by_imap)))
    sessions = [Session(kind, base + 143, number) for kind in by_imap for number in range(each)]
    for session in sessions:
        waiting.register(session.socket, selectors.EVENT_READ, session)
        session.next()
    if {"dav", "link"} & {*kinds}:
        put_events(base + 80)
    for kind in kinds:
        if kind in WEB:
            for number in range(WEB[kind][0]):
                threading.Thread(target=repeat, args=(kind, base + 80, number), daemon=True).start()
    print("under way", flush=True)
    room = bytearray(1 << 20)
    while True:
        for key, _ in waiting.select(1.0):
            key.data.read(room)
        if not waiting.get_map():
            threading.Event().wait(1.0)


if __name__ == "__main__":
    main()
