"""The calls about domains, aliases and DKIM keys (WEB-80, WEB-82)."""

from __future__ import annotations

from typing import Annotated

import trio
from msgspec import Meta

from moxlite.admin.accounts import Refused
from moxlite.admin.domains.changes import require_domain, users_of
from moxlite.admin.domains.requests import AliasMembers, AliasName, DomainAdd, DomainName
from moxlite.admin.domains.selectors import Algorithm, Selectors, key_facts
from moxlite.config.domains import Alias, DomainConfig
from moxlite.config.snapshot import Snapshot
from moxlite.proto.address import Domain
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.admin.console import translated
from moxlite.web.admin.sessions import AdminSessions
from moxlite.web.admin.surroundings import Surroundings
from moxlite.web.admin.types import AliasRow, DomainDetail, DomainRow, SelectorRow
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound

Word = Annotated[str, Meta(max_length=320)]
Members = Annotated[list[Word], Meta(min_length=1, max_length=1000)]


class DomainCalls(AdminCalls):
    """Domains: list, page, aliases, DKIM keys."""

    def __init__(self, surroundings: Surroundings, sessions: AdminSessions) -> None:
        super().__init__(surroundings, sessions)
        self._selectors = Selectors(surroundings.holder)

    @call()
    async def domains(self, caller: Caller) -> list[DomainRow]:
        """All domains, by name."""
        await trio.lowlevel.checkpoint()
        snapshot = self._server.config()
        addresses = _addresses(snapshot)
        return [
            _row(snapshot, name, one, len(addresses.get(name, ())))
            for name, one in sorted(snapshot.domains.domains.items())
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
        return DomainDetail(
            row=_row(snapshot, found.unicode, settings, len(addresses)),
            addresses=addresses,
            aliases=[_alias(found.unicode, localpart, one) for localpart, one in sorted(settings.aliases.items())],
            selectors=await trio.to_thread.run_sync(_selectors, found, settings),
            users=users_of(snapshot, found),
        )

    @call()
    async def domain_add(
        self, caller: Caller, domain: Word, account: Word, localpart: Word = "", disabled: bool = False
    ) -> None:
        """Add a domain with DKIM keys; its reports go to `account`, which is made if there is a `localpart`."""
        await self._console.do("config domain add", DomainAdd(domain, account, localpart, disabled))

    @call(confirm=True)
    async def domain_remove(self, caller: Caller, domain: Word) -> None:
        """Remove a domain that nothing uses any more; its key files are put aside."""
        await self._console.do("config domain rm", DomainName(domain))

    @call()
    async def domain_disable(self, caller: Caller, domain: Word, disabled: bool) -> None:
        """Refuse the mail of a domain for now, or take it again."""
        await self._console.do(f"config domain {'disable' if disabled else 'enable'}", DomainName(domain))

    @call()
    async def alias_add(self, caller: Caller, alias: Word, members: Members) -> None:
        """Add an alias, to which everyone may write."""
        await self._console.do("config alias add", AliasMembers(alias, members))

    @call(confirm=True)
    async def alias_remove(self, caller: Caller, alias: Word) -> None:
        """Remove an alias."""
        await self._console.do("config alias rm", AliasName(alias))

    @call()
    async def alias_members_add(self, caller: Caller, alias: Word, members: Members) -> None:
        """Add members to an alias."""
        await self._console.do("config alias addaddr", AliasMembers(alias, members))

    @call()
    async def alias_members_remove(self, caller: Caller, alias: Word, members: Members) -> None:
        """Remove members from an alias; the last one stays."""
        await self._console.do("config alias rmaddr", AliasMembers(alias, members))

    @call(audit="DKIM key made", confirm=True)
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


def _row(snapshot: Snapshot, name: str, one: DomainConfig, addresses: int) -> DomainRow:
    return DomainRow(
        domain=name,
        description=one.description,
        disabled=one.disabled,
        reports_only=Domain.parse(name).ascii in snapshot.derived.reports_only,
        addresses=addresses,
        aliases=len(one.aliases),
    )


def _alias(domain: str, localpart: str, one: Alias) -> AliasRow:
    return AliasRow(
        localpart=localpart,
        address=f"{localpart}@{domain}",
        members=[member.pack(True) for member in one.addresses],
        post_public=one.post_public,
        list_members=one.list_members,
        allow_msg_from=one.allow_msg_from,
    )


def _selectors(domain: Domain, settings: DomainConfig) -> list[SelectorRow]:
    """The keys of a domain. Blocks."""
    found = []
    for name, selector in settings.dkim.selectors.items():
        facts = key_facts(selector)
        found.append(
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
    return found
