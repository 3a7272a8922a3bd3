"""Structs of moxlite.toml, the static configuration: read once at start (docs/spec/admin.md §1, ADMIN-1..8).

The tables of listeners and transports have modules of their own.
"""

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Annotated, Final, Literal

from moxlite.config.listeners import Listener
from moxlite.config.provider import OIDC
from moxlite.config.transports import Transport
from moxlite.config.values import (
    AUTO,
    IP,
    URL,
    Address,
    Domain,
    Duration,
    Localpart,
    MailboxName,
    Network,
    Path,
    Port,
    RenewBefore,
    Section,
    Size,
    Target,
    doc,
)

SERVICE_USER: Final = "moxlite"
"""User that a server started by root switches to, unless the configuration names another."""

WEEK: Final = 7 * 86_400.0
"""Seconds: default of `Standby.keep`."""

DATA_DIR: Final = "../data"
"""Path from the folder of the configuration."""

LogLevel = Literal["error", "warn", "info", "debug", "trace", "traceauth", "tracedata"]
ThreeWidths = tuple[int, int, int]


class RateLimits(Section, frozen=True):
    """Limits per remote network, each for three widths: single address (IPv4 /32, IPv6 /64), IPv4 /26 or IPv6 /48,
    IPv4 /21 or IPv6 /32.
    """

    exempt: Annotated[tuple[Network, ...], doc("Networks without any limit.")] = ()
    connections_per_minute: Annotated[ThreeWidths, doc("New connections per minute.")] = (300, 900, 2700)
    open_connections: Annotated[ThreeWidths, doc("Concurrent connections.")] = (30, 90, 270)
    auth_failures_per_minute: Annotated[ThreeWidths, doc("Failed logins per minute, for all protocols.")] = (
        10,
        30,
        90,
    )
    auth_failures_per_day: Annotated[ThreeWidths, doc("Failed logins in 24 hours, for all protocols.")] = (
        50,
        150,
        450,
    )
    auth_failures_per_account: Annotated[
        tuple[int, int],
        doc("Failed logins to a single account from all networks, per minute and in 24 hours."),
    ] = (30, 300)
    logins_elsewhere_per_hour: Annotated[
        tuple[int, int],
        doc(
            "Logins at other servers per account and hour, for linked accounts and imports. Rejected logins are "
            "also limited for each user on a server."
        ),
    ] = (20, 6)
    messages_per_minute: Annotated[ThreeWidths, doc("Messages delivered per account and minute.")] = (
        500,
        1500,
        4500,
    )
    messages_per_day: Annotated[ThreeWidths, doc("Messages delivered per account in 24 hours.")] = (
        10000,
        30000,
        90000,
    )
    mebibytes_per_minute: Annotated[ThreeWidths, doc("MiB delivered per account and minute.")] = (1000, 3000, 9000)
    mebibytes_per_day: Annotated[ThreeWidths, doc("MiB delivered per account in 24 hours.")] = (3000, 9000, 27000)


class DNS(Section, frozen=True):
    """DNS lookups."""

    servers: Annotated[tuple[IP, ...], doc("Resolver addresses. If not set, the resolvers in /etc/resolv.conf.")] = ()
    trust_ad: Annotated[
        bool,
        doc("Trust the resolvers' DNSSEC validation, even if they aren't on this machine."),
    ] = False
    validate: Annotated[
        Literal["off"], doc("Validate DNSSEC in the server itself. Only `off` is supported for now.")
    ] = "off"


class PSL(Section, frozen=True):
    """Public suffix list, used to find organizational domains."""

    url: Annotated[
        URL | None,
        doc("URL to download a new list from each month. Not supported yet. The server uses the built-in list."),
    ] = None


class DMARC(Section, frozen=True):
    """Verifying DMARC."""

    method: Annotated[
        Literal["psl", "treewalk"],
        doc(
            "How to find organizational domains: by walking up the DNS tree (RFC 9989), or with the public suffix list."
        ),
    ] = "treewalk"


class DKIM(Section, frozen=True):
    """Verifying DKIM."""

    allow_sha1: Annotated[bool, doc("Let rsa-sha1 signatures pass.")] = False


