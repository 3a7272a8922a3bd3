"""What holds for all tests."""

import gc
import logging
import os
import signal
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from trio.testing import MockClock

from tests import forks, leaks, starting

# Time is measured by bench/, never by a test: on a loaded machine a deadline only makes tests flaky, and so does a
# bound for the time in which examples are made.
settings.register_profile("moxlite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("moxlite")

QUICK: Final = ("compose", "config", "mailauth", "proto")
"""Packages whose unit tests make the quick tier: values in, values out, without a server (develop.md)."""

QUICK_KINDS: Final = "not slow and not integration and not campaign and not nightly"


SPENT_BY: Final = os.environ.pop("SPENT_BY", "")  # not for those that tests run
"""The shell whose processor time a run tells with its own."""


def _strict_context(*args: Any, **kwargs: Any) -> ssl.SSLContext:
    """As Python makes it from 3.13 on, which refuses a CA without the extensions of RFC 5280 §4.2.1."""
    context = _default_context(*args, **kwargs)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    return context


_default_context: Final = ssl.create_default_context
ssl.create_default_context = _strict_context


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Have `tests.forks` add its option."""
    pluginmanager.register(forks, "tests.forks")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the quick tier for `pytest` without paths and choices, and name failures as they happen."""
    chosen = config.option.markexpr or config.option.keyword
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS and not chosen:
        config.args = [str(path) for path in quick(config.rootpath)]
        config.option.markexpr = QUICK_KINDS
    config.pluginmanager.register(leaks, "tests.leaks")
    if hasattr(config, "workerinput"):
        return
    config.pluginmanager.register(Names(config))
    if config.getoption("processes"):  # tests run in other processes: a stopped run still writes its reports
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to the nightly tier what `landing` does not name: `@pytest.mark.landing("plain")` keeps one case of a test
    with parameters in the landing run. An ID that no case has is an error of a run of all tests.
    """
    unknown: set[str] = set()
    known: set[str] = set()
    for item in items:
        for mark in item.iter_markers("landing"):
            name = item.nodeid.partition("[")[0]
            case = item.nodeid.removeprefix(name)[1:-1]
            unknown |= {f"{name}[{one}]" for one in mark.args}
            known.add(item.nodeid)
            if case not in mark.args:
                item.add_marker("nightly")
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS and unknown - known:
        raise pytest.UsageError(f"landing names no case: {', '.join(sorted(unknown - known))}")


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: 12,000 tests and their modules, which the garbage collector would look
    through again and again.
    """
    gc.collect()
    gc.freeze()
    starting.install()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Give each test the umask of the run: the start of a server sets another one for its process. What a test of
    starts begins is no fork.
    """
    starting.forked = item.get_closest_marker("starts") is None
    umask = os.umask(0o022)
    os.umask(umask)
    try:
        return (yield)
    finally:
        os.umask(umask)


def quick(top: Path) -> list[Path]:
    """Test files of the quick tier: a file is named for the component that it tests (tests/unit/test_components.py)."""
    names = {*QUICK, *(path.stem for path in (top / "moxlite/proto").iterdir())}
    files = (top / "tests/unit").glob("test_*.py")
    return sorted(path for path in files if path.stem.removeprefix("test_").partition("_")[0] in names)


@pytest.fixture(scope="session", autouse=True)
def _processes_of_the_run() -> Iterator[None]:
    """End the process that a test may have asked about a pattern; in a server it ends when it is not asked. And those
    that fork servers and open auth.db, and the browser.
    """
    yield
    if (module := sys.modules.get("tests.integration.browser")) is not None:
        module.close_browser()
    if (module := sys.modules.get("tests.authprocess")) is not None:
        module.end()
    starting.end()
    if (module := sys.modules.get("moxlite.patterns.process")) is not None:
        module.process.close()


class Names:
    """Writes the name of each failed test at once, so that a run which is stopped has told them: to the terminal, and
    to the file that FAILED_TESTS names (script/testing/again.py).
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._file = os.environ.pop("FAILED_TESTS", None)  # not for those that tests run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write a line for a test, or its fixtures, that failed."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            terminal.ensure_newline()
            terminal.write_line(f"FAILED {report.nodeid} ({report.when})")
            if self._file:
                with Path(self._file).open("a") as names:
                    names.write(f"{report.nodeid}\n")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what a run cost: seconds of the processor, of it and of the shell SPENT_BY, with all that they started."""
    if not SPENT_BY:
        return
    before = Path(f"/proc/{SPENT_BY}/stat")
    ticks = before.read_text().rpartition(")")[2].split()[11:15] if before.exists() else ["0"] * 4
    user, system, of_children, in_system = (int(one) / os.sysconf("SC_CLK_TCK") for one in ticks)
    own = os.times()
    user += of_children + own.user + own.children_user
    system += in_system + own.system + own.children_system
    terminalreporter.section("processor")
    terminalreporter.write_line(f"user {user:.0f} s, system {system:.0f} s, with all that was started")


# A job in the background of a shell ignores SIGINT, and so would the programs that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def leaping_clock() -> MockClock:
    """Trio's clock of the test: it goes on as time does, and leaps where the test says so. A deadline so passes when
    the test has come to it, and not because the machine is busy.
    """
    return MockClock(rate=1.0)


@pytest.fixture(autouse=True)
def log_levels() -> Iterator[None]:
    """What a test configures of the log ends with it: others look at what they log themselves."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "moxlite"]
    loggers = [logging.root, *map(logging.getLogger, ["moxlite", *names])]
    before = [(logger, logger.level) for logger in loggers]
    handlers = logging.root.handlers[:]
    yield
    for logger, level in before:
        if logger.level != level:  # each change empties the caches of all loggers
            logger.setLevel(level)
    logging.root.handlers[:] = handlers
