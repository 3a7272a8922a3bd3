"""Requirement IDs of docs/spec that no test names, per room: `script/check spec [ROOM …] [--counts] [--check]`.

An ID counts as tested when it is in a docstring of a test function or class below tests/ (also as part of a
range such as `STORE-12..14`, or a list such as `STORE-12, 13`). For the rooms in SERVED the test must carry the marker
`served`, itself or by its class or module: what is parsed is not yet built. IDs that are a codec's or a file's alone
are in a list of docs/spec/untested.md, with the reason, and count by any test. With --check, which CI runs, an ID
without a test must be in another list there, with the reason.

`script/check spec --since REV` prints instead, for each requirement, the IDs, [core] marks, numbers, code and quoted
texts that the specification had at that commit and has no more, and exits with 1 if an ID or a mark is gone: a page
can be made shorter without losing a rule.
"""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
ROOMS = {
    "STORE": "store",
    "SMTP": "smtp",
    "QUEUE": "queue",
    "AUTH": "mailauth",
    "IMAP": "imap",
    "WEBMAIL": "webmail",
    "WEB": "web",
    "ADMIN": "admin",
    "DAV": "dav",
    "MASK": "masked",
    "MOVE": "move",
    "LINK": "linked",
}
SERVED = frozenset({"SMTP", "QUEUE", "AUTH", "WEB", "WEBMAIL", "ADMIN", "DAV", "MASK", "LINK"})
KINDS = "|".join(ROOMS)
DEFINED = re.compile(rf"^(?:- )?(?:\*\*)?(?:\| )?((?:{KINDS})-\d+[a-z]?)\b")
TABLE = re.compile(rf"^\| \*{{0,2}}((?:{KINDS})-\d+[a-z]?)\b")
REFERENCE = re.compile(rf"\b({KINDS})-(\d+)([a-z]?)((?:\s*(?:\.\.|,|/)\s*(?:\d+)[a-z]?)*)")
UNTESTED = TOP / "docs" / "spec" / "untested.md"
REASON = re.compile(rf"^- ((?:{KINDS})-\d+[a-z]?) \S")
ALONE = "A codec's or a file's alone"
SERVED_MARK = "pytest.mark.served"
HELD = re.compile(r"`[^`\n]+`|\"[^\"\n]+\"|(?<![\w.])\d[\d.,/:]*\d|(?<![\w.])\d")
"""What a rule is checked by, beside its words: code, quoted texts and numbers."""
MORE = re.compile(r"(\.\.|,|/)\s*(\d+)([a-z]?)")


def defined() -> dict[str, str]:
    """All requirement IDs in order, each with the first line of its text."""
    ids: dict[str, str] = {}
    for path in sorted({*(TOP / "docs" / "spec").glob("*.md")} - {UNTESTED}):
        for line in path.read_text().splitlines():
            if match := DEFINED.match(line) or TABLE.match(line):
                ids.setdefault(match[1], line.strip("-| *")[len(match[1]) :].strip(" *|")[:90])
    return ids


def named(text: str) -> set[str]:
    """All IDs that `text` names."""
    ids: set[str] = set()
    for match in REFERENCE.finditer(text):
        kind, number = match[1], int(match[2])
        ids.add(f"{kind}-{number}{match[3]}")
        for more in MORE.finditer(match[4]):
            last = int(more[2])
            if more[1] == "..":
                ids.update(f"{kind}-{n}" for n in range(number, last + 1))
            ids.add(f"{kind}-{last}{more[3]}")
            number = last
    return ids


def tested() -> set[str]:
    """All IDs that count as tested."""
    alone = reasons(ALONE)
    found = {
        (one, served)
        for path in (TOP / "tests").rglob("*.py")
        for one, served in named_below(ast.parse(path.read_text(), str(path)), served=False)
    }
    return {one for one, served in found if served or one in alone or one.rsplit("-", 1)[0] not in SERVED}


