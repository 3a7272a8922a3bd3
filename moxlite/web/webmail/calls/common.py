"""What the groups of the webmail's calls have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from moxlite.process.keys.signing import SigningKeys
from moxlite.sandbox.processes import Sandbox
from moxlite.submission.assurance import Assure
from moxlite.web.logincalls import LoginCalls
from moxlite.web.sessions import Sessions
from moxlite.web.webmail.holders import Holders
from moxlite.web.webmail.reading.views import Views

if TYPE_CHECKING:
    from moxlite.config.holder import Change
    from moxlite.config.snapshot import Snapshot
    from moxlite.store.delivery.status import Deliveries

__all__ = ["AccountCalls", "Edit", "Surroundings"]


Edit: TypeAlias = "Callable[[Change], Awaitable[Snapshot]]"


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls need of the server.

    Attributes:
      config: gives the configuration of this moment.
      edit: changes the configuration of domains and accounts; as `ConfigHolder.edit`.
      holders: the ways of users to accounts, their own and those of others.
      tmp: for long messages.
      sandbox: processes for what strangers' mails make expensive.
      views: the messages of each account that are shown at once.
      keys: of the domains that sign.
      deliveries: what becomes of mail that was sent; None while there is no queue.
      assure: finds out how well mail to a domain would be protected.
    """

    config: Callable[[], Snapshot]
    edit: Edit
    holders: Holders
    tmp: Path
    sandbox: Sandbox
    views: Views
    keys: SigningKeys
    deliveries: Deliveries | None
    assure: Assure


class AccountCalls(LoginCalls):
    """Calls on the account of a session."""

    def __init__(self, sessions: Sessions, surroundings: Surroundings) -> None:
        super().__init__(sessions)
        self._server = surroundings
        self._holders = surroundings.holders
        self._accounts = surroundings.holders.accounts
