"""A backup whose moxlite.toml names places of the machine that it is restored on (ADMIN-52c)."""

import os
import shutil
import ssl
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from moxlite.admin.ownsettings import Settings
from moxlite.admin.quickstart import files
from moxlite.admin.standby.following import Source
from moxlite.admin.standby.layout import FOLLOWED, StandbyState, save
from moxlite.cli import run
from moxlite.cli.backups.takeover import AutomaticTakeover
from moxlite.config.load import load
from moxlite.config.toml.edit import Document
from moxlite.proto.sshurl import parse_object_url
from tests.terminal import Terminal
from tests.tools import write_own

pytestmark = pytest.mark.served

Capture = pytest.CaptureFixture[str]

STATIC = """\
hostname = "mx.example.org"
data_dir = "../data"
user = "0"
[postmaster]
account = "bob"
mailbox = "Inbox"
[listeners.local]
ips = ["127.0.0.1"]
"""
DOMAINS = """\
[domains."example.org"]
[accounts.bob]
domain = "example.org"
[accounts.bob.destinations."bob@example.org"]
"""
AGE = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kdkhmh3rskyt9c"

FAR = {"target": "s3://else/where", "storage_keys_file": "/etc/shadow", "encrypt_to": [AGE]}

ELSEWHERE: list[tuple[str, Any]] = [
    ("user", "root"),
    ("user", "0"),
    ("user", "000"),
    ("data_dir", "/etc/moxlite-data"),
    ("data_dir", "."),
    ("admin_password_file", "/etc/shadow"),
    ("log_file", "/etc/cron.d/moxlite"),
    ("listeners.local.tls", {"key_certs": [{"cert_file": "/etc/ssl/one.pem", "key_file": "/etc/shadow"}]}),
    ("listeners.local.tls", {"key_certs": [{"cert_file": "one.pem", "key_file": "x/../../../etc/shadow"}]}),
    ("tls.ca.cert_files", ["/etc/shadow"]),
    ("acme.ca.ca_cert_file", "/etc/shadow"),
    ("acme.ca.external_account_binding", {"key_id": "1", "key_file": "/etc/shadow"}),
    ("backup", {"target": "/etc/cron.d", "schedule": "24h"}),
    ("backup", {**FAR, "schedule": "24h"}),
    ("backup.rehearsal_identity", "/etc/shadow"),
    ("standby", {"target": "/etc/cron.d", "encrypt_to": [AGE]}),
    ("standby", FAR),
    ("standby.litestream", "/tmp/litestream"),
    ("doctor.command", ["/bin/sh", "-c", "id"]),
    ("oidc.client_secret_file", "/etc/shadow"),
    (
        "updates",
        {"domain": "evil.example", "changelog_url": "https://evil.example/", "public_key": "A" * 43 + "="},
    ),
]


class Restored:
    """A machine out of a full copy of another one."""

    def __init__(self, tmp_path: Path, capsys: Capture) -> None:
        self.folder, self.capsys = tmp_path / "new", capsys
        self.backup = tmp_path / "backup"

    def set(self, key: str, value: object) -> None:
        """Set a value in the moxlite.toml of the copy, which nobody has signed."""
        file = self.backup / "config/moxlite.toml"
        document = Document(file.read_text())
        document.put(tuple(key.split(".")), value)
        file.write_text(str(document))

    def words(self, *more: str) -> list[str]:
        config = self.folder / "config"
        place = ("--config", str(config / "moxlite.toml"))
        return [*place, "restore", str(self.backup), "--with-config", "--config-dir", str(config), *more]

    def restore(self, *more: str) -> tuple[int, str]:
        self.capsys.readouterr()
        code = run(self.words(*more))
        said = self.capsys.readouterr()
        return code, said.out + said.err

    @property
    def text(self) -> str:
        return (self.folder / "config/moxlite.toml").read_text()

    @property
    def settings(self) -> dict[str, Any]:
        return tomllib.loads(self.text)


@pytest.fixture
def restored(tmp_path: Path, capsys: Capture) -> Restored:
    (tmp_path / "config").mkdir()
    (tmp_path / "data/accounts").mkdir(parents=True)
    (tmp_path / "config/moxlite.toml").write_text(STATIC)
    (tmp_path / "config/domains.toml").write_text(DOMAINS)
    config = ("--config", str(tmp_path / "config/moxlite.toml"))
    assert run([*config, "store", "create", "bob"]) == 0
    assert run([*config, "backup", str(tmp_path / "backup")]) == 0
    own = Restored(tmp_path, capsys)
    # As the package makes it: its owner is the user that the server runs as.
    (own.folder / "data").mkdir(parents=True)
    if os.geteuid() == 0:
        os.chown(own.folder / "data", 54321, 54321)
    for key, value in (("oidc", {"issuer": "https://id.example", "client_id": "1"}), ("acme.ca", CA)):
        own.set(key, value)
    return own


