"""How well mail to a domain would be protected: what the server finds out for who writes (WEBMAIL-94)."""

from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

import msgspec

from moxlite.proto.address import Domain

__all__ = ["Assurance", "Assure", "Finding", "not_asked"]

Finding = Literal["yes", "no", "error", ""]
"""``error``: it was asked and could not be found out; "": it was not asked."""


class Assurance(msgspec.Struct, frozen=True):
    """What DNS and web say of a domain.

    Attributes:
      mtasts: it has a policy that is enforced (RFC 8461).
      dnssec: DNSSEC vouches for the names of its mail hosts.
      dane: the first of these has TLSA records that can verify it (RFC 7672).
    """

    mtasts: Finding = ""
    dnssec: Finding = ""
    dane: Finding = ""


Assure: TypeAlias = Callable[[Domain], Awaitable[Assurance]]
"""Takes 15 s at most, and raises nothing of its own."""


async def not_asked(domain: Domain) -> Assurance:
    """Where the server asks no others: in localserve, and without a queue."""
    return Assurance()
