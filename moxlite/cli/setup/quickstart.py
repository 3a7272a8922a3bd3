"""``moxlite quickstart`` (ADMIN-25..35)."""

import os
import shlex
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from moxlite.cli.common import Failure, HostPort, config_path, settings
from moxlite.cli.setup.listeners import PASSWORD_ALONE
from moxlite.cli.verdicts import resolver_at, resolver_option
from moxlite.escapes import printable
from moxlite.ownprogram import shown_program
from moxlite.wording import brief, counted

if TYPE_CHECKING:
    from moxlite.admin.dns.report import Report
    from moxlite.admin.quickstart.environment import Environment
    from moxlite.admin.quickstart.listeners import Places
    from moxlite.admin.quickstart.webserver import Kind, Webserver
    from moxlite.config.snapshot import Snapshot
    from moxlite.net.limits import IPAddress
    from moxlite.net.resolver import Resolver
    from moxlite.proto.address import Address, Domain


INSTALLED: Final = Path("/etc/moxlite")
"""Folder of the configuration of the Debian package and of `moxlite self install`."""


@click.command()
@click.argument("address", required=False)
@click.argument("user", default="moxlite")
@click.option("--hostname", metavar="NAME", help="Full name of this machine.  [default: from the system or DNS]")
@click.option("--skip-dial", is_flag=True, help="Skip checks of outgoing port 25, block lists, and the registry.")
@click.option(
    "--existing-webserver",
    "webserver",
    type=click.Choice(["nginx", "caddy", "apache"]),
    help="Keep another web server on ports 80 and 443, and print the required configuration.",
)
@click.option(
    "--cert-file",
    "cert_files",
    metavar="FILE",
    multiple=True,
    help="With --existing-webserver, certificate chain for mail (PEM). Can be repeated.",
)
@click.option("--key-file", "key_files", metavar="FILE", multiple=True, help="Key for each certificate (PEM).")
@click.option("--publish-web", is_flag=True, help="Open webmail and account pages to the internet.")
@click.option(
    "--admin-inside/--no-admin-inside",
    default=None,
    help="Also serve the admin pages to this machine's private networks, without TLS."
    "  [default: ask on a terminal, else no]",
)
@click.option(
    "--dns-provider",
    metavar="PROVIDER",
    help="Publish DNS records at this provider. Enter the token when prompted, or on stdin (moxlite dns provider "
    "list).  [default: ask on a terminal, else none]",
)
@resolver_option
def quickstart(
    address: str | None,
    user: str,
    hostname: str | None,
    skip_dial: bool,
    webserver: "Kind | None",
    cert_files: tuple[str, ...],
    key_files: tuple[str, ...],
    publish_web: bool,
    admin_inside: bool | None,
    dns_provider: str | None,
    resolver: HostPort | None,
) -> None:
    """Create a mail server configuration for ADDRESS. This includes its domain. The server runs as USER (a name or a
    number).

    This creates files at --config and next to it, but won't overwrite any. You'll see warnings about problems with
    this machine. Save the passwords when you see them, because you can't show them again.
    """
    from moxlite.admin.accounts import Refused
    from moxlite.admin.domains.changes import parse_domain, refuse_public
    from moxlite.admin.quickstart.environment import BLOCKED
    from moxlite.admin.quickstart.make import QuickstartFailed, make
    from moxlite.config.load import load
    from moxlite.net.dns.client import DNSResolver
    from moxlite.proto.address import Address, AddressError, unmarked

    other = _other_webserver(webserver, cert_files, key_files)
    if address is None:
        if not sys.stdin.isatty():
            raise click.UsageError("Missing argument 'ADDRESS'.")
        address = click.prompt("Your mail address, at the domain of this server (you@example.org)", type=str)
        assert address is not None
    try:
        address = unmarked(address)
        parsed = Address.parse(address)
        refuse_public(parse_domain(parsed.domain.ascii))
        named = None if hostname is None else parse_domain(hostname)
    except (AddressError, Refused) as error:
        raise click.UsageError(f"{error}") from None
    config = config_path().absolute()
    _refuse_existing(config)
    from moxlite.cli.setup.quickstartdns import (
        Agreed,
        agree_on_dns,
        carry_out,
        choose_provider,
        find_others,
        publish_records,
    )

    stored = choose_provider(dns_provider, parsed.domain)
    said = _SetupOutput()
    if not parsed.localpart.isascii():
        said.warn("some servers can't send to non-ASCII addresses; also add an ASCII alias")
    asked = DNSResolver() if resolver is None else resolver_at(resolver)
    host, places, around = _look(said, asked, parsed.domain, named, other, skip_dial=skip_dial)
    inside = _is_admin_inside(admin_inside, places)
    answering = asked if around.asked else None
    ips = (*around.host_ips, *map(ip_address, (*places.public, *places.nat)))
    others = find_others(parsed.domain, host, ips, answering, stored)
    agreed = Agreed()

    def agree(draft: Path) -> bool:
        nonlocal agreed
        agreed = agree_on_dns(said, draft, parsed.domain, stored, answering, others)
        return agreed.strict

    strict = not others and sys.stdin.isatty()
    try:
        made = make(
            config,
            parsed,
            user,
            host,
            places,
            other,
            publish=publish_web,
            admin_inside=inside,
            strict=strict,
            agree=agree,
        )
    except QuickstartFailed as error:
        raise Failure(str(error)) from None
    for warning in made.warnings:
        said.warn(warning)
    said.say(f"created {config} and its files; account {made.account} with the address {parsed}")
    log = config.parent / "quickstart.log"
    try:
        carry_out(said, config, parsed.domain, agreed)
        published = stored is not None and publish_records(said, config, parsed.domain, stored, answering, agreed)
        snapshot, _ = load(config)
        setup = _Setup(
            snapshot,
            parsed,
            shown_command(config),
            other,
            published=published,
            reverse=_without_reverse(snapshot, parsed.domain, around),
            blocked=any(BLOCKED in line for line in said.lines),
        )
        _tell_records(said, setup, signed=around.signed, publish=publish_web)
    finally:  # they are kept nowhere, and DNS may take long enough for a Ctrl-C
        _tell_passwords(said, made.account_password, made.admin_password, parsed)
    _tell_steps(said, setup, agreed.later)
    said.say("")
    if said.warnings:
        said.say(f"{counted(len(said.warnings), 'warning')} (for details, see above):")
        for warning in said.warnings:
            said.say(f"- {brief(warning)}")
    said.say(f"To read this again, without the passwords: less {log}")
    said.keep(log)


