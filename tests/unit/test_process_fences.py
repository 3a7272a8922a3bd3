"""Errors that fences of systemd cause, and disks below folders (ADMIN-11a, ADMIN-70)."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest

from moxlite.admin.doctor import backups
from moxlite.admin.doctor.backups import disks_of, share_a_disk
from moxlite.admin.quickstart.files import FOLLOW_INTO, FOLLOW_OPTIONS, follow_unit_file, unit_file
from moxlite.admin.standby.following import Source
from moxlite.cli.backups.takeover import AutomaticTakeover
from moxlite.cli.setup import quickstart
from moxlite.config.load import is_error, load, read_source
from moxlite.config.static import Backup
from moxlite.findings import Finding
from moxlite.process import fences
from moxlite.process.configtest import _hidden, backup_fault
from moxlite.process.errors import REPLACED
from moxlite.process.fences import explain_os_error, hidden, writable_paths
from moxlite.proto.sshurl import parse_object_url
from tests.small_config import DOMAINS, STATIC
from tests.tools import write_own


@pytest.mark.parametrize(
    ("path", "setting"),
    [
        ("/root/cert.pem", "ProtectHome"),
        ("/home/mia/backup", "ProtectHome"),
        ("/tmp/key.pem", "PrivateTmp"),
        ("/etc/moxlite/key.pem", ""),
        ("/homes/key.pem", ""),
    ],
)
def test_paths_that_the_unit_hides_are_known(path: str, setting: str) -> None:
    """ADMIN-11a."""
    assert hidden(Path(path)) == setting


def test_the_second_machine_s_unit_has_the_server_s_fences_and_paths() -> None:
    """STORE-186q: but for what it runs and may write to. Each path to write to is a mount, and no file can be renamed
    from one to another, so that the copy's databases and the data are below the same one; the options are outside of
    the folders that a take-over wants empty.
    """
    config, data = Path("/etc/moxlite/moxlite.toml"), Path("/srv/mail/moxlite")
    serves = unit_file(program="moxlite", config=config, data=data)
    follows = follow_unit_file(program="moxlite", config=config, data=data)
    fences = [unit.partition("ReadWritePaths=")[2].partition("\n")[2] for unit in (serves, follows)]
    assert fences[0] == fences[1]
    assert "SystemCallFilter=" in fences[0]
    for line in (f"RestartPreventExitStatus={REPLACED}", "OOMPolicy=continue"):
        assert all(f"\n{line}\n" in unit for unit in (serves, follows)), line
    packaged = follow_unit_file(program="moxlite", config=config, data=Path("/var/lib/moxlite"))
    (line,) = [one for one in packaged.splitlines() if one.startswith("ReadWritePaths=")]
    paths = [Path(word) for word in line.partition("=")[2].split()]
    for needed in (config.parent, FOLLOW_INTO, Path("/var/lib/moxlite")):
        assert [path for path in paths if needed.is_relative_to(path) and needed != path]
    (shared,) = [path for path in paths if FOLLOW_INTO.is_relative_to(path)]
    assert Path("/var/lib/moxlite").is_relative_to(shared)
    assert not FOLLOW_OPTIONS.is_relative_to(config.parent)
    assert "/srv/mail" in follows


def test_quickstart_knows_the_unit_of_an_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-43, ADMIN-60d: that of the package or `self install`, so that no owner is told to write another one."""
    config, unit = Path("/etc/moxlite/moxlite.toml"), tmp_path / "moxlite.service"
    monkeypatch.setattr(quickstart, "UNITS", (tmp_path / "no.service", unit))
    assert not quickstart._is_packaged(config)
    for waits in (True, False):
        unit.write_text(unit_file(program="moxlite", config=config, data=Path("/var/lib/moxlite"), waits=waits))
        assert quickstart._is_packaged(config) is waits
        assert not quickstart._is_packaged(tmp_path / "moxlite.toml")