class IMAP(Section, frozen=True):
    """Serving IMAP."""

    append_limit: Annotated[Size, doc("Largest message that clients can add.")] = 104857600
    idle_keepalive: Annotated[Duration, doc("How often to send a keepalive to idle clients. `0s`: never.")] = 0.0
    message_limit: Annotated[
        int,
        doc("Maximum number of messages per command (RFC 9738), at least 1000. 0: no limit."),
    ] = 0
    save_limit: Annotated[
        int,
        doc(
            "Maximum number of messages per COPY or APPEND (RFC 9738), at least 1000 and `message_limit`. 0: "
            "same as `message_limit`."
        ),
    ] = 0


class CA(Section, frozen=True):
    """Certificate authorities that outgoing connections trust."""

    additional_to_system: Annotated[bool, doc("Trust both `cert_files` and the system's authorities.")] = False
    cert_files: Annotated[tuple[Path, ...], doc("PEM files with CA certificates.")] = ()


class TLS(Section, frozen=True):
    """TLS for outgoing connections."""

    ca: Annotated[CA | None, doc("Trusted CAs, if different from the system's.")] = None


class ExternalAccountBinding(Section, frozen=True):
    """Link the ACME account to your account at the CA (RFC 8555 §7.3.4)."""

    key_id: Annotated[str, doc("Key identifier from the CA.")]
    key_file: Annotated[Path, doc("File with the MAC key from the CA, in base64url.")]


class ACME(Section, frozen=True):
    """A certificate authority that issues certificates automatically (RFC 8555)."""

    directory_url: Annotated[
        URL, doc("The CA's directory. For example, `https://acme-v02.api.letsencrypt.org/directory`.")
    ]
    contact_email: Annotated[Address, doc("Contact address for the CA.")]
    renew_before: Annotated[
        RenewBefore,
        doc(
            "How long before it expires to renew a certificate. `auto`: when the CA suggests it (RFC 9773), or "
            "at 2/3 of its lifetime, or at 1/2 if that's under 10 days."
        ),
    ] = AUTO
    profile: Annotated[str | None, doc("Certificate profile, if the CA offers several. For example, `shortlived`.")] = (
        None
    )
    ca_cert_file: Annotated[
        Path | None,
        doc(
            "PEM file with CA certificates for the CA's own https, if they aren't in the system's list. They're "
            "also trusted for https policies and mail servers."
        ),
    ] = None
    port: Annotated[Port, doc("Local port that the CA's connections to port 443 are forwarded to.")] = 443
    issuer_domain_name: Annotated[
        str | None, doc("The CA's name for CAA records. Known for Let's Encrypt (`letsencrypt.org`).")
    ] = None
    external_account_binding: Annotated[ExternalAccountBinding | None, doc("External account binding at the CA.")] = (
        None
    )
    account_key_period: Annotated[
        Duration,
        doc("How long to use an account key at the CA before the server replaces it (RFC 8555 §7.3.5). `0s`: forever."),
    ] = 365 * 86400.0
    host_key_period: Annotated[
        Duration | None,
        doc(
            "How long to use a host's key for TLSA records before the server publishes and certifies a new one. "
            "If not set, 365 days with a DNS provider, otherwise forever. `0s`: forever."
        ),
    ] = None


class Postmaster(Section, frozen=True):
    """Account and mailbox for mail to postmaster."""

    account: Annotated[str, doc("Account.")]
    mailbox: Annotated[MailboxName, doc("Mailbox, like `Postmaster`.")]


class HostTLSRPT(Section, frozen=True):
    """Address for TLS reports about this host (RFC 8460)."""

    account: Annotated[str, doc("Account.")]
    mailbox: Annotated[MailboxName, doc("Mailbox for the reports. For example, `TLSRPT`.")]
    localpart: Annotated[Localpart, doc("Address at the hostname, before the @; ASCII.")]