def named_below(node: ast.AST, *, served: bool) -> Iterator[tuple[str, bool]]:
    """The IDs in the docstrings of a module, class or function and of what is in it, and whether the test is served."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
        served = served or any(SERVED_MARK in ast.unparse(mark) for mark in marks(node))
        for one in named(ast.get_docstring(node) or ""):
            yield one, served
        for child in node.body:
            yield from named_below(child, served=served)


def marks(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) -> Iterator[ast.expr]:
    """The expressions in which pytest looks for markers."""
    if not isinstance(node, ast.Module):
        yield from node.decorator_list
    for child in node.body if isinstance(node, ast.Module | ast.ClassDef) else ():
        if isinstance(child, ast.Assign) and any(ast.unparse(target) == "pytestmark" for target in child.targets):
            yield child.value


def reasons(section: str | None = None) -> set[str]:
    """The IDs that docs/spec/untested.md gives a reason for, in the section of that title; None: in all others."""
    found: set[str] = set()
    title = ""
    for line in UNTESTED.read_text().splitlines():
        if line.startswith("## "):
            title = line[3:].strip()
        elif (match := REASON.match(line)) and (title == section if section else title != ALONE):
            found.add(match[1])
    return found


def blocks(text: str) -> dict[str, str]:
    """The text of each requirement by its ID, and of all that is above the first one by a heading; in one line, since a
    quoted text may be broken otherwise.
    """
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("#"):
            name = line
        elif match := DEFINED.match(line) or TABLE.match(line):
            name = match[1]
        found[name] = found.get(name, "") + line + "\n"
    return {name: " ".join(text.split()) for name, text in found.items()}


def compare(since: str) -> int:
    """Print what each requirement has lost since a commit; exit status 1 for a lost ID or mark."""
    lost = 0
    for path in sorted((TOP / "docs" / "spec").glob("*.md")):
        name = path.relative_to(TOP)
        git = ["git", "show", f"{since}:{name}"]
        before = blocks(subprocess.run(git, cwd=TOP, capture_output=True, text=True, check=False).stdout)
        after = blocks(path.read_text())
        for one, text in before.items():
            here = after.get(one, "")
            if one not in after or text.count("[core]") > here.count("[core]"):
                lost += 1
                print(f"{name}: {one}: {'a mark' if one in after else 'it'} is gone")
            elif gone := Counter(HELD.findall(text)) - Counter(HELD.findall(here)):
                print(f"{name}: {one}: {' '.join(sorted(gone))}")
        counts = [sum(text.count("[core]") for text in each.values()) for each in (before, after)]
        print(f"{name}: {len(before)} → {len(after)} parts, {counts[0]} → {counts[1]} [core]")
    return 1 if lost else 0


def check(ids: list[str], have: set[str]) -> int:
    """Compare with the list of what is known to have no test; exit status 1 for a gap that isn't on it."""
    known = reasons()
    gaps = [i for i in ids if i not in have and i not in known]
    for i in gaps:
        print(f"{i} has no test: write one, or put it into {UNTESTED.relative_to(TOP)} with the reason")
    for i in sorted(known & have):
        print(f"{i} has a test now: take it off {UNTESTED.relative_to(TOP)}")
    return 1 if gaps else 0


def main() -> int:
    """Print what has no test; exit 0 for a listing."""
    if "--since" in sys.argv:
        return compare(sys.argv[sys.argv.index("--since") + 1])
    counts = "--counts" in sys.argv
    rooms = [room.lower() for room in sys.argv[1:] if not room.startswith("-")]
    ids, have = defined(), tested()
    if "--check" in sys.argv:
        kinds = {kind for kind, room in ROOMS.items() if not rooms or room in rooms}
        return check([i for i in ids if i.rsplit("-", 1)[0] in kinds], have)
    for kind, room in ROOMS.items():
        if rooms and room not in rooms:
            continue
        own = [i for i in ids if i.rsplit("-", 1)[0] == kind]
        missing = [i for i in own if i not in have]
        print(f"{room}: {len(own) - len(missing)} of {len(own)} requirements have a test")
        if not counts:
            for i in missing:
                print(f"  {i:<12} {ids[i]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
