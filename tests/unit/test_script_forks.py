"""Tests in forks of the process that has collected them (tests/forks.py)."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.forks import COMPUTING
from tests.tools import top, until

PLANTED = """
import os
import time
import warnings

import pytest


@pytest.fixture(scope="module")
def owner():
    yield os.getpid()
    print("the fixture ends")


@pytest.mark.parametrize("n", range(20))
def test_of_a_file(n, owner):
    assert owner == os.getpid()


def test_fails(tmp_path):
    assert tmp_path.is_dir()
    print("said before")
    warnings.warn("a warning of a fork")
    assert not tmp_path.exists()


def test_ends_its_process():
    os.kill(os.getpid(), 9)


@pytest.mark.parametrize("n", range(8))
def test_after_that(n, tmp_path):
    print("of another")
    time.sleep(0.05)
    assert tmp_path.is_dir()


@pytest.mark.slow
def test_waits():
    pass


def test_is_skipped():
    pytest.skip("a reason")
"""

ENDLESS = """
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def server():
    Path("began").touch()
    yield
    Path("ended").touch()


def test_waits(server):
    time.sleep(600)
"""


SHARED = """
import os
import time
from pathlib import Path

import pytest


@pytest.mark.parametrize("n", range(200))
def test_of_a_file(n):
    (Path("by") / str(os.getpid())).touch()
    time.sleep(0.02)
"""


def command(folder: Path, planted: str, processes: int) -> list[str]:
    """The words that start a run of planted tests."""
    (folder / "test_planted.py").write_text(planted)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")
    options = ["-p", "tests.forks", "-p", "no:cacheprovider", "--processes", str(processes), "--junitxml=junit.xml"]
    options.append(f"--basetemp={folder / 'temporary'}")
    return [sys.executable, "-m", "pytest", "-q", "-rs", "--durations=5", *options]


def test_a_run_in_forks_tells_what_a_run_tells(tmp_path: Path) -> None:
    """Outcomes, warnings, output, durations and times of all tests; a process that ends is the failure of its test
    alone.
    """
    done = subprocess.run(
        command(tmp_path, PLANTED, 3),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(top())},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert re.search(r"2 failed, 29 passed, 1 skipped, 1 warning in ", done.stdout), done.stdout
    assert "the process that ran it ended with -9" in done.stdout
    assert "UserWarning: a warning of a fork" in done.stdout
    assert "said before" in done.stdout
    assert "of another" not in done.stdout
    assert "slowest 5 durations" in done.stdout
    assert "a reason" in done.stdout
    assert len(list(ET.parse(tmp_path / "junit.xml").iter("testcase"))) == 32


def test_processes_without_tests_that_wait_go_on_with_others(tmp_path: Path) -> None:
    """None is idle while tests are left."""
    (tmp_path / "by").mkdir()
    run = command(tmp_path, SHARED, COMPUTING + 2)
    subprocess.run(run, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(top())}, timeout=120, check=True)
    assert len(list((tmp_path / "by").iterdir())) == COMPUTING + 2


@pytest.mark.slow
def test_fixtures_end_when_a_run_is_stopped(tmp_path: Path) -> None:
    """What a test has started ends with the run."""
    with subprocess.Popen(
        command(tmp_path, ENDLESS, 2), cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(top())}, stdout=-3
    ) as run:
        until((tmp_path / "began").exists, what="the test")
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=60) == pytest.ExitCode.INTERRUPTED
    assert (tmp_path / "ended").exists()
    assert (tmp_path / "junit.xml").exists()
