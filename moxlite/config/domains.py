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
    Keyword,
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
    """A rule to choose a transport for outgoing mail. The first matching route is used. Account routes come first, then
    domain routes, then global ones.
    """

    transport: Annotated[str, doc("Name of the transport.")]
    from_domain: Annotated[
        tuple[SubdomainPattern, ...], doc("Only for these sender domains; a leading dot also matches subdomains.")
    ] = ()
    to_domain: Annotated[
        tuple[SubdomainPattern, ...], doc("Only for these recipient domains; a leading dot also matches subdomains.")
    ] = ()
    minimum_attempts: Annotated[int, doc("Only after this many attempts have failed.")] = 0
    after: Annotated[
        Literal["", "blocked"],
        doc(
            "blocked: only for messages rejected because the receiving host blocks this server's address. "
            "They're sent this way immediately instead of bouncing. Empty: for all."
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
        Path, doc("Private key, PEM PKCS#8: RSA of at least 1024 bits, or ed25519. Relative to this file.")
    ]
    hash: Annotated[Literal["sha256", "sha1"], doc("Signature hash. sha1 is obsolete.")] = "sha256"
    header: Annotated[Literal["relaxed", "simple"], doc("Canonicalisation of the header.")] = "relaxed"
    body: Annotated[Literal["relaxed", "simple"], doc("Canonicalisation of the body.")] = "relaxed"
    headers: Annotated[tuple[str, ...], doc("Header fields to sign, which must include From.")] = DKIM_HEADERS
    unsealed_headers: Annotated[
        tuple[str, ...], doc("Header fields to sign if a message has them. Others can still be added.")
    ] = DKIM_UNSEALED
    seal: Annotated[bool, doc("Sign `headers` one extra time each, so none can be added.")] = True
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
    """MTA-STS policy for the domain (RFC 8461), served by listeners with `mtasts_https`."""

    policy_id: Annotated[
        str,
        doc("Policy version, in letters and digits. The server updates it when the policy changes."),
    ]
    mode: Annotated[Literal["enforce", "testing", "none"], doc("What senders do if TLS fails.")] = "enforce"
    max_age: Annotated[Duration, doc("How long senders keep the policy.")] = 86400.0
    mx: Annotated[tuple[str, ...], doc("Names of the MX hosts, `*.` for one label; without it the hostname.")] = ()
    former_mx: Annotated[
        tuple[str, ...],
        doc("Previous names in `mx`. The server adds them, and removes them when senders no longer use them."),
    ] = ()


class Alias(Section, frozen=True):
    """An address that delivers to several others."""

    addresses: Annotated[
        tuple[Address, ...],
        doc(
            "Member addresses. At least one must be an account on this server. Members on other servers get an "
            "email and have to confirm once."
        ),
    ]
    carrier: Annotated[
        str | None,
        doc(
            "The member account that forwards mail to members on other servers. Its limit of 500 messages a day "
            "applies, and it gets the bounces. If not set, the first member's account."
        ),
    ] = None
    post_public: Annotated[bool, doc("Everyone may write to it; else only members.")] = False
    list_members: Annotated[bool, doc("Members see the other members.")] = False
    allow_msg_from: Annotated[bool, doc("Members may send with the alias as From.")] = False
    deliver_to_sender: Annotated[bool, doc("Send members copies of their own messages.")] = False


class NewAccounts(Section, frozen=True):
    """Accounts for people who log in at the login provider for the first time, if their verified address in this domain
    never had an account. New accounts get these settings.
    """

    quota_message_size: Annotated[Size | None, doc("Space for messages, instead of the global limit.")] = None
    max_outgoing_messages_per_day: Annotated[int, doc("Maximum number of recipients in 24 hours.")] = 1000
    max_first_time_recipients_per_day: Annotated[
        int, doc("Limit of recipients never written to before, in 24 hours.")
    ] = 200
    max_recipients_per_hour: Annotated[
        int | None, doc("Recipients in an hour before the guard pauses sending. 0: no limit.")
    ] = None


class DomainConfig(Section, frozen=True):
    """A domain that this server accepts mail for."""

    disabled: Annotated[
        bool, doc("Refuse its mail for now, in and out, with a temporary error. Its users can still log in.")
    ] = False
    peer: Annotated[
        tuple[Host, ...],
        doc(
            "Hosts of the domain's previous server, in order. Mail for addresses that don't exist here yet goes "
            "there, if that server accepts it. While the domain is `disabled`, all its mail does."
        ),
    ] = ()
    description: Annotated[str, doc("For your own notes.")] = ""
    client_settings_domain: Annotated[
        Domain | None, doc("Host name in mail client settings. For example, `mail.example.org`.")
    ] = None
    no_jmap: Annotated[bool, doc("Turn off JMAP for logins with an address in this domain.")] = False
    free_busy: Annotated[
        Literal["details", "busy", "nothing"],
        doc(
            "What users in this domain can see of each other's calendars when they plan: titles, only free/busy "
            "times, or nothing. Owners can change this for each calendar."
        ),
    ] = "busy"
    localpart_separators: Annotated[
        tuple[Separator, ...], doc("Ignore text after one of these on delivery: `you+shop@` becomes `you@`.")
    ] = ()
    localpart_case_sensitive: Annotated[bool, doc("Uppercase and lowercase are different before the @.")] = False
    new_accounts: Annotated[
        NewAccounts | None,
        doc("Create accounts at the first login. The domain must be one of `trust_addresses` in moxlite.toml."),
    ] = None
    dkim: Annotated[DKIMConfig, doc("Signing of outgoing mail.")] = DKIMConfig()
    dmarc: Annotated[DMARC | None, doc("Where DMARC reports arrive.")] = None
    strict_records: Annotated[
        bool,
        doc(
            "Use strict policies in DNS. Receivers will reject mail that they can't verify (DMARC `p=reject`), "
            "and no other CA can issue certificates for the domain and its subdomains (CAA). Otherwise receivers "
            "only report (`p=none`), and any CA can issue certificates."
        ),
    ] = True
    mtasts: Annotated[MTASTS | None, doc("The MTA-STS policy.")] = None
    tlsrpt: Annotated[TLSRPT | None, doc("Where TLS reports arrive.")] = None
    routes: Annotated[tuple[Route, ...], doc("Routes of mail sent from this domain.")] = ()
    aliases: Annotated[
        Mapping[str, Alias], doc("Addresses in this domain, by localpart, that deliver to several members.")
    ] = {}


class Condition(Section, frozen=True):
    """A condition of a rule in words. Texts are compared without regard to case."""

    part: Annotated[
        Literal["from", "to", "subject", "text", "list", "larger", "attachment"],
        doc(
            "Message part. `from` and `to` compare names and addresses (`to` includes Cc), `list` compares List-Id. "
            "`text` is any of the text."
        ),
    ]
    test: Annotated[
        Literal["contains", "is", "begins", "ends"],
        doc("How the part is compared. `text` can only contain something; `larger` and `attachment` ignore it."),
    ] = "contains"
    value: Annotated[str, doc("The text. For `larger`, a size such as `5m`; for `attachment`, nothing.")] = ""


class Ruleset(Section, frozen=True):
    """A rule for incoming mail. Set at least one condition and one action. The first matching ruleset is used. All
    conditions must match, or any of `conditions` if `match` is `any`.
    """

    conditions: Annotated[tuple[Condition, ...], doc("Conditions in words.")] = ()
    match: Annotated[Literal["all", "any"], doc("Whether all of `conditions` must match, or any.")] = "all"
    mailbox: Annotated[
        MailboxName | None, doc("Where matching mail goes. By default where the address's mail goes.")
    ] = None
    label: Annotated[Keyword | None, doc("Label for matching mail, by its keyword.")] = None
    star: Annotated[bool, doc("Star matching mail.")] = False
    forward_to: Annotated[
        tuple[Address, ...],
        doc("Forward a copy of matching mail to these addresses once their owners confirm by email."),
    ] = ()
    never_junk: Annotated[
        bool, doc("Skip the junk filter, the sender's history and block lists if the sender is verified.")
    ] = False
    smtp_mail_from_regexp: Annotated[Regexp | None, doc("Matches the envelope sender, lower case.")] = None
    msg_from_regexp: Annotated[Regexp | None, doc("Matches the address in From, lower case.")] = None
    verified_domain: Annotated[Domain | None, doc("The mail verifiably comes from this domain (SPF or DKIM).")] = None
    headers_regexp: Annotated[
        Mapping[str, str], doc("Patterns for a header field's name and value, in lowercase.")
    ] = {}
    is_forward: Annotated[bool, doc("These are forwards from the verified domain: no judgement by the last hop.")] = (
        False
    )
    list_allow_domain: Annotated[
        Domain | None, doc("A mailing list from this verified domain. Accept all its mail.")
    ] = None
    accept_rejects_to_mailbox: Annotated[
        MailboxName | None, doc("Accept mail that would be rejected, and deliver it to this mailbox.")
    ] = None
    comment: Annotated[str, doc("For your own notes.")] = ""


class Destination(Section, frozen=True):
    """An address that the account can receive mail and log in with."""

    mailbox: Annotated[MailboxName, doc("Where to deliver mail if no ruleset matches.")] = "Inbox"
    full_name: Annotated[str, doc("Name for this address, if another than the account's.")] = ""
    rulesets: Annotated[tuple[Ruleset, ...], doc("Rules for filing.")] = ()
    smtp_error: Annotated[AsciiText | None, doc("Reject all mail: `421` or `550`, a space, and a text.")] = None
    refused_addresses: Annotated[
        tuple[Address, ...],
        doc(
            "Rejected addresses that would otherwise be delivered here. For example, `you+shop@…`, or an address in "
            "a catchall."
        ),
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
            "Secret to sign webhooks: `whsec_` and 24 to 64 bytes in base64. To replace it, use two with a space "
            "in between.",
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
            "Secret to sign webhooks: `whsec_` and 24 to 64 bytes in base64. To replace it, use two with a space "
            "in between.",
            secret=True,
        ),
    ] = ""


