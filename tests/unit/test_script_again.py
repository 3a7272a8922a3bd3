"""script/testing/again.py: failed tests are run again, alone (docs/developers/develop.md)."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.tools import top

PLANTED = """
from pathlib import Path


def test_passes_the_second_time():
    before = Path("before")
    again = before.exists()
    before.touch()
    assert again


def test_fails_always():
    assert False


def test_passes():
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the planted tests."""
    (tmp_path / "test_planted.py").write_text(PLANTED)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def run(folder: Path, *command: str, code: int, **environment: str) -> str:
    """Output of a program of Python, which ends with `code`."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": str(top()), **environment},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def again(folder: Path, code: int) -> str:
    """Output of script/testing/again.py on the file of names."""
    return run(folder, str(top() / "script/testing/again.py"), "failed", code=code)


def suite(folder: Path, *arguments: str) -> str:
    """Output of a whole run with failures, which writes their names."""
    command = ("-m", "pytest", "-q", "-p", "tests.conftest", *arguments)
    return run(folder, *command, code=1, FAILED_TESTS=str(folder / "failed"))


@pytest.mark.landing("2")
@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_test_that_passes_alone_is_named_as_unsteady(folder: Path, processes: str) -> None:
    """The run goes on, and a file keeps the name."""
    suite(folder, "--processes", processes, "--deselect", "test_planted.py::test_fails_always")
    assert "again: unsteady, passes alone: test_planted.py::test_passes_the_second_time" in again(folder, 0)
    line = f"{datetime.now(UTC).date()} test_planted.py::test_passes_the_second_time\n"
    assert (folder / "tests/unsteady.txt").read_text() == line


@pytest.mark.nightly
def test_a_test_that_is_unsteady_for_the_third_time_in_a_month_fails(folder: Path) -> None:
    """Lines of other tests, and of earlier months, do not count."""
    today = datetime.now(UTC).date()
    name = "test_planted.py::test_passes_the_second_time"
    before = f"# a comment\n{today - timedelta(40)} {name}\n{today - timedelta(20)} {name}\n{today} {name}x\n"
    listed = folder / "tests/unsteady.txt"
    listed.parent.mkdir()
    listed.write_text(before)
    (folder / "before").touch()
    (folder / "failed").write_text(f"{name}\n")
    again(folder, 0)
    assert listed.read_text() == f"{before}{today} {name}\n"
    assert f"{name} was unsteady 3 times in 31 days" in again(folder, 1)


def test_a_test_that_fails_again_fails_the_run(folder: Path) -> None:
    """Also beside one that passes."""
    suite(folder)
    assert "1 failed, 1 passed" in again(folder, 1)
    assert not (folder / "build").exists()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.py::a", "a.py::b", "a.py::c", "a.py::d"], "4 tests failed, more than 3"),
        (["tests/crash/test_store_crash.py::a"], "as it guards against lost mail"),
        ([], ""),
    ],
)
def test_what_is_no_accident_is_not_run_again(folder: Path, names: list[str], words: str) -> None:
    """Many failures, lost mail, and a run that failed without a failed test."""
    (folder / "failed").write_text("".join(f"{name}\n" for name in names))
    assert words in again(folder, 1)
    assert not (folder / "build").exists()
