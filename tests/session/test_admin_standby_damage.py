"""A damaged page that is copied to the second machine (STORE-186b, STORE-186d)."""

import shutil
import time
from pathlib import Path

import apsw
import pytest
import trio

from moxlite.admin.standby import following as following_module
from moxlite.admin.standby.status import second_words
from tests.house import house, soon
from tests.session.test_admin_standby import copied, deliver, following, identity, moxlite, quick, settings, subjects
from tests.tools import moxlite_command, write_own

__all__ = ["identity", "quick"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.slow,
    pytest.mark.integration,
    pytest.mark.nightly(
        smoke="tests/session/test_admin_standby_upgrades.py::test_an_upgrade_of_the_first_machine_is_followed"
    ),
]

ACCOUNT = "accounts/mia/account.db"


def damage(file: Path) -> None:
    """Overwrite the first page of the messages with garbage, as a bad disk does."""
    db = apsw.Connection(str(file))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    page = int(db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'message'").fetchone()[0])  # type: ignore[index]  # it has one row
    db.close()
    with file.open("r+b") as octets:
        octets.seek((page - 1) * 4096)
        octets.write(b"\xa5" * 4096)


async def test_a_damaged_page_that_was_copied_is_told_and_an_earlier_moment_comes_back(
    tmp_path: Path, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186b, STORE-186d: the daily check of the second machine names the database, `status` has exit code 1, so
    does `verifydata`; a take-over by a person is refused; the moment before can be restored as a whole server.
    """
    monkeypatch.setattr(following_module, "CHECK", 4.0)
    static = settings(tmp_path, identity)
    async with house(tmp_path, static=static) as h, following(tmp_path, identity) as follower:
        await deliver(h, "sound")
        await soon(lambda: "sound" in subjects(copied(tmp_path)), "the message")
        await soon(lambda: follower.followed.current > 0 and not follower.followed.behind, "all is current")
        await trio.sleep(5)
        assert follower.followed.damaged == ()
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    await trio.sleep(1.1)
    data = tmp_path / "config/data"
    damage(data / ACCOUNT)
    shutil.rmtree(data / "standby/meta")  # Litestream copies all of each file then, as it does once a day
    async with house(tmp_path, static=static, passwords={}) as h, following(tmp_path, identity) as follower:
        assert (await h.readiness())[0] in (200, 503)
        await soon(lambda: ACCOUNT in follower.followed.damaged, "the damage")
        assert any(f"Damaged: {ACCOUNT}" in line for line in second_words(follower.followed, time.time()))
        command = [*moxlite_command(), "standby", "status", str(tmp_path / "second")]
        done = await trio.run_process(command, capture_stdout=True, check=False)
        assert done.returncode == 1
        assert b"To restore an earlier time" in done.stdout
    checked = await trio.run_process(
        [*moxlite_command(), "verifydata", str(tmp_path / "second")],
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    assert checked.returncode == 1
    assert b"accounts/mia" in checked.stdout + checked.stderr

    write_own(tmp_path / "new/config")
    place = ("--config-dir", str(tmp_path / "new/config"), "--data-dir", str(tmp_path / "new/data"))
    words = ("standby", "takeover", str(tmp_path / "target"), "--into", str(tmp_path / "second"), *place)
    command = [*moxlite_command(), *words, "--identity", str(identity), "--yes-the-other-is-down"]
    refused = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    assert refused.returncode == 1
    assert b"can't restore because" in refused.stderr
    assert not (tmp_path / "new/config").exists()

    signed = ("--signer", (tmp_path / "second/signer").read_text().strip())
    earlier = ("--at", moment, "--with-config", "--identity", str(identity), *signed, *place)
    assert "1 message checked" in await moxlite(tmp_path, "restore", str(tmp_path / "target"), *earlier)
    assert subjects(tmp_path / "new/data" / ACCOUNT) == {"sound"}
