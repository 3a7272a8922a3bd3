"""Results and forms of the account app's calls about mail from other servers, shares, answers while away, and scripts
(WEB-158, WEB-159, IMAP-157, WEBMAIL-131).
"""

import datetime as dt
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from moxlite.operations.access import DelegateInfo, ShareInfo
from moxlite.operations.masked import GivenAddress
from moxlite.wording import Remark

Security: TypeAlias = Literal["implicit", "starttls", "none"]
Host = Annotated[str, Meta(max_length=255)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Secret = Annotated[str, Meta(max_length=1000)]
Line = Annotated[str, Meta(max_length=1000)]
Text = Annotated[str, Meta(max_length=1 << 16)]


class ServerForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another IMAP server and the user there; a port of 0 is the usual one. ``prefix``: mailbox below which all
    mailboxes are put, "" for the top. ``since``: messages received before that day (UTC) are left out.
    """

    host: Host
    port: Port
    tls: Security
    user: Line
    password: Secret
    prefix: Line
    since: dt.datetime | None


class PlannedMailbox(msgspec.Struct, frozen=True):
    """A mailbox of the other server, the mailbox here that it is copied to, its messages, and the new ones of these."""

    source: str
    target: str
    messages: int
    new: int


class KnownServer(msgspec.Struct, frozen=True):
    """A user of another server whose mail was imported before."""

    host: str
    user: str


class Copying(msgspec.Struct, frozen=True, kw_only=True):
    """The latest import from another server. ``none``: no import is running, and none ended within a day.

    ``looking`` reads the mailboxes of the server into ``plan``, and ``looked`` waits for the user. ``mailbox`` is
    copied now, ``done`` of ``total`` messages; ``left`` of ``all`` messages of all mailboxes are not looked at yet, -1
    if unknown; ``seconds`` is the estimated time left, -1 if unknown. ``messages`` were copied, ``flags`` carried over.
    ``problems`` are the first of ``problem_count`` texts about what is left out. ``insecure``: this server may be asked
    for connections without TLS, and within its own network.
    """

    phase: Literal["none", "looking", "looked", "running", "paused", "done", "failed", "aborted"]
    host: str
    port: int
    tls: Security
    user: str
    plan: list[PlannedMailbox]
    mailbox: str
    done: int
    total: int
    all: int
    left: int
    seconds: int
    messages: int
    flags: int
    note: Remark
    problems: list[Remark]
    problem_count: int
    error: Remark
    known: list[KnownServer]
    insecure: bool


class Received(msgspec.Struct, frozen=True):
    """A mailbox of the account `owner`, and the own rights there."""

    owner: str
    mailbox: str
    rights: str


class Shares(msgspec.Struct, frozen=True):
    """Mailboxes shared with others, and mailboxes that others share. ``mailboxes``: names of the own ones.
    ``senders``: who may write from the own addresses.
    """

    given: list[ShareInfo]
    received: list[Received]
    mailboxes: list[str]
    senders: list[DelegateInfo]


class Script(msgspec.Struct, frozen=True):
    """A Sieve script; its size in octets. ``changed``: µs UTC of its last change."""

    name: str
    size: int
    active: bool
    changed: int


class ScriptFailure(msgspec.Struct, frozen=True):
    """An error when a script ran, after which the message was kept. ``line`` is 0 if unknown."""

    moment: dt.datetime
    script: str
    line: int
    text: Remark


class Scripts(msgspec.Struct, frozen=True):
    """All scripts, errors when they ran, the newest first, and the extensions that scripts may use."""

    scripts: list[Script]
    failures: list[ScriptFailure]
    extensions: list[str]


class ScriptFault(msgspec.Struct, frozen=True):
    """A fault in a script; line and column count from 1."""

    line: int
    column: int
    text: str


class LeftOutRule(msgspec.Struct, frozen=True):
    """A rule, by its index, that a script cannot express, and why."""

    rule: int
    reason: str


class RulesAsSieve(msgspec.Struct, frozen=True):
    """A Sieve script that files as the rules do, and the rules that are left out of it."""

    script: str
    left_out: list[LeftOutRule]


class GivenPage(msgspec.Struct, frozen=True):
    """Some of the addresses to give away, the number of all that were asked for, and the domains of new ones."""

    items: list[GivenAddress]
    total: int
    domains: list[str]