def test_a_machine_that_took_over_lets_systemd_start_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186q: within the unit of the second machine nothing serves."""
    words: list[str] = []

    def run(_: str, command: list[str]) -> NoReturn:
        words.extend(command)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execvp", run)
    (tmp_path / "key").touch()
    source = Source(target=parse_object_url("s3://bucket/pair"), access={}, program=tmp_path, identity=tmp_path / "key")
    with pytest.raises(SystemExit):
        AutomaticTakeover(source, tmp_path, str(tmp_path), None, given={}, no_drop=False, unit="m.service").serve()
    assert words == ["systemctl", "start", "--no-block", "m.service"]


def test_a_follower_without_a_unit_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """STORE-186q: where systemd runs the machine, before anything is taken over."""
    (tmp_path / "key").touch()
    source = Source(target=parse_object_url("s3://bucket/pair"), access={}, program=tmp_path, identity=tmp_path / "key")
    for systemd, unit, told_what in ((tmp_path, None, True), (tmp_path / "no", None, False), (tmp_path, "m", False)):
        monkeypatch.setattr(fences, "SYSTEMD", systemd)
        AutomaticTakeover(source, tmp_path, str(tmp_path), None, given={}, no_drop=False, unit=unit)
        assert ("use the unit moxlite-follow" in capsys.readouterr().err) is told_what


def test_no_lease_is_taken_where_the_unit_lets_nothing_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186h, STORE-186q: a data directory elsewhere is told, with what to do, before anything depends on it."""
    config = tmp_path / "copy/config"
    config.mkdir(parents=True)
    (config / "moxlite.toml").write_text(f'user = "0"\n{STATIC}')
    (config / "domains.toml").write_text(DOMAINS)
    (tmp_path / "key").touch()
    source = Source(target=parse_object_url("s3://bucket/pair"), access={}, program=tmp_path, identity=tmp_path / "key")
    place = tmp_path / "elsewhere"
    place.mkdir()
    succession = AutomaticTakeover(
        source,
        tmp_path / "copy",
        str(tmp_path / "config"),
        str(place / "data"),
        given={},
        no_drop=False,
        unit="moxlite.service",
    )
    write_own(tmp_path / "config")
    assert succession.hindrance() == ""
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != place and access(path, mode))
    assert f"ReadWritePaths={place}" in succession.hindrance()