def _is_admin_inside(given: bool | None, places: "Places") -> bool:
    """Whether the admin pages are for the private networks, too; asked where the machine has such addresses. Raises
    click.UsageError.
    """
    if not places.private:
        if given:
            raise click.UsageError("--admin-inside requires a private address on this machine")
        return False
    if given is None and sys.stdin.isatty():
        return click.confirm(
            f"Also serve the admin pages at {', '.join(places.private)}, so you can open them from other machines "
            "in that network, without TLS?"
        )
    return bool(given)


def _refuse_beside(config: Path) -> None:
    """Raise Failure for a user who would make a second server beside the one of this machine, unasked."""
    named = settings().config_path or os.environ.get("MOXLITE_CONF")
    if named or os.name != "posix" or os.geteuid() == 0 or not INSTALLED.exists():
        return
    raise Failure(
        f"moxlite is already set up on this machine, in {INSTALLED}; to manage it, run moxlite as root. To create a "
        "separate server, add --config FILE"
    )


def _refuse_existing(config: Path) -> None:
    """Raise Failure, with advice, if a configuration exists already or if that cannot be seen."""
    from moxlite.admin.quickstart.make import existing

    try:
        paths = existing(config)
    except PermissionError as error:
        raise Failure(f"{error.filename}: {error.strerror}. Run this as root") from None
    if not paths:
        _refuse_beside(config)
        return
    listing = " ".join(map(str, paths))
    if config in paths:
        raise Failure(
            f"this machine is already set up (run `moxlite doctor`); to start over, move these away: {listing}"
        )
    raise Failure(f"can't overwrite files from a previous setup; move these first: {listing}")


def _other_webserver(
    kind: "Kind | None", cert_files: tuple[str, ...], key_files: tuple[str, ...]
) -> "Webserver | None":
    """The web server that stays; None if there is no other. Raises click.UsageError."""
    from moxlite.admin.quickstart.webserver import Webserver

    if kind is None:
        if cert_files or key_files:
            raise click.UsageError("--cert-file and --key-file require --existing-webserver; otherwise moxlite orders")
        return None
    if not cert_files or len(cert_files) != len(key_files):
        raise click.UsageError("--existing-webserver requires --cert-file and --key-file for the mail ports")
    files = ((Path(one).absolute(), Path(key).absolute()) for one, key in zip(cert_files, key_files, strict=True))
    return Webserver(kind, tuple(files))


