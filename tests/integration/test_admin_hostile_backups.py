"""Root restores what a stranger made, into folders that another user has prepared (STORE-145a, STORE-184f)."""

import os
import stat
import subprocess
from pathlib import Path

import msgspec
import pytest

from moxlite.config.toml.edit import Document
from moxlite.store.backup.packs import Entry, decode, encode, snapshot_id
from tests.rootserver import UID, RootServer, hindrance, root_server
from tests.tools import moxlite_command, write_own

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(bool(hindrance()), reason=hindrance() or "-"),
]


class Stranger:
    """Who may write to the place of a repository, and has an account on the machine that is restored."""

    def __init__(self, server: RootServer) -> None:
        self.server = server
        self.repo = server.folder.with_name("backups") / "repo"
        self.repo.parent.mkdir()
        os.chown(self.repo.parent, UID, UID)
        document = Document((server.config / "moxlite.toml").read_text())
        document.put(("listeners", "local", "tls"), {"acme": "ca"})
        document.put(("acme", "ca"), {"directory_url": "https://127.0.0.1:9/", "contact_email": "bob@example.org"})
        (server.config / "moxlite.toml").write_text(str(document))
        server.start()
        server.stop()
        server.cli("backup", "--repo", str(self.repo))

    def plant(self, *entries: tuple[str, int]) -> None:
        """Add a snapshot with more files, with the octets of moxlite.toml."""
        newest = max((self.repo / "snapshots").iterdir())
        manifest = decode(newest.read_bytes())
        blocks = {entry.path: entry for entry in manifest.entries}
        one = blocks["config/moxlite.toml"]
        more = tuple(Entry(path, one.size, mode, one.blocks) for path, mode in entries)
        changed = msgspec.structs.replace(manifest, entries=(*manifest.entries, *more))
        (newest.parent / snapshot_id(manifest.created + 1)).write_bytes(encode(changed))

    def restore(self, place: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Restore on a new machine, as root."""
        places = ("--config-dir", str(place / "config"), "--data-dir", str(place / "data"))
        write_own(place / "config", f'user = "{UID}"\n')
        command = ("restore", str(self.repo), "--with-config", *places, *words)
        return subprocess.run(
            [*moxlite_command(self.server.python), "--config", str(place / "config/moxlite.toml"), *command],
            env=os.environ | self.server.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def unusual(folder: Path) -> list[Path]:
    """Files that are set-user-id, that all may read, or that are no files."""
    found = [one for one in folder.rglob("*") if not one.is_dir()]
    return [one for one in found if not stat.S_ISREG(one.lstat().st_mode) or one.lstat().st_mode & 0o7007]


def test_root_writes_only_what_a_backup_has_where_it_belongs() -> None:
    """STORE-145a: a set-user-id file at an absolute path, by ``..`` and elsewhere; nothing at all of a snapshot that is
    not signed, without `--unsigned`; modes; files in ``named/`` that the configuration does not name.
    """
    with root_server() as server:
        stranger = Stranger(server)
        outside = server.folder.with_name("outside")
        outside.mkdir()
        folder = ("named/.config-folder", 0o640)
        stranger.plant(("config/suid", 0o104755), ("data/suid", 0o106777), (f"named{outside}/planted", 0o4755), folder)
        place = server.folder.with_name("second")
        refused = stranger.restore(place)
        assert (refused.returncode, "isn't signed" in refused.stderr) == (1, True), refused.stderr
        assert not (place / "config").exists()
        done = stranger.restore(place, "--unsigned")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"restoring: configuration to {place}/config, data to {place}/data\n")
        assert f"skipped named{outside}/planted because it isn't in the configuration" in done.stderr
        assert (place / "config/suid").is_file()
        assert (place / "data/suid").is_file()
        assert not (place / "config/named").exists()
        assert unusual(place) == []
        for path in (f"{outside}/planted", "data/../../../outside/planted", "/etc/moxlite-planted", "data/a\0b"):
            stranger.plant((path, 0o104755))
            refused = stranger.restore(server.folder.with_name("third"), "--unsigned")
            assert (refused.returncode, "contains an invalid path" in refused.stderr) == (1, True), refused.stderr
        assert list(outside.iterdir()) == []
        assert not Path("/etc/moxlite-planted").exists()
        assert [one.name for one in server.folder.with_name("third").rglob("*")] == ["config-own.toml"]


def test_root_follows_no_link_that_another_user_has_planted() -> None:
    """STORE-145a: links and a mark of an interrupted restore in folders of the service user on the machine that is
    restored; a DKIM key that the configuration names outside of its folder stays root's.
    """
    with root_server() as server:
        domains = Document((server.config / "domains.toml").read_text())
        victim = server.folder.with_name("victim")
        victim.mkdir(mode=0o700)
        (victim / "secret").write_text("root's")
        names = {"a": {"key_file": "../../victim/secret"}}
        domains.put(("domains", "example.org", "dkim"), {"selectors": names})
        stranger = Stranger(server)
        (server.config / "domains.toml").write_text(str(domains))
        signer = server.cli("backup", "signer").stdout.strip()
        os.utime(server.config / "domains.toml")
        server.cli("backup", "--repo", str(stranger.repo), check=False)
        place = server.folder.with_name("second")
        for name in ("config", "data"):
            (place / name).mkdir(parents=True)
            os.chown(place / name, UID, UID)
        (place / "config/hostkeys").symlink_to(victim)
        refused = stranger.restore(place, "--signer", signer)
        assert (refused.returncode, "can't restore to the symbolic link" in refused.stderr) == (1, True), refused.stderr
        (place / "config/hostkeys").unlink()
        (place / "data/RESTORING").touch()
        (place / "data/tmp").symlink_to(victim)
        refused = stranger.restore(place, "--signer", signer)
        assert (refused.returncode, "isn't empty" in refused.stderr) == (1, True), refused.stderr
        (place / "data/tmp").unlink()
        (place / "data/RESTORING").unlink()
        done = stranger.restore(place, "--signer", signer)
        assert done.returncode == 0, done.stderr
        assert [one.name for one in victim.iterdir()] == ["secret"]
        found = (victim / "secret").stat()
        assert (found.st_uid, (victim / "secret").read_text()) == (0, "root's")


def test_a_folder_that_the_service_user_may_not_read_is_named() -> None:
    """ADMIN-52b: on the same machine root acts as the owner of the data directory; the user and the folder are told."""
    with root_server() as server:
        server.start()
        server.stop()
        backup = server.folder.with_name("backups") / "closed/one"
        backup.parent.mkdir(parents=True)
        (backup / "data").mkdir(parents=True)
        backup.parent.chmod(0o700)
        refused = server.cli("restore", str(backup), check=False)
        assert refused.returncode == 1
        assert f"user {UID}, who owns the data directory, can't open {backup.parent}" in refused.stderr
        assert "Permission denied" not in refused.stderr
