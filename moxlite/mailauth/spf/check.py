"""Evaluation of SPF: the function ``check_host`` of RFC 7208 §4, with its limits (§4.6.4; AUTH-20..28).

One evaluation has at most ten terms with look-ups, two look-ups without an answer and twenty seconds. Included records
count against the same limits.
"""

import re
from collections.abc import Awaitable
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeVar

import trio

from moxlite.mailauth.results import SPFResult, SPFStatus
from moxlite.mailauth.spf.record import (
    MacroText,
    MacroValues,
    Record,
    RecordError,
    Term,
    expand,
    is_record,
    needs_name,
    parse_macros,
    parse_record,
    shorten,
)
from moxlite.net.limits import IPAddress, unmap
from moxlite.net.resolver import LONG, Answer, DNSError, NotFound, PermError, Resolver, absolute

MAX_TERMS: Final = 10
"""Number of terms that cause DNS look-ups (§4.6.4)."""

MAX_VOID: Final = 2
"""Number of look-ups without an answer (§4.6.4)."""

MAX_NAMES: Final = 10
"""Number of names in an MX or PTR answer. More MX names are an error, more PTR names are ignored (§4.6.4)."""

SECONDS: Final = 20.0
"""Seconds for all look-ups of one evaluation (§4.6.4)."""

MAX_EXPLANATION: Final = 512
"""Octets of an explanation, which is part of an SMTP reply (AUTH-28)."""

POSTMASTER: Final = "postmaster"
"""Default for a missing local part (§4.3)."""

R = TypeVar("R")

_LABEL: Final = re.compile(r"[ -\-/-~]{1,63}")
"""A label: printable ASCII but the dot. DNS allows all of it, service names begin with an underscore, and the macro
``%_`` is a blank (RFC 7208 §7.1).
"""


class _Stop(Exception):
    """Ends the evaluation with an error."""

    def __init__(self, status: SPFStatus, problem: str) -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem


class _Match(NamedTuple):
    """Result of evaluating a record.

    `mechanism`: the term that matched. `explanation`, `domain`: the record's explanation for a fail, and its domain.
    """

    status: SPFStatus
    mechanism: str = "default"
    explanation: MacroText | None = None
    domain: str = ""
    problem: str = ""


async def check(resolver: Resolver, *, ip: IPAddress, mail_from: str, helo: str) -> SPFResult:
    """Check whether the domain of MAIL FROM permits the client; for the null sender, the domain of EHLO (§2.4).

    Args:
      mail_from: the address, domain in A-labels, without quotes; "" for the null sender.
      helo: argument of the client's EHLO; an address literal has no domain.

    DNS errors are in the result. A fail is not explained: no reply or page has a place for the text.
    """
    localpart, _, domain = mail_from.rpartition("@")
    if not mail_from:
        return await check_helo(resolver, ip=ip, helo=helo)
    evaluation = _Evaluation(resolver, unmap(ip), f"{localpart}@{domain}", helo)
    result = await evaluation.run(domain)
    return SPFResult(identity="mailfrom", domain=domain, **result)  # type: ignore[arg-type]  # fields of SPFResult


async def check_helo(resolver: Resolver, *, ip: IPAddress, helo: str) -> SPFResult:
    """Check whether the domain of EHLO permits the client (§2.3). Arguments as `check`."""
    evaluation = _Evaluation(resolver, unmap(ip), f"{POSTMASTER}@{helo}", helo)
    result = await evaluation.run(helo)
    return SPFResult(identity="helo", domain=helo, **result)  # type: ignore[arg-type]  # fields of SPFResult


async def check_host(resolver: Resolver, *, ip: IPAddress, domain: str, sender: str, helo: str) -> SPFResult:
    """Check whether a domain permits the client, for any sender (§4.1); look up the explanation of a fail.

    `sender` is used for macros only; "" means the postmaster of `helo`. Other arguments as `check`.
    """
    identity: Literal["mailfrom", "helo"] = "mailfrom" if sender else "helo"
    evaluation = _Evaluation(resolver, unmap(ip), sender or f"{POSTMASTER}@{helo or domain}", helo)
    result = await evaluation.run(domain, explain=True)
    return SPFResult(identity=identity, domain=domain, **result)  # type: ignore[arg-type]  # fields of SPFResult


