"""Copies by IMAP, one of an account at a time, for the control socket and the account app (IMAP-137, WEB-159).

The modules that do the work are loaded at first use, in a thread: with the IMAP client they take 1.2 MB, which most
servers never need.
"""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

import trio

from moxlite import lazyimport
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.migration.linkstate import rejects_password
from moxlite.migration.problems import Tell, Transfer
from moxlite.net.limits import LoginsElsewhere
from moxlite.net.resolver import Resolver
from moxlite.net.tls.certificates import Trust
from moxlite.operations.copies import Copied, CopyByImap, Note
from moxlite.processor import act_for
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.errors import AccountRemoved, ImportFailed, StoreError
from moxlite.wording import reason_of, worded

if TYPE_CHECKING:
    from moxlite.net.imapclient import Client

logger = logging.getLogger("moxlite.admin.imapcopy")

Kind: TypeAlias = Literal["import", "export"]

WAITS: Final = (1.0, 5.0, 20.0, 60.0, 180.0)
"""Seconds to wait before each new connection after failed ones without progress. After the last, a copy fails; a
continuous one goes on with the last waiting time.
"""

LOGOUT_SECONDS: Final = 5.0
"""Seconds for a farewell: all work is done by then, and a server that hangs must not hold it up."""


class CopyFailed(Exception):
    """A copy ended before it was complete. The text is for its user."""


class CopyBusy(CopyFailed):
    """Another copy of the account by IMAP is running."""


class PasswordRejected(CopyFailed):
    """The other server says that the password is wrong."""


class Copy(Protocol):
    """Interface of `Pull` and `Push`."""

    @property
    def result(self) -> Copied:
        """Counts of the work done so far."""

    @property
    def progress(self) -> int:
        """A number that grows with all work done."""

    async def once(self, client: "Client") -> None:
        """Copy everything that differs now."""

    async def pause(self, client: "Client") -> None:
        """Wait until there may be more to copy."""


Make: TypeAlias = Callable[[Transfer], Copy]


