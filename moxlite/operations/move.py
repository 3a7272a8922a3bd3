"""The operations on a server that moves here (MOVE-6 to MOVE-10). Where they need the plan, its octets follow as a
stream: it may be larger than a request, and no log must have it.
"""

from typing import Literal, TypeAlias

import msgspec

from moxlite.operations import OWNER, Operation, Role, change, query

MovePhase: TypeAlias = Literal["none", "running", "paused", "stopped", "done", "finished"]

AccountPhase: TypeAlias = Literal["waiting", "running", "done", "failed"]


class AccountMove(msgspec.Struct):
    """An account that moves.

    Attributes:
      step: what is done now, or the mailbox that is copied.
      messages: copied by this run. left: not looked at yet, -1 if unknown.
      problems: the first ones; `problem_count` has all.
    """

    address: str
    account: str
    phase: AccountPhase = "waiting"
    step: str = ""
    messages: int = 0
    left: int = -1
    problems: list[str] = []
    problem_count: int = 0


class MoveState(msgspec.Struct):
    """A move. `rate`: messages per second; `seconds`: estimated time left, -1 if unknown; `problems`: of no account."""

    phase: MovePhase = "none"
    kind: str = ""
    rate: float = 0.0
    seconds: int = -1
    accounts: list[AccountMove] = []
    problems: list[str] = []


@change("move run", Role.COMMAND_LINE, done="migration started")
class RunMove(Operation[None], frozen=True):
    """Run a migration plan in the background."""


@query("move status", OWNER)
class ShowMove(Operation[MoveState], frozen=True):
    """Show migration progress and problems for every account."""


@change("move pause", OWNER, done="migration paused. To continue, run: moxlite move resume")
class PauseMove(Operation[None], frozen=True):
    """Pause the migration until you run `moxlite move resume`. This doesn't delete copied mail."""


@change("move resume", OWNER, done="migration resumed")
class ResumeMove(Operation[None], frozen=True):
    """Resume a paused migration."""


@change("move stop", OWNER, done="migration stopped")
class StopMove(Operation[None], frozen=True):
    """Stop the migration. Copied mail is kept, and you can continue with `moxlite move run`."""


class MailboxCount(msgspec.Struct, frozen=True):
    """A mailbox on both sides.

    Attributes:
      there: messages on the old server; missing: of these, not copied; removed: copied, but no longer here.
      flags: messages with other flags here. compared, differ: messages whose octets were compared, and differ.
      behind: messages whose flags were changed there after they came, and not here yet.
    """

    mailbox: str
    there: int
    missing: int
    removed: int
    flags: int
    compared: int
    differ: int
    behind: int = 0


class PlaceCount(msgspec.Struct, frozen=True):
    """A calendar, an address book or a folder of files: the number of its entries or messages, of those that aren't
    here, and of those that can't be read.
    """

    place: str
    there: int
    missing: int
    unread: int


class AccountCount(msgspec.Struct):
    """An account on both sides.

    Attributes:
      credential: its password, another server's hash, or none.
      opens: whether the password of the plan opens the account; None if that can't be known, as after a log-in with a
        password of which the plan has the hash.
      scripts: that are here with the same text. shares: of mailboxes with others, that are here.
      lost: what is not here. uncounted: why something could not be compared.
    """

    address: str
    account: str
    credential: Literal["own", "hash", "none"] = "none"
    opens: bool | None = None
    mailboxes: list[MailboxCount] = []
    places: list[PlaceCount] = []
    scripts: int = 0
    shares: int = 0
    lost: list[str] = []
    uncounted: list[str] = []


class MoveCount(msgspec.Struct):
    """Both sides of all accounts. `lost`: aliases and domains that are not here."""

    accounts: list[AccountCount] = []
    aliases: int = 0
    lost: list[str] = []


@query("move check", Role.COMMAND_LINE)
class CheckMove(Operation[MoveCount], frozen=True):
    """Compare both servers."""


class MoveLink(msgspec.Struct, frozen=True):
    """A link by which a user chooses a password, and its end in UTC; "" with the reason in `problem`."""

    address: str
    full_name: str
    url: str
    expires: str
    problem: str = ""


@change("move links", Role.COMMAND_LINE)
class MakeMoveLinks(Operation[list[MoveLink]], frozen=True):
    """Create password links for users in a plan who don't have a password."""


@change("move finish", Role.COMMAND_LINE)
class FinishMove(Operation[list[str]], frozen=True):
    """Finish the migration and return the steps left to do on the old server."""
