"""Structs of moxlite.toml, the static configuration: read once at start (docs/spec/admin.md §1, ADMIN-1..8).

The tables of listeners and transports have modules of their own.
"""

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Annotated, Final, Literal

from moxlite.config.listeners import Listener
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
    connections_per_minute: Annotated[ThreeWidths, doc("New connections in a minute.")] = (300, 900, 2700)
    open_connections: Annotated[ThreeWidths, doc("Connections open at one time.")] = (30, 90, 270)
    auth_failures_per_minute: Annotated[ThreeWidths, doc("Failed log-ins in a minute, over all protocols.")] = (
        10,
        30,
        90,
    )
    auth_failures_per_day: Annotated[ThreeWidths, doc("Failed log-ins in 24 hours, over all protocols.")] = (
        50,
        150,
        450,
    )
    auth_failures_per_account: Annotated[
        tuple[int, int],
        doc("Failed log-ins to one account from all networks together, in a minute and in 24 hours."),
    ] = (30, 300)
    logins_elsewhere_per_hour: Annotated[
        tuple[int, int],
        doc(
            "Log-ins at other servers that one account begins in an hour, for links and imports, and of these, refused"
            " ones as one user of a server."
        ),
    ] = (20, 6)
    messages_per_minute: Annotated[ThreeWidths, doc("Messages delivered to one account in a minute.")] = (
        500,
        1500,
        4500,
    )
    messages_per_day: Annotated[ThreeWidths, doc("Messages delivered to one account in 24 hours.")] = (
        10000,
        30000,
        90000,
    )
    mebibytes_per_minute: Annotated[ThreeWidths, doc("MiB delivered to one account in a minute.")] = (1000, 3000, 9000)
    mebibytes_per_day: Annotated[ThreeWidths, doc("MiB delivered to one account in 24 hours.")] = (3000, 9000, 27000)


class DNS(Section, frozen=True):
    """Looking up names."""

    servers: Annotated[tuple[IP, ...], doc("Addresses of resolvers; without this the ones in /etc/resolv.conf.")] = ()
    trust_ad: Annotated[
        bool,
        doc(
            "Believe the resolvers' word that an answer was verified by DNSSEC, also when they aren't on this machine."
        ),
    ] = False
    validate: Annotated[Literal["off"], doc("Verify DNSSEC in the server itself; only `off` so far.")] = "off"


class PSL(Section, frozen=True):
    """The list of public suffixes, which determines organisational domains."""

    url: Annotated[
        URL | None, doc("Not in effect yet, the built-in list is used: where to fetch a new one each month.")
    ] = None


class DMARC(Section, frozen=True):
    """Verifying DMARC."""

    method: Annotated[
        Literal["psl", "treewalk"],
        doc("How the organisational domain is found: by walking up the DNS (RFC 9989), or by the public suffix list."),
    ] = "treewalk"


class DKIM(Section, frozen=True):
    """Verifying DKIM."""

    allow_sha1: Annotated[bool, doc("Let rsa-sha1 signatures pass.")] = False


class IMAP(Section, frozen=True):
    """Serving IMAP."""

    append_limit: Annotated[Size, doc("Largest message that clients may add.")] = 104857600
    idle_keepalive: Annotated[
        Duration, doc("How often an idling client is told that the server is still there; `0s` means never.")
    ] = 0.0
    message_limit: Annotated[
        int,
        doc("How many messages one command may work on (RFC 9738), at least 1000; 0 means any number."),
    ] = 0
    save_limit: Annotated[
        int,
        doc(
            "How many messages one COPY or APPEND may save (RFC 9738), at least 1000 and `message_limit`; 0 means as "
            "many as `message_limit`."
        ),
    ] = 0


class CA(Section, frozen=True):
    """Certificate authorities that outgoing connections trust."""

    additional_to_system: Annotated[
        bool, doc("Trust `cert_files` besides the system's authorities, not instead of them.")
    ] = False
    cert_files: Annotated[tuple[Path, ...], doc("PEM files with certificates of authorities.")] = ()


