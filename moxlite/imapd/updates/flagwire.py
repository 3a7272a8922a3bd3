"""Flags of messages and attributes of mailboxes in wire format (IMAP-108, IMAP-109, IMAP-171)."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final

from moxlite.proto.imap.encode import flag_list
from moxlite.store.junkflags import flag_synonyms
from moxlite.store.rows.keywords import flag_words, parse_flags
from moxlite.store.types import Flag, SpecialUse

SYSTEM_FLAGS: Final = tuple(flag_words(Flag(Flag.MDNSENT * 2 - 1)))
"""The names of all flags that are bits in the store: FLAGS and PERMANENTFLAGS begin with them."""


SYSTEM_BITS: Final = tuple([parse_flags((word,))[0] for word in SYSTEM_FLAGS])
"""The bit of each of `SYSTEM_FLAGS`."""


@lru_cache(maxsize=4096)  # combinations in use at a time are few; one entry is some 200 octets
def wire_flags(flags: Flag, keywords: tuple[str, ...] = (), recent: bool = False) -> bytes:
    """``(\\Seen $Junk work)``; keywords as spelled in the account."""
    words = flag_words(flags, keywords)
    if recent:
        words.insert(0, r"\Recent")
    return flag_list(words)


USES: Final[Mapping[str, SpecialUse]] = {
    # RFC 6154 §2
    r"\Archive": SpecialUse.ARCHIVE,
    r"\Drafts": SpecialUse.DRAFTS,
    r"\Junk": SpecialUse.JUNK,
    r"\Sent": SpecialUse.SENT,
    r"\Trash": SpecialUse.TRASH,
}


def list_names(use: SpecialUse, *, system: bool) -> tuple[str, ...]:
    r"""The LIST attributes of a special use, and of the system's mailbox, which can have no children (IMAP-162)."""
    if system:
        return (r"\NoInferiors",)
    return tuple([name for name, flag in USES.items() if flag & use]) if use else ()


NO_FLAGS: Final = Flag(0)

FEW: Final = 8
"""Maximum number of words for which the result is cached: a valid word has at most 128 octets, so the cache is
bounded.
"""


def parse_words(words: tuple[str, ...]) -> tuple[Flag, tuple[str, ...]]:
    """Bits and keywords of the flags that a client names; synonyms set their bit, too. Raises BadKeyword."""
    if not words:
        return NO_FLAGS, ()
    return _parse_few(words) if len(words) <= FEW else _parse_words(words)


def _parse_words(words: Collection[str]) -> tuple[Flag, tuple[str, ...]]:
    flags, keywords = parse_flags(words)
    return flags | flag_synonyms(keywords), tuple(sorted(keywords))


_parse_few: Final = lru_cache(maxsize=256)(_parse_words)  # clients use few combinations
