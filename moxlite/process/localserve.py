"""The directory of ``moxlite localserve``: configuration, certificate, account (ADMIN-44)."""

from __future__ import annotations

import os
import socket
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final

import trio

from moxlite.config.domains import DomainConfig
from moxlite.config.files import write_atomically
from moxlite.config.load import DOMAINS_FILE
from moxlite.config.snapshot import CurrentConfig, Snapshot
from moxlite.config.toml.edit import Document
from moxlite.logins.adminpassword import write_admin_password
from moxlite.mailauth.dkim.sign import key_record
from moxlite.net.resolver import MX, Answer, NotFound, Record, RecordType, Resolver, absolute
from moxlite.net.tls.certificates import self_signed
from moxlite.process.keys import SigningKeys
from moxlite.proto.address import AddressError, Domain
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.credentials import change_password
from moxlite.store.junkflags import JunkFlagRules
from moxlite.store.options import Options

ACCOUNT: Final = "moxlite"
ADDRESS: Final = "moxlite@localhost"
PASSWORD: Final = "moxmoxmox"  # noqa: S105  public on purpose: nothing but this machine can reach it
ADMIN_PASSWORD: Final = "moxadmin"  # noqa: S105

CERTIFICATE_DAYS: Final = 4 * 365
"""Days of the certificate, which nothing renews: as long as a directory for trying things out is likely to be used."""

PORTS: Final = (25, 80, 81, 143, 443, 465, 587, 993)
"""Ports of the services, below the base."""

HIGHEST_BASE: Final = 65535 - max(PORTS)
"""Highest base of the ports: the largest one, imaps, is the last that there is."""

STATIC: Final = """\
# Made by `moxlite localserve`, for tests on this machine. For all keys, run: moxlite config describe-static
hostname = "localhost"
pedantic = true
log_level = "info"
admin_password_file = "adminpasswd"
rate_limits.exempt = ["127.0.0.0/8", "::1/128"]
allow_private_webhooks = true

[postmaster]
account = "{account}"
mailbox = "Postmaster"

[tls.ca]
additional_to_system = true
cert_files = ["localhost.crt"]

# Links lead to this machine, as strangers do not reach it.
[web.public_url]
account = "http://{host}:{p80}/"
webmail = "http://{host}:{p80}/webmail/"

[listeners.local]
ips = [{ips}]
tls.key_certs = [{{ cert_file = "localhost.crt", key_file = "localhost.key" }}]
smtp = {{ enabled = true, port = {p25}, first_time_sender_delay = "0s" }}
submission = {{ enabled = true, port = {p587}, require_tls = false }}
submissions = {{ enabled = true, port = {p465} }}
imap = {{ enabled = true, port = {p143}, require_tls = false }}
imaps = {{ enabled = true, port = {p993} }}
account_http = {{ enabled = true, port = {p80} }}
account_https = {{ enabled = true, port = {p443} }}
admin_http = {{ enabled = true, port = {p80} }}
admin_https = {{ enabled = true, port = {p443} }}
webmail_http = {{ enabled = true, port = {p80} }}
webmail_https = {{ enabled = true, port = {p443} }}
webapi_http = {{ enabled = true, port = {p80} }}
webapi_https = {{ enabled = true, port = {p443} }}
dav_http = {{ enabled = true, port = {p80} }}
dav_https = {{ enabled = true, port = {p443} }}
jmap_http = {{ enabled = true, port = {p80} }}
jmap_https = {{ enabled = true, port = {p443} }}
metrics_http = {{ enabled = true, port = {p81} }}
webserver_http = {{ enabled = true, port = {p80} }}
webserver_https = {{ enabled = true, port = {p443} }}
"""

DOMAINS: Final = """\
# Changes are used within a second. Describe all keys: moxlite config describe-domains
[domains.localhost]
localpart_separators = ["+"]

[accounts.{account}]
domain = "localhost"
from_id_login_addresses = ["{address}"]
keep_retired_message_period = "72h"
keep_retired_webhook_period = "72h"

[accounts.{account}.destinations."{address}"]

[accounts.{account}.automatic_junk_flags]
enabled = true
junk_mailbox_regexp = "{junk}"
neutral_mailbox_regexp = "{neutral}"
"""

WORKDIR_HANDLER: Final = """
[[web_handlers]]
log_name = "workdir"
domain = "localhost"
path_regexp = "^/workdir(/|$)"
dont_redirect_plain_http = true
static = { root = ".", strip_prefix = "/workdir", list_files = true }
"""


def default_directory() -> Path:
    """``moxlite-localserve`` in the user's configuration directory, as each platform has it."""
    if os.name == "nt":
        base = os.environ.get("APPDATA") or str(Path.home() / "AppData" / "Roaming")
    else:
        base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "moxlite-localserve"


def config_file(directory: Path) -> Path:
    """The static configuration file in the directory."""
    return directory / "config" / "moxlite.toml"


def place(directory: Path) -> tuple[frozenset[str], int]:
    """The addresses and the port base of a directory, as its moxlite.toml has them. Raises OSError and ValueError: it
    cannot be read, or has other listeners.
    """
    try:
        listener = tomllib.loads(config_file(directory).read_text())["listeners"]["local"]
        return frozenset(listener["ips"]), listener["smtp"]["port"] - 25
    except (KeyError, TypeError) as error:
        raise ValueError(f"can't read listeners.local in moxlite.toml: {error}") from None


