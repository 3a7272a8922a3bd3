"""A server as an owner has it: made by quickstart as root, started by root behind the fences of its unit, with a
service user of its own. Files that pages and commands make must be the server's to use, also after a restart.
"""

import os
import shutil
import stat
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from moxlite.process import configtest, fences
from tests.admincalls import AdminCaller
from tests.machine import hindrance_to_nets
from tests.pages import commands
from tests.quickstarted import FencedServer
from tests.rootserver import UID, hindrance
from tests.running import make_certificate
from tests.tools import until

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.skipif(bool(hindrance()), reason=hindrance() or "-"),
]

HEAD = "# Made by `moxlite quickstart`."
CHANGED = "a password of the page"


@pytest.fixture
def server() -> Iterator[FencedServer]:
    """Made by quickstart, not started yet; with a folder for backups."""
    if why := hindrance_to_nets():
        pytest.skip(f"this machine allows no fences: {why}")
    with tempfile.TemporaryDirectory(prefix="moxlite-real-") as name:
        Path(name).chmod(0o755)
        found = FencedServer(Path(name) / "server")
        found.backups.mkdir()
        os.chown(found.backups, UID, UID)
        found.write(f'\n[backup]\nschedule = "24h"\ntarget = "{found.backups}/repo"\n')
        try:
            yield found
        finally:
            if hasattr(found, "process"):
                found.stop()


def owner_of(server: FencedServer) -> AdminCaller:
    """The owner's browser, logged in with the password that quickstart printed."""
    owner = AdminCaller(server.ports["admin_http"], server.passwords["admin"])
    owner.log_in()
    return owner


def ownership(path: Path) -> tuple[int, int, int]:
    """User, group and mode."""
    found = path.stat()
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


def told_of_permissions(server: FencedServer) -> list[str]:
    """What the doctor, as root, would have the next start change."""
    done = server.cli("doctor", "--skip-dial", "--skip-mail", check=False)
    return [line for line in done.stdout.splitlines() if "permissions:" in line]


def add_second_step(owner: AdminCaller) -> str:
    """Set up an authenticator app of the administrator; a recovery code."""
    phone = pyotp.TOTP(owner.call("totp_begin", name="phone")["secret"])
    codes: list[str] = owner.call("totp_finish", code=phone.now())["recovery_codes"]
    return codes[0]


def fetch_compressed(server: FencedServer, owner: AdminCaller) -> None:
    """Have the web server keep a compressed copy of a file in its folder for that, which it makes."""
    site = server.folder.with_name("site")
    site.mkdir()
    (site / "big.txt").write_text("hello\n" * 50_000)
    before = owner.call("settings", path=[])["values"]
    rule = {"domain": "localhost", "path_regexp": "^/", "dont_redirect_plain_http": True, "compress": True}
    rules = [{**rule, "static": {"root": str(site)}}]
    owner.call("settings_save", path=[], before=before, after={**before, "web_handlers": rules})
    request = urllib.request.Request(f"http://localhost:{server.ports['webserver_http']}/big.txt")
    request.add_header("accept-encoding", "gzip")

    def kept() -> bool:
        with urllib.request.urlopen(request, timeout=30) as page:
            assert page.headers["content-encoding"] == "gzip"
            page.read()
        return any((server.folder / "data/httpcompresscache").glob("*"))

    until(kept, what="the compressed copy of a file that was not changed for 2 s", pause=0.5)