class TLS(Section, frozen=True):
    """TLS of outgoing connections."""

    ca: Annotated[CA | None, doc("Trusted authorities, if others than the system's.")] = None


class ExternalAccountBinding(Section, frozen=True):
    """Tie the ACME account to an account that you have at the CA (RFC 8555 §7.3.4)."""

    key_id: Annotated[str, doc("Key identifier given by the CA.")]
    key_file: Annotated[Path, doc("File with the MAC key given by the CA, base64url.")]


class ACME(Section, frozen=True):
    """A certificate authority that issues certificates automatically (RFC 8555)."""

    directory_url: Annotated[URL, doc("The CA's directory, such as `https://acme-v02.api.letsencrypt.org/directory`.")]
    contact_email: Annotated[Address, doc("Address at which the CA may write to you.")]
    renew_before: Annotated[
        RenewBefore,
        doc(
            "How long before its end a certificate is renewed. `auto`: when the CA asks for it (RFC 9773), else at 2/3 "
            "of its lifetime, at 1/2 of one below 10 days."
        ),
    ] = AUTO
    profile: Annotated[
        str | None, doc("Profile of the certificates, one of those that the CA offers, such as `shortlived`.")
    ] = None
    ca_cert_file: Annotated[
        Path | None,
        doc(
            "PEM file with the authorities that the CA's own https is signed by, if not the system's. They are "
            "trusted for policies by https and for mail servers, too."
        ),
    ] = None
    port: Annotated[Port, doc("Local port at which the CA's connections to port 443 arrive.")] = 443
    issuer_domain_name: Annotated[
        str | None, doc("The CA's name for CAA records; known for Let's Encrypt (`letsencrypt.org`).")
    ] = None
    external_account_binding: Annotated[ExternalAccountBinding | None, doc("Binding to an account at the CA.")] = None
    account_key_period: Annotated[
        Duration,
        doc("How long the account at the CA has one key; then the server makes another (RFC 8555 §7.3.5). `0s`: ever."),
    ] = 365 * 86400.0
    host_key_period: Annotated[
        Duration | None,
        doc(
            "How long a host has one key, which TLSA records name; then the server publishes and certifies another. "
            "Unset: 365 days where a DNS provider is set, else ever. `0s`: ever."
        ),
    ] = None


class Postmaster(Section, frozen=True):
    """Account and mailbox for mail to postmaster."""

    account: Annotated[str, doc("Account.")]
    mailbox: Annotated[MailboxName, doc("Mailbox, such as `Postmaster`.")]


class HostTLSRPT(Section, frozen=True):
    """Address for TLS reports about this host (RFC 8460)."""

    account: Annotated[str, doc("Account.")]
    mailbox: Annotated[MailboxName, doc("Mailbox, such as `TLSRPT`.")]
    localpart: Annotated[Localpart, doc("Address at the hostname, before the @; ASCII.")]


class SpecialUseMailboxes(Section, frozen=True):
    """Names of the mailboxes with a special use; an empty name creates none."""

    sent: Annotated[str, doc("For sent messages.")] = "Sent"
    archive: Annotated[str, doc("For archived messages.")] = "Archive"
    trash: Annotated[str, doc("For deleted messages.")] = "Trash"
    draft: Annotated[str, doc("For drafts.")] = "Drafts"
    junk: Annotated[str, doc("For junk.")] = "Junk"


class InitialMailboxes(Section, frozen=True):
    """Mailboxes of a new account, besides Inbox."""

    special_use: Annotated[SpecialUseMailboxes, doc("Mailboxes with a special use.")] = SpecialUseMailboxes()
    regular: Annotated[tuple[MailboxName, ...], doc("Further mailboxes.")] = ()


