"""``moxlite imap``, ``moxlite jmap`` and ``moxlite admin imapserve``: sessions and their transcripts, mail from and to
other servers, and a session over stdin and stdout (IMAP-22, IMAP-137, IMAP-159, JMAP-8a).
"""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from moxlite.cli.archives.imapcopy import export, import_, stated_password
from moxlite.cli.common import Failure, ask, json_option, perform, performed, show, show_json, talk
from moxlite.cli.described import described
from moxlite.escapes import printable
from moxlite.operations import described_in, links
from moxlite.operations.imap import ImapServe, ImapSessions, ImapTrace, JmapTrace
from moxlite.wording import counted

if TYPE_CHECKING:
    from moxlite.net.control.client import CtlClient

PIECE: Final = 65_536
"""Octets read from stdin at once."""


@click.group()
def imap() -> None:
    """Manage IMAP sessions, and copy mail between servers."""


imap.add_command(import_)
imap.add_command(export)


@imap.command()
@click.option("--kill", type=int, metavar="ID", help="End this session.")
@json_option
def sessions(kill: int | None, as_json: bool) -> None:
    """List logged-in IMAP sessions."""
    if kill is not None:
        running = next((session for session in perform(ImapSessions(None)) if session.id == kill), None)
        if running is None:
            raise Failure(f"IMAP session not found: {kill}")
        ask(f"End IMAP session {kill} of {running.address} from {running.remote}?")
    imap_sessions = perform(ImapSessions(kill))
    columns = ("id", "address", "remote", "client", "mailbox", "received", "sent", "command")
    show(imap_sessions, columns, as_json=as_json)


@imap.command()
@click.argument("account")
@click.option("--minutes", type=click.IntRange(1, 60), default=10, show_default=True, help="Duration.")
def trace(account: str, minutes: int) -> None:
    """Show ACCOUNT's IMAP sessions live. C is the client, S the server. Logins, message content, and metadata are
    masked. To stop earlier, press Ctrl-C. The server logs when you use this command.
    """
    _show_transcript(ImapTrace(account, minutes))


@click.group()
def jmap() -> None:
    """Manage JMAP clients on the running server."""


@jmap.command("trace")
@click.argument("account")
@click.option("--minutes", type=click.IntRange(1, 60), default=10, show_default=True, help="Duration.")
def trace_jmap(account: str, minutes: int) -> None:
    """Show JMAP calls by ACCOUNT's clients live. C is the client, S the server. Texts, names, and addresses are masked.
    To stop earlier, press Ctrl-C. The server logs when you use this command.
    """
    _show_transcript(JmapTrace(account, minutes))


def _show_transcript(operation: ImapTrace | JmapTrace) -> None:
    # Without a buffer: lines are shown as they happen, also through a pipe to grep.
    with os.fdopen(1, "wb", buffering=0, closefd=False) as terminal:
        done = perform(operation, output=terminal)
    if done.lost:
        click.echo(f"skipped {counted(done.lost, 'line')} that arrived too fast", err=True)


@click.command()
@click.argument("address")
def imapserve(address: str) -> None:
    """Use IMAP on stdin and stdout, logged in as ADDRESS. This is for mail clients that run a command instead of
    opening a connection, for example, with ssh.
    """
    import trio

    async def upload() -> AsyncIterator[bytes]:
        # By the descriptor: a buffered reader waits until it has a whole block, while the server waits for the line.
        while octets := await trio.to_thread.run_sync(os.read, 0, PIECE, abandon_on_cancel=True):
            yield octets

    async def download(octets: bytes) -> None:
        rest = memoryview(octets)
        while rest:
            rest = rest[await trio.to_thread.run_sync(os.write, 1, rest, abandon_on_cancel=True) :]

    async def serve(client: "CtlClient") -> None:
        await performed(client, ImapServe(address), upload=upload(), download=download)

    talk(serve)


# Linked mailboxes (LINK-4)


@click.group()
def link() -> None:
    """Manage linked accounts. They are accounts at other providers that you can read and reply to here."""


described(link, described_in(links), {}, {}, without={links.AddLink, links.TryLink, links.SetLinkPassword})

_OPTIONS = (
    click.option("--host", default="", help="IMAP or POP3 server.  [default: based on the address]"),
    click.option(
        "--protocol",
        type=click.Choice(["imap", "pop3"]),
        help="Use POP3 for servers without IMAP, to download new mail only.  [default: IMAP, or detected]",
    ),
    click.option("--user", default="", help="User name on the server.  [default: the address]"),
    click.option("--port", type=click.IntRange(1, 65535), help="Port. [default: standard port]"),
    click.option(
        "--tls",
        type=click.Choice(["implicit", "starttls", "none"]),
        help="implicit TLS (the default), STARTTLS, or none.",
    ),
    click.option(
        "--smtp-host",
        default="",
        help="SMTP server for ADDRESS.  [default: based on the address]",
    ),
    click.option("--smtp-user", default="", help="User name on the server.  [default: same as for IMAP]"),
    click.option("--smtp-port", type=click.IntRange(1, 65535), help="Port. [default: standard port]"),
    click.option(
        "--smtp-tls",
        type=click.Choice(["implicit", "starttls"]),
        help="implicit TLS (the default), or STARTTLS.",
    ),
    click.option(
        "--keeps-copy",
        type=click.BOOL,
        metavar="[true|false]",
        help="Provider saves sent messages in its Sent folder.  [default: depends on the provider]",
    ),
    click.option("--no-sending", is_flag=True, help="Don't send from ADDRESS."),
    click.option(
        "--password-file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="File with the password in the first line.  [default: prompt, or stdin]",
    ),
)


