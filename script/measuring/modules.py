"""Modules of moxlite, and the share of their code lines that is plumbing: imports and `__all__`.

`script/measure modules` prints both by package; tests/unit/test_components.py keeps them from rising.

A code line is no comment, docstring or blank line.
"""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

PACKAGE: Final = Path(__file__).resolve().parents[2] / "moxlite"


class Size(NamedTuple):
    """`modules`, their code lines, and how many of these are plumbing."""

    modules: int
    lines: int
    plumbing: int

    @property
    def share(self) -> float:
        """Percent of the code lines that are plumbing."""
        return 100 * self.plumbing / self.lines if self.lines else 0.0


def size_of(source: str) -> Size:
    """The size of one module."""
    code = {number for number, line in enumerate(source.split("\n"), 1) if line.strip() and line.strip()[0] != "#"}
    docstrings: set[int] = set()
    plumbing: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant | ast.JoinedStr):
            if node.end_lineno != node.lineno:  # a line in a long text may be blank, or begin with "#"
                code.update(_lines(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings.update(_lines(node))
        elif _is_plumbing(node):
            plumbing.update(_lines(node))
    code -= docstrings
    return Size(1, len(code), len(code & plumbing))


def sizes(package: Path = PACKAGE) -> dict[str, Size]:
    """The size of each package of the top level; modules beside the packages are together in ``""``."""
    parts: defaultdict[str, list[Size]] = defaultdict(list)
    for path in sorted(package.rglob("*.py")):
        names = path.relative_to(package).parts
        parts[names[0] if len(names) > 1 else ""].append(size_of(path.read_text()))
    return {name: Size(*map(sum, zip(*found, strict=True))) for name, found in parts.items()}


def importers(package: Path = PACKAGE) -> Mapping[str, int]:
    """How many modules of the package import each module, wherever in their text; those that none imports are not in
    it.
    """
    paths = {_dotted(path, package): path for path in package.rglob("*.py")}
    found: Counter[str] = Counter()
    for path in paths.values():
        found.update({name for name in _imported(path, package) if name in paths})
    return found


def _imported(path: Path, package: Path) -> Iterator[str]:
    own = _dotted(path, package) if path.name == "__init__.py" else _dotted(path.parent / "__init__.py", package)
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom):
            base = own.split(".")[: len(own.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _dotted(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_plumbing(node: ast.AST) -> bool:
    names_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    return names_all or isinstance(node, ast.Import | ast.ImportFrom)


def _lines(node: ast.AST) -> range:
    assert isinstance(node, ast.stmt | ast.expr)
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def main() -> None:
    """Print a line for each package, the largest first, and their sum."""
    found = sizes()
    total = Size(*map(sum, zip(*found.values(), strict=True)))
    print(f"{'package':12} {'modules':>7} {'lines':>7} {'plumbing':>8}")
    for name, size in [*sorted(found.items(), key=lambda item: -item[1].modules), ("all", total)]:
        print(f"{name or 'beside':12} {size.modules:7} {size.lines:7} {size.share:6.1f} %")


if __name__ == "__main__":
    main()
