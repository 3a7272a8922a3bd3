"""The DNS provider in ``moxlite quickstart``: tried before anything is made, then the records (ADMIN-35b).

Whatever goes wrong with DNS is a warning: the records can be published again at any time.
"""

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click
import msgspec

from moxlite.cli.common import FAILED, Failure, ask, config_path, load_config, settings, show_json
from moxlite.cli.described import described
from moxlite.cli.prompts import TEMPORARY, server_address
from moxlite.escapes import printable
from moxlite.operations import described_in, dns as operations

if TYPE_CHECKING:
    from moxlite.admin.dns.publishing import Plans, Publishing
    from moxlite.admin.dns.wanted import Group
    from moxlite.admin.dns.zones import Located
    from moxlite.admin.dnsproviders.accounts import Stored, UsableProvider
    from moxlite.config.snapshot import Snapshot
    from moxlite.net.dns.client import DNSResolver
    from moxlite.net.limits import IPAddress
    from moxlite.net.resolver import Resolver
    from moxlite.proto.address import Domain

# ``moxlite dns update`` and ``dns undo``: change DNS to the wanted records, at the provider of the domain or at a name
# server that takes updates with a key (ADMIN-71a, 71c).
#
# They need no running server.


@click.command()
@click.argument("name", metavar="DOMAIN")
@click.option(
    "--server",
    metavar="IP[:PORT]",
    help="The primary name server, which takes updates.  [default: the provider of DOMAIN, `dns provider set`]",
)
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --server: the TSIG key, as BIND or Knot DNS writes it, or a line [ALGORITHM:]NAME:SECRET.",
)
@click.option("--addresses", is_flag=True, help="At a provider: also the addresses of this machine.")
@click.option("--replace", is_flag=True, help="Also replace other MX and SRV records, addresses, aliases and keys.")
@click.option("--dry-run", is_flag=True, help="Print what would be changed.")
@click.option("--no-wait", is_flag=True, help="At a provider: don't wait until all name servers have the change.")
def update(
    name: str, server: str | None, key_file: Path | None, addresses: bool, replace: bool, dry_run: bool, no_wait: bool
) -> int:
    """Make the records of `config dnsrecords` for DOMAIN and this machine, at its provider or at a server that takes
    updates (RFC 2136).

    Missing records are added, and records of ours that are not wanted any more removed. An SPF, DMARC or TLSRPT record
    is replaced by one that keeps what it permits. Other records that differ stay, unless --replace is given. Records of
    other names are never touched. At a provider the change is shown first, and `dns undo` takes it back.
    """
    if (server is None) != (key_file is None):
        raise click.UsageError("--server goes with --key-file")
    from moxlite.admin.dns.publishing import Publishing

    with telling():
        if server is not None and key_file is not None:
            return _update_at(name, server, key_file, replace=replace, dry_run=dry_run)
        publishing, domain = open_publishing(name)
        located = publishing.located(domain)
        plans = publishing.plan(domain, located, addresses=addresses, replace=replace)
        _show(plans, dry_run=dry_run)
        if dry_run or not plans.changes:
            return 0
        rules = plans.groups().get("rules")
        if rules is None or plans.lines() != rules:
            ask("Make these changes?")
        if rules and not _keeps_rules(domain):
            publishing = Publishing(set_lenient(domain), config_path())
            plans = publishing.plan(domain, located, addresses=addresses, replace=replace)
        return finished(publishing, located, plans, publishing.make(domain, located, plans), wait=not no_wait)


@click.command()
@click.argument("name", metavar="DOMAIN")
@click.option("--dry-run", is_flag=True, help="Print what would be changed.")
@click.option("--no-wait", is_flag=True, help="Don't wait until all name servers have the change.")
def undo(name: str, dry_run: bool, no_wait: bool) -> int:
    """Undo the last change that `dns update`, the admin pages or the rotation of keys have made for DOMAIN.

    What was removed comes back, and what was added goes, unless the record has changed since. Repeated, it undoes the
    change before.
    """
    with telling():
        publishing, domain = open_publishing(name)
        located = publishing.located(domain)
        plans = publishing.plan_undo(domain, located)
        if plans is None:
            raise Failure(f"nothing to undo for {domain}")
        _show(plans, dry_run=dry_run)
        if dry_run:
            return 0
        if plans.changes:
            ask("Make these changes?")
        return finished(publishing, located, plans, publishing.undo(domain, located, plans), wait=not no_wait)


