"""``imap import`` and ``imap export`` as commands of the control socket (IMAP-137)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import trio

from moxlite.admin.edits import named_account
from moxlite.config.holder import ConfigHolder
from moxlite.migration.copies import Copies, CopyBusy, CopyFailed, Kind
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.operations.copies import Copied, CopyByImap, Event, ExportByImap, ImportByImap, MailboxStep, Note
from moxlite.operations.performing import commands

STEP_SECONDS: Final = 0.5
"""Seconds between two progress reports of a mailbox."""


class ImapCopyCommands:
    """The commands of the control socket."""

    def __init__(self, config: ConfigHolder, copies: Copies) -> None:
        self._config = config
        self._copies = copies

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(ImportByImap.bind_stream(self.import_), ExportByImap.bind_stream(self.export))

    async def import_(self, args: ImportByImap, exchange: Exchange) -> Copied:
        """Copy mail of another server into an account, even if log-in is disabled for it."""
        return await self._run("import", args, exchange)

    async def export(self, args: ExportByImap, exchange: Exchange) -> Copied:
        """Copy mail of an account to another server."""
        return await self._run("export", args, exchange)

    async def _run(self, kind: Kind, args: CopyByImap, exchange: Exchange) -> Copied:
        named_account(self._config, args.account)
        try:
            with trio.CancelScope() as scope:
                return await self._copies.run(kind, args, _throttled(exchange, scope))
        except CopyBusy as error:
            raise CommandFailed("busy", str(error)) from None
        except CopyFailed as error:
            raise CommandFailed("failed", str(error)) from None
        raise CommandFailed("failed", "the client has disconnected")


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
        if isinstance(event, Note):
            event = Note(str(event.text), event.problem)
        try:
            await exchange.progress(event)
        except trio.BrokenResourceError:
            scope.cancel()

    return tell
