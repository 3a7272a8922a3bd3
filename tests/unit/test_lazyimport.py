"""What is made at its first use."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

import pytest
import trio

from moxlite.lazyimport import Lazy
from tests.tools import top

RACES: Final = """
import sys, threading, time
from importlib import import_module
from pathlib import Path
import trio
from moxlite.__main__ import serialize_imports
from moxlite.lazyimport import load

folder, locked = Path(sys.argv[1]), sys.argv[2] == "locked"
sys.path.insert(0, str(folder))
if locked:
    serialize_imports()

def by_statement(name):
    exec(f"from {name} import value")

def by_task(name):
    trio.run(load, name)
    by_statement(name)

def by_function(name):
    import_module(name).value

def by_builtin(name):
    __import__(name, fromlist=["value"]).value

ways = [by_statement, by_function, by_builtin, by_task]
wrong = []

def attempt(way, name, wait):
    time.sleep(wait)
    try:
        way(name)
    except Exception as error:
        wrong.append(error)

for number, (first, second) in enumerate((first, second) for first in ways for second in ways):
    package = folder / f"race{number}"
    package.mkdir()
    (package / "__init__.py").write_text(f"import time; time.sleep(0.05)\\nfrom {package.name}.part import value\\n")
    (package / "part.py").write_text(f"from {package.name} import other\\nvalue = 1\\n")
    (package / "other.py").write_text("")
    threads = [
        threading.Thread(target=attempt, args=(first, package.name, 0), daemon=True),
        threading.Thread(target=attempt, args=(second, f"{package.name}.part", 0.01), daemon=True),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
print(len(wrong))
"""
"""Two threads load a package and its module at once, by each pair of ways; prints how many got one half-initialized."""


@pytest.mark.parametrize("locked", [True, False])
def test_no_thread_gets_a_half_initialized_module(tmp_path: Path, locked: bool) -> None:
    """ADMIN-82a: by whatever kind of import. Without the lock these races are lost, so the test can find it missing."""
    command = [sys.executable, "-c", RACES, str(tmp_path), "locked" if locked else "open"]
    outcome = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, cwd=top())
    assert (int(outcome.stdout) == 0) is locked, outcome.stdout


def test_each_process_of_the_program_loads_by_one_thread_at_a_time() -> None:
    """ADMIN-82a: the command line, the server and its children begin in `__main__.main`."""
    code = (
        "import sys, importlib._bootstrap as imports; from moxlite.__main__ import main; sys.argv[1:] = ['version'];"
        " before = imports._find_and_load\ntry: main()\nfinally: assert imports._find_and_load is not before"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, cwd=top()).returncode == 0


async def test_it_is_made_once_for_all_who_ask_and_in_a_thread() -> None:
    """ADMIN-82: the event loop goes on meanwhile."""
    made: list[str] = []
    asked = threading.Event()

    def make() -> object:
        assert asked.wait(30)
        made.append(threading.current_thread().name)
        return object()

    one = Lazy(make)
    got: list[object] = []

    async def ask() -> None:
        got.append(await one.get())

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        asked.set()
    assert len(made) == 1
    assert made[0] != threading.main_thread().name
    assert len(got) == 3
    assert len(set(map(id, got))) == 1
    assert await one.get() is got[0]


async def test_what_could_not_be_made_is_tried_again() -> None:
    """A file that was missing may be there the next time."""
    answers: list[OSError | str] = [OSError("gone"), "made"]

    def make() -> str:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    one = Lazy(make)
    with pytest.raises(OSError, match="gone"):
        await one.get()
    assert await one.get() == "made"
