"""A whole server moves from Dovecot and Postfix to moxlite (docs/spec/move.md)."""

import json
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import imapclient
import pytest

from tests.integration.mail import message
from tests.realservers import Dovecot
from tests.running import LocalServer
from tests.tools import need

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]

MASTER = """
auth_master_user_separator = *
passdb {
  driver = static
  master = yes
  args = password=mastermaster
}
"""
USERS = ("mia", "ben", "zoë")
COUNT = 12
SCRIPT = 'require "fileinto";\nif header :contains "subject" "sale" { fileinto "Shop"; }\n'


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    """With mail of `USERS`, and a master user."""
    server = Dovecot(tmp_path_factory.mktemp("dovecot") / "dovecot", extra=MASTER).start()
    try:
        for user in ("mia@example.org", "ben@example.org", "late@example.org"):
            fill(server, user)
        yield server
    finally:
        server.stop()


def fill(dovecot: Dovecot, user: str, first: int = 0, count: int = COUNT) -> None:
    """Add messages to two mailboxes."""
    with imapclient.IMAPClient("127.0.0.1", dovecot.port, ssl=False) as client:
        client.login(user, "moxmoxmox")
        if not client.folder_exists("Work"):
            client.create_folder("Work")
        for number in range(first, first + count):
            flags = [[], [rb"\Seen"], [rb"\Flagged", b"work"]][number % 3]
            client.append("Work" if number % 2 else "INBOX", message(number, body="Hello\r\n" * number), flags)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """Where it moves."""
    with LocalServer(tmp_path / "server") as running:
        yield running
        running.stop()


def hash_of(scheme: str, password: str) -> str:
    """As an administrator of Dovecot makes it."""
    made = subprocess.run(
        [need("doveadm"), "pw", "-s", scheme, "-p", password], capture_output=True, text=True, check=True
    )
    return made.stdout.strip()


def planned(server: LocalServer, dovecot: Dovecot, tmp_path: Path) -> Path:
    """The plan of an old server with passwd-file, maps and scripts."""
    home = tmp_path / "vmail/example.org/mia"
    (home / "sieve").mkdir(parents=True)
    (home / "sieve/main.sieve").write_text(SCRIPT)
    (home / ".dovecot.sieve").symlink_to("sieve/main.sieve")
    users = tmp_path / "users"
    users.write_text(
        f"mia@example.org:{hash_of('SHA512-CRYPT', 'old password')}:1000:1000:Mia Muster:/home/mia::"
        "userdb_quota_rule=*:storage=2G\n"
        f"ben@example.org:{hash_of('SSHA512', 'another one')}::::::\n"
        "late@example.org:{NTLM}0123:::::\n"
        "mia@example.org:{PLAIN}again::::::\n"
        "nobody:{PLAIN}secret::::::\n"
    )
    (tmp_path / "virtual").write_text(
        "example.org anything\n"
        "mia@example.org mia@example.org\n"
        "m@example.org   mia@example.org\n"
        "team@example.org mia@example.org,\n  ben@example.org, away@elsewhere.example\n"
        "@example.org ben@example.org\n"
    )
    (tmp_path / "aliases").write_text('printer: "|/usr/bin/lp"\nboss: mia@example.org\n')
    plan = tmp_path / "plan.toml"
    done = server.cli(
        *("move", "plan", "dovecot", str(users), "--out", str(plan), "--virtual", str(tmp_path / "virtual")),
        *("--aliases", str(tmp_path / "aliases"), "--domain", "example.org", "--scripts", f"{tmp_path}/vmail/%d/%n"),
        *("--imap", f"127.0.0.1:{dovecot.port}", "--tls", "none", "--master-user", "master"),
        stdin="mastermaster\n",
    )
    assert "problem: late@example.org: password can't come" in done.stdout
    assert "problem: user mia@example.org is left out: mia@example.org has that address" in done.stdout
    assert "target '|/usr/bin/lp' is a program" in done.stdout
    assert "mastermaster" not in done.stdout
    assert plan.stat().st_mode & 0o777 == 0o600
    return plan


