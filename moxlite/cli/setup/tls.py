"""``moxlite tls``: the certificates that the running server shows (ADMIN-19, WEB-121)."""

import click

from moxlite.cli.common import Failure, call, note


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
    from moxlite.admin.requests import CertificatesRead
    from moxlite.net.control.requests import NoArguments

    problems = call("tls reload", NoArguments(), CertificatesRead).problems
    for one in problems[:-1]:
        note(one)
    if problems:
        raise Failure(f"{problems[-1]}; the old certificate stays in use")
