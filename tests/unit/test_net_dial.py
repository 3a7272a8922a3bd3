"""Dialling several addresses, the data lock, the watchdog."""

import logging
import os
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest
import trio
import trio.lowlevel

from moxlite.net.dial import DialError, LocalAddresses, dial
from moxlite.net.exposition import REGISTRY
from moxlite.net.sockets import QuickStream
from moxlite.process import watchdog as watchdog_module
from moxlite.process.lock import DataLock, Locked
from moxlite.process.watchdog import Watchdog
from moxlite.processor import acting
from tests.logs import kv
from tests.tools import free_port, top


async def test_next_address_is_tried_when_one_refuses() -> None:
    """QUEUE-48: in order; the address that answered is told."""
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.2"))[0]
    port = listener.socket.getsockname()[1]
    dialed = await dial([ip_address("127.0.0.1"), ip_address("127.0.0.2")], port, inside=True)
    assert str(dialed.ip) == "127.0.0.2"
    await dialed.stream.aclose()
    await listener.aclose()


async def test_failure_names_every_address() -> None:
    """QUEUE-48: what happened where."""
    port = free_port()
    with pytest.raises(DialError, match=r"Connection refused.*Connection refused") as caught:
        await dial([ip_address("127.0.0.1"), ip_address("127.0.0.2")], port, inside=True)
    assert [(str(ip), why) for ip, why in caught.value.failures] == [
        ("127.0.0.1", "Connection refused"),
        ("127.0.0.2", "Connection refused"),
    ]
    with pytest.raises(DialError, match="no addresses"):
        await dial([], 25, inside=False)


async def test_connection_comes_from_the_wanted_local_address() -> None:
    """QUEUE-48: explicit listen addresses are the source."""
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    local = LocalAddresses(ipv4=ip_address("127.0.0.5"))
    dialed = await dial([ip_address("127.0.0.1")], listener.socket.getsockname()[1], inside=True, local=local)
    assert isinstance(dialed.stream, QuickStream)
    assert dialed.stream.transport.socket.getsockname()[0] == "127.0.0.5"
    await dialed.stream.aclose()
    await listener.aclose()


def test_lock_is_exclusive_and_names_its_holder(tmp_path: Path) -> None:
    """ADMIN-41, STORE-164: the second one is told the process id of the first; released, it is free."""
    path = tmp_path / "lock"
    with DataLock(path):
        with pytest.raises(Locked) as caught:
            DataLock(path)
        assert caught.value.pid == os.getpid()
        assert "already running" in str(caught.value)
    DataLock(path).release()


def test_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    """ADMIN-41: whatever way it ended; its id in the file does not matter."""
    code = (
        "import os, pathlib, sys; from moxlite.process.lock import DataLock; "
        "lock = DataLock(pathlib.Path(sys.argv[1])); os.abort()"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "lock")], check=False, cwd=top())
    assert (tmp_path / "lock").read_text().strip().isdigit()
    DataLock(tmp_path / "lock").release()


class Steps:
    """The clock of a watchdog, which goes on only where a step takes time: no other work of the machine does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.worked = 0.0
        monkeypatch.setattr(watchdog_module, "perf_counter", lambda: self.now)
        monkeypatch.setattr(watchdog_module, "thread_time", lambda: self.worked)

    def take(self, seconds: float) -> None:
        """Hold the loop."""
        self.now += seconds
        self.worked += seconds

    def pause(self, seconds: float) -> None:
        """Have no core."""
        self.now += seconds


def test_watchdog_counts_steps_that_hold_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-57: long steps by room, and the longest busy stretch as a gauge."""

    def steps() -> float:
        return REGISTRY.get_sample_value("moxlite_event_loop_long_steps_total", {"pkg": "other"}) or 0

    before, clock = steps(), Steps(monkeypatch)

    async def main() -> None:
        await trio.lowlevel.checkpoint()
        clock.take(0.03)
        await trio.lowlevel.checkpoint()
        await trio.sleep(0.001)

    watchdog = Watchdog()
    trio.run(main, instruments=[watchdog])
    assert steps() == before + 1
    assert watchdog.lag() == pytest.approx(0.03)
    assert REGISTRY.get_sample_value("moxlite_event_loop_lag_seconds") == pytest.approx(0.03)


def test_watchdog_names_the_task_that_held_the_loop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """ADMIN-57: though the end of its step is only seen by what comes next: another task, or the wait for sockets."""
    monkeypatch.setattr(watchdog_module, "FELT_SECONDS", 0.02)
    monkeypatch.setattr(watchdog_module, "LOG_SECONDS", 0.0)
    clock = Steps(monkeypatch)

    async def quick() -> None:
        for _ in range(8):
            await trio.lowlevel.checkpoint()

    async def slow() -> None:
        for _ in range(6):  # Trio runs those that can go on in either order
            clock.take(0.03)
            await trio.lowlevel.checkpoint()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for task in (quick, slow, quick):
                nursery.start_soon(task)

    watchdog = Watchdog()
    trio.run(main, instruments=[watchdog])
    held = [kv(record) for record in caplog.records if record.levelno == logging.WARNING]
    assert ["slow" in kv["call"] for kv in held] == [True] * 6
    assert watchdog.lag() == pytest.approx(0.03)  # a stretch ends where the loop looks at its sockets


def test_time_that_the_machine_took_is_nobodys_step(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """ADMIN-57a: it's logged once an hour, counts for no account, and is a finding when clients feel it often."""
    clock, stolen = Steps(monkeypatch), watchdog_module.StolenTime()
    monkeypatch.setattr(watchdog_module, "stolen", stolen)
    usage = UsageOf()

    async def main() -> None:
        acting.set(usage)  # type: ignore[arg-type]  # of which the watchdog needs one method
        for number in range(100):
            await trio.lowlevel.checkpoint()
            clock.take(0.001)
            clock.pause(0.4)
            if number == 50:
                assert stolen.findings() == []

    trio.run(main, instruments=[Watchdog()])
    assert [record.message for record in caplog.records] == ["this machine paused the server: no processor time"]
    assert usage.seconds == pytest.approx(0.1, abs=0.01)
    [finding] = stolen.findings()
    assert finding.code == "machine-slow"
    clock.pause(3 * watchdog_module.STOLEN_LOG_SECONDS)
    assert stolen.findings() == []


class UsageOf:
    """Counts the seconds of an account's steps."""

    seconds = 0.0

    def step(self, seconds: float) -> None:
        """Count a step."""
        self.seconds += seconds


@pytest.mark.parametrize(("felt", "warnings"), [(0.01, 1), (60.0, 0)])
def test_watchdog_warns_of_what_can_be_felt(
    felt: float, warnings: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """ADMIN-55a, ADMIN-57: and once a second at most; shorter steps are only counted."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(watchdog_module, "FELT_SECONDS", felt)
    monkeypatch.setattr(watchdog_module, "LOG_SECONDS", 3600.0)
    clock = Steps(monkeypatch)

    async def main() -> None:
        for _ in range(2):
            await trio.lowlevel.checkpoint()
            clock.take(0.03)

    trio.run(main, instruments=[Watchdog()])
    assert sum(record.name == "moxlite.net.watchdog" for record in caplog.records) == warnings
