"""Faults that are planted into tests: the harness finds each, and names it."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.browser import playing
from tests.tools import top

PLANTED = """
import subprocess
import sys
import threading

import pytest
import trio

from tests.tools import eventually, until


def test_a_condition_of_another_process_never_holds():
    until(lambda: False, seconds=0.1, what="the moon")


async def test_a_condition_of_a_task_never_holds():
    await eventually(lambda: False, seconds=0.1, what="the sun")


@pytest.mark.timeout(2)
async def test_a_wait_has_no_end():
    await trio.sleep_forever()


@pytest.mark.timeout(1)
def test_a_thread_has_no_end():
    threading.Event().wait()


async def test_a_task_goes_on():
    trio.lowlevel.spawn_system_task(trio.sleep_forever, name="the forgotten task")


def test_a_process_goes_on():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)  # the forgotten process"])


def test_all_is_well():
    pass
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Report of pytest on them. The process that is left over ends with the fixture."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "test_planted.py").write_text(PLANTED)
    (folder / "pytest.ini").write_text("[pytest]\ntrio_mode = true\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.leaks", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": str(top()), "COLUMNS": "300"},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("test_a_condition_of_another_process_never_holds", "for: the moon"),
        ("test_a_condition_of_a_task_never_holds", "for: the sun"),
        ("test_a_wait_has_no_end", "EndlessWait: no end in 1 s: test_a_wait_has_no_end at test_planted.py:"),
        ("test_a_thread_has_no_end", "Timeout"),
        ("test_a_task_goes_on", "LeakedTask: left running: the forgotten task"),
    ],
)
def test_a_planted_fault_fails_its_test_by_name(report: str, test: str, words: str) -> None:
    """A wait that never ends and a task that is left: the test that has it fails, and says what it is."""
    line = next(line for line in report.splitlines() if line.startswith("FAILED") and test in line)
    assert words in line


def test_a_process_that_is_left_over_is_named(report: str) -> None:
    """With its command and the file that began it; all tests of the run have their outcome."""
    line = next(line for line in report.splitlines() if "is left over" in line)
    assert "the forgotten process" in line
    assert "test_planted.py" in line
    assert "5 failed, 2 passed, 1 error" in report


def test_the_harness_is_that_of_all_tests(pytestconfig: pytest.Config) -> None:
    """Each run finds faults such as the planted ones."""
    assert pytestconfig.pluginmanager.has_plugin("tests.leaks")


def test_nothing_is_left_of_the_planted_process(report: str) -> None:
    """It would be seen here as well; its parent has ended, so that it is ended by its number."""
    line = next(line for line in report.splitlines() if "is left over" in line)
    pid = int(line.split("process ")[1].split()[0])
    assert "forgotten" in Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    os.kill(pid, 15)


@pytest.mark.parametrize("missing", ["chromium", "libatomic.so.1"])
def test_a_browser_that_cannot_start_is_a_skip_with_words(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Playwright brings a node along that ends at once where a library is missing: it is looked for before."""

    def library(name: str) -> None:
        if name == missing:
            raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", library)
    monkeypatch.setattr(shutil, "which", lambda name, path: None if name == missing else f"/usr/bin/{name}")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"{missing} is not installed"), playing():
        pytest.fail("it started")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="CI=true allows no skip"), playing():
        pytest.fail("it started")


def test_playwright_starts_at_one_place() -> None:
    """So that no test is red where it cannot start."""
    starting = [path for path in (top() / "tests").rglob("*.py") if "sync_playwright()" in path.read_text()]
    assert sorted(path.name for path in starting) == ["browser.py", "test_script_harness.py"]