class SubjectPass(Section, frozen=True):
    """Accept mail of suspected senders who repeat a token in the subject."""

    period: Annotated[Duration, doc("How long a token works.")]


class SenderLists(Section, frozen=True):
    """Blocked senders, and senders that skip the junk filter. A domain includes its subdomains."""

    blocked: Annotated[
        tuple[Sender, ...],
        doc("Blocked by From, MAIL FROM, or network. A copy is kept in `rejects_mailbox`."),
    ] = ()
    allowed: Annotated[
        tuple[Sender, ...], doc("Allowed if SPF or DKIM verifies the author: by address in From, or network.")
    ] = ()


class AutomaticJunkFlags(Section, frozen=True):
    """Messages are marked as junk or not junk by the mailbox that they're moved to."""

    enabled: Annotated[bool, doc("Do so.")] = False
    junk_mailbox_regexp: Annotated[Regexp | None, doc("Junk mailboxes.")] = None
    neutral_mailbox_regexp: Annotated[Regexp | None, doc("Mailboxes that the junk filter ignores.")] = None
    not_junk_mailbox_regexp: Annotated[Regexp | None, doc("Mailboxes of wanted mail; without it all others.")] = None


class JunkFilter(Section, frozen=True):
    """A junk filter that learns from the account's mail."""

    threshold: Annotated[float, doc("Reject messages from unknown senders above this probability.")]
    onegrams: Annotated[bool, doc("Use single words.")] = False
    twograms: Annotated[bool, doc("Use word pairs.")] = False
    threegrams: Annotated[bool, doc("Use word triples.")] = False
    max_power: Annotated[float, doc("Keep word probabilities this far from 0 and 1. Must be 0 to below 0.5.")] = 0.01
    top_words: Annotated[int, doc("How many of the most telling words count.")] = 10
    ignore_words: Annotated[float, doc("Words this near to 0.5 don't count; from 0, below 0.5.")] = 0.1
    rare_words: Annotated[int, doc("Words seen no more often than this don't count.")] = 2


