"""Check the imports of the frontend: no layer imports a higher one, and no files import each other in a circle.

Layers, lowest first: lib, gen, data, state, commands, ui, parts, main. Every folder of webmail without a layer of its
own is a part. Parts are loaded when they are used, so `ui` and `state` may know them by `import type … from "…/part"`.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parents[2] / "frontend"
LAYERS = ("lib", "gen", "data", "state", "commands", "ui", "parts", "main")
FILES = {
    "admin/page": "ui",  # what pages are given
    "webmail/find": "ui",  # the state of the search bar and of the list
    "webmail/search/grammar": "data",  # the syntax of searches, without the page
    "webmail/compose/kinds": "data",  # types of drafts that commands name
}
"""Files with another layer than their folder has."""
IMPORT = re.compile(r'^(?:import|export)\s(type\s)?[^;"]*?from\s+"(\.[^"]+)"', re.MULTILINE)


def layer(name: str) -> str:
    """The layer of a file, which is named without its suffix."""
    if name in FILES:
        return FILES[name]
    parts = name.split("/")
    if parts[0] in LAYERS:
        return parts[0]
    if len(parts) == 2:
        return "main"
    return parts[1] if parts[1] in LAYERS else "parts"


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """The files that a file imports, and whether it imports only types of them."""
    for found in IMPORT.finditer(path.read_text()):
        target = (path.parent / found[2]).resolve().relative_to(TOP).as_posix()
        if (TOP / f"{target}.ts").exists():
            yield target, bool(found[1])


def circles(graph: dict[str, set[str]]) -> list[str]:
    """One line for each circle that is met first."""
    done: set[str] = set()
    found: list[str] = []

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            found.append(" -> ".join([*path[path.index(name) :], name]))
            return
        if name in done:
            return
        for other in sorted(graph.get(name, ())):
            visit(other, [*path, name])
        done.add(name)

    for name in sorted(graph):
        visit(name, [])
    return found


def main() -> int:
    """Print what is wrong."""
    wrong: list[str] = []
    graph: dict[str, set[str]] = {}
    for folder in ("lib", "gen", "webmail", "account", "admin"):
        for path in sorted((TOP / folder).rglob("*.ts")):
            name = path.relative_to(TOP).as_posix().removesuffix(".ts")
            if name.endswith(".d"):
                continue
            for target, types_only in imports(path):
                graph.setdefault(name, set()).add(target)
                own, other = LAYERS.index(layer(name)), LAYERS.index(layer(target))
                lazy = types_only and target.endswith("/part") and layer(target) == "parts"
                if own < other and not lazy:
                    wrong.append(f"{name} ({layer(name)}) imports {target} ({layer(target)})")
    wrong += [f"circle: {line}" for line in circles(graph)]
    for line in wrong:
        print(f"frontend/{line}" if not line.startswith("circle") else line)
    if wrong:
        print("check: see docs/style.md", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
