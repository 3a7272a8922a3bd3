"""Mail for accounts that are not open: what the first mail of each costs, the next one when the account is closed
again, a mail for an account that is open, and a post to a list of many.

Milliseconds of a processor until the last reply, and with all that follows; the text index of an account without a
session waits for more mail. What the server does at rest is taken off.
"""

import os
import smtplib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.imapload import IMAP, corpus
from bench.servers import Moxlite

__all__ = ["closed"]

ACCOUNTS = 100
MEMBERS = 200
"""Of the list, whose accounts had mail before."""
CONNECTIONS = 8
FOLLOWS = 60.0
"""Seconds in which all that follows is done, but for what waits for more mail or the night."""

LIST = '\n[domains."localhost".aliases.all]\npost_public = true\naddresses = [{members}]\n'


def closed(folder: Path) -> dict[str, float]:
    """Figures for a server of its own below `folder`."""
    server = Moxlite(folder, accounts=ACCOUNTS + MEMBERS)
    path = server.server.folder / "config/domains.toml"
    everyone = [f"user{number}@localhost" for number in range(ACCOUNTS + MEMBERS)]
    people, members = everyone[:ACCOUNTS], everyone[ACCOUNTS:]
    path.write_text(path.read_text() + LIST.format(members=", ".join(f'"{member}"' for member in members)))
    server.start()
    try:
        post(server, [server.address] * 20)  # modules are loaded, and threads started
        time.sleep(60)
        rest = worked(server)
        time.sleep(30)
        rest = (worked(server) - rest) / 30
        figures = {}

        def measured(name: str, work: Callable[[], object], count: int) -> None:
            began, before = time.monotonic(), worked(server)
            work()
            until = worked(server) - rest * (time.monotonic() - began)
            figures[f"{name}, until the reply, ms"] = (until - before) / count
            figures[f"{name}, at once, MB (PSS)"] = server.pss()
            time.sleep(FOLLOWS)
            follows = worked(server) - rest * (time.monotonic() - began)
            figures[f"{name}, with all that follows, ms"] = (follows - before) / count
            print(f"# {name}: {(until - before) / count:.2f} {(follows - before) / count:.2f}", flush=True)

        measured("first mail of an account", lambda: post(server, people), ACCOUNTS)
        measured("mail for a closed account", lambda: post(server, people), ACCOUNTS)
        session = IMAP(server.imaps_port, server.user, server.password, tls=True)
        session.command(b"SELECT INBOX", keep=False)
        measured("mail for an open account", lambda: post(server, [server.address] * ACCOUNTS), ACCOUNTS)
        session.close()
        post(server, members)
        time.sleep(FOLLOWS)
        measured("a post to 200 closed accounts", lambda: post(server, ["all@localhost"]), 1)
    finally:
        server.stop()
    return figures


def post(server: Moxlite, recipients: Sequence[str]) -> None:
    """Send one mail to each, by several connections."""

    def send(number: int) -> None:
        with smtplib.SMTP("127.0.0.1", server.smtp_port) as smtp:
            for at in range(number, len(recipients), CONNECTIONS):
                smtp.sendmail("sender@example.com", [recipients[at]], corpus(10 * at + 1))

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(send, range(min(CONNECTIONS, len(recipients)))))


def worked(server: Moxlite) -> float:
    """Milliseconds of processors that the server has taken so far, of ended threads too."""
    ticks = 0
    for pid in server.pids():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")
