"""Dependencies and base class of the account app's pages."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.admin.factors import FactorChanges
from moxlite.admin.formedits import Edit
from moxlite.admin.passwords import Passwords
from moxlite.queue.queue import Queue
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.web.account.devices import DeviceLinks
from moxlite.web.account.types import Training
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound, Unavailable
from moxlite.web.importing.browser import BrowserImports
from moxlite.web.sessions import Sessions

if TYPE_CHECKING:
    from moxlite.config.domains import Account
    from moxlite.config.snapshot import CurrentConfig, Snapshot
    from moxlite.groupware.copying import CalendarCopies
    from moxlite.logins.logins import Logins
    from moxlite.migration.background import BackgroundImports
    from moxlite.migration.links import Links
    from moxlite.net.tls.certificates import KeyPair
    from moxlite.operations.performing import Perform
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.web.notices.service import Notices

logger = logging.getLogger("moxlite.web.account")

QUEUE_AWAY: Final = "the outgoing queue isn't available; see the server log"
RETRY: Final = ("retry-after", "60")


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Dependencies of the calls.

    Attributes:
      config: the present configuration.
      perform: the operations for users.
      edit: changes domains.toml.
      passwords: sets and revokes passwords.
      queue: None while it cannot be used.
      certificate: returns the certificate of a listener by its name; it signs profiles for devices.
      copies: imports by IMAP. links: linked mailboxes.
      calendar_copies: copies of calendars and contacts from other servers.
      logins: finds the account of an address.
      factors: second factors and recovery links.
      imports: imports of files, shared with the webmail.
      notices: tells devices of new mail.
      devices: the devices that are being set up.
      training: accounts whose filters learn all messages again now.
    """

    config: CurrentConfig
    perform: Perform
    edit: Edit
    accounts: Accounts
    auth: AuthDB
    passwords: Passwords
    queue: Queue | None
    certificate: Callable[[str], KeyPair | None]
    copies: BackgroundImports
    links: Links
    calendar_copies: CalendarCopies
    logins: Logins
    factors: FactorChanges
    imports: BrowserImports
    notices: Notices
    devices: DeviceLinks = msgspec.field(default_factory=DeviceLinks)
    training: dict[str, Training] = msgspec.field(default_factory=dict)

    def reconfigured(self, old: Snapshot, new: Snapshot) -> None:
        """Forget the devices of accounts that are removed."""
        for name in old.domains.accounts.keys() - new.domains.accounts.keys():
            self.devices.remove(name)


class AccountCalls:
    """A page of calls for the account of a session."""

    def __init__(self, sessions: Sessions, server: Server) -> None:
        self._sessions = sessions
        self._server = server

    @asynccontextmanager
    async def _open(self, caller: Caller) -> AsyncIterator[OpenAccount]:
        """The account of the session. Raises StoreError."""
        async with self._server.accounts.use(caller.require().account) as account:
            yield account

    def _settings(self, caller: Caller) -> Account:
        """The account's settings. Raises NotFound if it was removed meanwhile."""
        account = self._server.config.current.account(caller.require().account)
        if account is None:
            raise NotFound("this account no longer exists")
        return account

    def _queue(self) -> Queue:
        """The queue. Raises Unavailable without one."""
        if self._server.queue is None:
            raise Unavailable(QUEUE_AWAY, RETRY)
        return self._server.queue


def moment(microseconds: int) -> dt.datetime:
    """A time in µs UTC as the calls give it, in whole seconds."""
    return dt.datetime.fromtimestamp(microseconds // 1_000_000, dt.UTC)


def now() -> int:
    """The time in µs UTC."""
    return time.time_ns() // 1000
