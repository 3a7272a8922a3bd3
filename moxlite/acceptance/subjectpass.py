"""Tokens in the subject, which let a suspected sender's next message pass (SMTP-92, SMTP-95).

The refusal contains the token, so only an author whose domain has sent the refused message (DMARC) can have it. It is
valid for one author at one of our addresses, for a time.

    (pass:AGkgQ1k…)     22 characters of base64url: 16 octets
     octet 0            version, 0
     octets 1..3        when it was made, in units of 256 s since 1970: enough until 2106
     octets 4..15       the beginning of HMAC-SHA256 over octets 0..3 and the author's address
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from itertools import islice
from typing import Final

from moxlite.proto.address import Address

UNIT: Final = 256
"""Seconds per unit of the time in a token: it then fits in three octets."""

MAX_LOOKED_AT: Final = 4
"""Maximum tokens of one subject that are checked: a reply to a reply may contain the earlier token, too."""

_TOKEN: Final = re.compile(r"\(pass:([A-Za-z0-9_-]{22})\)")


def make(key: str, author: Address, now: float) -> str:
    """A token with its parentheses. `key` is that of our address; `now` in seconds UTC."""
    head = (int(now) // UNIT).to_bytes(4, "big")  # the first octet is 0: the version
    octets = head + _proof(key, head, author)
    return f"(pass:{base64.urlsafe_b64encode(octets).decode('ascii').rstrip('=')})"


def is_valid(subject: str, key: str, author: Address, now: float, period: float) -> bool:
    """Whether a subject has a token for this author that is at most `period` seconds old. Header folding may have split
    it.
    """
    text = "".join(subject.split())
    return any(_holds(match[1], key, author, now, period) for match in islice(_TOKEN.finditer(text), MAX_LOOKED_AT))


def _holds(token: str, key: str, author: Address, now: float, period: float) -> bool:
    octets = base64.urlsafe_b64decode(token + "==")
    head = octets[:4]
    if head[0] != 0 or not hmac.compare_digest(octets[4:], _proof(key, head, author)):
        return False
    made = int.from_bytes(head, "big") * UNIT
    return made <= now <= made + UNIT + period


def _proof(key: str, head: bytes, author: Address) -> bytes:
    return hmac.digest(key.encode("ascii"), head + str(author).lower().encode(), hashlib.sha256)[:12]
