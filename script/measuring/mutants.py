"""Change the program at random places and see whether tests notice: `script/measure mutants [OPTION …] [PATH …]`.

Modules of the sans-I/O codecs, of the store's mail and of acceptance are taken at random, or those that are named,
until so many mutants were tried. If a run was recorded (`script/measure coverage --index`), the tests of tests/unit and
tests/session that run the module's functions are used, the quickest first, a minute for each module; else the unit
tests for it, or its session tests if it has no unit tests (`testing.tests_of`). Survivors, as differences, are in the
report: each is a test that is missing, or code that is not needed. Those in tests/mutants.toml are known, and are only
counted. mutmut is installed into build/mutants, where a copy of the project is changed.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final, NamedTuple

from testing.tests_of import tests_of as tests_of_paths

from measuring.changed import chosen, tests_of_functions
from measuring.functions import REST
from measuring.index import PLACE as INDEX, Index

TOP: Final = Path(__file__).resolve().parents[2]
PLACE: Final = TOP / "build/mutants"
KNOWN: Final = TOP / "tests/mutants.toml"
SECONDS: Final = 60.0
"""Of recorded tests for a module: mutmut runs all of them once, and the tests of a function for each of its mutants."""
MOST: Final = 60
"""Seconds for a test, which a change may let loop for ever: then it was found."""
REASON_LINES: Final = 15
"""Last lines of mutmut that tell why a module was not tried."""
PACKAGES: Final = ("moxlite/proto", "moxlite/store/mail", "moxlite/acceptance")
SETTINGS: Final = """[mutmut]
source_paths=moxlite
only_mutate={module}
do_not_mutate_patterns=
    raise \\w+
    logger\\.
also_copy={copied}
pytest_add_cli_args=
    -m
    not slow and not integration and not campaign{deselected}
    --timeout={most}
pytest_add_cli_args_test_selection={tests}
"""
FAILED: Final = re.compile(r"^FAILED (tests/\S+?::.+?)(?: - .*)?$", re.MULTILINE)
MAX_FAILED: Final = 3
"""Tests left out, one after the other, that fail in the copy: they are unsteady, or need a short path."""
LEFT_OUT: Final = {"moxlite", "build", "bench"}
RESULT: Final = re.compile(r"^\s+(?P<name>\S+): (?P<what>[a-z ]+)$", re.MULTILINE)


def main() -> int:
    """Try them; the report's path, and a line for each module."""
    parser = argparse.ArgumentParser(prog="script/measure mutants", description=__doc__, formatter_class=Plain)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--number", type=int, default=200, help="of mutants; the last module is tried whole")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="that try mutants of a module")
    parser.add_argument("--minutes", type=float, default=30, help="for one module; what was tried by then counts")
    parser.add_argument("--report", type=Path, default=PLACE / "report.md")
    parser.add_argument("modules", nargs="*", type=Path, metavar="PATH")
    options = parser.parse_args()
    modules = [path.resolve().relative_to(TOP) for path in options.modules] or shuffled(options.seed)
    mutmut = installed()
    known = accepted()
    tried = 0
    report = [f"# Mutants, seed {options.seed}\n"]
    options.report.parent.mkdir(parents=True, exist_ok=True)
    for module in modules:
        tests = tests_of(module)
        if not tests:
            report.append(f"## {module}: no tests\n")
            print(f"{module}: no tests", flush=True)
            continue
        try:
            number, survivors, failed = mutants_of(module, tests, mutmut, options.processes, options.minutes)
        except NotTriedError as error:
            report.append(f"## {module}: not tried\n\n```\n{error}\n```\n")
            print(f"{module}: not tried: nothing to change, or its tests do not pass in a copy", flush=True)
        else:
            tried += number
            new = [survivor for survivor in survivors if Mutant.shown(module, survivor) not in known]
            line = f"{module}: {number - len(survivors)} of {number} found, {len(survivors) - len(new)} known to live"
            print(line, flush=True)
            report.append(f"## {line}\n")
            report += [f"Left out, as it fails in a copy: {test}\n" for test in failed]
            report += [f"```diff\n{survivor}\n```\n" for survivor in new]
        options.report.write_text("\n".join(report))  # after each module: a run may be stopped
        if not options.modules and tried >= options.number:
            break
    print(options.report)
    return 0


class Plain(argparse.RawDescriptionHelpFormatter):
    """The help as it is written above."""


class NotTriedError(Exception):
    """The last lines of mutmut, which could not try the mutants of a module."""


