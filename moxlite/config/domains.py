"""Structs of domains.toml, the dynamic configuration: domains, accounts, aliases, routes, web handlers.

Changes of the file become active while the server runs (docs/spec/admin.md §1, ADMIN-5).
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from moxlite.config.values import (
    URL,
    Address,
    AsciiText,
    Domain,
    Duration,
    Host,
    Keyword,
    Localpart,
    MailboxName,
    Path,
    Regexp,
    Section,
    Sender,
    Separator,
    Size,
    SubdomainPattern,
    doc,
)
from moxlite.config.webserver import WebHandler


class Route(Section, frozen=True):
    """A rule for choosing a transport for outgoing mail. The first matching route is used. Account routes are checked
    first, then domain routes, then global routes.
    """

    transport: Annotated[str, doc("Name of the transport.")]
    from_domain: Annotated[
        tuple[SubdomainPattern, ...], doc("Only these sender domains. A leading dot includes subdomains.")
    ] = ()
    to_domain: Annotated[
        tuple[SubdomainPattern, ...], doc("Only these recipient domains. A leading dot includes subdomains.")
    ] = ()
    minimum_attempts: Annotated[int, doc("Only use after this many failed attempts.")] = 0
    after: Annotated[
        Literal["", "blocked"],
        doc(
            "blocked: only for messages rejected because the receiving host blocks this server's address. "
            "Instead of bouncing, they're sent this way immediately. Leave empty for all messages."
        ),
    ] = ""


DKIM_HEADERS: Final = (
    "From",
    "To",
    "Cc",
    "Bcc",
    "Reply-To",
    "References",
    "In-Reply-To",
    "Subject",
    "Date",
    "Message-Id",
    "Content-Type",
)
"""Header fields signed unless configured otherwise: a reader sees sender, recipients and subject by them (AUTH-43)."""

DKIM_UNSEALED: Final = (
    "MIME-Version",
    "Content-Transfer-Encoding",
    "List-Id",
    "List-Help",
    "List-Subscribe",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Post",
    "List-Owner",
    "List-Archive",
)
"""Header fields signed as often as they occur. Mailing lists add them, so a signature over their absence would break.
Programs act on them (RFC 2045, RFC 2369, RFC 2919), and RFC 8058 §4 requires a signature over two of them.
"""


class Selector(Section, frozen=True):
    """A DKIM key. Publish its public key in DNS at `SELECTOR._domainkey.DOMAIN`."""

    key_file: Annotated[
        Path, doc("Private key file (PEM, PKCS#8), relative to this file. RSA with at least 1024 bits, or Ed25519.")
    ]
    hash: Annotated[Literal["sha256", "sha1"], doc("Signature hash. sha1 is obsolete.")] = "sha256"
    header: Annotated[Literal["relaxed", "simple"], doc("Header canonicalization.")] = "relaxed"
    body: Annotated[Literal["relaxed", "simple"], doc("Body canonicalization.")] = "relaxed"
    headers: Annotated[tuple[str, ...], doc("Header fields to sign. Must include From.")] = DKIM_HEADERS
    unsealed_headers: Annotated[
        tuple[str, ...], doc("Header fields to sign if present. Additional ones can still be added later.")
    ] = DKIM_UNSEALED
    seal: Annotated[bool, doc("Also protect `headers` from being added to, by signing each field one extra time.")] = (
        True
    )
    expiration: Annotated[Duration, doc("How long signatures are valid.")] = 72 * 3600.0


class DKIMConfig(Section, frozen=True):
    """DKIM signatures for outgoing mail."""

    selectors: Annotated[Mapping[str, Selector], doc("Keys by selector.")] = {}
    sign: Annotated[tuple[str, ...], doc("Selectors used for signing.")] = ()
    auto_rotate: Annotated[
        Duration | None,
        doc("How often to replace the signing key (docs/keys.md). 180 days if a DNS provider is set."),
    ] = None


class DMARC(Section, frozen=True):
    """Address for DMARC reports about this domain."""

    localpart: Annotated[Localpart, doc("Part of the address before the @, in ASCII.")]
    account: Annotated[str, doc("Account that receives the reports.")]
    mailbox: Annotated[MailboxName, doc("Mailbox for the reports. For example, `DMARC`.")]
    domain: Annotated[Domain | None, doc("Receive reports at another domain on this server.")] = None


class TLSRPT(Section, frozen=True):
    """Address for TLS reports about this domain."""

    localpart: Annotated[Localpart, doc("Part of the address before the @, in ASCII.")]
    account: Annotated[str, doc("Account that receives the reports.")]
    mailbox: Annotated[MailboxName, doc("Mailbox for the reports. For example, `TLSRPT`.")]
    domain: Annotated[Domain | None, doc("Receive reports at another domain on this server.")] = None


POLICY_ID_TIME: Final = "%Y%m%dT%H%M%S"
"""Time in the IDs of MTA-STS policies that the server makes, in UTC."""


class MTASTS(Section, frozen=True):
    """MTA-STS policy for the domain (RFC 8461), served by listeners with `mtasts_https`."""

    policy_id: Annotated[
        str,
        doc("Policy version, in letters and digits. The server updates it when the policy changes."),
    ]
    mode: Annotated[Literal["enforce", "testing", "none"], doc("How senders should handle TLS failures.")] = "enforce"
    max_age: Annotated[Duration, doc("How long senders should keep the policy.")] = 86400.0
    mx: Annotated[
        tuple[str, ...], doc("MX host names. Use `*.` for any single label. If not set, the server's hostname.")
    ] = ()
    former_mx: Annotated[
        tuple[str, ...],
        doc(
            "Previous names in `mx`. The server adds these automatically, and removes them when senders no "
            "longer need them."
        ),
    ] = ()


class Alias(Section, frozen=True):
    """An address that delivers to several other addresses."""

    addresses: Annotated[
        tuple[Address, ...],
        doc(
            "Member addresses. At least one must be on this server. Members on other servers get an email to "
            "confirm their membership."
        ),
    ]
    carrier: Annotated[
        str | None,
        doc(
            "The member account that forwards mail to members on other servers and gets bounces. Its limit of "
            "500 messages a day applies. If not set, uses the first member's account."
        ),
    ] = None
    post_public: Annotated[bool, doc("Anyone can write to ALIAS, not just members.")] = False
    list_members: Annotated[bool, doc("Members can see other members.")] = False
    allow_msg_from: Annotated[bool, doc("Members can send with the alias as From.")] = False
    deliver_to_sender: Annotated[bool, doc("Send members copies of their own messages.")] = False


class NewAccounts(Section, frozen=True):
    """Create accounts for users who log in with the login provider for the first time, if their verified address is in
    this domain and never had an account. New accounts get these settings.
    """

    quota_message_size: Annotated[Size | None, doc("Storage limit for messages. Overrides the global limit.")] = None
    max_outgoing_messages_per_day: Annotated[int, doc("Maximum number of recipients in 24 hours.")] = 1000
    max_first_time_recipients_per_day: Annotated[int, doc("Maximum number of first-time recipients in 24 hours.")] = 200
    max_recipients_per_hour: Annotated[
        int | None, doc("Maximum number of recipients in an hour before the guard pauses sending. 0 for no limit.")
    ] = None


class DomainConfig(Section, frozen=True):
    """A domain on this server."""

    disabled: Annotated[
        bool, doc("Defer incoming and outgoing mail with temporary errors. Users can still log in.")
    ] = False
    peer: Annotated[
        tuple[Host, ...],
        doc(
            "The domain's previous mail servers, in order. Mail for addresses that don't exist here yet is "
            "forwarded there, if that server accepts them. While the domain is `disabled`, all mail is forwarded."
        ),
    ] = ()
    description: Annotated[str, doc("A note for yourself.")] = ""
    client_settings_domain: Annotated[
        Domain | None, doc("Host name for mail client settings. For example, `mail.example.org`.")
    ] = None
    client_settings_aliases: Annotated[
        tuple[Domain, ...],
        doc(
            "More host names that mail clients use for this server, such as `mail.example.org` from a previous "
            "server. They get certificates, and `dnscheck` checks them."
        ),
    ] = ()
    no_jmap: Annotated[bool, doc("Turn off JMAP for logins with an address in this domain.")] = False
    free_busy: Annotated[
        Literal["details", "busy", "nothing"],
        doc(
            "Details that users in this domain can see in each other's calendars when scheduling: titles, "
            "free/busy times, or nothing. Owners can change this for each calendar."
        ),
    ] = "busy"
    localpart_separators: Annotated[
        tuple[Separator, ...],
        doc("Ignore text after one of these characters on delivery. For example, `you+shop@` becomes `you@`."),
    ] = ()
    localpart_case_sensitive: Annotated[bool, doc("Treat uppercase and lowercase before the @ as different.")] = False
    new_accounts: Annotated[
        NewAccounts | None,
        doc("Create accounts at the first login. The domain must be one of `trust_addresses` in moxlite.toml."),
    ] = None
    dkim: Annotated[DKIMConfig, doc("DKIM signatures for outgoing mail.")] = DKIMConfig()
    dmarc: Annotated[DMARC | None, doc("Where to receive DMARC reports.")] = None
    strict_records: Annotated[
        bool,
        doc(
            "Use strict policies in DNS. Receivers will reject mail that they can't verify (DMARC `p=reject`), "
            "and no other CA can issue certificates for the domain and its subdomains (CAA). Otherwise receivers "
            "only report (`p=none`), and any CA can issue certificates."
        ),
    ] = True
    mtasts: Annotated[MTASTS | None, doc("MTA-STS policy.")] = None
    tlsrpt: Annotated[TLSRPT | None, doc("Where to receive TLS reports.")] = None
    routes: Annotated[tuple[Route, ...], doc("Routes for mail sent from this domain.")] = ()
    aliases: Annotated[Mapping[str, Alias], doc("Aliases in this domain, by localpart.")] = {}

    @property
    def client_hosts(self) -> tuple[Domain, ...]:
        """All host names in the settings of mail clients, the one for new clients first."""
        own = () if self.client_settings_domain is None else (self.client_settings_domain,)
        return tuple(dict.fromkeys((*own, *self.client_settings_aliases)))


class Condition(Section, frozen=True):
    """A rule condition. Ignores case."""

    part: Annotated[
        Literal["from", "to", "subject", "text", "list", "larger", "attachment"],
        doc(
            "Message part. `from` and `to` match names and addresses (`to` includes Cc), and `list` matches "
            "List-Id. `text` searches the whole message text."
        ),
    ]
    test: Annotated[
        Literal["contains", "is", "begins", "ends"],
        doc("How to compare the part. `text` only supports contains. `larger` and `attachment` ignore this."),
    ] = "contains"
    value: Annotated[str, doc("Text to match. For `larger`, a size such as `5m`. For `attachment`, leave empty.")] = ""


class Ruleset(Section, frozen=True):
    """A rule for incoming mail. Set at least one condition and one action. The first matching ruleset is used. All
    conditions must match, or any of `conditions` if `match` is `any`.
    """

    conditions: Annotated[tuple[Condition, ...], doc("Conditions.")] = ()
    match: Annotated[Literal["all", "any"], doc("Match all `conditions`, or any of them.")] = "all"
    mailbox: Annotated[
        MailboxName | None, doc("Mailbox for matching mail. If not set, uses the address's default mailbox.")
    ] = None
    label: Annotated[Keyword | None, doc("Keyword of the label for matching mail.")] = None
    star: Annotated[bool, doc("Flag matching mail.")] = False
    read: Annotated[bool, doc("Mark matching mail as read.")] = False
    forward_to: Annotated[
        tuple[Address, ...],
        doc("Forward a copy of matching mail to these addresses once their owners confirm by email."),
    ] = ()
    never_junk: Annotated[
        bool, doc("Skip the junk filter, the sender's history, and block lists if the sender is verified.")
    ] = False
    smtp_mail_from_regexp: Annotated[Regexp | None, doc("Pattern for the envelope sender, in lowercase.")] = None
    msg_from_regexp: Annotated[Regexp | None, doc("Pattern for the From address, in lowercase.")] = None
    verified_domain: Annotated[Domain | None, doc("Only mail verified as from this domain (SPF or DKIM).")] = None
    headers_regexp: Annotated[
        Mapping[str, str], doc("Patterns for a header field's name and value, in lowercase.")
    ] = {}
    is_forward: Annotated[
        bool, doc("For mail forwarded by the verified domain. The junk filter ignores the forwarding server.")
    ] = False
    list_allow_domain: Annotated[
        Domain | None, doc("A mailing list from this verified domain. Accept all mail from the list.")
    ] = None
    accept_rejects_to_mailbox: Annotated[
        MailboxName | None, doc("Accept mail that would be rejected, and deliver it to this mailbox.")
    ] = None
    comment: Annotated[str, doc("A note for yourself.")] = ""


class Destination(Section, frozen=True):
    """An address that the account can receive mail and log in with."""

    mailbox: Annotated[MailboxName, doc("Mailbox for mail that doesn't match a rule.")] = "Inbox"
    full_name: Annotated[str, doc("Display name for this address, if different from the account's.")] = ""
    rulesets: Annotated[tuple[Ruleset, ...], doc("Rules for incoming mail.")] = ()
    smtp_error: Annotated[
        AsciiText | None, doc("Reject all mail with this reply: `421` or `550`, a space, and text.")
    ] = None
    refused_addresses: Annotated[
        tuple[Address, ...],
        doc(
            "Reject mail to these addresses, which would otherwise be delivered here. For example, `you+shop@…`, "
            "or an address in a catchall."
        ),
    ] = ()
    message_auth_required_smtp_error: Annotated[
        AsciiText | None, doc("Reject mail without valid DMARC, DKIM, or SPF, with this message.")
    ] = None


class OutgoingWebhook(Section, frozen=True):
    """Notifies your web server about delivery of sent messages."""

    url: Annotated[URL, doc("URL to POST to.")]
    authorization: Annotated[str, doc("Value for the Authorization header.", secret=True)] = ""
    events: Annotated[tuple[str, ...], doc("Only these events. If not set, all events.")] = ()
    secret: Annotated[
        str,
        doc(
            "Secret for signing webhooks: `whsec_` and 24 to 64 bytes in base64. To replace a secret, enter both "
            "with a space in between.",
            secret=True,
        ),
    ] = ""


class IncomingWebhook(Section, frozen=True):
    """Notifies your web server about received messages."""

    url: Annotated[URL, doc("URL to POST to.")]
    authorization: Annotated[str, doc("Value for the Authorization header.", secret=True)] = ""
    secret: Annotated[
        str,
        doc(
            "Secret for signing webhooks: `whsec_` and 24 to 64 bytes in base64. To replace a secret, enter both "
            "with a space in between.",
            secret=True,
        ),
    ] = ""


class SubjectPass(Section, frozen=True):
    """Accept mail from suspected senders if the subject contains a token."""

    period: Annotated[Duration, doc("How long a token is valid.")]


class SenderLists(Section, frozen=True):
    """Blocked senders, and senders that skip the junk filter. Domains include subdomains."""

    blocked: Annotated[
        tuple[Sender, ...],
        doc("Senders to block, by From, MAIL FROM, or network. A copy is kept in `rejects_mailbox`."),
    ] = ()
    allowed: Annotated[
        tuple[Sender, ...],
        doc("Senders to allow, by From address or network. Only applies if SPF or DKIM verifies the author."),
    ] = ()


class AutomaticJunkFlags(Section, frozen=True):
    """Mark messages as junk or not junk based on the mailbox they're moved to."""

    enabled: Annotated[bool, doc("Turn on automatic marking.")] = False
    junk_mailbox_regexp: Annotated[Regexp | None, doc("Pattern for junk mailboxes.")] = None
    neutral_mailbox_regexp: Annotated[Regexp | None, doc("Pattern for mailboxes that the junk filter ignores.")] = None
    not_junk_mailbox_regexp: Annotated[
        Regexp | None, doc("Pattern for mailboxes without junk. If not set, all others.")
    ] = None


