"""Dependencies of the admin app's calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from moxlite.admin.backup.backups import BackupCommands
    from moxlite.admin.dns.network import Network
    from moxlite.admin.dns.wanted import HeldKeys
    from moxlite.admin.factors import FactorChanges
    from moxlite.admin.ownlistings import OwnListings
    from moxlite.admin.providerpeople import ProviderPeople
    from moxlite.config.holder import ConfigHolder
    from moxlite.config.snapshot import Snapshot
    from moxlite.logins.logins import Logins
    from moxlite.net.control.server import Commands
    from moxlite.net.httpclient import HTTPClient
    from moxlite.net.log import LogHandler
    from moxlite.net.resolver import Resolver
    from moxlite.operations.performing import Perform
    from moxlite.process.ports import InUse
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.store.reports.reportsdb import ReportsDB
    from moxlite.supervision import Supervisor


class ExternalChecks(msgspec.Struct, frozen=True, kw_only=True):
    """Dependencies of checks of DNS: a resolver, connections to the internet, and keys that are not read from files."""

    resolver: Resolver
    network: Network
    held: HeldKeys


class ProcessHandles(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of the running process.

    Attributes:
      listings: watches block lists for own addresses.
      log: writes the log.
      cid_of: returns the connection id behind an id in a Received header; None for an id of another installation.
      measure: sets the metrics that are counted when they are read.
      backups: makes backups.
      tree: runs work that outlives a call.
    """

    listings: OwnListings
    log: LogHandler
    cid_of: Callable[[str], int | None]
    measure: Callable[[], Awaitable[None]]
    backups: BackupCommands
    tree: Supervisor


class Dependencies(msgspec.Struct, frozen=True, kw_only=True):
    """Dependencies of the calls.

    Attributes:
      holder: the configuration, which calls change.
      factors: changes second factors.
      commands: returns the commands of the control socket.
      perform: performs operations for the administrator.
      certificates: returns the certificates in use.
      people: of the login provider; None without one.
      provider_client: returns a client for a login provider, which may be in the inner network or not.
      external: for checks of DNS; None in localserve, which asks nothing outside.
    """

    holder: ConfigHolder
    accounts: Accounts
    auth: AuthDB
    reports: ReportsDB
    logins: Logins
    factors: FactorChanges
    commands: Commands
    perform: Perform
    certificates: Callable[[], Sequence[InUse]]
    people: ProviderPeople | None
    provider_client: Callable[[bool], HTTPClient]
    external: ExternalChecks | None
    process: ProcessHandles

    def config(self) -> Snapshot:
        """The current configuration."""
        return self.holder.current
