"""DMARC: the policy of the owner of a From domain, and whether a message is aligned with it (RFC 9989).

Decisions about a message are not here but in `acceptance`, reports in `queue.reports`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, cast
from urllib.parse import unquote

import msgspec
import trio

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
from moxlite.net.resolver import DNSError, NotFound, PermError, Resolver, TempError, absolute
from moxlite.proto import publicsuffix
from moxlite.proto.address import Address, AddressError
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
    passing = [dkim_result.domain for dkim_result in dkim if dkim_result.status is SignatureStatus.PASS]
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
            policy_lookup = await self._discovery.policy(self._domain, organization)
        except TempError as error:
            return msgspec.structs.replace(result, status=DMARCStatus.TEMPERROR, problem=str(error))
        result = msgspec.structs.replace(result, org_domain=organization, authentic=self._discovery.authentic)
        if policy_lookup is None:
            return msgspec.structs.replace(result, problem="no record")
        if policy_lookup.record is None:
            return msgspec.structs.replace(
                result, status=DMARCStatus.PERMERROR, record_domain=policy_lookup.domain, problem=policy_lookup.problem
            )
        return await self._judge(result, policy_lookup, policy_lookup.record, organization)

    async def _judge(
        self, result: DMARCResult, policy_lookup: PolicyLookup, record: Record, organization: str
    ) -> DMARCResult:
        spf_domains = [self._spf.domain] if self._spf is not None and self._spf.status is SPFStatus.PASS else []
        spf_pass = await self._aligned(spf_domains, record.aspf, organization)
        dkim_pass = await self._aligned(
            [dkim_result.domain for dkim_result in self._dkim if dkim_result.status is SignatureStatus.PASS],
            record.adkim,
            organization,
        )
        policy, problem = await self._policy(policy_lookup, record)
        applied = _MILDER[policy] if record.testing else policy
        passed = bool(spf_pass or dkim_pass)
        status = DMARCStatus.PASS
        if not passed:
            waiting = spf_pass is None or dkim_pass is None or await self._undecided(record, organization)
            status = DMARCStatus.TEMPERROR if waiting else DMARCStatus.FAIL
            problem = "couldn't check an aligned domain" if waiting else problem
        return msgspec.structs.replace(
            result,
            status=status,
            record_domain=policy_lookup.domain,
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

    async def _policy(self, policy_lookup: PolicyLookup, record: Record) -> tuple[Disposition, str]:
        """Return the policy of the record for this domain (§4.7, `np` and `sp`), and a problem, "" without one."""
        if policy_lookup.domain == self._domain:
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
        dkim_domains = [
            dkim_result.domain for dkim_result in self._dkim if dkim_result.status is SignatureStatus.TEMPERROR
        ]
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


# Discovery of DMARC records and organizational domains: by tree walk (RFC 9989 §4.10), or by the public suffix list
# as in RFC 7489.
#
# Names are A-labels in lower case, without final dot. Each name is queried once per message: the domains of a message
# share most of their ancestors.

# DMARC records: ``v=DMARC1; p=reject; rua=mailto:reports@example.org`` (RFC 9989 §4.7, §4.8; AUTH-52).
#
# Parsing is as tolerant as the RFC requires: a value that is not understood falls back to its default. `pct`, `ri`
# and `rf` of RFC 7489 are ignored, except that ``pct=0`` counts as ``t=y``: owners used it for tests.


MAX_TAGS: Final = 100
"""Number of tags of a record that are read: the RFC defines twelve."""

_VERSION: Final = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*", re.IGNORECASE)
_URI: Final = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]+", re.IGNORECASE)
_SIZE: Final = re.compile(r"![0-9]+[kmgt]?\Z", re.IGNORECASE)
_UNPRINTABLE: Final = re.compile(r"[^ -~]")
_DISPOSITIONS: Final = ("none", "quarantine", "reject")


class RecordError(ValueError):
    """The record is malformed."""


class NoPolicy(RecordError):
    """The record has neither ``p`` nor an address for reports, so DMARC does not apply (RFC 9989 §4.7)."""

    def __init__(self) -> None:
        super().__init__("neither p nor rua")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A DMARC policy record.

    Attributes:
      policy: `p`; subdomains: `sp`, None without; nonexistent: `np`, None without.
      adkim, aspf: how strictly domains of signatures and of SPF have to match.
      psd: ``y``: the domain of a registry; ``n``: an organizational domain; ``u``: unknown.
      testing: `t`, or ``pct=0``.
      rua: URIs that reports are requested for, without the size limits of RFC 7489.
      text: the record, printable, at most 512 characters.
    """

    policy: Disposition
    subdomains: Disposition | None = None
    nonexistent: Disposition | None = None
    adkim: Alignment = "relaxed"
    aspf: Alignment = "relaxed"
    psd: Literal["y", "n", "u"] = "u"
    testing: bool = False
    rua: tuple[str, ...] = ()
    text: str = ""


