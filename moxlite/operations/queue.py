"""The operations about the queue: messages, hold rules, accounts that are stopped, suppressions (WEB-84, WEB-85,
ADMIN-19, ADMIN-20).
"""

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from moxlite.operations import (
    MANAGERS,
    OWNER,
    Operation,
    Request,
    Role,
    Seconds,
    UserOperation,
    Word,
    change,
    field,
    query,
)

DEFAULT_PAGE: Final = 100
"""Rows of a list unless asked otherwise: a queue may have 100,000, and the first ones are due first."""

# What is chosen: filters, and pages of lists (QUEUE-23, QUEUE-24)


Account: TypeAlias = Annotated[str, field("Only this account.")]
Submitted: TypeAlias = Annotated[str, field("'<-1h' for over an hour ago, '>-1h' for the last hour.", metavar="TIME")]
LastActivity: TypeAlias = Annotated[str, field("Same format as --submitted.", metavar="TIME")]
NextAttempt: TypeAlias = Annotated[str, field("'<1h' for due within an hour, '>1h' for later.", metavar="TIME")]
Transport: TypeAlias = Annotated[str | None, field("Only messages with this transport.")]
Most: TypeAlias = Annotated[int, field("Maximum number of results.", metavar="N")]
Ascending: TypeAlias = Annotated[bool, field("Sort oldest or newest first.", "--asc/--desc")]
LastID: TypeAlias = Annotated[int, field("Continue after this ID …")]
Last: TypeAlias = Annotated[str, field("… with this time in the sort order.", metavar="TIME")]
IDs: TypeAlias = Annotated[tuple[int, ...], field("Only these IDs.", metavar="ID,…")]
Sender: TypeAlias = Annotated[str, field("Part of the sender's address, or @domain.", "--from", metavar="ADDR")]
Recipient: TypeAlias = Annotated[str, field("Part of the recipient's address, or @domain.", "--to", metavar="ADDR")]
ID: TypeAlias = Annotated[int, field(metavar="ID")]


class Choice(Request, frozen=True, kw_only=True):
    """A choice of rows; all conditions that are given must hold."""

    ids: IDs = ()
    account: Account = ""
    submitted: Submitted = ""

    @property
    def is_empty(self) -> bool:
        """Whether the filter chooses every row; operations then need a confirmation (QUEUE-22)."""
        return self == type(self)()


class Filter(Choice, frozen=True, kw_only=True):
    """Choice of waiting messages; all given conditions must hold.

    ``sender`` and ``recipient``: part of the address in any case, or ``@domain`` for all of a domain. ``submitted``,
    ``next_attempt``: ``<D`` before or ``>D`` after now plus the duration D, which may be negative, or ``now``.
    ``transport``: a name, empty for messages without one of their own. ``n``: maximum number, 0 for no limit.
    """

    sender: Sender = ""
    recipient: Recipient = ""
    transport: Transport = None
    hold: Annotated[bool | None, field("Only messages on hold, or not on hold.")] = None
    next_attempt: NextAttempt = ""
    n: Most = 0


class RetiredFilter(Choice, frozen=True, kw_only=True):
    """Choice of finished messages; fields as in `Filter`."""

    sender: Sender = ""
    recipient: Recipient = ""
    transport: Transport = None
    success: Annotated[bool | None, field("Only delivered or only failed.")] = None
    last_activity: LastActivity = ""


class Page(Request, frozen=True, kw_only=True):
    """Order and page of a list: rows strictly after the one with `last_id`, whose value of the sort field is `last`
    (RFC 3339).
    """

    sort: Annotated[Literal["next_attempt", "queued"], field("Sort by this field.")] = "next_attempt"
    ascending: Ascending = True
    last_id: LastID = 0
    last: Last = ""
    n: Most = DEFAULT_PAGE


class RetiredPage(Request, frozen=True, kw_only=True):
    """Order and page of finished messages, as `Page`; the latest first."""

    sort: Annotated[Literal["last_activity", "queued"], field("Sort by this field.")] = "last_activity"
    ascending: Ascending = False
    last_id: LastID = 0
    last: Last = ""
    n: Most = DEFAULT_PAGE


# Messages


class Changed(msgspec.Struct, frozen=True):
    """Number of messages or webhooks that an operation changed; `id`: of a rule that was added."""

    messages: int
    id: int = 0


