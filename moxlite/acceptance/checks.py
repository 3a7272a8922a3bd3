"""Checks of a message's sender: iprev, SPF and DKIM at the same time, DMARC after them (AUTH-13; SMTP-73, 75..77).

Each method has its own minute. A timeout or a crash of a method becomes its temperror, so that no message is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Literal, TypeVar, cast

import msgspec
import trio

from moxlite.mailauth import iprev
from moxlite.mailauth.arc.verify import FIELDS as ARC_FIELDS, SealedResults, verify as verify_arc, vouched
from moxlite.mailauth.dkim.message import Message as SignedMessage
from moxlite.mailauth.dkim.verify import verify as verify_dkim
from moxlite.mailauth.dmarc import Method, validation, verify as verify_dmarc
from moxlite.mailauth.results import (
    ARCResult,
    ARCStatus,
    DKIMResult,
    DMARCResult,
    DMARCStatus,
    IPRevResult,
    IPRevStatus,
    SignatureStatus,
    SPFResult,
    SPFStatus,
)
from moxlite.mailauth.spf import check as spf
from moxlite.metrics import Counter
from moxlite.net.limits import unmap
from moxlite.net.metrics import panics
from moxlite.net.resolver import Resolver
from moxlite.proto import publicsuffix
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.mime.authors import authors
from moxlite.proto.mime.envelope import RawAddress, decode_address, parse_addresses
from moxlite.proto.mime.headers import HeaderSection

logger = logging.getLogger("moxlite.acceptance.checks")

SECONDS: Final = 60.0
"""Seconds for one method (AUTH-13)."""

MAX_FROM: Final = 64 << 10
"""Maximum octets of a From field that are read for its domains."""

FromValidation = Literal["strict", "dmarc", "relaxed", "none"]
"""Validation of the From domain, strictest first (SMTP-77)."""

T = TypeVar("T")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Input of the checks of one message.

    Attributes:
      remote: the client. mail_from: the reverse path, without quotes, domain in A-labels; "" for none.
      helo: as the client said it; helo_domain: the same in A-labels, "" for an address.
      from_domains: of the From field, A-labels.
      trusted_sealers: domains whose ARC seals count, A-labels.
      tlsrpt: the message may be a TLS report, for which keys are used that sign nothing else (RFC 8460 §3).
    """

    remote: IPv4Address | IPv6Address
    mail_from: str
    helo: str
    helo_domain: str
    from_domains: tuple[str, ...]
    method: Method = "treewalk"
    allow_sha1: bool = False
    tlsrpt: bool = False
    trusted_sealers: frozenset[str] = frozenset()


class Checks(msgspec.Struct, frozen=True, kw_only=True):
    """Results of the checks of one message.

    Attributes:
      spf: of MAIL FROM, of HELO for the null sender. helo: of HELO beside MAIL FROM, None where that was not asked.
      from_validation: how the From domain is validated.
      report_signers: domains of signatures of all of the message by keys that may sign TLS reports (SMTP-101).
      authors: domains in From; DMARC checks the first MAX_DOMAINS of them.
      arc: result for the chain of servers that have forwarded the message. vouched: results sealed by trusted ones.
    """

    iprev: IPRevResult
    spf: SPFResult
    dmarc: DMARCResult
    dkim: tuple[DKIMResult, ...] = ()
    helo: SPFResult | None = None
    from_validation: FromValidation = "none"
    authors: int = 0
    report_signers: tuple[str, ...] = ()
    arc: ARCResult = ARCResult(status=ARCStatus.NONE)
    vouched: SealedResults | None = None

    @property
    def ehlo_verified(self) -> str:
        """The domain of EHLO if SPF passes for it, else ""."""
        for spf_result in (self.helo, self.spf):
            if spf_result is not None and spf_result.identity == "helo" and spf_result.status is SPFStatus.PASS:
                return spf_result.domain
        return ""

    @property
    def mail_from_verified(self) -> str:
        """The domain of MAIL FROM if SPF passes for it, else ""."""
        return self.spf.domain if self.spf.identity == "mailfrom" and self.spf.status is SPFStatus.PASS else ""

    @property
    def signers(self) -> tuple[str, ...]:
        """The domains of passing DKIM signatures, each once."""
        return tuple(
            dict.fromkeys(dkim_result.domain for dkim_result in self.dkim if dkim_result.status is SignatureStatus.PASS)
        )


