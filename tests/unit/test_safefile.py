"""Files that may have been planted (ADMIN-37): links, second names, owners; root acting as the service user."""

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from moxlite.cli import run
from moxlite.net.log import LogfmtFormatter, LogHandler
from moxlite.process.errors import StartFailed
from moxlite.process.keys import load_key
from moxlite.process.lock import DataLock
from moxlite.process.permissions import NamedFiles, fix_config, fix_data
from moxlite.process.startup import start
from moxlite.process.stopped import stopped
from moxlite.safefile import check_regular, key_file, open_regular, openings, replaceable
from moxlite.store.backup.copying import back_up
from moxlite.store.backup.layout import Source
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.options import Options

UID, GID = 12345, 12346
TEXT = b"not ours"

needs_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A file elsewhere, which must stay as it is."""
    path = tmp_path / "other"
    path.write_bytes(TEXT)
    path.chmod(0o604)
    return path


@pytest.fixture(params=["symbolic", "hard", "dangling"])
def planted(request: pytest.FixtureRequest, tmp_path: Path, other: Path) -> Iterator[Path]:
    """A link in a folder, as one that took the service over would leave it."""
    path = tmp_path / "data" / "planted"
    path.parent.mkdir()
    if request.param == "hard":
        path.hardlink_to(other)
    else:
        path.symlink_to(other if request.param == "symbolic" else tmp_path / "made")
    yield path
    assert other.read_bytes() == TEXT
    assert not (tmp_path / "made").exists()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that all users may enter, which pytest's are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_links_are_not_opened_emptied_or_made(planted: Path) -> None:
    """ADMIN-37: lock, key, database and its log, log file."""
    for flags in (os.O_RDONLY, os.O_RDWR | os.O_CREAT, os.O_RDWR | os.O_CREAT | os.O_TRUNC):
        with pytest.raises(OSError, match=r"link|level"):
            open_regular(planted, flags)
    with pytest.raises(OSError, match="link"):
        check_regular(planted)
    with pytest.raises(OSError, match=r"link|level"):
        DataLock(planted)
    with pytest.raises(OSError, match="link"):
        open_file(planted, Kind.AUTH, Options(), create=True)
    with pytest.raises(OSError, match=r"link|level"):
        LogHandler(LogfmtFormatter(timestamps=False), path=planted)
    planted.rename(planted.with_name("receivedid.key"))
    with pytest.raises(OSError, match=r"link|level"):
        load_key(planted.parent)


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """ADMIN-37: opening a pipe does not wait either."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="isn't a regular file"):
        open_regular(tmp_path / "pipe", os.O_RDONLY)


@needs_root
def test_who_else_could_replace_a_file_is_told(tmp_path: Path) -> None:
    """ADMIN-37: owners and modes of the file, of the folders above it, and of links on the way."""
    folder = tmp_path / "config"
    folder.mkdir(mode=0o750)
    path = folder / "moxlite.toml"
    path.write_text("")
    path.chmod(0o640)
    assert replaceable(path) == ""
    path.chmod(0o666)
    assert "other than root" in replaceable(path)
    path.chmod(0o640)
    os.chown(folder, 0, GID)
    folder.chmod(0o770)
    assert "other than root" in replaceable(path)
    folder.chmod(0o3770)  # sticky: what root owns stays
    assert replaceable(path) == ""
    (folder / "mine").symlink_to(path)
    os.chown(folder / "mine", UID, GID, follow_symlinks=False)
    assert str(UID) in replaceable(folder / "mine")
    os.chown(path, UID, GID)
    assert str(UID) in replaceable(path)
    with pytest.raises(StartFailed, match="other users can change"):
        start(path)


@needs_root
def test_all_openings_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """ADMIN-37, ADMIN-66: by the start, with the commands that end them, and by `config test`; a link into nowhere
    hides none.
    """
    folder = tmp_path / "config"
    folder.mkdir()
    folder.chmod(0o770)  # whatever the umask is
    path = folder / "moxlite.toml"
    path.write_text('user = "nobody"\n')
    path.chmod(0o666)
    for one in (path, folder):
        os.chown(one, UID, GID)
    wanted = [
        f"{folder} belongs to user {UID}",
        f"{folder} can be changed by users other than root",
        f"{path} belongs to user {UID}",
        f"{path} can be changed by users other than root",
    ]
    assert [one.words for one in openings(path)] == wanted
    with pytest.raises(StartFailed) as caught:
        start(path)
    assert all(one in str(caught.value) for one in wanted)
    assert f"chown -h root {folder}; chmod go-w {folder}; chown -h root {path}; chmod go-w {path}" in str(caught.value)
    assert run(["--config", str(path), "config", "test"]) == 1
    said = capsys.readouterr().err
    assert all(one in said for one in wanted)
    path.unlink()
    path.symlink_to("nowhere")
    with pytest.raises(StartFailed, match="belongs to user"):
        start(path)
    for opening in openings(path):
        subprocess.run(opening.cure, shell=True, check=True)
    with pytest.raises(FileNotFoundError):
        openings(path)


