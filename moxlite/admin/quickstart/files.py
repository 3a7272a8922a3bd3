"""The texts of the files that quickstart writes (ADMIN-31, 32)."""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from moxlite.admin.accounts import account_settings
from moxlite.admin.dkimkeys import NewKey
from moxlite.admin.domains.changes import domain_settings
from moxlite.admin.quickstart.listeners import Places
from moxlite.admin.quickstart.switches import ADMIN_PORT, WEBAPI_PORT, pages_line, publish_lines
from moxlite.admin.quickstart.webserver import PORT, Webserver
from moxlite.admin.standby.layout import TAKING_OVER
from moxlite.config.load import built_channel
from moxlite.config.toml.edit import Document
from moxlite.process.errors import REPLACED
from moxlite.proto.address import Address, Domain

STATIC: Final = """\
# Made by `moxlite quickstart`. For all keys, run: moxlite config describe-static. Changes require a restart.
hostname = {hostname}
data_dir = {data}
user = {user}
log_level = "info"
admin_password_file = "adminpasswd"
{pages}{updates}

[postmaster]
account = {account}
mailbox = "Postmaster"
{tlsrpt}{authority}
# Services for the internet.{warning}
[listeners.public]
ips = {public}
{nat}{tls}smtp.enabled = true
# Block lists, only used for unknown senders. Some require registration:
# smtp.dnsbls = ["sbl.spamhaus.org", "bl.spamcop.net"]
submissions.enabled = true
imaps.enabled = true
# Sieve scripts for mail clients. To change this line, run: moxlite config listeners managesieve on|off
managesieve.enabled = true
{web}"""

UPDATES: Final = "# Look up the newest version in DNS every day, and notify postmaster.\ncheck_updates = true"
NO_UPDATES: Final = (
    "# To get notified about new versions, see check_updates and [updates] in `moxlite config describe-static`."
)

AUTHORITY: Final = """
[acme.letsencrypt]
directory_url = "https://acme-v02.api.letsencrypt.org/directory"
contact_email = {contact}
"""

ORDERED: Final = """\
tls.acme = "letsencrypt"
# Used for all of this host's certificates, so TLSA records in DNS stay valid.
tls.host_private_key_files = {hostkeys}
"""

OWN_WEB: Final = """\
autoconfig_https.enabled = true
mtasts_https.enabled = true
# Calendars and contacts for phones, and JMAP for mail clients. Users log in with the same password as for IMAP.
dav_https.enabled = true
jmap_https.enabled = true
webserver_http.enabled = true
webserver_https.enabled = true
# Webmail and account pages, open to the internet at https://{hostname}/webmail/. Only a password is needed to
# log in there, unless a user turns on two-step verification.
# To change these lines, run: moxlite config listeners publish-web on|off
{publish}
# User pages, web API, and metrics, on this machine{where}.
[listeners.internal]
ips = {internal}
hostname = "localhost"
account_http = {{ enabled = true{port} }}
webmail_http = {{ enabled = true{port} }}
# To change this line, run: moxlite config listeners webapi on|off
webapi_http = {{ enabled = true{port} }}
metrics_http.enabled = true
{admin}"""

ADMIN: Final = """
# Admin pages, on this machine{where}.
[listeners.admin]
ips = {ips}
hostname = "localhost"
admin_http = {{ enabled = true, port = {port} }}
"""

PAGES: Final = """\
# Webmail and account pages, open to the internet through your web server. Only a password is needed to log in there.
# To change this line, run: moxlite config listeners publish-web on|off
{line}
"""

NATTED: Final = """\
# When the hostname is in DNS, replace the next line with this machine's public address:
# nat_ips = ["198.51.100.1"]
ips_natted = true
"""

GIVEN: Final = """\
# Managed by another program. Reloaded every 6 hours, and by: moxlite tls reload
tls.key_certs = [{pairs}]
"""

