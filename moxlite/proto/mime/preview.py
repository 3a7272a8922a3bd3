"""Previews of messages (RFC 8970; STORE-58, IMAP-105): the text without quotes, on one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .charset import is_ascii_superset
from .text import MAX_TEXT, Read, open_message, part_text, visible_text
from .types import Part, Structure

MAX_PREVIEW: Final = 200
"""Characters (RFC 8970 §3.1 recommends at most 256)."""

_HTML_TEXT: Final = 16 * 1024  # characters of visible text: enough to get past quotes
_BEGIN: Final = 2048  # octets: more than the first `_FEW_LINES` lines
_PLAIN: Final = ("7BIT", "8BIT", "BINARY")
_FEW_LINES: Final = 20  # enough for most messages; all lines of a page would take 100 µs more
_MANY_LINES: Final = 5000
_LOOK_AHEAD: Final = 3  # lines that `_attribution` reads
_GAP: Final = "[...]"
_SIGNATURE: Final = "--"  # RFC 3676 §4.3, its blank at the end often lost
_ATTRIBUTION: Final = re.compile(r"On .{1,300} wrote:")
_FORWARDED: Final = re.compile(r"-{3,}\s?(?:Original|Forwarded) [Mm]essage\s?-{3,}")
# Fillers by which senders keep text out of previews, and characters without meaning on one line.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)


class TooManySigns(Exception):
    """A text has more tags and entities than the caller of `preview` allows, each of which costs some 2.5 µs; or it is
    in an encoded message, which may cost as much as any other.
    """


def preview(structure: Structure, read: Read, *, signs: int | None = None) -> str:
    """The preview of a message, "" if it has no readable text.

    Reads at most MAX_TEXT octets of a part.

    Raises:
      TooManySigns: the decoded texts have more than `signs` tags and entities together; found before they are read.
    """
    for part, source in _candidates(structure.root, read, signs is None):
        if part.subtype != "HTML" and (found := _preview_of_begin(part, source)):
            return found
        text = part_text(part, source, MAX_TEXT)
        if signs is not None:
            signs -= text.count("<") + text.count("&")
            if signs < 0:
                raise TooManySigns
        if part.subtype == "HTML":
            text = visible_text(text, quotes=True, limit=_HTML_TEXT)
        if found := preview_of_text(text):
            return found
    return ""


def _preview_of_begin(part: Part, read: Read) -> str:
    """The preview from the first octets of a text if it is certainly the preview of the whole; else ""."""
    if part.end - part.body <= _BEGIN or part.encoding not in _PLAIN or not is_ascii_superset(part.charset):
        return ""
    octets = read(part.body, part.body + _BEGIN)
    if not octets.isascii():  # the charset is known only from the whole text
        return ""
    found, complete = _preview_of_lines(octets.decode("ascii"), _FEW_LINES, cut=True)
    return found if complete else ""


def _candidates(part: Part, read: Read, may_open: bool) -> Iterator[tuple[Part, Read]]:
    """Text parts that show the message, best first, and how they are read; an embedded message counts when nothing
    else has text.

    Raises:
      TooManySigns: an encoded message would have to be opened, and `may_open` forbids it.
    """
    embedded: list[tuple[Part, Read]] = []
    room = MAX_TEXT  # octets of encoded messages
    stack = [part]
    while stack or embedded:
        if not stack:
            holder, read = embedded.pop(0)
            if holder.message is not None:
                stack.append(holder.message.root)
            elif not may_open:
                raise TooManySigns
            elif room > 0:
                inner, read = open_message(holder, read, room)
                room -= inner.size
                stack.append(inner.root)
            continue
        part = stack.pop()
        if part.disposition == "ATTACHMENT":
            continue
        if part.message is not None or part.is_encoded_message:
            embedded.append((part, read))
        elif part.parts:
            stack.extend(reversed(_children(part)))
        elif part.type == "TEXT" and part.subtype in ("PLAIN", "HTML"):
            yield part, read


def _children(part: Part) -> list[Part]:
    """The children of a multipart that show the message, best first."""
    if part.subtype == "ENCRYPTED":
        return []
    if part.subtype == "SIGNED":
        return list(part.parts[:1])
    if part.subtype == "ALTERNATIVE":
        return sorted(part.parts, key=lambda child: child.media_type != "text/plain")
    return list(part.parts)


def preview_of_text(text: str) -> str:
    """The first MAX_PREVIEW characters without quotes and signature, with white space collapsed; omitted text becomes
    one `[...]`.
    """
    found, complete = _preview_of_lines(text, _FEW_LINES)
    return found if complete else _preview_of_lines(text, _MANY_LINES)[0]


def _preview_of_lines(text: str, most: int, *, cut: bool = False) -> tuple[str, bool]:
    """The preview from the first `most` lines, and whether further lines cannot change it. `cut`: more text follows
    `text`, which may end within a line.
    """
    raw = text[:MAX_TEXT].split("\n", most)
    count = min(len(raw), most)
    plain = text.isascii()
    out: list[str] = []
    size = 0
    index = 0
    while index < count and size <= MAX_PREVIEW:
        line = _shown(raw[index], plain)
        index += 1
        if not line:
            continue
        first = line[0]
        if first == "-":
            if line == _SIGNATURE:
                size = MAX_PREVIEW + 1
                break
            if _FORWARDED.fullmatch(line):
                out.append(_GAP)
                size = MAX_PREVIEW + 1
                break
        if first == ">":
            line = _GAP
        elif line[-1] == ":" or line.startswith("On "):
            following = [_shown(one, plain) for one in raw[index : min(index + _LOOK_AHEAD - 1, count)]]
            if skip := _attribution(line, following):
                index += skip - 1
                line = _GAP
        if line == _GAP and out and out[-1] == _GAP:
            continue
        out.append(line)
        size += len(line) + 1
    # The last of these lines may introduce a quote that begins after them.
    complete = (len(raw) <= most and not cut) or (size > MAX_PREVIEW and index + _LOOK_AHEAD <= count)
    return "" if out == [_GAP] else " ".join(out)[:MAX_PREVIEW].rstrip(), complete


def _shown(line: str, plain: bool) -> str:
    """A line in the form for the preview; `plain`: it is all ASCII."""
    line = (line if plain else _INVISIBLE.sub("", line)).strip()
    # Of all white space only the blank is printable.
    return line if line.isprintable() and "  " not in line else " ".join(line.split())


def _attribution(first: str, following: list[str]) -> int:
    """Number of lines from `first` on that introduce a quote: `On ... wrote:` over up to three lines, or any line that
    ends with a colon before a quoted one.
    """
    if first.startswith("On "):
        joined = ""
        for count, line in enumerate([first, *following], 1):
            if not line:
                break
            joined = f"{joined} {line}" if joined else line
            if _ATTRIBUTION.fullmatch(joined):
                return count
    if first.endswith(":"):
        behind = next((line for line in following if line), "")
        return 1 if behind.startswith(">") else 0
    return 0