class Copies:
    """The running copies of a server.

    Args:
      resolvers: find the servers: localserve imports from anywhere, and exports to this machine alone.
      trust: the authorities that sign the certificates of other servers.
    """

    def __init__(
        self, *, config: ConfigHolder, accounts: Accounts, resolvers: Mapping[Kind, Resolver], trust: Trust
    ) -> None:
        self.config = config
        self.accounts = accounts
        self.resolvers = resolvers
        self.trust = trust
        self.logins = LoginsElsewhere(*config.current.static.rate_limits.logins_elsewhere_per_hour)
        self._running: dict[str, trio.CancelScope] = {}

    @property
    def outside(self) -> Resolver:
        """Finds other servers."""
        return self.resolvers["import"]

    def is_running(self, account: str) -> bool:
        """Whether a copy of this account is running."""
        return account in self._running

    async def run(
        self,
        kind: Kind,
        order: CopyByImap,
        tell: Tell,
        *,
        inside: bool = True,
        begun: Callable[[Copy], None] = lambda copy: None,
        accepted: Callable[[], None] = lambda: None,
    ) -> Copied:
        """Copy everything that differs; returns the counts. Cancellation keeps the messages that were copied.

        Args:
          inside: whether the server may have an address of the inner network (`net.dial.dial`).
          begun: takes the copy, whose `result` grows while it runs.
          accepted: called once, after the first log-in.

        Raises CopyFailed, CopyBusy, PasswordRejected.
        """
        account_name = order.account
        act_for(account_name)  # a command begins it, too
        if account_name in self._running:
            raise CopyBusy(worded("another IMAP import or export of {account} is running", account=account_name))
        scope = self._running[account_name] = trio.CancelScope()
        end = "cancelled"
        copy: Copy | None = None
        failure: Exception | None = None
        try:
            make = await _make(kind)
            from moxlite.net.imapclient import IMAPClientError

            try:
                with scope:
                    async with self.accounts.use(account_name) as account:
                        tmp = self.config.current.static.data_dir / "tmp"
                        copy = make(Transfer(account, self.accounts, order, tell, tmp))
                        begun(copy)
                        await self._connected(kind, copy, order, tell, accepted, inside=inside)
                    end = "done"
                if scope.cancelled_caught:  # the account is being removed
                    failure = AccountRemoved(account_name)
            except (IMAPClientError, StoreError, OSError) as error:
                failure = error
                end = str(error)
        finally:
            del self._running[account_name]
            done = Copied(0, 0, 0, 0, 0) if copy is None else copy.result
            who = {"account": account_name, "host": order.host, "user": order.user}
            what = {"messages": done.messages, "flags": done.flags, "problems": done.problems}
            logger.info(f"IMAP {kind} finished", extra={"kv": {**who, **what, "end": end}})
        if isinstance(failure, OSError):
            raise CopyFailed(worded("can't write a temporary file: {reason}", reason=failure.strerror or failure))
        if failure is not None:
            kind_of_failure = PasswordRejected if rejects_password(failure) else CopyFailed
            raise kind_of_failure(_told(failure, copy))
        return done

    def reconfigured(self, old: Snapshot, new: Snapshot) -> None:
        """End the copies of accounts that are being removed: the removal waits until the accounts are unused
        (STORE-140).
        """
        del old
        for account, scope in self._running.items():
            if new.account(account) is None:
                scope.cancel()

    async def _connected(
        self, kind: Kind, copy: Copy, order: CopyByImap, tell: Tell, accepted: Callable[[], None], *, inside: bool
    ) -> None:
        """Run a copy over one connection after another, until it is complete, or makes no progress any more."""
        from moxlite.net.imapclient import BrokenServer, ConnectionLost

        failures, progress, greeted = 0, 0, False
        while True:
            try:
                client = await self.connect(kind, order, inside)
                if not greeted:
                    accepted()
                greeted = True
                try:
                    await copy.once(client)
                    while order.continuous and not order.dry_run:
                        failures = 0
                        await copy.pause(client)
                        await copy.once(client)
                finally:
                    with trio.move_on_after(LOGOUT_SECONDS, shield=True):
                        await client.logout()
            except (ConnectionLost, BrokenServer, ImportFailed) as error:  # ImportFailed: another import is running
                # A server that ends each connection after some time still lets a large copy come to its end.
                if copy.progress > progress:
                    failures, progress = 0, copy.progress
                # Before the first log-in a user waits for the answer, and most likely a name or port is wrong.
                if not greeted or (failures >= len(WAITS) and not order.continuous):
                    raise
                seconds = WAITS[min(failures, len(WAITS) - 1)]
                failures += 1
                text = worded("{reason}; retrying in {seconds} s", reason=error, seconds=int(seconds))
                await tell(Note(text, problem=False))
                await trio.sleep(seconds)
            else:
                return

    async def connect(self, kind: Kind, order: CopyByImap, inside: bool) -> "Client":
        """Log in at another server; the IMAP client must have been loaded. Raises IMAPClientError."""
        from moxlite.net.imapclient import Credentials, Server, connect

        credentials = Credentials(order.user, order.password, order.token, allow_clear=order.tls == "none")
        server = Server(order.host, order.tls, order.port)
        resolver = self.resolvers[kind]
        return await connect(server, credentials, resolver=resolver, trust=self.trust, inside=inside)


async def _make(kind: Kind) -> Make:
    if kind == "import":
        await lazyimport.load("moxlite.migration.pull")
        from moxlite.migration.pull import Pull

        return Pull
    await lazyimport.load("moxlite.migration.push")
    from moxlite.migration.push import Push

    return Push


def _told(error: Exception, copy: Copy | None) -> str:
    if copy is None or not copy.progress or isinstance(error, AccountRemoved):
        return reason_of(error)
    return worded(
        "{reason} (messages copied so far: {n}). To continue, run the same command again.",
        reason=error,
        n=copy.result.messages,
    )