class JunkFilter(Section, frozen=True):
    """A junk filter that learns from the account's mail."""

    threshold: Annotated[float, doc("Reject messages from unknown senders above this junk probability.")]
    onegrams: Annotated[bool, doc("Use single words.")] = False
    twograms: Annotated[bool, doc("Use word pairs.")] = False
    threegrams: Annotated[bool, doc("Use groups of 3 words.")] = False
    max_power: Annotated[float, doc("Keep word probabilities at least this far from 0 and 1. From 0 to below 0.5.")] = (
        0.01
    )
    top_words: Annotated[int, doc("Number of strongest words that an explanation shows.")] = 10
    ignore_words: Annotated[float, doc("Ignore words this close to 0.5. From 0 to below 0.5.")] = 0.1
    rare_words: Annotated[int, doc("Ignore words seen this many times or fewer.")] = 2
    file_unsure: Annotated[
        bool,
        doc("Move probable junk to Junk, and only reject mail that's almost certainly junk."),
    ] = False


class Account(Section, frozen=True):
    """A user with mailboxes, a login, and addresses."""

    domain: Annotated[Domain, doc("Default domain for new addresses in the admin app. Not used for anything else.")]
    description: Annotated[str, doc("A note for yourself.")] = ""
    full_name: Annotated[str, doc("Your name in mail you send from webmail.", owner="Your name")] = ""
    login_disabled: Annotated[
        AsciiText | None, doc("Disable logins and show this message. Mail will still be delivered.")
    ] = None
    login_names: Annotated[
        tuple[str, ...],
        doc(
            "More user names for logging in, such as `mia` from a previous server. They don't get mail. A name can "
            "only belong to one account. Ignores case."
        ),
    ] = ()
    destinations: Annotated[
        Mapping[str, Destination],
        doc("The account's addresses. `@domain` includes all addresses that aren't used by other accounts."),
    ] = {}
    outgoing_webhook: Annotated[OutgoingWebhook | None, doc("Webhooks for sent messages.")] = None
    incoming_webhook: Annotated[IncomingWebhook | None, doc("Webhooks for received messages.")] = None
    from_id_login_addresses: Annotated[
        tuple[Address, ...], doc("Logins that send each message from a unique address.")
    ] = ()
    keep_retired_message_period: Annotated[
        Duration, doc("How long finished messages stay listed in the queue. `0s` to not list them.")
    ] = 0.0
    keep_retired_webhook_period: Annotated[
        Duration, doc("How long finished webhooks stay listed. `0s` to not list them.")
    ] = 0.0
    subject_pass: Annotated[SubjectPass | None, doc("Subject tokens for suspected senders.")] = None
    senders: Annotated[SenderLists, doc("Blocked and allowed senders.")] = SenderLists()
    quota_message_size: Annotated[
        Size | None, doc("Storage limit for messages. Overrides the global limit. Negative for no limit.")
    ] = None
    forward_to: Annotated[
        tuple[Address, ...],
        doc(
            "Forward accepted mail, except junk, to these addresses once their owners confirm: `moxlite account "
            "forward ask`."
        ),
    ] = ()
    keep_copy: Annotated[
        bool,
        doc("When using `forward_to`, also keep a copy here. An active Sieve script overrides this."),
    ] = True
    rejects_mailbox: Annotated[MailboxName | None, doc("Keep copies of rejected mail here for a few days.")] = None
    keep_rejects: Annotated[bool, doc("Keep rejected mail permanently.")] = False
    expire_after: Annotated[
        Mapping[MailboxName, Duration],
        doc('Delete messages this long after they\'re added to a mailbox. For example, `Trash = "30d"`.'),
    ] = {}
    introbox: Annotated[
        MailboxName | None, doc("Mailbox for first messages from unknown senders, instead of Inbox.")
    ] = None
    invitations: Annotated[
        Literal["known", "all", "never"],
        doc("Add emailed invitations to the calendar, either from known senders or from all verified addresses."),
    ] = "known"
    automatic_junk_flags: Annotated[AutomaticJunkFlags, doc("Automatic junk marking by mailbox.")] = (
        AutomaticJunkFlags()
    )
    junk_filter: Annotated[JunkFilter | None, doc("Junk filter. If not set, mail isn't classified by content.")] = None
    max_outgoing_messages_per_day: Annotated[
        int, doc("Maximum number of recipients in 24 hours, to limit abuse of a stolen password.")
    ] = 1000
    max_first_time_recipients_per_day: Annotated[int, doc("Maximum number of first-time recipients in 24 hours.")] = 200
    max_recipients_per_hour: Annotated[
        int | None,
        doc(
            "Maximum number of recipients in an hour before the guard pauses sending. Overrides the guard's "
            "limit. 0 for no limit."
        ),
    ] = None
    no_sending_guard: Annotated[bool, doc("Turn off the guard for this account (see `queue.guard`).")] = False
    no_first_time_sender_delay: Annotated[bool, doc("Don't delay mail from unknown senders.")] = False
    no_custom_password: Annotated[bool, doc("Only allow generated passwords.")] = False
    require_app_passwords: Annotated[
        bool, doc("Only allow the account's own password in web apps. Mail clients must use app passwords.")
    ] = False
    no_dsn_suppression: Annotated[bool, doc("Don't add addresses to the suppression list when messages bounce.")] = (
        False
    )
    queue_mailbox: Annotated[
        bool,
        doc("Show queued messages in an `Outgoing` mailbox. To cancel one, move it to the trash."),
    ] = False
    no_jmap: Annotated[bool, doc("Turn off JMAP for this account.")] = False
    imap_prefix: Annotated[
        str | None,
        doc(
            "Prefix that mail clients may put before mailbox names, as on a previous server. Ends with the separator. "
            "For example, `INBOX.`. Names without it continue to work."
        ),
    ] = None
    imap_capabilities_disabled: Annotated[
        tuple[str, ...], doc("IMAP capabilities to hide from this account, in uppercase.")
    ] = ()
    routes: Annotated[tuple[Route, ...], doc("Routes for mail sent by this account.")] = ()


class ARC(Section, frozen=True):
    """Trusted servers that forward mail and seal their check results (ARC, RFC 8617)."""

    trusted_sealers: Annotated[
        tuple[Domain, ...],
        doc("Trusted sealing domains. Mail they verified isn't rejected because of the author's policy."),
    ] = ()


class Domains(Section, frozen=True):
    """domains.toml: settings that can change while the server is running."""

    domains: Annotated[Mapping[str, DomainConfig], doc("Mail domains by Unicode name.")] = {}
    accounts: Annotated[
        Mapping[str, Account], doc("Users by name: up to 64 lowercase letters, digits, `.`, `_`, and `-`.")
    ] = {}
    web_domain_redirects: Annotated[Mapping[str, str], doc("Hosts to redirect to other hosts.")] = {}
    web_handlers: Annotated[tuple[WebHandler, ...], doc("Web server rules.")] = ()
    routes: Annotated[tuple[Route, ...], doc("Routes for all mail.")] = ()
    arc: Annotated[ARC | None, doc("Trusted forwarders.")] = None
    monitor_dnsbls: Annotated[
        tuple[Domain, ...], doc("DNS block lists that are only used to monitor this server's addresses.")
    ] = ()
