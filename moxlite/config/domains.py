"""Structs of domains.toml, the dynamic configuration: domains, accounts, aliases, routes, web handlers.

Changes of the file become active while the server runs (docs/spec/admin.md §1, ADMIN-5).
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from moxlite.config.values import (
    URL,
    Address,
    AsciiText,
    BackendURL,
    BaseURL,
    Domain,
    Duration,
    Host,
    Localpart,
    MailboxName,
    Network,
    Path,
    PathRegexp,
    Regexp,
    Section,
    Sender,
    Separator,
    Size,
    SubdomainPattern,
    URLPath,
    doc,
)


class Route(Section, frozen=True):
    """A rule that chooses the transport of outgoing mail. The first route that matches applies: the account's routes
    come first, then the routes of its domain, then the global ones.
    """

    transport: Annotated[str, doc("Name of the transport.")]
    from_domain: Annotated[
        tuple[SubdomainPattern, ...], doc("Only for these sender domains; a leading dot also matches subdomains.")
    ] = ()
    to_domain: Annotated[
        tuple[SubdomainPattern, ...], doc("Only for these recipient domains; a leading dot also matches subdomains.")
    ] = ()
    minimum_attempts: Annotated[int, doc("Only once this many attempts have failed.")] = 0
    after: Annotated[
        Literal["", "blocked"],
        doc(
            "blocked: only for a message that a host has refused because it blocks the address of this server. It goes"
            " this way then, at once, in place of coming back. Empty: for all."
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
    """A DKIM key; its public half belongs in DNS at `SELECTOR._domainkey.DOMAIN`."""

    key_file: Annotated[
        Path, doc("Private key, PEM PKCS#8: RSA of at least 1024 bits, or ed25519. Relative to this file.")
    ]
    hash: Annotated[Literal["sha256", "sha1"], doc("Hash of the signature. sha1 is obsolete.")] = "sha256"
    header: Annotated[Literal["relaxed", "simple"], doc("Canonicalisation of the header.")] = "relaxed"
    body: Annotated[Literal["relaxed", "simple"], doc("Canonicalisation of the body.")] = "relaxed"
    headers: Annotated[tuple[str, ...], doc("Header fields that are signed; From must be one.")] = DKIM_HEADERS
    unsealed_headers: Annotated[
        tuple[str, ...], doc("Header fields that are signed too where a message has them, and that others may add.")
    ] = DKIM_UNSEALED
    seal: Annotated[bool, doc("Sign each of `headers` once more than it occurs, so that none can be added.")] = True
    expiration: Annotated[Duration, doc("How long a signature is valid.")] = 72 * 3600.0


class DKIMConfig(Section, frozen=True):
    """Signing outgoing mail."""

    selectors: Annotated[Mapping[str, Selector], doc("Keys by selector.")] = {}
    sign: Annotated[tuple[str, ...], doc("Selectors that sign.")] = ()
    auto_rotate: Annotated[
        Duration | None,
        doc("Age at which the signing key is replaced (docs/keys.md); 180 days where a DNS provider is set."),
    ] = None


class DMARC(Section, frozen=True):
    """Address for DMARC reports about this domain."""

    localpart: Annotated[Localpart, doc("Address before the @; ASCII.")]
    account: Annotated[str, doc("Account that gets them.")]
    mailbox: Annotated[MailboxName, doc("Mailbox, such as `DMARC`.")]
    domain: Annotated[Domain | None, doc("Other local domain at which they arrive.")] = None


class TLSRPT(Section, frozen=True):
    """Address for TLS reports about this domain."""

    localpart: Annotated[Localpart, doc("Address before the @; ASCII.")]
    account: Annotated[str, doc("Account that gets them.")]
    mailbox: Annotated[MailboxName, doc("Mailbox, such as `TLSRPT`.")]
    domain: Annotated[Domain | None, doc("Other local domain at which they arrive.")] = None


class MTASTS(Section, frozen=True):
    """The domain's MTA-STS policy (RFC 8461), served by listeners with `mtasts_https`."""

    policy_id: Annotated[
        str,
        doc("Version of the policy; letters and digits. The server changes it with each change of the policy."),
    ]
    mode: Annotated[Literal["enforce", "testing", "none"], doc("What senders do when TLS fails.")] = "enforce"
    max_age: Annotated[Duration, doc("How long senders keep the policy.")] = 86400.0
    mx: Annotated[tuple[str, ...], doc("Names of the MX hosts, `*.` for one label; without it the hostname.")] = ()
    former_mx: Annotated[
        tuple[str, ...],
        doc("Names that `mx` had before. The server adds them, and removes them once no sender relies on them."),
    ] = ()


