"""Organizational domains by the Public Suffix List (RFC 7489 §3.2, AUTH-9): ICANN section only.

The bundled list is used until `use` replaces it. Parsing it takes 40 ms and 2 MB: a caller that must not block calls
`load` in a thread first.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import Final

import publicsuffixlist
from publicsuffixlist import PublicSuffixList

_lists: Final[list[PublicSuffixList]] = []
_sources: Final[list[bytes]] = []
_loading: Final = threading.Lock()

_BEGIN: Final = b"// ===BEGIN ICANN DOMAINS==="
_END: Final = b"// ===END ICANN DOMAINS==="


def loaded() -> bool:
    """Whether a list is loaded, so that look-ups take microseconds."""
    return bool(_lists)


def load() -> None:
    """Load the bundled list unless a list is loaded. Blocks: call it in a thread."""
    with _loading:
        if not _lists:
            _lists.append(_parse(_sources[0] if _sources else Path(publicsuffixlist.PSLFILE).read_bytes()))


def prepare() -> None:
    """Read the file of the bundled list (1 ms), so that `load` opens no file: for a process that may open no files."""
    _sources[:] = [Path(publicsuffixlist.PSLFILE).read_bytes()]


def use(source: bytes) -> None:
    """Replace the list by `source` in the format of publicsuffix.org, which the caller has checked."""
    _lists[:] = [_parse(source)]
    _private_suffix.cache_clear()


def _parse(source: bytes) -> PublicSuffixList:
    """The list in a file, with A-labels for the rules that have U-labels. The library would encode all rules, and take
    twice as long, beside the first delivery after a start.
    """
    icann = source.partition(_BEGIN)[2].partition(_END)[0].decode()
    rules = [line.split()[0] for line in icann.splitlines() if line.strip() and not line.startswith("//")]
    rules += [_with_a_labels(rule) for rule in rules if not rule.isascii()]
    return PublicSuffixList(rules, accept_encoded_idn=False)


def _with_a_labels(rule: str) -> str:
    exception = "!" if rule.startswith("!") else ""
    return exception + rule.removeprefix("!").encode("idna").decode("ascii")


def organizational_domain(domain: str) -> str:
    """Return the organizational domain of a domain (lower-case A- or U-labels); a public suffix is its own (AUTH-9)."""
    if not _lists:
        load()
    return _private_suffix(_lists[0], domain)


@lru_cache(maxsize=4096)  # 30 µs without, and senders come back
def _private_suffix(suffixes: PublicSuffixList, domain: str) -> str:
    # By the list, since a thread may still ask one that `use` replaces meanwhile.
    found: str | None = suffixes.privatesuffix(domain)
    return found or domain
