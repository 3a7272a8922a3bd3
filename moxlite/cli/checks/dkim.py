"""``moxlite dkim``: signatures of messages, keys and their records (AUTH-90)."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from moxlite.cli.common import Failure, HostPort, as_author, load_config, raw_output
from moxlite.cli.verdicts import NO, TEMPORARY, YES, resolver_option, tell, with_resolver
from moxlite.encoding import to_builtins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moxlite.mailauth.dkim.message import Message
    from moxlite.mailauth.dkim.sign import Signer
    from moxlite.mailauth.results import DKIMResult
    from moxlite.net.resolver import Answer, Resolver
    from moxlite.proto.address import Address, Domain


@click.group()
def dkim() -> None:
    """Verify and create DKIM signatures, and create keys."""


@dkim.command()
@click.argument("file")
@resolver_option
def verify(file: str, resolver: HostPort | None) -> int:
    """Verify the DKIM signatures of a message. It's in FILE (- for stdin).

    Exit code 0 if at least one passes, 75 if a key lookup failed temporarily, otherwise 1.
    """

    from moxlite.mailauth.dkim.message import Message, with_crlf
    from moxlite.mailauth.dkim.verify import verify as judge

    message = Message.of(with_crlf(_read(file)))

    async def ask(found: "Resolver") -> "list[DKIMResult]":
        return await judge(found, message)

    results = with_resolver(resolver, ask)
    problem = "" if results else "the message doesn't have a DKIM signature"
    tell({"signatures": [to_builtins(dkim_result) for dkim_result in results], "problem": problem})
    statuses = {dkim_result.status.value for dkim_result in results}
    return YES if "pass" in statuses else TEMPORARY if "temperror" in statuses else NO


@dkim.command()
@click.argument("file")
@click.option("--domain", metavar="D", help="Signing domain.  [default: as configured for the From domain]")
@click.option("--selector", metavar="S", help="Selector.")
@click.option("--key-file", metavar="PEM", help="Private key (PKCS #8). This sets the signature type.")
@click.option(
    "--canonicalization",
    type=click.Choice(["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"]),
    default="relaxed/relaxed",
    show_default=True,
    help="Header and body canonicalization, with --key-file.",
)
def sign(file: str, domain: str | None, selector: str | None, key_file: str | None, canonicalization: str) -> int:
    """Print DKIM-Signature fields for the message in FILE. FILE is - for stdin. Put the fields in front of the message.

    By default, this uses the configured selectors for the domain in From.
    """
    import time

    import trio

    from moxlite.mailauth.dkim import sign as signing
    from moxlite.mailauth.dkim.message import Message, with_crlf

    octets = _read(file)
    message = Message.of(with_crlf(octets))
    author = _author(message)
    if domain is None and selector is None and key_file is None:
        signing_domain, signers = _configured(author)
    elif domain is None or selector is None or key_file is None:
        raise click.UsageError("--domain, --selector, and --key-file must be used together")
    else:
        signing_domain, signers = _given(domain, selector, key_file, canonicalization)
    identity = author if author is not None and author.domain.is_below(signing_domain) else None

    async def work() -> bytes:
        return await signing.sign(message, identity, signers, time.time(), domain=signing_domain)

    try:
        made = trio.run(work)
    except signing.SigningError as error:
        raise Failure(f"couldn't sign the message: {error}") from None
    raw_output().write(made if b"\r\n" in octets else made.replace(b"\r\n", b"\n"))
    return YES


@dkim.command()
@click.argument("selector")
@click.argument("domain")
@resolver_option
def lookup(selector: str, domain: str, resolver: HostPort | None) -> int:
    """Print DOMAIN's key at SELECTOR."""
    from moxlite.mailauth.dkim.keyrecord import RecordError, choose_record
    from moxlite.net.resolver import DNSError, NotFound, PermError, absolute

    name = f"{selector}._domainkey.{domain}"

    async def ask(found: "Resolver") -> "Answer[str]":
        return await found.txt(absolute(name))

    try:
        answer = with_resolver(resolver, ask)
    except (NotFound, PermError) as error:
        raise Failure(str(error)) from None
    except DNSError as error:
        raise Failure(str(error), TEMPORARY) from None
    facts: dict[str, object] = {"name": name, "records": list(answer.records), "authentic": answer.authentic}
    try:
        key = choose_record(answer.records)
    except RecordError as error:
        tell(facts | {"problem": str(error)})
        return NO
    tell(
        facts
        | {
            "problem": "",
            "algorithm": key.algorithm,
            "key_bits": key.bits,
            "hashes": None if key.hashes is None else sorted(key.hashes),
            "services": sorted(key.services),
            "testing": key.testing,
            "strict": key.strict,
        }
    )
    return YES