BEHIND_WEB: Final = """
# Services behind this machine's web server, user pages, and metrics.
[listeners.internal]
ips = {internal}
autoconfig_https = {{ enabled = true, port = {port}, non_tls = true, forwarded = true }}
mtasts_https = {{ enabled = true, port = {port}, non_tls = true, forwarded = true }}
account_http = {{ enabled = true, port = {port}, forwarded = true }}
webmail_http = {{ enabled = true, port = {port}, forwarded = true }}
dav_http = {{ enabled = true, port = {port}, forwarded = true }}
jmap_http = {{ enabled = true, port = {port}, forwarded = true }}
# The web API, on a separate port so that the web server doesn't forward requests from the internet to it.
# To change this line, run: moxlite config listeners webapi on|off
webapi_http = {{ enabled = true, port = {webapi} }}
metrics_http.enabled = true
{admin}"""

TLSRPT: Final = """
[host_tlsrpt]
account = {account}
mailbox = "TLSRPT"
localpart = "tlsreports"
"""

DOMAINS_HEAD: Final = """\
# Made by `moxlite quickstart`. For all keys, run: moxlite config describe-domains. Changes apply immediately.

"""

RULESET: Final = """
# Example: move mailing list mail to a mailbox:
#
# [[accounts.{account}.destinations.{address}.rulesets]]
# verified_domain = "lists.example.org"
# headers_regexp = {{ "^list-id$" = "<discuss\\\\.lists\\\\.example\\\\.org>" }}
# list_allow_domain = "lists.example.org"
# mailbox = "Lists/discuss"
"""

WAITS_FOR: Final = "ConditionPathExists=|{path}\n"
"""Line of a unit that waits for a file, or for another one of which there is such a line (systemd.unit(5))."""

UNIT: Final = """\
[Unit]
Description={description}
After=network-online.target
Wants=network-online.target
{condition}
[Service]
{runs}
KillMode=mixed
# If memory runs out and the kernel kills a child process, the server starts another one.
OOMPolicy=continue
RestartSec=5s
# Another machine is active, so don't restart.
RestartPreventExitStatus={replaced}
LimitNOFILE=65535
UMask=007
WorkingDirectory={top}
ReadWritePaths={writable}
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateMounts=yes
PrivateDevices=yes
NoNewPrivileges=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ProcSubset=pid
LockPersonality=yes
RestrictRealtime=yes
RestrictNamespaces=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
# Sandbox processes use Landlock, which isn't in the system call sets of systemd 252 (Debian 12).
SystemCallFilter=@system-service landlock_create_ruleset landlock_add_rule landlock_restrict_self
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_NET_BIND_SERVICE CAP_CHOWN CAP_FSETID CAP_DAC_OVERRIDE \
CAP_DAC_READ_SEARCH CAP_FOWNER CAP_KILL

[Install]
WantedBy=multi-user.target
"""

SERVES: Final = """\
Type=notify
# The server is a child of the process that systemd starts. That process forwards signals.
NotifyAccess=all
WatchdogSec=60
Restart=always
ExecStart={program} --config {config} serve --after {waits_for}
ExecReload=/bin/kill -HUP $MAINPID"""

FOLLOWS: Final = """\
Type=exec
# After taking over, this starts the server's own unit and exits.
Restart=on-failure
EnvironmentFile={options}
# A file here shows that a takeover has started. The server's unit loads, and waits until it's done.
RuntimeDirectory={runtime}
RuntimeDirectoryPreserve=restart
ExecStart={program} --config {config} standby follow --into {into} --unit moxlite.service $FOLLOW"""

FOLLOW_OPTIONS: Final = Path("/etc/default/moxlite-follow")
"""FOLLOW="...": source and options of `standby follow`. Not in the configuration's folder, which is to be empty."""

FOLLOW_INTO: Final = Path("/var/lib/moxlite-standby")
"""Where a second machine has its copy."""


