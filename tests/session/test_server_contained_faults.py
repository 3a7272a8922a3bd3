"""Faults of files and signals that have ended the server once (ADMIN-39, ADMIN-39a)."""

import logging
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
import trio
import trio.testing

from moxlite.process.errors import StartFailed
from moxlite.process.signals import Signals
from moxlite.store.file import writer
from moxlite.store.file.writer import Writer
from tests.house import STATIC, Running, house, soon
from tests.logs import kv

pytestmark = [pytest.mark.served, pytest.mark.slow]

OLD = time.time() - 15 * 24 * 3600


async def deliver(running: Running, to: str) -> str:
    """The last reply of a transaction, or that to the recipient when it is refused."""
    smtp = await running.smtp()
    assert (await smtp.say("MAIL FROM:<ann@remote.example>")).startswith("250")
    reply = await smtp.say(f"RCPT TO:<{to}>")
    if reply.startswith("250"):
        assert (await smtp.say("DATA")).startswith("354")
        reply = await smtp.say("Subject: x\r\n\r\ntext\r\n.")
    await smtp.say("QUIT")
    return reply


async def test_an_account_whose_folder_cannot_be_read_is_alone_with_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """ADMIN-39a: at start, when each account is opened once; the server's own rounds go on."""
    async with house(tmp_path):
        pass
    folder = tmp_path / "config" / "data" / "accounts" / "mia"
    stat = Path.stat

    def no_entry(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.parent == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", no_entry)  # tests may run as root, whom no mode keeps out
    (folder / "account.db").rename(folder / "kept")
    (folder / "account.db").mkdir()
    async with house(tmp_path, passwords={}) as running:
        await soon(lambda: "account maintenance failed" in caplog.messages, "the round has met the account")
        assert (await deliver(running, "tom@example.org")).startswith("250")
        assert (await deliver(running, "mia@example.org")).startswith("4")
        imap = await running.imap("tom")
        assert "* 1 EXISTS" in await imap.select()
        assert "store.rounds" in running.tree.running
        assert running.tree.failures == {}
        status, text = await running.readiness()
        assert status == 200
        assert text.startswith("ok\naccount mia: ")


async def test_an_old_copy_that_cannot_be_deleted_is_a_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-149, ADMIN-39a: of auth.db, queue.db and an account; here folders are in their places."""
    async with house(tmp_path):
        pass
    data = tmp_path / "config" / "data"
    copies = [data / "auth.db.before-0001", data / "queue.db.before-0001", data / "accounts/mia/account.db.before-0001"]
    for copy in copies:
        copy.mkdir()
        os.utime(copy, (OLD, OLD))
    async with house(tmp_path, passwords={}) as running:

        def told() -> set[str]:
            lines = [one for one in caplog.records if one.message == "failed to delete old database copy"]
            return {kv(one)["path"] for one in lines}

        await soon(lambda: told() == set(map(str, copies)), "all three are told")
        assert (await deliver(running, "mia@example.org")).startswith("250")
        assert running.tree.failures == {}
        assert await running.readiness() == (200, "ok")


async def test_sighup_without_the_folder_of_the_log_does_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """ADMIN-39, ADMIN-54: the old file stays in use, the certificates are read."""
    log = tmp_path / "log"
    log.mkdir()
    async with house(tmp_path, static=f'log_file = "{log}/moxlite.log"\n' + STATIC) as running:
        shutil.rmtree(log)
        caplog.set_level(logging.INFO, "moxlite")
        running.signals.note("SIGHUP")
        await soon(lambda: "certificates reloaded" in caplog.messages, "the last step of a reload")
        assert "failed to reopen log file, keeping the old file" in caplog.messages
        log.mkdir()
        running.signals.note("SIGHUP")
        await soon((log / "moxlite.log").exists, "the log file is opened again")
        assert running.tree.failures == {}


async def test_a_failure_of_the_signals_task_loses_no_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mock_clock: trio.testing.MockClock
) -> None:
    """ADMIN-39, ADMIN-39a: what comes in its pause waits, SIGTERM too."""
    async with house(tmp_path) as running:
        with monkeypatch.context() as patch:
            patch.setattr("moxlite.server._task_tree", lambda: 1 / 0)
            running.signals.note("SIGUSR1")
            await soon(lambda: "server.signals" in running.tree.down, "the task has failed")
        os.kill(os.getpid(), signal.SIGTERM)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert not running.house.shutdown.is_set()
        mock_clock.jump(1)
        await soon(running.house.shutdown.is_set, "it has started again, and stops the server")


async def test_a_disk_that_hangs_makes_the_server_unready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-157b: /readyz asks the disk nothing, so it answers while a commit hangs; mail is acknowledged after it."""
    hangs, release, commit = threading.Event(), threading.Event(), Writer._commit
    replies: list[str] = []

    def wait() -> bool:
        hangs.set()
        return not release.wait(60)

    def hang(self: Writer) -> bool:
        if "mia" in self._name:
            self._db.set_commit_hook(wait)
        return commit(self)

    async def send(running: Running) -> None:
        replies.append(await deliver(running, "mia@example.org"))

    async with house(tmp_path) as running:
        with monkeypatch.context() as patch:
            patch.setattr(writer, "HANGING", 0.0)
            patch.setattr(Writer, "_commit", hang)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send, running)
                await soon(hangs.is_set, "a commit hangs")
                status, text = await running.readiness()
                release.set()
        assert status == 503
        assert "the disk hasn't finished a write for " in text
        assert replies[0].startswith("250")
        assert (await running.readiness())[0] == 200


def test_a_signal_before_trio_runs_waits_for_the_task() -> None:
    """ADMIN-39: SIGHUP in the first moments of a start; and the old handlers come back."""
    before = signal.getsignal(signal.SIGHUP)

    async def two(signals: Signals) -> list[str]:
        return [await signals.next(), await signals.next()]

    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert trio.run(two, signals) == ["SIGHUP", "SIGUSR1"]
    assert signal.getsignal(signal.SIGHUP) == before


# What does end it


async def test_a_memory_error_of_a_task_ends_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-39a: systemd starts a new process."""

    async def die(tmp: Path) -> None:
        async with house(tmp) as running:
            monkeypatch.setattr("moxlite.server._task_tree", out_of_memory)
            running.signals.note("SIGUSR1")
            await trio.sleep_forever()

    def out_of_memory() -> list[str]:
        raise MemoryError

    with pytest.raises(ExceptionGroup) as caught:
        await die(tmp_path)
    assert caught.group_contains(MemoryError)


async def test_a_failure_before_ready_ends_the_server(tmp_path: Path) -> None:
    """ADMIN-39a, ADMIN-38: here the control socket cannot be made."""

    async def begin() -> None:
        async with house(tmp_path):
            pass

    (tmp_path / "config/data/ctl").mkdir(parents=True)
    with pytest.raises(ExceptionGroup) as caught:
        await begin()
    assert caught.group_contains(StartFailed, match="can't create the control socket .*: Is a directory")


async def test_a_second_signal_ends_the_process_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-39: while the server waits for a session that does not end."""
    codes: list[int] = []
    monkeypatch.setattr("os._exit", codes.append)
    async with house(tmp_path) as running:
        smtp = await running.smtp()
        assert (await smtp.say("MAIL FROM:<ann@remote.example>")).startswith("250")
        running.signals.note("SIGTERM")
        running.signals.note("SIGTERM")
        await soon(lambda: codes, "the second one")
        assert codes == [1]
