"""Dependencies of the admin app's calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from moxlite.admin.dns.network import Network
    from moxlite.admin.dns.wanted import HeldKeys
    from moxlite.admin.factors.changes import FactorChanges
    from moxlite.config.holder import ConfigHolder
    from moxlite.config.snapshot import Snapshot
    from moxlite.logins.logins import Logins
    from moxlite.net.control.server import Command
    from moxlite.net.resolver import Resolver
    from moxlite.process.ports import InUse
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.store.reports.reportsdb import ReportsDB

__all__ = ["Outside", "Surroundings"]


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """What checks of DNS need: a resolver, connections to the internet, and keys that are not read from files."""

    resolver: Resolver
    network: Network
    held: HeldKeys


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """Dependencies of the calls.

    Attributes:
      holder: the configuration, which calls change.
      factors: changes second factors.
      commands: returns the commands of the control socket.
      certificates: returns the certificates in use.
      outside: for checks of DNS; None in localserve, which asks nothing outside.
    """

    holder: ConfigHolder
    accounts: Accounts
    auth: AuthDB
    reports: ReportsDB
    logins: Logins
    factors: FactorChanges
    commands: Callable[[], Mapping[str, Command]]
    certificates: Callable[[], Sequence[InUse]]
    outside: Outside | None

    def config(self) -> Snapshot:
        """The current configuration."""
        return self.holder.current
