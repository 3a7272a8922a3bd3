"""The way back: a server that root starts, its backups, and another machine out of them (STORE-141a, ADMIN-52a)."""

import datetime as dt
import json
import os
import re
import shutil
import smtplib
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from moxlite.admin.hostkeys import make_host_key
from moxlite.config.toml.edit import Document
from moxlite.mailauth.dkim.sign import generate, to_pem
from tests.rootserver import UID, RootServer, hindrance, interpreter, readable_path, root_server
from tests.tools import moxlite_command, until, write_own

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(bool(hindrance()), reason=hindrance() or "-"),
]

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


def change(path: Path, *changes: tuple[tuple[str, ...], object]) -> None:
    """Set values in a TOML file."""
    document = Document(path.read_text())
    for keys, value in changes:
        document.put(keys, value)
    path.write_text(str(document))


class Machine:
    """A server as quickstart leaves it: host keys of root, one of them in another folder; DKIM key, admin password."""

    def __init__(self, server: RootServer) -> None:
        self.server = server
        config = server.config
        (config / "hostkeys").mkdir(mode=0o700)
        inside = make_host_key(config, "mx.moxlite.example", "rsa2048", NOW)
        self.elsewhere = server.folder.with_name("secrets") / "ecdsa.pem"
        (self.elsewhere.parent / "hostkeys").mkdir(parents=True, mode=0o700)
        made = self.elsewhere.parent / make_host_key(self.elsewhere.parent, "mx.moxlite.example", "ecdsap256", NOW)
        made.rename(self.elsewhere)
        self.host_keys = [(config / inside).read_bytes(), self.elsewhere.read_bytes()]
        (config / "dkim").mkdir()
        (config / "dkim/a.pem").write_bytes(to_pem(generate("ed25519")))
        (config / "adminpasswd").write_text("$argon2id$not-a-real-hash\n")
        (config / "adminpasswd").chmod(0o600)
        change(
            config / "moxlite.toml",
            (("admin_password_file",), "adminpasswd"),
            (("acme", "ca"), {"directory_url": "https://127.0.0.1:9/", "contact_email": "bob@example.org"}),
            (("listeners", "local", "tls"), {"acme": "ca", "host_private_key_files": [inside, str(self.elsewhere)]}),
        )
        change(
            config / "domains.toml",
            (
                ("domains", "example.org", "dkim"),
                {"selectors": {"a": {"key_file": "dkim/a.pem"}}, "sign": ["a"]},
            ),
        )
        self.backups = server.folder.with_name("backups")
        self.backups.mkdir()
        os.chown(self.backups, UID, UID)

    def send(self, text: str) -> None:
        """A message to bob."""
        with smtplib.SMTP("127.0.0.1", self.server.ports["smtp"], timeout=60) as client:
            client.sendmail("", ["bob@example.org"], f"Subject: {text}\r\nFrom: <x@example.net>\r\n\r\nhello\r\n")

    def keys_in(self, folder: Path) -> list[bytes]:
        """The host keys that the restored configuration names."""
        settings = tomllib.loads((folder / "moxlite.toml").read_text())
        names = settings["listeners"]["local"]["tls"]["host_private_key_files"]
        return [(folder / name).read_bytes() for name in names]


@pytest.fixture
def machine() -> Iterator[Machine]:
    with root_server() as server:
        yield Machine(server)


@dataclass
class Second(RootServer):
    """The server of a restored machine."""

    def __post_init__(self) -> None:
        python = interpreter()
        assert python is not None
        self.python = python
        self.environment = readable_path()