def test_an_error_names_the_fence_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-11a: only where systemd has started the server; a read-only folder has its cure in words."""
    missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    monkeypatch.delenv("INVOCATION_ID", raising=False)
    assert explain_os_error(missing, Path("/root/key.pem")) == "No such file or directory"
    monkeypatch.setenv("INVOCATION_ID", "x")
    assert "ProtectHome" in explain_os_error(missing, Path("/root/key.pem"))
    assert explain_os_error(missing, Path("/etc/moxlite/key.pem")) == "No such file or directory"
    read_only = explain_os_error(OSError(errno.EROFS, os.strerror(errno.EROFS)), Path("/mnt/bk"))
    assert "systemctl edit moxlite" in read_only
    assert "ReadWritePaths=/mnt/bk" in read_only


def test_the_unit_says_where_the_server_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-11a: by the word of systemctl; nothing is known without systemd, or a unit that keeps the server in."""
    program = tmp_path / "systemctl"
    program.write_text(
        "#!/bin/sh\necho LoadState=loaded\necho ProtectSystem=strict\n"
        "echo ReadWritePaths=/etc/moxlite /var/lib/moxlite -/var/backups/moxlite\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(fences, "SYSTEMD", tmp_path / "missing")
    assert writable_paths() is None
    monkeypatch.setattr(fences, "SYSTEMD", tmp_path)
    assert writable_paths() == [Path("/etc/moxlite"), Path("/var/lib/moxlite"), Path("/var/backups/moxlite")]
    fault = backup_fault(Backup(target=tmp_path / "repo"), (os.getuid(), os.getgid()), Path.read_bytes)
    assert f"ReadWritePaths={tmp_path}/repo" in fault
    program.write_text("#!/bin/sh\necho LoadState=not-found\n")
    assert writable_paths() is None


def test_what_the_unit_hides_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-11a: by the settings that are in effect; a warning while there is no unit."""
    config = tmp_path / "etc"
    config.mkdir()
    (config / "moxlite.toml").write_text(
        f'{STATIC}[tls.ca]\nadditional_to_system = true\ncert_files = ["/root/ca.pem"]\n'
    )
    (config / "domains.toml").write_text(DOMAINS)
    program = tmp_path / "systemctl"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(fences, "SYSTEMD", tmp_path)
    snapshot = load(config / "moxlite.toml")[0]
    static, domains = (read_source(config / name) for name in ("moxlite.toml", "domains.toml"))

    def others(findings: Iterable[Finding]) -> list[str]:
        """The folders of this test are hidden, too, where they are below /tmp or a home."""
        return [finding.text for finding in findings if str(tmp_path) not in finding.text]

    def found(*lines: str) -> tuple[list[str], list[str]]:
        program.write_text("#!/bin/sh\n" + "".join(f"echo {line}\n" for line in lines))
        program.chmod(0o755)
        findings = _hidden(snapshot, static, domains)
        return others(filter(is_error, findings)), others(one for one in findings if not is_error(one))

    text = "systemd hides /root/ca.pem from the server (ProtectHome in its unit)"
    assert found("LoadState=loaded", "ProtectHome=yes", "PrivateTmp=yes") == ([text], [])
    assert found("LoadState=loaded", "ProtectHome=read-only", "PrivateTmp=yes") == ([], [])
    refused, doubtful = found("LoadState=not-found")
    assert refused == []
    assert text in doubtful


def test_a_folder_for_backups_is_tried(tmp_path: Path) -> None:
    """ADMIN-11a, ADMIN-70: the nearest folder that exists counts, and nothing is left in it."""
    assert backup_fault(Backup(target=tmp_path / "new" / "repo"), None, Path.read_bytes) == ""
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    assert backup_fault(Backup(target=tmp_path / "file"), None, Path.read_bytes) == f"{tmp_path}/file isn't a folder"


def test_folders_of_one_disk_are_told_from_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-70: two partitions of a disk are one, a file system in memory is another."""
    assert share_a_disk(tmp_path, tmp_path / "missing" / "repo")
    assert not share_a_disk(tmp_path, Path("/proc"))
    blocks = tmp_path / "blocks"
    for disk, parts in (("sda", ("sda1", "sda2")), ("sdb", ("sdb1",))):
        for part in parts:
            (blocks / disk / part).mkdir(parents=True)
            (blocks / disk / part / "partition").touch()
    (blocks / "dm-0" / "slaves").mkdir(parents=True)
    (blocks / "dm-0" / "slaves" / "sda2").symlink_to("../../sda/sda2")
    device = tmp_path.stat().st_dev
    monkeypatch.setattr(backups, "BLOCKS", blocks)
    monkeypatch.setattr(backups, "MOUNTS", tmp_path / "no mounts")
    for name, disk in (("sda/sda1", "sda"), ("sdb/sdb1", "sdb"), ("dm-0", "sda")):
        link = blocks / f"{os.major(device)}:{os.minor(device)}"
        link.unlink(missing_ok=True)
        link.symlink_to(name)
        assert disks_of(tmp_path) == {disk}


def test_the_disk_of_a_mount_with_any_name_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-70: the system writes blanks as octal numbers, and other octets as they are."""
    mounts = tmp_path / "mounts"
    monkeypatch.setattr(backups, "MOUNTS", mounts)
    for name in ("backup", "Sicherung für Mia", "no\xa0break", "caf\udce9"):
        folder = tmp_path / name
        folder.mkdir()
        place = os.fsencode(folder).replace(b" ", rb"\040")
        mounts.write_bytes(
            b"22 1 8:1 / / rw - ext4 root rw\n40 22 8:17 / %s rw,relatime shared:1 - tmpfs other rw\n" % place
        )
        monkeypatch.setattr(backups, "BLOCKS", tmp_path / "none")
        assert not share_a_disk(tmp_path, folder / "repo"), name
