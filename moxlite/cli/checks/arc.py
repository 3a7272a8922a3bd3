"""``moxlite arc``: verifying and sealing ARC chains (AUTH-90, AUTH-110)."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from moxlite.cli.common import Failure, HostPort, raw_output
from moxlite.cli.verdicts import NO, TEMPORARY, YES, resolver_option, tell, with_resolver

if TYPE_CHECKING:
    from moxlite.mailauth.arc.seal import Sealer
    from moxlite.mailauth.results import ARCResult
    from moxlite.net.resolver import Resolver


@click.group()
def arc() -> None:
    """Verify and seal ARC chains."""


@arc.command()
@click.argument("file")
@resolver_option
def verify(file: str, resolver: HostPort | None) -> int:
    """Verify the ARC chain of the message in FILE (- for stdin).

    Exit code 0 if the chain passes, 75 if a key lookup failed temporarily, otherwise 1.
    """
    from moxlite.mailauth.arc.verify import verify as judge
    from moxlite.mailauth.dkim.message import Message, with_crlf

    message = Message.of(with_crlf(_read(file)))

    async def ask(found: "Resolver") -> "ARCResult":
        return await judge(found, message)

    result = with_resolver(resolver, ask)
    tell(
        {
            "status": result.status.value,
            "problem": result.problem,
            "oldest_pass": result.oldest_pass,
            "instances": result.instances,
            "sealers": list(result.sealers),
        }
    )
    return {"pass": YES, "temperror": TEMPORARY}.get(result.status.value, NO)


@arc.command()
@click.argument("file")
@click.option("--domain", metavar="D", required=True, help="Sealing domain.")
@click.option("--selector", metavar="S", required=True, help="Selector.")
@click.option("--key-file", metavar="PEM", required=True, help="Private key (PKCS #8).")
@click.option(
    "--authserv-id", "hostname", metavar="ID", required=True, help="ID of the Authentication-Results to seal."
)
@click.option("--headers", metavar="A:B:C", help="Header fields to sign.  [default: from the RFC]")
@click.option("--time", "moment", metavar="UNIX", type=int, help="Seal timestamp.  [default: now]")
@resolver_option
def seal(
    file: str,
    domain: str,
    selector: str,
    key_file: str,
    hostname: str,
    headers: str | None,
    moment: int | None,
    resolver: HostPort | None,
) -> int:
    """Print the ARC fields for the message in FILE. FILE is - for stdin. Put the three fields in front of the message.

    The Authentication-Results with ID are sealed. If they include an ARC result, this uses it because the message may
    have changed since then. Otherwise, this verifies the chain. Failed chains are sealed as failed, unless they
    already have a failed seal.
    """
    import time

    from moxlite.mailauth.arc.seal import own_results, recorded, seal as make
    from moxlite.mailauth.arc.verify import verify as judge
    from moxlite.mailauth.dkim.message import Message, with_crlf
    from moxlite.mailauth.dkim.sign import SigningError
    from moxlite.mailauth.results import ARCStatus

    octets = _read(file)
    message = Message.of(with_crlf(octets))
    sealer, host = _sealer(domain, selector, key_file, headers), _host(hostname)

    async def work(found: "Resolver") -> bytes | None:
        results = own_results(message.section, host)
        chain = recorded(results)
        if chain is None:
            chain = (await judge(found, message)).status
        if chain is ARCStatus.TEMPERROR:
            return None
        now = int(time.time()) if moment is None else moment
        return await make(message, results, host, sealer, chain, now)

    try:
        made = with_resolver(resolver, work)
    except SigningError as error:
        raise Failure(f"couldn't seal the message: {error}") from None
    if made is None:
        raise Failure("can't verify the chain right now", TEMPORARY)
    raw_output().write(made if b"\r\n" in octets else made.replace(b"\r\n", b"\n"))
    return YES if made else NO


def _sealer(domain: str, selector: str, key_file: str, headers: str | None) -> "Sealer":
    """Make a sealer from the options. Raises Failure, click.UsageError."""
    from moxlite.mailauth.arc.seal import SEALED, Sealer
    from moxlite.mailauth.dkim.sign import PrivateKeyError, load_private_key
    from moxlite.proto.address import AddressError, Domain

    names = SEALED if headers is None else tuple(name.strip() for name in headers.split(":") if name.strip())
    if not all(name.isascii() and name.isprintable() and " " not in name for name in names):
        raise click.UsageError("--headers must be header field names, separated by colons")
    if "from" not in [name.lower() for name in names] or "arc-seal" in [name.lower() for name in names]:
        raise click.UsageError("--headers must include From, but not ARC-Seal")
    try:
        key = load_private_key(Path(key_file).read_bytes())
        return Sealer(domain=Domain.parse(domain), selector=Domain.parse(selector).ascii, key=key, names=names)
    except AddressError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise Failure(f"can't read {key_file}: {error.strerror or error}") from None
    except PrivateKeyError as error:
        raise Failure(f"{key_file} {error}") from None


def _host(name: str) -> str:
    from moxlite.proto.address import AddressError, Domain

    try:
        return Domain.parse(name).ascii
    except AddressError as error:
        raise click.UsageError(str(error)) from None


def _read(file: str) -> bytes:
    """The octets of a file. Raises Failure."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Failure(f"can't read {file}: {error.strerror or error}") from None
