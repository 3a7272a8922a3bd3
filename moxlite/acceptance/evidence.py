"""Evidence about a message before the decision: facts with their strength and source (SMTP-76, SMTP-82)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

import msgspec

from moxlite.acceptance.checks import Checks
from moxlite.mailauth.results import ARCStatus, DMARCStatus, IPRevStatus, SPFStatus
from moxlite.proto.address import Address, AddressError, Domain, Localpart, Path
from moxlite.proto.mime.types import MailAddress
from moxlite.store.delivery.reasons import Fact, Strength

IPAddress: TypeAlias = IPv4Address | IPv6Address

Headers: TypeAlias = tuple[tuple[str, str], ...] | None
"""Names and decoded texts of header fields; None when they cannot be parsed."""

ORIGIN: Final = "origin"
"""Fact: the message comes from the server's own queue."""
EHLO_DOMAIN: Final = "ehlo-domain"
MAILFROM_DOMAIN: Final = "mailfrom-domain"
DKIM_DOMAIN: Final = "dkim-domain"
"""Facts: a verified domain (Unicode, lower case) of EHLO, of MAIL FROM, or of a DKIM signature."""
IPREV: Final = "iprev"
SPF: Final = "spf"
DMARC: Final = "dmarc"
ARC: Final = "arc"
"""Facts: the results of these checks, in the terms of RFC 8601."""
FROM_VALIDATION: Final = "from-validation"
"""Fact: the validation of the From domain (SMTP-77)."""
RULESET: Final = "ruleset"
"""Fact: the number, from 1, of the ruleset of the destination that matches."""
HISTORY: Final = "history"
"""Fact: the sender's reputation by earlier mail, and the method that found it (SMTP-88)."""
INDIRECT: Final = "indirect"
"""Fact: a sign of a mailing list or forwarder between the author and this server (SMTP-85)."""
DNSBL: Final = "dnsbl"
"""Fact: a block list with the client's address (SMTP-94)."""
REPORT: Final = "report"
"""Fact: the DMARC or TLS report in the message, or the reason why it cannot be used (SMTP-86)."""
STRAY: Final = "stray-bounce"
"""Fact: the message is a notification about a message that this server never sent (SMTP-110)."""
RATE: Final = "rate"
"""Fact: the limit that the client's network has reached at the account (SMTP-137)."""
SUBJECT_PASS: Final = "subjectpass"  # noqa: S105  # the name of a fact
"""Fact: the subject has a token that was given to the author (SMTP-92)."""
JUNK: Final = "junk"
"""Fact: the probability of junk by the account's filter; `good` is None if it has learnt too little."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The SMTP envelope of a message.

    Attributes:
      remote: the client. hello: what it called itself, None if that was no domain name.
      sender: the reverse path.
      trusted: it comes from our own queue. tls: it came over TLS. lax: with spaces before paths (SMTP-66).
    """

    remote: IPAddress
    hello: Domain | None
    sender: Path
    trusted: bool = False
    tls: bool = True
    lax: bool = False


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All facts about a message, for all recipients or for one account.

    Attributes:
      msg_from: the address of the From field, None if there is not exactly one. from_fields: how many From fields.
      missing: names of facts that had no answer in time. A fact that would have decided causes a temporary refusal.
      checks: results of the checks of the sender; None for mail of the own queue, which is not checked.
    """

    envelope: Envelope
    msg_from: Address | None
    from_fields: int
    facts: tuple[Fact, ...] = ()
    missing: tuple[str, ...] = ()
    checks: Checks | None = None

    def fact(self, name: str) -> Fact | None:
        """The first fact of that name."""
        return next((fact for fact in self.facts if fact.name == name), None)

    def values(self, *names: str) -> tuple[str, ...]:
        """The values of all good facts of these names, each once."""
        return tuple(dict.fromkeys(fact.value for fact in self.facts if fact.name in names and fact.good))

    def but(self, *facts: Fact, missing: tuple[str, ...] = ()) -> Evidence:
        """The same evidence with more facts."""
        return msgspec.structs.replace(self, facts=self.facts + facts, missing=self.missing + missing)

    @property
    def verified_domains(self) -> tuple[str, ...]:
        """Domains of a verified EHLO, MAIL FROM or DKIM signature, Unicode and lower case."""
        return self.values(EHLO_DOMAIN, MAILFROM_DOMAIN, DKIM_DOMAIN)

    @property
    def suspicious(self) -> bool:
        """Whether strong evidence speaks against the message."""
        return any(fact.good is False and fact.strength >= Strength.STRONG for fact in self.facts)


def facts_of(checks: Checks) -> tuple[Fact, ...]:
    """The facts for and against a message that the checks of the sender found."""
    facts = [_iprev(checks), _spf(checks)]
    for name, domain in ((EHLO_DOMAIN, checks.ehlo_verified), (MAILFROM_DOMAIN, checks.mail_from_verified)):
        if domain:
            facts.append(Fact(name, unicode_domain(domain), True, Strength.PROOF, f"spf of {domain}"))
    facts += [
        Fact(DKIM_DOMAIN, unicode_domain(domain), True, Strength.PROOF, "dkim signature") for domain in checks.signers
    ]
    if checks.arc.status is not ARCStatus.NONE:
        facts.append(_arc(checks))
    if checks.dmarc.domain:
        facts.append(_dmarc(checks))
        validated = checks.from_validation != "none"
        facts.append(
            Fact(FROM_VALIDATION, checks.from_validation, True if validated else None, Strength.STRONG, "spf and dkim")
        )
    return tuple(facts)


def _iprev(checks: Checks) -> Fact:
    result = checks.iprev
    good = {IPRevStatus.PASS: True, IPRevStatus.TEMPERROR: None}.get(result.status, False)
    return Fact(IPREV, f"{result.status} {result.name}".strip(), good, Strength.WEAK, "reverse dns")


def _spf(checks: Checks) -> Fact:
    result = checks.spf
    good = {SPFStatus.PASS: True, SPFStatus.FAIL: False, SPFStatus.SOFTFAIL: False}.get(result.status)
    return Fact(SPF, f"{result.status} {result.domain}".strip(), good, Strength.WEAK, f"spf of {result.identity}")


def _dmarc(checks: Checks) -> Fact:
    result = checks.dmarc
    text = result.status.value if not result.record_domain else f"{result.status} policy {result.policy}"
    good = {DMARCStatus.PASS: True, DMARCStatus.FAIL: False}.get(result.status)
    strength = Strength.STRONG if good or result.policy != "none" else Strength.WEAK
    return Fact(DMARC, text, good, strength, f"dns _dmarc.{result.record_domain or result.domain}")


def _arc(checks: Checks) -> Fact:
    """The fact of an ARC chain. It counts only if its sealer is trusted: any stranger can seal."""
    result, vouched = checks.arc, checks.vouched
    if vouched is None:
        return Fact(ARC, f"{result.status} {' '.join(result.sealers)}".strip(), None, Strength.HINT, "seals")
    text = f"pass, {'the author was proven' if vouched.proven else 'the author was not proven'}"
    return Fact(ARC, text, vouched.proven or None, Strength.STRONG, f"seal of {vouched.sealer}")


def unicode_domain(domain: str) -> str:
    """The domain in the form for rules: U-labels."""
    try:
        return Domain.parse(domain).unicode
    except AddressError:
        return domain.lower()


def from_address(addresses: tuple[MailAddress, ...]) -> Address | None:
    """The address of a From field that holds exactly one (SMTP-76)."""
    if len(addresses) != 1 or not addresses[0].domain:
        return None
    try:
        return Address(Localpart(addresses[0].localpart), Domain.parse(addresses[0].domain))
    except AddressError:
        return None
