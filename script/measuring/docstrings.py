"""Docstrings of functions, classes and constants at random: `script/measure docstrings [--seed N] [--number N]`.

For a reader's test (docs/developers/develop.md): a reader sees the docstring and the name alone, and says in one
line what it means.
"""

import argparse
import ast
import random
import textwrap
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def docstrings() -> Iterator[tuple[str, str]]:
    """Place and text of each docstring below a module's own, in the order of the files."""
    for path in sorted((TOP / "moxlite").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            body = getattr(node, "body", None)
            if not isinstance(body, list):
                continue
            named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            before = getattr(node, "name", "") if named else ""
            for statement in body:
                match statement:
                    case ast.Expr(value=ast.Constant(value=str() as text)) if before:
                        yield f"{path.relative_to(TOP)}:{statement.lineno} {before}", text
                    case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                        before = name
                        continue
                before = ""


def main() -> None:
    """Print the chosen ones."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=40)
    options = parser.parse_args()
    everything = list(docstrings())
    for place, text in random.Random(options.seed).sample(everything, options.number):
        print(f"{place}\n{textwrap.indent(textwrap.dedent(text).strip(), '    ')}\n")


if __name__ == "__main__":
    main()
