"""Authors of a message: all addresses that some mail reader takes out of a From field.

`envelope.parse_addresses` reads a field as kindly as possible, for display. Other readers, also tolerant, find other
addresses in a malformed field: of ``a@x.example:<b@y.example>`` some show the first, some the last, some both. So a
right never depends on that parser alone. `plain_mailbox` recognizes the form that all readers agree on, `mentions`
finds each address in any other text, and `sole_author` says which mailbox such a text means, to be written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from moxlite.normal import is_visible, visible
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.mime.words import decode_words

MAX_NAME: Final = 500
"""Characters of a display name that is written anew."""

MAX_WORD: Final = 1000
"""Octets up to which pieces of a word are joined, far more than in an address."""

# Lexemes of RFC 5322 §3.2 and RFC 6532 §3.2: folding blanks | atom | quoted string | special | begin of a comment.
_LEXEME: Final = re.compile(
    rb"([ \t]+|\r?\n[ \t]+)|([!#-'*+\-/-9=?A-Z^-~\x80-\xff]+)"
    rb'|("(?:[ \t!#-\[\]-~\x80-\xff]|\\[ -~\t]|\r?\n[ \t])*")|([.@<>])|\('
)
_CONTROLS: Final = dict.fromkeys((*range(0x20), 0x7F))
_VISIBLE: Final = re.compile(rb"(?:[ -~\t\x80-\xff]|\r?\n[ \t])*")
# Mailboxes by the kinds of their lexemes, without the obsolete forms of §4.4, groups, and domain literals. A phrase may
# have unquoted dots (§4.1), as most initials do, which all readers read alike.
_SPEC: Final = r" *(?:a(?:\.a)*|q) *@ *a(?:\.a)* *"
_MAILBOX: Final = re.compile(rf" *(?:[aq][aq. ]*)?<{_SPEC}> *|{_SPEC}")
# A folded line of blanks alone, which some readers take for the end of the header (RFC 5322 §3.2.2 forbids it).
_BLANK_LINE: Final = re.compile(rb"\n[ \t]*(?:\r?\n|$)")
_LABEL: Final = re.compile(rb"[!-9;-~]+:")
_QUOTED_PAIR: Final = re.compile(rb"\\(.)", re.DOTALL)

BLANKS: Final = 1
QUOTED: Final = 2
SPECIAL: Final = 3
COMMENT: Final = 4
"""Groups of a token's pattern."""