CA = {"directory_url": "https://ca.example/", "contact_email": "bob@example.org"}


@pytest.mark.parametrize(("key", "value"), ELSEWHERE)
def test_a_place_of_the_machine_is_not_taken_from_a_backup(restored: Restored, key: str, value: object) -> None:
    """ADMIN-52c, ADMIN-36: without a person, each value is named and left out, and the server starts: the configuration
    is valid, and its user is the owner of the data directory.
    """
    restored.set(key, value)
    code, said = restored.restore()
    assert code == 0, said
    assert "warning: skipped " in said
    assert "To use a skipped setting" in said
    for hostile in ("/etc", '"root', '"0', "evil", "else/where", "/tmp/litestream", "/bin/sh"):
        assert hostile not in restored.text
    static = load(restored.folder / "config/moxlite.toml")[0].static
    assert static.data_dir == restored.folder / "data"
    assert static.user == ("54321" if os.geteuid() == 0 else "moxlite")
    assert not Path("/etc/moxlite-data").exists()


def test_mail_starts_without_a_certificate_of_the_other_machine(restored: Restored) -> None:
    """ADMIN-52c: the listener gets a certificate that it signs itself, so other servers can still use STARTTLS."""
    pair = {"cert_file": "/etc/letsencrypt/one.pem", "key_file": "/etc/letsencrypt/two.pem"}
    restored.set("listeners.local.tls", {"key_certs": [pair]})
    code, said = restored.restore()
    assert (code, "the server uses a self-signed certificate" in said) == (0, True), said
    (made,) = restored.settings["listeners"]["local"]["tls"]["key_certs"]
    folder = restored.folder / "config"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / made["cert_file"], folder / made["key_file"])
    assert (folder / made["key_file"]).stat().st_mode & 0o077 == 0


def test_files_below_the_configuration_come_along(restored: Restored) -> None:
    """ADMIN-52c, STORE-141a: they name no place of the machine; a link there does."""
    (restored.backup / "config/ca.pem").write_text("a certificate\n")
    restored.set("tls.ca.cert_files", ["ca.pem", "/etc/shadow"])
    restored.set("acme.ca.ca_cert_file", "ca.pem")
    (restored.folder / "config/deep").mkdir(parents=True)
    (restored.folder / "config/deep/link").symlink_to("/etc")
    restored.set("oidc.client_secret_file", "deep/link/shadow")
    code, said = restored.restore()
    assert code == 0, said
    assert restored.settings["tls"]["ca"]["cert_files"] == ["ca.pem"]
    assert restored.settings["acme"]["ca"]["ca_cert_file"] == "ca.pem"
    assert "client_secret_file" not in restored.settings["oidc"]
    assert 'skipped oidc.client_secret_file = "deep/link/shadow"' in said


def test_a_person_is_asked_about_each_value(restored: Restored) -> None:
    """ADMIN-52c: at a terminal, with the consequence of no; root is no answer, and not asked about."""
    restored.set("log_file", "/var/log/mox.log")
    restored.set("doctor.command", ["/bin/false"])
    with Terminal([sys.executable, "-m", "moxlite", *restored.words()]) as terminal:
        terminal.answer("Otherwise, the log goes to stderr. [y/N]: ", "y\n")
        terminal.answer("Otherwise, the doctor doesn't run a program. [y/N]: ", "\n")
        assert terminal.end() == 0, terminal.shown
        assert 'skipped user = "0"; ' in terminal.shown
    assert restored.settings["log_file"] == "/var/log/mox.log"
    assert "command" not in restored.settings.get("doctor", {})


def test_the_machines_own_values_are_used(restored: Restored, tmp_path: Path) -> None:
    """ADMIN-52c: they are in a file beside the folder of the configuration, and win; nothing else may be in it. Root as
    this machine's own choice is possible (ADMIN-36), and `config test` warns.
    """
    config = restored.folder / "config"
    restored.set("log_file", "/etc/cron.d/x")
    write_own(config, f'user = "root"\nlog_file = "{tmp_path}/log"\n[standby]\nkeep = "9d"\n')
    code, said = restored.restore()
    assert (code, "standby.keep can't be set here" in said) == (1, True), said
    write_own(config, f'user = "root"\nlog_file = "{tmp_path}/log"\n[backup]\ntarget = "{tmp_path}/b"\n')
    restored.set("backup", {"schedule": "24h"})
    code, said = restored.restore()
    assert (code, "skipped" in said) == (0, False), said
    assert (restored.settings["user"], restored.settings["log_file"]) == ("root", f"{tmp_path}/log")
    assert restored.settings["backup"] == {"schedule": "24h", "target": f"{tmp_path}/b"}
    restored.capsys.readouterr()
    run(["--config", str(config / "moxlite.toml"), "config", "test"])
    said = restored.capsys.readouterr().err
    assert "user: keeps all of root's rights" in said


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root is cheated")
def test_own_values_that_another_user_could_write_are_refused(restored: Restored) -> None:
    """ADMIN-52c, ADMIN-37: else whoever writes them would choose what root reads."""
    config = restored.folder / "config"
    write_own(config, 'user = "root"\n')
    os.chown(config.with_name("config-own.toml"), 54321, 54321)
    code, said = restored.restore()
    assert (code, "users other than root can change this file" in said) == (1, True), said
    assert not (config / "moxlite.toml").exists()


