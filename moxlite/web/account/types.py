"""Results and events of the account app's API (WEB-61, WEB-62, WEB-72, WEB-73).

From these structs `script/gen` writes the JSON Schema, and the TypeScript types and checks. Sizes are octets.
"""

import datetime as dt
from typing import Literal

import msgspec

from moxlite.acceptance.sieve.keeping import SortingNotices
from moxlite.operations import Line, Lines
from moxlite.operations.access import TakenBack
from moxlite.web.factors import QRCode
from moxlite.wording import Remark


class Apps(msgspec.Struct, frozen=True):
    """Paths of the other apps at this address, or addresses where they are elsewhere; "" for one that is not served."""

    webmail: str


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """An address of the account, as in its settings; ``@domain`` for all others of a domain (``catchall``).

    ``mailbox`` gets what none of the ``rules`` matches. ``refused`` is the reply to all mail, "" if mail is taken.
    ``domain_disabled``: the domain takes and sends no mail for now.
    """

    address: str
    catchall: bool
    domain_disabled: bool
    full_name: str
    mailbox: str
    rules: int
    refused: str


class MailingList(msgspec.Struct, frozen=True, kw_only=True):
    """A list that the account is a member of. ``members`` is empty unless ``members_shown``. ``public``: everyone may
    write to it. ``may_send``: members may send with its address.
    """

    address: str
    members_shown: bool
    members: list[str]
    public: bool
    may_send: bool


class MailServer(msgspec.Struct, frozen=True):
    """A server in the settings of a mail program."""

    host: str
    port: int
    security: Literal["tls", "starttls", "plain"]


class Program(msgspec.Struct, frozen=True):
    """Settings of a mail program, the best servers first. ``jmap``: URL of the session, "" if it is not served."""

    username: str
    imap: list[MailServer]
    submission: list[MailServer]
    jmap: str = ""


class OldPattern(msgspec.Struct, frozen=True):
    """A pattern from before patterns had limits (STORE-162). ``address``: whose rules have it, "" for the settings of
    junk mailboxes.
    """

    address: str
    remark: Remark


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The account. A ``storage_limit`` of 0 means no limit. ``app_passwords_required``: mail programs cannot use the
    account's own password. ``sorting``: notices about sorting. ``old_patterns``: patterns of rules and junk mailboxes
    that could not be saved again.
    """

    login_address: str
    account: str
    full_name: str
    storage_used: int
    storage_limit: int
    messages: int
    addresses: list[Address]
    lists: list[MailingList]
    program: Program
    app_passwords_required: bool
    sorting: SortingNotices
    old_patterns: list[OldPattern]


class PasswordState(msgspec.Struct, frozen=True):
    """The account's own password. ``custom``: the user may choose it; else it is generated. ``changed``: time of the
    last change, null without a password.
    """

    custom: bool
    changed: dt.datetime | None
    app_passwords_required: bool


class SessionItem(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is logged in, by the account page or the webmail. ``current``: the browser that asks. ``device``:
    it stays logged in (WEBMAIL-22a). ``remote_ip``: of the log-in, or of the last use of such a device.
    """

    id: int
    app: Literal["webaccount", "webmail"]
    address: str
    remote_ip: str
    user_agent: str
    created: dt.datetime
    last_used: dt.datetime
    expires: dt.datetime
    current: bool
    device: bool


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Equal log-in attempts between ``first`` and ``last``. ``result``: an `AttemptResult`. ``certificate``: of the
    client, which was right. ``after``: place in the list, for the next page.
    """

    protocol: str
    mechanism: str
    remote_ip: str
    result: str
    certificate: bool
    username: str
    user_agent: str
    app_password: str
    first: dt.datetime
    last: dt.datetime
    count: int
    after: str


class Left(msgspec.Struct, frozen=True):
    """A message that was sent, for one recipient; ``state`` is its end, such as ``delivered``."""

    recipient: str
    state: str
    ended: dt.datetime


class RuleLabel(msgspec.Struct, frozen=True):
    """A label of the webmail: the keyword that rules give, and its name."""

    keyword: str
    name: str


class TriedMessage(msgspec.Struct, frozen=True):
    """A message of a dry run, and the index of the rule that would take it, null for none."""

    id: int
    sender: str
    subject: str
    received: dt.datetime
    rule: int | None


class TriedRules(msgspec.Struct, frozen=True):
    """A dry run: the latest messages. ``complete`` is false if the time was not enough for all."""

    messages: list[TriedMessage]
    complete: bool


class Taught(msgspec.Struct, frozen=True):
    """Numbers of messages that were marked as wanted and as junk."""

    wanted: int
    junk: int


class Training(msgspec.Struct, frozen=True):
    """Progress of learning all messages again, in messages."""

    running: bool
    done: int
    total: int


class OutgoingForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`OutgoingWebhook` of domains.toml."""

    url: Line
    authorization: Line
    events: Lines
    secret: Line


class IncomingForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`IncomingWebhook` of domains.toml."""

    url: Line
    authorization: Line
    secret: Line


class SendingForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys of `Account` about webhooks and sent mail. Without a URL there is no webhook."""

    outgoing_webhook: OutgoingForm
    incoming_webhook: IncomingForm
    from_id_login_addresses: Lines
    keep_retired_message_period: Line
    keep_retired_webhook_period: Line


class Sending(msgspec.Struct, frozen=True):
    """Settings about sent mail, and the events that a webhook may choose."""

    form: SendingForm
    events: list[str]


class HookTest(msgspec.Struct, frozen=True):
    """The answer to a test call: HTTP status, 0 without an answer; the seconds that it took; the error, "" for a
    success; the first 512 octets of the answer as text.
    """

    status: int
    seconds: float
    error: str
    response: str


class DeviceLink(msgspec.Struct, frozen=True):
    """A one-time link for a device, and its QR code."""

    url: str
    qr: QRCode


class DeviceState(msgspec.Struct, frozen=True):
    """How far the device with the link is, and its address and browser once it has asked. ``gone``: the ten minutes are
    over, or there was no link.
    """

    state: Literal["waiting", "asking", "issuing", "ready", "refused", "gone"]
    remote_ip: str
    user_agent: str


class DeviceLook(msgspec.Struct, frozen=True):
    """The settings for the device. ``password`` is "" until the user has said yes (``ready``), and so is ``davx5``: the
    link by which DAVx5 takes over calendars and contacts with it; "" also without these.
    """

    state: Literal["waiting", "asking", "issuing", "ready", "refused"]
    password: str
    program: Program
    davx5: str


class Secured(msgspec.Struct, frozen=True, kw_only=True):
    """The result of "this wasn't me": the new password, the numbers of ended sessions and app passwords, and of
    messages now on hold; mail that was sent within the last day; all else that was taken back, None if nothing was to
    be. ``queue`` is false while the queue is out of service.
    """

    password: str
    sessions: int
    app_passwords: int
    queue: bool
    held: int
    left: list[Left]
    taken: TakenBack | None


class Mailbox(msgspec.Struct, frozen=True):
    """A mailbox: its name, number of messages and their size in octets."""

    name: str
    total: int
    size: int
