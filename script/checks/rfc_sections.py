"""Refuse sections of RFCs that do not exist: what the code cites as `RFC 5321 §4.5.3` is compared with
`script/checks/rfc-sections.txt`. RFCs that are not listed there are not checked; `--open` counts them.

`--read FOLDER` lists the cited RFCs whose texts are in the folder or below it (`rfc5321.txt`, or with `.gz`), such as
Debian's packages doc-rfc-* have them. Sections of others stay as they are.
"""

import argparse
import gzip
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
INDEX = TOP / "script/checks/rfc-sections.txt"
HEAD = """\
# Sections of RFCs, from their tables of contents and headings; `a.1-3` stands for a.1, a.2, a.3.
# `script/check rfc-sections` compares what the code cites with them; with `--read FOLDER` it writes this file.
"""
FOLDERS = ("moxlite", "tests", "bench", "script", "docs")
CITED = re.compile(r"RFC (\d+),? ((?:§[0-9A-Z][0-9.]*(?:(?:, | and |\.\.)(?=§))?)+)")
SECTION = re.compile(r"§([0-9A-Z](?:[0-9.]*[0-9])?)")
NUMBER = r"(?:Appendix )?((?:\d+|[A-Z])(?:\.\d+)*)[.:)]?"
HEADING = re.compile(rf"^(?:{NUMBER}(?:[ \t]+\S|[ \t]*$)| {{3}}([\d.]+) - [A-Z])", re.MULTILINE)
"""In the text: sentences and lists are indented there; some RFCs have `3.2 - Title` in their column."""
CONTENTS = re.compile(rf"^ {{1,12}}{NUMBER}[ \t]+\S.*(?:\.[ .]*\.|  )[ \t]*\d+[ \t]*$", re.MULTILINE)
"""In the table of contents, with the page's number."""


def main() -> int:
    """Print each section that does not exist, with its place; 1 if there is one."""
    parser = argparse.ArgumentParser(prog="script/check rfc-sections", description=__doc__)
    parser.add_argument("--open", action="store_true", help="count what is cited of RFCs that are not listed")
    parser.add_argument("--read", type=Path, metavar="FOLDER", help="list the sections of the texts there")
    options = parser.parse_args()
    if options.read:
        write(options.read)
    known = index()
    wrong = 0
    unlisted: Counter[int] = Counter()
    for place, rfc, section in cited():
        if rfc not in known:
            unlisted[rfc] += 1
        elif section not in known[rfc]:
            wrong += 1
            print(f"{place}: RFC {rfc} has no section {section}")
    if options.open:
        for rfc, times in unlisted.most_common():
            print(f"RFC {rfc}: {times} sections cited, not listed in {INDEX.name}")
    return bool(wrong)


def cited() -> Iterator[tuple[str, int, str]]:
    """Each section that a file names: ``path:line``, the RFC's number, the section."""
    for path in sorted(one for folder in FOLDERS for one in (TOP / folder).rglob("*") if one.suffix in (".py", ".md")):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            for found in CITED.finditer(line):
                for section in SECTION.findall(found[2]):
                    yield f"{path.relative_to(TOP)}:{number}", int(found[1]), section


def index() -> dict[int, frozenset[str]]:
    """The sections of each RFC."""
    return {int(number): frozenset(sections(words)) for number, words in entries().items()}


def entries() -> dict[str, str]:
    """Lines of the index: the numbers of RFCs, and their sections as they are written there."""
    lines = (line.partition(":") for line in INDEX.read_text().splitlines() if line and not line.startswith("#"))
    return {number: words.strip() for number, _, words in lines}


def sections(words: str) -> Iterator[str]:
    """The sections that a line of the index names."""
    for word in words.split():
        first, _, last = word.partition("-")
        yield first
        above, _, number = first.rpartition(".")
        for one in range(int(number) + 1, int(last) + 1) if last else ():
            yield f"{above}.{one}" if above else str(one)


def write(folder: Path) -> None:
    """Write the index anew, with the texts below the folder."""
    texts = {path.name.partition(".")[0]: path for path in folder.rglob("rfc*.txt*")}
    found = entries()
    for rfc in {rfc for _, rfc, _ in cited()}:
        if path := texts.get(f"rfc{rfc}"):
            octets = path.read_bytes()
            text = (gzip.decompress(octets) if path.suffix == ".gz" else octets).decode("utf-8", "replace")
            found[str(rfc)] = " ".join(ranges(headings(text)))
    lines = [f"{number}: {words}\n" for number, words in sorted(found.items(), key=lambda one: int(one[0]))]
    INDEX.write_text(HEAD + "".join(lines))


def headings(text: str) -> set[str]:
    """The numbers of a text's sections."""
    return {one or other for one, other in HEADING.findall(text)} | {*CONTENTS.findall(text)}


def order(section: str) -> tuple[tuple[bool, int], ...]:
    """Numbers before letters, 2 before 10."""
    return tuple((not part.isdigit(), int(part) if part.isdigit() else ord(part)) for part in section.split("."))


def ranges(numbers: Iterable[str]) -> Iterator[str]:
    """Sections as the index writes them."""
    parents = sorted(numbers, key=lambda one: (one.count("."), order(one)))
    for above, those in groupby(parents, key=lambda one: one.rpartition(".")[0]):
        ends = [one.rpartition(".")[2] for one in those]
        letters = [one for one in ends if one.isalpha()]
        plain = sorted(int(one) for one in ends if one.isdigit())
        for _, run in groupby(enumerate(plain), key=lambda pair: pair[1] - pair[0]):
            members = [number for _, number in run]
            first = f"{above}.{members[0]}" if above else str(members[0])
            yield f"{first}-{members[-1]}" if len(members) > 1 else first
        yield from letters


if __name__ == "__main__":
    sys.exit(main())
