"""Dependencies of the admin app's calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from moxlite.config.holder import ConfigHolder
    from moxlite.config.snapshot import Snapshot
    from moxlite.logins.logins import Logins
    from moxlite.net.control.server import Command
    from moxlite.process.ports import InUse
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.auth.authdb import AuthDB

__all__ = ["Surroundings"]


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """Dependencies of the calls.

    Attributes:
      holder: the configuration, which calls change.
      commands: returns the commands of the control socket.
      certificates: returns the certificates in use.
    """

    holder: ConfigHolder
    accounts: Accounts
    auth: AuthDB
    logins: Logins
    commands: Callable[[], Mapping[str, Command]]
    certificates: Callable[[], Sequence[InUse]]

    def config(self) -> Snapshot:
        """The current configuration."""
        return self.holder.current
