"""``moxlite dane``: checking servers against their TLSA records (AUTH-63..66, AUTH-90)."""

from typing import TYPE_CHECKING, BinaryIO, Final

import click

from moxlite.cli.common import Failure, HostPort, HostPortType
from moxlite.cli.verdicts import NO, TEMPORARY, YES, resolver_option, tell, with_resolver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from moxlite.mailauth.dane import HostRecords
    from moxlite.net.limits import IPAddress
    from moxlite.net.resolver import Resolver

STARTTLS_PORTS: Final = (25, 587)
"""Ports where TLS begins by STARTTLS; on others it begins at once."""

SECONDS: Final = 90.0
"""Seconds for a host, from DNS to its certificates."""

EHLO_NAME: Final = "localhost"

MAX_FILE: Final = 1 << 20
"""Octets of a file with a certificate or a key."""


@click.group()
def dane() -> None:
    """Check servers against their TLSA records."""


@dane.command()
@click.argument("server", type=HostPortType(25))
@click.option("--usages", default="0,1,2,3", show_default=True, help="Accepted certificate usages.")
@resolver_option
def dial(server: HostPort, usages: str, resolver: HostPort | None) -> int:
    """Connect to HOST and verify its certificate using DANE. The port is 25 by default. Uses STARTTLS on ports 25 and
    587.
    """
    words = usages.split(",")
    if any(word not in ("0", "1", "2", "3") for word in words):
        raise click.UsageError(f"{usages!r} must be a list of usages (0, 1, 2, 3)")
    wanted = frozenset(map(int, words))
    host, port = server
    code, told = with_resolver(
        resolver, lambda found: _verify(found, host, port, wanted, (host,), starttls=port in STARTTLS_PORTS)
    )
    tell(told)
    return code


@dane.command()
@click.argument("domain")
@click.argument("host", required=False)
@click.option("--port", default=25, show_default=True, type=click.IntRange(1, 65535))
@resolver_option
def dialmx(domain: str, host: str | None, port: int, resolver: HostPort | None) -> int:
    """Verify DOMAIN's mail hosts, like a sender does. With HOST, only this one. Exit code 0 if all pass."""

    async def ask(found: "Resolver") -> tuple[int, dict[str, object]]:
        from random import Random

        from moxlite.mailauth.dane import SMTP_USAGES
        from moxlite.proto.address import AddressError, Domain
        from moxlite.queue.hosts.hosts import NoHosts, hosts_of

        told: dict[str, object] = {"domain": domain, "authentic": False, "problem": "", "hosts": []}
        try:
            name = Domain.parse(domain.removesuffix("."))
            hosts = await hosts_of(name, found, Random())  # noqa: S311 orders hosts
        except NoHosts as error:
            return NO if error.permanent else TEMPORARY, told | {"problem": str(error)}
        except AddressError as error:
            return NO, told | {"problem": f"{domain!r} isn't a valid domain: {error}"}
        told["authentic"] = hosts.authentic
        if not hosts.authentic:
            return NO, told | {"problem": "the mail hosts aren't signed with DNSSEC, so DANE doesn't apply"}
        chosen = [one for one in hosts.names if host is None or one == host.lower().removesuffix(".")]
        if not chosen:
            return NO, told | {"problem": f"{host} isn't a mail host for {domain}"}
        names = () if hosts.implicit else (name.ascii, hosts.expanded)
        results = [await _verify(found, one, port, SMTP_USAGES, (one, *names), starttls=True) for one in chosen]
        return max(code for code, _ in results), told | {"hosts": [one for _, one in results]}

    code, told = with_resolver(resolver, ask)
    tell(told)
    return code