class SendingGuard(Section, frozen=True):
    """The guard against abuse of accounts by strangers: messages of an account that looks abused wait until they are
    released.
    """

    enabled: Annotated[bool, doc("Stop accounts whose sending looks abused.")] = True
    failures: Annotated[
        int, doc("Recipients refused for good within 10 minutes by which an account is stopped; 0: any number.")
    ] = 20
    failed_share: Annotated[
        int,
        doc("Percent that they must be of the recipients of two hours: old newsletters have dead addresses as well."),
    ] = 25
    networks: Annotated[
        int,
        doc("An account is stopped when its messages come from more networks (/16, /32) in an hour; 0: any number."),
    ] = 5
    recipients_per_hour: Annotated[
        int, doc("An account is stopped when it sends to more recipients in an hour; 0: any number.")
    ] = 500


class Queue(Section, frozen=True):
    """Sending mail."""

    retry_delays: Annotated[tuple[Duration, ...], doc("Time between the attempts; the last one repeats.")] = (
        450.0,
        900.0,
        1800.0,
        3600.0,
        7200.0,
        14400.0,
        28800.0,
        57600.0,
    )
    max_attempts: Annotated[int, doc("Attempts before a message fails for good.")] = 14
    delay_dsn_attempt: Annotated[int, doc("Attempt after which the sender is told that delivery is delayed.")] = 5
    max_concurrent_deliveries: Annotated[int, doc("Deliveries at one time.")] = 50
    shutdown_grace: Annotated[Duration, doc("How long attempts may go on when the server stops.")] = 10.0
    suppression_expiry: Annotated[
        Duration, doc("After this an address leaves the suppression list; `0s` means never.")
    ] = 0.0
    guard: Annotated[
        SendingGuard, doc("The guard against accounts that strangers send with: their messages wait for your release.")
    ] = SendingGuard()
    webhook_accept_2xx: Annotated[bool, doc("Take every 2xx answer of a webhook as success, not only 200.")] = False


class Store(Section, frozen=True):
    """Storing mail."""

    search_index: Annotated[bool, doc("Keep an index for text searches.")] = True
    compress: Annotated[Literal["zstd", "zlib", "none"], doc("Compression of stored messages.")] = "zstd"
    scrub: Annotated[
        Literal["weekly", "off"], doc("How often all stored data is read and checked in the background.")
    ] = "weekly"
    min_free_space: Annotated[Size, doc("Below this much free disk space no mail is accepted.")] = 256 << 20
    import_max_size: Annotated[Size, doc("Largest import, unpacked.")] = 50 << 30
    expunged_retention: Annotated[
        Duration, doc("How long the traces of removed messages are kept for clients that synchronise.")
    ] = 400 * 86400.0
    undelete_grace: Annotated[Duration, doc("How long removed messages can be brought back.")] = 7 * 86400.0
    check_on_close: Annotated[bool, doc("Check an account's counts each time that it's closed.")] = False
    migrate_without_copy: Annotated[
        bool, doc("Upgrade databases without a copy of the old one, for disks that are too small for it.")
    ] = False


