"""``moxlite import`` and ``moxlite export``: the commands of the control socket, and the same without a server
(STORE-120, STORE-135, STORE-9).

An import receives octets as a stream, so the server needs no right to read the user's files. An export sends a tar
stream, which the command line writes into files.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import trio

from moxlite import lazyimport
from moxlite.admin.commandedits import named_account
from moxlite.admin.storage.settings import compression, store_options
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import FixedConfig, Snapshot
from moxlite.net.control.protocol import StreamBroken, StreamReceiver
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.operations.copies import Exported, ExportMail, Imported, ImportMail
from moxlite.operations.performing import commands
from moxlite.process.stopped import stopped
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.body import prefer
from moxlite.store.errors import ImportFailed, StoreError
from moxlite.store.exports.items import Container, ExportOrder, FileForm
from moxlite.store.imports.engine import Imports
from moxlite.store.imports.items import Aborted, Done, Event, Form, Order, Upload
from moxlite.store.names import INBOX

Tell = Callable[[Event], Awaitable[None]]

T = TypeVar("T")

COUNT_STEP: Final = 1_000
"""Messages of an export between two reports of its progress."""


class CopyCommands:
    """The commands of the control socket; `imports` is the server's only instance."""

    def __init__(self, config: ConfigHolder, accounts: Accounts, imports: Imports) -> None:
        self._config = config
        self._accounts = accounts
        self._imports = imports

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(ImportMail.bind_stream(self.import_), ExportMail.bind_stream(self.export))

    async def import_(self, args: ImportMail, exchange: Exchange) -> Imported:
        """Import the octets that the client sends; a disconnect aborts the import."""
        named_account(self._config, args.account)
        order = _order(args, self._config.current)
        return await _import(self._imports, args.account, order, Upload(_received(exchange.upload)), exchange.progress)

    async def export(self, args: ExportMail, exchange: Exchange) -> Exported:
        """Send the files as a tar stream."""
        named_account(self._config, args.account)
        tmp = self._config.current.static.data_dir / "tmp"
        exported = await _export(self._accounts, args, tmp, exchange.download.send, exchange.progress)
        await exchange.download.end()
        return exported


def import_stopped(snapshot: Snapshot, args: ImportMail, file: BinaryIO, tell: Tell) -> Imported:
    """Import without a server. Raises CommandFailed; Locked, OSError: the data directory cannot be used."""

    async def work(accounts: Accounts, tmp: Path) -> Imported:
        return await _import(Imports(accounts, tmp), args.account, _order(args, snapshot), file, tell)

    return _stopped(snapshot, work)


def export_stopped(
    snapshot: Snapshot,
    args: ExportMail,
    write: Callable[[bytes], Awaitable[None]],
    tell: Callable[[Any], Awaitable[None]],
) -> Exported:
    """Export without a server. Raises as `import_stopped`."""

    async def work(accounts: Accounts, tmp: Path) -> Exported:
        return await _export(accounts, args, tmp, write, tell)

    return _stopped(snapshot, work)


def _stopped(snapshot: Snapshot, work: Callable[[Accounts, Path], Awaitable[T]]) -> T:
    data = snapshot.static.data_dir

    async def run() -> T:
        prefer(compression(snapshot))
        accounts = Accounts(data, store_options(FixedConfig(snapshot)))
        tmp = data / "tmp"
        tmp.mkdir(mode=0o750, exist_ok=True)
        try:
            return await work(accounts, tmp)
        finally:
            with trio.CancelScope(shield=True):  # bounded: accounts without users
                await accounts.aclose()

    with stopped(data):
        return trio.run(run)


def _order(args: ImportMail, snapshot: Snapshot) -> Order:
    return Order(
        form=Form(args.form),
        mailbox=args.mailbox,
        labels=args.mailbox.lower() == INBOX.lower(),  # a chosen mailbox takes precedence
        meanings=args.labels,
        prefix=args.prefix,
        skip_duplicates=args.skip_duplicates,
        dry_run=args.dry_run,
        max_size=snapshot.static.store.import_max_size,
    )


async def _import(imports: Imports, account: str, order: Order, file: BinaryIO | Upload, tell: Tell) -> Imported:
    progress = imports.begin(account)

    async def listen() -> None:
        try:
            async for event in progress.subscribe():
                await tell(event)
        except trio.BrokenResourceError:  # the client has disconnected, and sends nothing more
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        await imports.run(progress, order, file)
    match progress.end:
        case Done(messages, problems, _, _):
            return Imported(messages, problems)
        case Aborted(text):
            raise CommandFailed("failed", f"import failed: {text}")
        case None:
            raise AssertionError("the import stopped unexpectedly")


async def _received(upload: StreamReceiver) -> AsyncIterator[bytes]:
    try:
        async for piece in upload:
            yield piece
    except StreamBroken as error:
        raise ImportFailed(f"can't read the file: {error}") from None


async def _export(
    accounts: Accounts,
    args: ExportMail,
    tmp: Path,
    write: Callable[[bytes], Awaitable[None]],
    tell: Callable[[Any], Awaitable[None]],
) -> Exported:
    order = ExportOrder(
        form=FileForm(args.form), container=Container.TAR, mailbox=args.mailbox, recursive=not args.single
    )
    await lazyimport.load("moxlite.store.exports.engine")
    from moxlite.store.exports.engine import Export

    told = 0
    try:
        async with accounts.use(args.account) as account:
            export = Export(account, order, tmp)
            async with contextlib.aclosing(export.stream()) as pieces:
                async for piece in pieces:
                    await write(piece)
                    if export.messages // COUNT_STEP > told // COUNT_STEP:
                        told = export.messages
                        await tell(Exported(export.messages, export.errors))
    except StoreError as error:
        raise CommandFailed("failed", f"the export is incomplete: {error}") from None
    return Exported(export.messages, export.errors)
