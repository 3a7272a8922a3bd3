"""Replies of other servers and what they mean, in plain words with advice (QUEUE-180): a table that a reader can check
against fixtures/replies, and the judgement by it.
"""

import re
from enum import StrEnum
from typing import Final

import msgspec

# Replies of other servers, and what they mean (QUEUE-180): a table that a reader can check against fixtures/replies.
#
# Entries are tried from the top; the first match counts. Texts of single providers come first, then texts that many
# servers use, then enhanced codes (RFC 3463), then bare codes.


class Cause(StrEnum):
    """The cause for which a message was refused."""

    UNKNOWN_USER = "unknown-user"
    """There is no such mailbox."""
    FULL = "full"
    """The mailbox is full."""
    BLOCKED_IP = "blocked-ip"
    """Our IP address is blocked, whatever the sender, recipient or message."""
    RATE = "rate"
    """The other side finds that we send too many messages in too short a time."""
    CONTENT = "content"
    """The message itself is classified as junk or dangerous."""
    SIZE = "size"
    """The message is too big."""
    POLICY = "policy"
    """A policy of the other side."""
    AUTH = "auth"
    """SPF, DKIM, DMARC, the sender's address or the reverse name of ours fails a check of the other side."""
    GREYLIST = "greylist"
    """The server refuses unknown senders once, and accepts a retry."""
    DNS = "dns"
    """A name is missing, or cannot be looked up."""
    CONNECT = "connect"
    """The hosts do not answer, or not in time."""
    TLS = "tls"
    """The TLS that is required cannot be had."""
    SUPPRESSED = "suppressed"
    """The account sends nothing more to the address."""
    OTHER = "other"
    """A reply that has no meaning in the table."""


class Meaning(msgspec.Struct, frozen=True):
    """Explanation of a reply for people. `meaning`: what happened, a sentence. `advice`: what the sender can do, "" for
    nothing. `admin`: what the administrator of this server must do, "" for nothing.
    """

    cause: Cause
    meaning: str
    advice: str = ""
    admin: str = ""

    def for_admin(self, domain: str) -> str:
        """The steps for the administrator, with the domain of the sender in the commands; "" is the null sender's."""
        return self.admin.replace("DOMAIN", domain or "DOMAIN")


class Entry(msgspec.Struct, frozen=True):
    """Pattern of a reply; all given parts must match. `codes`: one of these SMTP codes; `status`: one of these enhanced
    codes without the class, or a prefix ending in ``.``; `words`: all of these in the text, in lower case.
    """

    meaning: Meaning
    codes: tuple[int, ...] = ()
    status: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


WAIT: Final = "You don't need to do anything. The server will try again."
TELL_ADMIN: Final = "Your message and the address are fine. Contact your mail server's administrator."
OTHER_WAY: Final = "Contact the recipient another way."
LESS_LIKE_SPAM: Final = (
    "Change your message: use fewer links, no link shorteners, and no attached programs. Or contact the recipient"
    " another way."
)

_UNKNOWN: Final = Meaning(
    Cause.UNKNOWN_USER,
    "This address doesn't exist.",
    "Check the address for typos or ask the recipient for the correct one, then send your message again.",
)
_SENDER: Final = Meaning(
    Cause.AUTH,
    "The recipient's server doesn't accept the sender's address or domain.",
    TELL_ADMIN,
    "Other servers must be able to look up the sender's domain and deliver mail to the sender's address. To"
    " check the records, run `moxlite config dnscheck DOMAIN`.",
)
_FULL: Final = Meaning(
    Cause.FULL,
    "The recipient's mailbox is full.",
    "Contact the recipient another way, and send your message again when there's space.",
)
_GREYLIST: Final = Meaning(
    Cause.GREYLIST, "The recipient's server delays mail from new servers for a few minutes.", WAIT
)
_RATE: Final = Meaning(Cause.RATE, "The recipient's server is limiting mail from this server.", WAIT)
_BUSY_MAILBOX: Final = Meaning(
    Cause.RATE, "The recipient is getting more mail than their server accepts at once.", WAIT
)
_DNSBL: Final = (
    "Check the list's website for the reason (for example, a stolen password, a hacked website, or a"
    " residential network). Fix the cause and request removal. Until then, send through a smarthost."
)