class Alias(Section, frozen=True):
    """An address that delivers to several others."""

    addresses: Annotated[
        tuple[Address, ...],
        doc(
            "The members: addresses of accounts of this server, at least one, and of other servers. The owner of an "
            "address of another server gets a mail with a link, and has to agree once."
        ),
    ]
    carrier: Annotated[
        str | None,
        doc(
            "The account of a member that sends mail on to members at other servers: its limit of 500 messages a day "
            "counts, and failures are told there. Left out: the account of the first member."
        ),
    ] = None
    post_public: Annotated[bool, doc("Everyone may write to it; else only members.")] = False
    list_members: Annotated[bool, doc("Members see the other members.")] = False
    allow_msg_from: Annotated[bool, doc("Members may send with the alias as From.")] = False
    deliver_to_sender: Annotated[bool, doc("A member who writes to the alias gets a copy.")] = False


class DomainConfig(Section, frozen=True):
    """A domain for which this server accepts mail."""

    disabled: Annotated[
        bool, doc("Refuse its mail for now, in and out, with a temporary error. Its users can still log in.")
    ] = False
    peer: Annotated[
        tuple[Host, ...],
        doc(
            "Hosts of the server from which the domain moves here, in order. Mail for addresses that are not here yet"
            " goes there, if that server takes it; while the domain is `disabled`, all its mail does."
        ),
    ] = ()
    description: Annotated[str, doc("For your own notes.")] = ""
    client_settings_domain: Annotated[
        Domain | None, doc("Name of the host in settings for mail programs, such as `mail.example.org`.")
    ] = None
    no_jmap: Annotated[bool, doc("Refuse JMAP to log-ins with an address of this domain.")] = False
    free_busy: Annotated[
        Literal["details", "busy", "nothing"],
        doc(
            "What people of this domain see of each other's calendars when they plan: titles too, when the owner is"
            " busy, or nothing. An owner can choose otherwise for each calendar."
        ),
    ] = "busy"
    localpart_separators: Annotated[
        tuple[Separator, ...], doc("Text after one of them is ignored in delivery: `you+shop@` is `you@`.")
    ] = ()
    localpart_case_sensitive: Annotated[bool, doc("Upper and lower case are different before the @.")] = False
    dkim: Annotated[DKIMConfig, doc("Signing of outgoing mail.")] = DKIMConfig()
    dmarc: Annotated[DMARC | None, doc("Where DMARC reports arrive.")] = None
    strict_records: Annotated[
        bool,
        doc(
            "Have DNS records bind others: receivers reject mail that can't be verified (DMARC `p=reject`), and no"
            " other CA issues certificates for the domain and all names below it (CAA). Otherwise receivers only"
            " report (`p=none`), and any CA may issue."
        ),
    ] = True
    mtasts: Annotated[MTASTS | None, doc("The MTA-STS policy.")] = None
    tlsrpt: Annotated[TLSRPT | None, doc("Where TLS reports arrive.")] = None
    routes: Annotated[tuple[Route, ...], doc("Routes of mail sent from this domain.")] = ()
    aliases: Annotated[
        Mapping[str, Alias], doc("Addresses of this domain, by localpart, that deliver to several members.")
    ] = {}


class Ruleset(Section, frozen=True):
    """A rule that files incoming mail. At least one condition is needed, and all of them must hold. The first ruleset
    that matches applies.
    """

    mailbox: Annotated[MailboxName, doc("Where matching mail goes.")]
    smtp_mail_from_regexp: Annotated[Regexp | None, doc("Matches the envelope sender, lower case.")] = None
    msg_from_regexp: Annotated[Regexp | None, doc("Matches the address in From, lower case.")] = None
    verified_domain: Annotated[Domain | None, doc("The mail verifiably comes from this domain (SPF or DKIM).")] = None
    headers_regexp: Annotated[
        Mapping[str, str], doc("Patterns for the name of a header field and for its value, lower case.")
    ] = {}
    is_forward: Annotated[bool, doc("These are forwards from the verified domain: no judgement by the last hop.")] = (
        False
    )
    list_allow_domain: Annotated[Domain | None, doc("A mailing list of this verified domain: accept all of it.")] = None
    accept_rejects_to_mailbox: Annotated[
        MailboxName | None, doc("Accept what would be rejected, into this mailbox.")
    ] = None
    comment: Annotated[str, doc("For your own notes.")] = ""