class _SetupOutput:
    """Lines that are printed, and kept for the log. Passwords are printed in another way."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def say(self, text: str) -> None:
        print(printable(text))
        self.lines.append(printable(text))

    def text(self, text: str) -> None:
        """Say several lines of our own text."""
        for line in text.splitlines():
            self.say(line)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        self.say(f"warning: {text}")

    def keep(self, path: Path) -> None:
        from moxlite.config.files import write_atomically

        write_atomically(path, "".join(f"{line}\n" for line in self.lines).encode())


def _look(
    said: _SetupOutput,
    resolver: "Resolver",
    domain: "Domain",
    hostname: "Domain | None",
    other: "Webserver | None",
    *,
    skip_dial: bool,
) -> "tuple[Domain, Places, Environment]":
    """Find the hostname, the addresses of the listeners, and the host's records in DNS; prints warnings. Raises Failure
    for certificates that cannot be used.
    """
    import trio

    from moxlite.admin.dns.check import check_servers
    from moxlite.admin.quickstart.environment import Environment, ask_registry, find_hostname, look_around, try_port_25
    from moxlite.admin.quickstart.listeners import choose_places, machine_addresses, outgoing_addresses
    from moxlite.admin.quickstart.webserver import check_pairs, look_at_ports
    from moxlite.net.httpclient import HTTPClient
    from moxlite.net.tls.certificates import CertificateError

    try:
        machine = machine_addresses()
    except OSError as error:
        said.warn(f"can't find this machine's addresses: {error.strerror or error}")
        machine = []

    async def look() -> "tuple[Report, Domain, list[str]]":
        servers = await check_servers(resolver, domain)
        if hostname is not None:
            return servers, hostname, []
        return servers, *await find_hostname(resolver, [] if servers.errors else machine, domain)

    servers, host, warnings = trio.run(look)
    dead = bool(servers.errors)
    if hostname is None and warnings and sys.stdin.isatty():
        host, warnings = _ask_for_hostname(host, domain), []

    async def run() -> "tuple[Domain, Places, Environment]":
        nonlocal warnings
        warnings += [f"{text}: {'; '.join(servers.instructions)}" for text in (*servers.errors, *servers.warnings)]
        around = Environment() if dead else await look_around(resolver, host)
        outgoing = outgoing_addresses()
        places = choose_places(machine, around.host_ips, outgoing=outgoing, other_web=other is not None)
        warnings = [*warnings, *around.warnings, *places.warnings]
        if other is not None:
            try:
                warnings += check_pairs(other.pairs, host, domain)
            except CertificateError as error:
                raise Failure(str(error)) from None
        warnings += await look_at_ports(places, other_web=other is not None)
        if not skip_dial and not dead:
            warnings += await try_port_25(
                resolver, [interface_address.ip for interface_address in machine] or around.host_ips
            )
            warnings += await ask_registry(HTTPClient(resolver), domain)
        for warning in warnings:
            said.warn(warning)
        return host, places, around

    return trio.run(run)


def _ask_for_hostname(guess: "Domain", domain: "Domain") -> "Domain":
    """Ask for the full name of this machine, which it can't find out for sure. Raises click.Abort."""
    from moxlite.admin.accounts import Refused
    from moxlite.admin.domains.changes import parse_domain

    click.echo(f"Choose a host name for MX records, reverse DNS, and certificates. Any name in {domain} will do.")
    while True:
        try:
            return parse_domain(click.prompt("This server's host name", default=str(guess)))
        except Refused as refused:
            click.echo(f"{refused}")


def program() -> str:
    """The command with which this program was started, for units and instructions."""
    return shlex.join(shown_program())


UNITS: Final = tuple(Path(folder, "moxlite.service") for folder in ("/lib/systemd/system", "/etc/systemd/system"))
"""Unit files of Debian's package and of `moxlite self install`."""


def _is_packaged(config: Path) -> bool:
    """Whether an installation has a unit that waits for this configuration, and with it the user."""
    from moxlite.admin.quickstart.files import WAITS_FOR

    found = (unit.read_text() for unit in UNITS if unit.exists())
    return any(WAITS_FOR.format(path=config) in text for text in found)


def shown_command(config: Path) -> str:
    """How the owner runs moxlite: by name where the installation finds the configuration by itself."""
    return "moxlite" if _is_packaged(config) else f"{program()} --config {config}"


# The last part of the output. The passwords and the next steps come after the records, so that they are what stays on
# the screen.


class _Setup(msgspec.Struct, frozen=True):
    """A new configuration, and what is left to do for it.

    Attributes:
      command: how the owner runs moxlite.
      published: the DNS provider has the records.
      reverse: addresses of this machine whose reverse name isn't its hostname, or not known; None if this machine's
        public addresses aren't known.
      blocked: other servers can't be reached at port 25.
    """

    snapshot: "Snapshot"
    address: "Address"
    command: str
    other: "Webserver | None"
    published: bool
    reverse: "tuple[IPAddress, ...] | None"
    blocked: bool

    @property
    def host(self) -> str:
        """The name of this machine."""
        return self.snapshot.static.hostname.ascii


