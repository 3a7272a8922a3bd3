"""The figures by which the code of moxlite was first surveyed (docs/developers/develop.md, "The survey, twice").

`script/measure survey` prints them, for comparison with those before. The ways of messages are `script/measure walk`.
"""

import ast
import io
import itertools
import json
import re
import statistics
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from measuring.modules import PACKAGE, importers, sizes

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

COMPLEXITY: Final = 10
"""Branches of a function, by McCabe's count, above which it needs a reason or a split (docs/style.md)."""

PRAGMA: Final = re.compile(r"#\s*(noqa|type:|pragma|fmt:|ruff:|pyright:)")
"""Comments for a program: they are no words to a reader."""

WORD: Final = re.compile(r"[A-Za-z][A-Za-z'-]+")
SHORT: Final = 40
"""Lines of a module that costs a reader more in imports than it tells."""


class Complex(NamedTuple):
    """A function above `COMPLEXITY`: file and line of its `def`."""

    path: Path
    line: int


def words_of_comments(source: str) -> int:
    """Words of all comments, but those for programs."""
    comments = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and not PRAGMA.match(token.string)
    ]
    return sum(len(WORD.findall(comment)) for comment in comments)


def words_below_constants(source: str) -> int:
    """Words of the texts below the constants of a module: the other place of reasons."""
    body = ast.parse(source).body
    texts = [
        below.value.value
        for node, below in itertools.pairwise(body)
        if isinstance(node, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
    ]
    return sum(len(WORD.findall(text)) for text in texts if isinstance(text, str))


def constants(source: str) -> tuple[int, int]:
    """Numbers as constants at the top of a module, and how many of them have no reason: no comment in their lines, none
    above their group, and no docstring below it. A group are those without an empty line between them.
    """
    body = ast.parse(source).body
    lines = source.splitlines()
    number = without = 0
    group: list[ast.AnnAssign] = []
    for node, below in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign):
            continue
        group.append(node)
        if isinstance(below, ast.AnnAssign) and below.lineno == (node.end_lineno or node.lineno) + 1:
            continue
        told = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        told = told or lines[group[0].lineno - 2].startswith("#")
        numbers = [one for one in group if "Final" in ast.unparse(one.annotation) and _is_number(one.value)]
        number += len(numbers)
        without += 0 if told else sum("#" not in "".join(lines[one.lineno - 1 : one.end_lineno]) for one in numbers)
        group = []
    return number, without


def _is_number(value: ast.expr | None) -> bool:
    """Whether a value is a number, or is computed of numbers alone."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, int | float) and not isinstance(value.value, bool)
    if isinstance(value, ast.BinOp):
        return _is_number(value.left) and _is_number(value.right)
    return isinstance(value, ast.UnaryOp) and _is_number(value.operand)


def complex_functions(package: Path = PACKAGE) -> list[Complex]:
    """The functions above `COMPLEXITY`."""
    ruff = Path(sys.executable).with_name("ruff")
    options = ["--isolated", "--ignore-noqa", "--select", "C901", "--output-format", "json"]
    limit = ["--config", f"lint.mccabe.max-complexity={COMPLEXITY}"]
    done = subprocess.run([ruff, "check", *options, *limit, package], capture_output=True, check=False)
    return [Complex(Path(one["filename"]), one["location"]["row"]) for one in json.loads(done.stdout)]


def has_reason(function: Complex) -> bool:
    """Whether a function has a comment between its `def` and its end, or a docstring of more than a line."""
    source = function.path.read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function) and node.lineno == function.line:
            text = ast.get_docstring(node) or ""
            comments = [
                line
                for line in source.splitlines()[node.lineno - 2 : node.end_lineno]
                if "# " in line and not PRAGMA.search(line)
            ]
            return bool(comments) or "\n" in text
    return False


def _functions(tree: ast.Module) -> Iterator[int]:
    """Lines of each function."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


