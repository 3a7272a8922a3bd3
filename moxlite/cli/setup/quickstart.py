"""``moxlite quickstart`` (ADMIN-25..35)."""

import shlex
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from moxlite.cli.common import Failure, config_path
from moxlite.cli.setup.listeners import PASSWORD_ALONE
from moxlite.cli.verdicts import resolver_at, resolver_option
from moxlite.escapes import printable
from moxlite.ownprogram import shown_program

if TYPE_CHECKING:
    from moxlite.admin.dns.report import Report
    from moxlite.admin.quickstart.environment import Environment
    from moxlite.admin.quickstart.listeners import Places
    from moxlite.admin.quickstart.webserver import Kind, Webserver
    from moxlite.config.snapshot import Snapshot
    from moxlite.net.resolver import Resolver
    from moxlite.proto.address import Domain


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
    resolver: str | None,
) -> None:
    """Create a mail server configuration for ADDRESS and its domain, to run as USER (a name or a number).

    This creates files at --config and next to it, but won't overwrite any. You'll see warnings about problems with
    this machine. Save the passwords when you see them, because you can't show them again.
    """
    from moxlite.admin.accounts import Refused
    from moxlite.admin.domains.changes import parse_domain, refuse_public
    from moxlite.admin.quickstart.make import QuickstartFailed, make
    from moxlite.net.dns.client import DNSResolver
    from moxlite.proto.address import Address, AddressError

    other = _other_webserver(webserver, cert_files, key_files)
    if address is None:
        if not sys.stdin.isatty():
            raise click.UsageError("Missing argument 'ADDRESS'.")
        address = click.prompt("Your mail address, at the domain of this server (you@example.org)", type=str)
        assert address is not None
    try:
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
    said = _Said()
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
    print(f"account password: {made.account_password}")
    print(f"admin password: {made.admin_password}")
    said.say(
        "Use the account password for mail clients and webmail, and the admin password for the admin pages (step 5)."
    )
    said.say(f"backup signer: {made.signer}")
    said.say("Keep it with your backup key. It verifies that a backup is from this server (moxlite backup signer).")
    carry_out(said, config, parsed.domain, agreed)
    published = stored is not None and publish_records(said, config, parsed.domain, stored, answering, agreed)
    _next(said, config, parsed.domain, other, signed=around.signed, publish=publish_web, published=published)
    _tell_unfinished(said, host, around)
    said.keep(config.parent / "quickstart.log")


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


def _refuse_existing(config: Path) -> None:
    """Raise Failure, with advice, if a configuration exists already or if that cannot be seen."""
    from moxlite.admin.quickstart.make import existing

    try:
        paths = existing(config)
    except PermissionError as error:
        raise Failure(f"{error.filename}: {error.strerror}. Run this as root") from None
    if not paths:
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


class _Said:
    """Lines that are printed, and kept for the log. Passwords are printed in another way."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        print(printable(text))
        self.lines.append(printable(text))

    def text(self, text: str) -> None:
        """Say several lines of our own text."""
        for line in text.splitlines():
            self.say(line)

    def warn(self, text: str) -> None:
        self.say(f"warning: {text}")

    def keep(self, path: Path) -> None:
        from moxlite.config.files import write_atomically

        write_atomically(path, "".join(f"{line}\n" for line in self.lines).encode())


def _look(
    said: _Said,
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
    from moxlite.admin.quickstart.environment import (
        Environment,
        ask_registry,
        find_hostname,
        look_around,
        try_port_25,
    )
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
        host, warnings = _ask_for_hostname(host), []

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


def _ask_for_hostname(guess: "Domain") -> "Domain":
    """Ask for the full name of this machine, which it can't find out for sure. Raises click.Abort."""
    from moxlite.admin.accounts import Refused
    from moxlite.admin.domains.changes import parse_domain

    click.echo("Choose a host name. It's used in MX records, reverse DNS, and certificates.")
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