class Account(Section, frozen=True):
    """A user, with mailboxes, login, and addresses."""

    domain: Annotated[Domain, doc("Preselected for new addresses in the admin app. Has no other effect.")]
    description: Annotated[str, doc("For your own notes.")] = ""
    full_name: Annotated[str, doc("Your name in mail sent from the webmail.", owner="Your name")] = ""
    login_disabled: Annotated[AsciiText | None, doc("Disable logins and show this text. Mail is still delivered.")] = (
        None
    )
    destinations: Annotated[
        Mapping[str, Destination], doc("Addresses. `@domain` includes all addresses that no other account has.")
    ] = {}
    outgoing_webhook: Annotated[OutgoingWebhook | None, doc("Webhooks for sent messages.")] = None
    incoming_webhook: Annotated[IncomingWebhook | None, doc("Webhooks for received messages.")] = None
    from_id_login_addresses: Annotated[
        tuple[Address, ...], doc("Logins that use a unique sender address for each message.")
    ] = ()
    keep_retired_message_period: Annotated[
        Duration, doc("How long finished messages stay listed in the queue; `0s` not at all.")
    ] = 0.0
    keep_retired_webhook_period: Annotated[
        Duration, doc("How long finished webhook calls stay listed; `0s` not at all.")
    ] = 0.0
    subject_pass: Annotated[SubjectPass | None, doc("Tokens in the subject for suspected senders.")] = None
    senders: Annotated[SenderLists, doc("Blocked and allowed senders.")] = SenderLists()
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
        doc("Also keep forwarded mail here, when you use `forward_to`. An active Sieve script decides on its own."),
    ] = True
    rejects_mailbox: Annotated[MailboxName | None, doc("Keep copies of refused mail here for a time.")] = None
    keep_rejects: Annotated[bool, doc("Never remove them.")] = False
    expire_after: Annotated[
        Mapping[MailboxName, Duration],
        doc('Delete messages this long after they arrive in a mailbox. For example, `Trash = "30d"`.'),
    ] = {}
    introbox: Annotated[MailboxName | None, doc("Mailbox for the first mail of unknown senders, instead of Inbox.")] = (
        None
    )
    invitations: Annotated[
        Literal["known", "all", "never"],
        doc("Add emailed invitations to the calendar: from known senders, or from all verified addresses."),
    ] = "known"
    automatic_junk_flags: Annotated[AutomaticJunkFlags, doc("Junk marks by mailbox.")] = AutomaticJunkFlags()
    junk_filter: Annotated[JunkFilter | None, doc("The learning filter; without it content isn't judged.")] = None
    max_outgoing_messages_per_day: Annotated[
        int, doc("Maximum number of recipients in 24 hours, to limit abuse of a stolen password.")
    ] = 1000
    max_first_time_recipients_per_day: Annotated[
        int, doc("Limit of recipients never written to before, in 24 hours.")
    ] = 200
    max_recipients_per_hour: Annotated[
        int | None,
        doc("Recipients in an hour before the guard pauses sending, instead of the guard's own limit. 0: no limit."),
    ] = None
    no_sending_guard: Annotated[bool, doc("The guard leaves this account alone (see `queue.guard`).")] = False
    no_first_time_sender_delay: Annotated[bool, doc("Don't let unknown senders wait.")] = False
    no_custom_password: Annotated[bool, doc("The user only gets generated passwords.")] = False
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
    no_jmap: Annotated[bool, doc("Refuse JMAP to this account.")] = False
    imap_capabilities_disabled: Annotated[
        tuple[str, ...], doc("IMAP capabilities hidden from this account; upper case.")
    ] = ()
    routes: Annotated[tuple[Route, ...], doc("Routes of mail that this account sends.")] = ()


