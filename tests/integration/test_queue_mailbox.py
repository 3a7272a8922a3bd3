"""The mailbox `Outgoing` of a running server: a submission, a mail program, the command line (IMAP-162)."""

import imaplib
import json
import smtplib
import ssl
from pathlib import Path

import pytest

from tests.running import ServedServer
from tests.tools import until

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]

MESSAGE = b"From: bob@example.org\r\nTo: %b@elsewhere.example\r\nSubject: %b\r\n\r\ntext\r\n"
SETTING = "[accounts.bob]\nqueue_mailbox = true\n"


def insecure() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def program(server: ServedServer) -> imaplib.IMAP4_SSL:
    """bob's mail program."""
    client = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=insecure(), timeout=60)
    client.login("bob@example.org", server.password)
    return client


def subjects(client: imaplib.IMAP4_SSL, mailbox: str) -> list[str]:
    answered, count = client.select(mailbox)
    if answered != "OK" or count == [b"0"]:
        return []
    answer = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (Subject)])")[1]
    return [item[1].decode().removeprefix("Subject: ").strip() for item in answer if isinstance(item, tuple)]


def test_what_waits_is_shown_and_moved_to_the_trash_to_cancel_it(tmp_path: Path) -> None:
    """IMAP-162, ADMIN-5: through a restart, and with the setting changed while the server runs."""
    server = ServedServer(tmp_path)
    domains = tmp_path / "config/domains.toml"
    off = domains.read_text()
    domains.write_text(off.replace("[accounts.bob]\n", SETTING))
    with server:
        server.cli("queue", "holdrules", "add")
        with smtplib.SMTP_SSL("127.0.0.1", server.ports["submissions"], timeout=30, context=insecure()) as smtp:
            smtp.login("bob@example.org", server.password)
            for name in (b"ann", b"ben"):
                smtp.sendmail("bob@example.org", [f"{name.decode()}@elsewhere.example"], MESSAGE % (name, name))
        client = program(server)
        assert b'(\\HasNoChildren \\NoInferiors) "/" Outgoing' in [line for line in client.list()[1] if line]
        until(lambda: subjects(client, "Outgoing") == ["ann", "ben"])
        assert client.store("1", "+FLAGS", "(\\Deleted)")[0] == "NO"
        assert client.uid("MOVE", "1", "Trash")[0] == "OK"
        assert subjects(client, "Trash") == ["ann"]

        def listed() -> list[str]:
            return [line["subject"] for line in json.loads(server.cli("queue", "list", "--json").stdout or "[]")]

        until(lambda: listed() == ["ben"])
        assert "messages canceled" in server.log()
        client.logout()
        assert server.stop() == 0
        server.start()
        client = program(server)
        until(lambda: subjects(client, "Outgoing") == ["ben"])
        domains.write_text(off)
        until(lambda: client.status("Outgoing", "(MESSAGES)")[0] == "NO")
        domains.write_text(off.replace("[accounts.bob]\n", SETTING))
        until(lambda: subjects(client, "Outgoing") == ["ben"])
        server.cli("queue", "drop", "--all")
        until(lambda: client.status("Outgoing", "(MESSAGES)")[1] == [b"Outgoing (MESSAGES 0)"])
        client.logout()
