"""swaks speaks with all three SMTP ports of localserve."""

import imaplib
import subprocess

import pytest

from tests.integration.mail import added_headers, contents, message, wait_for
from tests.running import LocalServer
from tests.tools import need

#: swaks ends what it reads from --data with a line end of its own.
SWAKS_ADDS = b"\r\n"

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def local(shared: LocalServer) -> LocalServer:
    """The server that many tests share."""
    return shared


def swaks(server: LocalServer, standard: int, *args: str, data: bytes | None = None) -> str:
    """Run swaks against a port; its transcript. Fails when swaks does."""
    sent = data or message()
    done = subprocess.run(
        [
            need("swaks"),
            "--server",
            "127.0.0.1",
            "--port",
            str(server.port(standard)),
            "--data",
            "-",
            "--timeout",
            "20s",
            *args,
        ],
        input=sent.replace(b"\r\n", b"\n"),
        capture_output=True,
        timeout=60,
    )
    transcript = done.stdout.decode(errors="replace")
    assert done.returncode == 0, transcript + done.stderr.decode() + server.log()
    return transcript


@pytest.mark.landing("tls0")
@pytest.mark.parametrize("tls", [[], ["-tls"]])
def test_incoming_port_takes_a_message_and_keeps_its_octets(
    local: LocalServer, mailbox: imaplib.IMAP4, tls: list[str]
) -> None:
    """SMTP-37, SMTP-44, SMTP-78, SMTP-79, STORE-151: sent and fetched octets are equal but for the trace headers."""
    swaks(local, 25, "--from", "sender@remote.example", "--to", local.user, *tls)
    wait_for(mailbox, 1)
    [stored] = contents(mailbox)
    top = added_headers(stored, message() + SWAKS_ADDS)
    assert b"Return-Path: <sender@remote.example>" in top
    assert (b"with ESMTPS " if tls else b"with ESMTP ") in top.replace(b"\r\n", b"")


@pytest.mark.landing("PLAIN")
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_submission_with_starttls_comes_back_to_its_sender(
    local: LocalServer, mailbox: imaplib.IMAP4, mechanism: str
) -> None:
    """SMTP-48, SMTP-51, SMTP-53, SMTP-115, SMTP-133: submitted mail goes through the queue and is delivered."""
    sent = message(to="someone@elsewhere.example").replace(b"sender@remote.example", local.user.encode())
    auth = ["--auth", mechanism, "--auth-user", local.user, "--auth-password", local.password]
    swaks(local, 587, "-tls", *auth, "--from", local.user, "--to", "someone@elsewhere.example", data=sent)
    wait_for(mailbox, 1)
    [stored] = contents(mailbox)
    added_headers(stored, sent + SWAKS_ADDS)


def test_submissions_port_speaks_tls_at_once(local: LocalServer, mailbox: imaplib.IMAP4) -> None:
    """SMTP-6, SMTP-48: port 465."""
    sent = message().replace(b"sender@remote.example", local.user.encode())
    auth = ["--auth", "PLAIN", "--auth-user", local.user, "--auth-password", local.password]
    swaks(local, 465, "-tlsc", *auth, "--from", local.user, "--to", local.user, data=sent)
    wait_for(mailbox, 1)
    [stored] = contents(mailbox)
    added_headers(stored, sent + SWAKS_ADDS)


def test_wrong_password_is_refused(local: LocalServer) -> None:
    """SMTP-57: 535 5.7.8, and a log line for fail2ban (SMTP-65)."""
    before = len(local.log())
    done = subprocess.run(
        [need("swaks"), "--server", "127.0.0.1", "--port", str(local.port(465)), "-tlsc", "--auth", "PLAIN"]
        + ["--auth-user", local.user, "--auth-password", "wrong", "--from", local.user, "--to", local.user],
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 28
    assert b"535 5.7.8" in done.stdout
    [line] = [line for line in local.log()[before:].splitlines() if 'm="authentication failed"' in line]
    assert "remote=127.0.0.1" in line


@pytest.mark.landing("permerror-550")
@pytest.mark.parametrize(("localpart", "code"), [("permerror", "550"), ("temperror", "451"), ("xx552", "552")])
def test_localparts_simulate_errors(local: LocalServer, localpart: str, code: str) -> None:
    """SMTP-132, ADMIN-45: the localpart chooses the error; a prefix chooses the command."""
    for name in (localpart, f"rcptto{localpart}"):
        done = subprocess.run(
            [need("swaks"), "--server", "127.0.0.1", "--port", str(local.port(25)), "--from", "a@remote.example"]
            + ["--to", f"{name}@localhost"],
            capture_output=True,
            timeout=60,
        )
        assert done.returncode != 0
        assert f"<** {code} " in done.stdout.decode()
