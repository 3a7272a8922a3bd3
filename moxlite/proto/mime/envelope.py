"""Parser of address lists in header fields (RFC 5322 §3.4, §4.4).

`parse_addresses` reads a list in one pass and tolerates missing angle brackets, stray commas, comments as names, raw
8-bit text and unterminated quotes. Its result is raw octets: `wire` renders it for IMAP, `decode_address` decodes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

import idna
import msgspec

from moxlite.proto.address import DOMAIN_LIMIT

from .types import MailAddress
from .words import decode_words

MAX_ADDRESSES: Final = 10_000
"""Addresses and groups read of one list (IMAP-102)."""

MAX_CODED: Final = 100
"""Domains of one list to convert from U-labels to A-labels, which takes up to 15 µs a character. Others aren't
converted.
"""

MAX_PIECES: Final = 1000
"""Words of an address, and pieces of a comment, that are kept; quoted pairs of a quoted string. Each takes a hundred
octets of memory while it is read.
"""


class RawAddress(msgspec.Struct, frozen=True, gc=False):
    """One mailbox. `name`: display name without quotes and comments, encoded words not decoded, None without one;
    `route`: source route.

    `localpart` (without quotes) and `domain` are None if the text has no recognizable one.
    """

    name: bytes | None
    route: bytes | None
    localpart: bytes | None
    domain: bytes | None


class GroupStart(msgspec.Struct, frozen=True, gc=False):
    """The begin of a named group (RFC 5322 §3.4)."""

    name: bytes


class GroupEnd(msgspec.Struct, frozen=True, gc=False):
    """The end of the last begun group."""


Item: TypeAlias = RawAddress | GroupStart | GroupEnd

# Blanks | quoted string, perhaps unterminated | domain literal | special | an encoded word, in which some senders leave
# specials as they are (RFC 2047 §5 (3) forbids it) | a run of anything else.
_TOKEN: Final = re.compile(
    rb'([ \t\r\n]+)|"([^"\\]*(?:\\.[^"\\]*){0,%d})"?|(\[[^\]]*\]?)|([<>@,;:()])|=\?[^?\s]{1,60}\?[qQ]\?[^?\s]{0,998}\?='
    rb'|[^ \t\r\n"<>@,;:()\[]+' % MAX_PIECES,
    re.DOTALL,
)
_COMMENT_PIECE: Final = re.compile(rb"[()]|\\.|[^()\\]+|\\", re.DOTALL)
_QUOTED_PAIR: Final = re.compile(rb"\\(.)", re.DOTALL)
# The usual form of a mailbox: [name] <localpart@domain>, without quoted parts, no commas in the name.
_SIMPLE: Final = re.compile(
    rb'(?:[ \t]*"([^"\\]*)"[ \t]*|([^"<>@,;:()\[\]\\]*))'
    rb'<([^"<>@,;:()\[\]\\ \t]+)@([^"<>@,;:()\[\]\\ \t]+)>[ \t]*(?:,|$)'
)


def parse_addresses(field: bytes, limit: int = MAX_ADDRESSES) -> Sequence[Item]:
    """The mailboxes and group marks of an unfolded address list, in order; at most `limit` mailboxes and groups."""
    items: list[Item] = []
    at = 0
    while match := _SIMPLE.match(field, at):
        quoted, plain, localpart, domain = match.groups()
        name = quoted if quoted is not None else b" ".join(plain.split(None, MAX_PIECES)[:MAX_PIECES])
        items.append(RawAddress(name or None, None, localpart, domain))
        at = match.end()
        if at == len(field) or len(items) >= limit:
            return items
    _ListParser(field, at, limit, items).run()
    return items


class _ListParser:
    """Collects tokens as words; a comma, semicolon, colon or the end makes an item of the words.

    `words` are the phrase or the bare address, `inside` are the words in angle brackets (None: no bracket seen). An
    unquoted "@" is the word `_AT`, which is compared by identity. `blanks` are the indexes of
    `words` that blanks precede.
    """

    _AT: Final = b" @ "  # longer than one octet: CPython keeps single octets as one object

    def __init__(self, field: bytes, at: int, limit: int, items: list[Item]) -> None:
        self.field = field
        self.at = at
        self.limit = limit
        self.items = items
        self.found = len(items)  # mailboxes and groups
        self.words: list[bytes] = []
        self.blanks: set[int] = set()
        self.after_blank = False
        self.inside: list[bytes] | None = None
        self.in_angle = False
        self.route: bytes | None = None
        self.comment: bytes | None = None
        self.in_group = False
        self.seen_at = False  # whether `words` or `inside` holds _AT

    def run(self) -> None:
        while self.found < self.limit and (match := _TOKEN.match(self.field, self.at)):
            self.at = match.end()
            kind = match.lastindex
            if kind == 1:
                self.after_blank = True
                continue
            if kind == 4:
                self._special(match[4])
            elif kind == 2:
                self._word(_QUOTED_PAIR.sub(rb"\1", match[2]))
            else:
                self._word(match[0])
            self.after_blank = False
        self._finish()  # adds nothing at the limit: an item has just ended
        if self.in_group:
            self.items.append(GroupEnd())

    def _word(self, word: bytes) -> bool:
        """Add a word; returns False if the address has too many, or is complete."""
        words = self.inside if self.in_angle else self.words if self.inside is None else None
        if words is None or len(words) >= MAX_PIECES:
            return False
        if self.after_blank and words is self.words:
            self.blanks.add(len(words))
        words.append(word)
        return True

    def _phrase(self, words: list[bytes]) -> bytes:
        """The first words as a display name, joined by blanks; around "@" only by those that are there."""
        pieces: list[bytes] = []
        for index, word in enumerate(words):
            glued = word is self._AT or words[index - 1] is self._AT
            if index and (not glued or index in self.blanks):
                pieces.append(b" ")
            pieces.append(b"@" if word is self._AT else word)
        return b"".join(pieces)

    def _special(self, special: bytes) -> None:
        if special == b"(":
            self._comment()
        elif special == b"<":
            if self.inside is None:
                # a second "<" in an address is a mistake: the first one counts
                self.inside = []
                self.in_angle = True
        elif special == b">":
            self.in_angle = False
        elif special == b"@":
            # a ":" after a bare "@" is not the begin of a group
            self.seen_at = self._word(self._AT) or self.seen_at
        elif special == b",":
            if not (
                self.in_angle and self.inside and self.inside[0] is self._AT
            ):  # a comma continues a source route (§4.4)
                self._finish()
        elif special == b";":
            self._finish()
            if self.in_group:
                self.in_group = False
                self.items.append(GroupEnd())
        elif special == b":":
            if self.in_angle and self.inside and self.inside[0] is self._AT:
                # the end of a source route (RFC 5322 §4.4); the address follows
                self.route = b"".join(b",@" if word is self._AT else word for word in self.inside)[1:]
                self.inside.clear()
            elif not self.in_angle and self.inside is None and not self.in_group and not self.seen_at:
                self.items.append(GroupStart(b" ".join(self.words)))
                self.found += 1
                self._forget_words()
                self.in_group = True

    def _comment(self) -> None:
        """Skip a comment with nested comments (§3.2.2); the first comment of a mailbox may become its name."""
        depth = 1
        pieces: list[bytes] = []
        while depth and (match := _COMMENT_PIECE.match(self.field, self.at)):
            self.at = match.end()
            piece = match[0]
            if piece == b"(":
                depth += 1
            elif piece == b")":
                depth -= 1
                if not depth:
                    break
            if len(pieces) < MAX_PIECES:
                pieces.append(piece[1:] if piece[:1] == b"\\" and len(piece) == 2 else piece)
        if self.comment is None and (text := b"".join(pieces).strip()):
            self.comment = text

    def _finish(self) -> None:
        words, inside = self.words, self.inside
        if words or inside is not None:
            name: bytes | None
            if inside is not None:
                name = self._phrase(words)
                localpart, domain = self._address(inside)
            elif self.seen_at:
                start = max(index for index, word in enumerate(words) if word is self._AT) - 1
                while start > 1 and words[start - 1] is self._AT:  # a@b@c
                    start -= 2
                start = max(0, start)
                while start and start not in self.blanks and b"." in (words[start][:1], words[start - 1][-1:]):
                    start -= 1  # words of a localpart, some of them quoted (RFC 5322 §4.4)
                name = self._phrase(words[:start])
                localpart, domain = self._address(words[start:])
            else:
                single = len(words) == 1
                name = None if single else b" ".join(words)
                localpart, domain = (words[0] or None if single else None), None
            self.items.append(RawAddress(name or self.comment or None, self.route, localpart, domain))
            self.found += 1
        self._forget_words()
        self.seen_at = False
        self.inside = None
        self.in_angle = False
        self.route = None
        self.comment = None

    def _forget_words(self) -> None:
        self.words = []
        self.blanks = set()

    def _address(self, words: list[bytes]) -> tuple[bytes | None, bytes | None]:
        for at in range(len(words) - 1, -1, -1):
            if words[at] is self._AT:
                localpart = b"".join(b"@" if word is self._AT else word for word in words[:at])
                return localpart or None, b"".join(words[at + 1 :]) or None
        return b"".join(words) or None, None


def decode_address(raw: RawAddress, coded: dict[str, str] | None = None, hint: str = "") -> MailAddress:
    """Decode a mailbox: encoded words in its name, and its domain. `coded`: A-labels of the domains of its list so far,
    which has MAX_CODED of them. `hint`: see `decode_words`.
    """
    # Not `Domain.parse`, which refuses: what a stranger has written must stay visible, and searchable, also where no
    # such domain can be.
    domain = raw.domain.decode("utf-8", "replace").lower().rstrip(".") if raw.domain else ""
    return MailAddress(
        decode_words(raw.name, hint) if raw.name else "",
        raw.localpart.decode("utf-8", "replace") if raw.localpart else "",
        domain if domain.isascii() else _to_ascii(domain, {} if coded is None else coded),
    )


def _to_ascii(text: str, coded: dict[str, str]) -> str:
    if text not in coded:
        if len(coded) >= MAX_CODED or len(text) > DOMAIN_LIMIT:
            return text
        coded[text] = _encode(text)
    return coded[text]


def _encode(text: str) -> str:
    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return text
