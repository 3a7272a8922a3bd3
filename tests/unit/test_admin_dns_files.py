"""Files of DNS providers, as root reads and writes them (ADMIN-37)."""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from moxlite.admin.dnsproviders import accounts
from moxlite.admin.dnsproviders.accounts import DNSFiles
from moxlite.proto.address import Domain

pytestmark = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can act as another user")

DOMAIN = Domain.parse("example.org")
UID = 12345


@pytest.fixture
def acted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The users as whom root has acted."""
    found: list[int] = []

    def acting_as(uid: int, _: int) -> AbstractContextManager[None]:
        found.append(uid)
        return nullcontext()

    monkeypatch.setattr(accounts, "acting_as", acting_as)
    return found


def test_to_read_root_stays_root(tmp_path: Path, acted: list[int]) -> None:
    """ADMIN-37: the checks of the doctor run beside each other, and a user of the process is that of all of them."""
    os.chown(tmp_path, 0, UID)
    tmp_path.chmod(0o3770)
    files = DNSFiles(tmp_path / "moxlite.toml", str(UID))
    files.set_state(DOMAIN, b"state")
    assert acted == [UID]
    assert (files.state(DOMAIN), files.keys(DOMAIN), files.providers()) == (b"state", None, {})
    assert acted == [UID]
    [state] = files.folder.iterdir()
    state.rename(tmp_path / "other")
    state.symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match=state.name):
        files.state(DOMAIN)


def test_where_the_folder_can_be_another_one_root_reads_as_its_user(tmp_path: Path, acted: list[int]) -> None:
    """ADMIN-37"""
    (tmp_path / "there").mkdir()
    config = tmp_path / "config"
    config.mkdir()
    files = DNSFiles(config / "moxlite.toml", str(UID))
    files.folder.symlink_to(tmp_path / "there")
    assert (files.state(DOMAIN), acted) == (None, [])
    os.chown(tmp_path / "there", UID, UID)
    assert (files.state(DOMAIN), acted) == (None, [UID])
    files.folder.unlink()
    files.folder.mkdir()
    os.chown(config, UID, UID)
    assert (files.state(DOMAIN), acted) == (None, [UID, UID])
    os.chown(config, 0, UID)
    config.chmod(0o770)
    assert (files.state(DOMAIN), acted) == (None, [UID, UID, UID])
