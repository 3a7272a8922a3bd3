"""The DNS provider in ``moxlite quickstart``: tried before anything is made, then the records (ADMIN-35b).

Whatever goes wrong with DNS is a warning: the records can be published again at any time.
"""

import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol

import click
import msgspec

from moxlite.cli.setup.dnsproviders import ask_for, known_provider
from moxlite.cli.setup.publishing import as_command_failures, confirm_strict, tell_groups

if TYPE_CHECKING:
    from moxlite.admin.dns.publishing import Plans, Publishing
    from moxlite.admin.dns.zones import Located
    from moxlite.admin.dnsproviders.accounts import Stored
    from moxlite.config.snapshot import Snapshot
    from moxlite.net.dns.client import DNSResolver
    from moxlite.net.limits import IPAddress
    from moxlite.net.resolver import Resolver
    from moxlite.proto.address import Domain


WIDTH: Final = 100
"""Characters of a record that are shown. Keys are longer."""


class ProgressOutput(Protocol):
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
            f"DNS provider of {domain} ({', '.join(KNOWN)}), or press Enter to add the records yourself",
            default="",
            show_default=False,
            value_proc=_known_or_none,
        )
    if not name:
        return None
    known = known_provider(name)
    if sys.stdin.isatty():
        click.echo(f"{known.title}: {known.rights}")
    answers = ask_for(known)
    with as_command_failures():
        return make_stored(domain, known.name, answers)


def _known_or_none(name: str) -> str:
    """The name of a provider, or nothing. Raises click.UsageError: then it's asked for again."""
    if name:
        known_provider(name)
    return name


def find_others(
    domain: "Domain",
    host: "Domain",
    ips: "Collection[IPAddress]",
    resolver: "Resolver | None",
    stored: "Stored | None",
) -> list[str]:
    """Others that use the domain, in words, by DNS and by its provider's list of the zone.

    Args:
      host, ips: name and addresses of this machine.
      resolver: None if no DNS server answers.
    """
    import trio

    from moxlite.admin.dns.others import UNKNOWN, ServerIdentity, others_of
    from moxlite.admin.dns.wanted import LETSENCRYPT
    from moxlite.admin.dnsproviders.accounts import RFC2136, ProviderFailed, read_zone

    if resolver is None:
        return [UNKNOWN]
    try:
        listed = () if stored is None or stored.provider == RFC2136 else read_zone(stored.account)
    except ProviderFailed:
        return [UNKNOWN]
    return trio.run(others_of, resolver, domain, ServerIdentity((host,), ips, (LETSENCRYPT,)), listed)


Mail = Literal["here", "moves", "stays"]


class Agreed(msgspec.Struct):
    """Owner's answers, given before anything is made.

    Attributes:
      peer: hosts to which mail for addresses that aren't here yet goes on.
      publish: the records are published at the provider. mail: whether it comes here, comes here by our MX record in
        the place of others, or stays with another server; then no record leads mail clients here.
      strict: the records bind others.
      later: how to have them bind others, in lines.
    """

    peer: list[str] = []
    publish: bool = False
    mail: "Mail" = "here"
    strict: bool = False
    later: list[str] = []


def agree_on_dns(
    said: ProgressOutput,
    draft: Path,
    domain: "Domain",
    stored: "Stored | None",
    resolver: "DNSResolver | None",
    others: Sequence[str],
) -> Agreed:
    """Show what would be done in DNS, and ask about it on a terminal.

    Args:
      draft: moxlite.toml, with the domain strict if nothing else uses it.
      resolver: as in `find_others`.
    """
    from moxlite.admin.dns.wanted import records_of
    from moxlite.admin.dns.zonefile import zone_line
    from moxlite.config.load import load

    snapshot, _ = load(draft)
    agreed = Agreed()
    if resolver is not None:
        agreed.peer = _ask_for_peer(said, snapshot, domain, resolver)
    if stored is None:
        records = records_of(snapshot, domain).wanted
        rules = [zone_line(record) for record in records if record.group == "rules" and not record.joins]
    else:
        agreed.publish, agreed.mail, rules = _agree_on_plan(said, snapshot, draft, domain, stored, resolver)
    agreed.strict = bool(not others and rules and sys.stdin.isatty()) and confirm_strict(domain, rules)
    if not agreed.strict:
        agreed.later = _way_to_strict(domain, others, provided=stored is not None)
    return agreed


def _way_to_strict(domain: "Domain", others: Sequence[str], *, provided: bool) -> list[str]:
    from moxlite.admin.domains.changes import lenient, strict_commands

    reason = (
        f"{lenient(domain, others)}:"
        if others
        else f"Strict policies are off for {domain}: receivers will only report forged mail. To turn them on later:"
    )
    commands = strict_commands(domain) if provided else strict_commands(domain)[:1]
    return [reason, *(f"   {command}" for command in commands)]


def _ask_for_peer(said: ProgressOutput, snapshot: "Snapshot", domain: "Domain", resolver: "Resolver") -> list[str]:
    """Hosts to which MX leads today, if mail for addresses that are not here yet goes on to them. Without a terminal,
    say how.
    """
    import trio

    from moxlite.admin.delivery.moving import mail_elsewhere

    hosts = trio.run(mail_elsewhere, snapshot, domain, resolver)
    if not hosts:
        return []
    shown = ", ".join(hosts)
    if not sys.stdin.isatty():
        said.say(
            f"Mail for {domain} currently goes to {shown}. To avoid losing any while people move here, forward mail for"
        )
        said.say(f"addresses that don't exist here yet to that server: moxlite config domain peer set {domain}")
        return []
    question = (
        f"Mail for {domain} currently goes to {shown}. Once it comes here, forward mail for addresses that don't "
        "exist here yet to that server, until you turn this off?"
    )
    return hosts if click.confirm(question, default=True) else []


