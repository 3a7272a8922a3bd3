"""``moxlite config dnsrecords``, ``dnscheck`` and ``clientconfig``: the DNS records that a domain needs, printed and
checked, and settings for mail programs (ADMIN-47..49).

They need no running server.
"""

from typing import TYPE_CHECKING

import click

from moxlite.cli.common import FAILED, Failure, HostPort, config_path, load_config, settings, show_json
from moxlite.cli.verdicts import resolver_at, resolver_option
from moxlite.escapes import printable

if TYPE_CHECKING:
    from moxlite.admin.dns.report import Report
    from moxlite.config.snapshot import Snapshot
    from moxlite.net.resolver import Resolver
    from moxlite.proto.address import Domain


@click.command()
@click.argument("name", metavar="DOMAIN")
@resolver_option
def dnsrecords(name: str, resolver: HostPort | None) -> None:
    """Print DNS records for DOMAIN and this machine. They are lines of a zone file.

    DANE records are printed as comments unless the machine's zone is signed with DNSSEC.
    """
    import trio

    from moxlite.admin.dns.check import is_signed
    from moxlite.admin.dns.wanted import records_of
    from moxlite.admin.dns.zonefile import zone_file

    snapshot, domain = _domain(name)
    found = records_of(snapshot, domain)
    signed = bool(found.keys.tlsa) and trio.run(is_signed, _resolver(snapshot, resolver), found.host)
    print(zone_file(found, signed=signed), end="")


@click.command()
@click.argument("name", metavar="DOMAIN")
@resolver_option
def dnscheck(name: str, resolver: HostPort | None) -> int:
    """Check DNS records for DOMAIN. This also tests this server's services from the outside.

    Exit code 1 if there are errors. Services are only tested while the server is running here. If DNS servers don't
    respond, other checks are skipped.
    """
    import trio

    from moxlite.admin.dns.check import TITLES, check_domain, check_servers
    from moxlite.admin.dns.network import Internet, is_served
    from moxlite.net.httpclient import HTTPClient
    from moxlite.process.ports import roots_of, trust_of

    snapshot, domain = _domain(name)
    asked = _resolver(snapshot, resolver)
    static = snapshot.static
    http = HTTPClient(asked, allow_internal=static.allow_private_mx, roots=roots_of(static))
    network = Internet(static.hostname.ascii, trust_of(static), http)

    async def run() -> "dict[str, Report]":
        servers = await check_servers(asked, static.hostname)
        if servers.errors:
            return {"servers": servers}
        served = await is_served(static.data_dir)
        return {
            "servers": servers,
            **await check_domain(snapshot, domain, asked, network, served=served),
        }

    reports = trio.run(run)
    failed = any(report.errors for report in reports.values())
    if settings().as_json:
        show_json({topic: report.lines() for topic, report in reports.items()})
        return FAILED if failed else 0
    shown: dict[str, str] = {}
    for topic, report in reports.items():
        faulty = bool(report.errors or report.warnings)
        marks = {"error": "errors", "warning": "warnings", "do" if faulty else "note": "instructions"}
        lines = [
            f"  {mark}: {printable(line)}"
            for mark, key in marks.items()
            for line in report.lines()[key]
            if line != f"moxlite config dnscheck {domain}"
        ]
        fresh = [line for line in lines if shown.setdefault(line, topic) == topic]
        title = f" ({TITLES[topic]})" if topic in TITLES else ""
        if report.unused and not faulty:
            state = "not used"
        elif fresh:
            state = "" if faulty else "see note"
        else:
            state = f"see {shown[lines[0]]}" if lines else "ok"
        print(f"{topic}{title}: {state}")
        print("".join(f"{line}\n" for line in fresh), end="")
    return FAILED if failed else 0


@click.command()
@click.argument("name", metavar="DOMAIN")
def clientconfig(name: str) -> None:
    """Print mail client settings for users in DOMAIN."""
    from moxlite.admin.offer import Security, offer_for

    snapshot, domain = _domain(name)
    offer = offer_for(snapshot, domain)
    words: dict[Security, str] = {"tls": "TLS", "starttls": "STARTTLS", "plain": "no encryption"}
    for label, servers in (("IMAP", offer.imap), ("submission (SMTP)", offer.submission)):
        print(f"{label}:")
        for server in servers:
            alpn = " (ALPN)" if server.on_https else ""
            print(f"  {server.host.ascii} port {server.port}, {words[server.security]}{alpn}")
        if not servers:
            print("  not served")
    print(
        "The user name is the full email address. Use SCRAM-SHA-256 if the mail client supports it, or a plain "
        "password."
    )


def _domain(name: str) -> "tuple[Snapshot, Domain]":
    from moxlite.admin.accounts import Refused
    from moxlite.admin.domains.changes import require_domain

    snapshot = load_config()
    try:
        return snapshot, require_domain(snapshot, name)[0]
    except Refused as error:
        raise Failure(f"{error} ({config_path().parent / 'domains.toml'})") from None


def _resolver(snapshot: "Snapshot", server: HostPort | None) -> "Resolver":
    """A resolver for the given DNS server, or for the configured ones, which validates what they do not (AUTH-123)."""
    from moxlite.net.dns.client import DNSResolver
    from moxlite.net.dnssec.resolver import validating

    dns = snapshot.static.dns
    return validating(DNSResolver(dns.servers, trust_ad=dns.trust_ad) if server is None else resolver_at(server))