async def check_spf(resolver: Resolver, question: Question) -> SPFResult:
    """SPF of MAIL FROM, of HELO for the null sender."""
    return await _bounded("spf", partial(_ask_spf, resolver, question), _no_spf(question))


async def _ask_spf(resolver: Resolver, question: Question) -> SPFResult:
    return await spf.check(resolver, ip=unmap(question.remote), mail_from=question.mail_from, helo=question.helo)


def _no_spf(question: Question) -> SPFResult:
    """The SPF result if the check cannot finish: a temporary error."""
    return SPFResult(
        status=SPFStatus.TEMPERROR,
        identity="mailfrom" if question.mail_from else "helo",
        domain=question.mail_from.rpartition("@")[2] or question.helo,
        problem="check timed out",
    )


async def check_sender(
    resolver: Resolver, question: Question, message: SignedMessage, spf_result: SPFResult | None = None
) -> Checks:
    """Check a message, given as received. `spf_result` is the result of SPF if it is known already."""
    found = await _first_checks(resolver, question, message, spf_result)
    of_spf, dkim_results = found.spf, found.dkim
    ask_dmarc = partial(verify_dmarc, resolver, question.from_domains, of_spf, dkim_results, method=question.method)
    no_dmarc = DMARCResult(
        status=DMARCStatus.TEMPERROR, domain=next(iter(question.from_domains), ""), problem="check timed out"
    )
    dmarc = await _bounded("dmarc", ask_dmarc, no_dmarc)
    if not publicsuffix.loaded():
        await trio.to_thread.run_sync(publicsuffix.load)
    checks = Checks(
        arc=found.arc,
        vouched=vouched(found.arc, question.trusted_sealers, dmarc.domain, dmarc.org_domain or dmarc.domain),
        iprev=found.iprev,
        spf=of_spf,
        helo=found.helo,
        dkim=dkim_results,
        dmarc=dmarc,
        from_validation=_validation(question, dmarc, of_spf, dkim_results),
        authors=len(question.from_domains),
        report_signers=await _report_signers(resolver, question, message, dkim_results) if question.tlsrpt else (),
    )
    _count(checks)
    return checks


class _First(msgspec.Struct):
    """Results of the checks that run at the same time. Each is a temporary error until its check has finished."""

    iprev: IPRevResult
    spf: SPFResult
    helo: SPFResult | None
    dkim: tuple[DKIMResult, ...]
    arc: ARCResult


async def _first_checks(
    resolver: Resolver, question: Question, message: SignedMessage, spf_result: SPFResult | None
) -> _First:
    """Run all checks but DMARC at the same time. A task is started only for a check that needs DNS: most mail has no
    ARC fields.
    """
    ip = unmap(question.remote)
    signed = message.section.count(b"dkim-signature") > 0
    sealed = any(message.section.count(name) for name in ARC_FIELDS)
    found = _First(
        iprev=IPRevResult(status=IPRevStatus.TEMPERROR, problem="failed"),
        spf=_no_spf(question) if spf_result is None else spf_result,
        helo=None,
        dkim=(DKIMResult(status=SignatureStatus.TEMPERROR, problem="failed"),) if signed else (),
        arc=ARCResult(status=ARCStatus.TEMPERROR, problem="check timed out")
        if sealed
        else ARCResult(status=ARCStatus.NONE),
    )

    async def ask_iprev() -> None:
        found.iprev = await iprev.find_name(resolver, ip)

    async def ask_spf() -> None:
        found.spf = await _ask_spf(resolver, question)

    async def ask_helo() -> None:
        found.helo = await spf.check_helo(resolver, ip=ip, helo=question.helo_domain)

    async def ask_dkim() -> None:
        found.dkim = tuple(await verify_dkim(resolver, message, allow_sha1=question.allow_sha1))

    async def ask_arc() -> None:
        found.arc = await verify_arc(resolver, message)

    asked: list[tuple[str, Callable[[], Awaitable[None]]]] = [("iprev", ask_iprev)]
    if spf_result is None:
        asked.append(("spf", ask_spf))
    if question.mail_from and question.helo_domain:
        found.helo = SPFResult(status=SPFStatus.TEMPERROR, identity="helo", domain=question.helo_domain)
        asked.append(("helo", ask_helo))
    if signed:
        asked.append(("dkim", ask_dkim))
    if sealed:
        asked.append(("arc", ask_arc))
    # The first check runs in this task: a message without signatures then needs one task less.
    own, *others = asked
    async with trio.open_nursery() as nursery:
        nursery.cancel_scope.deadline = trio.current_time() + SECONDS
        for name, work in others:
            nursery.start_soon(_guarded, name, work, None)
        await _guarded(*own, None)
    return found