def _next(
    said: _Said,
    config: Path,
    domain: "Domain",
    other: "Webserver | None",
    *,
    signed: bool,
    publish: bool,
    published: bool,
) -> None:
    """Print the next steps. signed: DNSSEC verifies the host's addresses. publish: the pages are for the internet.
    published: the provider has the records.
    """
    from moxlite.admin.dns.wanted import records_of
    from moxlite.admin.dns.zonefile import zone_file
    from moxlite.admin.offer import offer_for
    from moxlite.config.load import load
    from moxlite.process.privileges import UnknownUser, user_ids

    snapshot, _ = load(config)
    offer = offer_for(snapshot, domain)
    said.say("")
    said.say("1. Mail client settings (found automatically when DNS is ready):")
    for label, servers in (("IMAP", offer.imap), ("SMTP (submission)", offer.submission)):
        for server in servers:
            said.say(f"   {label}: {server.host.ascii} port {server.port}, TLS; the user name is the full address")
    said.say("")
    packaged = _is_packaged(config)
    command = "moxlite" if packaged else f"{program()} --config {config}"
    if published:
        said.say("2. The records are in DNS. To check them, or to undo the change:")
        said.say(f"   {command} config dnscheck {domain}")
        said.say(f"   {command} dns undo {domain}")
    else:
        said.say("2. Add these records to DNS. To print them again, and to compare DNS with them:")
        said.say(f"   {command} config dnsrecords {domain}")
        said.say(f"   {command} config dnscheck {domain}")
        said.say("   Does the domain already have mail elsewhere? With the MX record, new mail is delivered here.")
        said.say("")
        said.text(zone_file(records_of(snapshot, domain), signed=signed))
    said.say("")
    _tell_of_ports(said, offer.host, domain, other, publish=publish)
    user = snapshot.static.user
    said.say("4. Start the server as root; it switches to its user automatically:")
    if packaged:
        said.say("   systemctl start moxlite")
    else:
        try:
            user_ids(user)
        except UnknownUser:
            said.say(f"   useradd --system --no-create-home {user}")
        said.say(f"   {command} config printservice >/etc/systemd/system/moxlite.service")
        said.say("   systemctl daemon-reload && systemctl enable --now moxlite")
        said.say(f"   or without systemd: {command} serve")
    said.say("")
    _tell_of_pages(said, snapshot, command)


def _tell_unfinished(said: _Said, host: "Domain", around: "Environment") -> None:
    """Print what to write to the provider of the machine, where it has something to do."""
    from moxlite.admin.quickstart.environment import BLOCKED

    wishes = [f"set the reverse name (PTR) of {ip} to {host.ascii}" for ip in around.unnamed]
    if any(BLOCKED in line for line in said.lines):
        wishes.append("open port 25 for outgoing connections, because this machine is a mail server")
    if not wishes:
        return
    said.say("")
    said.say("6. Fix these problems. Contact this machine's provider:")
    said.say(f'   "For my machine {host.ascii}, please {"; and ".join(wishes)}."')


def _tell_of_pages(said: _Said, snapshot: "Snapshot", command: str) -> None:
    """Print where the web pages are, and how to reach the pages of this machine alone."""
    from moxlite.admin.publicpages import public_page

    host = snapshot.static.hostname.ascii
    internal = next(listener for listener in snapshot.static.listeners.values() if listener.account_http.enabled)
    place = next(listener for listener in snapshot.static.listeners.values() if listener.admin_http.enabled)
    admin, webmail = place.admin_http.port, public_page(snapshot, "webmail")
    inside = [str(ip) for ip in place.ips if not ip.is_loopback]
    if webmail is not None:
        said.say(f"5. The web pages are at {webmail}, open to the internet.")
        _show_code(f"https://{host}/")
        said.say(f"   {PASSWORD_ALONE}")
        said.say("   The admin pages are only available on this machine. From yours, run:")
        said.say(f"   ssh -L {admin}:127.0.0.1:{admin} root@{host}  then http://localhost:{admin}/admin/")
    else:
        said.say("5. The web pages are only available on this machine. From yours, run:")
        said.say(f"   ssh -L 8080:127.0.0.1:{internal.webmail_http.port} -L {admin}:127.0.0.1:{admin} root@{host}")
        said.say(f"   then http://localhost:8080/webmail/ and, for the administrator, http://localhost:{admin}/admin/")
        said.say(f"   To open webmail and account pages to the internet: {command} config listeners publish-web on")
        said.say("   Until then, you can't use links or QR codes to set up devices, or links to reset passwords.")
    for ip in inside:
        said.say(
            f"   In your own network the admin pages are at http://{f'[{ip}]' if ':' in ip else ip}:{admin}/admin/"
        )


def _show_code(url: str) -> None:
    """On a terminal: a QR code that leads a phone to the account page, from which it is set up."""
    if sys.stdout.isatty():
        import segno

        print(f"   Scan this with your phone, log in, and set up its mail app ({url}):")
        segno.make(url).terminal(compact=True)


def _tell_of_ports(said: _Said, host: "Domain", domain: "Domain", other: "Webserver | None", *, publish: bool) -> None:
    """Print the ports that must be open, and the paths that another web server passes on."""
    from moxlite.admin.quickstart.webserver import MAIL_PORTS, WEB_PORTS, configuration

    ports = sorted((*MAIL_PORTS, *WEB_PORTS))
    listing = ", ".join(map(str, ports))
    said.say(f"3. Open ports {listing} in this machine's firewall and your provider's. You can't check")
    said.say("   this from here. When the server is running, run this on another machine:")
    said.say(f"   for port in {' '.join(map(str, ports))}; do nc -vz {host.ascii} $port; done")
    if other is not None:
        said.say("   Add this to your web server's configuration, then reload it:")
        said.say("")
        said.text(configuration(other, host, domain, publish=publish))
        said.say("")
        said.say("   After each certificate renewal: moxlite tls reload (otherwise it's reloaded within 6 hours)")
    said.say("")
