"""sieve-connect, a client of ManageSieve, with a running server; the script sorts its mail (IMAP-141, SMTP-160)."""

import imaplib
import os
import shutil
import smtplib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import LocalServer
from tests.tools import until

pytestmark = [
    pytest.mark.served,
    pytest.mark.slow,
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("sieve-connect") is None, reason="needs sieve-connect"),
]

SCRIPT = 'require ["fileinto", "mailbox"];\nif header :contains "subject" "lunch" { fileinto :create "Food"; }\n'


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[LocalServer, int]]:
    made = LocalServer(tmp_path / "localserve")
    port = _free_port()
    static = made.folder / "config/moxlite.toml"
    static.write_text(static.read_text() + f"managesieve = {{ enabled = true, port = {port} }}\n")
    with made as running:
        yield running, port


def test_sieve_connect_installs_a_script(server: tuple[LocalServer, int], tmp_path: Path) -> None:
    """IMAP-141, SMTP-160: upload over STARTTLS, activation, list, download; the next message is filed by it."""
    running, port = server
    (tmp_path / "rules.sieve").write_text(SCRIPT)
    password = tmp_path / "password"
    password.write_text(running.password + "\n")
    common = ["sieve-connect", "--server", "localhost", "--port", str(port), "--user", running.user]
    common += ["--tlscafile", str(running.folder / "config/localhost.crt"), "--passwordfd", "0", "--nosslverify"]

    def talk(*words: str) -> str:
        with password.open() as given:
            done = subprocess.run(
                [*common, *words], stdin=given, capture_output=True, text=True, timeout=60, check=False,
                cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)},
            )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    talk("--localsieve", "rules.sieve", "--remotesieve", "rules", "--upload")
    talk("--remotesieve", "rules", "--activate")
    assert "rules" in talk("--list")
    talk("--remotesieve", "rules", "--localsieve", "back.sieve", "--download")
    assert (tmp_path / "back.sieve").read_text().replace("\r", "") == SCRIPT
    with smtplib.SMTP("127.0.0.1", running.port(25)) as smtp:
        smtp.sendmail("ann@localhost", [running.user], "From: ann@localhost\r\nSubject: lunch at noon\r\n\r\nhi\r\n")
    client = imaplib.IMAP4("127.0.0.1", running.port(143))
    client.login(running.user, running.password)
    until(lambda: client.select("Food")[0] == "OK", what="the mailbox of the script")
    assert client.select("Food")[1] == [b"1"]
    client.logout()


@pytest.mark.nightly
def test_scripts_and_vacation_on_the_command_line(server: tuple[LocalServer, int], tmp_path: Path) -> None:
    """IMAP-141, WEBMAIL-131."""
    running, _ = server
    script, text = tmp_path / "a.sieve", tmp_path / "away.txt"
    script.write_text("nothing;")
    refused = running.cli("account", "sieve", "put", "moxlite", "a", str(script), check=False)
    assert refused.returncode == 1
    assert 'line 1, column 1: unknown command "nothing"' in refused.stderr
    script.write_text(SCRIPT)
    running.cli("account", "sieve", "put", "moxlite", "a", str(script), "--activate")
    assert running.cli("account", "sieve", "list", "moxlite").stdout == "a (active)\n"
    assert running.cli("account", "sieve", "get", "moxlite", "a").stdout == SCRIPT
    assert running.cli("account", "sieve", "rm", "moxlite", "a", check=False).returncode == 1
    running.cli("account", "sieve", "activate", "moxlite")
    running.cli("account", "sieve", "rm", "moxlite", "a")
    assert running.cli("account", "sieve", "list", "moxlite").stdout == ""
    text.write_text("I am away.\n")
    running.cli("account", "vacation", "set", "moxlite", str(text), "--subject", "Away", "--until", "2099-01-01")
    said = running.cli("account", "vacation", "show", "moxlite").stdout
    assert said == "vacation reply: on\nuntil: 2099-01-01 00:00 UTC\nsubject: Away\n  I am away.\n"
    running.cli("account", "vacation", "off", "moxlite")
    assert running.cli("account", "vacation", "show", "moxlite").stdout.startswith("vacation reply: off\n")


@pytest.mark.nightly
def test_mail_that_is_there_is_sorted_on_the_command_line(server: tuple[LocalServer, int], tmp_path: Path) -> None:
    """WEBMAIL-130b: a dry run, the moves, their undo by a record, which is never written over; by script and rules."""
    running, _ = server
    domains = running.folder / "config/domains.toml"
    rule = f"\n[[accounts.moxlite.destinations.'{running.user}'.rulesets]]\nmailbox = \"Rule\"\n"
    script = tmp_path / "a.sieve"
    script.write_text(SCRIPT)
    with smtplib.SMTP("127.0.0.1", running.port(25)) as smtp:
        for subject in ("lunch at noon", "lunch again", "other"):
            smtp.sendmail("ann@localhost", [running.user], f"From: ann@localhost\r\nSubject: {subject}\r\n\r\nhi\r\n")
    client = imaplib.IMAP4("127.0.0.1", running.port(143))
    client.login(running.user, running.password)

    def counted(name: str) -> int:
        status, [found] = client.select(name, readonly=True)
        return int(found) if status == "OK" and found is not None else 0

    until(lambda: counted("INBOX") == 3, what="the mail", pause=0.25)
    running.cli("account", "sieve", "put", "moxlite", "a", str(script))
    apply = ("account", "sort", "apply", "moxlite", "--script", "a")
    assert running.cli(*apply, "--dry-run").stdout == "2 messages from Inbox to Food\n"
    assert counted("INBOX") == 3
    record = str(tmp_path / "moves")
    assert running.cli(*apply, check=False).returncode == 2, "moves need a record"
    assert running.cli(*apply, "--record", record, check=False).returncode == 1, "and a yes"
    assert "moved 2 messages" in running.cli("--yes", *apply, "--record", record).stdout
    assert (counted("INBOX"), counted("Food")) == (1, 2)
    assert running.cli(*apply, "--dry-run").stdout == "no messages to move\n"
    assert running.cli("account", "sort", "undo", record).stdout == "moved 2 messages back\n"
    assert running.cli("account", "sort", "undo", record).stdout == "moved 0 messages back\n"
    assert (counted("INBOX"), counted("Food")) == (3, 0)
    refused = running.cli("--yes", *apply, "--record", record, check=False)
    assert (refused.returncode, counted("INBOX")) == (1, 3)
    assert "exists" in refused.stderr
    domains.write_text(domains.read_text() + rule + 'smtp_mail_from_regexp = "@localhost$"\n')
    by_rules = ("account", "sort", "apply", "moxlite", "--rules", running.user, "--dry-run")
    told = "3 messages from Inbox to Rule\n"  # once the server has read the file
    until(lambda: running.cli(*by_rules).stdout == told, what="the rule", pause=0.5)
    for words in (("--script", "none"), ("--rules", "none@localhost"), ("--rules", "a", "--script", "a"), ()):
        assert running.cli(*apply[:4], *words, "--dry-run", check=False).returncode in {1, 2}, words
    client.logout()