@pytest.mark.nightly
def test_changes_of_pages_and_commands_outlive_restarts(server: FencedServer) -> None:
    """ADMIN-37, ADMIN-40, WEB-60, WEB-80, WEB-81, WEB-82, WEB-88, ADMIN-12, ADMIN-70, STORE-141: with the fences of the
    unit, the admin app adds and disables domains, accounts and aliases, makes, chooses and removes DKIM keys, changes
    settings, makes a backup, sets the second step and the password; commands of root change the same files. Comments
    stay, all files are the service user's, no warning of the doctor follows, and after restarts all is there.
    """
    server.start()
    owner = owner_of(server)
    owner.call("config_domain_add", domain="second.example", account="bob", localpart="bob")
    owner.call("config_domain_disable", domain="second.example")
    owner.call("account_add", name="eve", address="eve@example.org")
    owner.call("account_password", name="eve", password="eve's own long words")
    owner.call("config_alias_add", alias="team@example.org", members=["eve@example.org", "you@example.org"])
    owner.call("selector_add", domain="second.example", selector="new", algorithm="ed25519")
    path = ["domains", "second.example", "dkim"]
    values = owner.call("settings", path=path)["values"]
    owner.call("settings_save", path=path, before=values, after={**values, "sign": ["new"]})
    owner.call("selector_remove", domain="second.example", selector=next(iter(values["sign"])))
    fetch_compressed(server, owner)
    owner.call("queue_holdrules_add", account="eve", sender="", recipient="")
    owner.call("backup_run")
    until(lambda: (owner.call("backups")["run"] or {}).get("ended"), what="the backup", pause=0.2)
    run = owner.call("backups")["run"]
    assert (run["errors"], [line for line in run["warnings"] if "unknown" in line]) == ([], [])
    code = add_second_step(owner)
    owner.call("password_change", password=CHANGED)
    owner.password = CHANGED

    server.cli("config", "account", "add", "zed", "zed@example.org")
    server.cli("config", "domain", "add", "third.example", "zed")
    server.cli("account", "set-password", "zed", stdin="the words of zed\n")

    config, data = server.config.parent, server.folder / "data"
    assert ownership(config / "adminpasswd") == (UID, UID, 0o600)
    assert ownership(config / "domains.toml") == (UID, UID, 0o640)
    assert ownership(server.config) == (0, UID, 0o640)
    keys = list((config / "dkim").rglob("*.pem"))
    assert {ownership(one) for one in keys} == {(UID, UID, 0o600)}
    assert "old" in {one.parent.name for one in keys}
    assert {one.stat().st_uid for one in data.rglob("*")} == {UID}
    assert {one.stat().st_gid for one in data.rglob("*")} == {0}
    assert told_of_permissions(server) == []
    domains = (config / "domains.toml").read_text()
    assert domains.startswith(HEAD)
    assert server.cli("config", "test").stdout == "config OK\n"

    for _ in range(2):
        server.restart()
        assert "permissions" not in server.log(), "nothing was to be put right"
    assert (config / "domains.toml").read_text() == domains
    owner.log_in(code)
    assert [one["name"] for one in owner.call("accounts")["accounts"]] == ["bob", "eve", "you", "zed"]
    assert {one["domain"]: one["disabled"] for one in owner.call("domains")} == {
        "example.org": False,
        "second.example": True,
        "third.example": False,
    }
    detail = owner.call("domain", domain="second.example")
    assert [(one["selector"], one["signs"], one["problem"]) for one in detail["selectors"] if one["signs"]] == [
        ("new", True, "")
    ]
    assert [one["address"] for one in owner.call("domain", domain="example.org")["aliases"]] == ["team@example.org"]
    assert len(owner.call("queue_holdrules_list")) == 1
    assert owner.call("backups")["snapshots"]
    owner.call("config_domain_enable", domain="second.example")
    owner.call("selector_add", domain="third.example", selector="later", algorithm="rsa")
    server.cli("admin", "reset-second-factor")
    server.cli("admin", "set-password", stdin="another one by root\n")
    owner.password = "another one by root"
    owner.log_in()
    owner.call("password_change", password=CHANGED)
    assert server.cli("healthcheck").returncode == 0


@pytest.mark.nightly
def test_files_that_root_made_for_itself_are_opened_to_the_server(server: FencedServer) -> None:
    """ADMIN-37, WEB-31, WEBMAIL-7, ADMIN-70: with umask 077 root puts a style and the certificate of an
    authority beside moxlite.toml: the doctor tells of the style, and the start makes both readable for the service
    user, but no key.
    """
    server.start()
    config = server.config.parent
    style = config / "webmail.css"
    style.write_text(":root { --accent: teal }")
    style.chmod(0o600)
    address = f"http://127.0.0.1:{server.ports['webmail_http']}/webmail/"
    with pytest.raises(urllib.error.HTTPError, match="500"):
        urllib.request.urlopen(address, timeout=30)
    assert f"file={style}" in server.log()
    [warning] = told_of_permissions(server)
    assert str(style) in warning

    certificate, key = make_certificate(config / "authority")
    for path in (certificate, key):
        path.chmod(0o600)
    server.write('\n[tls.ca]\nadditional_to_system = true\ncert_files = ["authority/cert.pem"]\n')
    assert server.cli("config", "test").stdout == "config OK\n"
    server.restart()
    assert ownership(style) == ownership(certificate) == (0, UID, 0o640)
    assert ownership(key) == (0, UID, 0o600)
    with urllib.request.urlopen(address, timeout=30) as page:
        assert b"--accent: teal" in page.read()


