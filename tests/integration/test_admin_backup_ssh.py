"""Backups of a server that root starts on another machine, and back from there (STORE-184a, ADMIN-36, ADMIN-52a)."""

import os
import pwd
import shutil
import smtplib
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from moxlite.config.toml.edit import Document
from tests.rootserver import RootServer, hindrance, root_server
from tests.sshserver import HINDRANCE, SSHServer, make_key, ssh_server
from tests.tools import moxlite_command, until

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(bool(hindrance() or HINDRANCE), reason=hindrance() or HINDRANCE or "-"),
]

USER = "nobody"
"""The ssh program wants a user that the machine knows."""


@pytest.fixture
def far(tmp_path: Path) -> Iterator[SSHServer]:
    with ssh_server(tmp_path / "ssh") as server:
        yield server


@pytest.fixture
def server(far: SSHServer, tmp_path: Path) -> Iterator[RootServer]:
    """With a key for the other machine that only root can read. `encrypt_to`'s identity is tmp_path/identity."""
    pyrage = pytest.importorskip("pyrage")
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "identity").write_text(f"{identity}\n")
    with root_server() as server:
        key = server.config / "backupkey"
        shutil.copyfile(far.key, key)
        key.chmod(0o600)
        change(
            server,
            user=USER,
            backup={
                "target": str(far.url(tmp_path / "far/repo")),
                "ssh_key_file": "backupkey",
                "ssh_host_keys": [far.host_key],
                "encrypt_to": [str(identity.to_public())],
                "schedule": "24h",
            },
        )
        yield server


def change(server: RootServer, **values: object) -> None:
    """Set values in moxlite.toml."""
    path = server.config / "moxlite.toml"
    document = Document(path.read_text())
    for name, value in values.items():
        document.put((name,), value)
    path.write_text(str(document))


@pytest.mark.nightly
def test_a_server_is_backed_up_to_another_machine_and_restored_from_there(
    server: RootServer, far: SSHServer, tmp_path: Path
) -> None:
    """STORE-184a, STORE-187, ADMIN-36, ADMIN-11a, ADMIN-52a: by the clock and by hand, running and stopped, with root's
    key, which is in the backup and of which nothing stays in the data directory; list, verify, prune and the restore
    of a whole server read it there.
    """
    target = str(far.url(tmp_path / "far/repo"))
    assert server.cli("config", "test").stdout == "config OK\n"
    server.start()
    assert server.data.stat().st_uid == pwd.getpwnam(USER).pw_uid
    until(lambda: list((tmp_path / "far/repo/snapshots").glob("2*")), what="a scheduled backup", pause=0.5)
    with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=60) as client:
        client.sendmail("", ["bob@example.org"], "Subject: hi\r\nFrom: <x@example.net>\r\n\r\nhello\r\n")
    done = server.cli("backup", "--repo", target)
    assert done.stdout == ""
    assert all("/tls/live/" in line for line in done.stderr.splitlines())  # certificates of another program
    assert list((server.data / "tmp").glob("backup-*")) == []
    elsewhere = server.cli("backup", "--repo", target + "2", check=False)
    assert (elsewhere.returncode, "only works with the repository in backup.target" in elsewhere.stderr) == (1, True)
    doctor = server.cli("doctor", check=False).stdout
    assert "backup-unwritable" not in doctor
    assert "is on the same disk as the data" not in doctor
    server.stop()
    assert "backupkey" not in server.cli("backup", "--repo", target).stderr
    key = ("--identity", str(tmp_path / "identity"))
    assert len(server.cli("backup", "list", "--repo", target).stdout.splitlines()) == 4
    assert server.cli("backup", "verify", "--repo", target, "--deep", *key).stdout.endswith(f"\n{target}: OK\n")
    assert server.cli("backup", "prune", "--repo", target, "--keep-daily", "0", "--keep-weekly", "0", *key).stdout
    second = server.folder.with_name("second")
    places = ("--config-dir", str(second / "config"), "--data-dir", str(second / "data"))
    restored = server.cli("restore", target, "--with-config", *places, *key)
    assert ", 1 message checked\n" in restored.stdout, restored.stdout
    assert (second / "config/backupkey").read_bytes() == far.key.read_bytes()
    found = (second / "config/backupkey").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (0, 0o600)


