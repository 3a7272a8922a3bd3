"""The operations about the Sieve scripts of accounts, their answers while away, and sorting mail that is there already
(IMAP-141, WEBMAIL-130b, WEBMAIL-131).
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from moxlite.operations import USERS, Operation, Role, UserOperation, Word, change, query
from moxlite.store.forms import VacationAnswer, VacationChange, VacationForm


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


@query("account sieve list", Role.COMMAND_LINE)
class SieveList(UserOperation[SieveScripts], frozen=True):
    """List an account's scripts, and their runtime errors."""


@query("account sieve get", USERS)
class SieveGet(UserOperation[str], frozen=True):
    """Return a script's text."""

    script: str


@change(
    "account sieve put",
    USERS,
    confirm=True,
    done="saved script {script} of account {account}"
    "{activate:, and activated it|. To activate it, run: moxlite account sieve activate {account} {script:q}}",
)
class SievePut(UserOperation[None], frozen=True):
    """Save a script. `activate`: also activate it. `old`: expected current text, or null for a new script."""

    script: str
    text: str
    activate: bool = False
    old: str | UnsetType | None = UNSET


@change("account sieve activate", USERS, confirm=True, done="account {account} now uses script {script}")
class SieveActivate(UserOperation[None], frozen=True):
    """Activate a script, or "" to turn off the active script."""

    script: str


@change("account sieve rename", USERS, done="renamed script {script} of account {account} to {new_name}")
class SieveRename(UserOperation[None], frozen=True):
    """Rename a script."""

    script: str
    new_name: str


@change("account sieve rm", USERS, done="deleted script {script} of account {account}")
class SieveRemove(UserOperation[None], frozen=True):
    """Delete a script. You can't delete the active script. `changed`: expected time of its last change (µs UTC), or 0
    for any.
    """

    script: str
    changed: int = 0


# Answers while away


class VacationInfo(VacationForm, frozen=True, kw_only=True):
    """The vacation form of an account, whether answers are sent now, and the senders that got one, the newest first.
    `script`: a Sieve script is active, and its answers come before an answer of the form. `mark`: of the form, for
    `VacationSet`.
    """

    active: bool
    script: bool
    mark: str
    answered: list[VacationAnswer]


@query("account vacation show", USERS)
class VacationShow(UserOperation[VacationInfo], frozen=True):
    """Show account NAME's vacation reply and recent recipients."""


@change("account vacation set", USERS, done="changed the vacation reply of account {account}")
class VacationSet(UserOperation[None], frozen=True):
    """Change an account's vacation reply if it still matches `mark`; "" for any."""

    changed: VacationChange
    mark: Word = ""


# Mail that is there already


class SortPlace(msgspec.Struct, frozen=True):
    """The message after which a page begins; `received` in µs UTC."""

    received: int
    id: int


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


@query("account sort find", Role.COMMAND_LINE)
class SortFind(Operation[SortedPage], frozen=True, kw_only=True):
    """Preview where an address's rules, or a script, would file a page of stored messages. Either `address` or
    `script` must be "". `after`: None for the first page.
    """

    account: str
    address: str = ""
    script: str = ""
    after: SortPlace | None = None


@change("account sort move", Role.COMMAND_LINE)
class SortMove(Operation[int], frozen=True):
    """Move these messages from one mailbox to another. Returns the number of messages moved."""

    account: str
    ids: Annotated[list[int], msgspec.Meta(max_length=200)]
    source: str
    target: str