def open_publishing(name: str) -> "tuple[Publishing, Domain]":
    """The records of a domain of this server. Raises Failure."""
    from moxlite.admin.accounts import Refused
    from moxlite.admin.dns.publishing import Publishing
    from moxlite.admin.domains.changes import require_domain

    snapshot = load_config()
    try:
        domain, _ = require_domain(snapshot, name)
    except Refused as error:
        raise Failure(str(error)) from None
    return Publishing(snapshot, config_path()), domain


@contextmanager
def telling() -> Iterator[None]:
    """Failures of providers and servers, as failures of the command."""
    from msgspec import DecodeError

    from moxlite.admin.dns.publishing import NoProvider
    from moxlite.admin.dns.update import NoAnswer, UpdateRefused
    from moxlite.admin.dnsproviders.accounts import Busy, ProviderFailed

    try:
        yield
    except (NoProvider, UpdateRefused) as error:
        raise Failure(str(error)) from None
    except (NoAnswer, Busy) as error:
        raise Failure(str(error), TEMPORARY) from None
    except ProviderFailed as error:
        raise Failure(str(error), TEMPORARY if error.temporary else FAILED) from None
    except DecodeError as error:
        raise Failure(f"a file in the folder dns of the configuration is damaged: {error}") from None


def finished(
    publishing: "Publishing", located: "Located", plans: "Plans", missing: Sequence[str], *, wait: bool
) -> int:
    """Tell what was not taken, and wait until the name servers have the rest; the exit code."""
    if _tell_missing(missing):
        return FAILED
    if not wait or not plans.changes:
        return 0
    click.echo("waiting for the name servers ...", err=True)
    late = publishing.wait(located, plans)
    for line in late:
        click.echo(f"moxlite: {printable(line)}", err=True)
    return TEMPORARY if late else 0


def _update_at(name: str, server: str, key_file: Path, *, replace: bool, dry_run: bool) -> int:
    """Raises UpdateRefused, NoAnswer."""
    from moxlite.admin.dns.publishing import Plans
    from moxlite.admin.dns.update import KeyedServer, KeyFileError, NameServer, read_key_file
    from moxlite.admin.dns.zones import Located, missing_changes, plan_zones, send_plans

    publishing, domain = open_publishing(name)
    ip, port = server_address(server)
    try:
        located = Located([KeyedServer(NameServer(ip, port, read_key_file(key_file)))])
    except KeyFileError as error:
        raise Failure(str(error)) from None
    plans = Plans(tuple(plan_zones(located, publishing.wanted(domain, addresses=True), replace=replace)))
    _show(plans, dry_run=dry_run)
    if dry_run:
        return 0
    send_plans(located, plans.zones)
    return FAILED if _tell_missing(missing_changes(located, plans.zones)) else 0


def _keeps_rules(domain: "Domain") -> bool:
    """Whether the rules of a plan are made, too. They were asked for where nothing is asked (--yes)."""
    return settings().yes or click.confirm(
        f"Make the rules that bind others, too? Only if this server is all that sends mail and has certificates for "
        f"{domain}, or others have their records"
    )


def set_lenient(domain: "Domain") -> "Snapshot":
    """Take rules that bind others out of a domain's records; the new configuration."""
    import trio

    from moxlite.admin.domains.changes import set_strict
    from moxlite.config.holder import ConfigHolder

    holder, _ = ConfigHolder.open(config_path())
    trio.run(holder.edit, lambda document, snapshot: set_strict(document, snapshot, domain.unicode, False))
    return holder.current


def _tell_missing(lines: Sequence[str]) -> bool:
    for line in lines:
        click.echo(f"moxlite: not taken by the server: {printable(line)}", err=True)
    return bool(lines)