@dkim.command()
def txt() -> int:
    """Print the TXT record value for a private key. The key is on stdin. The value is in zone file format."""
    from moxlite.admin.dns.zonefile import txt_strings
    from moxlite.mailauth.dkim.sign import PrivateKeyError, key_record, load_private_key

    try:
        key = load_private_key(sys.stdin.buffer.read(1 << 20))
    except PrivateKeyError as error:
        raise Failure(f"the text on stdin {error}") from None
    print(txt_strings(key_record(key)))
    return YES


@dkim.command("gen-rsa")
@click.option("--force", is_flag=True, help="Allow printing to a terminal.")
def gen_rsa(force: bool) -> int:
    """Print a new 2048-bit RSA key (PEM, PKCS #8)."""
    return _generate("rsa", force=force)


@dkim.command("gen-ed25519")
@click.option("--force", is_flag=True, help="Allow printing to a terminal.")
def gen_ed25519(force: bool) -> int:
    """Print a new Ed25519 key (PEM, PKCS #8)."""
    return _generate("ed25519", force=force)


def _generate(kind: str, *, force: bool) -> int:
    from moxlite.mailauth.dkim.sign import generate, to_pem

    if sys.stdout.isatty() and not force:
        raise Failure("refusing to print a private key to a terminal; redirect the output to a file, or use --force")
    sys.stdout.write(to_pem(generate(kind)).decode())
    return YES


def _read(file: str) -> bytes:
    """The octets of a file. Raises Failure."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Failure(f"can't read {file}: {error.strerror or error}") from None


def _author(message: "Message") -> "Address | None":
    """The one address in From; None if there is not exactly one."""
    from moxlite.acceptance.cases import from_address
    from moxlite.proto.mime.envelope import RawAddress, decode_address, parse_addresses

    texts = message.section.texts(b"from")
    addresses = [
        decode_address(parse_address)
        for text in texts
        for parse_address in parse_addresses(text)
        if isinstance(parse_address, RawAddress)
    ]
    return from_address(tuple(addresses))


def _configured(author: "Address | None") -> "tuple[Domain, Sequence[Signer]]":
    """The signing domain and signers that the configuration has for mail of this author. Raises Failure."""
    from moxlite.process.keys import SigningKeys

    if author is None:
        raise Failure("the message must have a From field with exactly one address")
    snapshot = load_config()
    keys = SigningKeys()
    with as_author():
        findings = keys.read(snapshot)
    if findings:
        raise Failure(findings[0].text)
    signers = keys.signers(snapshot.domain(author.domain))
    if not signers:
        raise Failure(f"the configuration doesn't have a selector to sign for {author.domain}")
    return author.domain, signers


def _given(domain: str, selector: str, key_file: str, canonicalization: str) -> "tuple[Domain, Sequence[Signer]]":
    """The signing domain and signer that the options name. Raises Failure, click.UsageError."""
    from moxlite.config.domains import DKIM_HEADERS, DKIM_UNSEALED
    from moxlite.mailauth.dkim.sign import PrivateKeyError, Signer, load_private_key
    from moxlite.proto.address import AddressError, Domain

    try:
        signing_domain, name = Domain.parse(domain), Domain.parse(selector).ascii
    except AddressError as error:
        raise click.UsageError(str(error)) from None
    try:
        key = load_private_key(Path(key_file).read_bytes())
    except OSError as error:
        raise Failure(f"can't read {key_file}: {error.strerror or error}") from None
    except PrivateKeyError as error:
        raise Failure(f"{key_file} {error}") from None
    header, _, body = canonicalization.partition("/")
    return signing_domain, [
        Signer(
            selector=name,
            key=key,
            header="simple" if header == "simple" else "relaxed",
            body="simple" if body == "simple" else "relaxed",
            sealed=DKIM_HEADERS,
            unsealed=DKIM_UNSEALED,
        )
    ]
