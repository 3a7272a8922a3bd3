"""Coverage with branches of each package, and its floor in tests/coverage.toml."""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Final

from coverage import Coverage

__all__ = ["FLOORS", "SLACK", "below", "figures", "read", "write"]

FLOORS: Final = Path("tests/coverage.toml")
"""Below the top of the checkout."""

SLACK: Final = 0.3
"""Percent below a floor that are no loss: some tests take random ways."""

HEAD: Final = """\
# Lines and branches that the tests without real programs reach, in percent of each package: the floor, which
# `script/measure coverage` checks each night. It rises by `script/measure coverage --write`.
"""


def figures(data: Path, top: Path) -> dict[str, float]:
    """Percent of lines and branches that ran, by package."""
    coverage = Coverage(data_file=str(data), branch=True, config_file=False)
    coverage.load()
    there, ran = Counter[str](), Counter[str]()
    for name in coverage.get_data().measured_files():
        package = package_of(Path(name).relative_to(top))
        numbers = coverage._analyze(name).numbers  # noqa: SLF001 - what its reports are made of
        there[package] += numbers.n_statements + numbers.n_branches
        ran[package] += numbers.n_executed + numbers.n_executed_branches
    return {package: round(100 * ran[package] / there[package], 1) for package in sorted(there) if there[package]}


def package_of(path: Path) -> str:
    """The package of a file: `moxlite.store.mail` below the store, else that of the second level."""
    parts = path.parts[:-1]
    return ".".join(parts[: 3 if parts[1:2] == ("store",) else 2])


def read(top: Path) -> dict[str, float]:
    """The floors."""
    found = tomllib.loads((top / FLOORS).read_text())["floors"]
    return {name: float(value) for name, value in found.items()}


def write(top: Path, found: dict[str, float]) -> None:
    """Make the figures the floors; a floor never falls by this."""
    before = read(top) if (top / FLOORS).exists() else {}
    lines = [f'"{name}" = {max(value, before.get(name, 0.0))}' for name, value in sorted(found.items())]
    (top / FLOORS).write_text(f"{HEAD}\n[floors]\n" + "\n".join(lines) + "\n")


def below(floors: dict[str, float], found: dict[str, float]) -> list[str]:
    """A line for each package that is below its floor, or is no more."""
    lines = []
    for name in sorted(floors):
        if name not in found:
            lines.append(f"{name} has a floor, and is no package")
        elif found[name] < floors[name] - SLACK:
            lines.append(f"{name}: {found[name]} % of lines and branches run, {floors[name]} % is the floor")
    return lines