GMAIL_PTR: Final = Meaning(
    Cause.AUTH,
    "Gmail doesn't accept mail from an IP address without matching reverse DNS.",
    TELL_ADMIN,
    "Ask your provider to set the PTR record to this server's hostname, which must have an A or AAAA record"
    " with that address. IPv4 and IPv6 each need their own. To check, run `moxlite config dnscheck DOMAIN`.",
)
GMAIL_AUTH: Final = Meaning(
    Cause.AUTH,
    "Gmail couldn't verify that this message is from your domain, because neither SPF nor DKIM passed.",
    TELL_ADMIN,
    "Publish the SPF, DKIM, and DMARC records from `moxlite config dnsrecords DOMAIN`, and check them with"
    " `moxlite config dnscheck DOMAIN`. Forwarded mail needs SRS or an intact DKIM signature.",
)
GMAIL_SPF: Final = Meaning(
    Cause.AUTH,
    "Gmail rejected this message because SPF failed for your domain.",
    TELL_ADMIN,
    "Add this server's addresses to the SPF record of the sender's domain. To see the record, run `moxlite"
    " config dnsrecords DOMAIN`.",
)
GMAIL_RATE: Final = Meaning(
    Cause.RATE,
    "Gmail is limiting mail from this server because there's more than usual, or too much is reported as spam.",
    WAIT,
    "Check for accounts that send too much (`moxlite queue list`, `queue retired list`), and send less to"
    " Gmail for a day. To see how Gmail rates your domain, go to https://postmaster.google.com/.",
)
GMAIL_JUNK: Final = Meaning(
    Cause.CONTENT,
    "Gmail considers this message spam.",
    LESS_LIKE_SPAM,
    "To see the reputation of your IP address and domain, go to https://postmaster.google.com/.",
)
GMAIL_REPUTATION: Final = Meaning(
    Cause.BLOCKED_IP,
    "Gmail doesn't trust this server's IP address.",
    TELL_ADMIN,
    "See https://postmaster.google.com/. A new IP address builds trust with a small, steady volume of signed"
    " mail. Until then, send to Gmail through a smarthost.",
)
MICROSOFT_AUTH: Final = Meaning(
    Cause.AUTH,
    "Microsoft rejected this message because SPF, DKIM, or DMARC failed for your domain.",
    TELL_ADMIN,
    "Publish the SPF, DKIM, and DMARC records from `moxlite config dnsrecords DOMAIN`. Microsoft requires SPF"
    " and DKIM to pass, and a DMARC record that's aligned with one of them.",
)
MICROSOFT_BANNED: Final = Meaning(
    Cause.BLOCKED_IP,
    "Microsoft 365 blocked this server's IP address.",
    TELL_ADMIN,
    "Request removal of the address in the reply at https://sender.office.com/. This takes a day or two."
    " Until then, send to Microsoft through a smarthost.",
)
MICROSOFT_LIST: Final = Meaning(
    Cause.BLOCKED_IP,
    "This server's IP address or network is on Outlook.com's block list.",
    TELL_ADMIN,
    "Request removal with the form at https://olcsupport.office.com/, and reply if your first request is"
    " denied. Check the address at https://sendersupport.olc.protection.outlook.com/snds/. Until then, send"
    " to Microsoft through a smarthost.",
)
MICROSOFT_NOBODY: Final = Meaning(
    Cause.UNKNOWN_USER,
    "This address doesn't exist at Microsoft 365.",
    "Check the address for typos or ask the recipient for the correct one, then send your message again.",
)
YAHOO_DEFERRED: Final = Meaning(
    Cause.RATE,
    "Yahoo is delaying mail from this server because there's more than usual, or because users complained.",
    WAIT,
    "Check for accounts that send too much, and send less to Yahoo for a few hours. If this lasts for two"
    " days, use the form at https://senders.yahooinc.com/smtp-error-codes/.",
)
SPAMHAUS: Final = Meaning(
    Cause.BLOCKED_IP,
    "The recipient's server doesn't accept mail from IP addresses on the Spamhaus block list, and this server"
    " is listed.",
    TELL_ADMIN,
    "Look up the address at https://check.spamhaus.org/. If it's on the PBL (residential addresses), send"
    " through a smarthost or request removal. If it's on the XBL, CSS, or SBL, it sent spam: fix the cause,"
    " then request removal.",
)
SPAMHAUS_RESOLVER: Final = Meaning(
    Cause.POLICY,
    "The recipient's server isn't allowed to query Spamhaus, and treats that as a listing. This server may"
    " not be listed.",
    "Contact the recipient another way. The administrator of the recipient's server has to fix this.",
    "Make sure your address isn't listed at https://check.spamhaus.org/. You can't fix this on your side.",
)
BLOCK_LIST: Final = Meaning(
    Cause.BLOCKED_IP,
    "This server's IP address is on a block list that the recipient's server uses.",
    TELL_ADMIN,
    _DNSBL,
)

