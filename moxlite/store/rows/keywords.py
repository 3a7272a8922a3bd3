"""Flags and keywords: names of flag bits, syntax of keywords, and their stored form (STORE-22, IMAP-108, IMAP-109).

A keyword is compared and stored in lower case; the spelling first used in the account is kept in table ``keyword`` and
shown. In a row the keywords are one text, sorted, separated by one space, "" for none: the usual case costs one octet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from moxlite.store.errors import BadKeyword
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.types import Flag

MAX_KEYWORD: Final = 128
"""Octets of a keyword (STORE-22)."""

MAX_PER_MESSAGE: Final = 100
"""Keywords of one message (STORE-154)."""

MAX_PER_MAILBOX: Final = 1000
"""Keywords of one mailbox (STORE-154)."""

FLAG_NAMES: Final[Mapping[Flag, str]] = {
    Flag.SEEN: r"\Seen",
    Flag.ANSWERED: r"\Answered",
    Flag.FLAGGED: r"\Flagged",
    Flag.DELETED: r"\Deleted",
    Flag.DRAFT: r"\Draft",
    Flag.FORWARDED: "$Forwarded",
    Flag.JUNK: "$Junk",
    Flag.NOTJUNK: "$NotJunk",
    Flag.PHISHING: "$Phishing",
    Flag.MDNSENT: "$MDNSent",
}
"""The wire names of the bits, the system flags first (RFC 9051 §2.3.2)."""

_BITS: Final = {name.lower(): flag for flag, name in FLAG_NAMES.items()}

# RFC 9051 §9 flag-keyword is an atom: printable ASCII without atom-specials; "]" is left out too (STORE-22).
_KEYWORD: Final = re.compile(r"[!#$&\'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+")


def check_keyword(keyword: str) -> str:
    """Return the stored form, lower case. Raises BadKeyword for an invalid keyword (STORE-22)."""
    if len(keyword) > MAX_KEYWORD or not _KEYWORD.fullmatch(keyword):
        raise BadKeyword(keyword)
    return keyword.lower()


def parse_flags(words: Iterable[str]) -> tuple[Flag, frozenset[str]]:
    r"""Split names of flags, in any case, into bits and keywords; keywords keep their spelling.

    Raises:
      BadKeyword: a name with ``\`` that is no system flag (``\Recent`` too), or a bad keyword.
    """
    flags, keywords = Flag(0), set[str]()
    for word in words:
        bit = _BITS.get(word.lower())
        if bit is not None:
            flags |= bit
        else:
            check_keyword(word)
            keywords.add(word)
    return flags, frozenset(keywords)


def flag_words(flags: Flag, keywords: Iterable[str] = (), spelling: Mapping[str, str] | None = None) -> list[str]:
    """The names of bits and keywords for people and for the wire; `spelling` maps a stored keyword to its first
    spelling.
    """
    words = [name for flag, name in FLAG_NAMES.items() if flags & flag]
    words += keywords if spelling is None else [spelling.get(keyword, keyword) for keyword in keywords]
    return words


def join_keywords(keywords: Iterable[str]) -> str:
    """The column of a row: lower-case keywords, sorted, each once."""
    return " ".join(sorted(set(keywords)))


def split_keywords(column: str) -> tuple[str, ...]:
    """The keywords of a column."""
    return tuple(column.split(" ")) if column else ()


def learn_spellings(tx: Tx, keywords: Iterable[str]) -> frozenset[str]:
    """Store the spelling of keywords that are new in this account; returns the stored, lower-case forms. Raises
    BadKeyword.
    """
    lower = {check_keyword(keyword): keyword for keyword in keywords}
    for stored, spelling in lower.items():
        tx.execute(LEARN, stored, spelling)
    return frozenset(lower)


def spellings(r: Reader) -> dict[str, str]:
    """Stored form to spelling, of all keywords of the account (the limits keep them few)."""
    return dict(r.rows(SPELLINGS))


LEARN: Final = "INSERT INTO keyword (lower, spelling) VALUES (?, ?) ON CONFLICT DO NOTHING"
SPELLINGS: Final = "SELECT lower, spelling FROM keyword"
