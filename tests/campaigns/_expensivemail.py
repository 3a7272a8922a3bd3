"""Mailboxes filled from outside with the most expensive mail that is accepted, and honest programs that read them."""

import http.client
import json
import math
import re
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias
from urllib.parse import urlencode

from bench.imapload import IMAP
from bench.webload import Webmail
from tests.campaigns._costly import posted, search_of
from tests.campaigns._normaluse import PASSWORD, Refused, Web
from tests.running import LocalServer

__all__ = ["KINDS", "PROGRAMS", "Owner", "fill", "play"]

ADDRESSES: Final = 5_000
EMOJI: Final = "\N{GRINNING FACE}"

SORTED: Final = ("receivedAt", "sentAt", "size", "from", "to", "subject", "hasKeyword", "someInThreadHaveKeyword")
"""Properties by which JMAP sorts; those that have a keyword end with its name."""

ORDERS: Final = ("ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO")
ITEMS: Final = (
    *("ALL", "FULL", "ENVELOPE", "BODYSTRUCTURE", "(FLAGS ENVELOPE PREVIEW)", "RFC822.HEADER"),
    *("BODY.PEEK[HEADER.FIELDS (To Cc)]", "BODY.PEEK[]"),
)

PAGE: Final = 100
"""Messages that a JMAP program asks for at a time."""

EVENTS: Final = 20

YEAR: Final = (
    '<calendar-query xmlns="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop>{data}</D:prop><filter>'
    '<comp-filter name="VCALENDAR"><comp-filter name="VEVENT"><time-range {span}/></comp-filter></comp-filter></filter>'
    "</calendar-query>"
)


def _addresses(number: int) -> str:
    return ",\r\n ".join(f'"N {k}" <u{k}.{number}@e.example>' for k in range(ADDRESSES))


def _long_subject(number: int) -> str:
    return f"Subject: {EMOJI}{number * 7919} " + "\r\n ".join("y" * 900 for _ in range(9))


def addressees(number: int) -> str:
    """5,000 addresses in To."""
    return f"To: {_addresses(number)}\r\nSubject: {number}\r\n\r\nx\r\n"