def test_a_server_of_dovecot_and_postfix_moves(server: LocalServer, dovecot: Dovecot, tmp_path: Path) -> None:
    """MOVE-1, MOVE-2, MOVE-4, MOVE-6, MOVE-7, MOVE-8, MOVE-9, MOVE-10, STORE-100a"""
    plan = planned(server, dovecot, tmp_path)
    values = tomllib.loads(plan.read_text())
    assert [user["addresses"] for user in values["users"]] == [
        ["mia@example.org", "m@example.org", "boss@example.org"],
        ["ben@example.org", "@example.org"],
        ["late@example.org"],
        ["nobody@example.org"],
    ]
    plan.chmod(0o640)
    assert "others can read it" in server.cli("move", "run", str(plan), check=False).stderr
    plan.chmod(0o600)

    counted = server.cli("move", "check", str(plan), check=False)
    assert counted.returncode == 1
    assert "missing: the account" in counted.stdout

    ran = server.cli("move", "run", str(plan), check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "move: done" in ran.stdout
    state = json.loads(server.cli("move", "status", "--json").stdout)
    assert [(one["address"], one["phase"], one["messages"]) for one in state["accounts"]] == [
        ("mia@example.org", "done", COUNT),
        ("ben@example.org", "done", COUNT),
        ("late@example.org", "done", COUNT),
        ("nobody@example.org", "done", 0),
    ]
    stored = (server.folder / "data/move.json").read_text()
    assert "mastermaster" not in stored
    assert "secret" not in stored

    counted = server.cli("move", "check", str(plan), "--json")
    accounts = {one["address"]: one for one in json.loads(counted.stdout)["accounts"]}
    assert all(not one["lost"] and not one["uncounted"] for one in accounts.values())
    assert accounts["mia@example.org"]["scripts"] == 1
    assert {(one["mailbox"], one["there"], one["compared"]) for one in accounts["mia@example.org"]["mailboxes"]} >= {
        ("Inbox", COUNT // 2, 3),
        ("Work", COUNT // 2, 3),
    }
    assert [accounts[f"{name}@example.org"]["credential"] for name in ("mia", "ben", "late", "nobody")] == [
        "hash",
        "hash",
        "none",
        "hash",
    ]

    with imapclient.IMAPClient("127.0.0.1", server.port(143), ssl=False) as client:
        assert b"AUTH=SCRAM-SHA-256" not in client.capabilities()
        client.login("m@example.org", "old password")
        assert client.select_folder("Work", readonly=True)[b"EXISTS"] == COUNT // 2
    for user, password in (("ben@example.org", "another one"), ("nobody@example.org", "secret")):
        with imapclient.IMAPClient("127.0.0.1", server.port(143), ssl=False) as client:
            client.login(user, password)
    with imapclient.IMAPClient("127.0.0.1", server.port(143), ssl=False) as client:
        assert b"AUTH=SCRAM-SHA-256" in client.capabilities()

    fill(dovecot, "ben@example.org", COUNT, 2)
    late = server.cli("move", "check", str(plan), check=False)
    assert late.returncode == 1
    assert "missing: 1 messages of Work" in late.stdout
    assert server.cli("move", "run", str(plan)).returncode == 0
    assert "0 lost, 0 uncounted" in server.cli("move", "check", str(plan)).stdout

    page = tmp_path / "page.html"
    assert "1 links" in server.cli("move", "links", str(plan), "--out", str(page)).stdout
    assert "late@example.org" in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600

    finished = server.cli("move", "finish", str(plan))
    assert "remove the master user master" in finished.stdout
    text = plan.read_text()
    assert not any(secret in text for secret in ("mastermaster", "$6$", "{SSHA512}", 'secret"'))
    assert "was finished" in server.cli("move", "run", str(plan), check=False).stderr


def test_mail_in_files_comes_and_is_counted(server: LocalServer, dovecot: Dovecot, tmp_path: Path) -> None:
    """MOVE-3, MOVE-6, MOVE-8: the Maildirs that a Dovecot left, a profile with mbox files, and a folder that lies."""
    fill(dovecot, "files@example.org")
    folder = dovecot.top / "mail/files/Maildir"
    assert (folder / "cur").is_dir()
    (tmp_path / "mails/home").mkdir(parents=True)
    shutil.copytree(folder, tmp_path / "mails/mia")
    shutil.copytree(folder, tmp_path / "mails/ben/Maildir")
    (tmp_path / "mails/late").mkdir()
    (tmp_path / "mails/late/Old.mbox").write_bytes(b"From a@b.example Thu Jan  1 00:00:00 2026\n" + message(1) + b"\n")
    (tmp_path / "mails/mdbox/mailboxes").mkdir(parents=True)
    users = tmp_path / "users.csv"
    users.write_text(
        "address,password,files\n"
        "mia@example.org,the old one of mia,\n"
        "ben@example.org,,\n"
        "late@example.org,,\n"
        f"mdbox@example.org,,{tmp_path}/mails/mdbox\n"
        f"none@example.org,,{tmp_path}/mails/none\n"
    )
    plan = tmp_path / "plan.toml"
    planned = server.cli("move", "plan", "csv", str(users), "--files", f"{tmp_path}/mails/%n", "--out", str(plan))
    assert f"none@example.org: mail is left out: there is no folder {tmp_path}/mails/none" in planned.stdout
    ran = server.cli("move", "run", str(plan), check=False)
    assert ran.returncode == 1
    assert f"mia@example.org: {COUNT} messages from {tmp_path}/mails/mia, 0 problems" in ran.stdout
    assert "mdbox@example.org: " in ran.stdout
    assert "doveadm" in ran.stdout
    assert (
        f"mia@example.org: 0 messages from {tmp_path}/mails/mia"
        in server.cli("move", "run", str(plan), check=False).stdout
    )
    counted = server.cli("move", "check", str(plan), "--json", check=False)
    assert counted.returncode == 1
    accounts = {one["address"]: one for one in json.loads(counted.stdout)["accounts"]}
    assert [(one["there"], one["missing"]) for one in accounts["mia@example.org"]["places"]] == [(COUNT, 0)]
    assert [(one["there"], one["missing"]) for one in accounts["ben@example.org"]["places"]] == [(COUNT, 0)]
    assert [(one["there"], one["missing"]) for one in accounts["late@example.org"]["places"]] == [(1, 0)]
    assert accounts["mia@example.org"]["opens"] is True
    assert "doveadm" in accounts["mdbox@example.org"]["uncounted"][0]
    assert not any(accounts[f"{name}@example.org"]["lost"] for name in ("mia", "ben", "late"))
    with imapclient.IMAPClient("127.0.0.1", server.port(143), ssl=False) as client:
        client.login("mia@example.org", "the old one of mia")
        assert client.select_folder("Work")[b"EXISTS"] == COUNT // 2
        client.delete_messages(client.search()[:2])
        client.expunge()
    lacking = server.cli("move", "check", str(plan), check=False)
    assert f"missing: 2 messages of {tmp_path}/mails/mia" in lacking.stdout


def test_a_move_goes_on_after_kills(server: LocalServer, dovecot: Dovecot, tmp_path: Path) -> None:
    """MOVE-6, MOVE-7"""
    fill(dovecot, "late@example.org", 100, 200)
    plan = planned(server, dovecot, tmp_path)
    for _ in range(3):
        server.cli("move", "run", str(plan), "--detach")
        server.kill()
        server.start()
        assert json.loads(server.cli("move", "status", "--json").stdout)["phase"] == "stopped"
    assert "move: done" in server.cli("move", "run", str(plan)).stdout
    assert "0 lost, 0 uncounted" in server.cli("move", "check", str(plan)).stdout
