"""Organizational domains by the Public Suffix List (RFC 7489 §3.2, AUTH-9): ICANN section only.

The bundled list serves until `use` replaces it. To read it takes 80 ms and 2 MB: who must not wait calls `load` in a
thread before the first question.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Final

from publicsuffixlist import PublicSuffixList

__all__ = ["load", "loaded", "organizational_domain", "use"]

_lists: Final[list[PublicSuffixList]] = []
_loading: Final = threading.Lock()


def loaded() -> bool:
    """Whether there is a list, so that questions take microseconds."""
    return bool(_lists)


def load() -> None:
    """Read the bundled list if there is none yet. Blocks: for threads."""
    with _loading:
        if not _lists:
            _lists.append(PublicSuffixList(only_icann=True))


def use(source: bytes) -> None:
    """Replace the list by one in the format of publicsuffix.org, which the caller has checked."""
    _lists[:] = [PublicSuffixList(source, only_icann=True)]
    organizational_domain.cache_clear()


@lru_cache(maxsize=4096)  # 30 µs without, and senders come back
def organizational_domain(domain: str) -> str:
    """The organizational domain of a domain (lower case A- or U-labels); a public suffix is its own (AUTH-9)."""
    if not _lists:
        load()
    found: str | None = _lists[0].privatesuffix(domain)
    return found or domain