class Choose(Operation[Changed], frozen=True, kw_only=True):
    """The messages to change. `all`: confirms an empty filter, which chooses every message (ADMIN-20). `expected`: the
    number that was shown; nothing is changed if there are more by now.
    """

    filter: Filter = Filter()
    all: Annotated[bool, field("Include all messages, without a filter.")] = False
    # Between the list and the command more may have come: a filter is looked at anew, and must not take them along.
    expected: Annotated[int | None, field("Don't change anything if more than N match.", metavar="N")] = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A message in a list; times in RFC 3339, UTC. `next_attempt` and `hold` are set for waiting messages, `success`
    and `last_activity` for finished ones. Texts for people: `why` (the reason for waiting, or the error), `next` (the
    next step), `admin` (advice for the administrator).
    """

    id: int
    queued: str
    account: str
    sender: str
    recipient: str
    message_id: str
    subject: str
    size: int
    attempts: int
    transport: str
    error: str
    next_attempt: str = ""
    hold: bool = False
    success: bool | None = None
    last_activity: str = ""
    why: str = ""
    next: str = ""
    admin: str = ""


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt: its start (RFC 3339) and duration, host, TLS, reply, and the meaning of the reply."""

    start: str
    seconds: float
    transport: str
    host: str
    ip: str
    tls: str
    outcome: str
    reply: str
    meaning: str
    admin: str


class Waiting(msgspec.Struct, frozen=True):
    """Waiting mail for a domain: number of messages, number on hold, when the oldest was queued (RFC 3339, "" for
    none), and the reason if known.
    """

    messages: int = 0
    held: int = 0
    oldest: str = ""
    why: str = ""


class MTASTS(msgspec.Struct, frozen=True, kw_only=True):
    """The MTA-STS policy of a domain. `mode`: "" for none. `source`: `kept`, or `fetched` for this answer; "" without a
    policy. `fetched`, `until`: RFC 3339. `problem`: the error of the look-up.
    """

    mode: str = ""
    mx: tuple[str, ...] = ()
    source: str = ""
    fetched: str = ""
    until: str = ""
    problem: str = ""


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """A connection to a host: its address, greeting, EHLO keywords, TLS, and the satisfied policies (`clear` without
    TLS). `error`: why no message would be sent over it.
    """

    ip: str
    greeting: str
    keywords: tuple[str, ...]
    tls: str
    policies: str
    error: str


class HostPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The delivery plan for one host.

    Attributes:
      addresses: in the order of delivery.
      policies: its TLS policies (``dane sts``), or ``opportunistic``.
      demand: the demands on its TLS, a sentence.
      tlsa: usable TLSA records, as in zone files. tlsa_name: their owner name. tlsa_problem: the error of their
        look-up.
      refusal: why no message would be sent to it, "" if it would.
      pause: why it is paused now, "" if it is not.
      met: the connection to it, with ``--connect``; None if there was none.
    """

    name: str
    addresses: tuple[str, ...] = ()
    policies: str = ""
    demand: str = ""
    tlsa: tuple[str, ...] = ()
    tlsa_name: str = ""
    tlsa_problem: str = ""
    refusal: str = ""
    pause: str = ""
    met: Met | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer.

    Attributes:
      sender, account: the sender and account whose routes apply; "" for the global routes.
      course: nowhere, loopback, relay, local or direct. transport: its name, "" for none.
      way: the course in words.
      suppressed: why the account sends nothing to the address, "" if it does.
      stopped: why the account sends nothing at all (SMTP-170), "" if it does.
      error: why no host can be found, or why the message would wait. permanent: the message would fail for good.
      dnssec: DNSSEC authenticates the names of the hosts.
    """

    recipient: str
    sender: str
    account: str
    course: str
    transport: str
    way: str
    suppressed: str = ""
    stopped: str = ""
    waiting: Waiting = Waiting()
    error: str = ""
    permanent: bool = False
    dnssec: bool = False
    mtasts: MTASTS | None = None
    hosts: tuple[HostPlan, ...] = ()


@query(
    "queue list",
    MANAGERS,
    columns=("id", "queued", "account", "sender", "recipient", "attempts", "next_attempt", "why", "next"),
)
class ListMessages(Operation[list[Line]], frozen=True):
    """List queued messages, next due first. This shows up to 100 (--n), with the reason and the next step for each."""

    filter: Filter = Filter()
    page: Page = Page()