def _without_reverse(snapshot: "Snapshot", domain: "Domain", around: "Environment") -> "tuple[IPAddress, ...] | None":
    """As `_Setup.reverse`. Addresses that the internet can't see need no name there."""
    from moxlite.admin.dns.wanted import records_of

    ips = [ip_address(str(record.value)) for record in records_of(snapshot, domain).records("host")]
    if not ips:
        return None
    named = set(around.host_ips) - set(around.unnamed)
    return tuple(ip for ip in ips if ip.is_global and ip not in named)


def _tell_records(said: _SetupOutput, setup: _Setup, *, signed: bool, publish: bool) -> None:
    """Print the DNS records, and the configuration of another web server. signed: DNSSEC verifies the host's addresses.
    publish: the pages are for the internet.
    """
    from moxlite.admin.dns.wanted import records_of
    from moxlite.admin.dns.zonefile import zone_file
    from moxlite.admin.offer import offer_for
    from moxlite.admin.quickstart.webserver import configuration

    domain = setup.address.domain
    said.say("")
    if setup.published:
        said.say("The records are in DNS. To check them, or to undo the change:")
        said.say(f"      {setup.command} config dnscheck {domain}")
        said.say(f"      {setup.command} dns undo {domain}")
        said.say("The token is kept for later changes, for root and the service user. To remove it:")
        said.say(f"      {setup.command} dns provider rm {domain}")
    else:
        said.text(zone_file(records_of(setup.snapshot, domain), signed=signed))
    if setup.other is not None:
        said.say("")
        said.say(f"Settings for {setup.other.kind}:")
        said.say("")
        said.text(configuration(setup.other, offer_for(setup.snapshot, domain).host, domain, publish=publish))
    _show_code(setup)


def _show_code(setup: _Setup) -> None:
    """On a terminal, with public pages: a QR code that leads a phone to the account page, from which it is set up."""
    from moxlite.admin.publicpages import public_page

    if public_page(setup.snapshot, "webmail") is not None and sys.stdout.isatty():
        import segno

        url = f"https://{setup.host}/"
        print(f"\nWhen the server is running, scan this with your phone, log in, and set up its mail app ({url}):")
        segno.make(url).terminal(compact=True)


def _tell_passwords(said: _SetupOutput, account: str, admin: str, address: "Address") -> None:
    said.say("")
    said.say("Save these passwords now. You won't be able to see them again.")
    print(f"account password: {account}")
    print(f"admin password: {admin}")
    said.say(f"The account password is for mail clients and webmail, with the user name {address}.")
    said.say("The admin password is for the admin pages.")


def _tell_steps(said: _SetupOutput, setup: _Setup, later: list[str]) -> None:
    """Print the next steps, numbered; the lines of the last one come from the records."""
    said.say("")
    said.say("Next steps:")
    sources = (_dns_step, _provider_step, _ports_step, _webserver_step, _start_step, _doctor_step, _mail_step)
    steps = [step for source in sources if (step := source(setup))]
    for number, (first, *lines) in enumerate((*steps, _pages_step(setup), *([later] if later else ())), 1):
        said.say(f"{number}. {first}")
        for line in lines:
            said.say(f"   {line}")


def _dns_step(setup: _Setup) -> list[str]:
    if setup.published:
        return []
    domain = setup.address.domain
    return [
        "Add the DNS records above at your DNS provider, before you start the server. To print and check them later:",
        f"   {setup.command} config dnsrecords {domain}",
        f"   {setup.command} config dnscheck {domain}",
        f"If {domain} already gets mail elsewhere, add the MX record last, because it brings new mail here. Add the",
        "records for mail clients (autoconfig, autodiscover, ua-auto-config, SRV) with it: they lead users here.",
    ]


def _provider_step(setup: _Setup) -> list[str]:
    """Reverse names and port 25, for which the provider of the machine is responsible."""
    host = setup.host
    lines: list[str] = []
    wishes: list[str] = []
    if setup.reverse is None:
        wishes.append(f"set reverse DNS (PTR) to {host} for all addresses")
        lines.append(f"Set reverse DNS to {host} for this machine's public addresses.")
    elif setup.reverse:
        ips = " and ".join(map(str, setup.reverse))
        wishes.append(f"set reverse DNS (PTR) to {host} for {ips}")
        lines.append(f"Set reverse DNS to {host} for {ips}.")
    if setup.blocked:
        wishes.append("open port 25 for outgoing connections, because this machine is a mail server")
        lines.append("Have outgoing port 25 opened.")
    if not lines:
        return []
    return [
        " ".join(lines),
        "This is set where you rent this machine, not at your DNS provider. If you can't find it there, write:",
        f'"For my machine {host}, please {" and ".join(wishes)}."',
    ]