class WebStatic(Section, frozen=True):
    """Files in a directory, served by a web handler."""

    root: Annotated[str, doc("Directory; relative to the working directory of the server.")]
    strip_prefix: Annotated[str, doc("Taken off the path first.")] = ""
    list_files: Annotated[bool, doc("List directories without index.html.")] = False
    continue_not_found: Annotated[bool, doc("If the file doesn't exist, continue with the next handler.")] = False
    follow_symlinks: Annotated[bool, doc("Follow links to outside the directory.")] = False
    precompressed: Annotated[bool, doc("Send a file's `FILE.br`, `FILE.zst` or `FILE.gz` if it's at least as new.")] = (
        False
    )
    response_headers: Annotated[Mapping[str, str], doc("Fields added to responses.")] = {}


class WebRedirect(Section, frozen=True):
    """Redirect to another URL."""

    base_url: Annotated[
        BaseURL | None,
        doc("Target without the path: `https://host`, or `//host` to keep the scheme. If not set, the requested host."),
    ] = None
    orig_path_regexp: Annotated[PathRegexp | None, doc("Pattern of the path.")] = None
    replace_path: Annotated[str, doc("Replacement for the part that matches the pattern. `$1` is the first group.")] = (
        ""
    )
    status_code: Annotated[int, doc("300 to 399, but not 304.")] = 308