@query("queue count", MANAGERS)
class CountMessages(Choose, frozen=True):
    """Count messages matching a filter."""


class Outgoing(msgspec.Struct, frozen=True):
    """Numbers of an account's outgoing messages: `waiting` to be sent, and `held`: on hold, or scheduled for later."""

    waiting: int
    held: int


@query("queue outgoing", MANAGERS)
class CountOutgoing(Operation[Outgoing], frozen=True):
    """Count outgoing messages from account NAME. If you delete the account, waiting messages will still be sent, but
    not messages on hold or scheduled for later.
    """

    account: Annotated[Word, field(metavar="NAME")]


@query("queue attempts", MANAGERS, columns=("start", "seconds", "host", "ip", "tls", "outcome", "meaning", "admin"))
class ListAttempts(Operation[list[Try]], frozen=True):
    """List delivery attempts for message ID. It can be queued or finished. This shows the server, TLS, and response.

    The tls column shows matching policies (dane, sts), `verified` for a smarthost with a valid certificate,
    `opportunistic` for TLS without a policy, or `clear`.
    """

    id: ID


@query("queue explain", Role.COMMAND_LINE | Role.TOKEN)
class Explain(Operation[Explanation], frozen=True):
    """Show how a message to ADDRESS would be sent now. This shows the route, hosts and their addresses in order,
    MTA-STS and DANE, required TLS for each host, and messages queued for the domain.

    By default, this only uses global routes; use --from for others. With --connect, this tries to connect to up to 3
    hosts. Exit code 1 if the message can't be sent now.
    """

    recipient: Annotated[str, field(metavar="ADDRESS")]
    sender: Annotated[str, field("Use this sender's routes and lists.", "--from", metavar="ADDR")] = ""
    connect: Annotated[bool, field("Also connect to the hosts and test STARTTLS, without sending a message.")] = False


@change("queue hold", MANAGERS)
class Hold(Choose, frozen=True):
    """Pause delivery of these messages until you release them."""


@change("queue unhold", MANAGERS)
class Unhold(Choose, frozen=True):
    """Release messages."""


@change("queue fail", MANAGERS)
class Fail(Choose, frozen=True):
    """Stop delivery of these messages. Senders will get a bounce."""


@change("queue drop", OWNER, confirm=True)
class Drop(Choose, frozen=True):
    """Delete messages without sending bounces."""


@change("queue retry", MANAGERS)
class Retry(Choose, frozen=True):
    """Try to deliver these messages now. This includes messages to hosts that are paused, but not messages on hold."""


@change("queue schedule", MANAGERS)
class Schedule(Choose, frozen=True, kw_only=True):
    """Change the time of the next attempt. DURATION delays it, -DURATION moves it up. To try now, use `queue retry`."""

    seconds: Seconds
    from_now: Annotated[bool, field("Count from now instead of the scheduled time.", "--now")] = False


@change("queue transport", MANAGERS)
class SetTransport(Choose, frozen=True, kw_only=True):
    """Send messages with transport NAME. Leave NAME empty to use the routes again."""

    transport: Annotated[Word, field(metavar="NAME")]


@change("queue requiretls", MANAGERS)
class SetRequireTLS(Choose, frozen=True, kw_only=True):
    """Set how messages use TLS. They require verified TLS, ignore all policies, or use the default."""

    require_tls: Literal["yes", "no", "default"]


@query("queue dump", Role.COMMAND_LINE, octets=True)
class Dump(Operation[None], frozen=True):
    """Print message ID as it will be sent. Special characters are escaped on a terminal."""

    id: ID


@query("queue header", Role.ADMIN)
class ReadHeader(Operation[str], frozen=True):
    """Show the header of a queued message."""

    id: ID


@query(
    "queue retired list",
    MANAGERS,
    columns=("id", "last_activity", "account", "sender", "recipient", "attempts", "success", "error"),
)
class ListRetired(Operation[list[Line]], frozen=True):
    """List finished messages, newest first."""

    filter: RetiredFilter = RetiredFilter()
    page: RetiredPage = RetiredPage()


@query("queue retired print", Role.COMMAND_LINE)
class PrintRetired(Operation[msgspec.Raw], frozen=True):
    """Print all details for finished message ID as JSON."""

    id: ID


# Hold rules, and accounts that the guard has stopped (SMTP-170)


class Rule(msgspec.Struct, frozen=True):
    """A hold rule."""

    id: int
    account: str
    sender: str
    recipient: str


