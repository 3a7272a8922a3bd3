"""Backups and restores by the command line, with a real server (docs/spec/admin.md §8)."""

import json
import re
import shutil
import smtplib
import subprocess
from pathlib import Path

import pytest

from tests.campaigns.kill import session
from tests.running import ServedServer

pytestmark = [pytest.mark.served, pytest.mark.slow]


def send(server: ServedServer, count: int, first: int = 0) -> None:
    """Messages by SMTP to eve."""
    with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=60) as client:
        for number in range(first, first + count):
            text = f"Subject: number {number}\r\nMessage-ID: <{number}@backup.example>\r\n\r\nhello\r\n"
            client.sendmail("", ["eve@example.org"], text)


def subjects(server: ServedServer) -> tuple[int, int, int]:
    """UIDVALIDITY, UIDNEXT and the number of messages of eve's Inbox."""
    client = session(server)
    _, (answer,) = client.status("INBOX", "(UIDVALIDITY UIDNEXT MESSAGES)")
    client.logout()
    values = {name: int(value) for name, value in re.findall(r"([A-Z]+) (\d+)", answer.decode())}
    return values["UIDVALIDITY"], values["UIDNEXT"], values["MESSAGES"]


def test_a_backup_of_a_running_server_is_restored(tmp_path: Path) -> None:
    """STORE-141, STORE-143..145, ADMIN-50..52: silent, exit 0; the restored server has the mail of the backup."""
    backup = tmp_path / "backup"
    with ServedServer(tmp_path / "server") as server:
        send(server, 20)
        before = subjects(server)
        done = server.cli("backup", str(backup))
        assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
        assert sorted(path.name for path in backup.iterdir()) == ["config", "data"]
        again = server.cli("backup", str(backup), check=False)
        assert again.returncode == 1
        assert "found a backup (possibly incomplete) in" in again.stderr
        told = server.cli("backup", str(tmp_path / "second"), "--verbose").stdout
        assert "accounts/eve/account.db" in told
        inside = server.cli("backup", str(tmp_path / "server/data/backup"), check=False)
        assert inside.returncode == 1
        assert "choose another folder" in inside.stderr
        refused = server.cli("restore", str(backup), check=False)
        assert refused.returncode == 1
        assert "already running" in refused.stderr
        live = server.cli("verifydata", str(tmp_path / "server/data"), check=False)
        assert live.returncode == 1
        assert "already running" in live.stderr
        send(server, 5, first=100)
    verified = server.cli("verifydata", "--deep", str(backup))
    assert verified.stdout == f"{backup}: OK\n"
    refused = server.cli("restore", str(backup), check=False)
    assert "move it somewhere else first" in refused.stderr
    shutil.move(tmp_path / "server/data", tmp_path / "old")
    assert server.cli("restore", str(backup)).stdout.startswith(f"restored {backup} to {server.folder}/data;")
    server.start()
    try:
        uidvalidity, uidnext, messages = subjects(server)
        assert uidvalidity > before[0]
        assert (uidnext, messages) == (before[1], 20)
        send(server, 1, first=200)
        assert subjects(server)[2] == 21
    finally:
        assert server.stop() == 0
    assert server.cli("store", "check", "--deep").returncode == 0


def test_a_backup_that_is_not_whole_says_so(tmp_path: Path) -> None:
    """ADMIN-68, ADMIN-50: a damaged account is named, the others are copied, and the copy is marked; none is made in
    an account.
    """
    backup = tmp_path / "backup"
    with ServedServer(tmp_path / "server") as server:
        send(server, 3)
    data = tmp_path / "server/data"
    inside = server.cli("backup", str(data / "accounts/eve/backup"), check=False)
    assert (inside.returncode, "choose another folder" in inside.stderr) == (1, True)
    (data / "accounts/eve/account.db").write_bytes(b"this is no database, it was overwritten" * 400)
    done = server.cli("backup", str(backup), check=False)
    assert done.returncode == 1
    assert "accounts/eve/account.db" in done.stderr
    assert "incomplete" in done.stderr.lower()
    assert "accounts/eve" in (backup / "INCOMPLETE").read_text()
    assert (backup / "data/accounts/bob/account.db").exists()
    verified = server.cli("verifydata", str(backup), check=False)
    assert (verified.returncode, "the copy is incomplete" in verified.stdout + verified.stderr) == (1, True)


@pytest.mark.nightly
def test_a_stopped_server_is_backed_up_and_repaired_directly(tmp_path: Path) -> None:
    """STORE-9, STORE-43, STORE-141."""
    with ServedServer(tmp_path / "server") as server:
        send(server, 2)
        repaired = server.cli("store", "bump-uidvalidity", "eve", "Inbox")
        assert repaired.stdout.startswith("Inbox: uidvalidity is now ")
        unknown = server.cli("store", "fix-counts", "nobody", check=False)
        assert unknown.returncode == 1
    assert server.cli("backup", "run", str(tmp_path / "backup")).stdout == ""
    assert server.cli("verifydata", str(tmp_path / "backup")).returncode == 0
    assert server.cli("store", "fix-counts", "eve").stdout == ""
    assert "messages have UIDs from 1" in server.cli("store", "reassign-uids", "eve").stdout