@pytest.mark.nightly
def test_an_empty_machine_is_restored_by_the_keys_of_root(server: RootServer, far: SSHServer, tmp_path: Path) -> None:
    """ADMIN-52a, STORE-184a: without any configuration, as docs/restore.md has it: ssh takes the key and the known
    hosts in root's home, which a mount namespace replaces. Without the host among them, the refusal names the file.
    """
    server.start()
    with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=60) as client:
        client.sendmail("", ["bob@example.org"], "Subject: hi\r\nFrom: <x@example.net>\r\n\r\nhello\r\n")
    server.stop()
    target = str(far.url(tmp_path / "far/repo"))
    server.cli("backup", "--repo", target)
    home, empty, second = tmp_path / "home", tmp_path / "empty", server.folder.with_name("second")
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    empty.mkdir()
    shutil.copyfile(far.key, home / ".ssh/id_ed25519")
    (home / ".ssh/id_ed25519").chmod(0o600)
    places = ("--config-dir", str(second / "config"), "--data-dir", str(second / "data"))
    within = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$HOME" && exec "$@"', str(home))
    signed = ("--signer", server.cli("backup", "signer").stdout.strip())
    restore = ("restore", target, "--with-config", *places, "--identity", str(tmp_path / "identity"), *signed)

    def run() -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "MOXLITE_CONF"}
        return subprocess.run(
            [*within, *moxlite_command(server.python), *restore],
            cwd=empty,
            env=environment | server.environment | {"HOME": pwd.getpwuid(0).pw_dir},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    refused = run()
    assert refused.returncode == 1
    assert "~/.ssh/known_hosts" in refused.stderr
    assert not second.exists()
    (home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{far.port} {far.host_key}\n")
    done = run()
    assert done.returncode == 0, done.stderr
    assert ", 1 message checked\n" in done.stdout, done.stdout
    assert (second / "config/backupkey").read_bytes() == far.key.read_bytes()
    assert (second / "data").stat().st_uid == pwd.getpwnam(USER).pw_uid
    assert (second / "data/accounts/bob/account.db").exists()


def test_a_machine_that_cannot_be_used_is_named(server: RootServer, far: SSHServer, tmp_path: Path) -> None:
    """STORE-184a, ADMIN-11a, ADMIN-70: by `config test`, by the doctor and by the backup, with the reason in words."""
    known = far.host_key
    change(server, backup={**_backup(server), "ssh_host_keys": [make_key(tmp_path / "other")]})
    target = str(far.url(tmp_path / "far/repo"))
    refused = server.cli("config", "test", check=False)
    assert refused.returncode == 1
    assert "doesn't match backup.ssh_host_keys" in refused.stderr
    assert "the host key of" in server.cli("doctor", check=False).stdout
    server.start()  # the scheduled backup fails at once, too

    def refused_by_the_server() -> bool:
        done = server.cli("backup", "--repo", target, check=False)
        assert done.returncode == 1
        return "the host key of" in done.stderr

    until(refused_by_the_server, what="a refusal", pause=0.5)
    server.stop()
    change(server, backup={**_backup(server), "ssh_host_keys": [known]})
    far.stop()
    refused = server.cli("config", "test", check=False)
    assert (refused.returncode, "Connection refused" in refused.stderr) == (1, True)
    far.start()


def test_what_a_target_on_another_machine_needs_is_said(server: RootServer) -> None:
    """STORE-184a, ADMIN-9: key, host keys and recipients, each with the way to get it."""
    change(server, backup={"schedule": "24h", "target": "ssh://nas.example/moxlite"})
    told = server.cli("config", "test", check=False).stderr
    for words in ("backup.ssh_key_file: required", "ssh-keygen -t ed25519", "ssh_host_ed25519", "age-keygen -o"):
        assert words.replace("ssh_host_ed25519", "ssh_host_*_key.pub") in told
    change(server, backup={"schedule": "24h", "target": "ssh://nas.example"})
    assert "must include a folder" in server.cli("config", "test", check=False).stderr


def _backup(server: RootServer) -> dict[str, object]:
    import tomllib

    found: dict[str, object] = tomllib.loads((server.config / "moxlite.toml").read_text())["backup"]
    return found