@needs_root
def test_permissions_are_put_right_and_links_left_alone(tmp_path: Path, other: Path) -> None:
    """ADMIN-37: owners and modes of config and data; each change is a line; a second time there is none."""
    config, data = tmp_path / "config", tmp_path / "data"
    for name in (
        "config/keys",
        "config/dkim/old",
        "config/dkim/of-root",
        "config/dns",
        "data/accounts/mia",
        "data/standby",
    ):
        (tmp_path / name).mkdir(parents=True)
    files = {
        "config/moxlite.toml": 0o666,
        "config/domains.toml": 0o644,
        "config/adminpasswd": 0o600,
        "config/keys/root.key": 0o600,
        "config/keys/own.pem": 0o644,
        "config/webmail.css": 0o600,
        "config/keys/authority.pem": 0o600,
        "config/dkim/old/a.pem": 0o600,
        "config/dns/example.org.provider": 0o600,
        "data/lock": 0o640,
        "data/accounts/mia/account.db": 0o666,
    }
    for name, mode in files.items():
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(mode)
    os.chown(config / "keys/own.pem", 999, 999)
    os.chown(config / "dkim/old", UID, UID)
    (data / "standby").chmod(0o700)
    (data / "link").symlink_to(other)
    (data / "hard").hardlink_to(other)
    (data / "folder").symlink_to(tmp_path)

    settings = {
        "admin_password_file": "adminpasswd",
        "acme": {"own": {"ca_cert_file": "keys/authority.pem"}, "wrong": 1},
        "tls": {"ca": {"cert_files": [str(other), 2]}},
        "backup": "wrong, which is reported later",
    }
    named = NamedFiles.of(settings, config)
    assert named.read == {
        ("tls", "ca", "cert_files", 0): other,
        ("acme", "own", "ca_cert_file"): config / "keys/authority.pem",
    }

    def fix() -> list[str]:
        lines = fix_config(config / "moxlite.toml", "domains.toml", data, UID, GID, named=named)
        return lines + fix_data(data, UID)

    lines = fix()

    def has(name: str) -> tuple[int, int, int]:
        found = (tmp_path / name).stat()
        return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)

    assert has("config") == has("config/keys") == (0, GID, 0o3770)
    assert has("config/moxlite.toml") == (0, GID, 0o640)
    assert has("config/domains.toml") == (UID, GID, 0o640)
    assert has("config/adminpasswd") == (UID, GID, 0o600), "the server reads it, and replaces it"
    assert has("config/keys/root.key") == (0, GID, 0o600)
    assert has("config/keys/own.pem") == (UID, GID, 0o640)
    assert has("config/webmail.css") == has("config/keys/authority.pem") == (0, GID, 0o640), "the server reads them"
    assert has("config/dkim") == has("config/dkim/of-root") == (0, GID, 0o3770)
    assert has("config/dkim/old") == (UID, GID, 0o2750), "as the server makes it"
    assert has("config/dkim/old/a.pem") == has("config/dns/example.org.provider") == (UID, GID, 0o600)
    assert has("data") == has("data/accounts/mia") == (UID, 0, 0o2750)
    assert has("data/standby") == (UID, 0, 0o2700), "as the server makes it"
    assert has("data/lock") == (UID, 0, 0o640)
    assert has("data/accounts/mia/account.db") == (UID, 0, 0o660)
    assert has("other") == (0, 0, 0o604)
    assert has(".")[0] == 0
    assert any("account.db" in line and f"is now {UID}:0 0660" in line for line in lines)
    assert any("multiple hard links" in line for line in lines)
    assert [line for line in fix() if "is now" in line] == []


@needs_root
def test_a_backup_names_a_key_that_only_root_can_read(open_folder: Path) -> None:
    """ADMIN-50, STORE-141: it is left out, and the backup is whole."""
    data, config, out = (open_folder / name for name in ("data", "config", "out"))
    for folder in (data, config, out):
        folder.mkdir()
        os.chown(folder, UID, GID)
    (config / "tls.key").write_bytes(TEXT)
    (config / "tls.key").chmod(0o600)
    for readable in (config / "moxlite.toml", data / "version"):
        readable.write_bytes(TEXT)
        readable.chmod(0o644)  # whatever the umask is
    with stopped(data):
        report = back_up(Source(data, config, frozenset()), out / "first")
    assert report.errors == []
    assert [line for line in report.warnings if "tls.key: skipped" in line]
    assert not (out / "first" / "INCOMPLETE").exists()
    assert (out / "first/config/moxlite.toml").read_bytes() == TEXT


def test_a_key_that_a_killed_process_left_empty_is_made(tmp_path: Path) -> None:
    """ADMIN-37: the file was there, its octets were not; two that make it at once agree."""
    path = tmp_path / "some.key"
    path.touch(mode=0o600)
    assert key_file(path, 32, create=False) == b""
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: key_file(path, 32, create=True), range(8)))
    assert [len(key) for key in keys] == [32]
    assert keys == {path.read_bytes()}
    path.chmod(0o400)
    assert key_file(path, 32, create=True) in keys


@needs_root
def test_root_works_on_the_data_as_its_owner(open_folder: Path) -> None:
    """ADMIN-19, ADMIN-37: what a command makes is the server's to use, and it may no more than its user."""
    data = open_folder / "data"
    data.mkdir()
    os.chown(data, UID, GID)
    secret = open_folder / "secret"
    secret.write_bytes(TEXT)
    secret.chmod(0o600)
    with stopped(data):
        open_file(data / "queue.db", Kind.QUEUE, Options(min_free_space=0), create=True).close()
        with pytest.raises(PermissionError):
            secret.read_bytes()
    assert secret.read_bytes() == TEXT
    assert {path.stat().st_uid for path in data.iterdir()} == {UID}
