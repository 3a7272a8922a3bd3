"""The author of what a user submits, as the readers of other servers find it (docs/spec/smtp.md §11)."""

import imaplib
import smtplib
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.authorspellings import python_readings, spellings
from tests.integration.test_imap_like_dovecot import Value, parse
from tests.realservers import CYRUS_PROGRAM, Cyrus, Dovecot
from tests.running import ServedServer
from tests.tools import until

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]


TLS = ssl._create_unverified_context()  # the server's own certificate


def submit(server: ServedServer) -> int:
    """Submit all spellings as bob, to eve; return the number of those that were taken."""
    taken = 0
    with smtplib.SMTP("127.0.0.1", server.ports["submission"]) as client:
        client.starttls(context=TLS)
        client.login("bob@example.org", server.password)
        for text in spellings("bob@example.org"):
            client.mail("bob@example.org")
            client.rcpt("eve@example.org")
            code, reply = client.data(b"From: " + text + b"\r\nTo: <eve@example.org>\r\n\r\ntext\r\n")
            assert code == 250 or reply.startswith(b"5.7.1"), (text, reply)
            taken += code == 250
    return taken


def arrived(server: ServedServer, count: int) -> list[bytes]:
    """The From fields of the messages that eve has got."""
    session = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=TLS)
    session.login("eve@example.org", server.password)
    until(lambda: int(session.select("INBOX")[1][0] or 0) == count, what="all messages arrive")
    _, answer = session.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (FROM)])")
    session.logout()
    return [piece[1] for piece in answer if isinstance(piece, tuple)]


def authors_by(server: Dovecot | Cyrus, headers: Sequence[bytes]) -> list[list[str]]:
    """The addresses in From of each message, by the server's ENVELOPE."""
    session = imaplib.IMAP4("127.0.0.1", server.port)
    session.login("someone", "moxmoxmox")
    for header in headers:
        code, answer = session.append("INBOX", "", "", header + b"text\r\n")
        assert code == "OK", answer
    session.select("INBOX")
    found = []
    for number in range(1, len(headers) + 1):
        _, parts = session.fetch(str(number), "(ENVELOPE)")
        whole = b"".join(b"\r\n".join(part) if isinstance(part, tuple) else part or b"" for part in parts)
        mailboxes = within(parse(whole), 1, 1, 2)
        assert isinstance(mailboxes, list)
        found.append([f"{text(mailbox, 2)}@{text(mailbox, 3)}" for mailbox in mailboxes])
    session.logout()
    return found


def within(value: Value, *path: int) -> Value:
    """A value within lists."""
    for index in path:
        assert isinstance(value, list), value
        value = value[index]
    return value


def text(value: Value, index: int) -> str:
    """A string within a list, "" for NIL."""
    found = within(value, index)
    return found.decode() if isinstance(found, bytes) else ""


@pytest.mark.parametrize("kind", [Dovecot, Cyrus])
def test_other_servers_read_the_same_author(tmp_path: Path, kind: type[Dovecot | Cyrus]) -> None:
    """SMTP-111: two hundred spellings of From, as far as they are taken, have one author for each reader, the user."""
    if kind is Cyrus and not CYRUS_PROGRAM.exists():
        pytest.skip("there is no Cyrus, which Debian does not install beside Dovecot (docs/developers/develop.md)")
    with (
        tempfile.TemporaryDirectory(prefix="moxlite-compare-", ignore_cleanup_errors=True) as name,
        Dovecot(Path(name) / "dovecot") if kind is Dovecot else Cyrus() as theirs,
        ServedServer(tmp_path / "served") as server,
    ):
        headers = arrived(server, submit(server))
        for header, authors in zip(headers, authors_by(theirs, headers), strict=True):
            readings = [authors, *python_readings(header).values()]
            assert all(len(reading) == 1 for reading in readings), (header, readings)
            found = {author.replace('"', "").lower() for [author] in readings}
            assert len(found) == 1, (header, readings)
            assert min(found).startswith("bob"), (header, readings)
