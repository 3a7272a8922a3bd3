"""The guard of a running server: submission, the command line, a restart (SMTP-170)."""

import imaplib
import json
import smtplib
import ssl
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.running import ServedServer
from tests.tools import free_port, until

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]


def insecure() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def send(server: ServedServer, to: list[str]) -> None:
    """As eve."""
    with smtplib.SMTP_SSL("127.0.0.1", server.ports["submissions"], timeout=60, context=insecure()) as smtp:
        smtp.login("eve@example.org", server.password)
        smtp.sendmail("eve@example.org", to, b"From: eve@example.org\r\nSubject: offer\r\n\r\nbuy\r\n")


def texts(server: ServedServer, account: str, mailbox: str, subject: str) -> list[str]:
    """Messages with these words in their subject."""
    client = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=insecure(), timeout=60)
    client.login(f"{account}@example.org", server.password)
    answered, count = client.select(mailbox)
    found = []
    if answered == "OK" and count != [b"0"]:
        answer = client.fetch("1:*", "(BODY.PEEK[])")[1]
        found = [item[1].decode() for item in answer if isinstance(item, tuple) and subject.encode() in item[1]]
    client.logout()
    return found


def stopped(server: ServedServer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(server.cli("queue", "guard", "list", "--json").stdout)
    return found


@pytest.mark.nightly(smoke="tests/session/test_queue_guard.py::test_a_stop_survives_a_restart_and_is_told_after_it")
def test_an_account_is_stopped_looked_at_and_released(tmp_path: Path) -> None:
    """SMTP-170, ADMIN-70: the message that was the sign is held, the next one refused; mail to both, a finding of the
    doctor, a gauge; all of it after a restart too; one command lets it go.
    """
    metrics = free_port()
    server = ServedServer(tmp_path, static=f"metrics_http = {{ enabled = true, port = {metrics} }}")
    domains = tmp_path / "config/domains.toml"
    domains.write_text(domains.read_text().replace("[accounts.eve]\n", "[accounts.eve]\nmax_recipients_per_hour = 1\n"))
    with server:
        early = server.cli("queue", "guard", "release", "eve", check=False)
        assert (early.returncode, "isn't paused for account 'eve'" in early.stderr) == (1, True)
        send(server, ["bob@example.org", "eve@example.org"])
        [found] = stopped(server)
        assert (found["account"], found["sign"], found["messages"], found["recipients"]) == ("eve", "recipients", 1, 2)
        assert found["sources"][0]["address"] == "127.0.0.1"
        with pytest.raises(smtplib.SMTPDataError, match="Contact your administrator") as refused:
            send(server, ["bob@example.org"])
        assert refused.value.smtp_code == 451
        until(lambda: texts(server, "bob", "Postmaster", "Sending paused for eve"), what="mail to the administrator")
        until(lambda: texts(server, "eve", "INBOX", "Sending from your account"), what="mail to the user")
        server.stop()
        server.start()
        assert stopped(server) == [found]
        [told] = texts(server, "bob", "Postmaster", "Sending paused for eve")
        commands = [line.split()[1:] for line in told.splitlines() if line.startswith("  moxlite queue ")]
        look, release = commands[0], commands[-1]
        [row, _] = json.loads(server.cli(*look, "--json").stdout)
        assert row["why"] == "the account may be compromised; sending is paused"
        assert row["next"].endswith("`moxlite queue guard release eve`")
        doctor = server.cli("doctor", "--json", "--skip-mail", "--skip-dial", "--resolver", "127.0.0.1:9", check=False)
        [finding] = [one for one in json.loads(doctor.stdout)["findings"] if one["code"] == "account-stopped"]
        assert finding["commands"] == ["moxlite " + " ".join(look), "moxlite " + " ".join(release)]
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics") as answer:
            assert b"\nmoxlite_queue_stopped 1.0\n" in answer.read()
        assert texts(server, "bob", "INBOX", "offer") == []
        said = server.cli(*release).stdout
        assert "account eve can send again" in said
        assert "released: messages: 1, recipients: 2, their domains: 1, oldest from " in said
        until(lambda: texts(server, "bob", "INBOX", "offer"), what="the message that was held")
        assert stopped(server) == []
        send(server, ["bob@example.org"])
        until(lambda: len(texts(server, "bob", "INBOX", "offer")) == 2, what="a later message")