# Blanks and control characters | quoted string | special | anything else. Without an end, a quote and a parenthesis are
# ordinary characters: readers differ in what they hide.
_TOKEN: Final = re.compile(
    rb'([\x00-\x20\x7f]+)|"([^"\\]*(?:\\.[^"\\]*){0,1000})"|([<>@,;:])|(\()|[^\x00-\x20\x7f"<>@,;:(]+|"', re.DOTALL
)
_UNQUOTED: Final = re.compile(rb"([\x00-\x20\x7f]+)|(\Z\A)|([<>@,;:])|(\()|[^\x00-\x20\x7f<>@,;:(]+")
_COMMENT_PIECE: Final = re.compile(rb"[()]|\\.|[^()\\]+|\\", re.DOTALL)
_QUOTED_TEXT: Final = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)("?)', re.DOTALL)
"""A quoted string; without its last group an open one, to the end of the text."""


def plain_mailbox(raw: bytes) -> MailAddress | None:
    """The mailbox of a field that is nothing but one mailbox, which all readers read alike; else None. The name is left
    out.

    Args:
      raw: the whole field, with its name and folding.
    """
    label = _LABEL.match(raw)
    text = raw[label.end() :].removesuffix(b"\n").removesuffix(b"\r") if label else b""
    lexemes = [] if _BLANK_LINE.search(text) or not _is_visible(text) else _lexemes(text)
    kinds = "".join([kind for kind, _ in lexemes])
    if not _MAILBOX.fullmatch(kinds):
        return None
    middle, start = kinds.index("@"), kinds.find("<") + 1
    end = kinds.index(">") if start else len(kinds)
    parts = lexemes[start:middle], lexemes[middle + 1 : end]
    localpart, domain = (b"".join([octets for kind, octets in part if kind != " "]) for part in parts)
    return _address(_QUOTED_PAIR.sub(rb"\1", localpart[1:-1]) if localpart.startswith(b'"') else localpart, domain)


def _lexemes(text: bytes) -> list[tuple[str, bytes]]:
    """The lexemes of a text, each with its kind; none for a text that is malformed. A comment is a blank."""
    lexemes: list[tuple[str, bytes]] = []
    at = 0
    while at < len(text):
        found = _LEXEME.match(text, at)
        end = -1 if found is None else _comment_end(text, at + 1) if found.lastindex is None else found.end()
        if found is None or end < 0 or not _VISIBLE.fullmatch(text, at, end):
            return []
        octets, at = text[at:end], end
        lexemes.append(({1: " ", 2: "a", 3: "q", None: " "}.get(found.lastindex) or octets.decode(), octets))
    return lexemes


def _is_visible(text: bytes) -> bool:
    """Whether the characters beyond ASCII are UTF-8, and visible."""
    try:
        return text.isascii() or is_visible(text.decode().translate(_CONTROLS))
    except UnicodeDecodeError:
        return False


class Mention(msgspec.Struct, frozen=True):
    """An address in a text.

    Attributes:
      address: without a name; the domain is in lower case.
      start, end: its place, brackets included.
      entry: number of the entry in the list, from 0.
      angled: whether it is in angle brackets. labels: whether a colon follows, as after the name of a group.
    """

    address: MailAddress
    start: int
    end: int
    entry: int
    angled: bool
    labels: bool


def mentions(text: bytes) -> Iterator[Mention]:
    """Each address in an unfolded field outside of quoted strings and comments, in order. Linear time."""
    entry, opened = 0, -1
    word: _Token | None = None
    localpart: _Token | None = None  # the word before an @ that has no domain yet
    pending: tuple[MailAddress, int, int] | None = None  # an address and its place; what follows is not known yet
    for token in _tokens(text):
        if pending is not None:
            address, start, end = pending
            angled = opened >= 0
            if angled and token.octets == b">":
                end = token.end
            yield Mention(address, start, end, entry, angled, not angled and token.octets == b":")
            pending = None
        if not token.special:
            if localpart is not None:
                start = localpart.start if opened < 0 else opened
                pending = _address(localpart.octets, token.octets), start, token.end
                word, localpart = token, None
            elif word is not None and word.end == token.start and len(word.octets) < MAX_WORD:  # as in a."b"
                word = _Token(word.octets + token.octets, word.start, token.end)
            else:
                word = token
            continue
        localpart, word = word if token.octets == b"@" else None, None
        if token.octets == b"<":
            opened = token.start
        elif token.octets == b">":
            opened = -1
        elif token.octets in b",;" and opened < 0:
            entry += 1
    if pending is not None:
        yield Mention(*pending, entry, opened >= 0, False)


class _Token(NamedTuple):
    """A word, without quotes, or a special character."""

    octets: bytes
    start: int
    end: int
    special: bool = False


def _tokens(text: bytes) -> Iterator[_Token]:
    """The words and specials of a text, without blanks and comments."""
    at, pattern, comments = 0, _TOKEN, True
    while found := pattern.match(text, at):
        start, at = at, found.end()
        if found[0] == b'"':
            pattern = _UNQUOTED  # no later quote has an end either: none is looked for again
        elif found.lastindex == COMMENT:
            end = _comment_end(text, at) if comments else -1
            comments = end >= 0
            at = end if comments else at
        elif found.lastindex == SPECIAL:
            yield _Token(found[0], start, at, special=True)
        elif found.lastindex != BLANKS:
            octets = found[0] if found.lastindex is None else _QUOTED_PAIR.sub(rb"\1", found[QUOTED])
            yield _Token(octets, start, at)


def _comment_end(text: bytes, at: int) -> int:
    """The end of the comment whose parenthesis is before `at`, -1 without an end (RFC 5322 §3.2.2)."""
    depth = 1
    while found := _COMMENT_PIECE.match(text, at):
        at = found.end()
        depth += {b"(": 1, b")": -1}.get(found[0], 0)
        if not depth:
            return at
    return -1


def _address(localpart: bytes, domain: bytes) -> MailAddress:
    return MailAddress("", localpart.decode("utf-8", "replace"), domain.decode("utf-8", "replace").lower().rstrip("."))


class Authors(msgspec.Struct, frozen=True):
    """The addresses of a From field.

    Attributes:
      addresses: those that a reader takes for an author, each once.
      names: addresses in the place of a display name: ``jane@x.example <form@y.example>``. Some readers show these.
    """

    addresses: tuple[MailAddress, ...]
    names: tuple[MailAddress, ...]


def authors(text: bytes) -> Authors:
    """The authors of an unfolded From field. An address in brackets is one, as is one that ends an entry of a list, or
    labels what follows.
    """
    found = list(mentions(text))
    angled = {mention.entry for mention in found if mention.angled}
    addresses: dict[MailAddress, None] = {}
    names: dict[MailAddress, None] = {}
    for mention in found:
        is_name = not mention.angled and not mention.labels and mention.entry in angled
        (names if is_name else addresses)[mention.address] = None
    return Authors(tuple(addresses), tuple(names.keys() - addresses.keys()))


def sole_author(text: bytes, hint: str = "") -> MailAddress | None:
    """The mailbox that an unfolded From field in any form means, None for several different ones.

    It's the address in brackets, else the only address. Its name is the text before it, or else after it. Without an
    address, localpart and domain are "", and the name is all of the text. `hint`: see `decode_words`.
    """
    found = list(mentions(text))
    angled = {mention.entry for mention in found if mention.angled}
    listed = [mention for mention in found if mention.angled or mention.entry not in angled]
    if len({mention.address for mention in listed}) > 1:
        return None
    if not listed:
        return MailAddress(_name(text, hint), "", "")
    last = listed[-1]
    name = _name(text[: last.start], hint) or _name(text[last.end :], hint)
    return msgspec.structs.replace(last.address, name=name)


def _name(text: bytes, hint: str) -> str:
    """A text as a display name: without quotes, separators around it, and invisible characters."""

    def unquoted(found: re.Match[bytes]) -> bytes:
        return _QUOTED_PAIR.sub(rb"\1", found[1]) if found[2] else found[0]

    bare = _QUOTED_TEXT.sub(unquoted, text[: MAX_NAME * 4]).strip(b" \t<>,;:")
    return " ".join(visible(decode_words(bare, hint)).split())[:MAX_NAME]