@contextmanager
def restored(machine: Machine, source: Path, *more: str) -> Iterator[tuple[Second, str]]:
    """Another machine out of a backup, and what the command has printed."""
    place = machine.server.folder.with_name("second")
    second = Second(place, ports=machine.server.ports)
    write_own(second.config, f'user = "{UID}"\n')
    signer = machine.server.cli("backup", "signer", check=False).stdout.split()
    done = second.cli(
        "restore",
        str(source),
        "--with-config",
        *(f"--signer={one}" for one in signer),
        "--config-dir",
        str(second.config),
        "--data-dir",
        str(second.data),
        *more,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    try:
        yield second, done.stdout
    finally:
        if hasattr(second, "process"):
            second.stop()
        shutil.rmtree(place)


def owners(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


@pytest.mark.nightly
def test_an_encrypted_repository_restores_a_whole_server(machine: Machine, tmp_path: Path) -> None:
    """STORE-141a, ADMIN-52a, ADMIN-36: the running server, which can't read the host's keys, has them in its backup;
    on another machine one command writes all with the owners of `serve`, keys as they were; it starts and serves.
    """
    server = machine.server
    server.start()
    machine.send("Before")
    phrase = tmp_path / "phrase"
    phrase.write_text("correct horse\n")
    repo = machine.backups / "repo"
    done = server.cli("backup", "--repo", str(repo), "--passphrase-file", str(phrase))
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert "backups are now signed by" in done.stderr
    server.stop()
    with restored(machine, repo, "--passphrase-file", str(phrase)) as (second, told):
        assert machine.keys_in(second.config) == machine.host_keys
        assert "new keys were created" not in told
        password = re.search(r"^admin password: (\S+)$", told, re.MULTILINE)
        assert password is not None
        hashed = (second.config / "adminpasswd").read_text()
        assert hashed.startswith("$argon2id$")
        assert "not-a-real" not in hashed
        assert owners(second.config) == (0, UID, 0o3770)
        assert owners(second.config / "moxlite.toml") == (0, UID, 0o640)
        assert owners(second.config / "domains.toml")[:2] == (UID, UID)
        assert owners(second.config / "dkim/a.pem")[0] == UID
        assert owners(second.data)[0] == UID
        for path in (second.config / "hostkeys").iterdir():
            assert owners(path)[::2] == (0, 0o600)
        more = ("--config-dir", str(second.config), "--passphrase-file", str(phrase))
        again = second.cli("restore", str(repo), "--with-config", *more, check=False)
        assert (again.returncode, "already has a configuration" in again.stderr) == (1, True)
        assert second.cli("config", "test").stdout == "config OK\n"
        second.start()
        assert (second.data / "receivedid.key").read_bytes() == (server.data / "receivedid.key").read_bytes()
        machine.send("After")
        assert json.loads(second.cli("--json", "store", "stats", "bob").stdout)[0]["messages"] >= 2


@pytest.mark.nightly
def test_a_plain_backup_has_the_keys_only_if_asked_to(machine: Machine) -> None:
    """STORE-141a, ADMIN-50, ADMIN-52a: without `include_keys` each key that is left out is named, and a restore makes
    new ones and prints their TLSA records; the hash of the admin password is in neither.
    """
    server = machine.server
    server.start()
    without = machine.backups / "without"
    done = server.cli("backup", str(without))
    assert done.returncode == 0
    assert done.stderr.count("isn't included because the backup isn't encrypted and backup.include_keys isn't set") == 2
    assert str(machine.elsewhere) in done.stderr
    assert list((without / "config/hostkeys").glob("*")) == []
    server.stop()
    change(server.config / "moxlite.toml", (("backup", "include_keys"), True))
    server.start()
    whole = machine.backups / "whole"
    done = server.cli("backup", str(whole))
    assert (done.stdout, done.stderr) == ("", "")
    server.stop()
    stopped = machine.backups / "stopped"
    assert server.cli("backup", str(stopped)).stderr == ""
    for backup in (without, whole, stopped):
        assert not (backup / "config/adminpasswd").exists()
        assert (backup / "config/dkim/a.pem").exists()
    for backup in (whole, stopped):
        assert (backup / f"named{machine.elsewhere}").read_bytes() == machine.host_keys[1]
        with restored(machine, backup) as (second, told):
            assert machine.keys_in(second.config) == machine.host_keys
    machine.elsewhere.unlink()  # another machine has not this one's folders
    with restored(machine, without) as (second, told):
        keys = machine.keys_in(second.config)
        assert len(keys) == 2
        assert not set(keys) & set(machine.host_keys)
        assert (
            len(re.findall(r"^  _25\._tcp\.mx\.moxlite\.example\. TLSA 3 1 1 [0-9a-f]{64}$", told, re.MULTILINE)) == 2
        )
        assert second.cli("config", "test").stdout == "config OK\n"
        second.start()


@pytest.mark.nightly
def test_root_restores_a_repository_for_the_service_user(machine: Machine) -> None:
    """ADMIN-37a, STORE-145: on the same machine, data alone; what was unpacked on the way is gone."""
    server = machine.server
    server.start()
    machine.send("Before")
    repo = machine.backups / "repo"
    server.cli("backup", "--repo", str(repo))
    server.stop()
    server.data.rename(server.data.with_name("old"))
    assert f"restored {repo} to " in server.cli("restore", str(repo)).stdout
    assert owners(server.data)[0] == UID
    assert list(server.folder.glob(".moxlite-restore-*")) == []
    server.start()
    assert json.loads(server.cli("--json", "store", "stats", "bob").stdout)[0]["messages"] >= 1


@pytest.mark.nightly
def test_a_restore_on_a_machine_with_other_addresses_says_what_changes(machine: Machine) -> None:
    """ADMIN-52a: each line of moxlite.toml with an address that this machine has not, and the records of DNS. `config
    test` tells the same until it is changed.
    """
    server = machine.server
    server.start()
    server.stop()
    change(server.config / "moxlite.toml", (("listeners", "local", "ips"), ["127.0.0.1", "192.0.2.77"]))
    backup = machine.backups / "one"
    server.cli("backup", str(backup))
    with restored(machine, backup) as (second, told):
        assert re.search(
            rf"{second.config}/moxlite.toml:\d+: listeners.local.ips: .* have the address 192\.0\.2\.77", told
        )
        assert "mx.moxlite.example. A, AAAA: the new address instead of 192.0.2.77" in told
        assert "example.org. TXT v=spf1" in told
        refused = second.cli("config", "test", check=False)
        assert refused.returncode == 1
        assert "this machine doesn't have the address 192.0.2.77" in refused.stderr


@pytest.mark.nightly
def test_missing_host_keys_are_made_anew_and_named(machine: Machine) -> None:
    """ADMIN-11, ADMIN-19: `config test` tells each missing key; `config ensure-acme-host-keys` makes them anew and
    writes the lines itself; then the server starts.
    """
    server = machine.server
    (next((server.config / "hostkeys").iterdir())).unlink()
    machine.elsewhere.unlink()
    refused = server.cli("config", "test", check=False)
    assert refused.returncode == 1
    assert refused.stderr.count("ensure-acme-host-keys") == 2
    done = server.cli("config", "ensure-acme-host-keys")
    assert done.stdout.count(" TLSA 3 1 1 ") == 2
    assert "all keys already exist" in server.cli("config", "ensure-acme-host-keys").stdout
    assert owners(server.config / "moxlite.toml")[0] == 0
    assert server.cli("config", "test").stdout == "config OK\n"
    server.start()


def test_config_test_tells_all_owners_at_once(machine: Machine) -> None:
    """ADMIN-11a, ADMIN-37: as root, each file and folder that another user could replace, with its cure; the service
    user that is missing; a folder for backups that cannot be written.
    """
    server = machine.server
    os.chown(server.config, UID, UID)
    os.chown(server.config / "moxlite.toml", UID, UID)
    (server.folder).chmod(0o777)
    refused = server.cli("config", "test", check=False).stderr
    for part in (
        f"{server.config} belongs to user {UID} (chown -h root {server.config})",
        f"{server.config}/moxlite.toml belongs to user {UID} (chown -h root {server.config}/moxlite.toml)",
        f"{server.folder} can be changed by users other than root (chmod go-w {server.folder})",
    ):
        assert part in refused
    started = subprocess.run(
        [*moxlite_command(server.python), *server.command()],
        env=os.environ | server.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.returncode == 1
    assert started.stderr.count("chown -h root") == 2, "the start tells all, too"
    os.chown(server.config, 0, 0)
    os.chown(server.config / "moxlite.toml", 0, 0)
    server.folder.chmod(0o755)
    target = server.tls / "repo"
    change(server.config / "moxlite.toml", (("backup",), {"schedule": "24h", "target": str(target)}))
    refused = server.cli("config", "test", check=False).stderr
    assert f"the server can't write to {target}" in refused
    change(server.config / "moxlite.toml", (("user",), "no-such-user"))
    assert "useradd" in server.cli("config", "test", check=False).stderr


@pytest.mark.nightly
def test_a_scheduled_backup_without_keys_tells_the_postmaster(machine: Machine) -> None:
    """STORE-187, STORE-141a: in the log, and once by mail; the doctor warns."""
    server = machine.server
    change(
        server.config / "moxlite.toml",
        (("backup",), {"schedule": "24h", "target": str(machine.backups / "repo")}),
    )
    server.start()
    until(lambda: "backup is missing private keys" in server.log(), what="the word in the log")
    found = json.loads(server.cli("--json", "doctor", "--skip-dial", "--skip-mail", check=False).stdout)["findings"]
    assert "backup-without-keys" in [one["code"] for one in found]
    told = [one for one in found if one["code"] == "backup-same-disk"]
    assert told, "it is on the disk of the data"