def _server_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@link.command("add")
@click.argument("account")
@click.argument("address")
@click.option("--name", default="", help="Parent mailbox for the account's mailboxes.  [default: the address]")
@click.option(
    "--keep-days",
    type=click.IntRange(0, 3650),
    help="With POP3, days until mail is deleted from the provider.  [default: never]",
)
@click.option(
    "--sort",
    "sorts",
    is_flag=True,
    help="Sort new Inbox mail with ACCOUNT's junk filter, rules, and script.",
)
@_server_options
@json_option
def link_add(account: str, address: str, name: str, sorts: bool, as_json: bool, **given: Any) -> None:
    """Link ADDRESS at another provider to ACCOUNT. Mail syncs to a separate mailbox."""
    made = perform(links.AddLink(account=account, address=address, name=name, sorts=sorts, **_server(address, given)))
    if as_json:
        show_json(made)
    else:
        print(printable(f"linked {made.address}; its mailboxes are below {made.name}"))
        print(printable(_sending(made, made.sending)))


@link.command("test")
@click.argument("address")
@_server_options
@json_option
def link_test(address: str, as_json: bool, **given: Any) -> None:
    """Test the login for ADDRESS at another provider. This shows a summary of the mail there, and doesn't store
    anything.
    """
    asked = links.TryLink(address=address, **_server(address, given))
    found = perform(asked)
    if as_json:
        show_json(found)
    else:
        often = "5 minutes" if asked.protocol == "pop3" else "15 seconds"
        how = "reports new mail immediately" if found.instant else f"is checked for new mail every {often}"
        print(f"{counted(len(found.mailboxes), 'mailbox')} with {counted(found.messages, 'message')}; the server {how}")
        print(printable(_sending(found, found.sending)))


@link.command("set-password")
@click.argument("account")
@click.argument("name", metavar="LINK")
@click.option("--password-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def link_set_password(account: str, name: str, password_file: Path | None) -> None:
    """Update LINK's password after changing it there. LINK belongs to ACCOUNT. Enter the password when prompted, or use
    the first line of stdin.
    """
    perform(links.SetLinkPassword(name, stated_password(password_file, name), account=account))


def _server(address: str, given: dict[str, Any]) -> dict[str, Any]:
    file = given.pop("password_file")
    sends = not given.pop("no_sending")
    if not given["host"]:
        found = _found(address)
        if given["protocol"] not in (None, found["protocol"]):
            raise click.ClickException(f"no {given['protocol'].upper()} server found; specify one with --host")
        given = found | {name: value for name, value in given.items() if value or name == "keeps_copy"}
    given["protocol"] = given["protocol"] or "imap"
    ports = {name: given.get(name) or 0 for name in ("port", "smtp_port")}
    modes = {name: given.get(name) or "implicit" for name in ("tls", "smtp_tls")}
    password = stated_password(file, given.get("user") or address)
    return {**given, **ports, **modes, "sends": sends, "password": password}


def _found(address: str) -> dict[str, Any]:
    """The servers of an address; what its provider wants is said."""
    found_servers = perform(links.FindServers(address))
    if not found_servers.proven:
        raise click.ClickException(
            printable(
                f"{found_servers.incoming.host}, a server in another domain, was only found in unsigned DNS; if "
                f"it's the right one, add --host {found_servers.incoming.host}"
            )
        )
    click.echo(printable(f"The server is {found_servers.incoming.host}."), err=True)
    if found_servers.wants:
        what = {
            "app": f"{found_servers.provider} requires an app password; create one at {found_servers.page}",
            "allow": f"First turn on IMAP in {found_servers.provider}'s settings: {found_servers.page}",
        }
        click.echo(printable(what[found_servers.wants]), err=True)
    incoming, smtp = found_servers.incoming, found_servers.smtp
    servers = {"host": incoming.host, "port": incoming.port, "tls": incoming.tls, "user": incoming.user}
    servers["protocol"] = found_servers.protocol
    if found_servers.protocol == "pop3":
        click.echo(
            "Only POP3 is available. New mail is downloaded to one mailbox, and changes aren't synced back.", err=True
        )
    if smtp is not None:
        servers |= {"smtp_host": smtp.host, "smtp_port": smtp.port, "smtp_tls": smtp.tls, "smtp_user": smtp.user}
    return servers


def _sending(link: links.LinkInfo | links.LinkTest, said: str) -> str:
    """Where mail from the address of a link goes out, or why it does not."""
    if said:
        return f"mail from this address isn't sent: {said}"
    return f"mail from this address is sent by {link.smtp_host}" if link.smtp_host else "this address can't send mail"
