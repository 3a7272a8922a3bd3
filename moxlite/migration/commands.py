"""``imap import`` and ``imap export`` as commands of the control socket (IMAP-137).

The modules that do the work are loaded at first use, in a thread: with the IMAP client they take 1.2 MB, which most
servers never need.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import trio

from moxlite import lazyimport
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.migration.orders import Copied, CopyByImap, Event, MailboxStep, Note, Tell
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.net.resolver import Resolver
from moxlite.net.tls.certificates import Trust
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.errors import AccountRemoved, ImportFailed, StoreError

if TYPE_CHECKING:
    from moxlite.net.imapclient import Client

__all__ = ["ImapCopyCommands"]

logger = logging.getLogger("moxlite.admin.imapcopy")

WAITS: Final = (1.0, 5.0, 20.0, 60.0, 180.0)
"""Seconds to wait before each new connection after failed ones without progress. After the last, a copy fails; a
continuous one goes on with the last waiting time.
"""

STEP_SECONDS: Final = 0.5
"""Seconds between two progress reports of a mailbox."""

LOGOUT_SECONDS: Final = 5.0


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


Make: TypeAlias = Callable[[Account, Accounts, CopyByImap, Tell, Path], Copy]


class ImapCopyCommands:
    """The commands of the control socket.

    Args:
      trust: the authorities that sign the certificates of other servers.
    """

    def __init__(self, *, config: ConfigHolder, accounts: Accounts, resolver: Resolver, trust: Trust) -> None:
        self._config = config
        self._accounts = accounts
        self._resolver = resolver
        self._trust = trust
        self._running: dict[str, trio.CancelScope] = {}
        config.on_change(self._changed)

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {"imap import": Command(CopyByImap, self.import_), "imap export": Command(CopyByImap, self.export)}

    async def import_(self, args: CopyByImap, exchange: Exchange) -> Copied:
        """Copy mail of another server into an account, even if log-in is disabled for it."""
        await lazyimport.load("moxlite.migration.pull")
        from moxlite.migration.pull import Pull

        return await self._run("import", Pull, args, exchange)

    async def export(self, args: CopyByImap, exchange: Exchange) -> Copied:
        """Copy mail of an account to another server."""
        await lazyimport.load("moxlite.migration.push")
        from moxlite.migration.push import Push

        return await self._run("export", Push, args, exchange)

    async def _run(self, kind: str, make: Make, args: CopyByImap, exchange: Exchange) -> Copied:
        from moxlite.net.imapclient import IMAPClientError

        if self._config.current.account(args.account) is None:
            raise CommandFailed("notFound", f'there is no account "{args.account}"')
        if args.account in self._running:
            raise CommandFailed("busy", f"another import or export of {args.account} by IMAP is running")
        scope = self._running[args.account] = trio.CancelScope()
        end = "cancelled"
        copy: Copy | None = None
        failure: IMAPClientError | StoreError | OSError | None = None
        try:
            with scope:
                async with self._accounts.use(args.account) as account:
                    tmp = self._config.current.static.data_dir / "tmp"
                    tell = _throttled(exchange, scope)
                    copy = make(account, self._accounts, args, tell, tmp)
                    await self._connected(copy, args, tell)
                end = "done"
            if scope.cancelled_caught:  # the account is being removed, or the client has disconnected
                failure = AccountRemoved(args.account)
        except (IMAPClientError, StoreError, OSError) as error:
            failure = error
            end = str(error)
        finally:
            del self._running[args.account]
            done = Copied(0, 0, 0, 0, 0) if copy is None else copy.result
            who = {"account": args.account, "host": args.host, "user": args.user}
            what = {"messages": done.messages, "flags": done.flags, "problems": done.problems}
            logger.info(f"{kind} by imap ended", extra={"kv": {**who, **what, "end": end}})
        if isinstance(failure, OSError):
            raise CommandFailed("failed", f"a temporary file cannot be written: {failure.strerror or failure}")
        if failure is not None:
            raise CommandFailed("failed", _told(failure, copy))
        return done

    def _changed(self, old: Snapshot, new: Snapshot) -> None:
        """End the copies of accounts that are being removed: the removal waits until the accounts are unused
        (STORE-140).
        """
        del old
        for account, scope in self._running.items():
            if new.account(account) is None:
                scope.cancel()

    async def _connected(self, copy: Copy, args: CopyByImap, tell: Tell) -> None:
        """Run a copy over one connection after another, until it is complete, or makes no progress any more."""
        from moxlite.net.imapclient import BrokenServer, ConnectionLost

        failures, progress, greeted = 0, 0, False
        while True:
            try:
                client = await self._connect(args)
                greeted = True
                try:
                    await copy.once(client)
                    while args.continuous and not args.dry_run:
                        failures = 0
                        await copy.pause(client)
                        await copy.once(client)
                finally:
                    with trio.move_on_after(LOGOUT_SECONDS, shield=True):
                        await client.logout()
            except (ConnectionLost, BrokenServer, ImportFailed) as error:  # ImportFailed: another import is running
                if copy.progress > progress:
                    failures, progress = 0, copy.progress
                if not greeted or (failures >= len(WAITS) and not args.continuous):
                    raise
                seconds = WAITS[min(failures, len(WAITS) - 1)]
                failures += 1
                await tell(Note(f"{error}: trying again in {seconds:.0f} s", problem=False))
                await trio.sleep(seconds)
            else:
                return

    async def _connect(self, args: CopyByImap) -> "Client":
        from moxlite.net.imapclient import Credentials, Server, connect

        credentials = Credentials(args.user, args.password, args.token, allow_clear=args.tls == "none")
        server = Server(args.host, args.tls, args.port)
        return await connect(server, credentials, resolver=self._resolver, trust=self._trust)


def _told(error: Exception, copy: Copy | None) -> str:
    if copy is None or not copy.progress or isinstance(error, AccountRemoved):
        return str(error)
    return f"{error}; {copy.result.messages} messages were copied, the same command goes on where this one ended"


def _throttled(exchange: Exchange, scope: trio.CancelScope) -> Callable[[Event], Awaitable[None]]:
    """Sends events. Progress events of a mailbox are thinned out to a rate that a person can read. If the client has
    disconnected, `scope` is cancelled.
    """
    last = -STEP_SECONDS
    place = ("", -1)

    async def tell(event: Event) -> None:
        nonlocal last, place
        if isinstance(event, MailboxStep):
            now = trio.current_time()
            if place == (event.mailbox, event.done) or (event.done < event.total and now - last < STEP_SECONDS):
                return
            last, place = now, (event.mailbox, event.done)
        try:
            await exchange.progress(event)
        except trio.BrokenResourceError:
            scope.cancel()

    return tell