def _show(plans: "Plans", *, dry_run: bool) -> None:
    if settings().as_json:
        zones = [
            {
                "zone": zone.zone,
                "changes": [line for change in zone.plan.changes for line in change.lines()],
                "left": zone.plan.left,
            }
            for zone in plans.zones
        ]
        show_json({"dry_run": dry_run, "zones": zones})
        return
    tell_groups(plans.groups(), lambda line: print(printable(line)))
    for note in plans.notes():
        print(f"; {printable(note)}")
    if not plans.changes:
        print("; nothing to change")


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

    from moxlite.admin.dns.others import UNKNOWN, Own, others_of
    from moxlite.admin.dns.wanted import LETSENCRYPT
    from moxlite.admin.dnsproviders.accounts import RFC2136, ProviderFailed, read_zone

    if resolver is None:
        return [UNKNOWN]
    try:
        listed = () if stored is None or stored.provider == RFC2136 else read_zone(stored.account)
    except ProviderFailed:
        return [UNKNOWN]
    return trio.run(others_of, resolver, domain, Own((host,), ips, (LETSENCRYPT,)), listed)


class Agreed(msgspec.Struct):
    """Owner's answers, given before anything is made.

    Attributes:
      peer: hosts to which mail for addresses that aren't here yet goes on.
      publish: the records are published at the provider; mail_here: our MX record replaces other MX records.
      strict: the records bind others.
    """

    peer: list[str] = []
    publish: bool = False
    mail_here: bool = False
    strict: bool = False


