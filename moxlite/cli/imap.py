"""``moxlite imap`` and ``moxlite admin imapserve``: who is connected by IMAP, and a session over stdin and stdout
(IMAP-22, IMAP-159).
"""

import os
from collections.abc import AsyncIterator
from typing import Final

import click

from moxlite.cli.common import NOT_RUNNING, OTHER_VERSION, Failure, ask, call, json_option, load_config, printable, show

__all__ = ["imap", "imapserve"]

PIECE: Final = 65_536
"""Octets read from stdin at once."""


@click.group()
def imap() -> None:
    """IMAP sessions of the running server."""


@imap.command()
@click.option("--kill", type=int, metavar="ID", help="End this session.")
@json_option
def sessions(kill: int | None, as_json: bool) -> None:
    """List the IMAP sessions that are logged in."""
    from moxlite.admin.requests import ImapSession, ImapSessions

    if kill is not None:
        ask(f"End IMAP session {kill}?")
    found = call("imap sessions", ImapSessions(kill), list[ImapSession])
    columns = ("id", "address", "remote", "client", "mailbox", "received", "sent", "command")
    show(found, columns, as_json=as_json)


@click.command()
@click.argument("address")
def imapserve(address: str) -> None:
    """Speak IMAP on stdin and stdout, logged in as ADDRESS: for mail programs that run commands instead of opening
    connections, through ssh for instance.
    """
    import trio

    from moxlite.admin.requests import ImapServe
    from moxlite.net.ctlclient import CtlFailed, NotRunning, VersionMismatch, connect_ctl

    path = load_config().static.data_dir / "ctl"

    async def upload() -> AsyncIterator[bytes]:
        while octets := await trio.to_thread.run_sync(os.read, 0, PIECE, abandon_on_cancel=True):
            yield octets

    async def download(octets: bytes) -> None:
        rest = memoryview(octets)
        while rest:
            rest = rest[await trio.to_thread.run_sync(os.write, 1, rest, abandon_on_cancel=True) :]

    async def talk() -> None:
        async with connect_ctl(path) as client:
            await client.call("admin imapserve", ImapServe(address), type(None), upload=upload(), download=download)

    try:
        trio.run(talk)
    except NotRunning as error:
        raise Failure(str(error), NOT_RUNNING) from None
    except VersionMismatch as error:
        raise Failure(str(error), OTHER_VERSION) from None
    except CtlFailed as error:
        raise Failure(printable(str(error))) from None
