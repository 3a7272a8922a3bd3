"""Backups that strangers made or changed, and folders with planted links: nothing is written elsewhere (STORE-145a)."""

import contextlib
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest
import trio

from moxlite.safefile import Tree, plain_parts
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.layout import Source, restored_mode
from moxlite.store.backup.packs import Entry, encode, snapshot_id
from moxlite.store.backup.repository import Repository, create_repository
from moxlite.store.backup.restore import restore
from moxlite.store.backup.storage import Folder
from moxlite.store.backup.verify import check_plain
from moxlite.store.errors import BadTarget, RepositoryError
from moxlite.store.options import Options
from tests.store_fixtures import accounts
from tests.store_mail import put

__all__ = ["accounts", "store_options"]


@pytest.fixture
def store_options() -> Options:
    return Options(min_free_space=0)


@pytest.fixture
async def repo(accounts: Accounts, tmp_path: Path) -> Path:
    """A plain repository with one snapshot."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "moxlite.toml").write_text("hostname = 'mx.example'\n")
    async with accounts.use("mia") as account:
        await put(account, 1)
    place = Folder(tmp_path / "repo")
    create_repository(place, tmp_path / "data")
    source = Source(tmp_path / "data", config, frozenset({"mia", "ben"}))
    await trio.to_thread.run_sync(partial(Repository(place).back_up, source))
    return tmp_path / "repo"


def add(repo: Path, *paths: str, mode: int = 0o640) -> None:
    """Add a snapshot in which the content of moxlite.toml has these paths, too."""
    manifest = Repository(Folder(repo)).manifest()
    (one,) = [entry for entry in manifest.entries if entry.path == "config/moxlite.toml"]
    more = tuple(Entry(path, one.size, mode, one.blocks) for path in paths)
    changed = msgspec.structs.replace(manifest, entries=(*manifest.entries, *more))
    (repo / "snapshots" / snapshot_id(manifest.created + 1)).write_bytes(encode(changed))


@pytest.mark.parametrize(
    "path",
    [
        "{outside}/planted",
        "/{outside}/planted",
        "../planted",
        "data/../../planted",
        "data/./planted",
        "data//planted",
        "data/a\0b",
        "data/a\nb",
        "planted",
        "data",
        "other/planted",
        "INCOMPLETE/planted",
        "",
        ".",
        "config",
        "config/moxlite.toml",
        "data/" + "d/" * 60 + "planted",
        "data/" + "n" * 300,
    ],
)
async def test_paths_that_no_backup_has_are_refused_before_anything_is_written(
    repo: Path, tmp_path: Path, path: str
) -> None:
    """STORE-145a: absolute ones, with dots, NUL, empty parts, another tree, one that is there twice."""
    outside = tmp_path / "outside"
    outside.mkdir()
    add(repo, path.format(outside=outside))
    with pytest.raises(RepositoryError, match=r"the manifest (contains an invalid path|lists the same file twice)"):
        Repository(Folder(repo)).extract(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "given"),
    [(0o104755, 0o640), (0o7777, 0o640), (0o644, 0o640), (0o600, 0o600), (0o2711, 0o600), (0o660, 0o640), (0, 0o600)],
)
async def test_no_file_gets_more_permissions_than_a_restored_file_has(
    repo: Path, tmp_path: Path, asked: int, given: int
) -> None:
    """STORE-145a, ADMIN-37: no set-user-id, nothing for others, for the group no more than the manifest says."""
    add(repo, "data/planted", mode=asked)
    Repository(Folder(repo)).extract(tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out/data/planted").stat().st_mode) == given == restored_mode(asked)


async def test_links_and_devices_of_a_full_backup_are_not_followed(
    repo: Path, tmp_path: Path, store_options: Options
) -> None:
    """STORE-145a: a folder of the backup that is a link, a database that is one; links among small files stay out, and
    the mode of a file is that of a restored file.
    """
    backup, data = tmp_path / "out", tmp_path / "new"
    Repository(Folder(repo)).extract(backup)
    (backup / "data/planted").symlink_to("/etc/passwd")
    (backup / "data/suid").write_text("x")
    (backup / "data/suid").chmod(0o4755)
    os.mkfifo(backup / "data/pipe")
    data.mkdir()
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "kept").write_text("x")
    (data / "tmp").symlink_to(victim)
    restore(backup, data, store_options, resume_queue=False)
    assert sorted(one.name for one in data.iterdir()) == ["accounts", "suid", "tmp"]
    assert stat.S_IMODE((data / "suid").stat().st_mode) == 0o640
    assert [one.name for one in victim.iterdir()] == ["kept"]
    moved = tmp_path / "moved"
    (backup / "data/accounts").rename(moved)
    (backup / "data/accounts").symlink_to(moved)
    with pytest.raises(OSError, match="is a symbolic link"):
        restore(backup, tmp_path / "third", store_options, resume_queue=False)


def test_a_full_backup_has_only_files_and_folders(tmp_path: Path) -> None:
    """STORE-145a: a command of root reads no link, and waits for no pipe; a copied data directory has a socket."""
    backup = tmp_path / "backup"
    (backup / "data/accounts/mia").mkdir(parents=True)
    for name in ("data/queue.db", "data/accounts/mia/account.db"):
        (backup / name).touch()
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(str(backup / "data/ctl"))
        check_plain(backup)
    plants: list[Callable[[Path], None]] = [os.mkfifo, lambda path: path.symlink_to("/etc")]
    for plant in plants:
        for name in ("config", "data/version", "data/accounts/mia/x"):
            plant(backup / name)
            with pytest.raises(BadTarget, match=f"{name} is a"):
                check_plain(backup)
            (backup / name).unlink()


def test_objects_of_a_repository_are_files(tmp_path: Path) -> None:
    """STORE-145a, STORE-184a"""
    (tmp_path / "file").write_text("secret")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    storage = Folder(tmp_path)
    assert storage.read("file") == b"secret"
    for name, why in (("link", "is a symbolic link"), ("pipe", "isn't a regular file")):
        for read in (storage.read, storage.fetch, lambda name: [*storage.tails({name: (0, 1)})]):
            with pytest.raises(OSError, match=why):
                read(name)


def test_a_tree_is_left_by_no_link(tmp_path: Path) -> None:
    """STORE-145a: planted links to folders and files, hard links and pipes in the place that is written to."""
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "kept").write_text("kept")
    (inside / "folder").symlink_to(outside)
    (inside / "link").symlink_to(outside / "kept")
    (inside / "hard").hardlink_to(outside / "kept")
    os.mkfifo(inside / "pipe")
    with Tree(inside) as tree:
        with pytest.raises(OSError, match="is a symbolic link"), tree.new_file(("folder", "planted"), 0o640):
            raise AssertionError
        for name in ("link", "hard", "pipe"):
            with pytest.raises(FileExistsError), tree.new_file((name,), 0o640):
                raise AssertionError
            with tree.new_file((name,), 0o4777, replace=True) as file:
                file.write(b"new")
            assert (inside / name).read_bytes() == b"new"
            assert stat.S_IMODE((inside / name).lstat().st_mode) == 0o777
        for name in ("hard", "pipe", "second"):
            (inside / name).unlink(missing_ok=True)
        (inside / "second").symlink_to(outside / "kept")
        os.mkfifo(inside / "pipe")
        for name in ("second", "pipe"):
            with pytest.raises(OSError):
                tree.open_file((name,))
            with pytest.raises(OSError):
                tree.give((name,), os.geteuid(), os.getegid())
    assert (outside / "kept").read_text() == "kept"
    assert [one.name for one in outside.iterdir()] == ["kept"]


def test_a_folder_that_is_exchanged_meanwhile_leads_nowhere(tmp_path: Path) -> None:
    """STORE-145a: another process turns a folder into a link and back as fast as it can."""
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    (inside / "folder").mkdir(parents=True)
    done, written, refused = threading.Event(), 0, 0

    def exchange() -> None:
        while not done.is_set():
            with contextlib.suppress(OSError):  # the writer was quicker, and has made the folder anew
                (inside / "folder").rename(inside / f"aside{time.monotonic_ns()}")
            with contextlib.suppress(OSError):
                (inside / "folder").symlink_to(outside)
            with contextlib.suppress(OSError):
                (inside / "folder").unlink()

    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        with Tree(inside) as tree:
            for number in range(2000):
                try:
                    with tree.new_file(("folder", f"{number}"), 0o640) as file:
                        file.write(b"x")
                    written += 1
                except OSError:
                    refused += 1
    finally:
        done.set()
        thread.join()
    assert written
    assert refused
    assert list(outside.iterdir()) == []


def test_plain_parts_lead_down_only() -> None:
    """STORE-145a."""
    assert plain_parts("data/accounts/mia/account.db") == ("data", "accounts", "mia", "account.db")
    for name in ("", "/", "/etc", "a/", "a//b", "..", "a/../b", ".", "a\0", "a\x7f", "\ud800"):
        with pytest.raises(ValueError, match="must be a relative path"):
            plain_parts(name)