class SpecialUseMailboxes(Section, frozen=True):
    """Names for special mailboxes. Leave blank to skip one."""

    sent: Annotated[str, doc("For sent messages.")] = "Sent"
    archive: Annotated[str, doc("For archived messages.")] = "Archive"
    trash: Annotated[str, doc("For deleted messages.")] = "Trash"
    draft: Annotated[str, doc("For drafts.")] = "Drafts"
    junk: Annotated[str, doc("For junk.")] = "Junk"


class InitialMailboxes(Section, frozen=True):
    """Mailboxes for new accounts, in addition to Inbox."""

    special_use: Annotated[SpecialUseMailboxes, doc("Special-use mailboxes.")] = SpecialUseMailboxes()
    regular: Annotated[tuple[MailboxName, ...], doc("Further mailboxes.")] = ()


class SendingGuard(Section, frozen=True):
    """Protection against account abuse. If an account may be compromised, its messages are held for you to release."""

    enabled: Annotated[bool, doc("Pause sending for accounts that may be compromised.")] = True
    failures: Annotated[
        int, doc("Pause sending after this many permanently rejected recipients in 10 minutes. 0: no limit.")
    ] = 20
    failed_share: Annotated[
        int,
        doc("Minimum percentage of rejected recipients in 2 hours, because old mailing lists include dead addresses."),
    ] = 25
    networks: Annotated[
        int,
        doc("Pause sending if an account's messages come from more networks (/16, /32) in an hour. 0: no limit."),
    ] = 5
    recipients_per_hour: Annotated[
        int, doc("Pause sending if an account sends to more recipients in an hour. 0: no limit.")
    ] = 500


class Queue(Section, frozen=True):
    """Sending mail."""

    retry_delays: Annotated[tuple[Duration, ...], doc("Time between attempts. The last value repeats.")] = (
        450.0,
        900.0,
        1800.0,
        3600.0,
        7200.0,
        14400.0,
        28800.0,
        57600.0,
    )
    max_attempts: Annotated[int, doc("Attempts before a message fails permanently.")] = 14
    delay_dsn_attempt: Annotated[int, doc("Attempt after which the sender is notified of a delay.")] = 5
    max_concurrent_deliveries: Annotated[int, doc("Concurrent deliveries.")] = 50
    shutdown_grace: Annotated[Duration, doc("How long attempts can continue when the server stops.")] = 10.0
    suppression_expiry: Annotated[Duration, doc("How long addresses stay on the suppression list. `0s`: forever.")] = (
        0.0
    )
    guard: Annotated[
        SendingGuard, doc("Guard against compromised accounts. Their messages are held until you release them.")
    ] = SendingGuard()
    webhook_accept_2xx: Annotated[bool, doc("Treat every 2xx response from a webhook as success, not only 200.")] = (
        False
    )


class Store(Section, frozen=True):
    """Storing mail."""

    search_index: Annotated[bool, doc("Maintain a text index for searches.")] = True
    compress: Annotated[Literal["zstd", "zlib", "none"], doc("Message compression.")] = "zstd"
    scrub: Annotated[
        Literal["weekly", "off"], doc("How often to read and check all stored data in the background.")
    ] = "weekly"
    min_free_space: Annotated[Size, doc("Minimum free disk space to accept mail.")] = 256 << 20
    import_max_size: Annotated[Size, doc("Largest import, unpacked.")] = 50 << 30
    expunged_retention: Annotated[
        Duration, doc("How long to keep records of deleted messages for clients that sync.")
    ] = 400 * 86400.0
    undelete_grace: Annotated[Duration, doc("How long deleted messages can be restored.")] = 7 * 86400.0
    check_on_close: Annotated[bool, doc("Check an account's counts whenever it's closed.")] = False
    migrate_without_copy: Annotated[
        bool, doc("Upgrade databases without a copy of the old one, for disks without enough space.")
    ] = False


