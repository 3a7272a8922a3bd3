"""The TLS policy of a host: one value per host, decided before connecting (QUEUE-50..56).

Pure: the input is the results of DNS and web look-ups, the output a policy. If the host has DANE and the recipient
domain has MTA-STS, both must be satisfied (RFC 8461 §2). The sender's options change the policy: REQUIRETLS (RFC 8689
§4.2.1) refuses a host without a policy for verified TLS, ``TLS-Required: No`` (§5) turns every failure into a remark in
the reports.
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec
from cryptography import x509

from moxlite.mailauth import dane
from moxlite.mailauth.mtasts import matches
from moxlite.net.resolver import TLSA, DNSError, TempError
from moxlite.net.tls.certificates import CertificateProblem
from moxlite.proto.smtp.conversation import TLSMode
from moxlite.queue.tls.policies import EffectivePolicy
from moxlite.queue.tls.results import Failure, ResultType, of_certificate

MX_MISMATCH: Final = Failure(ResultType.VALIDATION_FAILURE, "mtasts-policy-mx-mismatch")
UNUSABLE: Final = Failure(ResultType.TLSA_INVALID, "all-unusable-records+ignored", counts=False)

Ignored = Literal["mtastspolicy", "mtastsmx", "badtlsa", "badtls", "certificate"]
"""Failures that were ignored because of ``TLS-Required: No``, as metrics name them (QUEUE-56)."""


class Refusal(msgspec.Struct, frozen=True):
    """The reason for not connecting to a host. `vouched`: False if REQUIRETLS needs a policy and the host has no
    policy.
    """

    text: str
    vouched: bool = True


class HostPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The TLS demands on one host.

    Attributes:
      words: names of the policies in force, for people: ``dane``, ``sts``, both, or ``opportunistic``.
      refusal: the reason if the host must not be used now, else None.
      mode: whether STARTTLS is demanded.
      server_name: for SNI: the TLSA base domain, or the host's name (RFC 7672 §8.1); None for an address literal.
      records: TLSA records, one of which must match; empty for none. names: allowed names of a certificate below a
        trust anchor.
      pkix: by the domain's MTA-STS policy, the certificate must be valid by WebPKI for the host (``enforce``), or is
        checked for the reports only (``testing``).
      clear: after a failure of TLS, one retry without TLS is allowed.
      tolerant: failures are reported, and otherwise ignored.
      dane, sts: remarks for the reports that are known before connecting.
      ignored: failures that would have been refusals.
    """

    words: str
    refusal: Refusal | None = None
    mode: TLSMode = TLSMode.OPPORTUNISTIC
    server_name: str | None = None
    records: tuple[TLSA, ...] = ()
    names: tuple[str, ...] = ()
    pkix: Literal["enforce", "testing", ""] = ""
    clear: bool = True
    tolerant: bool = False
    dane: Failure | None = None
    sts: Failure | None = None
    ignored: tuple[Ignored, ...] = ()

    @property
    def demands(self) -> tuple[object, ...]:
        """The demands on a connection, except the names in the certificate; two policies with equal demands can share a
        connection.
        """
        return self.words, self.mode, self.server_name, self.records, self.pkix, self.clear, self.tolerant

    @property
    def overlooks(self) -> bool:
        """Whether demands are ignored because of ``TLS-Required: No`` (QUEUE-56)."""
        return self.tolerant and self.words != "opportunistic"

    @property
    def dane_applies(self) -> bool:
        """Whether the host has TLSA records, usable or not."""
        return "dane" in self.words


def vouched(*, sts: bool, records: dane.HostRecords | None) -> bool:
    """Whether a policy of the other side (DANE or MTA-STS) verifies TLS with a host, as REQUIRETLS needs it (RFC 8689
    §4.2.1).
    """
    return sts or (records is not None and bool(records.usable))


