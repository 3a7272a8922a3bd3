"""Results of an attempt's TLS sessions by policy, for TLS reports (RFC 8460 §4; QUEUE-120..122).

An attempt has one `Tally`. It gives one `PolicyResult` for the recipients' domain and one for each host that was tried.
"""

from enum import StrEnum
from typing import Final

import msgspec

from moxlite.mailauth.dane import NO_MATCH
from moxlite.mailauth.mtasts import Policy
from moxlite.net.resolver import TLSA
from moxlite.net.tls.certificates import CertificateProblem, ProblemKind
from moxlite.net.tls.errors import TLSError

MAX_REASON: Final = 200
"""Characters of a reason, which comes from a foreign certificate or alert."""


class PolicyType(StrEnum):
    """Policy types of RFC 8460 §4.2."""

    TLSA = "tlsa"
    STS = "sts"
    NONE = "no-policy-found"


class ResultType(StrEnum):
    """Result types of RFC 8460 §4.3."""

    STARTTLS_NOT_SUPPORTED = "starttls-not-supported"
    HOST_MISMATCH = "certificate-host-mismatch"
    EXPIRED = "certificate-expired"
    NOT_TRUSTED = "certificate-not-trusted"
    VALIDATION_FAILURE = "validation-failure"
    TLSA_INVALID = "tlsa-invalid"
    DNSSEC_INVALID = "dnssec-invalid"
    STS_FETCH = "sts-policy-fetch-error"
    STS_INVALID = "sts-policy-invalid"
    STS_WEBPKI = "sts-webpki-invalid"


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One failed session, or a failed look-up of a policy.

    Attributes:
      reason: details in a word or two, such as ``dane-no-match``.
      host, ip: of the session, "" without one.
      counts: True for a failed session, False for a remark (QUEUE-122).
    """

    type: ResultType
    reason: str = ""
    host: str = ""
    ip: str = ""
    counts: bool = True

    def __str__(self) -> str:
        """Type and reason, for logs and people."""
        return f"{self.type}/{self.reason}" if self.reason else str(self.type)


def of_certificate(problem: CertificateProblem) -> Failure:
    """Convert a problem of a certificate into a failure for the report."""
    if problem.kind is ProblemKind.VALIDATION_FAILURE:
        return Failure(ResultType.VALIDATION_FAILURE, NO_MATCH)
    return Failure(ResultType(problem.kind.value))


def of_handshake(error: TLSError) -> Failure:
    """Convert a failed handshake into a failure for the report, with the alert if there was one."""
    return Failure(ResultType.VALIDATION_FAILURE, (error.alert or error.kind)[:MAX_REASON])


class PolicyResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The sessions of an attempt under one policy.

    Attributes:
      domain: domain of the policy: the recipients' domain, or the host's name; A-labels.
      text: the policy as reports show it, a string per line or record.
      mx: patterns of an MTA-STS policy.
      is_host: `domain` is the name of a mail host.
      successes, failed: numbers of sessions.
    """

    type: PolicyType
    domain: str
    text: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()
    is_host: bool = False
    successes: int = 0
    failed: int = 0
    failures: tuple[Failure, ...] = ()


class _Count:
    """Sessions of an attempt under one policy, while it runs."""

    def __init__(self, kind: PolicyType, domain: str, text: tuple[str, ...], mx: tuple[str, ...] = ()) -> None:
        self.type, self.domain, self.text, self.mx = kind, domain, text, mx
        self.successes = 0
        self.failures: list[Failure] = []

    def session(self, host: str, failure: Failure | None) -> None:
        """Count a session: a success, unless it failed, or an ignored failure was counted for the same host before."""
        overlooked = any(one.counts and one.host == host for one in self.failures)
        if not overlooked and (failure is None or not failure.counts):
            self.successes += 1
        if failure is not None:
            self.failures.append(failure)

    def result(self, *, is_host: bool) -> PolicyResult:
        failed = sum(failure.counts for failure in self.failures)
        return PolicyResult(
            self.type, self.domain, self.text, self.mx, is_host, self.successes, failed, tuple(self.failures)
        )


class Tally:
    """Counts the sessions of one attempt.

    Each session is counted once. Nothing is counted before `of_domain`: address literals have no policies (QUEUE-120).
    """

    def __init__(self) -> None:
        self._domain: _Count | None = None
        self._hosts: dict[str, _Count] = {}

    def of_domain(self, domain: str, policy: Policy | None, failure: Failure | None) -> None:
        """Begin counting for recipients at `domain`, with this MTA-STS policy. `failure`: of its look-up."""
        if policy is None or policy.mode == "none":
            self._domain = _Count(PolicyType.NONE, domain, ())
        else:
            lines = ("version: STSv1", f"mode: {policy.mode}", f"max_age: {policy.max_age}")
            self._domain = _Count(PolicyType.STS, domain, (*lines, *(f"mx: {one}" for one in policy.mx)), policy.mx)
        if failure is not None:
            self._domain.failures.append(failure)

    def of_host(self, host: str, records: tuple[TLSA, ...] | None) -> None:
        """Begin counting for the next host, with its TLSA records; None if DANE does not apply."""
        if self._domain is None or host in self._hosts:
            return
        text = tuple(
            f"{record.usage} {record.selector} {record.matching} {record.data.hex()}" for record in records or ()
        )
        self._hosts[host] = _Count(PolicyType.NONE if records is None else PolicyType.TLSA, host, text)

    def session(self, host: str, *, domain: Failure | None = None, dane: Failure | None = None) -> None:
        """Count a session, with its failures under the domain's policy and under the host's."""
        for count, failure in ((self._domain, domain), (self._hosts.get(host), dane)):
            if count is not None:
                count.session(host, failure)

    def remark(self, host: str, *, domain: Failure | None = None, dane: Failure | None = None) -> None:
        """Add remarks or failures without counting a session."""
        for count, failure in ((self._domain, domain), (self._hosts.get(host), dane)):
            if count is not None and failure is not None:
                count.failures.append(failure)

    def failures(self) -> tuple[Failure, ...]:
        """All failures and remarks, without duplicates."""
        counts = [*([self._domain] if self._domain else []), *self._hosts.values()]
        return tuple(dict.fromkeys(failure for count in counts for failure in count.failures))

    def results(self) -> tuple[PolicyResult, ...]:
        """The results for the reports. The domain's own result is left out if it has no policy and a host of the same
        name has TLSA records (QUEUE-120).
        """
        if self._domain is None:
            return ()
        hosts = [count.result(is_host=True) for count in self._hosts.values()]
        twin = self._hosts.get(self._domain.domain)
        if self._domain.type is PolicyType.NONE and twin is not None and twin.type is PolicyType.TLSA:
            return tuple(hosts)
        return (self._domain.result(is_host=False), *hosts)
