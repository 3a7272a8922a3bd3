"""A household at rest (ADMIN-82): `python -m bench.phones`, figures on standard output.

Three users with two phones each. Every phone keeps a session in IDLE over TLS and a JMAP event stream, and asks for its
calendars once; then nothing happens. Told are memory, how often the server's threads wake up, and its processor time.
"""

import http.client
import tempfile
import time
from pathlib import Path
from typing import Final

import trio

from bench.accounts import set_passwords
from bench.dav import Client as Calendar
from bench.growth import processor
from bench.imap import switches
from bench.imapload import IMAP, corpus
from bench.jmap import Client as MailClient, subscribed
from bench.measures import Figures
from bench.servers import Moxlite
from tests.campaigns.kill import insecure

__all__ = ["household"]

USERS: Final = 3
PHONES: Final = 2
MESSAGES: Final = 50
SETTLE: Final = 20.0
"""Seconds until what follows a log-in is done."""

REST: Final = 60.0
"""Seconds of rest that are measured."""


def household(folder: Path) -> Figures:
    """Figures of a server of its own below `folder`."""
    names = [f"user{n}" for n in range(USERS)]
    server = Moxlite(folder, accounts=USERS)
    trio.run(set_passwords, server.server.folder / "config/moxlite.toml", names, server.password)
    server.start()
    try:
        time.sleep(3)
        figures = {"household: memory before its phones, MB (PSS)": server.pss()}
        kept: list[object] = []
        for user in (f"{name}@localhost" for name in names):
            for phone in range(PHONES):
                session = IMAP(server.imaps_port, user, server.password, tls=True)
                if phone == 0:
                    session.append(b"INBOX", [corpus(n) for n in range(MESSAGES)])
                session.command(b"SELECT INBOX", keep=False)
                session.sock.sendall(b"I IDLE\r\n")
                stream = subscribed(MailClient(server.http_port, user, server.password))
                port = server.server.port(443)
                connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=insecure())
                path = f"/dav/calendars/{user.partition('@')[0]}/"
                Calendar(connection, user, server.password, path).ask("PROPFIND")
                kept += [session, stream, connection]
        time.sleep(SETTLE)
        before, used = switches(server), processor(server)
        time.sleep(REST)
        woken = sum(now - before.get(name, 0) for name, now in switches(server).items())
        figures["household: wake-ups at rest, a second"] = woken / REST
        figures["household: processor at rest, %"] = (processor(server) - used) / REST * 100
        figures["household: memory with its phones, MB (PSS)"] = server.pss()
    finally:
        server.stop()
    return figures


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="moxlite-household-", ignore_cleanup_errors=True) as name:
        for figure, value in household(Path(name)).items():
            print(f"{figure}: {value:.2f}")


if __name__ == "__main__":
    main()
