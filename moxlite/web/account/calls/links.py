"""Calls of the account app about linked mailboxes (LINK-22..25); operations change them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, TypeAlias

import msgspec
import trio
from msgspec import Meta

from moxlite.migration.linkstate import MAX_DAYS, LinkState, Phase
from moxlite.operations.links import AddLink, FoundServers, Wants
from moxlite.store.mail.links import Link, Protocol, SubmissionTLS
from moxlite.web.account.calls.common import AccountCalls, moment
from moxlite.web.account.mailtypes import Host, Line, Port, Secret, Security
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.wording import Remark, remark

Name: TypeAlias = Annotated[str, Meta(max_length=4096)]


class LinkForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A link to make; operations change it. ``name``: the mailbox here below which its mailboxes are, "" for one of the
    address; a port of 0 is the usual one; ``user``: "" for the address; ``sends``: mail from the address is sent, by a
    server that is found if ``smtp_host`` is ""; ``smtp_user``: "" for the user of the link; ``keep_days``: with POP3,
    the days after which mail that is here is removed there, None for never. ``sorts``: the account's junk filter, rules
    and script sort its new mail.
    """

    address: Line
    name: Name
    protocol: Protocol
    host: Host
    port: Port
    tls: Security
    user: Line
    password: Secret
    keep_days: Annotated[int, Meta(ge=0, le=MAX_DAYS)] | None
    sorts: bool
    sends: bool
    smtp_host: Host
    smtp_port: Port
    smtp_tls: SubmissionTLS
    smtp_user: Line


class LinkItem(msgspec.Struct, frozen=True, kw_only=True):
    """A linked mailbox.

    ``state``: ``copying`` has ``done`` of ``total`` messages of ``mailbox``; ``waiting`` and ``refused`` have the
    reason in ``said`` and the time of the next try. ``refused``: when the password was last refused, without a good one
    since. ``wants``, ``page``: what its provider wants of passwords, and where that is done. ``problems``: what was
    left out. ``smtp_host``: the server that sends mail from its address, "" for none. ``keep_days``, ``sorts``: as in
    `LinkForm`.
    """

    name: str
    address: str
    host: str
    port: int
    tls: Security
    protocol: Protocol
    keep_days: int | None
    user: str
    created: dt.datetime
    state: Phase
    mailbox: str
    done: int
    total: int
    said: Remark
    next_try: dt.datetime | None
    refused: dt.datetime | None
    provider: str
    wants: Wants
    page: str
    problems: list[Remark]
    smtp_host: str
    smtp_port: int
    smtp_tls: SubmissionTLS
    smtp_user: str
    sorts: bool


class Added(msgspec.Struct, frozen=True):
    """The name of a mailbox that was added, and why nothing is sent from its address, "" if it is or shall not be."""

    name: str
    sending: Remark


class LinkList(msgspec.Struct, frozen=True):
    """The linked mailboxes, oldest first. ``insecure``: servers of the inner network, and without TLS, may be named."""

    items: list[LinkItem]
    insecure: bool


class LinkCalls(AccountCalls):
    """The calls about linked mailboxes."""

    @call()
    async def link_list(self, caller: Caller) -> LinkList:
        """The mailboxes at other providers that are linked to the account, and what each does."""
        found = await self._server.links.list(caller.require().account)
        return LinkList([_item(link, state) for link, state in found], self._server.links.inside)

    @call()
    async def link_find(self, caller: Caller, address: Line) -> FoundServers:
        """Find the mail servers of an address at another provider."""
        return await self._server.links.searches.find(caller.require().account, address)

    @call(confirm=True, audit="linked account added")
    async def link_add(self, caller: Caller, link: LinkForm) -> Added:
        """Log in at another provider, and mirror the mailboxes there from now on."""
        account = caller.require().account
        made, said = await self._server.links.add(
            AddLink(account=account, **msgspec.structs.asdict(link)), asker=account
        )
        return Added(made.name, remark(said))


def _item(link: Link, state: LinkState) -> LinkItem:
    from moxlite.migration.autoconfig import provider_of  # loads its table with the first link

    provider = provider_of(link.host)
    waits = state.phase in ("waiting", "refused")
    seconds = max(state.again - trio.current_time(), 0.0)
    return LinkItem(
        name=link.name,
        address=link.address,
        host=link.host,
        port=link.port,
        tls=link.tls,
        protocol=link.protocol,
        keep_days=link.keep_days,
        user=link.username,
        created=moment(link.created),
        state=state.phase,
        mailbox=state.mailbox,
        done=state.done,
        total=state.total,
        said=remark(state.said if waits else ""),
        next_try=dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=int(seconds)) if waits else None,
        refused=None if link.refused is None else moment(link.refused),
        provider="" if provider is None else provider.name,
        wants="" if provider is None else provider.wants,
        page="" if provider is None else provider.page,
        problems=[remark(problem) for problem in state.problems],
        smtp_host=link.outlet.host,
        smtp_port=link.outlet.port,
        smtp_tls=link.outlet.tls,
        smtp_user=link.outlet.user,
        sorts=link.sorts,
    )