class Backup(Section, frozen=True):
    """Backups created by the server, as snapshots in a repository (see `moxlite backup --repo`)."""

    schedule: Annotated[
        Duration | None, doc("Time between snapshots. For example, `24h`. If not set, backups aren't created.")
    ] = None
    target: Annotated[
        Target | None,
        doc(
            "Repository directory on another disk, which the server's user must be able to write to. Or on "
            "another machine, `ssh://user@host/path`, with `ssh_key_file`, `ssh_host_keys`, and `encrypt_to`. Or "
            "in object storage, `s3://bucket/prefix`, `gs://...`, or `az://...`, with `storage_keys_file` and "
            "`encrypt_to`."
        ),
    ] = None
    ssh_key_file: Annotated[
        Path | None,
        doc(
            "Private key without a passphrase for an ssh target, as created by `ssh-keygen -t ed25519`. If the "
            "server starts as root, only root has to be able to read it."
        ),
    ] = None
    storage_keys_file: Annotated[
        Path | None,
        doc(
            "Keys for an object storage target: a file with lines like `access_key_id = ...`, `secret_access_key "
            "= ...`, `region = ...` and `endpoint = https://...`. If the server starts as root, only root has to "
            "be able to read it."
        ),
    ] = None
    ssh_host_keys: Annotated[
        tuple[str, ...],
        doc(
            "Accepted public keys of the other machine, like `ssh-ed25519 AAAA...`. Data isn't sent to machines "
            "with other keys. On the other machine, see `/etc/ssh/ssh_host_*_key.pub`."
        ),
    ] = ()
    upload_limit: Annotated[
        Size,
        doc(
            "Maximum average upload rate in bytes per second, for targets on another machine or in object "
            "storage. 0: no limit. Use this if backups slow down your connection."
        ),
    ] = 0
    keep_daily: Annotated[int, doc("Number of days to keep the last snapshot for.")] = 14
    keep_weekly: Annotated[int, doc("Number of weeks to keep the last snapshot for.")] = 8
    include_keys: Annotated[
        bool,
        doc(
            "Also include the host's private keys in unencrypted backups. Encrypted backups always include them. "
            "Without them, a new machine creates new keys, and you have to update TLSA records in DNS."
        ),
    ] = False
    encrypt_to: Annotated[
        tuple[str, ...],
        doc("Recipients (`age1…`) to encrypt new repositories to. You'll have to delete old snapshots yourself."),
    ] = ()
    rehearsal_identity: Annotated[
        Path | None,
        doc(
            "File with an age identity, which the server's user must be able to read. The server uses it to read "
            "an encrypted repository for a weekly test restore. Anyone who breaks in to the server can read old "
            "backups with it. Without it, encrypted backups aren't tested."
        ),
    ] = None


class Updates(Section, frozen=True):
    """Source of update information, published with your packages."""

    domain: Annotated[Domain, doc("Domain whose TXT record `_updates.DOMAIN` contains the newest version.")]
    changelog_url: Annotated[URL, doc("URL of the JSON changelog with signed entries.")]
    public_key: Annotated[str, doc("Ed25519 public key for these signatures, in base64.")]
    next_public_key: Annotated[
        str | None,
        doc("Public key that will replace `public_key`. Its signatures are accepted too."),
    ] = None


class ForeignPasswords(Section, frozen=True):
    """Users' password hashes from another server. Each is replaced at the first login."""

    keep: Annotated[
        Duration,
        doc("How long to keep a hash if its user doesn't log in. Postmaster is notified 2 weeks before."),
    ] = 90 * 86_400.0
    plain_only: Annotated[
        bool,
        doc(
            "Only offer PLAIN and LOGIN to mail clients while such hashes remain. SCRAM and CRAM-MD5 don't work "
            "with them."
        ),
    ] = True


