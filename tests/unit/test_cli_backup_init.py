"""A repository with a key of its own, and the question for the key (STORE-184c)."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from moxlite.cli import run
from moxlite.store.backup.layout import Source
from moxlite.store.backup.packs import snapshot_id, time_of
from moxlite.store.backup.repository import Repository, create_repository
from moxlite.store.backup.storage import Folder
from tests.terminal import Terminal

pytestmark = pytest.mark.served

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    (tmp_path / "data" / "tmp").mkdir(parents=True)
    path = folder / "moxlite.toml"
    path.write_text(
        'hostname = "mx.example.org"\ndata_dir = "../data"\nuser = "0"\n[postmaster]\naccount = "bob"\n'
        'mailbox = "Inbox"\n[listeners.local]\nips = ["127.0.0.1"]\n'
    )
    (folder / "domains.toml").write_text(
        '[domains."example.org"]\n[accounts.bob]\ndomain = "example.org"\n'
        '[accounts.bob.destinations."bob@example.org"]\n'
    )
    return path


def made(config: Path, repo: Path, capsys: Capture) -> str:
    """The key of a new repository, which `backup init` printed."""
    assert run(["--config", str(config), "backup", "init", "--repo", str(repo)]) == 0
    out = capsys.readouterr().out
    (key,) = map(str, re.findall(r"AGE-SECRET-KEY-1[A-Z0-9]+", out))
    (recipient,) = re.findall(r'encrypt_to = \["(age1[a-z0-9]+)"\]', out)
    assert recipient in (repo / "repository.json").read_text()
    return key


def test_the_lines_for_the_configuration_name_the_place_that_was_made(
    config: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-184c: a relative path in moxlite.toml begins at another folder than that of the shell."""
    monkeypatch.chdir(tmp_path)
    assert run(["--config", str(config), "backup", "init", "--repo", "repo"]) == 0
    assert f'target = "{tmp_path / "repo"}"' in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_server_goes_on_with_a_repository_that_root_has_pruned(config: Path, capsys: Capture) -> None:
    """STORE-183: whatever the umask: packs that are written anew belong to the owner of the folder."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        repo = Path(place) / "repo"
        create_repository(Folder(repo), config.parent)
        source = Source(config.parents[1] / "data", config.parent, frozenset())
        (config.parent / "stays").write_bytes(os.urandom(100_000))
        (config.parent / "goes").write_bytes(os.urandom(100_000))
        Repository(Folder(repo)).back_up(source)
        (config.parent / "goes").unlink()
        Repository(Folder(repo)).back_up(source)
        for path in (repo, *repo.rglob("*")):
            os.chown(path, 12345, 12345)
        snapshot_id(time_of(snapshot_id(0)))  # what these load that user cannot read where the tests run
        before = os.umask(0o077)
        try:
            keep = ("--keep-daily", "0", "--keep-weekly", "0")
            assert run(["--config", str(config), "backup", "prune", "--repo", str(repo), *keep]) == 0
        finally:
            os.umask(before)
        assert "blocks" in capsys.readouterr().out
        assert {path.stat().st_uid for path in repo.rglob("*")} == {12345}


def in_terminal(arguments: list[str], typed: str) -> tuple[int, str]:
    """Exit code and output of moxlite at a terminal, at which something is typed."""
    with Terminal([sys.executable, "-m", "moxlite", *arguments]) as terminal:
        terminal.answer("passphrase of", f"{typed}\n")
        return terminal.end(), terminal.shown


def test_a_repository_is_made_and_its_key_is_shown_once(config: Path, tmp_path: Path, capsys: Capture) -> None:
    """STORE-184c: the key is in no file; the repository takes snapshots and can be read with the key that is typed,
    which the terminal does not show. A wrong one, no terminal, and a second `init` are clear errors.
    """
    pytest.importorskip("pyrage")
    repo = tmp_path / "repo"
    key = made(config, repo, capsys)
    for path in [one for one in tmp_path.rglob("*") if one.is_file()]:
        assert key.encode() not in path.read_bytes()
    assert run(["--config", str(config), "backup", "run", "--repo", str(repo)]) == 0
    verify = ["--config", str(config), "backup", "verify", "--repo", str(repo), "--deep"]
    code, said = in_terminal(verify, key)
    assert (code, said.splitlines()[-1]) == (0, f"{repo}: OK")
    assert key not in said
    code, said = in_terminal(verify, "isn't the key")
    assert code == 1
    assert "specify an identity file" in said
    capsys.readouterr()
    assert run(["--config", str(config), "backup", "init", "--repo", str(repo)]) == 1
    assert "existing repository" in capsys.readouterr().err


def test_without_a_terminal_the_options_are_named(config: Path, tmp_path: Path, capsys: Capture) -> None:
    """STORE-184c: a program that restores gives the key as a file."""
    pytest.importorskip("pyrage")
    repo = tmp_path / "repo"
    key = made(config, repo, capsys)
    command = [sys.executable, "-m", "moxlite", "--config", str(config), "backup", "verify", "--repo", str(repo)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "--identity FILE" in done.stderr
    (tmp_path / "key").write_text(f"{key}\n")
    done = subprocess.run(
        [*command, "--identity", str(tmp_path / "key")], stdin=subprocess.DEVNULL, text=True, timeout=60
    )
    assert done.returncode == 0


def test_a_backup_without_a_place_goes_to_the_target(config: Path, tmp_path: Path, capsys: Capture) -> None:
    """STORE-183: `backup run` takes `backup.target`; without that it says what to give."""
    backup = ["--config", str(config), "backup", "run"]
    assert run(backup) == 2
    assert "or set backup.target" in capsys.readouterr().err
    config.write_text(config.read_text() + f'[backup]\nschedule = "24h"\ntarget = "{tmp_path}/repo"\n')
    assert run(backup) == 0
    assert len(list((tmp_path / "repo/snapshots").iterdir())) == 1


def test_a_backup_that_is_not_there_is_named(config: Path, tmp_path: Path, capsys: Capture) -> None:
    """ADMIN-52b: the folder that is missing, or a file in its place."""
    restore = ["--config", str(config), "restore"]
    assert run([*restore, str(tmp_path / "none/deeper")]) == 1
    assert f"the folder {tmp_path / 'none'} doesn't exist" in capsys.readouterr().err
    assert run([*restore, str(config)]) == 1
    assert f"{config} isn't a folder" in capsys.readouterr().err
    assert run([*restore, str(config / "below")]) == 1
    assert f"{config} isn't a folder" in capsys.readouterr().err


def test_a_server_without_keys_for_the_place_is_told(config: Path, capsys: Capture) -> None:
    """STORE-184c: another machine needs the keys of `backup.target`."""
    assert run(["--config", str(config), "backup", "init", "--repo", "ssh://nas.example/srv/moxlite"]) == 1
    assert "only has keys for backup.target" in capsys.readouterr().err
