"""What a delivery writes: b-trees that change, pages and octets that go into the log: `python -m bench.writes`.

Mail of 10 kB, one at a time, into an account of some thousand messages that a session has open. The frames of the log
up to the delivery's commit are counted by the b-tree that their page belongs to. Page 1 and pages of pointers, which
change with each new page of the file, are in no b-tree.
"""

import argparse
import smtplib
import sqlite3
import struct
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

from bench.closed import post
from bench.imapload import IMAP, corpus
from bench.servers import Moxlite

HEADER = 32
FRAME = 24
PAGE = 4096
"""Octets of the log's header, of a frame's header, and of a page (https://www.sqlite.org/fileformat2.html §4.1)."""

SCHEMA = "sqlite_schema"
TEXT = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do\r\n" * 110
"""What brings a message to 10 kB."""


def frames(log: Path) -> tuple[bytes, list[tuple[int, int]]]:
    """The salt of a log, and number and mark of a commit of the page in each frame."""
    octets = log.read_bytes() if log.exists() else b""
    salt, found = octets[16:24], list[tuple[int, int]]()
    for at in range(HEADER, len(octets) - FRAME - PAGE + 1, FRAME + PAGE):
        if octets[at + 8 : at + 16] != salt:
            break  # of an earlier round of the log
        found.append(struct.unpack(">II", octets[at : at + 8]))
    return salt, found


def commits(before: tuple[bytes, list[tuple[int, int]]], after: tuple[bytes, list[tuple[int, int]]]) -> list[list[int]]:
    """Numbers of the pages of each transaction between two looks at a log."""
    new = after[1][len(before[1]) :] if before[0] == after[0] else after[1]
    found: list[list[int]] = [[]]
    for page, commit in new:
        found[-1].append(page)
        if commit:
            found.append([])
    return found


def measure(folder: Path, messages: int, mails: int) -> None:
    """Print the figures in total and for each b-tree."""
    server = Moxlite(folder)
    server.start()
    try:
        post(server, [server.address] * messages)
        path = server.server.folder / "data/accounts" / server.address.partition("@")[0] / "account.db"
        log = path.with_name("account.db-wal")
        session = IMAP(server.imap_port, server.user, server.password)
        session.command(b"SELECT INBOX", keep=False)
        written: list[list[int]] = []
        with smtplib.SMTP("127.0.0.1", server.smtp_port) as smtp:
            for number in range(mails):
                before = frames(log)
                # Numbers that 10 does not divide have no attachment; their parents are not there.
                mail = corpus(10 * (messages + number) + 1 + 10_000_000) + TEXT.encode()
                smtp.sendmail("sender@example.com", [server.address], mail)
                written += commits(before, frames(log))
        session.close()
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            trees = dict(database.execute("SELECT pageno, name FROM dbstat"))
    finally:
        server.stop()
    # Background tasks write meanwhile, too.
    deliveries = [pages for pages in written if "message" in map(trees.get, pages)]
    changed, pages = Counter[str](), Counter[str]()
    for delivery in deliveries:
        names = [trees.get(page, "") for page in delivery]
        changed.update(set(names) - {"", SCHEMA})
        pages.update(names)
    total = pages.total()
    count = len(deliveries)
    octets = total * (FRAME + PAGE) / count
    print(f"b-trees {changed.total() / count:.1f}, pages {total / count:.1f}, kB {octets / 1e3:.0f}")
    for name, number in pages.most_common():
        print(f"{name or 'pointers'}: {changed[name] / count:.2f} b-trees, {number / count:.2f} pages")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="bench.writes", description=__doc__)
    parser.add_argument("--messages", type=int, default=5000, help="in the account before")
    parser.add_argument("--mails", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-", ignore_cleanup_errors=True) as folder:
        measure(Path(folder), options.messages, options.mails)


if __name__ == "__main__":
    main()
