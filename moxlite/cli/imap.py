"""``moxlite imap``, ``moxlite jmap`` and ``moxlite admin imapserve``: sessions and their transcripts, mail from and to
other servers, and a session over stdin and stdout (IMAP-22, IMAP-137, IMAP-159, JMAP-8a).
"""

import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import click

from moxlite.cli.archives.imapcopy import export, import_
from moxlite.cli.common import ask, json_option, perform, performed, show, talk
from moxlite.operations.imap import ImapServe, ImapSessions, ImapTrace
from moxlite.operations.jmap import JmapTrace

if TYPE_CHECKING:
    from moxlite.net.control.client import CtlClient

PIECE: Final = 65_536
"""Octets read from stdin at once."""


@click.group()
def imap() -> None:
    """IMAP sessions of the running server, and mail from and to other servers."""


imap.add_command(import_)
imap.add_command(export)


@imap.command()
@click.option("--kill", type=int, metavar="ID", help="End this session.")
@json_option
def sessions(kill: int | None, as_json: bool) -> None:
    """List the IMAP sessions that are logged in."""
    if kill is not None:
        ask(f"End IMAP session {kill}?")
    found = perform(ImapSessions(kill))
    columns = ("id", "address", "remote", "client", "mailbox", "received", "sent", "command")
    show(found, columns, as_json=as_json)


@imap.command()
@click.argument("account")
@click.option("--minutes", type=click.IntRange(1, 60), default=10, show_default=True, help="How long to go on.")
def trace(account: str, minutes: int) -> None:
    """Show what the IMAP sessions of ACCOUNT say and are told, as it happens: C is the client, S the server. Log-ins,
    the content of messages and metadata are masked. Ends by itself, or by Ctrl-C; the server logs that it was asked
    for.
    """
    _show_transcript(ImapTrace(account, minutes))


@click.group()
def jmap() -> None:
    """Programs that speak JMAP with the running server."""


@jmap.command("trace")
@click.argument("account")
@click.option("--minutes", type=click.IntRange(1, 60), default=10, show_default=True, help="How long to go on.")
def trace_jmap(account: str, minutes: int) -> None:
    """Show what the programs of ACCOUNT call by JMAP and are answered, as it happens: C is the program, S the server.
    Texts, names and addresses are masked. Ends by itself, or by Ctrl-C; the server logs that it was asked for.
    """
    _show_transcript(JmapTrace(account, minutes))


def _show_transcript(operation: ImapTrace | JmapTrace) -> None:
    with os.fdopen(1, "wb", buffering=0, closefd=False) as terminal:
        done = perform(operation, output=terminal)
    if done.lost:
        click.echo(f"{done.lost} lines were left out: they came faster than they could be shown", err=True)


@click.command()
@click.argument("address")
def imapserve(address: str) -> None:
    """Speak IMAP on stdin and stdout, logged in as ADDRESS: for mail programs that run commands instead of opening
    connections, through ssh for instance.
    """
    import trio

    async def upload() -> AsyncIterator[bytes]:
        while octets := await trio.to_thread.run_sync(os.read, 0, PIECE, abandon_on_cancel=True):
            yield octets

    async def download(octets: bytes) -> None:
        rest = memoryview(octets)
        while rest:
            rest = rest[await trio.to_thread.run_sync(os.write, 1, rest, abandon_on_cancel=True) :]

    async def serve(client: "CtlClient") -> None:
        await performed(client, ImapServe(address), upload=upload(), download=download)

    talk(serve)