class Backup(Section, frozen=True):
    """Backups made by the server itself, as snapshots in a repository (see `moxlite backup --repo`)."""

    schedule: Annotated[
        Duration | None, doc("Time between two snapshots, such as `24h`; without it none are made.")
    ] = None
    target: Annotated[
        Target | None,
        doc(
            "Directory of the repository, on another disk, that the server's user can write to; or on another machine, "
            "`ssh://user@host/path`, with `ssh_key_file`, `ssh_host_keys` and `encrypt_to`; or in object storage, "
            "`s3://bucket/prefix`, `gs://...` or `az://...`, with `storage_keys_file` and `encrypt_to`."
        ),
    ] = None
    ssh_key_file: Annotated[
        Path | None,
        doc(
            "Private key without passphrase for a target by ssh, such as `ssh-keygen -t ed25519` makes. When the "
            "server starts as root, only root needs to be able to read it."
        ),
    ] = None
    storage_keys_file: Annotated[
        Path | None,
        doc(
            "Keys of a target in object storage: a file with lines such as `access_key_id = ...`, "
            "`secret_access_key = ...`, `region = ...` and `endpoint = https://...`. When the server starts as root, "
            "only root needs to be able to read it."
        ),
    ] = None
    ssh_host_keys: Annotated[
        tuple[str, ...],
        doc(
            "Public keys that the other machine may show, such as `ssh-ed25519 AAAA...`; a machine with another key "
            "gets nothing. They are in its `/etc/ssh/ssh_host_*_key.pub`."
        ),
    ] = ()
    upload_limit: Annotated[
        Size,
        doc(
            "Octets a second that go to a target on another machine or in object storage, on average; 0 is without "
            "limit. Use it where backups slow down other use of the line."
        ),
    ] = 0
    keep_daily: Annotated[int, doc("Days of which the last snapshot is kept.")] = 14
    keep_weekly: Annotated[int, doc("Weeks of which the last snapshot is kept.")] = 8
    include_keys: Annotated[
        bool,
        doc(
            "Put the private keys of the host into backups that are not encrypted, too; encrypted ones always have "
            "them. Without them a new machine makes new keys, and TLSA records in DNS must change."
        ),
    ] = False
    encrypt_to: Annotated[
        tuple[str, ...],
        doc("Recipients (`age1…`) that a new repository is encrypted to. Old snapshots are then removed by hand."),
    ] = ()
    rehearsal_identity: Annotated[
        Path | None,
        doc(
            "File with an age identity, readable for the server's user, with which the server reads an encrypted "
            "repository to rehearse a restore each week. Who takes over the server can read old backups with it; "
            "without it encrypted backups are not rehearsed."
        ),
    ] = None


class Updates(Section, frozen=True):
    """Source of news about newer versions, published by the makers of the packages that you install."""

    domain: Annotated[Domain, doc("Its TXT record `_updates.DOMAIN` names the newest version.")]
    changelog_url: Annotated[URL, doc("JSON with what changed, each entry signed.")]
    public_key: Annotated[str, doc("Ed25519 key of these signatures, base64.")]


class ForeignPasswords(Section, frozen=True):
    """Passwords of users who came from another server with its hashes; each is replaced at the first log-in."""

    keep: Annotated[
        Duration,
        doc("How long a hash waits for its user's first log-in. Two weeks before its end, postmaster is told."),
    ] = 90 * 86_400.0
    plain_only: Annotated[
        bool,
        doc(
            "Announce PLAIN and LOGIN alone to mail programs while such hashes are left: SCRAM and CRAM-MD5 do not work"
            " with them."
        ),
    ] = True


class Standby(Section, frozen=True):
    """Every change of the data is copied to a target at once, by the program Litestream (see `moxlite standby`)."""

    target: Annotated[
        Target | None,
        doc(
            "Where the copies go: a folder of another disk, of another machine `ssh://user@host/path`, or in object "
            "storage `s3://bucket/prefix`; not the target of backups. Without it nothing is copied."
        ),
    ] = None
    ssh_key_file: Annotated[Path | None, doc("Private key for a target by ssh, as `backup.ssh_key_file`.")] = None
    ssh_host_keys: Annotated[
        tuple[str, ...], doc("Public key that the other machine may show, as `backup.ssh_host_keys`.")
    ] = ()
    storage_keys_file: Annotated[
        Path | None, doc("Keys of a target in object storage, as `backup.storage_keys_file`.")
    ] = None
    encrypt_to: Annotated[
        tuple[str, ...],
        doc(
            "Recipients (`age1...`) of the copy of configuration and private keys. The mail itself is not encrypted "
            "in the target: Litestream cannot."
        ),
    ] = ()
    mode: Annotated[
        Literal["async", "sync"],
        doc(
            "`async`: changes are copied within about a second. `sync`: nothing is acknowledged before it is in the "
            "target, so that nothing is lost with this machine; each change then waits for the target."
        ),
    ] = "async"
    target_away: Annotated[
        Literal["async", "refuse"],
        doc(
            'With `mode = "sync"`, while the target has not answered for 5 s: go on as `async`, with an alarm; or '
            "`refuse`: answer that others should try again (`451`, `NO`), though the change may be done."
        ),
    ] = "async"
    lease: Annotated[
        bool,
        doc(
            "A second machine takes over by itself (`moxlite standby follow --take-over`): nothing is acknowledged "
            "unless this machine holds the lease, an object in the target that it renews each 10 s. Needs object "
            "storage with conditional writes."
        ),
    ] = False
    lease_lost: Annotated[
        Literal["stop", "continue"],
        doc(
            "When the lease could not be renewed for 40 s because the storage does not answer. `stop`: nothing is "
            "acknowledged (`451`, `NO`), and after 55 s the server ends. `continue`: for an owner without a second "
            "machine. It stops in any case if another machine has the lease."
        ),
    ] = "stop"
    keep: Annotated[Duration, doc("Every moment of this time can be restored: `moxlite restore TARGET --at TIME`.")] = (
        WEEK
    )
    litestream: Annotated[
        Path | None, doc("The program Litestream; without this key that of PATH or of the package `moxlite[standby]`.")
    ] = None