def is_record(text: str) -> bool:
    """Whether a TXT record is a DMARC record: its first tag is the version (§4.8)."""
    return _VERSION.match(text) is not None


def parse_record(text: str) -> Record:
    """Parse a text for which `is_record` is true.

    Raises:
      NoPolicy: it has neither `p` nor `rua`.
      RecordError: a tag occurs twice, or `p`, `sp` or `np` has an unknown value and there is no address for reports
        (§4.10.1).
    """
    tags: dict[str, str] = {}
    for piece in text.split(";", MAX_TAGS)[1:MAX_TAGS]:
        name, equals, value = piece.partition("=")
        name = name.strip(" \t").lower()
        # unknown tags and what is no tag are skipped (RFC 9989 §4.7)
        if not equals or not _NAME.fullmatch(name):
            continue
        if name in tags or name == "v":
            raise RecordError(f"duplicate tag {name}")
        tags[name] = value.strip(" \t")
    rua = tuple(_uris(tags.get("rua", "")))
    # with an address for reports a missing policy is "none" (RFC 9989 §4.7)
    if "p" not in tags and not rua:
        raise NoPolicy
    broken = [name for name in ("p", "sp", "np") if name in tags and tags[name].lower() not in _DISPOSITIONS]
    if broken and not rua:
        raise RecordError(f"unknown value for tag {broken[0]}")
    if broken:
        tags = {name: value for name, value in tags.items() if name not in {"p", "sp", "np"}}
    psd = tags.get("psd", "u").lower()
    return Record(
        policy=_disposition(tags, "p") or "none",
        subdomains=_disposition(tags, "sp"),
        nonexistent=_disposition(tags, "np"),
        adkim="strict" if tags.get("adkim", "r").lower() == "s" else "relaxed",
        aspf="strict" if tags.get("aspf", "r").lower() == "s" else "relaxed",
        psd=cast(Literal["y", "n", "u"], psd) if psd in {"y", "n"} else "u",
        testing=tags.get("t", "n").lower() == "y" or (tags.get("pct", "").isdecimal() and int(tags["pct"][:9]) == 0),
        rua=rua,
        text=_UNPRINTABLE.sub("?", text[:512]),
    )


def _disposition(tags: dict[str, str], name: str) -> Disposition | None:
    value = tags.get(name, "").lower()
    return cast(Disposition, value) if value in _DISPOSITIONS else None


def _uris(text: str) -> list[str]:
    """The well-formed URIs of a list."""
    found = [_SIZE.sub("", one.strip(" \t")) for one in text.split(",")]
    return [one for one in found if _URI.fullmatch(one)]


Method = Literal["treewalk", "psl"]

MAX_LABELS: Final = 7
"""Labels of the longest ancestor that a tree walk queries: eight queries with the start (§4.10)."""


class PolicyLookup(msgspec.Struct, frozen=True):
    """Result of the look-up of ``_dmarc.DOMAIN``: `record`, or the `problem` of an unusable one, or neither."""

    domain: str
    record: Record | None = None
    problem: str = ""


class Discovery:
    """The DMARC look-ups of one message, with their answers cached."""

    def __init__(self, resolver: Resolver, method: Method = "treewalk") -> None:
        self._resolver = resolver
        self._method = method
        self._answers: dict[str, PolicyLookup | TempError] = {}
        self.authentic = True
        """Whether DNSSEC has validated all answers so far."""
        self.queries = 0

    async def organizational(self, domain: str) -> str:
        """The organizational domain of a domain (§4.10.2). Raises TempError."""
        if self._method == "psl":
            return await _by_list(domain)
        policy_lookups = [one for one in await self._walk(domain) if one.record is not None]
        for policy_lookup in policy_lookups:
            assert policy_lookup.record is not None
            if policy_lookup.record.psd == "n":
                return policy_lookup.domain
            if policy_lookup.record.psd == "y" and policy_lookup.domain != domain:
                labels = domain.split(".")
                return ".".join(labels[-policy_lookup.domain.count(".") - 2 :])
        return policy_lookups[-1].domain if policy_lookups else domain

    async def policy(self, domain: str, organizational: str) -> PolicyLookup | None:
        """Return the record of the domain, else of its organizational domain, else of the public suffix above that.

        Returns None if there is no record. Raises TempError.
        """
        for candidate in dict.fromkeys((domain, organizational)):
            policy_lookup = await self.at(candidate)
            if policy_lookup.record is not None or policy_lookup.problem:
                return policy_lookup
        if self._method == "treewalk":
            above = organizational.partition(".")[2]
            for policy_lookup in await self._walk(domain):
                record = policy_lookup.record
                if policy_lookup.domain == above and record is not None and record.psd == "y":
                    return policy_lookup
        return None

    async def exists(self, domain: str) -> bool:
        """Whether the name exists in DNS: any answer but NXDOMAIN (§3.2.13). Raises TempError."""
        self.queries += 1
        try:
            self.authentic &= (await self._resolver.txt(absolute(domain))).authentic
        except NotFound as error:
            self.authentic &= error.authentic
            return not error.nonexistent
        except PermError:
            return False
        return True

    async def at(self, domain: str) -> PolicyLookup:
        """Look up the record of the domain. Several records count as no record (§4.10). Raises TempError."""
        if domain not in self._answers:
            self._answers[domain] = await self._ask(domain)
        answer = self._answers[domain]
        if isinstance(answer, TempError):
            raise answer.with_traceback(None)
        return answer

    async def _ask(self, domain: str) -> PolicyLookup | TempError:
        self.queries += 1
        try:
            answer = await self._resolver.txt(absolute(f"_dmarc.{domain}"))
        except TempError as error:
            return error
        except DNSError as error:
            self.authentic &= error.authentic
            return PolicyLookup(domain)
        self.authentic &= answer.authentic
        records = [text for text in answer.records if is_record(text)]
        # Several records count as none, and the walk continues above (§4.10). DNS records have no order, so each
        # receiver would choose a different one.
        if len(records) != 1:
            return PolicyLookup(domain)
        try:
            return PolicyLookup(domain, parse_record(records[0]))
        except NoPolicy:
            return PolicyLookup(domain)
        except RecordError as error:
            return PolicyLookup(domain, None, str(error))

    async def _walk(self, domain: str) -> list[PolicyLookup]:
        """Look up the domain and its ancestors, up to the first record with ``psd=y`` or ``psd=n`` (§4.10)."""
        policy_lookups = []
        name = domain
        while name:
            policy_lookup = await self.at(name)
            policy_lookups.append(policy_lookup)
            if policy_lookup.record is not None and policy_lookup.record.psd != "u":
                break
            name = ".".join(name.split(".")[1:][-MAX_LABELS:])
        return policy_lookups


