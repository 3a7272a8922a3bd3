"""Names of flags as the apps and the web API use them (WEBMAIL-47, WEB-103): as in IMAP, in lower case."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Final

from moxlite.store.types import Flag

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
