"""The tests for what one works at: `testing.tests_of PATH …`, `testing.tests_of --changed`; one a line.

A path is a test file or a folder of tests, or a module, package or other file of moxlite. For those the tests are found
that import it, or a module of the same package where no test does. `--changed`: all that differs from the branch that
this one leaves, committed or not. Where a run was recorded (`script/measure coverage --index`, or the last `script/test
nightly`) these are the tests that ran a changed function, as many as five minutes allow; files that were not recorded
lead to tests by imports.

`script/test PATH …` and `script/test changed` run what this prints.
"""

import argparse
import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from statistics import median
from typing import Final

TOP: Final = Path(__file__).resolve().parents[2]
TESTS: Final = TOP / "tests"
SUPPORT: Final = "conftest.py"
INDEX: Final = TOP / "build/coverage/index.db"


def main() -> None:
    """Print the files."""
    parser = argparse.ArgumentParser(prog="testing.tests_of", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--changed", action="store_true")
    parser.add_argument(
        "--measure", type=int, metavar="N", help="print how long the tests for each of the last commits take"
    )
    parser.add_argument("--share", type=int, default=1, metavar="N", help="one of so many tests is in the index")
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.share)
        return
    paths = [Path.cwd() / path for path in options.paths]
    for path in paths:
        if not path.exists():
            parser.error(f"{path} does not exist")
    found: list[str]
    if options.changed and INDEX.exists():
        found = recorded(changed())
    else:
        paths += changed() if options.changed else []
        found = sorted(str(path.relative_to(TOP)) for path in tests_of(path.resolve().relative_to(TOP) for path in paths))
    if not found:
        print("tests-of: no test imports that; `script/test fast` runs all quick ones", file=sys.stderr)
    print("".join(f"{one}\n" for one in found), end="")


def recorded(paths: list[Path]) -> list[str]:
    """The tests that ran what differs, by the last recorded run; files of tests that changed, or use what changed, whole."""
    from measuring.changed import chosen, tests_of_changes  # noqa: PLC0415 - needs what only `bootstrap dev` installs
    from measuring.index import Index  # noqa: PLC0415

    def importing(path: Path) -> list[str]:
        return [str(one.relative_to(TOP)) for one in tests_of([path])]

    places = [path.relative_to(TOP) for path in paths]
    modules = [path for path in places if path.parts[0] == "moxlite" and path.suffix == ".py"]
    index = Index(INDEX)
    wanted = tests_of_changes(TOP, modules, index, importing)
    wanted |= {str(path): frozenset(importing(path)) for path in places if path not in modules}
    found, left = chosen(wanted, index.seconds())
    if left:
        print(f"tests-of: {len(found)} tests, {left} more ran what differs: script/test has them", file=sys.stderr)
    return sorted(found)


def measure(number: int, share: int) -> None:
    """Print the seconds for each of the last commits that changed code or tests, by recorded times; their median and
    the most.
    """
    from measuring.history import commits, wall  # noqa: PLC0415 - as in `recorded`
    from measuring.index import Index  # noqa: PLC0415

    @cache
    def importing(path: Path) -> tuple[str, ...]:
        return tuple(str(one.relative_to(TOP)) for one in tests_of([path]))

    index = Index(INDEX)
    taken = []
    for commit in commits(TOP, number):
        with_budget, without = wall(TOP, commit, index, importing, share)
        taken.append((with_budget, without))
        print(f"{commit[:8]} {with_budget:6.0f} s, all: {without:6.0f} s")
    for name, those in zip(("by budget", "all"), zip(*taken, strict=True), strict=True):
        print(f"{name}: median {median(those):.0f} s, at most {max(those):.0f} s")


def changed() -> list[Path]:
    """What differs from the main branch, and what git does not know yet; without what is gone."""
    base = git("merge-base", "HEAD", main_branch()).strip()
    names = git("diff", "--name-only", "--diff-filter=d", base).splitlines()
    names += git("ls-files", "--others", "--exclude-standard").splitlines()
    return [TOP / name for name in names]


def main_branch() -> str:
    """The branch that others see, if this clone knows one; else what is committed."""
    for name in ("origin/main", "main"):
        if subprocess.run(["git", "rev-parse", "-q", "--verify", name], cwd=TOP, capture_output=True).returncode == 0:
            return name
    return "HEAD"


def git(*arguments: str) -> str:
    """What a git command prints."""
    return subprocess.run(["git", *arguments], cwd=TOP, check=True, capture_output=True, text=True).stdout


def tests_of(paths: Iterable[Path]) -> set[Path]:
    """The test files for paths below TOP."""
    imports = imports_of_tests()
    found: set[Path] = set()
    for path in paths:
        if path.parts[:1] == ("tests",):
            found |= own(path, imports)
        elif path.suffix == ".py" or (TOP / path / "__init__.py").exists():
            found |= using(".".join(path.with_suffix("").parts).removesuffix(".__init__"), imports)
    return found


@cache
def imports_of_tests() -> dict[Path, set[str]]:
    """Names that each file of the tests imports."""
    return {path: set(imported(path)) for path in TESTS.rglob("*.py")}


def own(path: Path, imports: dict[Path, set[str]]) -> set[Path]:
    """A test file, all of a folder, or the tests that use a file beside them."""
    full = TOP / path
    if full.is_dir():
        return {one for one in imports if one.is_relative_to(full) and is_test(one)}
    if path.name == SUPPORT:
        return {one for one in imports if one.is_relative_to(full.parent) and is_test(one)}
    return {full} if is_test(full) else using(".".join(path.with_suffix("").parts), imports)


def using(module: str, imports: dict[Path, set[str]]) -> set[Path]:
    """The tests that import a module or what is in it, directly or by a file of `tests` that is no test; else those
    for the package around it.
    """
    while "." in module:
        wanted = {module}
        found: set[Path] = set()
        while True:
            more = {path for path, names in imports.items() if any(within(name, wanted) for name in names)} - found
            if not more:
                break
            found |= more
            wanted = {".".join(path.relative_to(TOP).with_suffix("").parts) for path in more if not is_test(path)}
            wanted -= {"tests.conftest"}
        tests = {path for path in found if is_test(path)}
        if tests:
            return tests
        module = module.rpartition(".")[0]
    return set()


def within(name: str, modules: set[str]) -> bool:
    """Whether a dotted name is one of the modules, or is in one."""
    return any(name == module or name.startswith(module + ".") for module in modules)


def is_test(path: Path) -> bool:
    """Whether pytest collects from it."""
    return path.name.startswith("test_")


def imported(path: Path) -> Iterator[str]:
    """The dotted names that a file imports."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{one.name}" for one in node.names)


if __name__ == "__main__":
    main()
