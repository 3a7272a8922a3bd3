"""What the checks of a sender find: one value for each method, with the words of RFC 8601 (AUTH-13, AUTH-22, AUTH-60).

The evaluators make them (`spf`, `dkim`, `dmarc`, `iprev`), `proto.authresults` writes them into headers, the evidence
of a delivery is made from them, and the verbs of the command line print them as JSON.
"""

from enum import StrEnum
from typing import Literal

import msgspec

__all__ = [
    "ARCResult",
    "ARCStatus",
    "Alignment",
    "DKIMResult",
    "DMARCResult",
    "DMARCStatus",
    "Disposition",
    "IPRevResult",
    "IPRevStatus",
    "SPFResult",
    "SPFStatus",
    "SignatureStatus",
]

Disposition = Literal["none", "quarantine", "reject"]
"""What the owner of a From domain asks for (RFC 9989)."""

Alignment = Literal["relaxed", "strict"]
"""How a domain has to match that of From: the same organizational domain, or equal."""


class SPFStatus(StrEnum):
    """RFC 7208 §2.6."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105 - a result
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class SPFResult(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation of SPF (RFC 7208).

    Attributes:
      identity: what was checked; domain: its domain, A-labels.
      problem: why there is no clear result, short, "" without one.
      mechanism: the term that matched, as written; "default" if none did.
      explanation: of the domain's owner, for a fail; None if there is none. It is a stranger's text.
      authentic: all answers of DNS were validated by DNSSEC.
      dns_terms: terms that cost a look-up (RFC 7208 §4.6.4); void_lookups: those without an answer; dns_queries: all
        questions asked.
    """

    status: SPFStatus
    identity: Literal["mailfrom", "helo"] = "mailfrom"
    domain: str = ""
    problem: str = ""
    mechanism: str = "default"
    explanation: str | None = None
    authentic: bool = False
    dns_terms: int = 0
    void_lookups: int = 0
    dns_queries: int = 0


class SignatureStatus(StrEnum):
    """Of one DKIM signature (RFC 8601 §2.7.1)."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - a result
    FAIL = "fail"
    POLICY = "policy"
    NEUTRAL = "neutral"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class DKIMResult(msgspec.Struct, frozen=True, kw_only=True):
    """One DKIM signature and what became of it (RFC 6376).

    Attributes:
      problem: why it does not pass, short, "" where it does.
      domain, selector: d= and s=, A-labels, "" where the signature cannot be read; identity: i=, or its default.
      algorithm: a=; key_bits: length of an RSA key, 256 for Ed25519, 0 where no key was seen.
      signature: the first 12 characters of b=, which tell signatures apart (RFC 6008).
      authentic: the key's record was validated by DNSSEC.
      length_limited: has l=; tlsrpt: the key's record permits the service tlsrpt (RFC 8460 §3).
    """

    status: SignatureStatus
    problem: str = ""
    domain: str = ""
    selector: str = ""
    identity: str = ""
    algorithm: str = ""
    key_bits: int = 0
    signature: str = ""
    authentic: bool = False
    length_limited: bool = False
    tlsrpt: bool = False


class IPRevStatus(StrEnum):
    """RFC 8601 §2.7.3."""

    PASS = "pass"  # noqa: S105 - a result
    FAIL = "fail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class IPRevResult(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an address has a name that leads back to it.

    `name`: that name without final dot, for a pass; `names`: all names of the address, confirmed or not, at most ten.
    """

    status: IPRevStatus
    name: str = ""
    names: tuple[str, ...] = ()
    problem: str = ""
    authentic: bool = False


class DMARCStatus(StrEnum):
    """RFC 8601, RFC 9989."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - a result
    FAIL = "fail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class DMARCResult(msgspec.Struct, frozen=True, kw_only=True):
    """DMARC for one From domain (RFC 9989).

    Attributes:
      domain: of From; org_domain: its organizational domain; record_domain: where the policy stands, "" without one.
      record: the record's text, "" without one.
      policy: what applies to this message after sp, np and t; reject: whether it asks for a refusal.
      aligned_spf, aligned_dkim: whether SPF, or a signature, passes for an aligned domain.
      method: how the organizational domain was found.
      override: why something else is done than the policy asks for (RFC 9990), "" without.
    """

    status: DMARCStatus
    domain: str = ""
    org_domain: str = ""
    record_domain: str = ""
    record: str = ""
    policy: Disposition = "none"
    reject: bool = False
    aligned_spf: bool = False
    aligned_dkim: bool = False
    testing: bool = False
    method: Literal["treewalk", "psl"] = "treewalk"
    problem: str = ""
    override: str = ""
    authentic: bool = False


class ARCStatus(StrEnum):
    """Of the chain of a message (RFC 8617 §5.2); a temporary error is none of its words."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - a result
    FAIL = "fail"
    TEMPERROR = "temperror"


class ARCResult(msgspec.Struct, frozen=True, kw_only=True):
    """The ARC chain of a message.

    Attributes:
      problem: why it does not pass, short, "" where it does or there is none.
      oldest_pass: the oldest set since which the message is as it was; 0: since the first one.
      instances: how many sets there are, 0 where they cannot be counted.
      sealers: d= of the seals, A-labels, the oldest first; statements: the results that each recorded, as text. Only of
        a chain that passes they are known to be theirs.
    """

    status: ARCStatus
    problem: str = ""
    oldest_pass: int = 0
    instances: int = 0
    sealers: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
