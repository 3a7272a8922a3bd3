"""Evaluating DMARC for a message, once SPF and DKIM are known (RFC 9989 §4.4, §5.3; AUTH-50..54, AUTH-58)."""

from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.mailauth.dmarc.discovery import Discovery, Found, Method, Record
from moxlite.mailauth.results import (
    Alignment,
    Disposition,
    DKIMResult,
    DMARCResult,
    DMARCStatus,
    SignatureStatus,
    SPFResult,
    SPFStatus,
)
from moxlite.net.resolver import Resolver, TempError
from moxlite.proto.publicsuffix import organizational_domain

MAX_DOMAINS: Final = 5
"""Number of From domains of a message that are evaluated; the others are ignored."""

_MILDER: Final[dict[Disposition, Disposition]] = {"reject": "quarantine", "quarantine": "none", "none": "none"}


async def verify(
    resolver: Resolver,
    from_domains: Sequence[str],
    spf: SPFResult | None,
    dkim: Sequence[DKIMResult] = (),
    *,
    method: Method = "treewalk",
) -> DMARCResult:
    """Evaluate DMARC for a message; with several From domains the strictest result counts (AUTH-50).

    Args:
      from_domains: domains of the From field, A-labels in lower case; without any the result is `none`.
      spf: result for MAIL FROM, or for HELO with the null sender; None if it was not checked.

    DNS errors are in the result.
    """
    results = [
        await _Evaluation(resolver, domain, spf, dkim, method).run()
        for domain in list(dict.fromkeys(from_domains))[:MAX_DOMAINS]
    ]
    if not results:
        return DMARCResult(status=DMARCStatus.NONE, method=method, problem="no From domain")
    return max(results, key=_strictness)


def validation(result: DMARCResult, spf: SPFResult | None, dkim: Sequence[DKIMResult]) -> str:
    """Return how the From domain is validated, for reputation and rules: ``strict``, ``dmarc``, ``relaxed`` or ``none``
    (AUTH-58). ``relaxed`` uses the public suffix list.
    """
    passing = [one.domain for one in dkim if one.status is SignatureStatus.PASS]
    if spf is not None and spf.status is SPFStatus.PASS:
        passing.append(spf.domain)
    if not result.domain:
        return "none"
    if result.domain in passing:
        return "strict"
    if result.status is DMARCStatus.PASS:
        return "dmarc"
    organization = organizational_domain(result.domain)
    return "relaxed" if any(organizational_domain(one) == organization for one in passing if one) else "none"


def _strictness(result: DMARCResult) -> tuple[int, int]:
    """Sort key by strictness: first the policy of failures, then the status, from `pass` up to `fail`."""
    weight = {
        DMARCStatus.FAIL: 4,
        DMARCStatus.TEMPERROR: 3,
        DMARCStatus.PERMERROR: 2,
        DMARCStatus.NONE: 1,
        DMARCStatus.PASS: 0,
    }
    order: tuple[Disposition, ...] = ("none", "quarantine", "reject")
    failed = result.status in {DMARCStatus.FAIL, DMARCStatus.TEMPERROR}
    return (order.index(result.policy) if failed else 0, weight[result.status])


class _Evaluation:
    """Evaluation of one From domain."""

    def __init__(
        self, resolver: Resolver, domain: str, spf: SPFResult | None, dkim: Sequence[DKIMResult], method: Method
    ) -> None:
        self._discovery = Discovery(resolver, method)
        self._domain = domain
        self._spf = spf
        self._dkim = dkim
        self._method: Method = method

    async def run(self) -> DMARCResult:
        result = DMARCResult(status=DMARCStatus.NONE, domain=self._domain, method=self._method)
        try:
            organization = await self._discovery.organizational(self._domain)
            found = await self._discovery.policy(self._domain, organization)
        except TempError as error:
            return msgspec.structs.replace(result, status=DMARCStatus.TEMPERROR, problem=str(error))
        result = msgspec.structs.replace(result, org_domain=organization, authentic=self._discovery.authentic)
        if found is None:
            return msgspec.structs.replace(result, problem="no record")
        if found.record is None:
            return msgspec.structs.replace(
                result, status=DMARCStatus.PERMERROR, record_domain=found.domain, problem=found.problem
            )
        return await self._judge(result, found, found.record, organization)

    async def _judge(self, result: DMARCResult, found: Found, record: Record, organization: str) -> DMARCResult:
        spf_domains = [self._spf.domain] if self._spf is not None and self._spf.status is SPFStatus.PASS else []
        spf_pass = await self._aligned(spf_domains, record.aspf, organization)
        dkim_pass = await self._aligned(
            [one.domain for one in self._dkim if one.status is SignatureStatus.PASS], record.adkim, organization
        )
        policy, problem = await self._policy(found, record)
        applied = _MILDER[policy] if record.testing else policy
        passed = bool(spf_pass or dkim_pass)
        status = DMARCStatus.PASS
        if not passed:
            waiting = spf_pass is None or dkim_pass is None or await self._undecided(record, organization)
            status = DMARCStatus.TEMPERROR if waiting else DMARCStatus.FAIL
            problem = "an aligned domain could not be checked" if waiting else problem
        return msgspec.structs.replace(
            result,
            status=status,
            record_domain=found.domain,
            record=record.text,
            policy=applied,
            reject=status is DMARCStatus.FAIL and applied == "reject",
            aligned_spf=spf_pass is True,
            aligned_dkim=dkim_pass is True,
            testing=record.testing,
            problem=problem,
            override="policy_test_mode" if status is DMARCStatus.FAIL and applied != policy else "",
            authentic=self._discovery.authentic,
        )

    async def _policy(self, found: Found, record: Record) -> tuple[Disposition, str]:
        """Return the policy of the record for this domain (§4.7, `np` and `sp`), and a problem, "" without one."""
        if found.domain == self._domain:
            return record.policy, ""
        below = record.subdomains or record.policy
        if record.nonexistent is None or record.nonexistent == below:
            return below, ""
        try:
            return (below, "") if await self._discovery.exists(self._domain) else (record.nonexistent, "")
        except TempError as error:
            return below, str(error)

    async def _undecided(self, record: Record, organization: str) -> bool:
        """Whether a check with a temporary error may be aligned: only then could it become a pass (AUTH-54)."""
        spf_domains = [self._spf.domain] if self._spf is not None and self._spf.status is SPFStatus.TEMPERROR else []
        dkim_domains = [one.domain for one in self._dkim if one.status is SignatureStatus.TEMPERROR]
        return (
            await self._aligned(spf_domains, record.aspf, organization) is not False
            or await self._aligned(dkim_domains, record.adkim, organization) is not False
        )

    async def _aligned(self, domains: Sequence[str], mode: Alignment, organization: str) -> bool | None:
        """Whether one of these domains is aligned with From; None on a temporary DNS error.

        A domain outside of the organization of From cannot be aligned. It is not looked up, so that a broken zone of
        the sender cannot change the result.
        """
        if self._domain in domains:
            return True
        if mode == "strict":
            return False
        unknown = False
        for domain in dict.fromkeys(domains):
            if domain != organization and not domain.endswith(f".{organization}"):
                continue
            try:
                if await self._discovery.organizational(domain) == organization:
                    return True
            except TempError:
                unknown = True
        return None if unknown else False