class PublicURLs(Section, frozen=True):
    """Addresses of pages at another web server, which passes requests on to this one."""

    account: Annotated[URL | None, doc("Of the account page, such as `https://mail.example.org/`.")] = None
    webmail: Annotated[URL | None, doc("Of the webmail, such as `https://mail.example.org/webmail/`.")] = None


class Web(Section, frozen=True):
    """The web pages as others see them."""

    public_url: Annotated[
        PublicURLs,
        doc(
            "Where pages are open to others by another web server or in a network of your own, for links in mail and "
            "QR codes. Not needed for pages that a public listener serves."
        ),
    ] = PublicURLs()


class OIDC(Section, frozen=True):
    """A login provider by OpenID Connect: people log in to the webmail and the account page there, with one login for
    the whole house.
    """

    issuer: Annotated[URL, doc("The issuer, exactly as the provider's discovery document has it.")]
    client_id: Annotated[str, doc("The client that you registered there, with the addresses of both pages.")]
    client_secret_file: Annotated[
        Path | None,
        doc("File with the client's secret. The server's user must be able to read it. Not needed for public clients."),
    ] = None
    name: Annotated[str, doc("What the login button calls the provider, such as `Authentik`.")] = "OpenID Connect"
    allow_internal: Annotated[bool, doc("The provider has an address of your own network.")] = False


class Doctor(Section, frozen=True):
    """The nightly examination of this server. Changes are mailed to the postmaster (see `moxlite doctor`)."""

    nightly: Annotated[bool, doc("Examine this server each night.")] = True
    weekly: Annotated[bool, doc("Tell the postmaster each Monday how the week was.")] = True
    placement: Annotated[
        bool,
        doc("Send a test message to each linked mailbox of the postmaster each night, and see where it lands."),
    ] = True
    url: Annotated[
        URL | None, doc("Also post what has changed here, as JSON: a server that is not well may not deliver its mail.")
    ] = None
    command: Annotated[
        tuple[str, ...], doc("Also run this program, with its arguments; what has changed is on its standard input.")
    ] = ()


