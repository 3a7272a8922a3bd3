"""``moxlite tls``: the certificates that the running server shows (ADMIN-19, WEB-121)."""

import os
import sys
from pathlib import Path
from typing import Final

import click

from moxlite.cli.common import Failure, note, perform, show
from moxlite.cli.described import described
from moxlite.escapes import printable
from moxlite.operations import access, described_in, server
from moxlite.operations.access import TLSKeyInfo


@click.group()
def tls() -> None:
    """Certificates of the running server."""


@tls.command()
def reload() -> None:
    """Read the files of certificates and keys (key_certs) again, for a program that has renewed them, as certbot does
    by --deploy-hook.

    New connections get the new certificates. If one cannot be used, that is reported, the old one stays, and the exit
    code is 1. Without this command the files are read every 6 hours. New certificates by ACME are used at once.
    """
    problems = perform(server.ReloadCertificates()).problems
    for one in problems[:-1]:
        note(one)
    if problems:
        raise Failure(f"{problems[-1]}; the old certificate stays in use")


described(tls, described_in(server), {}, {}, without={server.ReloadCertificates})


# ``moxlite config tlspubkey``, also ``moxlite tlspubkey``: client certificates for log-in (STORE-104).


YEARS: Final = 10
"""Years that a new certificate is valid; the server looks at its key only."""


@click.group()
def tlspubkey() -> None:
    """Client certificates that accounts log in with, without a password."""


def _show_key(found: TLSKeyInfo, as_json: bool) -> None:
    if as_json:
        show([found], (), as_json=True)
        return
    for label, value in (
        ("name", found.name),
        ("account", found.account),
        ("address", found.login_address),
        ("type", found.type),
        ("added", f"{found.created} UTC"),
        ("IMAP without log-in command", "no" if found.no_imap_preauth else "yes"),
    ):
        print(f"{label}: {printable(value)}")
    print(found.certificate, end="")


described(
    tlspubkey,
    described_in(access),
    {},
    {access.GetKey: _show_key},
    words="config tlspubkey",
    without={access.AddKey},
)


@tlspubkey.command("add")
@click.argument("address")
@click.argument("name", required=False, default="")
@click.option("--no-imap-preauth", is_flag=True, help="An IMAP client must still ask to be logged in (EXTERNAL).")
def key_add(address: str, name: str, no_imap_preauth: bool) -> None:
    """Let the holder of a key log in with ADDRESS. The certificate is read from stdin, in PEM.

    NAME is for lists; without it the certificate's common name is taken.
    """
    pem = sys.stdin.read(1 << 17)
    if "PRIVATE KEY" in pem:
        raise Failure("this is a private key: keep it, and give the certificate")
    added = perform(access.AddKey(address, pem, name, no_imap_preauth))
    print(f"{added.fingerprint} {printable(added.name)}")


@tlspubkey.command("gen")
@click.argument("stem")
def key_gen(stem: str) -> None:
    """Make an Ed25519 key with a certificate, for `tlspubkey add`, without a server.

    Files: STEM.key.pem, STEM.certificate.pem, and both in STEM.combined.pem, which some programs want. The fingerprint
    is printed.
    """
    from cryptography.hazmat.primitives.asymmetric import ed25519

    from moxlite.net.tls.certificates import self_signed
    from moxlite.store.auth.tlskeys import read_certificate

    pair = self_signed([Path(stem).name], days=YEARS * 365, key=ed25519.Ed25519PrivateKey.generate())
    certificate = pair.certificate_pem()
    files = {"key": pair.key_pem(), "certificate": certificate, "combined": pair.key_pem() + certificate}
    made: list[Path] = []
    try:
        for kind, data in files.items():
            path = Path(f"{stem}.{kind}.pem")
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644 if kind == "certificate" else 0o600)
            made.append(path)
            with os.fdopen(fd, "wb") as file:
                file.write(data)
    except OSError as error:
        for path in made:
            path.unlink(missing_ok=True)
        raise Failure(f"{error.filename or stem}: {error.strerror or error}") from None
    print(read_certificate(certificate, "", "").fingerprint)
