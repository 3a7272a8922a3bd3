"""Commands of tests are forks of a process that has imported moxlite (tests/starting.py)."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import starting
from tests.mirrorserver import ENDS
from tests.tools import top

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked"),
]


@pytest.mark.parametrize("end", ENDS)
def test_a_fork_is_as_a_process_that_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """What it is given, its streams and files, and the ways to end."""
    found = []
    for forked in (True, False):
        monkeypatch.setattr(starting, "forked", forked)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.mirrorserver", end, "more"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(top()), "OF_THE_TEST": "ä"},
            umask=0o027,
            start_new_session=True,
        )
        out, err = process.communicate("said", timeout=60)
        found.append((process.returncode, out, err.splitlines()[:1], err.splitlines()[-1]))
    assert found[0] == found[1]


@pytest.mark.parametrize("forked", [pytest.param(False, marks=pytest.mark.starts), True])
def test_a_fork_is_a_child_of_the_test(forked: bool) -> None:
    """It can be waited for and killed; a test with the marker `starts` has one that begins by itself."""
    process = subprocess.Popen(
        [sys.executable, "-m", "moxlite", "sendmail", "-t"],
        stdin=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(top())},
    )
    assert f"PPid:\t{os.getpid()}\n" in Path(f"/proc/{process.pid}/status").read_text()
    assert (b"tests.starting" in Path(f"/proc/{process.pid}/cmdline").read_bytes()) == forked
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("variables", "folder"),
    [({"TZ": "Asia/Tokyo"}, ""), ({"PYTHONPATH": "/elsewhere"}, ""), ({"PYTHONPATH": ""}, "/"), ({"LC_ALL": "C"}, "")],
)
def test_what_a_start_could_see_is_no_fork(variables: dict[str, str], folder: str) -> None:
    """Other variables that Python reads when it starts, and other paths to modules."""
    environment = os.environ | {"PYTHONPATH": str(top())} | variables
    command = [sys.executable, "-m", "moxlite", "version"]
    with subprocess.Popen(command, cwd=folder or top(), env=environment, stdout=-3, stderr=-3) as process:
        assert b"tests.starting" not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
