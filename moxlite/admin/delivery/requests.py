"""Arguments and results of the commands for Sieve scripts, vacation and forwarding (see `admin.requests`)."""

from typing import Annotated

import msgspec

from moxlite.operations import Request


class SieveName(Request, frozen=True):
    """``account sieve get``, ``activate`` and ``rm``: a script of an account."""

    account: str
    script: str


class SievePut(Request, frozen=True):
    """``account sieve put``: a script and its text; `activate`: make it the active one."""

    account: str
    script: str
    text: str
    activate: bool = False


class SieveScript(msgspec.Struct, frozen=True):
    """A Sieve script. `size` in octets, `changed` µs UTC."""

    name: str
    size: int
    active: bool
    changed: int


class SieveFailure(msgspec.Struct, frozen=True):
    """A failure of a script on a message, which was kept. `moment`: µs UTC; `line`: 0 for none."""

    moment: int
    script: str
    line: int
    text: str


class SieveScripts(msgspec.Struct, frozen=True):
    """The scripts of an account by name, and their newest failures first."""

    scripts: list[SieveScript]
    failures: list[SieveFailure]


class SortPlace(msgspec.Struct, frozen=True):
    """The message after which a page begins; `received` in µs UTC."""

    received: int
    id: int


class SortFind(Request, frozen=True, kw_only=True):
    """``account sort find``: a page of stored messages, and where the rules of an address, or a script, would put them.
    One of `address` and `script` is "". `after`: None for the first page.
    """

    account: str
    address: str = ""
    script: str = ""
    after: SortPlace | None = None


class SortedMessage(msgspec.Struct, frozen=True):
    """A message that would go to another mailbox."""

    id: int
    mailbox: str


class SortedPage(msgspec.Struct, frozen=True):
    """The answer to `SortFind`: messages of the mailbox `source` that would go elsewhere, the number of those looked
    at, and where the next page begins; None at the end.
    """

    source: str
    moves: list[SortedMessage]
    looked: int
    next: SortPlace | None


class SortMove(Request, frozen=True):
    """``account sort move``: these messages from one mailbox to another."""

    account: str
    ids: Annotated[list[int], msgspec.Meta(max_length=200)]
    source: str
    target: str


class VacationSet(Request, frozen=True, kw_only=True):
    """``account vacation set`` and ``off``: the form of an account; `start` and `end` µs UTC, 0 for no limit."""

    account: str
    enabled: bool
    start: int = 0
    end: int = 0
    subject: str = ""
    text: str = ""
    known_only: bool = False


class VacationAnswer(msgspec.Struct, frozen=True):
    """A sender that got an answer at `sent`, µs UTC."""

    address: str
    sent: int


class VacationInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The vacation form of an account, and the senders that got an answer, the newest first."""

    enabled: bool
    start: int
    end: int
    subject: str
    text: str
    known_only: bool
    answered: list[VacationAnswer]
