"""What holds for all tests."""

import logging
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from trio.testing import MockClock

# Time is measured by bench/, never by a test: on a loaded machine a deadline only makes tests flaky, and so does a
# bound for the time in which examples are made.
settings.register_profile("moxlite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("moxlite")

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
        logger.setLevel(level)
    logging.root.handlers[:] = handlers
