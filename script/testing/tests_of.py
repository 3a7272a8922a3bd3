"""The tests for what one works at, one a line: `script/test PATH …` and `script/test changed` run them.

A path is a test file or a folder of tests, or a module or package of moxlite. For a module these are the tests that
import it, and the nearest others, up to `NEAREST` files: first the tests named for its component, then others, by the
number of imports between. A package has the tests of all its modules. `--changed`: all that differs from the main
branch, committed or not. Where a run was recorded (`script/measure coverage --index`, or the last `script/test
nightly`) these are the tests that ran a changed function, as many as five minutes allow; files that were not recorded
lead to tests by imports.
"""

import argparse
import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from statistics import median
from typing import Final

TOP: Final = Path(__file__).resolve().parents[2]
SUPPORT: Final = "conftest.py"
NEAREST: Final = 12
"""Files of tests for a module that few tests import."""
QUICK: Final = ("tests.unit.", "tests.session.")
IMPORT: Final = re.compile(
    r"^[ ]*(?:from (?P<package>(?:moxlite|tests)[\w.]*) import (?P<names>\([^)]*\)|[^\n]*)"
    r"|import (?P<module>(?:moxlite|tests)[\w.]*))",
    re.MULTILINE,
)
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
        found = sorted(
            str(path.relative_to(TOP)) for path in tests_of(path.resolve().relative_to(TOP) for path in paths)
        )
    if not found:
        print("test: no test imports that; `script/test fast` runs all quick ones", file=sys.stderr)
    print("".join(f"{one}\n" for one in found), end="")


def recorded(paths: list[Path]) -> list[str]:
    """The tests that ran what differs, by the last recorded run; changed files of tests, or of their users, whole."""
    from measuring.changed import chosen, tests_of_changes
    from measuring.index import Index

    def importing(path: Path) -> list[str]:
        return [str(one.relative_to(TOP)) for one in tests_of([path])]

    places = [path.relative_to(TOP) for path in paths]
    modules = [path for path in places if path.parts[0] == "moxlite" and path.suffix == ".py"]
    index = Index(INDEX)
    wanted = tests_of_changes(TOP, modules, index, importing)
    wanted |= {str(path): frozenset(importing(path)) for path in places if path not in modules}
    found, left = chosen(wanted, index.seconds())
    if left:
        print(f"test: {len(found)} tests, {left} more ran what differs: script/test has them", file=sys.stderr)
    return sorted(found)


def measure(number: int, share: int) -> None:
    """Print the seconds for each of the last commits that changed code or tests, by recorded times; their median and
    the most.
    """
    from measuring.history import commits, wall
    from measuring.index import Index

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
    found: set[Path] = set()
    for path in paths:
        name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        if path.parts[:1] == ("tests",):
            found |= own(path)
        elif path.parts[:1] == ("moxlite",) and (path.suffix == ".py" or (TOP / path / "__init__.py").exists()):
            found |= nearest(name)
    return found


@cache
def imports() -> dict[str, set[str]]:
    """Dotted names that each module of moxlite and tests imports: modules, or names in them."""
    paths = (path for folder in ("moxlite", "tests") for path in (TOP / folder).rglob("*.py"))
    return {name_of(path): set(imported(path)) for path in paths}


@cache
def importers() -> dict[str, set[str]]:
    """The modules that import each module."""
    found: dict[str, set[str]] = {}
    known = imports()
    for name, wanted in known.items():
        for one in wanted:
            module = one if one in known else one.rpartition(".")[0]
            if module != name:
                found.setdefault(module, set()).add(name)
    return found


def own(path: Path) -> set[Path]:
    """A test file, all of a folder, or the tests that use a file beside them."""
    full = TOP / path
    if full.is_dir() or path.name == SUPPORT:
        folder = full if full.is_dir() else full.parent
        return {one for one in folder.rglob("*.py") if is_test(one)}
    return (
        {full}
        if is_test(full)
        else {path_of(name) for name in distances({name_of(full)}, "tests.") if is_test_name(name)}
    )


def nearest(module: str) -> set[Path]:
    """The tests that import a module, or a module of this package, and the nearest others up to `NEAREST`."""
    component = module.removeprefix("moxlite.").removeprefix("proto.").partition(".")[0]
    modules = {name for name in imports() if f"{name}.".startswith(f"{module}.")}
    far = {name: number for name, number in distances(modules).items() if is_test_name(name)}
    direct = {name for name, number in far.items() if number == 1}

    def rank(name: str) -> tuple[bool, bool, int, str]:
        words = name.rpartition(".")[2].split("_")
        return words[1] != component, module.rpartition(".")[2] not in words, far[name], name

    others = [name for name in far.keys() - direct if name.startswith(QUICK)]
    others = sorted(others, key=rank)[: max(0, NEAREST - len(direct))]
    return {path_of(name) for name in direct.union(others)}


def distances(modules: set[str], within: str = "") -> dict[str, int]:
    """Imports between these modules and each that needs them; of those whose name begins with `within`."""
    found = dict.fromkeys(modules, 0)
    queue = deque(modules)
    while queue:
        name = queue.popleft()
        for other in importers().get(name, ()):
            if other not in found and other.startswith(within) and not other.endswith(".conftest"):
                found[other] = found[name] + 1
                queue.append(other)
    return found


def name_of(path: Path) -> str:
    """The dotted name of a file below TOP."""
    return ".".join(path.relative_to(TOP).with_suffix("").parts).removesuffix(".__init__")


def path_of(name: str) -> Path:
    """The file of a module that is no package."""
    return (TOP / name.replace(".", "/")).with_suffix(".py")


def is_test_name(name: str) -> bool:
    """Whether a dotted name is a file of tests."""
    return name.startswith("tests.") and name.rpartition(".")[2].startswith("test_")


def is_test(path: Path) -> bool:
    """Whether pytest collects from it."""
    return path.name.startswith("test_")


def imported(path: Path) -> Iterator[str]:
    """The dotted names of moxlite and tests that a file imports."""
    for found in IMPORT.finditer(path.read_text()):
        if found["module"]:
            yield found["module"]
            continue
        package = found["package"]
        names = re.sub(r"#.*|[()]", "", found["names"]).replace("\n", " ").split(",")
        yield from (f"{package}.{name.split()[0]}" for name in names if name.strip())


if __name__ == "__main__":
    main()