def _ports_step(_: _Setup) -> list[str]:
    from moxlite.admin.quickstart.webserver import open_ports

    return [
        f"If your provider or this machine has a firewall, open the ports {', '.join(map(str, open_ports()))} in it.",
    ]


def _webserver_step(setup: _Setup) -> list[str]:
    if setup.other is None:
        return []
    return [
        f"Add the settings above to {setup.other.kind}, then reload it.",
        "After each certificate renewal, run this (otherwise, it's reloaded within 6 hours):",
        f"   {setup.command} tls reload",
    ]


def _start_step(setup: _Setup) -> list[str]:
    from moxlite.process.privileges import UnknownUser, user_ids

    if setup.command == "moxlite":
        return ["Start the server. It also starts when the machine boots.", "   systemctl start moxlite"]
    lines = ["Start the server as root. It switches to its user automatically."]
    user = setup.snapshot.static.user
    try:
        user_ids(user)
    except UnknownUser:
        lines.append(f"   useradd --system --no-create-home {user}")
    lines.append(f"   {setup.command} config printservice >/etc/systemd/system/moxlite.service")
    lines.append("   systemctl daemon-reload && systemctl enable --now moxlite")
    return [*lines, "Without systemd:", f"   {setup.command} serve"]


def _doctor_step(setup: _Setup) -> list[str]:
    from moxlite.admin.quickstart.webserver import open_ports

    return [
        "Check everything, and send a message to another address of yours:"
        if setup.other
        else "Check everything, and send a message elsewhere. The first time, this waits for certificates:",
        f"   {setup.command} doctor --send-to you@elsewhere.example",
        "Optional: to check that the ports are open, run this on another machine that has `nc`:",
        f"   for port in {' '.join(map(str, open_ports()))}; do nc -vz {setup.host} $port; done",
    ]


def _mail_step(setup: _Setup) -> list[str]:
    from moxlite.admin.offer import offer_for

    offer = offer_for(setup.snapshot, setup.address.domain)
    servers = [("IMAP", server) for server in offer.imap] + [("SMTP", server) for server in offer.submission]
    return [
        f"Set up your mail client. Thunderbird, Apple Mail and Outlook only need {setup.address} and its password.",
        "Other mail clients also need:",
        *(f"   {label}: {server.host.ascii} port {server.port}, TLS" for label, server in servers),
        "Then write to yourself from another account, and reply.",
    ]


def _pages_step(setup: _Setup) -> list[str]:
    """Where the web pages are, and how to reach the pages of this machine alone."""
    from moxlite.admin.publicpages import public_page

    host, listeners = setup.host, setup.snapshot.static.listeners.values()
    internal = next(listener for listener in listeners if listener.account_http.enabled)
    place = next(listener for listener in listeners if listener.admin_http.enabled)
    admin, webmail = place.admin_http.port, public_page(setup.snapshot, "webmail")
    if webmail is not None:
        lines = [
            f"Open webmail at {webmail}, from anywhere.",
            PASSWORD_ALONE,
            "The admin pages are only available on this machine. On your computer, run this, then open",
            f"http://localhost:{admin}/admin/:",
            f"   ssh -L {admin}:127.0.0.1:{admin} root@{host}",
        ]
    else:
        lines = [
            "Open webmail. The web pages are only available on this machine: from anywhere else, you'll see",
            "`Page not found`. On your computer, run this, then open",
            f"http://localhost:8080/webmail/ and, for the admin pages, http://localhost:{admin}/admin/:",
            f"   ssh -L 8080:127.0.0.1:{internal.webmail_http.port} -L {admin}:127.0.0.1:{admin} root@{host}",
            "To use webmail from anywhere, and links and QR codes that set up devices, open it to the internet:",
            f"   {setup.command} config listeners publish-web on",
            *(["   systemctl restart moxlite"] if setup.command == "moxlite" else []),
        ]
    shown = (f"[{ip}]" if ip.version == 6 else str(ip) for ip in place.ips if not ip.is_loopback)
    return [*lines, *(f"In your own network, the admin pages are at http://{ip}:{admin}/admin/" for ip in shown)]
