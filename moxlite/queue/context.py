"""The services of the server that the queue uses."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import msgspec
import trio

from moxlite.config.snapshot import CurrentConfig
from moxlite.config.static import Static
from moxlite.net.dial import Dial, LocalAddresses, dial
from moxlite.net.httpclient import HTTPClient
from moxlite.net.limits import IPAddress
from moxlite.net.listeners import is_here
from moxlite.net.resolver import Resolver
from moxlite.net.tls.certificates import Trust
from moxlite.process.keys import SigningKeys
from moxlite.proto.srs import SRS
from moxlite.queue.hosts.hosts import IPv6Source
from moxlite.queue.hosts.load import HostLoad
from moxlite.queue.tls.policies import Policies
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.mail.links import Relay, SendsNothing
from moxlite.store.reports.reportsdb import ReportsDB


def now() -> int:
    """The time, µs UTC."""
    return time.time_ns() // 1000


def elapsed() -> int:
    """Microseconds since some moment, by the monotonic clock."""
    return time.monotonic_ns() // 1000


async def no_links(account: str, transport: str) -> Relay:
    """Raise SendsNothing, where no mailboxes are linked."""
    raise SendsNothing("linked accounts aren't available on this server")


class Loopback(msgspec.Struct, frozen=True):
    """Our own SMTP listener in localserve, which gets all mail (QUEUE-140)."""

    ip: IPAddress
    port: int


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The services given by the server.

    Attributes:
      config: gives the current configuration.
      accounts: the accounts, which get DSNs and deferred deliveries.
      resolver: finds hosts. web: calls the web servers of accounts.
      policies: MTA-STS policies. ipv6: whether to send over IPv6. load: connections to other hosts, and their pauses.
      connect_local: begins a session of the own SMTP server for the transaction with the given key, submitted by the
        given account, "" for none, over a pipe in this process, and returns the client's end (QUEUE-36).
      tmp: folder for temporary files. trust: roots for other servers' certificates.
      srs: reads the sender addresses of messages that were sent on. keys: sign DSNs that leave the server.
      local_addresses: local addresses to connect from.
      reports: reports.db; None if this server makes no reports.
      loopback: set in localserve, where all mail is delivered to this machine.
      relay_of_link: the submission server of a linked mailbox (LINK-14), by account and transport; raises SendsNothing
        for good, LinkRefused for now, StoreError.
      clock, elapsed, random: time (µs UTC), microseconds of a clock that is never set, and random numbers; replaced in
        tests.
    """

    config: CurrentConfig
    accounts: Accounts
    resolver: Resolver
    web: HTTPClient
    policies: Policies
    ipv6: IPv6Source
    load: HostLoad = msgspec.field(default_factory=HostLoad)
    connect_local: Callable[[bytes, str], trio.abc.Stream]
    tmp: Path
    trust: Trust
    srs: SRS
    keys: SigningKeys = msgspec.field(default_factory=SigningKeys)
    local_addresses: LocalAddresses = LocalAddresses()
    dial: Dial = dial
    reports: ReportsDB | None = None
    loopback: Loopback | None = None
    relay_of_link: Callable[[str, str], Awaitable[Relay]] = no_links
    clock: Callable[[], int] = now
    elapsed: Callable[[], int] = elapsed
    random: Random = msgspec.field(default_factory=Random)


def local_addresses(static: Static) -> LocalAddresses:
    """From where mail goes out: the first address of each family that a listener with SMTP names explicitly
    (admin.md, `ips`). Addresses that this machine doesn't have are left out.
    """
    ips = [
        ip
        for listener in static.listeners.values()
        if listener.smtp.enabled
        for ip in listener.ips
        if not (ip.is_unspecified or ip.is_loopback) and is_here(ip)
    ]
    return LocalAddresses(
        next((ip for ip in ips if ip.version == 4), None),
        next((ip for ip in ips if ip.version == 6), None),
    )