class Static(Section, frozen=True):
    """moxlite.toml: settings that the server reads once, at start."""

    hostname: Annotated[Domain, doc("Full name of this machine. It must have reverse DNS on the public addresses.")]
    postmaster: Annotated[Postmaster, doc("Who gets mail to postmaster.")]
    listeners: Annotated[
        Mapping[str, Listener],
        doc("Addresses and services, at least one; one named `public` gets the checks for public hosts."),
    ]
    data_dir: Annotated[Path, doc("Databases, certificates by ACME, temporary files and the control socket.")] = (
        FilePath(DATA_DIR)
    )
    user: Annotated[
        str,
        doc(
            "User that the server becomes after binding its ports as root: a name, or a number for both user and group."
        ),
    ] = SERVICE_USER
    no_fix_permissions: Annotated[bool, doc("Leave owners and modes of files as they are.")] = False
    log_level: Annotated[LogLevel, doc("What is logged.")] = "info"
    package_log_levels: Annotated[
        Mapping[str, LogLevel], doc("Other levels for single packages, such as `smtpd`.")
    ] = {}
    log_format: Annotated[Literal["logfmt", "json"], doc("Form of the log lines.")] = "logfmt"
    log_file: Annotated[
        Path | None,
        doc(
            "Log to this file, opened again at SIGHUP, instead of stderr. `user` writes it, so it has to be in a "
            "folder of that user."
        ),
    ] = None
    check_updates: Annotated[
        bool, doc("Look for new versions each day, and tell the postmaster; `updates` says where.")
    ] = False
    updates: Annotated[Updates | None, doc("Where newer versions are told.")] = None
    pedantic: Annotated[bool, doc("Treat violations of protocols as errors where they're usually tolerated.")] = False
    tls: Annotated[TLS | None, doc("TLS of outgoing connections.")] = None
    acme: Annotated[Mapping[str, ACME], doc("Authorities for automatic certificates.")] = {}
    admin_password_file: Annotated[
        Path | None, doc("File with the hash of the admin password, made by `moxlite admin set-password`.")
    ] = None
    host_tlsrpt: Annotated[HostTLSRPT | None, doc("Where TLS reports about the host arrive.")] = None
    initial_mailboxes: Annotated[InitialMailboxes, doc("Mailboxes of a new account.")] = InitialMailboxes()
    transports: Annotated[Mapping[str, Transport], doc("Ways out for mail, used by routes.")] = {}
    no_outgoing_dmarc_reports: Annotated[bool, doc("Send no DMARC reports.")] = False
    no_outgoing_tls_reports: Annotated[bool, doc("Send no TLS reports.")] = False
    outgoing_tls_reports_for_all_success: Annotated[bool, doc("Send TLS reports also when there were no failures.")] = (
        False
    )
    quota_message_size: Annotated[Size, doc("Space for the messages of an account; 0 is without limit.")] = 0
    rate_limits: Annotated[RateLimits, doc("Limits per remote network.")] = RateLimits()
    dns: Annotated[DNS, doc("Looking up names.")] = DNS()
    psl: Annotated[PSL, doc("Public suffixes.")] = PSL()
    dmarc: Annotated[DMARC, doc("Verifying DMARC.")] = DMARC()
    dkim: Annotated[DKIM, doc("Verifying DKIM.")] = DKIM()
    imap: Annotated[IMAP, doc("Serving IMAP.")] = IMAP()
    queue: Annotated[Queue, doc("Sending mail.")] = Queue()
    store: Annotated[Store, doc("Storing mail.")] = Store()
    backup: Annotated[Backup, doc("Backups made by the server itself.")] = Backup()
    standby: Annotated[Standby, doc("A second machine that follows this one.")] = Standby()
    doctor: Annotated[Doctor, doc("The examination of each night.")] = Doctor()
    web: Annotated[Web, doc("The web pages as others see them.")] = Web()
    allow_private_webhooks: Annotated[bool, doc("Let webhook URLs point to private addresses.")] = False
    allow_private_mx: Annotated[bool, doc("Let MX and MTA-STS hosts have private addresses.")] = False
    oidc: Annotated[OIDC | None, doc("Log in to the web pages by a login provider.")] = None
    webmail_offline: Annotated[
        bool,
        doc(
            "Let browsers keep the webmail for times without a connection, and mail where a user of a device wants it. "
            "With `false` they remove their service workers."
        ),
    ] = True
    foreign_passwords: Annotated[ForeignPasswords, doc("Password hashes that came from another server.")] = (
        ForeignPasswords()
    )
    require_app_passwords: Annotated[
        bool, doc("For all accounts: the own password is for the web apps only; mail programs need app passwords.")
    ] = False
