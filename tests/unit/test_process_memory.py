"""The memory of each process of ours, which no other process of its user may read."""

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module

import pytest

from moxlite import prctl
from moxlite.ownprogram import CHILDREN
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
    """ADMIN-36a: `serve` and `localserve` started as any user, and all commands, which may ask for passwords."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("dumpable 0\n"), done


@pytest.mark.parametrize(
    "module",
    ["moxlite.__main__", *(one for name, one in CHILDREN.items() if name not in ("sandbox", "patterns"))],
)
def test_each_program_of_ours_hides_its_memory_before_all(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """ADMIN-36a: exec(3) undoes it, so each program begins with it (the confined ones: test_sandbox_calls)."""
    main: Callable[[], None] = import_module(module).main

    def hide() -> None:
        raise Hidden

    for place in (prctl, keeper):
        monkeypatch.setattr(place, "hide_memory", hide)
    with pytest.raises(Hidden):
        main()