async def _verify(
    resolver: "Resolver", host: str, port: int, usages: frozenset[int], names: tuple[str, ...], *, starttls: bool
) -> tuple[int, dict[str, object]]:
    """Verify a host; the exit code, and the result to print."""
    import trio

    from moxlite.mailauth import dane as tlsa
    from moxlite.net.dial import DialError
    from moxlite.net.resolver import DNSError, NotFound, absolute
    from moxlite.net.tls.certificates import Trust
    from moxlite.proto.smtp.errors import SMTPError

    told: dict[str, object] = {"host": host, "port": port, "status": "none", "base": "", "records": [], "problem": ""}
    try:
        with trio.fail_after(SECONDS):
            addresses = await resolver.ips(absolute(host))
            records = await tlsa.find(resolver, host, addresses, port, usages)
            if records is None:
                why = "no TLSA records" if addresses.authentic else "the addresses aren't signed with DNSSEC"
                return NO, told | {"problem": why}
            told |= {"base": records.base, "records": _shown(records), "unusable": records.others}
            if not records.usable:
                return NO, told | {"status": "fail", "problem": "no usable TLSA records"}
            chain = await _chain(addresses.records, port, records.base, starttls=starttls)
    except NotFound as error:
        return NO, told | {"problem": str(error)}
    except (DNSError, DialError, SMTPError, trio.TooSlowError) as error:
        return TEMPORARY, told | {"status": "temperror", "problem": str(error) or "took too long"}
    pkix = Trust().check(chain, host)
    problem = tlsa.verify(records.usable, chain, tuple(dict.fromkeys((records.base, *names))), pkix=pkix)
    told |= {"pkix": "pass" if pkix is None else pkix.text}
    if problem is not None:
        return NO, told | {"status": "fail", "problem": f"{problem.kind}: {problem.text}"}
    return YES, told | {"status": "pass"}


def _shown(records: "HostRecords") -> list[str]:
    return [f"{tlsa.usage} {tlsa.selector} {tlsa.matching} {tlsa.data.hex()}" for tlsa in records.usable]


async def _chain(addresses: "Sequence[IPAddress]", port: int, name: str, *, starttls: bool) -> "list[x509.Certificate]":
    """The certificates that the server shows, leaf first. Raises DialError, SMTPError."""
    from moxlite.net.dial import dial
    from moxlite.net.smtpclient import HandshakeFailed, SMTPClient
    from moxlite.net.tls.errors import TLSError
    from moxlite.net.tls.handshake import ClientTLS
    from moxlite.proto.smtp.conversation import TLSMode

    stream = (await dial(addresses, port, inside=True)).stream
    if starttls:
        client = SMTPClient(stream, EHLO_NAME, tls_mode=TLSMode.REQUIRED_STARTTLS, tls=ClientTLS(), server_name=name)
        try:
            await client.hello()
            assert client.tls_stream is not None
            return client.tls_stream.peer_chain()
        finally:
            await client.quit()
    try:
        tls = await ClientTLS().connect(stream, name)
    except TLSError as error:
        raise HandshakeFailed(error) from error
    async with tls:
        return tls.peer_chain()


@dane.command()
@click.argument("usage", type=click.IntRange(0, 3))
@click.argument("selector", type=click.IntRange(0, 1))
@click.argument("matching", type=click.IntRange(0, 2))
@click.argument("file", type=click.File("rb"), default="-")
def makerecord(usage: int, selector: int, matching: int, file: BinaryIO) -> None:
    """Print TLSA record data for a certificate or key. It's in FILE (PEM or DER), or on stdin if you omit FILE.

    For mail, use 3 1 1 (SHA-256 of the server's public key). If FILE is a private key, this uses the matching public
    key. Selector 0 requires a certificate.
    """
    from hashlib import sha256, sha512

    data = _subject(file.read(MAX_FILE), whole=selector == 0)
    if matching:
        data = (sha256, sha512)[matching - 1](data).digest()
    print(f"{usage} {selector} {matching} {data.hex()}")


def _subject(octets: bytes, *, whole: bool) -> bytes:
    """The certificate in a file as DER; without `whole`, the SubjectPublicKeyInfo of its certificate or key. Raises
    Failure.
    """
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_der_private_key,
        load_der_public_key,
        load_pem_private_key,
        load_pem_public_key,
    )

    pem = b"-----BEGIN" in octets
    try:
        certificate = x509.load_pem_x509_certificate(octets) if pem else x509.load_der_x509_certificate(octets)
        if whole:
            return certificate.public_bytes(Encoding.DER)
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        if whole:
            raise Failure("selector 0 requires a certificate") from None
    for private in (load_pem_private_key, load_der_private_key):
        try:
            key = private(octets, None).public_key()
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for public in (load_pem_public_key, load_der_public_key):
        try:
            return public(octets).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except (ValueError, UnsupportedAlgorithm):
            continue
    raise Failure("expected a PEM or DER certificate, or a key without a password")