class _Evaluation:
    """One evaluation with its counters."""

    def __init__(self, resolver: Resolver, ip: IPAddress, sender: str, helo: str) -> None:
        self._resolver = resolver
        self._ip = ip
        self._sender = sender if not sender.startswith("@") else POSTMASTER + sender  # §4.3
        self._helo = helo
        self._terms = self._voids = self._queries = 0
        self._authentic = True
        self._names: list[str] | None = None  # of the client, confirmed

    async def run(self, domain: str, *, explain: bool = False) -> dict[str, object]:
        """The result, as fields of `SPFResult`."""
        explanation: str | None = None
        match = _Match(SPFStatus.TEMPERROR, problem="DNS lookup timed out")
        with trio.move_on_after(SECONDS):
            try:
                match = await self._check_host(domain)
            except _Stop as stop:
                match = _Match(stop.status, problem=stop.problem)
        if explain and match.status is SPFStatus.FAIL and match.explanation is not None:
            with trio.move_on_after(SECONDS):
                explanation = await self._explain(match.explanation, match.domain)
        return {
            "status": match.status,
            "problem": match.problem,
            "mechanism": match.mechanism,
            "explanation": explanation,
            "authentic": self._authentic and self._queries > 0,
            "dns_terms": self._terms,
            "void_lookups": self._voids,
            "dns_queries": self._queries,
        }

    # §4

    async def _check_host(self, domain: str) -> _Match:
        if not _is_name(domain):
            return _Match(SPFStatus.NONE, problem="invalid domain name")
        record = await self._record(domain)
        if record is None:
            return _Match(SPFStatus.NONE, problem="no record")
        for term in record.terms:
            if await self._matches(term, domain):
                return _Match(term.result, term.text, record.explanation, domain)
        if record.redirect is None or any(term.kind == "all" for term in record.terms):
            return _Match(SPFStatus.NEUTRAL)
        self._count_term()
        target = await self._expand(record.redirect, domain)
        match = await self._check_host(target)
        if match.status is SPFStatus.NONE:
            raise _Stop(SPFStatus.PERMERROR, f"redirect target {target} doesn't have an SPF record")
        return match

    async def _record(self, domain: str) -> Record | None:
        try:
            answer = await self._ask(self._resolver.txt(absolute(domain)))
        except NotFound:
            return None
        except DNSError as error:
            raise _stopped_by(error) from error
        found = [text for text in answer.records if is_record(text)]
        if not found:
            return None
        if len(found) > 1:
            raise _Stop(SPFStatus.PERMERROR, f"found {len(found)} SPF records for {domain} instead of one")
        try:
            return _known_record(found[0]) if len(found[0]) <= LONG else parse_record(found[0])
        except RecordError as error:
            raise _Stop(SPFStatus.PERMERROR, f"SPF record for {domain}: {error}") from error

    async def _matches(self, term: Term, domain: str) -> bool:
        """Whether a mechanism matches the client (§5)."""
        if term.kind == "all":
            return True
        if term.address is not None:
            return self._is_near(term.address, term)
        self._count_term()
        target = domain if term.domain is None else await self._expand(term.domain, domain)
        if term.kind == "include":
            return await self._included(target)
        if not _is_name(target, single=True):
            return False
        match term.kind:
            case "a":
                return any(self._is_near(address, term) for address in await self._addresses(target))
            case "mx":
                return await self._mx(target, term)
            case "ptr":
                return any(_is_below(name, target) for name in await self._confirmed())
            case _:
                return bool(await self._exists(target))

    async def _included(self, target: str) -> bool:
        """Whether an included record passes (§5.2)."""
        match = await self._check_host(target)
        if match.status is SPFStatus.NONE:
            raise _Stop(SPFStatus.PERMERROR, f"included domain {target} doesn't have an SPF record")
        return match.status is SPFStatus.PASS

    async def _mx(self, target: str, term: Term) -> bool:
        """Whether the client is a mail host of the target (§5.4)."""
        try:
            answer = await self._ask(self._resolver.mx(absolute(target)))
        except NotFound:
            self._count_void()
            return False
        except DNSError as error:
            raise _stopped_by(error) from error
        hosts = [record.host for record in answer.records if record.host != "."]
        if len(hosts) > MAX_NAMES:
            raise _Stop(SPFStatus.PERMERROR, f"{target} has too many MX hosts (limit {MAX_NAMES})")
        for host in hosts:
            if any(self._is_near(address, term) for address in await self._addresses(host)):
                return True
        return False

    async def _exists(self, target: str) -> tuple[IPAddress, ...]:
        """The IPv4 addresses of the target, whatever the client's family (§5.7)."""
        return await self._addresses(target, family=4)

    async def _addresses(self, name: str, *, family: int = 0) -> tuple[IPAddress, ...]:
        """The addresses of a host: of the client's family, or of `family`, 4 or 6. Counts void look-ups (§4.6.4)."""
        version = family or self._ip.version
        try:
            return (await self._ask(self._resolver.ips(absolute(name), 4 if version == 4 else 6))).records
        except NotFound:
            self._count_void()
            return ()
        except DNSError as error:
            raise _stopped_by(error) from error

    def _is_near(self, address: IPAddress, term: Term) -> bool:
        """Whether the client is in the same network as a term's address."""
        if address.version != self._ip.version:
            return False
        rest = 32 - term.four if address.version == 4 else 128 - term.six
        return int(address) >> rest == int(self._ip) >> rest

    # Names of the client (§5.5, §7.3)

    async def _confirmed(self) -> list[str]:
        """Forward-confirmed PTR names of the client. Names whose look-up fails are left out."""
        if self._names is None:
            self._names = []
            try:
                answer = await self._ask(self._resolver.ptr(self._ip))
            except NotFound:
                self._count_void()
                return self._names
            except DNSError:
                return self._names
            for name in answer.records[:MAX_NAMES]:
                try:
                    found = await self._ask(self._resolver.ips(absolute(name), 4 if self._ip.version == 4 else 6))
                except DNSError:
                    continue
                if self._ip in found.records:
                    self._names.append(name.removesuffix("."))
        return self._names

    async def _name(self, domain: str) -> str:
        """The value of ``%{p}``: preferably the domain itself, else a name below it, else another confirmed name."""
        names = await self._confirmed()
        below = [name for name in names if _is_below(name, domain)]
        same = [name for name in below if len(name) == len(domain.removesuffix("."))]
        return (same or below or names or ["unknown"])[0]

    # Macros

    async def _expand(self, text: MacroText, domain: str) -> str:
        if needs_name(text):
            self._count_term()
        return shorten(await expand(text, self._facts(domain)))

    def _facts(self, domain: str) -> MacroValues:
        return MacroValues(
            ip=self._ip,
            sender=self._sender,
            helo=self._helo,
            domain=domain,
            name=self._name,
        )

    async def _explain(self, text: MacroText, domain: str) -> str | None:
        """Look up the explanation of a fail (§6.2). Returns None without a valid one."""
        # The verdict is final and its counts are reported, so the sender's explanation mustn't change either. It has
        # its own limits.
        counters = self._terms, self._voids, self._queries, self._authentic
        self._terms = self._voids = 0
        try:
            target = await self._expand(text, domain)
            answer = await self._ask(self._resolver.txt(absolute(target)))
            if len(answer.records) != 1:
                return None
            macros = parse_macros(answer.records[0], explanation=True)
            if needs_name(macros):
                self._count_term()
            told = await expand(macros, self._facts(domain))
        except (_Stop, DNSError, ValueError):
            return None
        finally:
            self._terms, self._voids, self._queries, self._authentic = counters
        told = "".join(char for char in told if char.isprintable())
        return told if told.isascii() and 0 < len(told) <= MAX_EXPLANATION else None

    # Counters (§4.6.4)

    async def _ask(self, question: Awaitable[Answer[R]]) -> Answer[R]:
        """Await a DNS look-up and count it. Raises DNSError."""
        self._queries += 1
        try:
            answer = await question
        except DNSError as error:
            self._authentic = self._authentic and error.authentic
            raise
        self._authentic = self._authentic and answer.authentic
        return answer

    def _count_term(self) -> None:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise _Stop(SPFStatus.PERMERROR, f"too many DNS lookups (limit {MAX_TERMS})")

    def _count_void(self) -> None:
        self._voids += 1
        if self._voids > MAX_VOID:
            raise _Stop(SPFStatus.PERMERROR, f"too many void lookups (limit {MAX_VOID})")


@lru_cache(maxsize=128)  # saves 100 µs a message for the records of a provider; at most 7 MiB
def _known_record(text: str) -> Record:
    return parse_record(text)


def _stopped_by(error: DNSError) -> _Stop:
    if isinstance(error, PermError):
        return _Stop(SPFStatus.PERMERROR, str(error))
    return _Stop(SPFStatus.TEMPERROR, str(error))


def _is_name(name: str, *, single: bool = False) -> bool:
    """Whether the text is a domain name, with several labels unless `single` (§4.3)."""
    labels = name.removesuffix(".").split(".")
    if len(name) > 253 + name.endswith(".") or (len(labels) < 2 and not single):
        return False
    if labels[-1].isdecimal() or name.startswith("["):
        return False  # an address
    return all(_LABEL.fullmatch(label) for label in labels)


def _is_below(name: str, domain: str) -> bool:
    """Whether a name equals a domain or is a subdomain of it."""
    name, domain = name.lower().removesuffix("."), domain.lower().removesuffix(".")
    return name == domain or name.endswith(f".{domain}")
