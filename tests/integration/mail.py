"""Messages and mailboxes as the integration tests need them."""

import imaplib
import re
import time
from typing import NamedTuple

__all__ = ["Stored", "added_headers", "contents", "holdings", "message", "wait_for"]

#: The fields that reception puts on top (SMTP-78), in lower case.
TRACE = re.compile(rb"(?i)(received|return-path|delivered-to|authentication-results|received-spf|x-moxlite-[a-z-]+):")


def message(number: int = 1, *, to: str = "moxlite@localhost", body: str = "") -> bytes:
    """A message with what careless software changes: dots, long lines, 8-bit text, trailing spaces, folding."""
    text = body or (
        ".\r\n..two dots\r\n.one dot\r\nFrom here\r\ntrailing space \r\n\ttab\r\n"
        + "x" * 990
        + "\r\nUmläute, 日本語 and a last line\r\n"
    )
    return (
        f"From: Sender <sender@remote.example>\r\nTo: {to}\r\nSubject: number {number}\r\n"
        f"Date: Thu, 01 Oct 2026 10:00:00 +0000\r\nMessage-ID: <integration.{number}@remote.example>\r\n"
        f"X-Folded: first\r\n  second\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}"
    ).encode()


def contents(session: imaplib.IMAP4, name: str = "INBOX") -> list[bytes]:
    """All messages of a mailbox, whole, by UID."""
    session.select(f'"{name}"')
    _, answer = session.uid("FETCH", "1:*", "(UID BODY.PEEK[])")
    return [item[1] for item in answer if isinstance(item, tuple)]


class Stored(NamedTuple):
    """A message as the store has it. `date` is INTERNALDATE as seconds since the epoch."""

    octets: bytes
    flags: frozenset[str]
    date: int


def holdings(session: imaplib.IMAP4) -> dict[str, list[Stored]]:
    """All that an account holds: messages in order of UIDs, by mailbox; mailboxes without messages are there too.

    Without what the server says by itself: which are new, and by the mailbox that they enter, which are wanted.
    """
    session.noop()
    session.response("LIST")  # what others did to mailboxes meanwhile (IMAP-59)
    _, answer = session.list('""', '"*"')
    names = [line.rsplit(b' "/" ', 1)[1].decode().strip('"') for line in answer if isinstance(line, bytes)]
    found: dict[str, list[Stored]] = {}
    for name in names:
        session.select(f'"{name}"', readonly=True)
        _, answer = session.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")
        found[name] = []
        for item in answer:
            if isinstance(item, tuple):
                flags = re.search(rb"FLAGS \(([^)]*)\)", item[0])
                date = imaplib.Internaldate2tuple(item[0])
                assert flags, item[0]
                assert date, item[0]
                words = frozenset(flags[1].decode().split()) - {r"\Recent", "$NotJunk"}
                found[name].append(Stored(item[1], words, round(time.mktime(date))))
    return found


def added_headers(stored: bytes, sent: bytes) -> bytes:
    """The trace headers on top of `sent` in `stored`; fails when anything else differs."""
    assert stored.endswith(sent), f"the octets changed:\n{stored[-len(sent) - 600 :]!r}"
    top = stored[: len(stored) - len(sent)]
    for line in top.split(b"\r\n")[:-1]:
        assert line.startswith((b" ", b"\t")) or TRACE.match(line), f"not a trace header: {line!r}"
    return top


def wait_for(session: imaplib.IMAP4, count: int, name: str = "INBOX", seconds: float = 30) -> None:
    """Wait until a mailbox has `count` messages."""
    deadline = time.monotonic() + seconds
    while True:
        _, answer = session.status(f'"{name}"', "(MESSAGES)")
        assert isinstance(answer[0], bytes)
        match = re.search(rb"MESSAGES (\d+)", answer[0])
        assert match
        if int(match[1]) >= count:
            return
        assert time.monotonic() < deadline, f"{name} has {int(match[1])} messages, not {count}"
        time.sleep(0.05)