ENTRIES: Final = (
    # Gmail: https://knowledge.workspace.google.com/admin/support/troubleshooting/gmail-smtp-errors-and-codes
    Entry(GMAIL_PTR, status=("7.25", "7.23")),
    Entry(GMAIL_PTR, words=("does not have a ptr record",)),
    Entry(GMAIL_AUTH, status=("7.26",)),
    Entry(GMAIL_SPF, status=("7.27",)),
    Entry(GMAIL_RATE, status=("7.28",)),
    Entry(GMAIL_RATE, words=("unusual rate of unsolicited mail",)),
    Entry(GMAIL_AUTH, words=("does not have authentication information", "gsmtp")),
    Entry(GMAIL_REPUTATION, words=("very low reputation of the sending ip",)),
    Entry(GMAIL_JUNK, words=("our system has detected that this message is", "gsmtp")),
    Entry(GMAIL_JUNK, words=("our system has detected that this message is likely unsolicited mail",)),
    # Microsoft
    Entry(MICROSOFT_AUTH, status=("7.515",)),
    Entry(MICROSOFT_BANNED, words=("banned sending ip",)),
    Entry(MICROSOFT_BANNED, words=("traffic not accepted from this ip",)),
    Entry(MICROSOFT_LIST, words=("messages from", "weren't sent", "block list")),
    Entry(MICROSOFT_NOBODY, status=("4.1",), words=("recipient address rejected: access denied",)),
    Entry(MICROSOFT_NOBODY, words=("resolver.adr.recipientnotfound",)),
    # Yahoo, AOL
    Entry(YAHOO_DEFERRED, words=("[tss0",)),
    Entry(YAHOO_DEFERRED, words=("[ts0", "temporarily deferred")),
    Entry(YAHOO_DEFERRED, words=("temporarily deferred due to",)),
    # Spamhaus and other lists
    Entry(SPAMHAUS_RESOLVER, words=("spamhaus.org", "open resolver")),
    Entry(SPAMHAUS, words=("spamhaus",)),
    Entry(BLOCK_LIST, words=("client host", "blocked using")),
    Entry(BLOCK_LIST, words=("barracudacentral.org",)),
    Entry(BLOCK_LIST, words=("spamcop.net",)),
    Entry(BLOCK_LIST, words=("proofpoint.com", "block")),
    Entry(BLOCK_LIST, words=("is blacklisted",)),
    Entry(BLOCK_LIST, words=("your ip", "blacklist")),
    # Words of many servers
    Entry(_GREYLIST, codes=(421, 450, 451, 452, 454), words=("greylist",)),
    Entry(_GREYLIST, codes=(421, 450, 451, 452, 454), words=("graylist",)),
    Entry(_GREYLIST, codes=(450, 451), words=("grey-list",)),
    Entry(_FULL, words=("over quota",)),
    Entry(_FULL, words=("quota exceeded",)),
    Entry(_FULL, words=("mailbox full",)),
    Entry(_FULL, words=("mailbox is full",)),
    Entry(_FULL, words=("out of storage space",)),
    # Before unknown users: `No such user here` may be what it was told about the sender.
    Entry(_SENDER, words=("sender address rejected",)),
    Entry(_SENDER, words=("sender verify fail",)),
    Entry(_SENDER, words=("sender verification fail",)),
    Entry(_SENDER, words=("sender domain",)),
    Entry(_SENDER, words=("sender's domain",)),
    Entry(_SENDER, words=("domain of sender",)),
    Entry(_UNKNOWN, codes=(550, 551, 553, 450), words=("user unknown",)),
    Entry(_UNKNOWN, codes=(550, 551, 553, 450), words=("unknown user",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("no such user",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("no such recipient",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("no such mailbox",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("no mailbox here",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("recipient unknown",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("unknown recipient",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("address unknown",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("unknown address",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("unrouteable address",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("does not exist",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("doesn't exist",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("mailbox not found",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("user not found",)),
    Entry(_UNKNOWN, codes=(550, 551, 553), words=("doesn't have a yahoo",)),
    Entry(
        Meaning(
            Cause.AUTH,
            "The recipient's server rejected this message because SPF, DKIM, or DMARC failed for your domain.",
            TELL_ADMIN,
            "Check the records of the sender's domain with `moxlite config dnscheck DOMAIN`.",
        ),
        words=("dmarc",),
    ),
    Entry(
        Meaning(
            Cause.AUTH,
            "The recipient's server rejected this message because SPF failed.",
            TELL_ADMIN,
            "Check the SPF record of the sender's domain with `moxlite config dnscheck DOMAIN`.",
        ),
        words=("spf",),
        status=("7.",),
    ),
    Entry(
        Meaning(
            Cause.CONTENT,
            "The recipient's server considers this message spam or dangerous.",
            LESS_LIKE_SPAM,
        ),
        words=("spam",),
        codes=(550, 552, 554),
    ),
    Entry(
        Meaning(
            Cause.CONTENT,
            "The recipient's server found malware in this message.",
            "Check your computer and the attached files.",
        ),
        words=("virus",),
        codes=(550, 552, 554),
    ),
    Entry(_BUSY_MAILBOX, codes=(450, 451, 452), words=("receiving mail at a rate",)),
    Entry(_BUSY_MAILBOX, codes=(450, 451, 452), words=("receiving email at a rate",)),
    Entry(_RATE, codes=(421, 450, 451, 452), words=("too many",)),
    Entry(_RATE, codes=(421, 450, 451, 452), words=("rate limit",)),
)
"""Replies recognized by their text or by provider."""

CODES: Final = (
    # RFC 3463, and its registry: without the class, for a failure of any class.
    (("1.1", "1.6", "1.10"), _UNKNOWN),
    (("1.7", "1.8"), _SENDER),
    (("1.2", "1.3"), Meaning(Cause.DNS, "The address isn't valid.", "Check the part after the @.")),
    (
        ("2.1",),
        Meaning(
            Cause.UNKNOWN_USER, "The recipient's mailbox is disabled or doesn't accept messages right now.", OTHER_WAY
        ),
    ),
    (("2.2",), _FULL),
    (
        ("2.3", "3.4"),
        Meaning(
            Cause.SIZE,
            "The message is too large for the recipient's server.",
            "Share large files another way, and send a link.",
        ),
    ),
    (("3.1",), Meaning(Cause.FULL, "The recipient's server is out of disk space.", WAIT)),
    (("4.1", "4.2"), Meaning(Cause.CONNECT, "The recipient's server isn't responding.", WAIT)),
    (
        ("4.3", "4.4"),
        Meaning(Cause.DNS, "Couldn't find a usable mail server for this domain.", "Check the part after the @."),
    ),
    (
        ("4.6",),
        Meaning(Cause.DNS, "Mail to this domain would loop.", OTHER_WAY, "Check the domain's MX records."),
    ),
    (
        ("6.7",),
        Meaning(
            Cause.POLICY,
            "The recipient's server doesn't support addresses or headers with international characters.",
            "Use addresses with only the letters a to z before the @, both yours and the recipient's.",
        ),
    ),
    (
        ("7.5",),
        Meaning(
            Cause.TLS,
            "The recipient's server couldn't prove its identity.",
            WAIT,
            "The recipient's administrator has to fix the certificate, MTA-STS policy, or TLSA records. See"
            " docs/queue.md.",
        ),
    ),
    (
        ("7.30",),
        Meaning(
            Cause.TLS,
            "You required encryption at every step (REQUIRETLS), which isn't available for this recipient.",
            "If your message isn't confidential, send it again without this requirement.",
        ),
    ),
    (("6.",), Meaning(Cause.CONTENT, "The recipient's server can't accept this message's format.", OTHER_WAY)),
    (("7.",), Meaning(Cause.POLICY, "The recipient's server has a rule against this message.", OTHER_WAY)),
)
"""Meanings by the enhanced code without its class; a trailing dot marks a prefix."""

OURS: Final = {
    "suppress": Meaning(
        Cause.SUPPRESSED,
        "Your account stopped sending to this address because earlier messages bounced.",
        "If the address works again, ask your mail server's administrator to allow it.",
        "moxlite queue suppress remove ACCOUNT ADDRESS",
    ),
    "tls-policy": Meaning(
        Cause.TLS,
        "The recipient's domain requires TLS (DANE or MTA-STS), but their server doesn't offer it.",
        WAIT,
        "STARTTLS is missing or removed in transit. The recipient's administrator has to fix this.",
    ),
    "auth": Meaning(
        Cause.OTHER,
        "The outgoing mail server rejected this server's login.",
        WAIT,
        "Check the transport's user name, password, and mechanisms in moxlite.toml.",
    ),
    "link": Meaning(
        Cause.OTHER,
        "Couldn't send through the linked account for this From address.",
        "Check your linked accounts, or send from another address.",
        "The sender's linked account was removed or paused, or its password was rejected. See `moxlite link"
        " list ACCOUNT`.",
    ),
}
"""Meanings by the command, for failures by this server's own decision or configuration; tried before all else."""

BARE: Final = {
    "connect": Meaning(Cause.CONNECT, "The recipient's mail servers aren't responding.", WAIT),
    "session": Meaning(Cause.CONNECT, "The recipient's server is too slow.", WAIT),
    "starttls": Meaning(Cause.TLS, "Couldn't encrypt the connection to the recipient's server.", WAIT),
}
"""Meanings by the command, if no host has answered."""


# Classification of replies: their meaning (QUEUE-180), and whether the recipient's address is dead (QUEUE-82).


MAX_TEXT: Final = 2048
"""Characters of a reply that are searched: as many as are kept (QUEUE-150)."""

WRITTEN: Final = re.compile(r"([245])\.(\d{1,3}\.\d{1,3})(?!\S)")
"""An enhanced code at the begin of a reply."""

DETAILS: Final = {
    Cause.UNKNOWN_USER: "1.1",
    Cause.FULL: "2.2",
    Cause.BLOCKED_IP: "7.1",
    Cause.RATE: "7.1",
    Cause.CONTENT: "7.1",
    Cause.SIZE: "3.4",
    Cause.POLICY: "7.1",
    Cause.AUTH: "7.1",
    Cause.GREYLIST: "7.1",
    Cause.DNS: "4.3",
    Cause.CONNECT: "4.1",
    Cause.TLS: "7.4",
}
"""The enhanced code, without its class, that programs read of a cause (RFC 3463 §3)."""

UNNAMED: Final = Meaning(Cause.OTHER, "")
"""The meaning of a reply that no entry matches."""

DEAD_STATUS: Final = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10", "2.1"})
DEAD_CODES: Final = frozenset({521, 556})
"""The host or the domain takes no mail (RFC 7504)."""

ALIVE_STATUS: Final = ("7.", "2.2", "3.4", "6.")
"""Enhanced codes for a policy, a full mailbox, or the size or form of one message."""

OWN_COMMANDS: Final = frozenset({"route", "auth", "link", "mtasts"})
"""Commands of failures on our side: a transport that fails on purpose, a smarthost that rejects our password."""

# The list must not lose an address for a fault of ours: after a day on a block list, a newsletter would have no readers
# left.
NOT_OF_RECIPIENT: Final = frozenset(
    {
        Cause.BLOCKED_IP,
        Cause.RATE,
        Cause.CONTENT,
        Cause.SIZE,
        Cause.POLICY,
        Cause.AUTH,
        Cause.GREYLIST,
        Cause.TLS,
        Cause.FULL,
    }
)

UNKNOWN_CODES: Final = frozenset({550, 551, 553})
"""Codes of a reply to RCPT without an enhanced code that may mean for good that there is no such mailbox; the words
decide.
"""

OF_THE_SENDER: Final = ("sender", "domain", "mail from", "return path")
"""Words of such a reply that may be about the sender's address."""


def explain(code: int, status: str, text: str, command: str = "") -> Meaning:
    """Return the meaning of a failure.

    Args:
      code: of the reply, 0 without a reply. status: the enhanced code without its class, or "".
      text: the lines of the reply, or our own error text.
      command: the SMTP command or step that failed.
    """
    if command in OURS:
        return OURS[command]
    words = " ".join(text[:MAX_TEXT].lower().replace("\u2019", "'").split())
    for entry in ENTRIES:
        if _fits(entry, code, status, words):
            return entry.meaning
    for known, meaning in CODES:
        if _one_of(status, known):
            return meaning
    return UNNAMED if code else BARE.get(command, UNNAMED)


def detail_of(code: int, status: str, text: str, command: str = "") -> str:
    """The enhanced code of a failure without its class, "" for an unknown cause. Arguments as of `explain`.

    Servers without ENHANCEDSTATUSCODES (RFC 2034) often write the code before the words all the same; where they do
    not, the words have a meaning.
    """
    written = WRITTEN.match(text)
    if not status and written is not None and written[1] == str(code)[0]:
        return written[2]
    return status or DETAILS.get(explain(code, status, text, command).cause, "")


def _fits(entry: Entry, code: int, status: str, words: str) -> bool:
    return (
        (not entry.codes or code in entry.codes)
        and (not entry.status or _one_of(status, entry.status))
        and all(word in words for word in entry.words)
    )


def _one_of(status: str, known: tuple[str, ...]) -> bool:
    return bool(status) and any(status == one or (one.endswith(".") and status.startswith(one)) for one in known)


def names_dead_address(code: int, status: str, text: str, command: str) -> bool:
    """Whether a permanent failure shows that the address is dead, so that the account sends nothing more to it
    (QUEUE-82). False for a policy, a full mailbox or a block of our own address.
    """
    if not is_of_the_recipient(code, status, text, command):
        return False
    cause = explain(code, status, text, command).cause
    if status in DEAD_STATUS or code in DEAD_CODES:
        return True
    bare = not status and code in UNKNOWN_CODES and command == "rcpt" and cause is Cause.UNKNOWN_USER
    return bare and not any(words in text.lower() for words in OF_THE_SENDER)


def is_of_the_recipient(code: int, status: str, text: str, command: str) -> bool:
    """Whether a permanent failure by another server may be due to the recipient's address. False for a policy, a full
    mailbox, the size or form of one message, and failures due to our server.
    """
    if code < 500 or command in OWN_COMMANDS or _one_of(status, ALIVE_STATUS):
        return False
    return explain(code, status, text, command).cause not in NOT_OF_RECIPIENT


# Recent replies of hosts that block this server's IP address, for the administrator (QUEUE-184).


LIFE: Final = 48 * 3600 * 1_000_000
"""µs for which a block is listed after its last reply: longer than the time between two nightly checks."""


class Block(msgspec.Struct, frozen=True):
    """Replies of one meaning that report a block. `since`, `last`: time of the first and last reply, µs UTC; `times`:
    number of replies; `host`, `reply`: of the last one.
    """

    meaning: Meaning
    since: int
    last: int
    times: int
    host: str
    reply: str


class Blocks:
    """The known blocks, in memory: one for each meaning."""

    def __init__(self) -> None:
        self._known: dict[str, Block] = {}

    def note(self, meaning: Meaning, host: str, reply: str, now: int) -> None:
        """Note a refusal by a host that blocks our address."""
        known = self._known.get(meaning.meaning)
        if known is None or now - known.last > LIFE:
            known = Block(meaning, now, now, 0, host, reply)
        self._known[meaning.meaning] = Block(meaning, known.since, now, known.times + 1, host, reply)

    def end(self, host: str) -> None:
        """Remove the blocks whose last reply came from this host: it has accepted a message."""
        for key in [key for key, block in self._known.items() if block.host == host]:
            del self._known[key]

    def listed(self, now: int) -> list[Block]:
        """Return the blocks with a reply within `LIFE`, the latest first."""
        blocks = [block for block in self._known.values() if now - block.last <= LIFE]
        return sorted(blocks, key=lambda block: -block.last)
