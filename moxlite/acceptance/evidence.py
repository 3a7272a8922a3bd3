"""What is known of a message before it is decided about: how sure it is, and from whom (SMTP-76, SMTP-82)."""

from __future__ import annotations

from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

import msgspec

from moxlite.proto.address import Address, AddressError, Domain, Localpart, Path
from moxlite.proto.mime.types import MailAddress

__all__ = [
    "DKIM_DOMAIN",
    "EHLO_DOMAIN",
    "JUNK",
    "MAILFROM_DOMAIN",
    "ORIGIN",
    "RULESET",
    "Envelope",
    "Evidence",
    "Fact",
    "Headers",
    "Strength",
    "from_address",
]

IPAddress: TypeAlias = IPv4Address | IPv6Address

Headers: TypeAlias = tuple[tuple[str, str], ...] | None
"""Names and decoded texts of header fields; None when they cannot be parsed."""

ORIGIN: Final = "origin"
"""Fact: the own queue has brought the message."""
EHLO_DOMAIN: Final = "ehlo-domain"
MAILFROM_DOMAIN: Final = "mailfrom-domain"
DKIM_DOMAIN: Final = "dkim-domain"
"""Facts: a verified domain, Unicode and lower case, of EHLO, of MAIL FROM, or of a DKIM signature."""
RULESET: Final = "ruleset"
"""Fact: the number, from 1, of the ruleset of the destination that matches."""
JUNK: Final = "junk"
"""Fact: the probability that the account's filter gives; `good` is None when it has learnt too little."""


class Strength(IntEnum):
    """How much a fact proves."""

    HINT = 1
    WEAK = 2
    STRONG = 3
    PROOF = 4


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is known of a message.

    Attributes:
      good: whether it speaks for the message, None for neither.
      source: who says it: ``header``, ``dns _dmarc.example.org``, ``junk filter of mia``.
      until: µs UTC until when it may be used again for another message, None for this one alone.
    """

    name: str
    value: str
    good: bool | None
    strength: Strength
    source: str
    until: int | None = None


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What SMTP says of a message.

    Attributes:
      remote: the client. hello: what it called itself, None if that was no domain name.
      sender: the reverse path.
      trusted: our own queue brings it.
    """

    remote: IPAddress
    hello: Domain | None
    sender: Path
    trusted: bool = False


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a message, of all recipients or of one account.

    Attributes:
      msg_from: the address of the From field, None if there is not exactly one. from_fields: how many From fields.
      missing: what was asked and had no answer in time; it refuses for now where it would have decided.
    """

    envelope: Envelope
    msg_from: Address | None
    from_fields: int
    facts: tuple[Fact, ...] = ()
    missing: tuple[str, ...] = ()

    def fact(self, name: str) -> Fact | None:
        """The first fact of that name."""
        return next((fact for fact in self.facts if fact.name == name), None)

    def values(self, *names: str) -> tuple[str, ...]:
        """The values of all good facts of these names, each once."""
        return tuple(dict.fromkeys(fact.value for fact in self.facts if fact.name in names and fact.good))

    def but(self, *facts: Fact, missing: tuple[str, ...] = ()) -> Evidence:
        """The same with more facts."""
        return msgspec.structs.replace(self, facts=self.facts + facts, missing=self.missing + missing)

    @property
    def verified_domains(self) -> tuple[str, ...]:
        """Domains of a verified EHLO, MAIL FROM or DKIM signature, Unicode and lower case."""
        return self.values(EHLO_DOMAIN, MAILFROM_DOMAIN, DKIM_DOMAIN)

    @property
    def suspicious(self) -> bool:
        """Whether strong evidence speaks against the message."""
        return any(fact.good is False and fact.strength >= Strength.STRONG for fact in self.facts)


def from_address(found: tuple[MailAddress, ...]) -> Address | None:
    """The address of a From field that holds exactly one (SMTP-76)."""
    if len(found) != 1 or not found[0].domain:
        return None
    try:
        return Address(Localpart(found[0].localpart), Domain.parse(found[0].domain))
    except AddressError:
        return None
