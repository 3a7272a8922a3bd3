"""A domain that moves here from another server: where its MX records lead, and the setting of its peer (SMTP-184,
ADMIN-86).
"""

from collections.abc import Mapping
from typing import Final

import trio

from moxlite.admin.accounts import Refused
from moxlite.admin.commandedits import change_file
from moxlite.admin.delivery.peers import DAYS, Peers, passed_on
from moxlite.admin.dns.report import MAX_HOSTS
from moxlite.admin.dns.wanted import own_ips
from moxlite.admin.domains.changes import require_domain
from moxlite.config.domains import DomainConfig
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import PeerRecipient, Snapshot
from moxlite.config.toml.edit import Document
from moxlite.config.values import read_host
from moxlite.metrics import daily
from moxlite.net.control.server import Command, CommandFailed
from moxlite.net.listeners import is_here
from moxlite.net.resolver import DNSError, NotFound, Resolver, absolute
from moxlite.operations import domains as operations
from moxlite.operations.performing import commands
from moxlite.proto.address import AddressError, Domain
from moxlite.store.reports.reportsdb import ReportsDB

MX_SECONDS: Final = 20.0
"""Seconds to find out where MX leads."""


class PeerCommands:
    """``moxlite config domain peer``."""

    def __init__(self, config: ConfigHolder, peers: Peers, resolver: Resolver, reports: ReportsDB) -> None:
        self._config = config
        self._peers = peers
        self._resolver = resolver
        self._reports = reports

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            operations.ShowPeer.bind(self.show),
            operations.SetPeer.bind(self.set),
            operations.RemovePeer.bind(lambda args: change_file(self._config, remove_peer, args.domain)),
        )

    async def show(self, args: operations.ShowPeer) -> operations.PeerState:
        """Try the peer of a domain, or look where MX leads."""
        snapshot = self._config.current
        domain, settings = _domain(snapshot, args.domain)
        if not settings.peer:
            elsewhere = await mail_elsewhere(snapshot, domain, self._resolver)
            return _state(domain, settings, elsewhere=elsewhere)
        hosts, takes_all = await self._peers.look(PeerRecipient(domain, settings.peer, settings.disabled))
        messages = (await passed_on(self._reports, DAYS)).get(domain.unicode, 0)
        return _state(domain, settings, hosts=hosts, takes_all=takes_all, messages=messages)

    async def set(self, args: operations.SetPeer) -> operations.PeerState:
        """Set the peer of a domain."""
        domain, _ = _domain(self._config.current, args.domain)
        hosts = [*args.hosts] or await mail_elsewhere(self._config.current, domain, self._resolver)
        if not hosts:
            text = f"the MX records for {domain} don't point to another server; specify the previous server"
            raise CommandFailed("refused", text, "hosts")
        await change_file(self._config, set_peer, args.domain, hosts)
        daily.count("passed-on", domain.unicode, 0)  # the days without a message begin
        return await self.show(operations.ShowPeer(args.domain))


def _domain(snapshot: Snapshot, name: str) -> tuple[Domain, DomainConfig]:
    try:
        return require_domain(snapshot, name)
    except Refused as error:
        raise CommandFailed("notFound", str(error)) from None


def _state(
    domain: Domain,
    settings: DomainConfig,
    *,
    hosts: list[operations.PeerHost] | None = None,
    takes_all: bool = False,
    messages: int = 0,
    elsewhere: list[str] | None = None,
) -> operations.PeerState:
    return operations.PeerState(
        domain=domain.unicode,
        hosts=hosts or [],
        disabled=settings.disabled,
        takes_all=takes_all,
        messages=messages,
        elsewhere=elsewhere or [],
    )


def set_peer(document: Document, snapshot: Snapshot, name: str, hosts: list[str]) -> None:
    """Set the hosts to which mail for unknown addresses goes. Raises Refused."""
    domain, _ = require_domain(snapshot, name)
    named = []
    for host in hosts:
        try:
            named.append(read_host(host.strip().rstrip(".").lower(), snapshot.static.data_dir))
        except ValueError as error:
            raise Refused(f'"{host}" {error}', "hosts") from None
    document.put(("domains", domain.unicode, "peer"), list(dict.fromkeys(named)))


def remove_peer(document: Document, snapshot: Snapshot, name: str) -> None:
    """Refuse mail for unknown addresses again. Raises Refused."""
    domain, settings = require_domain(snapshot, name)
    if not settings.peer:
        raise Refused(f'"{domain.unicode}" doesn\'t have a previous server', "domain")
    document.drop(("domains", domain.unicode, "peer"))


async def mail_elsewhere(snapshot: Snapshot, domain: Domain, resolver: Resolver) -> list[str]:
    """The hosts of other servers that MX names, the preferred first; none if DNS does not answer in time.

    A host below the domain, or with a name of this server, is given by its addresses: the name will lead here.
    """
    own = own_ips(snapshot)
    found: list[str] = []
    with trio.move_on_after(MX_SECONDS):
        try:
            records = sorted((await resolver.mx(absolute(domain.ascii))).records)[:MAX_HOSTS]
        except DNSError:
            return []
        for record in records:
            try:
                host = Domain.parse(record.host.rstrip("."))
                ips = (await resolver.ips(absolute(host.ascii))).records
            except (AddressError, NotFound, DNSError):
                continue
            named = host.ascii in snapshot.hostnames
            if any(ip in (own or ()) or is_here(ip) for ip in ips) or (named and own is None):
                continue
            lasts = not (named or host == domain or host.is_below(domain))
            found += [host.unicode] if lasts else [str(ip) for ip in ips]
    return list(dict.fromkeys(found))[:5]
