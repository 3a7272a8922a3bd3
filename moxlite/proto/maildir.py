"""Names in a Maildir: folders, flags and time in the name of a file, Dovecot's keywords, Maildir++ folders.

A message is a file in ``new`` or ``cur``, named ``UNIQUE:2,FLAGS``. UNIQUE begins with the Unix time of its arrival.
FLAGS are letters in the order of the alphabet: upper case ones have a meaning of their own, ``a`` to ``z`` stand for
the keywords 0 to 25 in the file ``dovecot-keywords`` of the folder (Dovecot's documentation, "Maildir mailbox format").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from moxlite.proto.localform import flag_word

__all__ = [
    "KEYWORDS_FILE",
    "MAX_KEYWORDS",
    "FileName",
    "folder_of",
    "format_keywords",
    "format_name",
    "parse_keywords",
    "parse_name",
]

KEYWORDS_FILE: Final = "dovecot-keywords"

MAX_KEYWORDS: Final = 26
"""One lower-case letter each."""

LETTERS: Final[Mapping[str, str]] = {
    "D": r"\Draft",
    "F": r"\Flagged",
    "P": "$Forwarded",
    "R": r"\Answered",
    "S": r"\Seen",
    "T": r"\Deleted",
}

_TIME: Final = re.compile(r"[0-9]{1,10}(?![0-9])")
# Some systems, and archives made on them, cannot have a colon in a name.
_INFO: Final = re.compile(r"[:;!_]2,(?P<letters>[^,/]*)")
_LINE: Final = re.compile(r"(?P<number>\d{1,2}) (?P<name>.+)")


class FileName(msgspec.Struct, frozen=True):
    """What the name of a message's file says.

    `received` is Unix time, None when the name has none; `words` are names of flags; `letters` of keywords, each once.
    """

    received: int | None
    words: tuple[str, ...]
    letters: str


def parse_name(name: str) -> FileName:
    """Read the name of a file in ``new`` or ``cur``; whatever it is, it has a meaning."""
    time = _TIME.match(name)
    info = _INFO.search(name)
    found = "" if info is None else info["letters"]
    return FileName(
        None if time is None else int(time[0]),
        tuple(word for letter, word in LETTERS.items() if letter in found),
        "".join(sorted({letter for letter in found if "a" <= letter <= "z"})),
    )


def format_name(unique: str, words: Iterable[str], keywords: Mapping[str, str]) -> str:
    """The name of a file: `keywords` maps those that have a letter to it, the others are left out."""
    having = set(words)
    letters = [letter for letter, word in LETTERS.items() if word in having]
    return f"{unique}:2,{''.join(letters)}{''.join(sorted(keywords[word] for word in having if word in keywords))}"


def parse_keywords(text: bytes) -> dict[str, str]:
    """Letter to flag or keyword, of the file ``dovecot-keywords``; lines that are none are passed over."""
    found: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").split("\n"):
        match = _LINE.fullmatch(line.strip())
        if match is not None and int(match["number"]) < MAX_KEYWORDS:
            found[chr(ord("a") + int(match["number"]))] = flag_word(match["name"])
    return found


def format_keywords(keywords: Mapping[str, str]) -> bytes:
    """The file ``dovecot-keywords`` of a mapping from keyword to letter."""
    lines = sorted((ord(letter) - ord("a"), keyword) for keyword, letter in keywords.items())
    return "".join(f"{number} {keyword}\n" for number, keyword in lines).encode()


def folder_of(element: str) -> list[str] | None:
    """The hierarchy of a Maildir++ folder ``.A.B``, not yet decoded; None for another name."""
    parts = element[1:].split(".") if element.startswith(".") else []
    return parts if parts and all(parts) else None
