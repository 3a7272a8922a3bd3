"""How well mail to a domain would be protected, for the user who writes it (WEBMAIL-94)."""

from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

import msgspec

from moxlite.proto.address import Domain

Finding = Literal["yes", "no", "error", ""]
"""``error``: the look-up failed; "": it was not made."""


class Assurance(msgspec.Struct, frozen=True):
    """The protection of mail to a domain, as DNS and its MTA-STS policy promise it.

    Attributes:
      mtasts: it has a policy that is enforced (RFC 8461).
      dnssec: DNSSEC vouches for the names of its mail hosts.
      dane: the first of these has TLSA records that can verify it (RFC 7672).
    """

    mtasts: Finding = ""
    dnssec: Finding = ""
    dane: Finding = ""


Assure: TypeAlias = Callable[[Domain], Awaitable[Assurance]]
"""Looks up the protection of mail to a domain, in 15 s at most; raises nothing."""


async def not_asked(domain: Domain) -> Assurance:
    """Return an empty result, for servers that make no look-ups: localserve, and a server without a queue."""
    return Assurance()
