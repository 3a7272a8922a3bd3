"""``moxlite dns provider``: the accounts at DNS providers by which records are changed (ADMIN-71b)."""

import sys
from typing import TYPE_CHECKING

import click
import msgspec

from moxlite.cli.common import Failure, ask, config_path, load_config, settings, show_json
from moxlite.cli.setup.publishing import as_command_failures, open_publishing
from moxlite.cli.verdicts import DNS_SERVER
from moxlite.escapes import printable

if TYPE_CHECKING:
    from moxlite.admin.dnsproviders.accounts import Stored, UsableProvider


@click.group()
def provider() -> None:
    """Manage DNS providers for your records and key rotation."""


@provider.command("list")
def provider_list() -> None:
    """List supported providers and their settings."""
    from moxlite.admin.dnsproviders.accounts import KNOWN

    if settings().as_json:
        show_json({name: {"title": provider.title, "rights": provider.rights} for name, provider in KNOWN.items()})
        return
    for name, known in KNOWN.items():
        print(f"{name}: {known.title}: {', '.join(asked.words for asked in known.asked)} ({known.rights})")


@provider.command("set")
@click.argument("name", metavar="DOMAIN")
@click.argument("provider_name", metavar="PROVIDER")
@click.option(
    "--enforce/--no-enforce", default=None, help="Restore records every night if they were changed elsewhere."
)
def provider_set(name: str, provider_name: str, enforce: bool | None) -> None:
    """Set the provider for DOMAIN's zone. Enter the token when prompted, or on stdin with a line for each value.

    To test the provider, this reads the zone, and publishes and removes a harmless TXT record. Only root and the
    service user can read the token, and only encrypted backups include it. To see what a provider needs, use `dns
    provider list`.
    """
    from moxlite.admin.dns.publishing import make_stored

    known = known_provider(provider_name)
    publishing, domain = open_publishing(name)
    before = publishing.files.provider(domain)
    answers = ask_for(known)
    with as_command_failures():
        stored = make_stored(domain, known.name, answers)
        if enforce is None:
            enforce = before is not None and before.enforce
        stored = msgspec.structs.replace(stored, enforce=enforce)
        zone = publishing.try_out(domain, stored)
        publishing.files.set_provider(domain, stored)
    print(printable(f"{known.title} changes {zone}; next: moxlite dns update {domain}"))


@provider.command("show")
@click.argument("name", metavar="DOMAIN")
def provider_show(name: str) -> None:
    """Show the DNS provider for DOMAIN."""
    stored = _stored(name)
    found = {"provider": stored.provider, "zone": stored.zone, "enforce": stored.enforce}
    if settings().as_json:
        show_json(found)
        return
    for key, value in found.items():
        if value != "":
            print(f"{key}: {printable(str(value)) if isinstance(value, str) else 'yes' if value else 'no'}")


@provider.command("test")
@click.argument("name", metavar="DOMAIN")
def provider_test(name: str) -> None:
    """Test the DNS provider for DOMAIN. This reads the zone, and publishes and removes a harmless TXT record."""
    publishing, domain = open_publishing(name)
    with as_command_failures():
        zone = publishing.try_out(domain, publishing.stored(domain))
    print(printable(f"{zone} can be changed"))


@provider.command("rm")
@click.argument("name", metavar="DOMAIN")
def provider_rm(name: str) -> None:
    """Remove the DNS provider and token for DOMAIN. This doesn't change any records, but stops key rotation. You can
    also use this after removing DOMAIN from this server.
    """
    from moxlite.admin.accounts import Refused
    from moxlite.admin.dns.publishing import Publishing
    from moxlite.admin.domains.changes import parse_domain

    try:
        domain = parse_domain(name)
    except Refused as error:
        raise Failure(str(error)) from None
    publishing = Publishing(load_config(), config_path())
    with as_command_failures():
        publishing.stored(domain)
        ask(f"Remove the DNS provider for {domain}?")
        publishing.files.set_provider(domain, None)


def ask_for(known: "UsableProvider") -> dict[str, str]:
    """The answers to a provider's questions: asked on a terminal, else a line of stdin for each. Raises Failure."""
    answers = {}
    for provider_question in known.asked:
        if sys.stdin.isatty():
            secret = provider_question.secret
            words = f"{known.title}, {provider_question.words}{' (not shown when you paste it)' if secret else ''}"
            answer: str = click.prompt(words, hide_input=secret, err=True)
        else:
            answer = sys.stdin.readline()
        answers[provider_question.option] = answer.strip()
        if not answers[provider_question.option]:
            raise Failure(f"{provider_question.words}: missing on stdin")
    if "server" in answers:
        ip, port = DNS_SERVER(answers["server"])
        answers["server"] = f"{ip}#{port}"
    return answers


def known_provider(name: str) -> "UsableProvider":
    """A provider by its name, in any case. Raises click.UsageError."""
    from moxlite.admin.dnsproviders.accounts import KNOWN

    known = KNOWN.get(name.lower())
    if known is None:
        raise click.UsageError(f"{name!r} must be one of {', '.join(KNOWN)}")
    return known


def _stored(name: str) -> "Stored":
    publishing, domain = open_publishing(name)
    with as_command_failures():
        return publishing.stored(domain)
