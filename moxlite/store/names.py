"""Mailbox names: their syntax and nesting (STORE-12, IMAP-33, RFC 9051 §5.1).

A name is Unicode text in NFC, its elements separated by ``/``. Nothing here touches a database.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Final

from moxlite.normal import normalized
from moxlite.store.errors import BadMailboxName
from moxlite.store.types import Flag
from moxlite.wording import worded

SEPARATOR: Final = "/"
INBOX: Final = "Inbox"
OTHERS: Final = "Other Users"
"""Prefix of the names of other users' mailboxes in IMAP (IMAP-157)."""

MAX_ELEMENT: Final = 255
"""Octets of UTF-8 in one element (STORE-12): the limit of file systems that exports are unpacked on."""

MAX_NAME: Final = 1000
"""Octets of UTF-8 in a name (STORE-12)."""

MAX_DEPTH: Final = 30
"""Elements in a name (STORE-154, IMAP-33)."""

# C0, DEL and C1 controls, line and paragraph separator (RFC 5198 §2, RFC 9051 §5.1); lone surrogates are no Unicode
# text at all.
_REFUSED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def check_name(name: str) -> str:
    """Return the name as it is stored: in NFC, and a first element "inbox" in any case becomes ``Inbox``.

    Raises:
      BadMailboxName: the name is refused by STORE-12 or nests too deeply; the text says why.
    """
    name = composed(name)
    if not name:
        raise BadMailboxName("folder names can't be empty")
    if _REFUSED.search(name):
        raise BadMailboxName("folder names can't contain control characters")
    if name[0] == "#":
        raise BadMailboxName("folder names can't start with #")
    if len(name.encode()) > MAX_NAME:
        raise BadMailboxName(worded("folder names must be {most} bytes or fewer", most=MAX_NAME))
    elements = name.split(SEPARATOR)
    if len(elements) > MAX_DEPTH:
        raise BadMailboxName(worded("folders can be nested up to {most} levels deep", most=MAX_DEPTH))
    for element in elements:
        if not element:
            raise BadMailboxName("folder names can't start or end with / or contain //")
        if element in {".", ".."}:
            raise BadMailboxName("parts of a folder name can't be . or ..")
        if len(element.encode()) > MAX_ELEMENT:
            raise BadMailboxName(worded("each part of a folder name must be {most} bytes or fewer", most=MAX_ELEMENT))
    if elements[0].lower() == "inbox":
        elements[0] = INBOX
    return SEPARATOR.join(elements)


def is_creatable(name: str, system: Iterable[str]) -> bool:
    """Whether a mailbox can be made with this name, as it is written. `system`: the names of the system's mailboxes."""
    try:
        if check_name(name) != name:
            return False
    except BadMailboxName:
        return False
    return not any(name == other or is_below(name, other) for other in system)


def composed(name: str) -> str:
    """A name in NFC: macOS writes names decomposed."""
    return normalized("NFC", name)


def parent(name: str) -> str | None:
    """The name of the mailbox above, None for a top one."""
    above, found, _ = name.rpartition(SEPARATOR)
    return above if found else None


def leaf(name: str) -> str:
    """The last element."""
    return name.rpartition(SEPARATOR)[2]


def ancestors(name: str) -> list[str]:
    """The names above, the top one first; empty for a top mailbox."""
    elements = name.split(SEPARATOR)
    return [SEPARATOR.join(elements[:n]) for n in range(1, len(elements))]


def is_below(name: str, above: str) -> bool:
    """Whether `name` is anywhere below `above`; a name is not below itself."""
    return name.startswith(above + SEPARATOR)


def is_foreign(name: str) -> bool:
    """Whether a name has the prefix of other users' mailboxes (IMAP-157)."""
    return name == OTHERS or is_below(name, OTHERS)


# Names of flags as the apps and the web API use them (WEBMAIL-47, WEB-103): as in IMAP, in lower case.


FLAG_NAMES: Final = {
    Flag.SEEN: "\\seen",
    Flag.ANSWERED: "\\answered",
    Flag.FLAGGED: "\\flagged",
    Flag.FORWARDED: "$forwarded",
    Flag.JUNK: "$junk",
    Flag.NOTJUNK: "$notjunk",
    Flag.DELETED: "\\deleted",
    Flag.DRAFT: "\\draft",
    Flag.PHISHING: "$phishing",
    Flag.MDNSENT: "$mdnsent",
}
FLAGS_BY_NAME: Final = {name: flag for flag, name in FLAG_NAMES.items()}


@functools.lru_cache(1024)
def flag_names(flags: Flag) -> list[str]:
    """The names of flag bits. The list is cached; callers must not change it."""
    return [name for flag, name in FLAG_NAMES.items() if flags & flag]


def split_flags(names: Iterable[str]) -> tuple[Flag, list[str]]:
    """Split names of flags, in any case, into flag bits and keywords."""
    flags = Flag(0)
    keywords: list[str] = []
    for name in names:
        flag = FLAGS_BY_NAME.get(name.lower())
        if flag is None:
            keywords.append(name)
        else:
            flags |= flag
    return flags, keywords
