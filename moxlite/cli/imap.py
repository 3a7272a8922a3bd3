"""``moxlite imap``, ``moxlite jmap`` and ``moxlite admin imapserve``: sessions and their transcripts, mail from and to
other servers, and a session over stdin and stdout (IMAP-22, IMAP-137, IMAP-159, JMAP-8a).
"""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from moxlite.cli.archives.imapcopy import export, import_, stated_password
from moxlite.cli.common import ask, json_option, perform, performed, show, show_json, talk
from moxlite.cli.described import described
from moxlite.escapes import printable
from moxlite.operations import described_in, links
from moxlite.operations.imap import ImapServe, ImapSessions, ImapTrace, JmapTrace

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
    imap_sessions = perform(ImapSessions(kill))
    columns = ("id", "address", "remote", "client", "mailbox", "received", "sent", "command")
    show(imap_sessions, columns, as_json=as_json)


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
    # Without a buffer: lines are shown as they happen, also through a pipe to grep.
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
    """Mailboxes at other providers, mirrored here: read and answered in one place."""


described(link, described_in(links), {}, {}, without={links.AddLink, links.TryLink, links.SetLinkPassword})

_OPTIONS = (
    click.option("--host", default="", help="The IMAP or POP3 server there; by default it is found by the address."),
    click.option(
        "--protocol",
        type=click.Choice(["imap", "pop3"]),
        help="POP3 only fetches new mail: for servers without IMAP. By default IMAP, or what is found.",
    ),
    click.option("--user", default="", help="User name there; by default the address."),
    click.option("--port", type=click.IntRange(1, 65535), help="By default the usual one."),
    click.option(
        "--tls",
        type=click.Choice(["implicit", "starttls", "none"]),
        help="TLS at once (the default), by STARTTLS, or none.",
    ),
    click.option(
        "--smtp-host",
        default="",
        help="The server that sends mail from ADDRESS; by default it is found by the address.",
    ),
    click.option("--smtp-user", default="", help="User name there; by default that of the IMAP server."),
    click.option("--smtp-port", type=click.IntRange(1, 65535), help="By default the usual one."),
    click.option(
        "--smtp-tls",
        type=click.Choice(["implicit", "starttls"]),
        help="TLS at once (the default), or by STARTTLS.",
    ),
    click.option(
        "--keeps-copy",
        type=click.BOOL,
        metavar="[true|false]",
        help="The provider puts what is sent into its Sent by itself; by default as known of the provider.",
    ),
    click.option("--no-sending", is_flag=True, help="Send nothing from ADDRESS."),
    click.option(
        "--password-file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Its first line is the password there; else it is asked for, or read from stdin.",
    ),
)


def _server_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@link.command("add")
@click.argument("account")
@click.argument("address")
@click.option("--name", default="", help="The mailbox here below which its mailboxes are; by default of the address.")
@click.option(
    "--keep-days",
    type=click.IntRange(0, 3650),
    help="With POP3: remove mail there this many days after it came here; by default never.",
)
@click.option(
    "--sort",
    "sorts",
    is_flag=True,
    help="Sort new mail of its Inbox by the junk filter, rules and script of ACCOUNT.",
)
@_server_options
@json_option
def link_add(account: str, address: str, name: str, sorts: bool, as_json: bool, **given: Any) -> None:
    """Mirror the mailboxes of ADDRESS at another provider in ACCOUNT, below a mailbox of their own."""
    made = perform(links.AddLink(account=account, address=address, name=name, sorts=sorts, **_server(address, given)))
    if as_json:
        show_json(made)
    else:
        print(printable(f"{made.address} is linked; its mailboxes are below {made.name}"))
        print(printable(_sending(made, made.sending)))


@link.command("test")
@click.argument("address")
@_server_options
@json_option
def link_test(address: str, as_json: bool, **given: Any) -> None:
    """Log in as ADDRESS at another provider and say what is there; nothing is kept."""
    asked = links.TryLink(address=address, **_server(address, given))
    found = perform(asked)
    if as_json:
        show_json(found)
    else:
        often = "5 minutes" if asked.protocol == "pop3" else "15 seconds"
        how = "tells of new mail at once" if found.instant else f"is asked for new mail every {often}"
        print(f"{len(found.mailboxes)} mailboxes with {found.messages} messages; the server {how}")
        print(printable(_sending(found, found.sending)))


@link.command("set-password")
@click.argument("account")
@click.argument("name", metavar="LINK")
@click.option("--password-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def link_set_password(account: str, name: str, password_file: Path | None) -> None:
    """Give LINK of ACCOUNT the password that it has at its provider now: asked for, or the first line of stdin."""
    perform(links.SetLinkPassword(account, name, stated_password(password_file, name)))


def _server(address: str, given: dict[str, Any]) -> dict[str, Any]:
    file = given.pop("password_file")
    sends = not given.pop("no_sending")
    if not given["host"]:
        found = _found(address)
        if given["protocol"] not in (None, found["protocol"]):
            raise click.ClickException(f"no server with {given['protocol'].upper()} was found: give it as --host")
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
                f"only DNS without signatures names {found_servers.incoming.host}, a server of another domain; "
                f"if it is the right one, add --host {found_servers.incoming.host}"
            )
        )
    click.echo(printable(f"The server is {found_servers.incoming.host}."), err=True)
    if found_servers.wants:
        what = {
            "app": f"{found_servers.provider} wants an app password, which is made at {found_servers.page}",
            "allow": f"Allow IMAP in the settings of {found_servers.provider} first: {found_servers.page}",
        }
        click.echo(printable(what[found_servers.wants]), err=True)
    incoming, smtp = found_servers.incoming, found_servers.smtp
    servers = {"host": incoming.host, "port": incoming.port, "tls": incoming.tls, "user": incoming.user}
    servers["protocol"] = found_servers.protocol
    if found_servers.protocol == "pop3":
        click.echo("It has POP3 alone: new mail is fetched into one mailbox, and nothing goes back.", err=True)
    if smtp is not None:
        servers |= {"smtp_host": smtp.host, "smtp_port": smtp.port, "smtp_tls": smtp.tls, "smtp_user": smtp.user}
    return servers


def _sending(link: links.LinkInfo | links.LinkTest, said: str) -> str:
    """Where mail from the address of a link goes out, or why it does not."""
    if said:
        return f"mail from this address is not sent: {said}"
    return (
        f"mail from this address is sent by {link.smtp_host}" if link.smtp_host else "no mail is sent from this address"
    )
