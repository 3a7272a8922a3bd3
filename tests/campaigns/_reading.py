"""All mail of a mailbox, by IMAP, for campaigns that look at what has arrived."""

import email
import email.policy
import imaplib
from email.message import EmailMessage

from tests.running import LocalServer

__all__ = ["messages"]


def messages(server: LocalServer, mailbox: str) -> list[EmailMessage]:
    """All messages of a mailbox, by IMAP; none if it is not there."""
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    try:
        session.login(server.user, server.password)
        if session.select(mailbox, readonly=True)[0] != "OK":
            return []
        _, (numbers,) = session.search(None, "ALL")
        found: list[EmailMessage] = []
        for number in numbers.split():
            _, data = session.fetch(number.decode(), "(BODY.PEEK[])")
            octets = next(one[1] for one in data if isinstance(one, tuple))  # flags may be told beside it
            message = email.message_from_bytes(octets, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            found.append(message)
        return found
    finally:
        session.logout()