class Mutant(NamedTuple):
    """A change of some lines in a function, without their indent; `function` is `name` or `Class.name`."""

    module: str
    function: str
    line: str
    becomes: str

    @classmethod
    def shown(cls, module: Path, difference: str) -> "Mutant":
        """The mutant whose difference mutmut shows."""
        head, _, changes = difference.partition("\n")
        name = head.split(": ")[0].rpartition("__mutmut_")[0].rpartition(".")[2]
        function = name.removeprefix("xǁ").replace("ǁ", ".") if name.startswith("xǁ") else name.removeprefix("x_")
        lines = changes.splitlines()[2:]  # after the names of the files
        before, after = ([line[1:].strip() for line in lines if line.startswith(sign)] for sign in "-+")
        return cls(str(module), function, "\n".join(before), "\n".join(after))


def accepted() -> set[Mutant]:
    """The mutants that may live."""
    entries = tomllib.loads(KNOWN.read_text())["mutant"]
    return {Mutant(*(entry[field].strip() for field in Mutant._fields)) for entry in entries}


def shuffled(seed: int) -> list[Path]:
    """All modules in an order that the seed gives."""
    found = sorted(path.relative_to(TOP) for one in PACKAGES for path in (TOP / one).rglob("*.py"))
    found = [path for path in found if path.name != "__init__.py"]
    random.Random(seed).shuffle(found)
    return found


def installed() -> Path:
    """The program, in an environment that has the packages of this one, too."""
    folder = PLACE / "venv"
    program = folder / "bin/mutmut"
    if not program.exists():
        run(sys.executable, "-m", "venv", "--clear", folder)
        (base,) = [path for path in sys.path if path.endswith("site-packages")][:1]
        (packages,) = folder.glob("lib/python*/site-packages")
        (packages / "base.pth").write_text(f"{base}\n")
        pip = (folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
        run(*pip, "--require-hashes", "-r", TOP / "requirements/mutants.lock")
    return program


def tests_of(module: Path) -> list[str]:
    """The tests of a module: by the recorded run, else by imports."""
    if not (TOP / INDEX).exists():
        return tests_that_import(module)
    index = Index(TOP / INDEX)
    names = index.functions(str(module)).keys() - {REST}
    wanted = tests_of_functions(module, names, index, tests_that_import)
    wanted = {name: frozenset(filter(is_quick, tests)) for name, tests in wanted.items()}
    return sorted(chosen(wanted, index.seconds(), SECONDS)[0])


def tests_that_import(module: Path) -> list[str]:
    """Files of unit tests for a module, or of session tests if it has no unit tests."""
    quick = sorted(str(one.relative_to(TOP)) for one in tests_of_paths([module]) if is_quick(str(one.relative_to(TOP))))
    return [name for name in quick if name.startswith("tests/unit/")] or quick


def is_quick(test: str) -> bool:
    """Whether a test neither starts real programs nor is a campaign."""
    return test.startswith(("tests/unit/", "tests/session/"))


class Tried(NamedTuple):
    """The number of mutants that tests have seen, the differences of those that passed, and the tests left out."""

    number: int
    survivors: list[str]
    failed: list[str]


def mutants_of(module: Path, tests: list[str], mutmut: Path, processes: int, minutes: float) -> Tried:
    """Try the mutants of a module in a copy of the project. Raises NotTriedError."""
    copy = PLACE / "project"
    shutil.rmtree(copy, ignore_errors=True)
    names = [name for name in output("git", "ls-files", "-z", cwd=TOP).split("\0") if name and (TOP / name).is_file()]
    for name in names:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TOP / name, copy / name)
    copied = sorted({name.split("/")[0] for name in names if "/" in name} - LEFT_OUT)
    failed: list[str] = []
    while True:
        deselected = lines([f"--deselect={test}" for test in failed])
        (copy / "setup.cfg").write_text(
            SETTINGS.format(module=module, copied=lines(copied), tests=lines(tests), deselected=deselected, most=MOST)
        )
        try:
            subprocess.run(
                [mutmut, "run", "--max-children", str(processes)],
                cwd=copy,
                check=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60 * minutes,
            )
        except subprocess.CalledProcessError as error:
            found = FAILED.findall(error.stdout)
            if not found or len(failed) >= MAX_FAILED:
                raise NotTriedError("\n".join(error.stdout.splitlines()[-REASON_LINES:])) from None
            failed += found
            continue
        except subprocess.TimeoutExpired:
            print(f"{module}: not all of its mutants in {minutes:g} minutes", flush=True)
        break
    results = RESULT.findall(output(mutmut, "results", "--all", "true", cwd=copy))
    seen = [name for name, what in results if what not in ("no tests", "not checked", "skipped")]
    lived = [name for name, what in results if what == "survived"]
    return Tried(len(seen), [output(mutmut, "show", name, cwd=copy).strip() for name in lived], failed)


def lines(words: list[str]) -> str:
    """A list as setup.cfg has it."""
    return "".join(f"\n    {word}" for word in words)


def run(*command: str | Path) -> None:
    """Run a command in the project. Raises CalledProcessError."""
    subprocess.run(command, cwd=TOP, check=True)


def output(*command: str | Path, cwd: Path) -> str:
    """What a command prints. Raises CalledProcessError."""
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