def initialize(directory: Path, *, ip: str | None, port_base: int, serve_workdir: bool) -> None:
    """Make the directory with all files that the server needs.

    The static configuration is written last: without it, the directory counts as not made.

    Raises:
      ValueError: an impossible address or port base.
      OSError: a file cannot be written.
      StoreError: the account's database cannot be made.
    """
    _check_base(port_base)
    ips = [str(ip_address(ip))] if ip is not None else _loopback()
    config = directory / "config"
    data = directory / "data"
    for path in (directory, config, data):
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
    pair = self_signed(["localhost", "127.0.0.1", "::1"], days=CERTIFICATE_DAYS)
    write_atomically(config / "localhost.crt", pair.certificate_pem(), mode=0o644)
    write_atomically(config / "localhost.key", pair.key_pem(), mode=0o600)
    write_admin_password(config / "adminpasswd", ADMIN_PASSWORD)
    rules = JunkFlagRules()
    domains = DOMAINS.format(
        account=ACCOUNT, address=ADDRESS, junk=rules.junk_mailbox_regexp, neutral=rules.neutral_mailbox_regexp
    )
    if serve_workdir:
        domains += WORKDIR_HANDLER
    write_atomically(config / DOMAINS_FILE, domains.encode())
    trio.run(_make_account, data)
    ports = {f"p{port}": port + port_base for port in PORTS}
    first = ip_address(ips[0])
    host = "localhost" if first.is_loopback else f"[{first}]" if first.version == 6 else str(first)
    text = STATIC.format(account=ACCOUNT, ips=", ".join(f'"{one}"' for one in ips), host=host, **ports)
    write_atomically(config_file(directory), text.encode())


def move_ports(directory: Path, old: int, new: int) -> None:
    """Give the services of moxlite.toml the ports of another base; those with ports of the owner's keep them.

    Raises ValueError for an impossible base, OSError.
    """
    _check_base(new)
    path = config_file(directory)
    text = path.read_text()
    static = tomllib.loads(text)
    document = Document(text)
    for service, settings in static["listeners"]["local"].items():
        if isinstance(settings, dict) and (port := settings.get("port", 0) - old) in PORTS:
            document.put(("listeners", "local", service, "port"), port + new)
    for app, url in static.get("web", {}).get("public_url", {}).items():
        document.put(("web", "public_url", app), url.replace(f":{80 + old}/", f":{80 + new}/", 1))
    write_atomically(path, str(document).encode())


def _check_base(base: int) -> None:
    if not 0 <= base <= HIGHEST_BASE:
        raise ValueError(f"the port base must be between 0 and {HIGHEST_BASE}")


def _loopback() -> Sequence[str]:
    """The loopback addresses of this machine; containers often have no IPv6."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return ["127.0.0.1"]
    return ["127.0.0.1", "::1"]


async def _make_account(data: Path) -> None:
    accounts = Accounts(data, Options())
    try:
        async with accounts.use(ACCOUNT) as account:
            await change_password(account, PASSWORD)
    finally:
        with trio.CancelScope(shield=True):  # bounded: one account without users
            await accounts.aclose()


# DNS for localserve: only this machine and the domains of the configuration (AUTH-14).
#
# No query leaves the machine, and mail that a domain signs and sends from here passes its checks. Domains of a single
# label, such as localhost, have neither SPF nor DKIM (AUTH-21, AUTH-35).


SPF: Final = "v=spf1 ip4:127.0.0.0/8 ip6:::1 -all"
"""SPF record of the configured domains: they send from this machine only."""

TTL: Final = 60
"""Seconds; nothing caches the records."""

LOOPBACK: Final[Mapping[str, Sequence[tuple[RecordType, Record]]]] = {
    "localhost.": ((RecordType.A, IPv4Address("127.0.0.1")), (RecordType.AAAA, IPv6Address("::1"))),
    absolute(IPv4Address("127.0.0.1").reverse_pointer): ((RecordType.PTR, "localhost."),),
    absolute(IPv6Address("::1").reverse_pointer): ((RecordType.PTR, "localhost."),),
}


class OwnZones(Resolver):
    """Resolver with records made from the present configuration."""

    def __init__(self, config: CurrentConfig, keys: SigningKeys) -> None:
        self._config = config
        self._keys = keys

    async def lookup(self, name: str, kind: RecordType) -> Answer[Record]:
        if not name.endswith("."):
            raise ValueError(f"name must end with a dot: {name!r}")
        name = name.lower()
        records = dict(self._records(name))
        if kind in records:
            return Answer((records[kind],), False, TTL, name)
        text = f"no {kind} records found for {name}, and localserve doesn't contact other servers"
        raise NotFound(text, nonexistent=not records, name=name)

    def _records(self, name: str) -> Iterator[tuple[RecordType, Record]]:
        """The records of a name, at most one of each type."""
        yield from LOOPBACK.get(name, ())
        snapshot = self._config.current
        selector, marker, domain = name.partition("._domainkey.")
        settings = _domain(snapshot, domain if marker else name)
        if settings is None:
            return
        if not marker:
            yield RecordType.TXT, SPF
            yield RecordType.MX, MX(10, absolute(snapshot.static.hostname.ascii))
        elif selector in settings.dkim.selectors:
            key = self._keys.key(settings.dkim.selectors[selector].key_file)
            if key is not None:
                yield RecordType.TXT, key_record(key)


def _domain(snapshot: Snapshot, name: str) -> DomainConfig | None:
    try:
        return snapshot.domain(Domain.parse(name.removesuffix(".")))
    except AddressError:
        return None
