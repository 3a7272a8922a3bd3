"""Plugin of pytest: `--processes N` runs the tests in so many forks of the process that has collected them.

Collecting takes half a minute of a processor, which each process of pytest-xdist would need. Tests that wait for
servers, programs and browsers run beside those that compute: `COMPUTING` processes begin with the latter, the others
with the former, and each goes on with what is left of the other kind. A process takes the tests of a file in their
order, so that they share servers and browsers; one that finds no file left takes half of what another has of its file.
"""

import os
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, Final, TypeAlias

import pytest

__all__ = ["pytest_addoption", "pytest_runtestloop"]

COMPUTING: Final = max(2, os.cpu_count() or 2)
"""Processes for tests that compute."""

WAITING: Final = ("slow", "integration", "campaign")
"""Markers of tests that wait for others."""

ENDING_SECONDS: Final = 60.0
"""Seconds that the fixtures of a process have to end when a run is stopped."""

Group: TypeAlias = deque[int]
"""Tests of a file, by their places among all, of which none has begun."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--processes", type=int, default=0, metavar="N", help="run tests in N forks of this process")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests in forks; as always where none are wanted, where a debugger is, and after errors of collecting."""
    option = session.config.option
    count = min(option.processes, len(session.items))
    if count < 1 or option.collectonly or option.usepdb or session.testsfailed:
        return None
    run = Run(session, count)
    try:
        run.all()
    finally:
        run.end()
    return True


@dataclass
class Fork:
    """A process: what it works at and has been given, the rest of its file, and whether it began with computing."""

    number: int
    computing: bool
    pid: int
    pipe: "Connection[Any, Any]"
    given: deque[int] = field(default_factory=deque)
    group: Group = field(default_factory=deque)