def _agree_on_plan(
    said: ProgressOutput,
    snapshot: "Snapshot",
    draft: Path,
    domain: "Domain",
    stored: "Stored",
    resolver: "DNSResolver | None",
) -> tuple[bool, Mail, list[str]]:
    """Whether the records are published, where mail goes, and the rules in the plan that bind others."""
    from moxlite.admin.dns.publishing import Publishing
    from moxlite.admin.dns.update import NoAnswer, UpdateRefused
    from moxlite.admin.dns.zones import Authorities, Located, access_of
    from moxlite.admin.dnsproviders.accounts import KNOWN

    authorities = None if resolver is None else Authorities(resolver.servers)
    publishing = Publishing(snapshot, draft, authorities=authorities)
    try:
        publishing.try_out(domain, stored)
        located = Located([access_of(stored, publishing.authorities)])
        mail = _way_of_mail(said, publishing, located, domain)
        plans = _plans(publishing, domain, located, mail)
    except (NoAnswer, UpdateRefused, OSError, msgspec.DecodeError) as error:
        said.warn(f"DNS: {error}; to publish the records later: moxlite dns update {domain} --addresses")
        return False, "here", []
    said.say(f"records at {KNOWN[stored.provider].title}:")
    groups = plans.groups()
    rules = groups.pop("rules", [])
    tell_groups(groups, lambda line: said.say(f"   {line if len(line) <= WIDTH else f'{line[:WIDTH]}…'}"))
    for note in plans.notes(f"run: moxlite dns update {domain} --replace"):
        said.say(f"   ; {note}")
    asks = sys.stdin.isatty() and bool(groups)
    adds = all(line.startswith("+") for lines in groups.values() for line in lines)
    question = f"Publish them?{' All other records stay as they are.' if adds else ''}"
    return not asks or click.confirm(question, default=True), mail, rules


def _plans(publishing: "Publishing", domain: "Domain", located: "Located", mail: Mail) -> "Plans":
    """The changes in DNS for mail that goes this way. Raises as `Publishing.plan`."""
    plans = publishing.plan(domain, located, addresses=True, leading=mail != "stays")
    return publishing.with_mail_here(domain, located, plans) if mail == "moves" else plans


def carry_out(said: ProgressOutput, config: Path, domain: "Domain", agreed: Agreed) -> None:
    """Set what was agreed on beside the records."""
    import trio

    from moxlite.admin.delivery.moving import set_peer
    from moxlite.config.holder import ConfigHolder

    if agreed.peer:
        holder, _ = ConfigHolder.open(config)
        trio.run(holder.edit, lambda document, snapshot: set_peer(document, snapshot, domain.unicode, agreed.peer))
        said.say(f"When everyone has moved: moxlite config domain peer rm {domain}")


def publish_records(
    said: ProgressOutput,
    config: Path,
    domain: "Domain",
    stored: "Stored",
    resolver: "DNSResolver | None",
    agreed: Agreed,
) -> bool:
    """Keep the provider; publish the records there if that was agreed on, and wait for its name servers. Returns
    whether that was done; if not, the reason was said.
    """
    from moxlite.admin.dns.publishing import Publishing
    from moxlite.admin.dns.update import NoAnswer, UpdateRefused
    from moxlite.admin.dns.zones import Authorities
    from moxlite.admin.dnsproviders.accounts import Busy
    from moxlite.config.load import load

    snapshot, _ = load(config)
    authorities = None if resolver is None else Authorities(resolver.servers)
    publishing = Publishing(snapshot, config, authorities=authorities)
    try:
        publishing.files.set_provider(domain, stored)
        if not agreed.publish:
            return False
        said.say("Publishing the records, and waiting for the name servers...")
        located = publishing.located(domain)
        plans = _plans(publishing, domain, located, agreed.mail)
        missing = publishing.make(domain, located, plans)
        for line in missing or publishing.wait(located, plans):
            said.warn(f"DNS: {line}")
    except (NoAnswer, UpdateRefused, Busy, OSError, msgspec.DecodeError) as error:
        said.warn(f"DNS: {error}; to publish the records later: moxlite dns update {domain} --addresses")
        return False
    return not missing


def _way_of_mail(said: ProgressOutput, publishing: "Publishing", located: "Located", domain: "Domain") -> Mail:
    """Where mail goes; asked on a terminal if another server has it. Raises as `Publishing.plan`."""
    elsewhere = publishing.mail_elsewhere(domain, located)
    if not elsewhere:
        return "here"
    question = f"Mail for {domain} currently goes to {', '.join(elsewhere)}. Receive new mail here from now on?"
    if sys.stdin.isatty() and click.confirm(question, default=False):
        return "moves"
    said.warn(
        f"mail for {domain} still goes to {', '.join(elsewhere)}, so the records that lead mail clients here "
        "(autoconfig, autodiscover, SRV) aren't published either. First migrate the old mail (docs/migrate.md), "
        f"then: moxlite dns update {domain} --replace"
    )
    return "stays"
