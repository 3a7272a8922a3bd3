"""How long `script/test changed` would have taken for each of the last commits."""

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from measuring.changed import chosen, tests_of_functions
from measuring.functions import functions
from measuring.index import Index

__all__ = ["PROCESSES", "START", "commits", "wall"]

PROCESSES: Final = 2
"""Processes that `script/test changed` runs tests in."""

START: Final = 15.0
"""Seconds until the first test runs in both processes: measured in a run of 40 tests."""


def commits(top: Path, number: int) -> list[str]:
    """The last commits that changed code or tests, latest first. Others have nothing to run."""
    found = _git(top, "log", "--no-merges", f"-{number}", "--format=%H", "--", "moxlite/*.py", "tests/*.py")
    return found.splitlines()


def wall(
    top: Path, commit: str, index: Index, importing: Callable[[Path], Iterable[str]], share: int = 1
) -> tuple[float, float]:
    """Seconds for a commit, and what they were without the budget. `share`: every so many tests are in the index, and
    each counts for as many. `importing` finds files of tests by imports, as in `changed.tests_of_changes`.
    """
    seconds = {name: spent * share for name, spent in index.seconds().items()}
    names = [Path(name) for name in _git(top, "diff", "--name-only", f"{commit}^", commit).splitlines()]
    wanted: dict[str, frozenset[str]] = {}
    for path in names:
        if path.suffix != ".py":
            continue
        if path.parts[0] == "tests" and (top / path).exists():
            wanted[str(path)] = frozenset(importing(path))
        elif path.parts[0] == "moxlite" and (top / path).exists():
            before, after = _functions(top, f"{commit}^", path), _functions(top, commit, path)
            changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
            wanted |= tests_of_functions(path, changed, index, importing)
    found, _ = chosen(wanted, seconds)
    every, _ = chosen(wanted, seconds, budget=float("inf"))
    return _together(found, seconds, share), _together(every, seconds, share)


def _functions(top: Path, commit: str, path: Path) -> dict[str, str]:
    """Digests of a module's functions in a commit; empty where it has no such module."""
    done = subprocess.run(["git", "show", f"{commit}:{path}"], cwd=top, capture_output=True, text=True, check=False)
    return {} if done.returncode else {name: one.digest for name, one in functions(done.stdout).items()}


def _together(tests: list[str], seconds: dict[str, float], share: int) -> float:
    """Seconds of tests and of files of tests; 0 without any."""
    if not tests:
        return 0.0
    spent = sum(seconds.get(one, 0.0 if "::" not in one else 1.0) for one in tests)
    longest = max((seconds.get(one, 0.0) for one in tests if "::" in one), default=0.0) / share
    return START + max(spent / PROCESSES, longest)


def _git(top: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=top, check=True, capture_output=True, text=True).stdout
