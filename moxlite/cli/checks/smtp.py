"""``moxlite smtp``: an interactive session with an SMTP server (ADMIN-19)."""

from typing import TYPE_CHECKING, Final

import click

from moxlite.cli.common import HostPort, HostPortType, note, raw_output
from moxlite.cli.verdicts import NO, TEMPORARY, YES, resolver_option, with_resolver

if TYPE_CHECKING:
    import trio

    from moxlite.net.limits import IPAddress
    from moxlite.net.resolver import Resolver
    from moxlite.net.smtpclient import SMTPClient
    from moxlite.proto.smtp.conversation import TLSMode

IDLE_SECONDS: Final = 600.0
"""Seconds of silence from both sides after which the session ends."""

LAST_SECONDS: Final = 30.0
"""Seconds to wait for answers after the end of stdin."""

CHUNK: Final = 16 << 10
"""Octets that are taken from the connection at a time, as many as a record of TLS has."""


@click.group()
def smtp() -> None:
    """Connect to SMTP servers."""


@smtp.command()
@click.argument("server", type=HostPortType(25))
@click.option("--notls", "mode", flag_value="none", help="Don't use TLS.")
@click.option("--forcetls", "mode", flag_value="force", help="Use STARTTLS, even if it isn't announced.")
@click.option("--tls", "mode", flag_value="tls", help="Use implicit TLS.  [default: only on port 465]")
@click.option("--tlsverify", is_flag=True, help="Require a valid certificate for HOST.")
@click.option("--ehlo", default="localhost", show_default=True, metavar="NAME", help="Client name for EHLO.")
@resolver_option
def dial(server: HostPort, mode: str | None, tlsverify: bool, ehlo: str, resolver: HostPort | None) -> int:
    """Connect to an SMTP server. HOST has port 25 by default. This sends a greeting and uses STARTTLS if available.
    Then it sends lines from stdin, and prints responses.
    """
    from moxlite.proto.smtp.conversation import TLSMode

    host, port = server
    modes = {"none": TLSMode.SKIP, "force": TLSMode.REQUIRED_STARTTLS, "tls": TLSMode.IMMEDIATE}
    usual = TLSMode.IMMEDIATE if port == 465 else TLSMode.OPPORTUNISTIC
    chosen = modes.get(mode or "", usual)
    return with_resolver(resolver, lambda asked: _session(asked, host, port, chosen, ehlo, verify=tlsverify))


async def _session(resolver: "Resolver", host: str, port: int, mode: "TLSMode", ehlo: str, *, verify: bool) -> int:
    import trio

    from moxlite.net.dial import DialError, dial as connect
    from moxlite.net.resolver import DNSError
    from moxlite.net.smtpclient import CertificateRejected, SMTPClient
    from moxlite.net.tls.certificates import Trust
    from moxlite.net.tls.handshake import ClientTLS
    from moxlite.net.tls.stream import TLSStream
    from moxlite.proto.smtp.conversation import TLSMode
    from moxlite.proto.smtp.errors import SMTPError

    trust = Trust()

    def check(stream: TLSStream) -> None:
        problem = trust.check(stream.peer_chain(), host)
        if problem is not None:
            raise CertificateRejected(problem.text)

    try:
        stream = (await connect(await _addresses(resolver, host), port, inside=True)).stream
    except (DNSError, DialError) as error:
        note(str(error))
        return TEMPORARY
    client = SMTPClient(
        stream,
        ehlo,
        tls_mode=mode,
        tls=None if mode is TLSMode.SKIP else ClientTLS(),
        server_name=host,
        check=check if verify else None,
    )
    try:
        await client.hello()
    except SMTPError as error:
        note(str(error))
        await client.abort()
        return NO
    _tell(client)
    with trio.CancelScope() as scope:
        await _relay(client.stream, scope)
    await client.abort()
    return YES


async def _addresses(resolver: "Resolver", host: str) -> "list[IPAddress]":
    """Look up the addresses of a host. Raises DNSError."""
    from ipaddress import ip_address

    from moxlite.net.resolver import DNSError, NotFound, absolute

    try:
        return [ip_address(host)]
    except ValueError:
        try:
            return list((await resolver.ips(absolute(host))).records)
        except NotFound as error:
            why = "doesn't exist" if error.nonexistent else "has no address in DNS"
            raise DNSError(f"{host} {why}") from None


def _tell(client: "SMTPClient") -> None:
    """Print the part of the session that the client has handled: greeting, EHLO keywords, TLS."""
    note(f"greeting: {client.codec.greeting}")
    announced = client.announced
    if announced is not None:
        note(f"announced: {' '.join(sorted(announced.keywords))}")
    if client.tls_stream is not None:
        note(f"TLS: {client.tls_stream.facts.version} {client.tls_stream.facts.suite}")


async def _relay(stream: "trio.abc.Stream", scope: "trio.CancelScope") -> None:
    """Pass octets on in both directions until the server closes, or both sides are silent for `IDLE_SECONDS`. Lines
    from stdin get CRLF.
    """
    import sys

    import trio

    async def write() -> None:
        # Abandoned when the server closes: a read of a terminal ends with the next line alone.
        while line := await trio.to_thread.run_sync(sys.stdin.buffer.readline, abandon_on_cancel=True):
            await stream.send_all(line.rstrip(b"\r\n") + b"\r\n")
            scope.deadline = trio.current_time() + IDLE_SECONDS
        scope.deadline = trio.current_time() + LAST_SECONDS

    output = raw_output()
    scope.deadline = trio.current_time() + IDLE_SECONDS
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            while data := await stream.receive_some(CHUNK):
                output.write(bytes(data))
                sys.stdout.buffer.flush()
                scope.deadline = trio.current_time() + IDLE_SECONDS
            nursery.cancel_scope.cancel()
    except* (trio.BrokenResourceError, trio.ClosedResourceError):
        note("connection lost")