async def _by_list(domain: str) -> str:
    if not publicsuffix.loaded():
        await trio.to_thread.run_sync(publicsuffix.load)
    return publicsuffix.organizational_domain(domain)


# Destinations of aggregate reports: mailboxes of other organizations must authorize them (RFC 9990 §4; AUTH-57,
# QUEUE-132).

MAX_ADDRESSES: Final = 20
"""Number of URIs read of one record, and of addresses that get a report."""


class Destinations(msgspec.Struct, frozen=True):
    """Mailboxes that take reports about a policy domain. `problems`: a line for each URI that cannot be used."""

    addresses: tuple[Address, ...]
    problems: tuple[str, ...] = ()


async def find_destinations(
    resolver: Resolver, domain: str, rua: tuple[str, ...], discovery: Discovery
) -> Destinations:
    """Return the mailboxes that may get reports, from the URIs in `rua` of the DMARC record at `domain` (A-labels).

    A mailbox outside of the policy domain's organization needs a record ``DOMAIN._report._dmarc.`` at its own domain.
    This record may replace it by other mailboxes of the same domain. Raises TempError.
    """
    found: list[Address] = []
    problems: list[str] = []
    organization = ""
    for uri in rua[:MAX_ADDRESSES]:
        address = _mailbox(uri)
        if address is None:
            problems.append(f"{uri[:100]}: only mailto: is supported")
            continue
        organization = organization or await discovery.organizational(domain)
        if await discovery.organizational(address.domain.ascii) == organization:
            found.append(address)
            continue
        agreed = await _agreed(resolver, domain, address)
        if not agreed:
            problems.append(f"{address}: {address.domain.ascii} doesn't accept reports about {domain}")
        found += agreed
    addresses = tuple(dict.fromkeys(found))
    for count, what in ((len(rua), "addresses in the record"), (len(addresses), "addresses that take reports")):
        if count > MAX_ADDRESSES:
            problems.append(f"only {MAX_ADDRESSES} of {count} {what} are served")
    return Destinations(addresses[:MAX_ADDRESSES], tuple(problems))


def _mailbox(uri: str) -> Address | None:
    if uri[:7].lower() != "mailto:":
        return None
    try:
        return Address.parse(unquote(uri[7:].partition("?")[0]))
    except AddressError:
        return None


async def _agreed(resolver: Resolver, domain: str, address: Address) -> tuple[Address, ...]:
    """The address, or its replacements of the same domain, if that domain authorizes reports; () if it does not."""
    try:
        answer = await resolver.txt(absolute(f"{domain}._report._dmarc.{address.domain.ascii}"))
    except TempError:
        raise
    except DNSError:
        return ()
    records = [text for text in answer.records if is_record(text)]
    if not records:
        return ()
    try:
        named = parse_record(records[0]).rua
    except NoPolicy:  # ``v=DMARC1`` alone authorizes the address without a replacement
        named = ()
    except RecordError:
        return ()
    others = [one for uri in named[:MAX_ADDRESSES] if (one := _mailbox(uri)) is not None]
    same = tuple(other for other in others if other.domain.ascii == address.domain.ascii)
    return same or (address,)