class Destination(Section, frozen=True):
    """An address at which the account receives mail, and with which it can log in."""

    mailbox: Annotated[MailboxName, doc("Where mail goes that no ruleset matches.")] = "Inbox"
    full_name: Annotated[str, doc("Name for this address, if another than the account's.")] = ""
    rulesets: Annotated[tuple[Ruleset, ...], doc("Rules for filing.")] = ()
    smtp_error: Annotated[AsciiText | None, doc("Refuse all mail: `421` or `550`, a space, and a text.")] = None
    refused_addresses: Annotated[
        tuple[Address, ...],
        doc("Addresses that lead here and are refused as they are written: `you+shop@…`, or a name of a catchall."),
    ] = ()
    message_auth_required_smtp_error: Annotated[
        AsciiText | None, doc("Refuse mail without valid DMARC, DKIM or SPF, with this text.")
    ] = None


class OutgoingWebhook(Section, frozen=True):
    """Calls to a web server of yours about the delivery of sent messages."""

    url: Annotated[URL, doc("Where to POST.")]
    authorization: Annotated[str, doc("Value of the Authorization field.", secret=True)] = ""
    events: Annotated[tuple[str, ...], doc("Only these events; without it all.")] = ()
    secret: Annotated[
        str,
        doc(
            "Signs calls, as `whsec_` and 24 to 64 octets in base64; two with a space between while you replace one.",
            secret=True,
        ),
    ] = ""


class IncomingWebhook(Section, frozen=True):
    """Calls to a web server of yours about received messages."""

    url: Annotated[URL, doc("Where to POST.")]
    authorization: Annotated[str, doc("Value of the Authorization field.", secret=True)] = ""
    secret: Annotated[
        str,
        doc(
            "Signs calls, as `whsec_` and 24 to 64 octets in base64; two with a space between while you replace one.",
            secret=True,
        ),
    ] = ""


class SubjectPass(Section, frozen=True):
    """Accept mail of suspected senders who repeat a token in the subject."""

    period: Annotated[Duration, doc("How long a token works.")]


class SenderLists(Section, frozen=True):
    """Senders whose mail is refused, or accepted regardless of the junk filter. A domain includes its subdomains."""

    blocked: Annotated[
        tuple[Sender, ...],
        doc("Refused: in From or MAIL FROM, or by network; a copy is kept in `rejects_mailbox`."),
    ] = ()
    allowed: Annotated[
        tuple[Sender, ...], doc("Taken, where SPF or DKIM proves the author: the address in From, or the network.")
    ] = ()


class AutomaticJunkFlags(Section, frozen=True):
    """Messages are marked as junk or not junk by the mailbox that they're moved to."""

    enabled: Annotated[bool, doc("Do so.")] = False
    junk_mailbox_regexp: Annotated[Regexp | None, doc("Mailboxes of junk.")] = None
    neutral_mailbox_regexp: Annotated[Regexp | None, doc("Mailboxes that say nothing.")] = None
    not_junk_mailbox_regexp: Annotated[Regexp | None, doc("Mailboxes of wanted mail; without it all others.")] = None


class JunkFilter(Section, frozen=True):
    """The filter that learns from the account's own mail."""

    threshold: Annotated[float, doc("Probability above which a message of an unknown sender is refused.")]
    onegrams: Annotated[bool, doc("Look at single words.")] = False
    twograms: Annotated[bool, doc("Look at pairs of words.")] = False
    threegrams: Annotated[bool, doc("Look at triples of words.")] = False
    max_power: Annotated[float, doc("A single word counts no more than this far from 0 and 1; from 0, below 0.5.")] = (
        0.01
    )
    top_words: Annotated[int, doc("How many of the most telling words count.")] = 10
    ignore_words: Annotated[float, doc("Words this near to 0.5 don't count; from 0, below 0.5.")] = 0.1
    rare_words: Annotated[int, doc("Words seen no more often than this don't count.")] = 2


