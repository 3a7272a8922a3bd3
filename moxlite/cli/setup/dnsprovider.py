"""``moxlite dns provider``: the provider at which the records of a domain are changed (ADMIN-71b). It needs no running
server. ``moxlite dns rotation``: the rotation of a domain's signing key, in the running server (AUTH-115).
``moxlite dns host-key``: that of a host's key (AUTH-118).
"""

import sys
from typing import TYPE_CHECKING

import click
import msgspec

from moxlite.cli.common import Failure, ask, settings, show_json
from moxlite.cli.described import described
from moxlite.cli.prompts import server_address
from moxlite.cli.setup.dnsupdate import open_publishing, telling
from moxlite.escapes import printable
from moxlite.operations import described_in, dns as operations

if TYPE_CHECKING:
    from moxlite.admin.dnsproviders.accounts import Stored, UsableProvider


@click.group()
def provider() -> None:
    """Providers at which our DNS records are changed, and the keys rotated."""


@provider.command("list")
def provider_list() -> None:
    """List the providers that can be set, with what each asks for."""
    from moxlite.admin.dnsproviders.accounts import KNOWN

    if settings().as_json:
        show_json({name: {"title": one.title, "rights": one.rights} for name, one in KNOWN.items()})
        return
    for name, known in KNOWN.items():
        print(f"{name}: {known.title}: {', '.join(asked.words for asked in known.asked)} ({known.rights})")


@provider.command("set")
@click.argument("name", metavar="DOMAIN")
@click.argument("provider_name", metavar="PROVIDER")
@click.option("--enforce/--no-enforce", default=None, help="Undo changes by others to our records, each night.")
def provider_set(name: str, provider_name: str, enforce: bool | None) -> None:
    """Set the provider of DOMAIN's zone. Its token is asked for on the terminal, or read from stdin, a line each.

    It is tried at once: the zone is read, and a harmless text published and removed. The token is kept for root and the
    service user alone, and is only in encrypted backups. `dns provider list` says what each provider asks for.
    """
    from moxlite.admin.dns.publishing import make_stored

    known = known_provider(provider_name)
    publishing, domain = open_publishing(name)
    before = publishing.files.provider(domain)
    answers = ask_for(known)
    with telling():
        stored = make_stored(domain, provider_name, answers)
        if enforce is None:
            enforce = before is not None and before.enforce
        stored = msgspec.structs.replace(stored, enforce=enforce)
        zone = publishing.try_out(domain, stored)
        publishing.files.set_provider(domain, stored)
    print(printable(f"{known.title} changes {zone}; next: moxlite dns update {domain}"))


@provider.command("show")
@click.argument("name", metavar="DOMAIN")
def provider_show(name: str) -> None:
    """Show the provider of DOMAIN, without its token."""
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
    """Try the provider of DOMAIN: read the zone, publish a harmless text, and remove it."""
    publishing, domain = open_publishing(name)
    with telling():
        zone = publishing.try_out(domain, publishing.stored(domain))
    print(printable(f"{zone} can be changed"))


@provider.command("rm")
@click.argument("name", metavar="DOMAIN")
def provider_rm(name: str) -> None:
    """Forget the provider of DOMAIN and its token. Records stay as they are; keys are not rotated any more."""
    publishing, domain = open_publishing(name)
    with telling():
        publishing.stored(domain)
        ask(f"Forget the provider of {domain}?")
        publishing.files.set_provider(domain, None)


def ask_for(known: "UsableProvider") -> dict[str, str]:
    """The answers to a provider's questions: asked on a terminal, else a line of stdin for each. Raises Failure."""
    answers = {}
    for provider_question in known.asked:
        if sys.stdin.isatty():
            answer: str = click.prompt(
                f"{known.title}, {provider_question.words}", hide_input=provider_question.secret, err=True
            )
        else:
            answer = sys.stdin.readline()
        answers[provider_question.option] = answer.strip()
        if not answers[provider_question.option]:
            raise Failure(f"{provider_question.words}: nothing on stdin")
    if "server" in answers:
        ip, port = server_address(answers["server"])
        answers["server"] = f"{ip}#{port}"
    return answers


def known_provider(name: str) -> "UsableProvider":
    """A provider by its name. Raises click.UsageError."""
    from moxlite.admin.dnsproviders.accounts import KNOWN

    if name not in KNOWN:
        raise click.UsageError(f"{name!r} is not one of {', '.join(KNOWN)}")
    return KNOWN[name]


def _stored(name: str) -> "Stored":
    publishing, domain = open_publishing(name)
    with telling():
        return publishing.stored(domain)


def _show_rotation(found: operations.Rotation, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    _show_stage(found.domain, found)
    for label, value in (("next selector", found.new), ("former selectors", ", ".join(found.old))):
        if value:
            print(f"  {label}: {printable(value)}")
    _show_steps(found)


def _show_host(host_rotation: operations.HostRotation, as_json: bool) -> None:
    if as_json:
        show_json(host_rotation)
        return
    _show_stage(host_rotation.host, host_rotation)
    _show_steps(host_rotation)


def _show_hosts(host_rotations: list[operations.HostRotation], as_json: bool) -> None:
    if as_json:
        show_json(host_rotations)
        return
    for host_rotation in host_rotations:
        _show_host(host_rotation, False)
    if not host_rotations:
        print("no host key is rotated: no listener with SMTP has certificates by ACME and host_private_key_files")


def _show_stage(name: str, found: operations.Rotation | operations.HostRotation) -> None:
    until = f" until {found.until}" if found.until else ""
    print(printable(f"{name}: {found.words} ({found.stage} since {found.since or 'now'}{until})"))


def _show_steps(found: operations.Rotation | operations.HostRotation) -> None:
    for line in found.todo:
        print(f"  do: {printable(line)}")
    if found.problem:
        print(f"  waits: {printable(found.problem)}")


rotation = click.Group(
    "rotation", help="The rotation of a domain's signing key; it begins by itself where a DNS provider is set."
)
described(rotation, described_in(operations), {}, {operations.Rotating: _show_rotation}, words="dns rotation")

host_key = click.Group(
    "host-key", help="The rotation of the key that TLSA records name; it begins by itself where a DNS provider is set."
)
described(
    host_key,
    described_in(operations),
    {},
    {operations.HostRotating: _show_host, operations.ShowHostRotation: _show_hosts},
    words="dns host-key",
)