class Run:
    """All tests of a session."""

    def __init__(self, session: pytest.Session, count: int) -> None:
        self._session = session
        self._config = session.config
        self._fresh: dict[bool, deque[Group]] = {True: deque(), False: deque()}
        self._kinds = [not any(item.get_closest_marker(name) for name in WAITING) for item in session.items]
        groups: dict[tuple[bool, object], Group] = {}
        for place, item in enumerate(session.items):
            key = self._kinds[place], item.path
            if key not in groups:
                groups[key] = deque()
                self._fresh[self._kinds[place]].append(groups[key])
            groups[key].append(place)
        self._count = count
        self._forks: list[Fork] = []

    def all(self) -> None:
        """Run them."""
        assert threading.active_count() == 1, "a thread of a module would be missing in forks"
        factory: Any = self._config._tmp_path_factory  # type: ignore[attr-defined]
        factory.getbasetemp()  # made once: where it was given, it is emptied then, with the folders of other forks
        for number in range(self._count):
            self._start(number)
        while self._forks:
            ready = wait([fork.pipe for fork in self._forks])
            for fork in [fork for fork in self._forks if fork.pipe in ready]:
                try:
                    kind, content = fork.pipe.recv()
                except (EOFError, ConnectionError):
                    self._ended(fork)
                else:
                    self._heard(fork, kind, content)
            if self._session.shouldfail:
                raise self._session.Failed(self._session.shouldfail)
            if self._session.shouldstop:
                raise self._session.Interrupted(self._session.shouldstop)

    def end(self) -> None:
        """Interrupt those that run."""
        for fork in self._forks:
            os.kill(fork.pid, signal.SIGINT)
        wait_until = threading.Timer(ENDING_SECONDS, self._kill)
        wait_until.start()
        for fork in self._forks:
            os.waitpid(fork.pid, 0)
        wait_until.cancel()
        self._forks.clear()

    def _kill(self) -> None:
        for fork in self._forks:
            with suppress(ProcessLookupError):
                os.kill(fork.pid, signal.SIGKILL)

    def _start(self, number: int) -> None:
        ours, theirs = Pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                ours.close()
                for other in self._forks:
                    other.pipe.close()
                _work(self._session, theirs, number, self._count)
                code = 0
            finally:
                os._exit(code)
        theirs.close()
        self._forks.append(Fork(number, number < COMPUTING, pid, ours))

    def _heard(self, fork: Fork, kind: str, content: Any) -> None:
        hook = self._config.hook
        if kind == "next":
            place = self._take(fork)
            if place is not None:
                fork.given.append(place)
            fork.pipe.send(place)
        elif kind == "report":
            report = hook.pytest_report_from_serializable(config=self._config, data=content)
            hook.pytest_runtest_logreport(report=report)
        elif kind == "warning":
            hook.pytest_warning_recorded.call_historic(kwargs=content)
        elif kind == "done":
            item = self._session.items[fork.given.popleft()]
            hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _take(self, fork: Fork) -> int | None:
        """The next test for a process: of its file, of a file that nobody has, or of another's."""
        if not fork.group:
            fork.group = next(self._groups(fork), deque())
        return fork.group.popleft() if fork.group else None

    def _groups(self, fork: Fork) -> Iterator[Group]:
        """Groups that a process may go on with, the best first."""
        for kind in (fork.computing, not fork.computing):
            if self._fresh[kind]:
                yield self._fresh[kind].popleft()
            held = [one.group for one in self._forks if one.group and self._kinds[one.group[0]] == kind]
            if held:
                most = max(held, key=len)
                yield deque(reversed([most.pop() for _ in range((len(most) + 1) // 2)]))

    def _ended(self, fork: Fork) -> None:
        """A process is gone: at its end, or in the middle of a test, which has failed. Another one goes on then."""
        self._forks.remove(fork)
        fork.pipe.close()
        status = os.waitstatus_to_exitcode(os.waitpid(fork.pid, 0)[1])
        if not fork.given and status == 0:
            return
        if not fork.given:
            raise self._session.Interrupted(f"a process of the tests ended with {status}")
        item = self._session.items[fork.given.popleft()]
        words = f"the process that ran it ended with {status}"
        report = pytest.TestReport(item.nodeid, item.location, {}, "failed", words, "call")
        self._config.hook.pytest_runtest_logreport(report=report)
        fork.group.extendleft(reversed(fork.given))
        if fork.group:
            self._fresh[self._kinds[fork.group[0]]].append(fork.group)
        self._start(fork.number)


class Telling:
    """Plugin of a fork: what is reported there goes to the process that has forked it."""

    def __init__(self, config: pytest.Config, pipe: "Connection[Any, Any]") -> None:
        self._config = config
        self._pipe = pipe

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send it."""
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._pipe.send(("report", data))

    def pytest_warning_recorded(
        self,
        warning_message: warnings.WarningMessage,
        when: str,
        nodeid: str,
        location: tuple[str, int, str] | None,
    ) -> None:
        """Send it, without the objects that it is about."""
        one = warning_message
        told = warnings.WarningMessage(str(one.message), one.category, one.filename, one.lineno)
        content = {"warning_message": told, "when": when, "nodeid": nodeid, "location": location}
        self._pipe.send(("warning", content))


def _work(session: pytest.Session, pipe: "Connection[Any, Any]", number: int, count: int) -> None:
    """Run what the other end of the pipe names. A test begins when its successor is known: fixtures that both have
    are kept.
    """
    config = session.config
    os.environ |= {"PYTEST_XDIST_WORKER": f"gw{number}", "PYTEST_XDIST_WORKER_COUNT": str(count)}  # as tests know them
    for name in ("logstart", "logfinish", "logreport"):
        _unheard(config, f"pytest_runtest_{name}")
    _unheard(config, "pytest_warning_recorded")
    config.pluginmanager.register(Telling(config, pipe))
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()  # the files are shared with the others
    capture.start_global_capturing()
    capture.suspend_global_capture()
    factory: Any = config._tmp_path_factory  # type: ignore[attr-defined]
    factory._basetemp = factory.getbasetemp() / f"gw{number}"
    factory._basetemp.mkdir(mode=0o700, exist_ok=True)  # another process may have had the number

    def ask() -> pytest.Item | None:
        pipe.send(("next", None))
        place = pipe.recv()
        return None if place is None else session.items[place]

    item = ask()
    try:
        while item is not None:
            following = ask()
            config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            pipe.send(("done", None))
            item = following
    except (KeyboardInterrupt, EOFError, ConnectionError):
        session._setupstate.teardown_exact(None)  # the run was stopped, and servers still run


def _unheard(config: pytest.Config, name: str) -> None:
    """Let nobody hear a hook: it is told in the process that forked this one."""
    hook = getattr(config.hook, name)
    for one in hook.get_hookimpls():
        hook._remove_plugin(one.plugin)
    if hook.is_historic():
        hook._call_history.clear()  # what was told is told there, too
