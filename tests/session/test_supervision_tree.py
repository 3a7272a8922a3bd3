"""The tree of `server.serve`: no task's failure is another's (ADMIN-39a).

The names of the tasks come from the running supervisor, so a new task is under test at once.
"""

import errno
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import apsw
import pytest
import trio
from trio.testing import MockClock

from moxlite.metrics import metrics
from moxlite.operations.server import Wellness
from moxlite.store.errors import StorageFull
from moxlite.supervision import FIRST_PAUSE, Supervisor
from tests.browsing import Browser
from tests.house import STATIC, Faults, Running, house, soon
from tests.session.imapd_harness import Client as IMAPClient
from tests.tools import top

pytestmark = [pytest.mark.served, pytest.mark.slow]

ERRORS: dict[str, Callable[[], BaseException]] = {
    "no descriptors": lambda: OSError(errno.EMFILE, "Too many open files"),
    "permission": lambda: PermissionError(errno.EACCES, "Permission denied"),
    "disk": lambda: apsw.IOError("disk I/O error"),
    "full": lambda: StorageFull("not enough space: at least 1 bytes must remain free"),
    "bug": lambda: RuntimeError("a bug"),
    "group": lambda: ExceptionGroup("several", [PermissionError("no"), ExceptionGroup("inner", [ValueError("x")])]),
}

BACKED_UP = """\
backup.target = "backup"
backup.schedule = "24h"
"""


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Errors for running tasks; systemd asks for signs of life, so that there is a task for them."""
    monkeypatch.setenv("WATCHDOG_USEC", str(10**12))
    monkeypatch.setenv("NOTIFY_SOCKET", f"@moxlite-test-{os.getpid()}")  # where it is not heard
    found = Faults()
    found.patch(monkeypatch)
    return found


class Doors:
    """What the server does for people, looked at again and again."""

    def __init__(self, running: Running, imap: IMAPClient, browser: Browser) -> None:
        self.running = running
        self.imap = imap
        self.browser = browser
        self.messages = 0

    async def work(self, listener: str, *, ctl: bool) -> None:
        """SMTP delivers at this listener, a session that was open before shows the message, a webmail call answers, and
        so does the control socket.
        """
        smtp = await self.running.smtp(listener)
        assert (await smtp.deliver("mia@example.org")).startswith("250")
        await smtp.say("QUIT")
        await smtp.stream.aclose()
        self.messages += 1
        told: list[str] = []
        while f"* {self.messages} EXISTS" not in told:
            told += await self.imap.ok("n NOOP")
        self.browser.connection["port"] = self.running.port("webmail_http", listener)
        await self.browser.call("flags_add", message_ids=[1], flags=["looked"])
        if ctl:
            async with self.running.ctl() as client:
                assert (await client.call("healthcheck", {}, Wellness)).accounts == []


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No child process is tried: the clock jumps past their deadlines."""
    monkeypatch.setattr("moxlite.admin.doctor.helpers.kinds_of", lambda _: {})


@pytest.mark.landing("bug", "full", "disk", "no descriptors")
@pytest.mark.parametrize("kind", ERRORS)
async def test_any_task_may_fail_and_all_doors_stay_open(
    kind: str, tmp_path: Path, faults: Faults, mock_clock: MockClock, untried: None
) -> None:
    """ADMIN-39a, WEB-155: each task of the server fails alone, /readyz names it, and it runs again after its pause."""
    async with house(tmp_path, static=BACKED_UP + STATIC) as running:
        doors = Doors(running, await running.imap("mia"), await running.web("mia"))
        await doors.imap.select()
        tree = running.tree
        names = sorted(tree.running)
        assert {name for name in names if " " not in name} == _drawn()
        assert len([name for name in names if " " in name]) == 8, "one for each port"
        for name in names:
            runs = faults.runs["server", name]
            own = "two" if " " in name and name.endswith(_ports(running)) else "one"
            faults.plant("server", name, ERRORS[kind]())
            await soon(partial(is_down, tree, name), f"{name} is down")
            await doors.work(own, ctl=name != "ctl.accept")
            status, text = await running.readiness(own)
            assert status == 503
            assert text.startswith(f"task {name} is down since ")
            assert tree.failures[name] == 1
            mock_clock.jump(FIRST_PAUSE)
            await soon(partial(faults.ran_after, runs, "server", name), f"{name} runs again")
            await soon(lambda: not tree.down, f"{name} is up")
            assert await running.readiness(own) == (200, "ok")
        await doors.work("one", ctl=True)
        assert tree.running >= set(names)