def _structs(tree: ast.Module) -> Iterator[int]:
    """Fields of each value class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(
            ast.unparse(base).split("[")[0].rpartition(".")[2] in ("Struct", "NamedTuple", "Operation")
            for base in node.bases
        ):
            yield sum(isinstance(one, ast.AnnAssign) for one in node.body)


def _inner_imports(tree: ast.Module) -> int:
    """Imports inside of functions: of what few processes need."""
    return sum(
        isinstance(one, ast.Import | ast.ImportFrom)
        for node in ast.walk(tree)
        if isinstance(node, Function)
        for one in ast.walk(node)
    )


def survey(package: Path = PACKAGE) -> Mapping[str, str]:
    """Each figure by its name."""
    texts = {path: path.read_text() for path in sorted(package.rglob("*.py"))}
    trees = {path: ast.parse(text) for path, text in texts.items()}
    lengths = [len(text.splitlines()) for text in texts.values()]
    functions = sorted(length for tree in trees.values() for length in _functions(tree))
    structs = [fields for tree in trees.values() for fields in _structs(tree)]
    known_sizes = sizes(package).values()
    code, plumbing = (sum(size.lines for size in known_sizes), sum(size.plumbing for size in known_sizes))
    found = complex_functions(package)
    numbers = [constants(text) for text in texts.values()]
    known = importers(package)
    outside = (_count(texts, r"^class .*Protocol[\[)]"), _count(texts, r"^if TYPE_CHECKING"))
    comments = sum(map(words_of_comments, texts.values()))
    share = 100 * len(found) / len(functions)
    drawers = Counter(path.name for path in texts if path.name != "__init__.py")
    return {
        "modules: number, median lines, longest, above 500": f"{len(lengths)}, {statistics.median(lengths):.0f}, "
        f"{max(lengths)}, {sum(length > 500 for length in lengths)}",
        "modules of up to 40 lines; with one importer": f"{sum(length <= SHORT for length in lengths)}; "
        f"{sum(number == 1 for number in known.values())}",
        "packages": str(sum(path.name == "__init__.py" for path in texts)),
        "code lines": f"{code:,}",
        "plumbing": f"{100 * plumbing / code:.1f} %",
        "functions: median lines, 95th percentile, longest, above 60": f"{statistics.median(functions):.0f}, "
        f"{functions[len(functions) * 95 // 100]}, {functions[-1]}, {sum(length > 60 for length in functions)}",
        "functions above complexity 10": f"{len(found)} of {len(functions):,} ({share:.1f} %)",
        "of them without a comment or a docstring of two lines": str(sum(not has_reason(one) for one in found)),
        "words of comments for a code line; with the texts below constants": f"{comments / code:.2f}; "
        f"{(comments + sum(map(words_below_constants, texts.values()))) / code:.2f}",
        "numbers as constants; without a reason": f"{sum(number for number, _ in numbers)}; "
        f"{sum(without for _, without in numbers)}",
        "value classes; fields": f"{len(structs):,}; {sum(structs):,}",
        "broad except": str(sum(len(re.findall(r"except (?:Base)?Exception\b", text)) for text in texts.values())),
        "noqa S608": str(sum(text.count("noqa: S608") for text in texts.values())),
        "protocols; blocks of TYPE_CHECKING; imports inside functions": f"{outside[0]}; {outside[1]}; "
        f"{sum(map(_inner_imports, trees.values()))}",
        "modules of one name": ", ".join(f"{name} {number}" for name, number in drawers.most_common(6)),
    }


def _count(texts: Mapping[Path, str], pattern: str) -> int:
    return sum(len(re.findall(pattern, text, re.MULTILINE)) for text in texts.values())


def main() -> None:
    """Print each figure; with `--complex` the functions without a reason instead."""
    if "--complex" in sys.argv:
        for function in complex_functions():
            if not has_reason(function):
                print(f"{function.path.relative_to(PACKAGE.parent)}:{function.line}")
        return
    for name, figure in survey().items():
        print(f"{name:62} {figure}")


if __name__ == "__main__":
    main()