def senders(number: int) -> str:
    """As many in From and Cc."""
    half = ",\r\n ".join(f'"N {k}" <u{k}.{number}@e.example>' for k in range(ADDRESSES // 2))
    return f"Sender: a@far.example\r\nFrom: {half}\r\nCc: {half}\r\nSubject: {number}\r\n\r\nx\r\n"


def subjects(number: int) -> str:
    """A subject of 8 kB with an emoji."""
    return f"{_long_subject(number)}\r\n\r\nx\r\n"


def references(number: int) -> str:
    """Thousands of references."""
    ids = "\r\n ".join(f"<{k}.{number % 7}@e.example>" for k in range(ADDRESSES))
    return f"References: {ids}\r\nSubject: Re: {number % 7}\r\n\r\nx\r\n"


def parts(number: int) -> str:
    """990 parts with names: 1,000 are allowed."""
    body = "".join(
        f'--xx\r\nContent-Type: image/png; name="{EMOJI}{k} {"n" * 60}.png"\r\nContent-ID: <{k}>\r\n\r\nx\r\n'
        for k in range(990)
    )
    return f"Subject: {number}\r\nContent-Type: multipart/mixed; boundary=xx\r\n\r\n{body}--xx--\r\n"


def fields(number: int) -> str:
    """Thousands of header fields."""
    return "".join(f"X-Field-{k}: some words\r\n" for k in range(5_000)) + f"Subject: {number}\r\n\r\nx\r\n"


def letters(number: int) -> str:
    """A letter of 20 kB with an emoji in each line."""
    return f"Subject: {number}\r\n\r\n" + f"some words of a mail {EMOJI}\r\n" * 800


KINDS: Final[dict[Callable[[int], str], int]] = {
    addressees: 6,
    senders: 6,
    subjects: 2,
    references: 1,
    parts: 1,
    fields: 1,
    letters: 1,
}
"""How many times as many messages of a kind there are as of the others: those that take most memory are the most."""


def fill(server: LocalServer, user: str, count: int) -> list[str]:
    """Deliver messages of each kind from outside, `count` or more; the kinds that are refused, with the reply."""
    refused: list[str] = []
    with smtplib.SMTP("127.0.0.1", server.port(25), "far.example", timeout=120) as client:
        for kind, times in KINDS.items():
            for number in range(times * count):
                mark = f"Message-ID: <{kind.__name__}.{number}@far.example>\r\nX-Soak: {kind.__name__}{number}\r\n"
                sender = "" if kind is senders else "From: a@far.example\r\n"
                try:
                    client.sendmail("a@far.example", [user], (mark + sender + kind(number)).encode(), ("smtputf8",))
                except smtplib.SMTPResponseException as response:
                    refused.append(f"{kind.__name__}: {response.smtp_code} {response.smtp_error!r}")
                    break
    return refused


# Programs of their owner. Each step is one request, and what it asks for is read to its end.


class Owner(Web):
    """A user whose mailbox is full of such mail. `until`: when the user's programs end (monotonic)."""

    def __init__(self, base: int, user: str, until: float = math.inf) -> None:
        super().__init__(base, 0, 1, 0)
        self.user = user
        self.until = until
        self.account = {"accountId": f"u{user.partition('@')[0]}"}

    def jmap(self, *calls: tuple[str, Mapping[str, object]]) -> list[dict[str, object]]:
        """The results of calls. Raises Refused, RuntimeError."""
        using = ["core", "mail", "contacts", "calendars"]
        body = {
            "using": [f"urn:ietf:params:jmap:{name}" for name in using],
            "methodCalls": [[name, {**self.account, **more}, str(n)] for n, (name, more) in enumerate(calls)],
        }
        answer = json.loads(self.ask("POST", "/jmap/api", json.dumps(body).encode(), "application/json"))
        for name, result, _ in answer["methodResponses"]:
            if name == "error":
                if result["type"] in ("serverUnavailable", "requestTooLarge"):
                    raise Refused(result["type"])
                raise RuntimeError(f"JMAP: {result}")
        return [result for _, result, _ in answer["methodResponses"]]


Step: TypeAlias = tuple[str, Callable[[], object]]
"""What a program asks for, and the request."""


def sorts(owner: Owner) -> Iterator[Step]:
    """A page of the mailbox, by each property."""
    orders = [[name] for name in SORTED] + [["subject", "from", "to"]]
    for order in orders:
        keys = [{"property": name, **({"keyword": "$seen"} if "Keyword" in name else {})} for name in order]
        query = ("Email/query", {"sort": keys, "limit": 10, "collapseThreads": len(order) > 1})
        yield f"Email/query by {order}", partial(owner.jmap, query)


def gets(owner: Owner) -> Iterator[Step]:
    """Everything of all messages, in pages."""
    [counted] = owner.jmap(("Email/query", {"limit": 1, "calculateTotal": True}))
    page: dict[str, object] = {"resultOf": "0", "name": "Email/query", "path": "/ids"}
    for names in (None, ["headers", "bodyStructure"], ["from", "to", "cc", "subject", "preview", "attachments"]):
        more: dict[str, object] = {"fetchAllBodyValues": True} if names is None else {"properties": names}
        for first in range(0, int(str(counted["total"])), PAGE):
            query = ("Email/query", {"position": first, "limit": PAGE})
            yield (
                f"Email/get of {names or 'all'} from {first}",
                partial(owner.jmap, query, ("Email/get", {"#ids": page, **more})),
            )


def imap(owner: Owner) -> Iterator[Step]:
    """All items of all messages, all orders, threads, and searches in header fields."""
    session = IMAP(owner.base + 143, owner.user, PASSWORD)
    session.until = owner.until  # the answer to one command can have a gigabyte
    session.command(b"SELECT INBOX")
    commands = [f"FETCH 1:* {item}" for item in ITEMS]
    commands += [f"SORT ({order}) UTF-8 ALL" for order in (*ORDERS, "SUBJECT FROM TO", "REVERSE DATE CC")]
    commands += [f"THREAD {way} UTF-8 ALL" for way in ("REFERENCES", "ORDEREDSUBJECT")]
    commands += [f'SEARCH {where} "nowhere"' for where in ("TO", "FROM", "SUBJECT", "HEADER X-Field-7", "TEXT", "BODY")]
    for command in commands:
        yield command, partial(session.command, command.encode(), keep=False)
    session.close()


def webmail(owner: Owner) -> Iterator[Step]:
    """Views in each order, and a search."""
    page = Webmail(owner.base + 80, owner.user, PASSWORD)
    for order in ("received", "size", "sender", "unread"):
        for threads in ("off", "on"):
            inbox = {"mailbox_id": 0, "mailbox_name": "Inbox"}
            query = {"order": order, "threading": threads, "filter": inbox}
            yield f"view by {order}, threads {threads}", partial(search_of, page, query)
    yield "search", partial(search_of, page, {"filter": {"mailbox_id": -1, "words": ["nowhere"]}})


def export(owner: Owner) -> Iterator[Step]:
    """The whole account as an archive."""
    page = Webmail(owner.base + 80, owner.user, PASSWORD, app="/")
    for form in ("mbox", "maildir"):
        body = urlencode({"csrf": page.csrf, "format": form, "archive": "tgz"}).encode()
        yield f"export as {form}", partial(posted, page, "/export", body, "application/x-www-form-urlencoded")


def year(owner: Owner) -> Iterator[Step]:
    """A year of a calendar with daily events of 50 kB, by DAV and JMAP."""
    path = f"/dav/calendars/{owner.user.partition('@')[0]}/calendar/"
    for number in range(EVENTS):
        lines = (
            *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//soak//EN", "BEGIN:VEVENT", f"UID:{number}"),
            *("DTSTAMP:20260101T000000Z", f"DTSTART:20260101T{number:02}0000Z", "RRULE:FREQ=DAILY", "SUMMARY:x"),
            *(f"DESCRIPTION:{EMOJI}{'some words ' * 4_500}", "END:VEVENT", "END:VCALENDAR", ""),
        )
        event = "\r\n".join(lines).encode()
        yield "PUT of an event", partial(owner.ask, "PUT", f"{path}{number}.ics", event, "text/calendar")
    span = 'start="20260101T000000Z" end="20270101T000000Z"'
    for data in (f"<calendar-data><expand {span}/></calendar-data>", "<calendar-data/>"):
        report = YEAR.format(data=data, span=span).encode()
        yield "year by DAV", partial(owner.ask, "REPORT", path, report, "application/xml", depth="1")
    within = {"after": "2026-01-01T00:00:00", "before": "2027-01-01T00:00:00"}
    query = {"filter": within, "expandRecurrences": True, "timeZone": "Etc/UTC", "limit": 500}
    yield "year by JMAP", partial(owner.jmap, ("CalendarEvent/query", query))
    yield "events by JMAP", partial(owner.jmap, ("CalendarEvent/get", {"ids": None}))


PROGRAMS: Final[dict[str, Callable[[Owner], Iterator[Step]]]] = {
    "sorts": sorts,
    "gets": gets,
    "imap": imap,
    "webmail": webmail,
    "export": export,
    "year": year,
}

POLITE: Final = ("NO [LIMIT]", "NO [UNAVAILABLE]", "NO [INUSE]")
"""Beginnings of the answers by which IMAP refuses a command for a while."""

CUT: Final = (OSError, http.client.HTTPException)
"""Errors of a connection that ended."""

TRIES: Final = 3
"""Times that a request is made until it is answered."""


def play(name: str, owner: Owner) -> Counter[str]:
    """Run a program once, or to the owner's end; what was answered, how often one was refused, or its connection
    ended. Raises RuntimeError.
    """
    told: Counter[str] = Counter()
    with suppress(*CUT):  # by a login
        for step, ask in PROGRAMS[name](owner):
            for number in range(TRIES):
                if time.monotonic() > owner.until:
                    return told
                outcome = answer_to(step, ask)
                told[outcome] += 1
                if outcome == "answered":
                    break
                threading.Event().wait(number)
    return told


def answer_to(step: str, ask: Callable[[], object]) -> str:
    """Make a request; "answered", or what happened to it. Raises RuntimeError."""
    try:
        ask()
    except RuntimeError as error:
        if not str(error).startswith(POLITE) and not re.match(r"\w+: (429|503) ", str(error)):
            raise RuntimeError(f"{step}: {error}") from error
        return f"refused: {step}"
    except Refused:
        return f"refused: {step}"
    except CUT:  # a handshake takes too long on a busy machine
        return f"cut: {step}"
    return "answered"
