"""Refuse possessive groups in regular expressions: `(...)*+`, `(...)++`, `(...)?+`, `(...){2,}+`.

Before Python 3.11.5 they match wrongly or raise SystemError (cpython issues 101955 and 106052); Debian 12 has 3.11.2.
Atomic groups `(?>(?:...)*)` say the same, and possessive single characters are well. Looks at all texts of the program
that could be a pattern, and needs no run: `tests/unit/test_patterns_linear.py` reads those that are compiled.
"""

import ast
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
GROUP = re.compile(r"[^(\\]\)(?:[*+?]|\{[0-9]*,?[0-9]*\})\+")


def main() -> int:
    """Print each place; 1 if there is one."""
    found = 0
    for path in sorted([*TOP.glob("moxlite/**/*.py"), *TOP.glob("tests/**/*.py"), *TOP.glob("script/**/*.py")]):
        if path.name in ("test_patterns_linear.py", "patterns.py"):  # they name what this finds
            continue
        source = path.read_text()
        if GROUP.search(source) is None:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
                text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
                if (match := GROUP.search(text)) is not None:
                    found += 1
                    print(f"{path.relative_to(TOP)}:{node.lineno}: {text[max(0, match.start() - 40) : match.end()]!r}")
    if found:
        print("patterns: write an atomic group, (?>(?:...)*), in place of the possessive one", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