def decide(
    *,
    host: str | None,
    standing: EffectivePolicy,
    records: dane.HostRecords | DNSError | None,
    names: Sequence[str] = (),
    require_tls: bool | None = None,
    report: bool = False,
) -> HostPolicy:
    """Decide the TLS policy for a host.

    Args:
      host: as the MX record names it, A-labels; None for an address literal, which has no policies (QUEUE-40).
      standing: MTA-STS policy of the recipient domain.
      records: the TLSA records, or the error of their look-up.
      names: see `HostPolicy`.
      require_tls: the sender's option: True for REQUIRETLS, False for ``TLS-Required: No``.
      report: the message is a DMARC report, which holds data of others and is never sent in clear (QUEUE-53).
    """
    tolerant = require_tls is False
    ignored: list[Ignored] = []
    refusal: Refusal | None = None
    policy = standing.policy
    enforced = policy is not None and policy.mode == "enforce"
    sts_remark = None
    if host is not None and policy is not None and policy.mode != "none" and not matches(policy, host):
        # reported to the domain in any mode but "none", since testing mode exists for such reports (RFC 8461 §5)
        sts_remark = msgspec.structs.replace(MX_MISMATCH, host=host)
        if enforced and tolerant:
            ignored.append("mtastsmx")
        elif enforced:
            refusal = Refusal(f"{host} isn't in the recipient domain's MTA-STS policy")
        # a sender's `TLS-Required: No` waives all demands of the policy (QUEUE-56)
        enforced = enforced and not tolerant
    dane_remark = None
    host_records = None if isinstance(records, DNSError) else records
    if isinstance(records, DNSError):
        # without an answer an attacker could hide TLSA records, so the host is not used (RFC 7672 §2.1)
        bogus = isinstance(records, TempError) and records.dnssec
        kind = ResultType.DNSSEC_INVALID if bogus else ResultType.TLSA_INVALID
        dane_remark = Failure(kind, "tlsa-lookup", host or "")
        if tolerant:
            ignored.append("badtlsa")
        else:
            refusal = refusal or Refusal(f"can't look up TLSA records for {host}: {records.outside}")
    elif host_records is not None and not host_records.usable:
        dane_remark = UNUSABLE
    # REQUIRETLS wants a verified host name, which plain STARTTLS does not give (RFC 8689 §4.2.1)
    if require_tls and refusal is None and not vouched(sts=enforced, records=host_records):
        refusal = Refusal(
            f"the recipient's domain doesn't have a policy that ensures verified TLS with {host}", vouched=False
        )
    words = [word for word, holds in (("dane", host_records is not None), ("sts", enforced)) if holds]
    demanded = bool(words) and not tolerant
    return HostPolicy(
        words=" ".join(words) or "opportunistic",
        refusal=refusal,
        mode=TLSMode.REQUIRED_STARTTLS if demanded else TLSMode.OPPORTUNISTIC,
        server_name=host_records.base if host_records is not None else host,
        records=() if host_records is None else host_records.usable,
        names=tuple(names),
        pkix="" if host is None or policy is None or policy.mode == "none" else policy.mode,
        clear=not demanded and not require_tls and not report,
        tolerant=tolerant,
        dane=dane_remark,
        sts=sts_remark,
        ignored=tuple(ignored),
    )


class CertificateCheck(msgspec.Struct, frozen=True):
    """Result of checking a host's certificates.

    Attributes:
      domain, dane: failures under the domain's policy and under the host's, for the reports.
      words: names of the policies that the certificates satisfy, as `HostPolicy.words`.
      rejected: why the connection must not be used, "" if it may.
      ignored: there was a reason to reject, ignored because of ``TLS-Required: No``.
    """

    domain: Failure | None = None
    dane: Failure | None = None
    words: str = ""
    rejected: str = ""
    ignored: bool = False


def look_at(
    policy: HostPolicy,
    chain: Sequence[x509.Certificate],
    host: str,
    check: Callable[[Sequence[x509.Certificate], str], CertificateProblem | None],
) -> CertificateCheck:
    """Check the certificate chain of a host, leaf first. `check`: verifies a chain by PKIX for a name.

    If the domain has no policy, a PKIX failure is only a remark for the reports.
    """
    pkix = check(chain, host)
    matched = dane.verify(policy.records, chain, policy.names) if policy.records else None
    wrong = [problem for problem in (matched, pkix if policy.pkix == "enforce" else None) if problem is not None]
    failed = {word for word, problem in (("dane", matched), ("sts", pkix)) if problem is not None}
    return CertificateCheck(
        words=" ".join(word for word in policy.words.split() if word not in failed) or "opportunistic",
        domain=None if pkix is None else msgspec.structs.replace(of_certificate(pkix), counts=bool(policy.pkix)),
        dane=None if matched is None else of_certificate(matched),
        rejected="" if policy.tolerant or not wrong else f"{host}'s certificate: {wrong[0].text}",
        ignored=policy.tolerant and bool(wrong),
    )
