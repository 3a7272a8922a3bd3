"""The tests for what has changed: those that ran the changed functions, while they fit into the time."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from measuring.functions import REST, functions
from measuring.index import Index

__all__ = ["BUDGET", "chosen", "tests_of_changes", "tests_of_functions"]

BUDGET: Final = 400.0
"""Seconds of tests at most: `script/test changed` takes two processes for them, and ends within five minutes."""


def tests_of_changes(
    top: Path, paths: Iterable[Path], index: Index, importing: Callable[[Path], Iterable[str]]
) -> dict[str, frozenset[str]]:
    """The tests for each changed function of these files below `top`, by `path:name`.

    `importing` finds the tests of a module by imports: for what the recorded run cannot tell, which are new functions
    that no test ran yet, and code outside of functions.
    """
    found = {}
    for path in paths:
        before = index.functions(str(path))
        after = functions((top / path).read_text()) if (top / path).exists() else {}
        digests = {name: one.digest for name, one in after.items()}
        changed = [name for name in before.keys() | digests.keys() if digests.get(name) != before.get(name, ("",))[0]]
        found.update(tests_of_functions(path, changed, index, importing))
    return found


def tests_of_functions(
    path: Path, changed: Iterable[str], index: Index, importing: Callable[[Path], Iterable[str]]
) -> dict[str, frozenset[str]]:
    """The tests for changed functions of one file, by `path:name`."""
    changed = set(changed)
    recorded = index.functions(str(path))
    tests = {name: recorded[name][1] for name in changed & recorded.keys() if recorded[name][1]}
    if REST in changed or (changed and not tests):
        tests[REST] = frozenset(importing(path))
    return {f"{path}:{name}": those for name, those in tests.items()}


def chosen(
    wanted: dict[str, frozenset[str]], seconds: dict[str, float], budget: float = BUDGET
) -> tuple[list[str], int]:
    """Tests within the budget, and how many are left out: each function has its quickest first, in turn."""
    queues = [sorted(tests, key=lambda test: (seconds.get(test, 1.0), test)) for tests in wanted.values()]
    every = {test for queue in queues for test in queue}
    taken: dict[str, None] = {}
    spent = 0.0
    while queues and spent < budget:
        for queue in queues:
            while queue and queue[0] in taken:
                queue.pop(0)
            if queue and spent < budget:
                test = queue.pop(0)
                taken[test] = None
                spent += seconds.get(test, 1.0)
        queues = [queue for queue in queues if queue]
    left = [test for test in every if test not in taken and test.partition("::")[0] not in taken]
    return [test for test in taken if "::" not in test or test.partition("::")[0] not in taken], len(left)