class Account(Section, frozen=True):
    """A user: mailboxes, log-in, addresses."""

    domain: Annotated[Domain, doc("Preselected for new addresses in the admin app; has no other meaning.")]
    description: Annotated[str, doc("For your own notes.")] = ""
    full_name: Annotated[str, doc("The name in mail that is sent from the webmail.", owner="Your name")] = ""
    login_disabled: Annotated[AsciiText | None, doc("Refuse log-ins, with this text; mail is still delivered.")] = None
    destinations: Annotated[Mapping[str, Destination], doc("Addresses; `@domain` takes what no other has.")] = {}
    outgoing_webhook: Annotated[OutgoingWebhook | None, doc("Calls about sent messages.")] = None
    incoming_webhook: Annotated[IncomingWebhook | None, doc("Calls about received messages.")] = None
    from_id_login_addresses: Annotated[
        tuple[Address, ...], doc("Log-ins with these get a unique sender address for each message.")
    ] = ()
    keep_retired_message_period: Annotated[
        Duration, doc("How long finished messages stay listed in the queue; `0s` not at all.")
    ] = 0.0
    keep_retired_webhook_period: Annotated[
        Duration, doc("How long finished webhook calls stay listed; `0s` not at all.")
    ] = 0.0
    subject_pass: Annotated[SubjectPass | None, doc("Tokens in the subject for suspected senders.")] = None
    senders: Annotated[SenderLists, doc("Senders that are blocked, or allowed.")] = SenderLists()
    quota_message_size: Annotated[
        Size | None, doc("Space for messages, instead of the global limit; negative is without limit.")
    ] = None
    forward_to: Annotated[
        tuple[Address, ...],
        doc(
            "Accepted mail that is not junk is sent on to these addresses, once their owners have confirmed that:"
            " `moxlite account forward ask`."
        ),
    ] = ()
    keep_copy: Annotated[
        bool,
        doc(
            "With `forward_to`, keep the mail here as well. Where a Sieve script is active, it alone decides what is"
            " kept."
        ),
    ] = True
    rejects_mailbox: Annotated[MailboxName | None, doc("Keep copies of refused mail here for a time.")] = None
    keep_rejects: Annotated[bool, doc("Never remove them.")] = False
    expire_after: Annotated[
        Mapping[MailboxName, Duration],
        doc('Remove messages this long after they came into a mailbox, such as `Trash = "30d"`.'),
    ] = {}
    introbox: Annotated[MailboxName | None, doc("Mailbox for the first mail of unknown senders, instead of Inbox.")] = (
        None
    )
    invitations: Annotated[
        Literal["known", "all", "never"],
        doc("Put invitations that come by mail into the calendar: of known senders, of all whose address is proven."),
    ] = "known"
    automatic_junk_flags: Annotated[AutomaticJunkFlags, doc("Junk marks by mailbox.")] = AutomaticJunkFlags()
    junk_filter: Annotated[JunkFilter | None, doc("The learning filter; without it content isn't judged.")] = None
    max_outgoing_messages_per_day: Annotated[
        int, doc("Limit of recipients in 24 hours, against abuse of a stolen password.")
    ] = 1000
    max_first_time_recipients_per_day: Annotated[
        int, doc("Limit of recipients never written to before, in 24 hours.")
    ] = 200
    max_recipients_per_hour: Annotated[
        int | None,
        doc("Recipients in an hour by which the guard stops the account, instead of its own number; 0: any number."),
    ] = None
    no_sending_guard: Annotated[bool, doc("The guard leaves this account alone (see `queue.guard`).")] = False
    no_first_time_sender_delay: Annotated[bool, doc("Don't let unknown senders wait.")] = False
    no_custom_password: Annotated[bool, doc("The user only gets generated passwords.")] = False
    require_app_passwords: Annotated[
        bool, doc("The account's own password is for the web apps only; mail programs need app passwords.")
    ] = False
    no_dsn_suppression: Annotated[bool, doc("Incoming notices of failure put no address on the suppression list.")] = (
        False
    )
    queue_mailbox: Annotated[
        bool,
        doc("Show what waits to be sent in a mailbox `Outgoing`; moving a message from there to the trash cancels it."),
    ] = False
    no_jmap: Annotated[bool, doc("Refuse JMAP to this account.")] = False
    imap_capabilities_disabled: Annotated[
        tuple[str, ...], doc("IMAP capabilities hidden from this account; upper case.")
    ] = ()
    routes: Annotated[tuple[Route, ...], doc("Routes of mail that this account sends.")] = ()


class WebStatic(Section, frozen=True):
    """Files of a directory, served by a web handler."""

    root: Annotated[str, doc("Directory; relative to the working directory of the server.")]
    strip_prefix: Annotated[str, doc("Taken off the path first.")] = ""
    list_files: Annotated[bool, doc("List directories without index.html.")] = False
    continue_not_found: Annotated[bool, doc("Go on with the next handler when there is no such file.")] = False
    follow_symlinks: Annotated[bool, doc("Follow links that lead out of the directory.")] = False
    precompressed: Annotated[
        bool, doc("Send `FILE.br`, `FILE.zst` or `FILE.gz` beside a file, if there is one that is not older.")
    ] = False
    response_headers: Annotated[Mapping[str, str], doc("Fields added to responses.")] = {}