def agree_on_dns(
    said: Said,
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
    from moxlite.admin.dns.wanted import read_keys, wanted_records
    from moxlite.admin.dns.zonefile import zone_line
    from moxlite.config.load import load

    snapshot, _ = load(draft)
    agreed = Agreed()
    if resolver is not None:
        agreed.peer = _ask_for_peer(said, snapshot, domain, resolver)
    if stored is None:
        settings = snapshot.domain(domain)
        assert settings is not None
        records = wanted_records(snapshot, domain, settings, read_keys(snapshot, domain))
        rules = [zone_line(record) for record in records if record.group == "rules" and not record.joins]
    else:
        agreed.publish, agreed.mail_here, rules = _agree_on_plan(said, snapshot, draft, domain, stored, resolver)
    agreed.strict = not others and _agree_on_rules(rules, domain)
    if not agreed.strict:
        _say_lenient(said, domain, others, provided=stored is not None)
    return agreed


def _agree_on_rules(rules: Sequence[str], domain: "Domain") -> bool:
    if not rules or not sys.stdin.isatty():
        return False
    click.echo(
        "Rules that bind others: receivers reject mail from services that DKIM and SPF don't verify, and other CAs"
    )
    click.echo(f"issue no certificates for {domain} and all names below it.")
    for line in rules:
        click.echo(f"   {printable(line)}")
    return click.confirm(
        f"Is this server all that sends mail and has certificates for {domain}? Have these rules, too?"
    )


def _say_lenient(said: Said, domain: "Domain", others: Sequence[str], *, provided: bool) -> None:
    from moxlite.admin.domains.changes import lenient, strict_commands

    if others:
        said.say(f"{lenient(domain, others)}:")
    else:
        said.say(
            "Left out, because they would bind others: DMARC with p=reject (now p=none), and CAA. To have them later:"
        )
    for command in strict_commands(domain) if provided else strict_commands(domain)[:1]:
        said.say(f"   {command}")


def _ask_for_peer(said: Said, snapshot: "Snapshot", domain: "Domain", resolver: "Resolver") -> list[str]:
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
        said.say(f"Mail for {domain} goes to {shown} today. So that none is lost while people move here, have mail for")
        said.say(f"addresses that are not here yet go on there: moxlite config domain peer set {domain}")
        return []
    question = (
        f"Mail for {domain} goes to {shown} today. Once it comes here, have mail for addresses that are not here yet "
        "go on there, until you end that?"
    )
    return hosts if click.confirm(question, default=True) else []


def _agree_on_plan(
    said: Said, snapshot: "Snapshot", draft: Path, domain: "Domain", stored: "Stored", resolver: "DNSResolver | None"
) -> tuple[bool, bool, list[str]]:
    """Whether the records are published, whether mail comes here, and the rules in the plan that bind others."""
    from moxlite.admin.dns.publishing import Publishing
    from moxlite.admin.dns.update import NoAnswer, UpdateRefused
    from moxlite.admin.dns.zones import Authorities, Located, access_of
    from moxlite.admin.dnsproviders.accounts import KNOWN

    authorities = None if resolver is None else Authorities(resolver.servers)
    publishing = Publishing(snapshot, draft, authorities=authorities)
    try:
        publishing.try_out(domain, stored)
        located = Located([access_of(stored, publishing.authorities)])
        mail_here = _is_mail_here(said, publishing, located, domain)
        plans = publishing.plan(domain, located, addresses=True)
        if mail_here:
            plans = publishing.with_mail_here(domain, located, plans)
    except (NoAnswer, UpdateRefused, OSError, msgspec.DecodeError) as error:
        said.warn(f"DNS: {error}; to publish the records later: moxlite dns update {domain} --addresses")
        return False, False, []
    said.say(f"records at {KNOWN[stored.provider].title}:")
    groups = plans.groups()
    rules = groups.pop("rules", [])
    tell_groups(groups, lambda line: said.say(f"   {line}"))
    for note in plans.notes():
        said.say(f"   ; {note}")
    asks = sys.stdin.isatty() and bool(groups)
    return not asks or click.confirm("Publish them?", default=True), mail_here, rules


def tell_groups(groups: "Mapping[Group, Sequence[str]]", say: Callable[[str], None]) -> None:
    """Show the lines of a plan by group."""
    from moxlite.admin.dns.wanted import GROUPS

    for group, lines in groups.items():
        say(f"; {GROUPS[group]}")
        for line in lines:
            say(line)


def carry_out(said: Said, config: Path, domain: "Domain", agreed: Agreed) -> None:
    """Set what was agreed on beside the records."""
    import trio

    from moxlite.admin.delivery.moving import set_peer
    from moxlite.config.holder import ConfigHolder

    if agreed.peer:
        holder, _ = ConfigHolder.open(config)
        trio.run(holder.edit, lambda document, snapshot: set_peer(document, snapshot, domain.unicode, agreed.peer))
        said.say(f"Once everybody has moved: moxlite config domain peer rm {domain}")


def publish_records(
    said: Said, config: Path, domain: "Domain", stored: "Stored", resolver: "DNSResolver | None", agreed: Agreed
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
        located = publishing.located(domain)
        plans = publishing.plan(domain, located, addresses=True)
        if agreed.mail_here:
            plans = publishing.with_mail_here(domain, located, plans)
        missing = publishing.make(domain, located, plans)
        for line in missing or publishing.wait(located, plans):
            said.warn(f"DNS: {line}")
    except (NoAnswer, UpdateRefused, Busy, OSError, msgspec.DecodeError) as error:
        said.warn(f"DNS: {error}; to publish the records later: moxlite dns update {domain} --addresses")
        return False
    return not missing


def _is_mail_here(said: Said, publishing: "Publishing", located: "Located", domain: "Domain") -> bool:
    """Whether our MX record replaces another server's. Raises as `Publishing.plan`."""
    elsewhere = publishing.mail_elsewhere(domain, located)
    if not elsewhere:
        return False
    question = f"Mail for {domain} goes to {', '.join(elsewhere)} today. Have new mail come here from now on?"
    if sys.stdin.isatty() and click.confirm(question, default=False):
        return True
    said.warn(
        f"mail for {domain} still goes to {', '.join(elsewhere)}. Bring the old mail here first (docs/migrate.md), "
        f"then: moxlite dns update {domain} --replace"
    )
    return False


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
    """Forget the provider of DOMAIN and its token. Records stay as they are; keys are not rotated any more. DOMAIN may
    have been removed from this server.
    """
    from moxlite.admin.accounts import Refused
    from moxlite.admin.dns.publishing import Publishing
    from moxlite.admin.domains.changes import parse_domain

    try:
        domain = parse_domain(name)
    except Refused as error:
        raise Failure(str(error)) from None
    publishing = Publishing(load_config(), config_path())
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