@pytest.mark.nightly
def test_a_server_does_not_start_in_the_middle_of_a_restore(tmp_path: Path) -> None:
    """STORE-145."""
    with ServedServer(tmp_path / "server") as server:
        pass
    (tmp_path / "server/data/RESTORING").touch()
    failed = server.cli("serve", "--no-drop", check=False)
    assert failed.returncode == 1
    assert "run `moxlite restore` again" in failed.stderr


@pytest.mark.nightly
def test_a_repository_of_a_running_server(tmp_path: Path) -> None:
    """STORE-183, STORE-185, ADMIN-73: snapshots, listing, verifying, pruning, and one account back from any of them."""
    repo = str(tmp_path / "repo")
    with ServedServer(tmp_path / "server") as server:
        send(server, 20)
        assert server.cli("backup", "--repo", repo).stdout == ""
        send(server, 5, first=100)
        assert "new" in server.cli("backup", "run", "--repo", repo, "--verbose").stdout
        listed = json.loads(server.cli("backup", "list", "--repo", repo, "--json").stdout)
        assert len(listed) == 2
        verified = server.cli("backup", "verify", "--repo", repo, "--deep").stdout
        signer = server.cli("backup", "signer").stdout.strip()
        assert verified == f"2 snapshots signed by {signer}\n{repo}: OK\n"
        first = listed[0]["id"]
        restored = server.cli("restore", repo, "--account", "eve", "--mailbox", "Inbox", "--snapshot", first)
        assert restored.stdout == "20 messages in 1 mailbox\n"
        both = server.cli("restore", repo, "--account", "bob", "--from", "eve", "--as", "From eve", "--verbose")
        assert "From eve/Inbox: 25 messages" in both.stdout
        missing = server.cli("restore", repo, "--account", "eve", "--mailbox", "Nowhere", check=False)
        assert missing.returncode == 1
        assert "folder not found: 'Nowhere'" in missing.stderr
        client = session(server, "Restored")
        assert client.search(None, "ALL")[1][0].split() == [b"%d" % number for number in range(1, 21)]
        client.logout()
        assert server.cli("store", "check", "--deep").returncode == 0
    assert server.cli("backup", "--repo", repo).stdout == ""
    assert "removed" in server.cli("backup", "prune", "--repo", repo, "--keep-daily", "1", "--keep-weekly", "0").stdout
    out = tmp_path / "out"
    assert server.cli("backup", "restore", "--repo", repo, "--out", str(out)).returncode == 0
    assert server.cli("verifydata", "--deep", str(out)).stdout == f"{out}: OK\n"
    shutil.move(tmp_path / "server/data", tmp_path / "old")
    assert server.cli("restore", repo).returncode == 0
    assert server.cli("verifydata", "--deep", str(tmp_path / "server/data")).returncode == 0


@pytest.mark.nightly
def test_an_encrypted_repository_by_the_command_line(tmp_path: Path) -> None:
    """STORE-184: and the `age` tool reads it."""
    age = pytest.importorskip("pyrage")
    key = age.x25519.Identity.generate()
    identity = tmp_path / "identity"
    identity.write_text(f"{key}\n")
    repo = str(tmp_path / "repo")
    with ServedServer(tmp_path / "server") as server:
        send(server, 3)
        server.cli("backup", "--repo", repo, "--encrypt-to", str(key.to_public()))
        server.cli("backup", "--repo", repo)
        again = server.cli("backup", "--repo", repo, "--encrypt-to", str(key.to_public()), check=False)
        assert "can't change encryption for the existing" in again.stderr
        assert len(json.loads(server.cli("backup", "list", "--repo", repo, "--json").stdout)) == 2
        sealed = server.cli("backup", "verify", "--repo", repo, check=False)
        assert "is encrypted; add --identity" in sealed.stderr
        assert server.cli("backup", "verify", "--repo", repo, "--deep", "--identity", str(identity)).returncode == 0
        options = ("--account", "eve", "--identity", str(identity))
        assert server.cli("restore", repo, *options).stdout == "3 messages in 1 mailbox\n"
    if tool := shutil.which("age"):
        names = tmp_path / "repo/names.age"
        done = subprocess.run([tool, "-d", "-i", str(identity), str(names)], check=True, capture_output=True)
        assert len(done.stdout) == 32


@pytest.mark.nightly
def test_a_whole_account_moves_to_another_server(tmp_path: Path) -> None:
    """STORE-197, STORE-190: with UIDs, password, a new UIDVALIDITY; what was removed there can still be undeleted."""
    file = str(tmp_path / "eve.moxlite")
    with ServedServer(tmp_path / "one") as one:
        send(one, 5)
        before = subjects(one)
        client = session(one)
        client.store("2", "+FLAGS", "(\\Deleted)")
        client.expunge()
        client.logout()
        one.cli("account", "export-full", "eve", file)
        again = one.cli("account", "export-full", "eve", file, check=False)
        assert "exists" in again.stderr
        used = one.cli("account", "import-full", "eve", file, check=False)
        assert used.returncode == 1
        assert "account 'eve' already exists" in used.stderr
    with ServedServer(tmp_path / "two") as two:
        two.cli("account", "import-full", "eve", file)
        validity, *others = subjects(two)
        assert validity > before[0]
        assert others == [before[1], 4]
        assert two.cli("--yes", "account", "undelete", "eve", "--since", "1h").stdout == "restored 1 message\n"
        assert subjects(two)[2] == 5
        assert two.cli("account", "undelete", "eve", "--since", "someday", check=False).returncode == 1
        assert two.cli("store", "check", "--deep").returncode == 0