class Standby(Section, frozen=True):
    """Copy every change to a target immediately, using Litestream (see `moxlite standby`)."""

    target: Annotated[
        Target | None,
        doc(
            "Target for the copies: a folder on another disk, on another machine `ssh://user@host/path`, or in "
            "object storage `s3://bucket/prefix`. It can't be the backup target. If not set, nothing is copied."
        ),
    ] = None
    ssh_key_file: Annotated[Path | None, doc("Private key for an ssh target, like `backup.ssh_key_file`.")] = None
    ssh_host_keys: Annotated[
        tuple[str, ...],
        doc(
            "All of the other machine's public keys, like `backup.ssh_host_keys`. Litestream accepts only the one that "
            "the machine shows to it."
        ),
    ] = ()
    storage_keys_file: Annotated[
        Path | None, doc("Keys for an object storage target, like `backup.storage_keys_file`.")
    ] = None
    encrypt_to: Annotated[
        tuple[str, ...],
        doc(
            "Recipients (`age1...`) for the copy of the configuration and private keys. Mail isn't encrypted in "
            "the target because Litestream doesn't support it."
        ),
    ] = ()
    mode: Annotated[
        Literal["async", "sync"],
        doc(
            "`async`: changes are copied within about a second. `sync`: changes are acknowledged only when "
            "they're in the target, so you won't lose any if this machine fails. Each change then waits for the target."
        ),
    ] = "async"
    target_away: Annotated[
        Literal["async", "refuse"],
        doc(
            'If the target hasn\'t responded for 5 s with `mode = "sync"`: continue as `async`, with an alert. Or '
            "`refuse`: ask clients to try again (`451`, `NO`), although the change may have been made."
        ),
    ] = "async"
    lease: Annotated[
        bool,
        doc(
            "Let a standby server fail over automatically (`moxlite standby follow --take-over`). Changes are "
            "acknowledged only while this machine holds the lease, an object in the target that it renews every "
            "10 s. Requires object storage with conditional writes."
        ),
    ] = False
    lease_lost: Annotated[
        Literal["stop", "continue"],
        doc(
            "What to do if the lease couldn't be renewed for 40 s because the storage doesn't respond. `stop`: "
            "stop acknowledging (`451`, `NO`), and exit after 55 s. `continue`: for use without a standby "
            "server. The server always stops if another machine has the lease."
        ),
    ] = "stop"
    keep: Annotated[Duration, doc("How far back you can restore to any time: `moxlite restore TARGET --at TIME`.")] = (
        WEEK
    )
    litestream: Annotated[
        Path | None, doc("Litestream program. If not set, from PATH or the package `moxlite[standby]`.")
    ] = None


class PublicURLs(Section, frozen=True):
    """Page addresses on another web server that passes requests to this one."""

    account: Annotated[URL | None, doc("URL of the account page, like `https://mail.example.org/`.")] = None
    webmail: Annotated[URL | None, doc("URL of webmail, like `https://mail.example.org/webmail/`.")] = None


class Web(Section, frozen=True):
    """Public URLs of the web pages."""

    public_url: Annotated[
        PublicURLs,
        doc(
            "Public URL of the web pages, if another web server or your own network provides them. Used for "
            "links in mail and QR codes. Not needed for pages on a public listener."
        ),
    ] = PublicURLs()


class Doctor(Section, frozen=True):
    """Nightly checks of this server. Changes are mailed to the postmaster (see `moxlite doctor`)."""

    nightly: Annotated[bool, doc("Check this server every night.")] = True
    weekly: Annotated[bool, doc("Email a weekly summary to the postmaster on Mondays.")] = True
    placement: Annotated[
        bool,
        doc("Send a test message to each of postmaster's linked accounts every night to check inbox placement."),
    ] = True
    url: Annotated[
        URL | None,
        doc("Also post changes as JSON to this URL, because a server with problems may not be able to send mail."),
    ] = None
    command: Annotated[
        tuple[str, ...], doc("Also run this program with its arguments. Changes are on its standard input.")
    ] = ()


