"""The DNS provider in ``moxlite quickstart``: tried before anything is made, then the records (ADMIN-35b).

Whatever goes wrong with DNS is a warning: the records can be published again at any time.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click
import msgspec

from moxlite.cli.common import Failure, ask, settings, show_json
from moxlite.cli.described import described
from moxlite.cli.prompts import server_address
from moxlite.cli.setup.dnsupdate import open_publishing, telling
from moxlite.escapes import printable
from moxlite.operations import described_in, dns as operations

if TYPE_CHECKING:
    from moxlite.admin.dns.publishing import Plans, Publishing
    from moxlite.admin.dns.zones import Located
    from moxlite.admin.dnsproviders.accounts import Stored
    from moxlite.net.dns.client import Servers
    from moxlite.net.resolver import Resolver
    from moxlite.proto.address import Domain
if TYPE_CHECKING:
    from moxlite.admin.dnsproviders.accounts import Stored, UsableProvider


class Said(Protocol):
    """Where lines for the owner go."""

    def say(self, text: str) -> None:
        """A line."""

    def warn(self, text: str) -> None:
        """A problem."""


def choose_provider(name: str | None, domain: "Domain") -> "Stored | None":
    """The provider of the domain's zone, which knows the token; None to publish the records by hand. Asked on a
    terminal. Raises click.UsageError, Failure.
    """
    from moxlite.admin.dns.publishing import make_stored
    from moxlite.admin.dnsproviders.accounts import KNOWN

    if name is None and sys.stdin.isatty():
        name = click.prompt(
            f"DNS provider of {domain}: {', '.join(KNOWN)}; Enter to add the records yourself",
            default="",
            show_default=False,
        )
    if not name:
        return None
    known = known_provider(name)
    if sys.stdin.isatty():
        click.echo(f"{known.title}: {known.rights}")
    answers = ask_for(known)
    with telling():
        return make_stored(domain, name, answers)


def offer_peer(said: Said, config: Path, domain: "Domain", resolver: "Resolver") -> None:
    """Where MX leads to another server today: ask whether mail for addresses that are not here yet goes on to it, and
    set that. Without a terminal, say how.
    """
    import trio

    from moxlite.admin.delivery.moving import mail_elsewhere, set_peer
    from moxlite.config.holder import ConfigHolder

    holder, _ = ConfigHolder.open(config)
    hosts = trio.run(mail_elsewhere, holder.current, domain, resolver)
    if not hosts:
        return
    shown = ", ".join(hosts)
    if not sys.stdin.isatty():
        said.say(f"Mail for {domain} goes to {shown} today. So that none is lost while people move here, have mail for")
        said.say(f"addresses that are not here yet go on there: moxlite config domain peer set {domain}")
        return
    question = (
        f"Mail for {domain} goes to {shown} today. Once it comes here, have mail for addresses that are not here yet "
        "go on there, until you end that?"
    )
    if click.confirm(question, default=True):
        trio.run(holder.edit, lambda document, snapshot: set_peer(document, snapshot, domain.unicode, hosts))
        said.say(f"Once everybody has moved: moxlite config domain peer rm {domain}")


def publish_records(said: Said, config: Path, domain: "Domain", stored: "Stored", servers: "Servers") -> bool:
    """Publish all records at the provider, and wait for its name servers. Returns whether that was done; if not, the
    reason was said.

    Args:
      servers: those that this run asks about DNS.
    """
    from moxlite.admin.dns.publishing import Publishing
    from moxlite.admin.dns.update import NoAnswer, UpdateRefused
    from moxlite.admin.dns.zones import Authorities
    from moxlite.admin.dnsproviders.accounts import KNOWN, Busy
    from moxlite.config.load import load

    snapshot, _ = load(config)
    publishing = Publishing(snapshot, config, authorities=Authorities(servers))
    try:
        publishing.files.set_provider(domain, stored)
        publishing.try_out(domain, stored)
        located = publishing.located(domain)
        plans = _plan(said, publishing, located, domain)
        said.say(f"records at {KNOWN[stored.provider].title}:")
        for line in plans.lines():
            said.say(f"   {line}")
        for note in plans.notes():
            said.say(f"   ; {note}")
        if sys.stdin.isatty() and plans.changes and not click.confirm("Publish them?", default=True):
            return False
        missing = publishing.make(domain, located, plans)
        for line in missing or publishing.wait(located, plans):
            said.warn(f"DNS: {line}")
    except (NoAnswer, UpdateRefused, Busy, OSError, msgspec.DecodeError) as error:
        said.warn(f"DNS: {error}; to publish the records later: moxlite dns update {domain} --addresses")
        return False
    return not missing


def _plan(said: Said, publishing: "Publishing", located: "Located", domain: "Domain") -> "Plans":
    """The plan, with our MX record instead of another server's if the owner wants that. Raises as `Publishing.plan`."""
    elsewhere = publishing.mail_elsewhere(domain, located)
    plans = publishing.plan(domain, located, addresses=True)
    if not elsewhere:
        return plans
    question = f"Mail for {domain} goes to {', '.join(elsewhere)} today. Have new mail come here from now on?"
    if sys.stdin.isatty() and click.confirm(question, default=False):
        return publishing.with_mail_here(domain, located, plans)
    said.warn(
        f"mail for {domain} still goes to {', '.join(elsewhere)}. Bring the old mail here first (docs/migrate.md), "
        f"then: moxlite dns update {domain} --replace"
    )
    return plans


# ``moxlite dns provider``: the provider at which the records of a domain are changed (ADMIN-71b). It needs no running
# server. ``moxlite dns rotation``: the rotation of a domain's signing key, in the running server (AUTH-115).
# ``moxlite dns host-key``: that of a host's key (AUTH-118).


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