def static_file(
    *,
    data: str,
    hostname: Domain,
    domain: Domain,
    user: str,
    account: str,
    contact: str,
    places: Places,
    hostkeys: Sequence[str],
    webserver: Webserver | None,
    publish: bool,
    admin_inside: bool,
) -> str:
    """The text of moxlite.toml. Only services that exist are enabled.

    Args:
      publish: webmail and account app for the internet.
      admin_inside: the admin app for the private networks of the machine.
      webserver: another web server, which keeps the web ports.
    """
    admin = ADMIN.format(
        ips=_toml([*(places.private if admin_inside else ()), *places.loopback]),
        where=" and in its private networks" if admin_inside else " alone",
        port=ADMIN_PORT,
    )
    pages = ""
    if webserver is None:
        authority = AUTHORITY.format(contact=_toml(contact))
        tls = ORDERED.format(hostkeys=_toml(list(hostkeys)))
        web = OWN_WEB.format(
            internal=_toml(list(places.internal)),
            hostname=hostname.ascii,
            publish=publish_lines(on=publish),
            port=f", port = {PORT}" if places.wild else "",
            where=" alone" if places.internal == places.loopback else " and the private network",
            admin=admin,
        )
    else:
        pairs = (
            f"{{ cert_file = {_toml(str(certificate))}, key_file = {_toml(str(key))} }}"
            for certificate, key in webserver.pairs
        )
        authority, tls = "", GIVEN.format(pairs=", ".join(pairs))
        internal = _toml(list(places.loopback))
        web = BEHIND_WEB.format(internal=internal, port=PORT, webapi=WEBAPI_PORT, admin=admin)
        pages = PAGES.format(line=pages_line(hostname, on=publish))
    nat = NATTED if places.natted else f"nat_ips = {_toml(list(places.nat))}\n" if places.nat else ""
    return STATIC.format(
        data=_toml(data),
        hostname=_toml(hostname.unicode),
        user=_toml(user),
        pages=pages,
        updates=NO_UPDATES if built_channel() is None else UPDATES,
        account=_toml(account),
        # both addresses would be the same, with two owners
        tlsrpt="" if hostname == domain else TLSRPT.format(account=_toml(account)),
        authority=authority,
        warning="".join(f"\n# WARNING: {text}." for text in places.warnings) if nat or places.wild else "",
        public=_toml(list(places.public)),
        nat=nat,
        tls=tls,
        web=web,
    )


def domains_file(
    address: Address, account: str, keys: Sequence[NewKey], now: dt.datetime, *, strict: bool = False
) -> str:
    """The text of domains.toml, with the address's domain and the account. strict: its DNS records bind others."""
    document = Document(DOMAINS_HEAD)
    text = address.pack(True)
    settings = domain_settings(address.domain, account, keys, mtasts=True, now=now, strict=strict)
    document.put(("domains", address.domain.unicode), settings)
    document.put(("accounts", account), account_settings(text))
    return str(document) + RULESET.format(account=account, address=_toml(text))


def unit_file(*, program: str, config: Path, data: Path, more: Sequence[Path] = (), waits: bool = False) -> str:
    """The text of a systemd unit. It starts the server as root, and the server gives that up by itself (ADMIN-40).

    Args:
      more: further folders that the server may write to; they may be missing.
      waits: nothing is started before there is a configuration, or a take-over that brings one.
    """
    folder = config.parent
    writable = " ".join([str(folder), str(data), *(f"-{path}" for path in more)])
    return UNIT.format(
        description="moxlite mail server",
        condition="".join(WAITS_FOR.format(path=path) for path in (config, TAKING_OVER)) if waits else "",
        runs=SERVES.format(program=program, config=config, waits_for=TAKING_OVER),
        replaced=REPLACED,
        top=folder.parent,
        writable=writable,
    )


def follow_unit_file(*, program: str, config: Path, data: Path) -> str:
    """The text of a systemd unit for a second machine, which waits for its options (STORE-186q)."""
    top = config.parent.parent
    # A take-over makes folders there, and moves the copy's databases: no file can be renamed from one of these paths
    # to another one, each of which is a mount within the unit.
    writable = dict.fromkeys((top, FOLLOW_INTO.parent, data.parent))
    return UNIT.format(
        description="moxlite, second machine",
        condition=f"ConditionPathExists={FOLLOW_OPTIONS}\n",
        runs=FOLLOWS.format(
            program=program, config=config, options=FOLLOW_OPTIONS, into=FOLLOW_INTO, runtime=TAKING_OVER.parent.name
        ),
        replaced=REPLACED,
        top=top,
        writable=" ".join(map(str, writable)),
    )


def _toml(value: "str | list[str]") -> str:
    """A basic string or an array of them: JSON's form is one of TOML's."""
    return json.dumps(value, ensure_ascii=False)
