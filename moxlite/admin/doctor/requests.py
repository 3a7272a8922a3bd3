"""The operations of the doctor in a running server (ADMIN-70)."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from moxlite.findings import Code, Finding, Grade
from moxlite.operations import OWNER, Operation, Role, change, query
from moxlite.operations.server import HelperState


class QueueState(msgspec.Struct, frozen=True):
    """State of the queue. oldest: seconds that the longest-waiting message has waited, without messages on hold."""

    messages: int
    held: int
    oldest: float = 0.0


class Running(msgspec.Struct, frozen=True):
    """``doctor state``: the running server's report about itself.

    queue: None while no queue runs. last_backup: seconds UTC of the newest scheduled backup, 0 if there was no backup.
    update: a newer version, or "". helpers: the last trials of child processes; none before the first one.
    """

    version: str
    findings: list[Finding] = []
    queue: QueueState | None = None
    last_backup: float = 0.0
    update: str = ""
    helpers: list[HelperState] = []


@query("doctor state", Role.COMMAND_LINE | Role.PAGES)
class ReadState(Operation[Running], frozen=True):
    """The running server's report about itself."""


class Sent(msgspec.Struct):
    """Result of the mail test: the steps done, in words, and findings about the step that failed."""

    steps: list[str] = []
    findings: list[Finding] = []

    def fail(self, grade: Grade, code: Code, text: str, *commands: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(grade=grade, code=code, about="mail", text=text, commands=commands))


@change("doctor mail", OWNER)
class SendMail(Operation[Sent], frozen=True):
    """Deliver a message and read it; with `send_to`, submit another one to that address. Takes up to three minutes."""

    send_to: Annotated[str, Meta(max_length=320)] = ""


class Waiting(msgspec.Struct, frozen=True):
    """A message in the queue: number of attempts, and the last one's error."""

    attempts: int
    error: str


LookUp = Callable[[str], Awaitable[Waiting | None]]
"""Returns the queued message with a Message-ID; None once it has left the queue."""


class NightlyReport(msgspec.Struct, frozen=True):
    """``doctor nightly``: findings that are new and gone since the last night; the channels that took the report, and
    the errors of the others.
    """

    new: list[Finding]
    gone: list[Finding]
    channels: list[str]
    problems: list[str]


@query("doctor weekly", Role.COMMAND_LINE)
class TellWeek(Operation[str], frozen=True):
    """The text of the weekly mail, of the last 7 whole days. Nothing is sent."""


@query("doctor nightly", Role.COMMAND_LINE | Role.PAGES)
class ExamineNow(Operation[NightlyReport], frozen=True):
    """Examine everything now, as each night, and tell what is new."""


# Where mail lands at other providers (ADMIN-70b)

Landing: TypeAlias = Literal["inbox", "junk", "other", "missing", "unsent"]
"""Where a test message was found. other: a tab or label; unsent: it waits in the queue."""


class ProviderDay(msgspec.Struct, frozen=True):
    """A result. at: seconds UTC."""

    at: int
    landing: Landing
    seconds: int


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail to a linked mailbox lands.

    Attributes:
      name: of the link.
      landing, mailbox, seconds: the latest result, and how long the message took.
      since: since when all results are bad, seconds UTC; 0 while the latest is not.
      changed: what had changed by then.
      text: all that in words.
      days: the results of 90 days, oldest first.
    """

    name: str
    address: str
    landing: Landing
    mailbox: str
    seconds: int
    since: int
    changed: str
    text: str
    days: list[ProviderDay]


@query("placement list", Role.COMMAND_LINE | Role.PAGES, columns=("name", "address", "text"))
class ListPlacement(Operation[list[Provider]], frozen=True):
    """Show inbox placement for the postmaster's linked accounts."""


@change("placement test", Role.COMMAND_LINE | Role.PAGES)
class TryPlacement(Operation[list[Provider]], frozen=True):
    """Test where other providers deliver your mail. This sends a message to each of the postmaster's linked accounts,
    up to twice a day.
    """
