"""Signs of life of commands that take long (moxlite/cli/archives/transfer.py)."""

import io
import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from moxlite.admin.backup import backups
from moxlite.admin.backup.backups import run_told
from moxlite.cli import move, run
from moxlite.cli.archives import transfer
from moxlite.cli.archives.transfer import Meter, Signs, folder_size
from moxlite.operations.move import AccountMove, MoveState, ShowMove
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup import copying
from moxlite.store.options import Options
from tests.store_mail import put

pytestmark = pytest.mark.served

Capture = pytest.CaptureFixture[str]


class Screen(io.StringIO):
    """A terminal that keeps what was written."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A server's configuration, with an account that has a message."""
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

    async def fill() -> None:
        accounts = Accounts(tmp_path / "data", Options(min_free_space=0))
        async with accounts.use("bob") as account:
            await put(account, 1)
        await accounts.aclose()

    trio.run(fill)
    return path


def test_a_terminal_shows_what_is_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-87: and nothing stays of it."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with Signs("checking") as signs:
        signs.tell("/data/accounts/bob/account.db [bold]")
        shown = screen.getvalue()
    assert "checking" in shown
    assert "account.db [bold]" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[2K")


def test_without_a_terminal_there_is_a_line_a_minute(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """ADMIN-87: a backup, which runs at night, says nothing; the others say how far they are."""
    monkeypatch.setattr(transfer, "SIGN", 0.0)
    monkeypatch.setattr(copying, "SIGN", 0.0)
    backup, file = str(tmp_path / "backup"), str(tmp_path / "bob.moxlite")
    assert run(["--config", str(config), "backup", "run", backup]) == 0
    assert capsys.readouterr() == ("", "")
    assert run(["--config", str(config), "verifydata", backup]) == 0
    told = capsys.readouterr()
    assert told.out == f"{backup}: OK\n"
    assert f"checking: {backup}/data/accounts/bob/account.db\n" in told.err
    assert run(["--config", str(config), "account", "export-full", "bob", file]) == 0
    assert re.search(r"exporting: \S+/account\.db \(\d+%\)\n", capsys.readouterr().err)
    assert run(["--config", str(config), "account", "recover", "bob", "--out", str(tmp_path / "out")]) == 0
    assert "recovering: " in capsys.readouterr().err
    (tmp_path / "data").rename(tmp_path / "old")
    (tmp_path / "data/tmp").mkdir(parents=True)
    assert run(["--config", str(config), "restore", "--unsigned", backup]) == 0
    assert re.search(r"restoring: \S*account\.db \(\d+%\)\n", capsys.readouterr().err)


async def test_the_log_has_a_line_a_minute(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """ADMIN-87: also of the backups that no person waits for."""
    monkeypatch.setattr(backups, "LOGGED", 0.0)

    def work(tell: Callable[[str], None], cancelled: Callable[[], bool]) -> None:
        tell("data/accounts/bob/account.db (40%)")

    with caplog.at_level(logging.INFO, logger="moxlite.admin.backup.backups"):
        await run_told(work, None, name="backup")
    (record,) = caplog.records
    assert record.message == "still working"
    assert vars(record)["kv"] == {"work": "backup", "at": "data/accounts/bob/account.db (40%)", "seconds": 0}


def test_an_import_says_its_rate_and_the_time_left(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """STORE-120"""
    now = 100.0
    monkeypatch.setattr("moxlite.cli.archives.transfer.time.monotonic", lambda: now)
    with Meter("importing", 1_000_000) as meter:
        now = 160.0
        meter.octets(250_000)
        meter.count(3_000)
        meter.step("finishing")
        now = 200.0
        meter.share(10)
        now = 221.0
        meter.share(20)
    assert capsys.readouterr().err == "3,000 messages (50/s, 25%, 3 minutes left)\nfinishing\nfinishing, 20%\n"
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    now = 300.0
    with Meter("importing", None) as meter:
        now = 301.0
        meter.count(50)
        meter.step("finishing")
        meter.share(30)
    assert "50 messages, 50/s" in screen.getvalue()
    assert "finishing, 30%" in screen.getvalue()


def test_a_move_says_its_messages_rate_and_the_time_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """ADMIN-87"""
    plan = tmp_path / "plan.toml"
    plan.write_text('kind = "csv"\n')
    plan.chmod(0o600)
    accounts = [
        AccountMove("mia@example.org", "mia", "running", "Archive", 70_000),
        AccountMove("bo@example.org", "bo", "done", "", 5_000),
    ]
    states = [MoveState("running", "csv", 120.4, 61, accounts), MoveState("running", "csv", 0.0, -1, accounts)]
    states.append(MoveState("done", "csv", accounts=[accounts[1]]))
    monkeypatch.setattr(move, "perform", lambda order, **_: states.pop(0) if isinstance(order, ShowMove) else None)
    monkeypatch.setattr(move, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(transfer, "SIGN", 0.0)
    assert run(["move", "run", str(plan)]) == 0
    told = capsys.readouterr()
    assert told.err == "migrating: 75,000 messages, 120/s, 2 minutes left\nmigrating: 75,000 messages\n"
    assert told.out.splitlines()[:2] == ["mia@example.org: running Archive", "bo@example.org: done"]


def test_the_size_of_a_folder_is_known_before_it_is_read(tmp_path: Path) -> None:
    """STORE-120"""
    for name, octets in (("cur/1", 10), ("new/2", 20), ("tmp/3", 40)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(bytes(octets))
    (tmp_path / "cur/link").symlink_to("nowhere")
    assert folder_size(tmp_path, without="tmp") == 30 + len("nowhere")
