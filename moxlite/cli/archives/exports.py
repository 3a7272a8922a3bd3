"""``moxlite export``: mail of an account into files (STORE-135)."""

import shlex
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import click

from moxlite.cli.common import FAILED, NOT_RUNNING, Failure, performed, talk
from moxlite.encoding import from_json
from moxlite.escapes import printable
from moxlite.operations.copies import Exported, ExportMail
from moxlite.wording import counted

if TYPE_CHECKING:
    from moxlite.cli.archives.transfer import Meter
    from moxlite.net.control.client import CtlClient

F = TypeVar("F", bound=Callable[..., object])


def _arguments(command: F) -> F:
    command = click.option("--single", is_flag=True, help="Don't include submailboxes.")(command)
    command = click.argument("mailbox", default="")(command)
    command = click.argument("account")(command)
    return click.argument("folder", metavar="DST", type=click.Path(file_okay=False, path_type=Path))(command)


@click.group()
def export() -> None:
    """Export an account's mail to files in the folder DST.

    By default, this exports all mailboxes. To export a mailbox and its submailboxes, specify MAILBOX. You can run this
    while the server is running. For unreadable messages, see DST/errors.txt.
    """


@export.command()
@_arguments
def maildir(folder: Path, account: str, mailbox: str, single: bool) -> None:
    """Export to Maildir, with a folder for each mailbox."""
    _export(folder, account, "maildir", mailbox, single=single)


@export.command()
@_arguments
def mbox(folder: Path, account: str, mailbox: str, single: bool) -> None:
    """Export to mbox files named MAILBOX.mbox."""
    _export(folder, account, "mbox", mailbox, single=single)


def _export(folder: Path, account: str, form: Literal["maildir", "mbox"], mailbox: str, *, single: bool) -> None:
    from moxlite.cli.archives.transfer import Meter

    if "/" in account:  # as no name has it
        right = shlex.join(["moxlite", "export", form, account, str(folder), *([mailbox] if mailbox else [])])
        raise click.UsageError(f"the folder comes before the account; run: {right}")
    if single and not mailbox:
        raise click.UsageError("--single requires a MAILBOX")
    request = ExportMail(account, form, mailbox, single)
    with Meter("exporting", None) as meter:
        exported = _run(request, folder, meter)
    print(f"exported {counted(exported.messages, 'message')} to {folder}")
    if exported.errors:
        raise Failure(f"some messages couldn't be exported; see {folder / 'errors.txt'}")


def _run(request: ExportMail, folder: Path, meter: "Meter") -> Exported:
    from moxlite.cli.archives.transfer import FolderWriter, stopped_config
    from moxlite.migration.mailcopies import export_stopped
    from moxlite.net.control.server import CommandFailed
    from moxlite.process.lock import Locked
    from moxlite.process.stopped import as_owner

    def into(writer: FolderWriter) -> Callable[[bytes], Awaitable[None]]:
        async def write(piece: bytes) -> None:
            import trio

            await trio.to_thread.run_sync(writer.put, piece)
            meter.octets(len(piece))

        return write

    async def ask_server(client: "CtlClient") -> Exported:
        return await performed(
            client,
            request,
            download=into(writer),
            progress=lambda raw: meter.count(from_json(raw, Exported).messages),
        )

    async def tell(exported: Exported) -> None:
        meter.count(exported.messages)

    try:
        with FolderWriter(folder) as writer:
            return talk(ask_server, broken=FAILED)
    except Failure as failure:
        if failure.code != NOT_RUNNING:
            raise
        snapshot = stopped_config(failure)
    try:
        # the thread that writes acts as the owner of the data, as all of this process does then
        with as_owner(snapshot.static.data_dir), FolderWriter(folder) as writer:
            return export_stopped(snapshot, request, into(writer), tell)
    except (Locked, CommandFailed) as error:
        raise Failure(printable(str(error))) from None