class SentFrom(msgspec.Struct, frozen=True):
    """A network that an account has sent from in the last day: the latest address, times of the first and last message
    (RFC 3339), number of messages.
    """

    address: str
    first: str
    last: str
    messages: int


class StoppedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that the guard has stopped, or that was just released; times in RFC 3339, UTC. `sign`: failures,
    networks or recipients; `why`: for people. Held mail: numbers of `messages`, `recipients` and `domains`; `oldest`:
    when the oldest message was queued, "" for no messages.
    """

    account: str
    since: str
    sign: str
    why: str
    messages: int
    recipients: int
    domains: int
    oldest: str
    sources: list[SentFrom]


@query("queue holdrules list", MANAGERS, columns=("id", "account", "sender", "recipient"))
class ListHoldRules(Operation[list[Rule]], frozen=True):
    """List all rules. An empty field matches everything."""


@change(
    "queue holdrules add",
    MANAGERS,
    done="holding all new messages{account: of account |}{account}{sender: from |}{sender}{recipient: to |}{recipient}",
)
class AddHoldRule(Operation[Changed], frozen=True):
    """Hold matching messages, now and in the future. If you don't specify options, hold all messages."""

    account: Annotated[Word, field("Only messages for this account.")] = ""
    sender: Annotated[Word, field("Only from this address or @domain.", metavar="ADDR")] = ""
    recipient: Annotated[Word, field("Only to this address or @domain.", metavar="ADDR")] = ""


@change(
    "queue holdrules remove",
    MANAGERS,
    done="deleted rule {id}. To release messages on hold, run: moxlite queue unhold",
)
class RemoveHoldRule(Operation[None], frozen=True):
    """Delete rule ID. Messages on hold aren't released."""

    id: ID


@query("queue guard list", MANAGERS, columns=("account", "since", "why", "messages", "recipients", "oldest"))
class ListStopped(Operation[list[StoppedAccount]], frozen=True):
    """List accounts with paused sending. This includes times, reasons, and messages on hold. To include sending
    servers, use --json.
    """


@change("queue guard release", MANAGERS)
class Release(Operation[StoppedAccount], frozen=True):
    """Allow ACCOUNT to send again. This releases messages held by the guard.

    To see them first: `moxlite queue list --account ACCOUNT --hold true`. To delete them: `moxlite queue drop` with the
    same options. Messages held by a user or a hold rule stay on hold.
    """

    account: Word


# Addresses to which accounts send nothing more


class Suppress(UserOperation[None], frozen=True):
    """An account, and an address."""

    address: Word


class Suppressed(msgspec.Struct, frozen=True, kw_only=True):
    """An address to which an account sends nothing more; times in RFC 3339, UTC, empty for never."""

    account: str
    address: str
    base: str
    manual: bool
    reason: str
    created: str
    expires: str = ""


@query(
    "queue suppress list",
    MANAGERS | Role.USER,
    columns=("account", "address", "manual", "created", "expires", "reason"),
)
class ListSuppressions(UserOperation[list[Suppressed]], frozen=True):
    """List suppressed addresses, with reasons."""

    account: Annotated[Word, field("Only this account.")] = ""
    after_account: Annotated[Word, field("Continue after this account …")] = ""
    after_base: Annotated[Word, field("… with this base address.")] = ""
    n: Annotated[int, field("Maximum number of results.", metavar="N", ge=1, le=10_000)] = 10_000


@change("queue suppress add", MANAGERS | Role.USER, done="account {account} no longer sends to {address}")
class AddSuppression(Suppress, frozen=True):
    """Stop ACCOUNT from sending to ADDRESS. Messages to it will bounce immediately."""

    reason: Annotated[Word, field("Reason, shown in the list.")] = ""


@change("queue suppress remove", MANAGERS | Role.USER, done="account {account} sends to {address} again")
class RemoveSuppression(Suppress, frozen=True):
    """Let ACCOUNT send to ADDRESS again."""


@query(
    "queue suppress lookup",
    Role.COMMAND_LINE | Role.TOKEN,
    columns=("account", "address", "base", "manual", "created", "expires", "reason"),
)
class LookUpSuppression(Operation[list[Suppressed]], frozen=True):
    """Check if ACCOUNT can send to ADDRESS. If not, this shows the suppression."""

    account: Word
    address: Word
