"""Names in a Maildir: time and flags in file names, Dovecot's keywords, Maildir++ folders.

A message is a file in ``new`` or ``cur``, named ``UNIQUE:2,FLAGS``. UNIQUE begins with the Unix time of its arrival.
FLAGS are letters in alphabetical order: upper-case letters are fixed flags, ``a`` to ``z`` are the keywords 0 to 25 in
the file ``dovecot-keywords`` of the folder (Dovecot's documentation, "Maildir mailbox format").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from moxlite.proto.localform import flag_word

KEYWORDS_FILE: Final = "dovecot-keywords"

MAX_KEYWORDS: Final = 26
"""Number of keywords of a folder, one lower-case letter each."""

LETTERS: Final[Mapping[str, str]] = {
    "D": r"\Draft",
    "F": r"\Flagged",
    "P": "$Forwarded",
    "R": r"\Answered",
    "S": r"\Seen",
    "T": r"\Deleted",
}

_TIME: Final = re.compile(r"[0-9]{1,10}(?![0-9])")
# Some systems, and archives made on them, cannot have a colon in a file name.
_INFO: Final = re.compile(r"[:;!_]2,(?P<letters>[^,/]*)")
_LINE: Final = re.compile(r"(?P<number>\d{1,2}) (?P<name>.+)")


class FileName(msgspec.Struct, frozen=True):
    """Parsed file name of a message.

    `received`: Unix time, None without one. `words`: names of flags. `letters`: letters of keywords, each once.
    """

    received: int | None
    words: tuple[str, ...]
    letters: str


def parse_name(name: str) -> FileName:
    """Parse the name of a file in ``new`` or ``cur``; any name is accepted."""
    time = _TIME.match(name)
    info = _INFO.search(name)
    found = "" if info is None else info["letters"]
    return FileName(
        None if time is None else int(time[0]),
        tuple(word for letter, word in LETTERS.items() if letter in found),
        "".join(sorted({letter for letter in found if "a" <= letter <= "z"})),
    )


def format_name(unique: str, words: Iterable[str], keywords: Mapping[str, str]) -> str:
    """Return the file name of a message. `keywords`: letter by keyword; keywords without a letter are left out."""
    having = set(words)
    letters = [letter for letter, word in LETTERS.items() if word in having]
    return f"{unique}:2,{''.join(letters)}{''.join(sorted(keywords[word] for word in having if word in keywords))}"


def parse_keywords(text: bytes) -> dict[str, str]:
    """Parse the file ``dovecot-keywords``: return flag or keyword by letter. Malformed lines are ignored."""
    found: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").split("\n"):
        match = _LINE.fullmatch(line.strip())
        if match is not None and int(match["number"]) < MAX_KEYWORDS:
            found[chr(ord("a") + int(match["number"]))] = flag_word(match["name"])
    return found


def format_keywords(keywords: Mapping[str, str]) -> bytes:
    """Return the content of the file ``dovecot-keywords`` for a mapping from keyword to letter."""
    lines = sorted((ord(letter) - ord("a"), keyword) for keyword, letter in keywords.items())
    return "".join(f"{number} {keyword}\n" for number, keyword in lines).encode()


def folder_of(element: str) -> list[str] | None:
    """Return the names in the hierarchy of a Maildir++ folder ``.A.B``, still encoded; None for any other name."""
    parts = element[1:].split(".") if element.startswith(".") else []
    return parts if parts and all(parts) else None
