"""The messages of fixtures/mime that have one reviewed page of IMAP forms each: hand-written odd ones, and CPython's.

`python -m tests.mime_corpus` writes the pages that are missing; they are reviewed before they are kept.
"""

from collections.abc import Iterator
from pathlib import Path

from moxlite.proto.mime import Part, scan
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.sections import Kind, find_section
from moxlite.proto.mime.wire import read_envelope, render_bodystructure
from tests.tools import top

__all__ = ["corpus", "load", "page", "sections"]

SHOWN = 30
"""Octets of a section's beginning and end that a page shows."""


def corpus() -> list[Path]:
    """All messages."""
    folder = top() / "fixtures/mime"
    return sorted([*folder.glob("odd/*.eml"), *folder.glob("cpython/*.txt")])


def load(path: Path) -> bytes:
    """A message with the line ends of mail."""
    return path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def sections(root: Part, numbers: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Kind]]:
    """All sections that a message has, as RFC 9051 §6.4.5.1 numbers them: HEADER, TEXT, 1, 1.MIME ..."""
    yield numbers, "HEADER"
    yield numbers, "TEXT"
    if not root.parts:
        yield (*numbers, 1), ""
        yield (*numbers, 1), "MIME"
        if root.message is not None:
            yield from sections(root.message.root, (*numbers, 1))
    yield from _parts(root, numbers)


def _parts(part: Part, numbers: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Kind]]:
    for number, inner in enumerate(part.parts, 1):
        yield (*numbers, number), ""
        yield (*numbers, number), "MIME"
        if inner.message is not None:
            yield from sections(inner.message.root, (*numbers, number))
        yield from _parts(inner, (*numbers, number))


def page(data: bytes) -> bytes:
    """What IMAP answers for a message: ENVELOPE, BODYSTRUCTURE, and where each section lies, with its ends."""
    structure = scan(data)
    lines = [
        b"ENVELOPE " + read_envelope(HeaderSection(data))[1],
        b"BODYSTRUCTURE " + render_bodystructure(structure),
    ]
    for numbers, kind in sections(structure.root):
        name = ".".join([*map(str, numbers), *([kind] if kind else [])])
        section = find_section(structure, numbers, kind)
        assert section is not None, name
        octets = data[section.start : section.end]
        shown = repr(octets) if len(octets) <= 2 * SHOWN else f"{octets[:SHOWN]!r} … {octets[-SHOWN:]!r}"
        fields = ", of it the fields of MIME" if section.content_fields else ""
        lines.append(f"[{name}] {len(octets)} at {section.start}{fields}: {shown}".encode())
    return b"\r\n".join(lines).replace(b"\r\n", b"\n") + b"\n"


if __name__ == "__main__":
    for path in corpus():
        if not path.with_suffix(".forms").exists():
            path.with_suffix(".forms").write_bytes(page(load(path)))
            print(f"wrote {path.with_suffix('.forms')}: review it")