async def _report_signers(
    resolver: Resolver, question: Question, message: SignedMessage, results: Sequence[DKIMResult]
) -> tuple[str, ...]:
    """Domains of signatures valid for TLS reports. Signatures are verified again only if a key is restricted to
    reports, as for all other mail such a signature does not pass.
    """
    if any(dkim_result.tlsrpt and dkim_result.status is not SignatureStatus.PASS for dkim_result in results):
        ask = partial(verify_dkim, resolver, message, allow_sha1=question.allow_sha1, service="tlsrpt")
        results = await _bounded("dkim", ask, [])
    good = [
        dkim_result
        for dkim_result in results
        if dkim_result.tlsrpt and not dkim_result.length_limited and dkim_result.status is SignatureStatus.PASS
    ]
    return tuple(dict.fromkeys(dkim_result.domain for dkim_result in good))


def _validation(
    question: Question, dmarc: DMARCResult, spf_result: SPFResult, dkim: Sequence[DKIMResult]
) -> FromValidation:
    """The validation of the From domain. The list of public suffixes has been read before."""
    if len(question.from_domains) != 1:
        return "none"
    known = dmarc if dmarc.domain else msgspec.structs.replace(dmarc, domain=question.from_domains[0])
    return cast(FromValidation, validation(known, spf_result, dkim))


async def _bounded(name: str, work: Callable[[], Awaitable[T]], failed: T) -> T:
    """The result of one check, or `failed` if it takes more than `SECONDS` or crashes."""
    with trio.move_on_after(SECONDS):
        return await _guarded(name, work, failed)
    return failed


async def _guarded(name: str, work: Callable[[], Awaitable[T]], failed: T) -> T:
    """The result of one check, or `failed` if it crashes."""
    try:
        return await work()
    except Exception as error:  # the one place where a check's crash ends (AUTH-13)
        panics.labels(pkg="mailauth").inc()
        logger.error("sender check failed", extra={"kv": {"method": name}}, exc_info=error)
    return failed


def _count(checks: Checks) -> None:
    mailauth_total.labels(method="iprev", result=checks.iprev.status.value).inc()
    mailauth_total.labels(method="spf", result=checks.spf.status.value).inc()
    for dkim_result in checks.dkim:
        mailauth_total.labels(method="dkim", result=dkim_result.status.value).inc()
    if not checks.dkim:
        mailauth_total.labels(method="dkim", result=SignatureStatus.NONE.value).inc()
    mailauth_total.labels(method="arc", result=checks.arc.status.value).inc()
    mailauth_total.labels(method="dmarc", result=checks.dmarc.status.value).inc()


def from_domains(section: HeaderSection) -> tuple[str, ...]:
    """The domains of all that a mail reader may take for an author, A-labels; empty if there is not exactly one From
    field, or no domain in it can be read (AUTH-50).
    """
    texts = section.texts(b"from")
    if len(texts) != 1:
        return ()
    text = texts[0][:MAX_FROM]
    coded: dict[str, str] = {}
    found = [decode_address(item, coded).domain for item in parse_addresses(text) if isinstance(item, RawAddress)]
    domains: list[str] = []
    for name in dict.fromkeys([*found, *(address.domain for address in authors(text).addresses)]):
        with suppress(AddressError):
            domains.append(Domain.parse(name).ascii)
    return tuple(dict.fromkeys(domains))


# Metrics of the sender checks.


mailauth_total: Final = Counter(
    "moxlite_mailauth",
    "Checks of received messages, for each signature or message.",
    ["method", "result"],
)

for _method, _results in (
    ("iprev", IPRevStatus),
    ("spf", SPFStatus),
    ("dkim", SignatureStatus),
    ("dmarc", DMARCStatus),
    ("arc", ARCStatus),
):
    for _result in _results:
        mailauth_total.labels(method=_method, result=_result.value)
