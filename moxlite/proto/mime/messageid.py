"""Keys for threading: canonical message-ids, references, base subjects (RFC 5322 §3.6.4, RFC 5256 §2.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

ANSWERED: Final = 20
"""Ids in References of an automatic answer: enough for every mail program's threads."""

_WRITTEN: Final = re.compile(rb"<[!-;=?-~]{1,900}>")

MAX_REFERENCES: Final = 200
"""Number of references kept per message, from the end (STORE-153): the nearest ancestors are last."""

MAX_SUBJECT: Final = 4096
"""Characters of a subject that are used: stripping prefixes is quadratic in their number."""

_ID: Final = re.compile(r"<([^<>]*)>")
_BLANKS: Final = re.compile(r"[ \t\r\n]+")
_PLAIN_IDS: Final = re.compile(rb"(?:[ \t\r\n]*<[!#-;=?-~]+>)+[ \t\r\n]*")
_QUOTED: Final = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"@([^@"]+)', re.DOTALL)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
# Sets with all of Unicode name what they lack: `re` takes 5 ms to compile one that names what it has.
_ATEXT = r"""[^\x00-\x20"(),.:;<>@\[\\\]\x7f]"""
_DOT_ATOM: Final = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")


def canonical_message_id(text: bytes | str) -> str | None:
    """The id inside `<>` in lower case, without needless quotes of its localpart (STORE-76).

    None without brackets, if they are empty, or if text that does not start with a blank follows them.
    """
    text = _text(text).strip()
    if not text.startswith("<"):
        return None
    inside, bracket, junk = text[1:].partition(">")
    if not bracket or (junk and not junk.startswith(" ")):
        return None
    return _canonical(inside)


def _text(text: bytes | str) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "replace")


def _canonical(inside: str) -> str | None:
    identifier = inside.lower()
    if not identifier:
        return None
    match = _QUOTED.fullmatch(identifier)
    if match is not None:
        localpart = _QUOTED_PAIR.sub(r"\1", match[1])
        if _DOT_ATOM.fullmatch(localpart):
            return f"{localpart}@{match[2]}"
    return identifier


def references(fields: Sequence[bytes | str], in_reply_to: bytes | str | None = None) -> list[str]:
    """The canonical ids of all References fields, in order, at most the last MAX_REFERENCES (STORE-77).

    Blanks inside an id, which come from wrong folding, are dropped; an unterminated id is skipped. Without any id,
    returns the first id of `in_reply_to`.
    """
    found = [identifier for field in fields for identifier in _ids(field)]
    if not found and in_reply_to is not None:
        return _ids(in_reply_to)[:1]
    return found[-MAX_REFERENCES:]


def written_references(fields: Sequence[bytes], in_reply_to: bytes | None) -> list[str]:
    """The ids that an answer names before the answered one (RFC 5322 §3.6.4): the last ANSWERED of its References, else
    its In-Reply-To if that is a single id. As they are written, with brackets; without those that are not ASCII.
    """
    found = [one for field in fields for one in _WRITTEN.findall(field)]
    if not found and in_reply_to is not None:
        found = _WRITTEN.findall(in_reply_to)
        found = found if len(found) == 1 else []
    return [one.decode("ascii") for one in found[-ANSWERED:]]


def _ids(field: bytes | str) -> list[str]:
    if isinstance(field, bytes) and _PLAIN_IDS.fullmatch(field):  # the usual case
        return field.decode("ascii").lower().replace("<", " ").replace(">", " ").split()
    found = _ID.findall(_text(field))
    return [identifier for inside in found if (identifier := _canonical(_BLANKS.sub("", inside)))]


# Subjects. Mail programs mark replies and forwarded messages in the language of their user. RFC 5256 knows the English
# marks alone, and its base subject is the same for each server and client; conversations go by all marks.
# "VS" is a reply in Finnish, and a forwarded message in Danish and Norwegian.
REPLY_MARKS: Final = (
    *("re", "aw", "sv", "vs", "antw", "rif", "r", "res", "odp", "відп", "رد", "תשובה", "תגובה"),
    *("回复", "答复", "回覆", "返信"),
)
FORWARD_MARKS: Final = (
    *("fwd", "fw", "wg", "tr", "rv", "enc", "i", "pd", "vb", "vl", "doorst", "пересл", "إعادة توجيه", "הועבר", "העברה"),
    *("转发", "轉寄", "転送"),
)
"""Marks that mail programs in the webmail's languages and their neighbours put before a subject, in lower case."""

_COLON: Final = "[:：]"  # Chinese and Japanese programs write the wide one


def marks(words: Sequence[str]) -> str:
    """A regular expression for any of these marks, with a counter such as Re[2], the colon and blanks.

    Possessive, so that a long run of blanks is read once.
    """
    return rf"(?:{'|'.join(words)})\s*+(?:\[[0-9]++\]|\([0-9]++\))?\s*+{_COLON}\s*+"


# RFC 5256 §5 base subject, on lower-case text with single blanks.
_BLOB: Final = re.compile(r"\[[^\[\]]*\] ?")
_LEADER: Final = re.compile(r"(?:\[[^\[\]]*\] ?)*(?:re|fwd?) ?(?:\[[^\[\]]*\] ?)?:| ")
_STARTS: Final = frozenset("[rf ")  # what leaders and blobs start with
_ALL_LEADER: Final = re.compile(
    r"(?:\[[^\[\]]*\] ?)*"
    rf"(?:{'|'.join(REPLY_MARKS + FORWARD_MARKS)}) ?(?:\[[^\[\]]*\] ?|\([0-9]+\) ?)?{_COLON}| "
)
_ALL_STARTS: Final = frozenset("[ ").union(mark[0] for mark in REPLY_MARKS + FORWARD_MARKS)
_TRAILER: Final = "(fwd)"
_FORWARD: Final = "[fwd:"


def base_subject(subject: str) -> tuple[str, bool]:
    """The base subject of a decoded subject, and whether its prefixes mark a reply or forward (STORE-78).

    "" for a subject with NUL.
    """
    return _base(subject, _LEADER, _STARTS)


def conversation_subject(subject: str) -> tuple[str, bool]:
    """As `base_subject`, without the marks of all languages: messages of one conversation have it in common
    (STORE-78a). That of a base subject is the same as that of its subject.
    """
    return _base(subject, _ALL_LEADER, _ALL_STARTS)


def _base(subject: str, leader: re.Pattern[str], starts: frozenset[str]) -> tuple[str, bool]:
    if "\0" in subject:
        return "", False
    text = " ".join(subject[:MAX_SUBJECT].lower().split())
    at, end = 0, len(text)
    response = False
    while True:
        while end > at:  # (2) trailers
            if text.endswith(_TRAILER, at, end):
                end -= len(_TRAILER)
                response = True
            elif text[end - 1] == " ":
                end -= 1
            else:
                break
        while at < end and text[at] in starts:
            match = leader.match(text, at, end)  # (3) leaders
            if match is not None:
                response = response or match[0] != " "
                at = match.end()
                continue
            blobs = at  # (4) blobs, while something is left; where no leader begins, none begins at the next blob
            while (match := _BLOB.match(text, at, end)) is not None and match.end() < end:
                at = match.end()
            if at == blobs:
                break
        if not (text.startswith(_FORWARD, at, end) and text.endswith("]", at, end)):  # (6)
            return text[at:end], response
        at += len(_FORWARD)
        end -= 1
        response = True