class Static(Section, frozen=True):
    """moxlite.toml: settings that the server reads once, at startup."""

    hostname: Annotated[Domain, doc("Full name of this machine. Must match the reverse DNS of the public addresses.")]
    postmaster: Annotated[Postmaster, doc("Account and mailbox for postmaster mail.")]
    listeners: Annotated[
        Mapping[str, Listener],
        doc(
            "Addresses and services. At least one listener is required. The listener `public` gets the checks for "
            "public hosts."
        ),
    ]
    data_dir: Annotated[
        Path, doc("Folder for databases, ACME certificates, temporary files, and the control socket.")
    ] = FilePath(DATA_DIR)
    user: Annotated[
        str,
        doc("User to run as after binding ports as root: a name, or a number for both user and group."),
    ] = SERVICE_USER
    no_fix_permissions: Annotated[bool, doc("Don't change file owners and modes.")] = False
    log_level: Annotated[LogLevel, doc("Log level.")] = "info"
    package_log_levels: Annotated[Mapping[str, LogLevel], doc("Log levels for specific packages, like `smtpd`.")] = {}
    log_format: Annotated[Literal["logfmt", "json"], doc("Log format.")] = "logfmt"
    log_file: Annotated[
        Path | None,
        doc("Log file to use instead of stderr, reopened on SIGHUP. `user` has to own its folder."),
    ] = None
    check_updates: Annotated[bool, doc("Check for new versions every day and notify postmaster, using `updates`.")] = (
        False
    )
    updates: Annotated[
        Updates | None, doc("Source for new versions. By default, the channel of your packages' publisher.")
    ] = None
    pedantic: Annotated[bool, doc("Treat protocol violations as errors, even if they're usually tolerated.")] = False
    tls: Annotated[TLS | None, doc("TLS for outgoing connections.")] = None
    acme: Annotated[Mapping[str, ACME], doc("CAs for automatic certificates.")] = {}
    admin_password_file: Annotated[
        Path | None, doc("File with the admin password hash, created by `moxlite admin set-password`.")
    ] = None
    host_tlsrpt: Annotated[HostTLSRPT | None, doc("Where to receive TLS reports about the host.")] = None
    initial_mailboxes: Annotated[InitialMailboxes, doc("Mailboxes for new accounts.")] = InitialMailboxes()
    transports: Annotated[Mapping[str, Transport], doc("Transports for outgoing mail, used by routes.")] = {}
    no_outgoing_dmarc_reports: Annotated[bool, doc("Don't send DMARC reports.")] = False
    no_outgoing_tls_reports: Annotated[bool, doc("Don't send TLS reports.")] = False
    outgoing_tls_reports_for_all_success: Annotated[bool, doc("Also send TLS reports if there were no failures.")] = (
        False
    )
    quota_message_size: Annotated[Size, doc("Message storage for each account. 0: no limit.")] = 0
    rate_limits: Annotated[RateLimits, doc("Limits per remote network.")] = RateLimits()
    dns: Annotated[DNS, doc("DNS lookups.")] = DNS()
    psl: Annotated[PSL, doc("Public suffixes.")] = PSL()
    dmarc: Annotated[DMARC, doc("Verifying DMARC.")] = DMARC()
    dkim: Annotated[DKIM, doc("Verifying DKIM.")] = DKIM()
    imap: Annotated[IMAP, doc("Serving IMAP.")] = IMAP()
    queue: Annotated[Queue, doc("Sending mail.")] = Queue()
    store: Annotated[Store, doc("Storing mail.")] = Store()
    backup: Annotated[Backup, doc("Backups created by the server itself.")] = Backup()
    standby: Annotated[Standby, doc("Manage a standby server.")] = Standby()
    doctor: Annotated[Doctor, doc("The nightly check.")] = Doctor()
    web: Annotated[Web, doc("Public URLs of the web pages.")] = Web()
    allow_private_webhooks: Annotated[bool, doc("Let webhook URLs point to private addresses.")] = False
    allow_private_mx: Annotated[bool, doc("Let MX and MTA-STS hosts have private addresses.")] = False
    oidc: Annotated[OIDC | None, doc("Log in to the web apps with a login provider.")] = None
    webmail_offline: Annotated[
        bool,
        doc(
            "Let browsers use webmail offline. Users can turn on offline mail for each device. With `false`, "
            "browsers remove their service workers."
        ),
    ] = True
    foreign_passwords: Annotated[ForeignPasswords, doc("Password hashes imported from another server.")] = (
        ForeignPasswords()
    )
    require_app_passwords: Annotated[
        bool,
        doc(
            "For all accounts: only allow the account's own password in web apps. Mail clients must use app passwords."
        ),
    ] = False
