"""Passwords that are easy to guess: common ones, and words of their context (STORE-102a; NIST SP 800-63B §3.1.1.2).

``common-passwords.bin`` has the first five octets of the SHA-256 of 4,000 words, sorted: the most frequent passwords,
and such passwords without the digits and signs around them. Hashes, because many of the words are insults, and because
the file is searched as it is.
"""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from moxlite.store.errors import BadPassword
from moxlite.wording import worded

COMMON: Final = Path(__file__).with_name("common-passwords.bin")
OCTETS: Final = 5
"""Octets of a hash. One in 250 million other passwords is mistaken for a common one."""

AROUND: Final = 6
"""Characters around a common word that guessers try as well, such as a year and a sign."""

LEAST: Final = 4
"""Letters that a password needs in addition to words from its context."""

SHORTEST: Final = 3
"""Minimum characters of a context word. Shorter ones occur in many good passwords."""

REPLACED: Final = str.maketrans("013457@$!", "oleastasi")
"""Digits and signs that stand for letters."""

SIGNS: Final = re.compile(r"[\W\d_]+")


def refuse_weak(password: str, context: Iterable[str]) -> None:
    """Raise BadPassword if a password is easy to guess; the text is for its owner.

    Args:
      context: what a guesser knows: address, name, domain, host.
    """
    folded = password.casefold()
    if any(map(_is_common, _bases(folded))) or len(set(folded)) < LEAST:
        raise BadPassword(worded("this password is too common; choose another one"))
    if _is_of(folded, context):
        raise BadPassword(worded("this password can be guessed from your address, name, or server; choose another one"))


def is_weak(password: str, context: Iterable[str]) -> bool:
    """Whether `refuse_weak` refuses a password."""
    try:
        refuse_weak(password, context)
    except BadPassword:
        return True
    return False


def _bases(folded: str) -> Sequence[str]:
    """Words that a password may be made of, each by a change that guessers try."""
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    words = [folded, bare] if len(folded) - len(bare) <= AROUND else [folded]
    return [*words, *(word.translate(REPLACED) for word in words)]


def _is_common(text: str) -> bool:
    octets = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:OCTETS]
    hashes = _hashes()
    at = bisect_left(range(len(hashes) // OCTETS), octets, key=lambda n: hashes[n * OCTETS : (n + 1) * OCTETS])
    return hashes[at * OCTETS : (at + 1) * OCTETS] == octets


@cache
def _hashes() -> bytes:
    return COMMON.read_bytes()


def _is_of(folded: str, context: Iterable[str]) -> bool:
    """Whether a password has little besides words from its context."""
    words = {word for text in context for word in (text.casefold(), *SIGNS.split(text.casefold()))}
    named = False
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= SHORTEST and word in folded:
            folded, named = folded.replace(word, " "), True
    return named and len(SIGNS.sub("", folded)) < LEAST