class WebRedirect(Section, frozen=True):
    """Redirect to another URL."""

    base_url: Annotated[
        BaseURL | None,
        doc(
            "Where to, but for the path: `https://host`, or `//host` to keep the scheme; without it the host asked for."
        ),
    ] = None
    orig_path_regexp: Annotated[PathRegexp | None, doc("Pattern of the path.")] = None
    replace_path: Annotated[str, doc("Replacement for what the pattern matched; `$1` is its first group.")] = ""
    status_code: Annotated[int, doc("300 to 399, but not 304.")] = 308


class WebForward(Section, frozen=True):
    """Forward requests to a web server behind this one."""

    url: Annotated[
        BackendURL,
        doc(
            "Where to: `http://127.0.0.1:8000`, or `unix:/path/of/socket`; a path, after another `:`, begins all paths."
        ),
    ]
    strip_path: Annotated[bool, doc("Take what `path_regexp` matched off the path.")] = False
    response_headers: Annotated[Mapping[str, str], doc("Fields added to responses.")] = {}


class WebInternal(Section, frozen=True):
    """Serve a web app of moxlite at another path."""

    base_path: Annotated[URLPath, doc("Path at which it's served.")]
    service: Annotated[Literal["admin", "account", "webmail", "webapi", "dav"], doc("Which app.")]


class WebBasicAuth(Section, frozen=True):
    """Names and passwords that a rule of the web server asks for (HTTP Basic authentication)."""

    users: Annotated[Mapping[str, str], doc("Hashes of passwords, by name: `moxlite config hash-password` makes one.")]
    realm: Annotated[str, doc("What browsers show when they ask.")] = "restricted"


class WebCache(Section, frozen=True):
    """The field `Cache-Control` of successful answers."""

    path_regexp: Annotated[PathRegexp, doc("Pattern of the path. The first one that matches counts.")]
    cache_control: Annotated[str, doc("The value, such as `max-age=31536000, immutable`.")]


class WebHandler(Section, frozen=True):
    """A rule of the web server, tried in order. Give exactly one of `static`, `redirect`, `forward`, `internal`."""

    domain: Annotated[Domain, doc("Host.")]
    path_regexp: Annotated[PathRegexp, doc("Pattern of the path; starts with `^`.")]
    log_name: Annotated[str, doc("Name in logs and metrics; without it its number.")] = ""
    dont_redirect_plain_http: Annotated[bool, doc("Serve http too, instead of a redirect to https.")] = False
    compress: Annotated[bool, doc("Compress responses.")] = False
    allow_ips: Annotated[
        tuple[Network, ...], doc("Networks of clients that are served; others get status 403. Empty: all are served.")
    ] = ()
    basic_auth: Annotated[WebBasicAuth | None, doc("Ask for a name and a password.")] = None
    cache: Annotated[
        tuple[WebCache, ...], doc("Fields `Cache-Control` by path; they replace the fields of `static` or `forward`.")
    ] = ()
    static: Annotated[WebStatic | None, doc("Serve files.")] = None
    redirect: Annotated[WebRedirect | None, doc("Redirect.")] = None
    forward: Annotated[WebForward | None, doc("Forward to another web server.")] = None
    internal: Annotated[WebInternal | None, doc("Serve one of moxlite's apps.")] = None


class ARC(Section, frozen=True):
    """Mail that other servers have forwarded, with sealed results of their own checks (RFC 8617)."""

    trusted_sealers: Annotated[
        tuple[Domain, ...],
        doc("Domains whose seals count: mail that they saw proven is not refused by the policy of its author."),
    ] = ()


class Domains(Section, frozen=True):
    """domains.toml: settings that may change while the server runs."""

    domains: Annotated[Mapping[str, DomainConfig], doc("Mail domains, by name in its Unicode form.")] = {}
    accounts: Annotated[
        Mapping[str, Account], doc("Users, by name: lower-case letters, digits, `.`, `_`, `-`, at most 64.")
    ] = {}
    web_domain_redirects: Annotated[Mapping[str, str], doc("Hosts whose requests are redirected to another host.")] = {}
    web_handlers: Annotated[tuple[WebHandler, ...], doc("Rules of the web server.")] = ()
    routes: Annotated[tuple[Route, ...], doc("Routes for all.")] = ()
    arc: Annotated[ARC | None, doc("Mail passed on by servers that are trusted.")] = None
    monitor_dnsbls: Annotated[
        tuple[Domain, ...], doc("DNS block lists that are only watched for this server's own addresses.")
    ] = ()
