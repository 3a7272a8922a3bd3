"""Results of the sender checks: one struct per method, with the result words of RFC 8601 (AUTH-13, AUTH-22, AUTH-60).

The evaluators (`spf`, `dkim`, `dmarc`, `iprev`, `arc`) return them. `headers` writes them into header fields, the
evidence of a delivery is made from them, and CLI commands print them as JSON.
"""

from enum import StrEnum
from typing import Literal

import msgspec

Disposition = Literal["none", "quarantine", "reject"]
"""Policy that the owner of a From domain requests for failing messages (RFC 9989)."""

Alignment = Literal["relaxed", "strict"]
"""Alignment mode: a domain has to share the organizational domain of From (relaxed), or to equal it (strict)."""


class SPFStatus(StrEnum):
    """Result of an SPF evaluation (RFC 7208 §2.6)."""

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
      identity: the checked identity; domain: its domain, A-labels.
      problem: short reason for an error, or "".
      mechanism: the term that matched, as written; "default" if no term did.
      explanation: the domain owner's text for a fail, or None. The text isn't trusted.
      authentic: all answers of DNS were validated by DNSSEC.
      dns_terms: number of terms with look-ups (RFC 7208 §4.6.4); void_lookups: number of look-ups without an answer;
        dns_queries: number of all DNS queries.
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
    """Result of one DKIM signature (RFC 8601 §2.7.1)."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - a result
    FAIL = "fail"
    POLICY = "policy"
    NEUTRAL = "neutral"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class DKIMResult(msgspec.Struct, frozen=True, kw_only=True):
    """Verification of one DKIM signature (RFC 6376).

    Attributes:
      problem: short reason why it does not pass, "" for a pass.
      domain, selector: d= and s=, A-labels, "" if the signature cannot be parsed; identity: i=, or its default.
      algorithm: a=; key_bits: length of an RSA key, 256 for Ed25519, 0 without a key.
      signature: the first 12 characters of b=, which distinguish signatures (RFC 6008).
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
    """Result of the iprev check (RFC 8601 §2.7.3)."""

    PASS = "pass"  # noqa: S105 - a result
    FAIL = "fail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class IPRevResult(msgspec.Struct, frozen=True, kw_only=True):
    """Forward-confirmed reverse DNS of an address.

    `name`: the confirmed name without final dot, for a pass; `names`: PTR names of the address, confirmed or not, at
    most ten.
    """

    status: IPRevStatus
    name: str = ""
    names: tuple[str, ...] = ()
    problem: str = ""
    authentic: bool = False


class DMARCStatus(StrEnum):
    """Result of a DMARC evaluation (RFC 8601, RFC 9989)."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - a result
    FAIL = "fail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class DMARCResult(msgspec.Struct, frozen=True, kw_only=True):
    """DMARC for one From domain (RFC 9989).

    Attributes:
      domain: of From; org_domain: its organizational domain; record_domain: domain of the record, "" without one.
      record: the record's text, "" without one.
      policy: policy for this message after sp, np and t; reject: the message fails and the policy is to reject it.
      aligned_spf, aligned_dkim: whether SPF, or a signature, passes for an aligned domain.
      method: how the organizational domain was found.
      override: reason why the requested policy is not applied (RFC 9990), "" without one.
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
    """Result of validating the ARC chain of a message (RFC 8617 §5.2, which does not define TEMPERROR)."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - a result
    FAIL = "fail"
    TEMPERROR = "temperror"


class ARCResult(msgspec.Struct, frozen=True, kw_only=True):
    """The ARC chain of a message.

    Attributes:
      problem: short reason why the chain does not pass, "" for a pass or without a chain.
      oldest_pass: number of the oldest set since which the message is unchanged; 0: since the first one.
      instances: number of sets, 0 if they cannot be counted.
      sealers: d= of the seals, A-labels, the oldest first; statements: the results that each recorded, as text. Both
        are authenticated only if the chain passes.
      author_signed: the newest set's signature covers From.
    """

    status: ARCStatus
    problem: str = ""
    oldest_pass: int = 0
    instances: int = 0
    sealers: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    author_signed: bool = False
