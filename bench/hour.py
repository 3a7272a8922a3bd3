"""Memory over an hour of use (ADMIN-82): `python -m bench.hour [--seconds N]`, figures on standard output.

A user with five phones: each keeps a session in IDLE over TLS and a JMAP event stream, reads new mail, marks it, lists
conversations and syncs a calendar. Mail arrives all the time, a search runs every few seconds, and every five minutes
an mbox is imported into a new mailbox in place of the former. Memory is read after a minute of rest: after the first
five minutes, and at the end.
"""

import argparse
import http.client
import selectors
import smtplib
import ssl
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import trio

from bench.accounts import set_passwords
from bench.dav import Client as Calendar, event
from bench.imapload import IMAP, corpus
from bench.jmap import Client as MailClient, subscribed
from bench.measures import Figures
from bench.servers import Moxlite
from tests.campaigns.kill import insecure

__all__ = ["hour"]

PHONES: Final = 5
USER: Final = "user0"
IMPORTED: Final = 2_000
EVERY: Final = 300.0
"""Seconds from an import to the next."""

TURN: Final = 10
"""Messages that a phone reads until the next one does."""

REST: Final = 60.0
WORDS: Final = (b"winter", b"river", b"mountain", b"zzqq")


def hour(folder: Path, seconds: float) -> Figures:
    """Figures of a server of its own below `folder`, used for so long."""
    server = Moxlite(folder, accounts=1)
    trio.run(set_passwords, server.server.folder / "config/moxlite.toml", [USER], server.password)
    server.start()
    waiting = selectors.DefaultSelector()
    over = threading.Event()
    reader = threading.Thread(target=_drain, args=(waiting, over))
    try:
        for _ in range(PHONES):
            _wait(server, waiting)
        _calendar(server).ask("MKCALENDAR")
        reader.start()
        box = folder / "import.mbox"
        box.write_bytes(
            b"".join(
                b"From a@example.com Thu Jan  1 00:00:00 2026\n" + corpus(number, 2).replace(b"\r\n", b"\n") + b"\n"
                for number in range(IMPORTED)
            )
        )
        ends, rounds = time.monotonic() + seconds, 0
        figures: Figures = {}
        while time.monotonic() < ends:
            _import(server, box, rounds)
            _use(server, min(ends, time.monotonic() + EVERY), rounds)
            rounds += 1
            if rounds == 1:
                time.sleep(REST)
                figures["hour: memory after the first five minutes, MB (PSS)"] = server.pss()
                figures["hour: – not shared"] = server.anonymous()
            print(f"round {rounds}: {server.pss():.1f} MB, {server.anonymous():.1f} not shared", flush=True)
        time.sleep(REST)
        figures["hour: memory at the end, MB (PSS)"] = server.pss()
        figures["hour: – at the end, not shared"] = server.anonymous()
        figures["hour: rounds"] = rounds
    finally:
        over.set()
        if reader.ident is not None:
            reader.join()
        server.stop()
    return figures


def _wait(server: Moxlite, waiting: selectors.BaseSelector) -> None:
    """Open what a phone keeps open: a session in IDLE, and an event stream."""
    idle = _session(server)
    idle.command(b"SELECT INBOX", keep=False)
    idle.sock.sendall(b"I IDLE\r\n")
    events = subscribed(MailClient(server.http_port, f"{USER}@localhost", server.password))
    for sock in (idle.sock, events):
        sock.setblocking(False)
        waiting.register(sock, selectors.EVENT_READ)


def _session(server: Moxlite) -> IMAP:
    return IMAP(server.imaps_port, f"{USER}@localhost", server.password, tls=True)


def _calendar(server: Moxlite) -> Calendar:
    connection = http.client.HTTPSConnection("127.0.0.1", server.server.port(443), timeout=60, context=insecure())
    return Calendar(connection, f"{USER}@localhost", server.password, f"/dav/calendars/{USER}/hour/")


def _drain(waiting: selectors.BaseSelector, over: threading.Event) -> None:
    """Read what is pushed, as phones do."""
    while not over.is_set():
        for key, _ in waiting.select(1):
            try:
                while key.fileobj.recv(1 << 16):  # type: ignore[union-attr]
                    pass
            except (BlockingIOError, ssl.SSLWantReadError):
                pass


def _import(server: Moxlite, box: Path, number: int) -> None:
    """Into a mailbox of its own; the one of the round before is removed first."""
    session = _session(server)
    if number:
        session.command(b"DELETE Import%d" % (number - 1))
    session.command(b"CREATE Import%d" % number)
    session.close()
    server.server.cli("import", "mbox", USER, f"Import{number}", str(box))


def _use(server: Moxlite, until: float, round_number: int) -> None:
    """Mail arrives, and a phone after the other connects, reads, marks, searches and syncs until then."""
    step = round_number * 10_000
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=60) as smtp:
        while time.monotonic() < until:
            session = _session(server)
            jmap = MailClient(server.http_port, f"{USER}@localhost", server.password)
            calendar = _calendar(server)
            for _ in range(TURN):
                smtp.sendmail("sender@example.com", [f"{USER}@localhost"], corpus(step))
                session.command(b"SELECT INBOX", keep=False)
                session.command(b"FETCH *:* (FLAGS ENVELOPE BODY.PEEK[])", keep=False)
                session.command(b"STORE * +FLAGS (\\Seen)", keep=False)
                if step % 3 == 0:
                    session.command(b"SEARCH TEXT " + WORDS[step % len(WORDS)], keep=False)
                    jmap.call("Email/query", filter={"text": WORDS[step % 3].decode()}, limit=50)
                if step % 10 == 0:
                    calendar.ask("PUT", f"b{step % 500}.ics", event(step % 500), expected=(201, 204))
                    calendar.ask("PROPFIND")
                step += 1
                time.sleep(0.5)
            session.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0, help="how long it is used (3600)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moxlite-hour-", ignore_cleanup_errors=True) as name:
        for figure, value in hour(Path(name), arguments.seconds).items():
            print(f"{figure}: {value:.2f}")


if __name__ == "__main__":
    main()
