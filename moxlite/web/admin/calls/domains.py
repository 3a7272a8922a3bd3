"""The calls about domains, aliases and DKIM keys (WEB-80, WEB-82), and about DNS: the records that a domain should
have, and their checks (WEB-83).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated, Final

import msgspec
import trio
from msgspec import Meta

from moxlite.admin.accounts import Refused, looking_alike
from moxlite.admin.dns.check import CHECKS, check_domain, check_servers, is_signed
from moxlite.admin.dns.wanted import TOPICS, DomainRecords, records_of
from moxlite.admin.dns.zonefile import record_value, zone_file, zone_line
from moxlite.admin.domains.changes import Algorithm, Selectors, key_facts, require_domain, users_of
from moxlite.admin.offer import offer_for
from moxlite.config.domains import Alias, DomainConfig
from moxlite.config.snapshot import Snapshot
from moxlite.net.dnssec.resolver import validating
from moxlite.net.resolver import Resolver
from moxlite.proto.address import Domain
from moxlite.supervision import FailurePolicy
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.admin.dependencies import Dependencies, ExternalChecks
from moxlite.web.admin.sessions import AdminSessions
from moxlite.web.admin.types import AliasRow, DNSRecord, DNSReport, DomainDetail, DomainRow, SelectorRow
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound, Unavailable, translated

Word = Annotated[str, Meta(max_length=320)]


class DomainCalls(AdminCalls):
    """Domains: list, page, aliases, DKIM keys."""

    def __init__(self, dependencies: Dependencies, sessions: AdminSessions) -> None:
        super().__init__(dependencies, sessions)
        self._selectors = Selectors(dependencies.holder)

    @call()
    async def domains(self, caller: Caller) -> list[DomainRow]:
        """All domains, by name."""
        await trio.lowlevel.checkpoint()
        snapshot = self._server.config()
        addresses = _addresses(snapshot)
        return [
            _row(snapshot, name, domain_config, len(addresses.get(name, ())))
            for name, domain_config in sorted(snapshot.domains.domains.items())
        ]

    @call()
    async def domain(self, caller: Caller, domain: Word) -> DomainDetail:
        """A domain with its addresses, aliases and DKIM keys."""
        snapshot = self._server.config()
        try:
            found, settings = require_domain(snapshot, domain)
        except Refused as error:
            raise NotFound(str(error)) from None
        addresses = sorted(_addresses(snapshot).get(found.unicode, ()))
        aliases = [_alias(found.unicode, localpart, alias) for localpart, alias in sorted(settings.aliases.items())]
        others = looking_alike(snapshot, [alias.address for alias in aliases])
        return DomainDetail(
            row=_row(snapshot, found.unicode, settings, len(addresses)),
            addresses=addresses,
            aliases=[msgspec.structs.replace(alias, alike=others.get(alias.address, "")) for alias in aliases],
            selectors=await trio.to_thread.run_sync(_selectors, found, settings),
            users=users_of(snapshot, found),
        )

    @call(audit="DKIM key created", confirm=True)
    async def selector_add(self, caller: Caller, domain: Word, selector: Word, algorithm: Algorithm) -> None:
        """Make a DKIM key for a domain; it signs once it is chosen."""
        with translated():
            await self._selectors.add(domain, selector, algorithm)

    @call(audit="DKIM key removed", confirm=True)
    async def selector_remove(self, caller: Caller, domain: Word, selector: Word) -> None:
        """Remove a DKIM key from a domain; its file is put aside."""
        with translated():
            await self._selectors.remove(domain, selector)


def _addresses(snapshot: Snapshot) -> dict[str, list[str]]:
    """The addresses of accounts by domain."""
    found: dict[str, list[str]] = {}
    for account in snapshot.domains.accounts.values():
        for address in account.destinations:
            found.setdefault(address.rpartition("@")[2], []).append(address)
    return found


def _row(snapshot: Snapshot, name: str, domain_config: DomainConfig, addresses: int) -> DomainRow:
    return DomainRow(
        domain=name,
        description=domain_config.description,
        disabled=domain_config.disabled,
        peer=bool(domain_config.peer),
        reports_only=Domain.parse(name).ascii in snapshot.derived.reports_only,
        addresses=addresses,
        aliases=len(domain_config.aliases),
    )


def _alias(domain: str, localpart: str, alias: Alias) -> AliasRow:
    return AliasRow(
        localpart=localpart,
        address=f"{localpart}@{domain}",
        alike="",
        members=[member.pack(True) for member in alias.addresses],
        post_public=alias.post_public,
        list_members=alias.list_members,
        allow_msg_from=alias.allow_msg_from,
    )


def _selectors(domain: Domain, settings: DomainConfig) -> list[SelectorRow]:
    """The keys of a domain. Blocks."""
    selector_rows = []
    for name, selector in settings.dkim.selectors.items():
        facts = key_facts(selector)
        selector_rows.append(
            SelectorRow(
                selector=name,
                algorithm=facts.algorithm,
                bits=facts.bits,
                signs=name in settings.dkim.sign,
                name=f"{name}._domainkey.{domain.ascii}.",
                record=facts.record,
                problem=facts.problem,
            )
        )
    return selector_rows


# The calls about DNS: the records that a domain should have, and their checks, topic by topic (WEB-83).


MAX_KEPT: Final = 5_000
"""Reports that are kept for who comes back to the page; the oldest make way."""

PATIENCE: Final = 20.0
"""Seconds for which a call waits for the end of a check; the page asks again."""

LONGEST: Final = 120.0
"""Seconds after which a check ends: a topic takes up to 30, and may wait for others."""

AT_A_TIME: Final = 30
"""Checks that run at a time: all checks of two pages."""

SHARED: Final = 60.0
"""Seconds for which checks share what they have learnt about the keys of zones."""

FAILED: Final = "The check failed because of a server error. See the server log."

NO_CHECKS: Final = "localserve doesn't contact other servers, so DNS isn't checked."


class DNSCalls(AdminCalls):
    """DNS records and checks of domains."""

    def __init__(self, dependencies: Dependencies, sessions: AdminSessions) -> None:
        super().__init__(dependencies, sessions)
        self._reports: dict[tuple[str, str], DNSReport] = {}
        self._running = trio.CapacityLimiter(AT_A_TIME)
        self._ends: dict[tuple[str, str], trio.Event] = {}  # of checks under way
        self._resolver: tuple[Resolver, float] | None = None

    @call()
    async def dns_records(self, caller: Caller, domain: Word) -> list[DNSRecord]:
        """The records that a domain should have."""
        found = await self._records(domain)
        return [
            DNSRecord(
                topic=record.topic,
                about=TOPICS[record.topic].about,
                name=record.name,
                kind=record.kind,
                value=record_value(record),
                line=zone_line(record),
                optional=record.optional,
                live=record.live,
            )
            for record in found.wanted
        ]

    @call()
    async def dns_zone(self, caller: Caller, domain: Word) -> str:
        """The records as a zone file, as ``config dnsrecords`` prints it."""
        found, external = await self._records(domain), self._server.external
        signed = False
        if external is not None and found.keys.tlsa:
            signed = await is_signed(self._validating(external.resolver), found.host)
        return zone_file(found, signed=signed)

    @call()
    async def dns_reports(self, caller: Caller, domain: Word) -> list[DNSReport]:
        """The last report of each topic, and whether a check is under way."""
        await trio.lowlevel.checkpoint()
        found = self._domain(domain)
        return [self._last_report((found.ascii, topic)) for topic in CHECKS]

    @call()
    async def dns_check(self, caller: Caller, domain: Word, topic: Word) -> DNSReport:
        """Check one topic, or wait for a check of it that is under way. After 20 seconds it goes on without the call,
        which returns the report before, `running`.
        """
        found = self._domain(domain)
        external = self._server.external
        if external is None:
            raise Unavailable(NO_CHECKS)
        if topic not in CHECKS:
            raise NotFound(f"Topic not found: {topic!r}")
        key = found.ascii, topic
        if key not in self._ends:
            # Entered before the task starts: a second call for this topic waits for the same check.
            self._ends[key] = trio.Event()
            work = partial(self._finish, key, partial(self._check_topic, found, external, topic))
            self._server.process.tree.start(f"admin.dns-check {found.ascii} {topic}", work, FailurePolicy.ONCE)
        with trio.move_on_after(PATIENCE):
            await self._ends[key].wait()
        return self._last_report(key)

    async def _finish(self, key: tuple[str, str], check: Callable[[], Awaitable[DNSReport]]) -> None:
        """Make a check, whether or not the page that asked for it is still there."""
        try:
            with trio.move_on_after(LONGEST):
                self._keep(key, await check())
                return
            self._keep(key, _report(key[1], errors=[f"The check timed out after {LONGEST:.0f} seconds."]))
        except Exception:  # the log has it, with its lines; the page says so
            self._keep(key, _report(key[1], errors=[FAILED]))
            raise
        finally:
            self._ends.pop(key).set()

    def _keep(self, key: tuple[str, str], report: DNSReport) -> None:
        self._reports.pop(key, None)
        self._reports[key] = report
        while len(self._reports) > MAX_KEPT:
            del self._reports[next(iter(self._reports))]

    def _last_report(self, key: tuple[str, str]) -> DNSReport:
        report = self._reports.get(key) or msgspec.structs.replace(_report(key[1]), at=0)
        return msgspec.structs.replace(report, running=key in self._ends)

    async def _check_topic(self, domain: Domain, external: ExternalChecks, topic: str) -> DNSReport:
        snapshot = self._server.config()
        async with self._running:
            resolver = self._validating(external.resolver)
            silent = await check_servers(resolver, offer_for(snapshot, domain).host)
            report = silent
            if not silent.errors:
                checked = await check_domain(
                    snapshot,
                    domain,
                    resolver,
                    external.network,
                    served=True,
                    held=external.held,
                    topics=(topic,),
                )
                report = checked[topic]
        return msgspec.structs.replace(_report(topic), **report.lines())

    def _validating(self, plain: Resolver) -> Resolver:
        """A resolver that validates by itself, as that of ``config dnscheck``: the server's DNS servers may not."""
        now = trio.current_time()
        if self._resolver is None or self._resolver[1] < now:
            # One for the topics of a page, which ask for the keys of the same zones; renewed, since it keeps what it
            # has learnt.
            self._resolver = validating(plain), now + SHARED
        return self._resolver[0]

    def _domain(self, name: str) -> Domain:
        try:
            return require_domain(self._server.config(), name)[0]
        except Refused as error:
            raise NotFound(str(error)) from None

    async def _records(self, name: str) -> DomainRecords:
        domain, external = self._domain(name), self._server.external
        held = None if external is None else external.held
        return await trio.to_thread.run_sync(records_of, self._server.config(), domain, held)


def _report(topic: str, errors: Sequence[str] = ()) -> DNSReport:
    at = time.time_ns() // 1000
    return DNSReport(topic=topic, at=at, running=False, errors=[*errors], warnings=[], instructions=[], found=[])
