"""The memory of each process of ours, which no other process of its user may read."""

import subprocess
import sys
from collections.abc import Callable

import pytest

import moxlite.__main__
import moxlite.autotls.child
from moxlite import prctl
from moxlite.process import keeper

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")

PROGRAM = """
import contextlib, ctypes, runpy, sys
sys.argv = ["moxlite", "version"]
with contextlib.suppress(SystemExit):
    runpy.run_module("moxlite", run_name="__main__", alter_sys=True)
print("dumpable", ctypes.CDLL(None).prctl(3))
"""


class Hidden(Exception):
    """Memory is hidden now."""


def test_a_command_hides_its_memory() -> None:
    """ADMIN-36: `serve` and `localserve` started as any user, and all commands, which may ask for passwords."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("dumpable 0\n"), done


@pytest.mark.parametrize(
    "main",
    [moxlite.__main__.main, moxlite.autotls.child.main, keeper.main],
    ids=["command", "ACME", "root's parent"],
)
def test_each_program_of_ours_hides_its_memory_before_all(
    monkeypatch: pytest.MonkeyPatch, main: Callable[[], None]
) -> None:
    """ADMIN-36: exec(3) undoes it, so each program begins with it (that of the sandbox: test_sandbox_calls)."""

    def hide() -> None:
        raise Hidden

    for module in (prctl, keeper):
        monkeypatch.setattr(module, "hide_memory", hide)
    with pytest.raises(Hidden):
        main()