class WebForward(Section, frozen=True):
    """Forward requests to a web server behind this one."""

    url: Annotated[
        BackendURL,
        doc(
            "Backend: `http://127.0.0.1:8000`, or `unix:/path/to/socket`. A path after another `:` is put in "
            "front of all paths."
        ),
    ]
    strip_path: Annotated[bool, doc("Take what `path_regexp` matched off the path.")] = False
    response_headers: Annotated[Mapping[str, str], doc("Fields added to responses.")] = {}


class WebInternal(Section, frozen=True):
    """Serve a web app of moxlite at another path."""

    base_path: Annotated[URLPath, doc("Path at which it's served.")]
    service: Annotated[Literal["admin", "account", "webmail", "webapi", "dav"], doc("Which app.")]


class WebBasicAuth(Section, frozen=True):
    """Names and passwords for a web server rule (HTTP Basic authentication)."""

    users: Annotated[
        Mapping[str, str], doc("Password hashes by name. To create one, run `moxlite config hash-password`.")
    ]
    realm: Annotated[str, doc("Shown by browsers when they ask for the password.")] = "restricted"


class WebCache(Section, frozen=True):
    """The field `Cache-Control` of successful answers."""

    path_regexp: Annotated[PathRegexp, doc("Path pattern. The first one that matches is used.")]
    cache_control: Annotated[str, doc("The value, such as `max-age=31536000, immutable`.")]


class WebHandler(Section, frozen=True):
    """A web server rule. Rules are tried in order. Set one of `static`, `redirect`, `forward` or `internal`."""

    domain: Annotated[Domain, doc("Host.")]
    path_regexp: Annotated[PathRegexp, doc("Pattern of the path; starts with `^`.")]
    log_name: Annotated[str, doc("Name in logs and metrics. If not set, its number.")] = ""
    dont_redirect_plain_http: Annotated[bool, doc("Serve http instead of redirecting it to https.")] = False
    compress: Annotated[bool, doc("Compress responses.")] = False
    allow_ips: Annotated[tuple[Network, ...], doc("Networks that can connect. Others get status 403. Empty: all.")] = ()
    basic_auth: Annotated[WebBasicAuth | None, doc("Require a name and password.")] = None
    cache: Annotated[
        tuple[WebCache, ...], doc("`Cache-Control` fields by path. They replace the fields from `static` or `forward`.")
    ] = ()
    static: Annotated[WebStatic | None, doc("Serve files.")] = None
    redirect: Annotated[WebRedirect | None, doc("Redirect.")] = None
    forward: Annotated[WebForward | None, doc("Forward to another web server.")] = None
    internal: Annotated[WebInternal | None, doc("Serve one of moxlite's apps.")] = None


class ARC(Section, frozen=True):
    """Mail forwarded by other servers, with sealed results of their checks (RFC 8617)."""

    trusted_sealers: Annotated[
        tuple[Domain, ...],
        doc("Trusted sealing domains. Mail that they verified isn't rejected because of the author's policy."),
    ] = ()


class Domains(Section, frozen=True):
    """domains.toml: settings that may change while the server runs."""

    domains: Annotated[Mapping[str, DomainConfig], doc("Mail domains, by name in Unicode.")] = {}
    accounts: Annotated[
        Mapping[str, Account], doc("Users, by name: lower-case letters, digits, `.`, `_`, `-`, at most 64.")
    ] = {}
    web_domain_redirects: Annotated[Mapping[str, str], doc("Hosts whose requests are redirected to another host.")] = {}
    web_handlers: Annotated[tuple[WebHandler, ...], doc("Rules of the web server.")] = ()
    routes: Annotated[tuple[Route, ...], doc("Routes for all.")] = ()
    arc: Annotated[ARC | None, doc("Mail forwarded by trusted servers.")] = None
    monitor_dnsbls: Annotated[
        tuple[Domain, ...], doc("DNS block lists that are only monitored for this server's own addresses.")
    ] = ()