def test_config_test_tells_what_the_service_user_may_not_open(server: FencedServer) -> None:
    """ADMIN-11a: a log file in a folder of root's, the certificate of an authority and a password that only root can
    read, outside of the folder of the configuration, and a site that only root may enter: the server starts without.
    """
    elsewhere = server.folder.with_name("elsewhere")
    certificate, _ = make_certificate(elsewhere)
    certificate.chmod(0o600)
    shutil.copy(server.config.parent / "adminpasswd", elsewhere / "passwd")
    text = server.config.read_text()
    text = text.replace('admin_password_file = "adminpasswd"', f'admin_password_file = "{elsewhere}/passwd"')
    server.config.write_text(
        f'log_file = "{elsewhere}/moxlite.log"\n{text}\n[tls.ca]\ncert_files = ["{certificate}"]\n'
    )
    site = elsewhere / "site"
    site.mkdir(mode=0o700)
    rule = f'domain = "example.org"\npath_regexp = "^/"\nstatic = {{ root = "{site}" }}\n'
    with (server.config.parent / "domains.toml").open("a") as domains:
        domains.write(f"\n[[web_handlers]]\n{rule}")
    done = server.cli("config", "test")
    assert f"the server can't open {site}: Permission denied" in done.stderr + done.stdout
    assert f"the server can't write {elsewhere}/moxlite.log: Permission denied" in done.stderr + done.stdout
    assert f"install -d -o {UID} -m 0750" in done.stderr + done.stdout
    assert f"the server can't read {certificate}: Permission denied" in done.stderr + done.stdout
    assert f"warning: {server.config}" in done.stderr + done.stdout
    assert f"the server can't read {elsewhere}/passwd: Permission denied" in done.stderr + done.stdout
    assert not (elsewhere / "moxlite.log").exists()

    os.chown(elsewhere, UID, UID)
    for path in elsewhere.iterdir():
        os.chown(path, UID, UID)
    assert server.cli("config", "test").stdout == "config OK\n"
    assert not (elsewhere / "moxlite.log").exists()
    unit = server.cli("config", "printservice").stdout
    assert f"ReadWritePaths={server.folder}/config {server.folder}/data -{server.backups}/repo -{elsewhere}\n" in unit


SYSTEMCTL = """\
#!/bin/sh
echo LoadState=loaded
echo ProtectSystem=strict
echo PrivateTmp=no
echo ReadWritePaths={config} {data} $(sed -n 's/^ReadWritePaths=//p' {dropin}/*.conf 2>/dev/null)
"""
"""Answers for the unit of `config printservice`, with a drop-in where there is one."""


def test_the_data_moves_to_another_disk_as_the_page_says(server: FencedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-11b: docs/growing.md, command by command; without its drop-in, `config test` says what to write, and of a
    new folder, that it lacks the mail.
    """
    top, config, data = server.folder.parent, server.config.parent, server.folder / "data"
    (top / "disk").mkdir()
    (top / "systemctl").write_text(SYSTEMCTL.format(config=config, data=data, dropin=top / "unit.d"))
    (top / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(top), prepend=os.pathsep)
    monkeypatch.setattr(fences, "SYSTEMD", top)
    server.config.write_text(server.config.read_text().partition("[backup]")[0])
    server.start()
    assert server.stop() == 0

    def mistakes() -> list[str]:
        return [finding.text for finding in configtest.test_config(server.config, machine=True)]

    places = {"/etc/systemd/system/moxlite.service.d": "unit.d", "/var/lib/moxlite": "server/data"}
    places |= {"/mnt/usb": "disk", "/etc/moxlite": "server/config"}
    for command in commands("growing.md", "Move your data to another disk"):
        for place, own in places.items():
            command = command.replace(place, str(top / own))
        if command.startswith("mkdir"):
            (mistake,) = mistakes()
            assert f"ReadWritePaths={top}/disk/moxlite" in mistake
        if command == "moxlite config test":
            assert mistakes() == []
        elif not command.startswith("systemctl"):
            subprocess.run(["sh", "-ec", command], check=True)
    server.backups = top / "disk"
    server.start()
    assert (top / "disk/moxlite/ctl").exists()
    assert server.stop() == 0
    server.config.write_text(server.config.read_text().replace("disk/moxlite", "disk/empty"))
    assert f"{top}/disk/empty is new, but {data} has data" in mistakes()[-1]


def test_a_backup_is_not_written_where_it_would_be_lost(server: FencedServer) -> None:
    """STORE-141, ADMIN-40: with PrivateTmp the server has another /tmp than its owner, and systemd removes it: a backup
    into it is refused in words. One into a folder that the fences close names the cure.
    """
    server.start()
    place = f"/tmp/moxlite-backup-{os.getpid()}"
    done = server.cli("backup", place, check=False)
    assert (done.returncode, Path(place).exists()) == (1, False)
    assert "PrivateTmp" in done.stderr
    assert "can't back up to" in done.stderr
    closed = server.cli("backup", "/srv/moxlite-backup", check=False)
    assert closed.returncode == 1
    assert "ReadWritePaths=/srv/moxlite-backup" in closed.stderr
    assert server.cli("backup", str(server.backups / "whole")).returncode == 0
    assert server.cli("verifydata", str(server.backups / "whole")).returncode == 0
