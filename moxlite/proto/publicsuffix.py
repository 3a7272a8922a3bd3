"""Organizational domains by the Public Suffix List (RFC 7489 §3.2, AUTH-9): ICANN section only.

The bundled list is used until `use` replaces it. Parsing it takes 80 ms and 2 MB: a caller that must not block calls
`load` in a thread first.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import Final

import publicsuffixlist
from publicsuffixlist import PublicSuffixList

__all__ = ["load", "loaded", "organizational_domain", "prepare", "use"]

_lists: Final[list[PublicSuffixList]] = []
_sources: Final[list[bytes]] = []
_loading: Final = threading.Lock()


def loaded() -> bool:
    """Whether a list is loaded, so that look-ups take microseconds."""
    return bool(_lists)


def load() -> None:
    """Load the bundled list unless a list is loaded. Blocks: call it in a thread."""
    with _loading:
        if not _lists:
            _lists.append(PublicSuffixList(_sources[0] if _sources else None, only_icann=True))


def prepare() -> None:
    """Read the file of the bundled list (1 ms), so that `load` opens no file: for a process that may open no files."""
    _sources[:] = [Path(publicsuffixlist.PSLFILE).read_bytes()]


def use(source: bytes) -> None:
    """Replace the list by `source` in the format of publicsuffix.org, which the caller has checked."""
    _lists[:] = [PublicSuffixList(source, only_icann=True)]
    organizational_domain.cache_clear()


@lru_cache(maxsize=4096)  # 30 µs without, and senders come back
def organizational_domain(domain: str) -> str:
    """Return the organizational domain of a domain (lower-case A- or U-labels); a public suffix is its own (AUTH-9)."""
    if not _lists:
        load()
    found: str | None = _lists[0].privatesuffix(domain)
    return found or domain
