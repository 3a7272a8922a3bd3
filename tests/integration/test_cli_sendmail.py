"""`moxlite sendmail` as a process, against a running server (QUEUE-141..144, ADMIN-21)."""

import base64
import email
import email.message
import imaplib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from moxlite.cli.sendmail.settings import DEFAULT_PATH
from tests.integration.mail import contents
from tests.keyproof import proof_of
from tests.running import LocalServer
from tests.tools import free_port, moxlite_command, top, until

pytestmark = pytest.mark.served

MESSAGE = "Subject: from a program\nTo: friend@far.example\n\nhello\n"


class Box:
    """A machine that sends by the server: its settings, its home."""

    def __init__(self, server: LocalServer, folder: Path, secret: str, **changes: object) -> None:
        values: dict[str, object] = {
            "local_hostname": "box.example",
            "host": "127.0.0.1",
            "port": server.port(465),
            "tls": True,
            "tls_insecure_skip_verify": True,
            "username": server.user,
            "from": server.user,
        }
        values |= changes
        self.home = folder
        self.file = folder / "submit.toml"
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        self.file.touch(0o640)
        self.file.write_text("\n".join([*lines, secret]))

    def send(
        self, *words: str, text: str = MESSAGE, name: str = "", default: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run it, as ``moxlite sendmail`` or under a name of its own; `default`: the file stands for that in /etc."""
        command = [*moxlite_command(), "sendmail"]
        if name:
            code = "import sys; sys.argv[0] = sys.argv.pop(1); from moxlite.__main__ import main; main()"
            command = [sys.executable, "-c", code, name]
        if default:
            code = (
                "import pathlib, sys; from moxlite.cli.sendmail import settings;"
                " settings.DEFAULT_PATH = pathlib.Path(sys.argv.pop(1));"
                " from moxlite.__main__ import main; main()"
            )
            command = [sys.executable, "-c", code, str(self.file), "sendmail"]
        environment = os.environ | {"HOME": str(self.home), "PYTHONPATH": str(top())}
        return subprocess.run(
            [*command, *([] if default else ["-C", str(self.file)]), *words],
            input=text,
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
            check=False,
        )

    @property
    def kept(self) -> list[Path]:
        """Messages that were not taken."""
        return sorted((self.home / "moxlite-submit.failures").glob("newmsg.*"))


def sent_to(server: LocalServer, address: str) -> list[dict[str, object]]:
    return json.loads(server.cli("queue", "retired", "list", "--to", address, "--json").stdout)  # type: ignore[no-any-return]


@pytest.mark.landing("")
@pytest.mark.parametrize("method", ["", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN"])
def test_mail_is_handed_in_with_a_password(server: LocalServer, tmp_path: Path, method: str) -> None:
    """QUEUE-141, QUEUE-143, ADMIN-21: by TLS from the start; the most secure mechanism, or the one that is named."""
    box = Box(server, tmp_path, f'password = "{server.password}"', auth_method=method)
    to = f"friend-{method.lower() or 'any'}@far.example"
    done = box.send("-i", to)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    until(lambda: sent_to(server, to), what="the message")
    [sent] = sent_to(server, to)
    # localserve gives each message of this address a sender of its own (WEB-101)
    assert re.sub(r"\+[\w-]+@", "@", str(sent["sender"])) == server.user
    assert sent["subject"] == "from a program"
    assert box.kept == []


@pytest.mark.landing("yes-True")
@pytest.mark.parametrize(("demand", "kept"), [("", None), ("yes", True), ("no", False)])
def test_all_mail_of_a_machine_may_demand_tls(
    server: LocalServer, tmp_path: Path, demand: str, kept: bool | None
) -> None:
    """QUEUE-142, QUEUE-55, QUEUE-56: `require_tls`: REQUIRETLS, or the header field that does without; here the
    settings are those in /etc, which no -C names.
    """
    assert str(DEFAULT_PATH) == "/etc/moxlite-submit.toml"
    box = Box(server, tmp_path, f'password = "{server.password}"', require_tls=demand)
    to = f"friend-{demand or 'usual'}@tls.example"
    done = box.send(to, default=True)
    assert (done.returncode, done.stderr) == (0, "")
    until(lambda: sent_to(server, to), what="the message")
    [sent] = sent_to(server, to)
    row = json.loads(server.cli("queue", "retired", "print", str(sent["id"])).stdout)
    assert row["require_tls"] is kept


def test_it_is_sendmail_under_that_name(server: LocalServer, tmp_path: Path) -> None:
    """ADMIN-21, QUEUE-142: with STARTTLS, and recipients of the header."""
    changes = {"port": server.port(587), "tls": False, "starttls": True}
    box = Box(server, tmp_path, f'password = "{server.password}"', **changes)
    text = "To: one@header.example\nBcc: two@header.example\nSubject: listed\n\nx\n"
    done = box.send("-t", text=text, name="/usr/sbin/sendmail")
    assert (done.returncode, done.stderr) == (0, "")
    until(lambda: len(sent_to(server, "@header.example")) == 2, what="both messages")


def test_the_message_is_made_whole(server: LocalServer, tmp_path: Path) -> None:
    """QUEUE-141, QUEUE-142: the address of the settings is its author, under the name of -F; -f is the sender of the
    envelope alone; Bcc goes, lines end in CRLF, one with a dot stays with -i. A header without a colon is an error.
    """
    box = Box(server, tmp_path, f'password = "{server.password}"')
    sender = server.user.replace("@", "+cron@")
    text = "From: root\nBcc: two@whole.example\nSubject: whole\n\na\n.\nb\n"
    done = box.send("-t", "-i", "-F", "Cron on box", "-f", sender, text=text)
    assert (done.returncode, done.stderr) == (0, "")
    until(lambda: len(sent_to(server, "@whole.example")) == 1, what="the message")
    assert {one["sender"] for one in sent_to(server, "@whole.example")} == {sender}
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
        session.login(server.user, server.password)
        first, *_ = [one for one in contents(session) if b"Subject: whole\r\n" in one]
    assert f'\r\nFrom: "Cron on box" <{server.user}>\r\n'.replace('"', "") in first.decode().replace('"', "")
    assert b"Bcc:" not in first
    assert first.endswith(b"\r\n\r\na\r\n.\r\nb\r\n")
    broken = box.send("one@whole.example", text="Subject: whole\nno field\n\nx\n")
    assert broken.returncode == 1
    assert len(sent_to(server, "@whole.example")) == 1


# As the programs of Debian 12 were seen to call sendmail, with the fields of From that they write. Their From and
# Reply-To afterwards: OURS stands for the address of the settings. None: the envelope has no sender.
OURS = "OURS"
CALLERS: dict[str, tuple[str, str, str, str | None]] = {
    "cron": ("-FCronDaemon -i -B8BITMIME -oem root", "From: root (Cron Daemon)\nTo: root", f"Cron Daemon <{OURS}>", ""),
    "at": ("-i root", "From: root\nTo: root", f"<{OURS}>", ""),
    "mailutils": ("-oi -f root@vm -t", "To: <{to}>", f"<{OURS}>", ""),
    "mailutils-a": (
        "-oi -f shop@site.example -t",
        "From: Shop <shop@site.example>\nTo: <{to}>",
        f"Shop <{OURS}>",
        "<shop@site.example>",
    ),
    "bsd-mailx": ("-i -t", "To: {to}", f"<{OURS}>", ""),
    "bsd-mailx-r": ("-i -t -f me@site.example", "From: me@site.example\nTo: {to}", f"<{OURS}>", "<me@site.example>"),
    "s-nail": ("-i -- {to}", "To: {to}", f"<{OURS}>", ""),
    "logwatch": ("-t", "To: {to}\nFrom: root\nPrecedence: bulk", f"<{OURS}>", ""),
    "unattended-upgrades": ("-oi -t", "To: {to}\nFrom: root\nAuto-Submitted: auto-generated", f"<{OURS}>", ""),
    "apt-listchanges": ("-oi -t", "To: root\nFrom: apt-listchanges for vm", f"<{OURS}>", ""),
    "fail2ban": (
        "-f root@box.example.org root",
        "Date: x\nFrom: Fail2Ban <root@box.example.org>\nTo: root",
        f"Fail2Ban <{OURS}>",
        "<root@box.example.org>",
    ),
    "mdadm": ("-t", "From: mdadm monitoring <root>\nTo: root", f"mdadm monitoring <{OURS}>", ""),
    "php": ("-t -i", "To: {to}", f"<{OURS}>", ""),
    "php-with-from": (
        "-t -i",
        "To: {to}\nFrom: Webmaster <web@site.example>\nReply-To: a@b.example",
        f"Webmaster <{OURS}>",
        "a@b.example",
    ),
    "wordpress": (
        "-t -i -fwordpress@shop.example",
        "To: {to}\nFrom: WordPress <wordpress@shop.example>",
        f"WordPress <{OURS}>",
        "<wordpress@shop.example>",
    ),
    "phpmailer": (
        "-t -i -oi -fsite@shop.example -t",
        "To: {to}\nFrom: Shop <site@shop.example>",
        f"Shop <{OURS}>",
        "<site@shop.example>",
    ),
    "symfony": (
        "-i -fhello@site.example -- {to}",
        "From: Laravel <hello@site.example>\nTo: {to}",
        f"Laravel <{OURS}>",
        "<hello@site.example>",
    ),
    "nodemailer": ("-i -f site@shop.example {to}", "From: site@shop.example", f"<{OURS}>", "<site@shop.example>"),
    "git": ("-i {to}", "From: G <g@site.example>\nTo: {to}", f"G <{OURS}>", "<g@site.example>"),
    "formail": ("-oi -t -f ''", "From: root\nTo: {to}", f"<{OURS}>", None),
    "vacation": ("-oi -f <> {to}", "From: root\nTo: {to}", f"<{OURS}>", None),
}


@pytest.mark.landing("cron", "mailutils", "wordpress", "vacation")
@pytest.mark.parametrize("program", CALLERS)
def test_programs_send_as_they_call_it(server: LocalServer, tmp_path: Path, program: str) -> None:
    """QUEUE-142: their name is kept, their address gets the answers; the envelope's sender is ours where theirs isn't
    taken, and none, as automatic answers have it, stays none.
    """
    words, fields, author, answers = CALLERS[program]
    to = f"to@{program}.example"
    box = Box(server, tmp_path, f'password = "{server.password}"', default_destination=to)
    done = box.send(*shlex.split(words.format(to=to)), text=f"{fields.format(to=to)}\nSubject: {program}\n\nx\n")
    assert (done.returncode, done.stderr) == (0, "")
    until(lambda: sent_to(server, to), what="the message")
    [sent] = sent_to(server, to)
    assert re.sub(r"\+[\w-]+@", "@", str(sent["sender"])) == ("" if answers is None else server.user)
    assert box.kept == []
    message = received(server, program)
    assert re.sub(r"\+[\w-]+@", "@", message["From"]) == author.replace(OURS, server.user)
    assert (message["Reply-To"] or "") == (answers or "")


def received(server: LocalServer, subject: str) -> email.message.Message:
    """The message with a subject, as a recipient got it."""
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
        session.login(server.user, server.password)
        message, *_ = [octets for octets in contents(session) if f"\r\nSubject: {subject}\r\n".encode() in octets]
    return email.message_from_bytes(message)


def test_a_program_speaks_smtp(server: LocalServer, tmp_path: Path) -> None:
    """QUEUE-142: -bs, as Symfony and Laravel use it by default: the reply to a message tells how the server took it."""
    box = Box(server, tmp_path, f'password = "{server.password}"')
    lines = [
        "EHLO [127.0.0.1]",
        "MAIL FROM:<hello@site.example>",
        "RCPT TO:<one@speaks.example>",
        "RCPT TO:<two@speaks.example>",
        "DATA",
        "From: Laravel <hello@site.example>\r\nTo: one@speaks.example\r\nSubject: spoken\r\n\r\nb\r\n..\r\nc\r\n.",
        "MAIL FROM:<hello@site.example>",
        "RCPT TO:<three@speaks.example>",
        "DATA",
        "Subject: x\r\nno field\r\n\r\nb\r\n.",
        "STARTTLS",
        "AUTH PLAIN",
        "BURL",
        "QUIT",
        "NOOP",
    ]
    done = box.send("-bs", text="\r\n".join([*lines, ""]))
    assert (done.returncode, done.stderr) == (0, "")
    replies = [line for line in done.stdout.splitlines() if line[3:4] == " "]
    codes = "220 250 250 250 250 354 250 250 250 354 554 503 502 500 221"
    assert [line[:3] for line in replies] == codes.split()
    assert "250-8BITMIME" in done.stdout.splitlines()
    assert "line 2 isn't a header field" in replies[10]
    until(lambda: len(sent_to(server, "@speaks.example")) == 2, what="both messages")
    message = received(server, "spoken")
    assert (message["To"], message["Reply-To"]) == ("one@speaks.example", "<hello@site.example>")
    assert message.get_payload() == "b\r\n.\r\nc\r\n"
    wrong = Box(server, tmp_path, 'password = "wrong password"')
    done = wrong.send("-bs", text="\r\n".join([*lines[:6], ""]))
    assert done.stdout.splitlines()[-1].startswith("554 5.0.0 127.0.0.1: ")
    assert wrong.kept == [], "the program knows"


def test_a_password_that_all_users_can_read_is_noted(server: LocalServer, tmp_path: Path) -> None:
    """ADMIN-21: the message goes out all the same."""
    box = Box(server, tmp_path, f'password = "{server.password}"')
    box.file.chmod(0o644)
    done = box.send("friend@noted.example")
    assert done.returncode == 0
    assert f"all users on this machine can read {box.file}" in done.stderr
    assert done.stderr.endswith(f"`chmod 640 {box.file}`\n")


def test_mail_is_handed_in_with_a_client_key(server: LocalServer, tmp_path: Path) -> None:
    """QUEUE-143, SMTP-124: EXTERNAL, with a PEM file, and with the seed of an Ed25519 key."""
    stem = tmp_path / "box"
    server.cli("config", "tlspubkey", "gen", str(stem))
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(Path(f"{stem}.key.pem").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    proof = proof_of(key, server.cli("tlspubkey", "challenge", "moxlite").stdout)
    server.cli("tlspubkey", "add", server.user, stdin=Path(f"{stem}.certificate.pem").read_text() + proof)
    box = Box(server, tmp_path, f'client_auth_cert_private_key_pem_file = "{stem}.combined.pem"')
    assert box.send("pem@key.example").returncode == 0
    seed = base64.urlsafe_b64encode(key.private_bytes_raw()).decode().rstrip("=")
    box = Box(server, tmp_path, f'client_auth_ed25519_private_key = "{seed}"', auth_method="EXTERNAL")
    assert box.send("seed@key.example").returncode == 0
    until(lambda: len(sent_to(server, "@key.example")) == 2, what="both messages")
    bad = Box(server, tmp_path, 'client_auth_ed25519_private_key = "AAAA"')
    assert bad.send("seed@key.example").returncode == 1


def test_what_is_not_taken_is_kept(server: LocalServer, tmp_path: Path) -> None:
    """QUEUE-144: in the caller's home, for its owner alone; 1 for good, 75 for now."""
    wrong = Box(server, tmp_path, 'password = "wrong password"')
    done = wrong.send("friend@far.example")
    assert done.returncode == 1
    assert wrong.kept, done.stderr
    [kept] = wrong.kept
    assert str(kept) in done.stderr
    assert b"Subject: from a program\r\n" in kept.read_bytes()
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert kept.stat().st_mode & 0o777 == 0o600
    for changes in ({"port": free_port()}, {"host": "127.0.0.1", "tls_insecure_skip_verify": False}):
        box = Box(server, tmp_path, f'password = "{server.password}"', **changes)
        done = box.send("friend@far.example")
        assert done.returncode == 75, done.stderr
    assert len(wrong.kept) == 3
    box = Box(server, tmp_path, f'password = "{server.password}"')
    assert box.send("root").returncode == 1
    assert len(wrong.kept) == 4
    assert box.send("-bp").returncode == 2
    foreign = Box(server, tmp_path, f'password = "{server.password}"', **{"from": "me@elsewhere.example"})
    assert foreign.send("friend@far.example").returncode == 1