def test_folders_that_the_web_server_will_serve_are_listed(restored: Restored) -> None:
    """ADMIN-52c: they are read with the rights of the service user, so nobody is asked."""
    rule = '[[web_handlers]]\ndomain = "www.example.org"\npath_regexp = "^/x/"\nstatic = { root = "/root" }\n'
    restored.set("listeners.local.webserver_http", {"enabled": True, "port": 8080})
    with (restored.backup / "config/domains.toml").open("a") as file:
        file.write(rule)
    code, said = restored.restore()
    assert (code, "files in /root will be served at www.example.org" in said) == (0, True), said


def test_a_second_machine_lists_values_to_confirm_before_it_takes_over(
    restored: Restored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-52c, STORE-186e, STORE-186h: by `standby status` and the doctor, until they are this machine's own. A
    take-over without a person uses these, and none of the other machine's; the target that it follows is its own.
    """
    copy, config = restored.backup, restored.folder / "config"
    monkeypatch.setattr(files, "FOLLOW_INTO", copy)
    now = time.time()
    save(copy / FOLLOWED, StandbyState(now, "s3://bucket/pair", current=now, host="mx.example.org"))
    (copy / "config/storagekeys").touch()
    standby = {"target": "s3://bucket/pair", "storage_keys_file": "storagekeys", "lease": True, "encrypt_to": [AGE]}
    restored.set("standby", standby)
    restored.set("log_file", "/var/log/mox.log")
    restored.set("doctor.command", ["/bin/false"])

    def said(*words: str) -> tuple[int, str]:
        restored.capsys.readouterr()
        code = run(["--config", str(config / "moxlite.toml"), *words])
        return code, restored.capsys.readouterr().out

    code, lines = said("standby", "status", str(copy))
    assert (code, 'the log goes to stderr, not: log_file = "/var/log/mox.log"' in lines) == (0, True), lines
    assert f"add them to {restored.folder}/config-own.toml" in lines
    code, lines = said("doctor")
    assert (code, lines.count("warning: config-warning: after a takeover, ")) == (5, 3), lines
    write_own(config, 'user = "0"\nlog_file = "/var/log/mox.log"\n')
    code, lines = said("doctor")
    assert (code, lines.count("warning: config-warning: after a takeover, ")) == (5, 1), lines

    (tmp_path / "key").touch()
    source = Source(target=parse_object_url("s3://bucket/pair"), access={}, program=tmp_path, identity=tmp_path / "key")
    given: Settings = {("standby", "target"): "s3://bucket/pair/"}
    succession = AutomaticTakeover(source, copy, str(config), None, given=given, no_drop=True)
    assert succession.hindrance() == ""
    monkeypatch.setattr("sys.stdin", None)  # nobody is asked
    succession._restore(True)
    assert restored.settings["log_file"] == "/var/log/mox.log"
    assert restored.settings["standby"] == standby
    assert "command" not in restored.settings.get("doctor", {})


def test_the_target_of_the_command_is_this_machines_own(restored: Restored, tmp_path: Path) -> None:
    """ADMIN-52c: who restores from a repository has named it, so backups go on there; not those for another folder."""
    repo = tmp_path / "repo"
    for target, kept in ((repo, True), (tmp_path / "elsewhere", False)):
        shutil.rmtree(restored.folder / "config", ignore_errors=True)
        shutil.rmtree(restored.folder / "data")
        shutil.rmtree(repo, ignore_errors=True)
        write_own(restored.folder / "config")
        config = tmp_path / "config/moxlite.toml"
        config.write_text(f'{STATIC}[backup]\nschedule = "24h"\ntarget = "{target}"\n')
        assert run(["--config", str(config), "backup", "--repo", str(repo)]) == 0
        restored.backup = repo
        code, said = restored.restore("--unsigned")
        assert (code, "scheduled backups are off" in said) == (0, not kept), said
        assert (restored.settings.get("backup", {}).get("target") == str(target)) is kept


def test_a_full_text_of_the_configuration_that_is_no_toml_is_an_error(restored: Restored) -> None:
    """ADMIN-52c: and so are keys of other types than the table expects."""
    file = restored.backup / "config/moxlite.toml"
    text = file.read_text()
    for damage in ("x = [", "data_dir = 5", "tls = 1", 'backup = ["a"]', 'log_file = "\\u0000"'):
        file.write_text(damage + "\n" + (text if damage != "x = [" else ""))
        code, said = restored.restore()
        assert code == 1 or "skipped log_file" in said, said
        assert "Traceback" not in said