def is_down(tree: Supervisor, name: str) -> bool:
    return name in tree.down


def _drawn() -> set[str]:
    """The tasks of the server that restart, as docs/architecture.md §5 draws them."""
    text = (top() / "docs" / "architecture.md").read_text()
    part = text[text.index('supervisor "server"') : text.index("connections: one task each")]
    account, ports = "store.eraser", "IP PORT"
    lines = [
        line for line in part.splitlines() if line.endswith(" RESTART") and account not in line and ports not in line
    ]
    return {name for line in lines for name in re.findall(r"[a-z]+\.[a-z-]+", line)}


def _ports(running: Running) -> tuple[str, ...]:
    """Ends of the names of tasks that accept at the first listener."""
    services = ("smtp", "imap", "webmail_http", "metrics_http")
    return tuple(f" {running.port(service)}" for service in services)


async def test_a_task_of_an_account_may_fail_and_the_account_works(
    tmp_path: Path, faults: Faults, mock_clock: MockClock, untried: None
) -> None:
    """ADMIN-39a, ADMIN-57: it is logged and counted without the account's name, and /readyz stays well."""
    async with house(tmp_path) as running:
        doors = Doors(running, await running.imap("mia"), await running.web("mia"))
        await doors.imap.select()
        started = {name for tree, name in faults.runs if tree == "account mia"}
        lasting = (
            *("store.eraser", "store.carrier", "store.trainer", "store.indexer", "store.gatherer", "store.sharing"),
            *("web.notices", "web.programs"),
        )
        assert started == {
            *lasting,
            "store.parser",
            "store.threads",
            "store.masked",
            "migration.links",
            "queue.attend",
        }  # these have done what they had to
        for error in ERRORS.values():
            for name in lasting:
                runs = faults.runs["account mia", name]
                faults.plant("account mia", name, error())
                tree = faults.trees["account mia"]
                await soon(partial(is_down, tree, name), f"{name} is down")
                await doors.work("one", ctl=True)
                assert await running.readiness() == (200, "ok")
                mock_clock.jump(2.0 ** len(ERRORS))
                await soon(partial(faults.ran_after, runs, "account mia", name), f"{name} runs again")
        assert running.tree.failures == {}
        await doors.work("one", ctl=True)
    samples = next(one for one in metrics() if one.name == "moxlite_task_failures").samples()
    assert not any("mia" in value for _, labels, _ in samples for value in labels.values())


async def test_an_error_that_stays_is_tried_ever_less_often(
    tmp_path: Path, faults: Faults, mock_clock: MockClock
) -> None:
    """ADMIN-39a: 1, 2, 4 seconds; meanwhile /readyz and healthcheck tell since when."""
    async with house(tmp_path) as running:
        tree = running.tree
        since = set()
        for number in range(4):
            runs = faults.runs["server", "queue.scheduler"]
            faults.plant("server", "queue.scheduler", OSError(errno.EIO, "Input/output error"))
            await soon(lambda: "queue.scheduler" in tree.down)
            since.add(tree.down["queue.scheduler"].since)
            async with running.ctl() as client:
                (line,) = (await client.call("healthcheck", {}, Wellness)).problems
            assert line == (await running.readiness())[1]
            assert line.endswith("OSError: [Errno 5] Input/output error")
            mock_clock.jump(2.0**number - 0.001)
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert faults.runs["server", "queue.scheduler"] == runs
            mock_clock.jump(0.001)
            await soon(partial(faults.ran_after, runs, "server", "queue.scheduler"))
        assert len(since) == 1
