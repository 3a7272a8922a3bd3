"""``moxlite dns update``, ``undo``, ``provider``, ``rotation`` and ``host-key`` (ADMIN-71a..71c, AUTH-115, AUTH-118).

Records are changed at the domain's provider, or at a name server that takes updates with a key. The running server
answers about key rotations. The other commands work without one.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from moxlite.cli.common import FAILED, Failure, ask, config_path, load_config, settings, show_json
from moxlite.cli.described import described, for_people
from moxlite.cli.verdicts import TEMPORARY, server_address
from moxlite.escapes import printable
from moxlite.operations import described_in, dns as operations

if TYPE_CHECKING:
    from moxlite.admin.dns.publishing import Plans, Publishing
    from moxlite.admin.dns.wanted import Group
    from moxlite.admin.dns.zones import Located
    from moxlite.admin.dnsproviders.accounts import Stored, UsableProvider
    from moxlite.config.snapshot import Snapshot
    from moxlite.proto.address import Domain


@click.command()
@click.argument("name", metavar="DOMAIN")
@click.option(
    "--server",
    metavar="IP[:PORT]",
    help="Primary name server that accepts updates.  [default: the provider of DOMAIN, `dns provider set`]",
)
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --server, TSIG key in BIND or Knot DNS format, or a line [ALGORITHM:]NAME:SECRET.",
)
@click.option("--addresses", is_flag=True, help="Also update this machine's addresses (with a provider).")
@click.option("--replace", is_flag=True, help="Also replace other MX and SRV records, addresses, aliases, and keys.")
@click.option("--dry-run", is_flag=True, help="Only print the changes.")
@click.option("--no-wait", is_flag=True, help="Don't wait for all name servers (with a provider).")
def update(
    name: str, server: str | None, key_file: Path | None, addresses: bool, replace: bool, dry_run: bool, no_wait: bool
) -> int:
    """Publish the records from `config dnsrecords` for DOMAIN and this machine, using your DNS provider or a server
    that accepts updates (RFC 2136).

    This adds missing records and removes outdated ones from moxlite. SPF, DMARC and TLSRPT records are updated, but
    keep what they already allow. To change other records that differ, use --replace. Records for other names are never
    changed. If you use a provider, you'll see the changes first, and you can undo them with `dns undo`.
    """
    if (server is None) != (key_file is None):
        raise click.UsageError("--server requires --key-file")
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
@click.option("--dry-run", is_flag=True, help="Only print the changes.")
@click.option("--no-wait", is_flag=True, help="Don't wait until all name servers have the change.")
def undo(name: str, dry_run: bool, no_wait: bool) -> int:
    """Undo the last change for DOMAIN by `dns update`, the admin pages, or key rotation.

    This restores removed records and removes added ones, unless they've changed since then. To undo earlier changes,
    run this command again.
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
        raise Failure(f"a file in the configuration's dns folder is damaged: {error}") from None


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
        "Use strict policies, too? Only do this if this server is the only one that sends mail and has "
        f"certificates for {domain}, or the others have their records"
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
        click.echo(f"moxlite: the server rejected the change: {printable(line)}", err=True)
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
        print("; no changes")


def tell_groups(groups: "Mapping[Group, Sequence[str]]", say: Callable[[str], None]) -> None:
    """Show the lines of a plan by group."""
    from moxlite.admin.dns.wanted import GROUPS

    for group, lines in groups.items():
        say(f"; {GROUPS[group]}")
        for line in lines:
            say(line)


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
    """Test the DNS provider for DOMAIN by reading the zone, and publishing and removing a harmless TXT record."""
    publishing, domain = open_publishing(name)
    with telling():
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
    with telling():
        publishing.stored(domain)
        ask(f"Remove the DNS provider for {domain}?")
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
            raise Failure(f"{provider_question.words}: missing on stdin")
    if "server" in answers:
        ip, port = server_address(answers["server"])
        answers["server"] = f"{ip}#{port}"
    return answers


def known_provider(name: str) -> "UsableProvider":
    """A provider by its name. Raises click.UsageError."""
    from moxlite.admin.dnsproviders.accounts import KNOWN

    if name not in KNOWN:
        raise click.UsageError(f"{name!r} must be one of {', '.join(KNOWN)}")
    return KNOWN[name]


def _stored(name: str) -> "Stored":
    publishing, domain = open_publishing(name)
    with telling():
        return publishing.stored(domain)


@for_people
def _show_rotation(rotation: operations.Rotation) -> None:
    _show_stage(rotation.domain, rotation)
    for label, value in (("next selector", rotation.new), ("former selectors", ", ".join(rotation.old))):
        if value:
            print(f"  {label}: {printable(value)}")
    _show_steps(rotation)


@for_people
def _show_host(host_rotation: operations.HostRotation) -> None:
    _show_stage(host_rotation.host, host_rotation)
    _show_steps(host_rotation)


@for_people
def _show_hosts(host_rotations: list[operations.HostRotation]) -> None:
    for host_rotation in host_rotations:
        _show_host(host_rotation, False)
    if not host_rotations:
        print("host key rotation requires a listener with SMTP, ACME certificates, and host_private_key_files")


def _show_stage(name: str, rotation: operations.Rotation | operations.HostRotation) -> None:
    until = f" until {rotation.until}" if rotation.until else ""
    print(printable(f"{name}: {rotation.words} ({rotation.stage} since {rotation.since or 'now'}{until})"))


def _show_steps(rotation: operations.Rotation | operations.HostRotation) -> None:
    for line in rotation.todo:
        print(f"  to do: {printable(line)}")
    if rotation.problem:
        print(f"  waiting for: {printable(rotation.problem)}")


rotation = click.Group("rotation", help="Manage DKIM key rotation. With a DNS provider, rotation starts automatically.")
described(rotation, described_in(operations), {}, {operations.Rotating: _show_rotation}, words="dns rotation")

host_key = click.Group(
    "host-key",
    help="Manage rotation of host keys for TLSA records. With a DNS provider, rotation starts automatically.",
)
described(
    host_key,
    described_in(operations),
    {},
    {operations.HostRotating: _show_host, operations.ShowHostRotation: _show_hosts},
    words="dns host-key",
)
