"""Arguments and results of ``moxlite doctor`` through the control socket."""

from collections.abc import Awaitable, Callable

import msgspec

from moxlite.admin.doctor.findings import Code, Finding, Grade
from moxlite.admin.requests import Request

__all__ = ["Blocked", "LookUp", "QueueState", "Running", "SendMail", "Sent", "Told", "Waiting"]


class Blocked(msgspec.Struct, frozen=True):
    """A block of the server's address: who blocks, in a sentence, and what to do; since when, seconds UTC; how often a
    message was refused for it; the host and the reply of the last time.
    """

    meaning: str
    todo: str
    since: float
    times: int
    host: str
    reply: str


class StoppedSender(msgspec.Struct, frozen=True):
    """An account that the guard has stopped: since when, seconds UTC; why, a sentence; how many messages are held."""

    account: str
    since: float
    why: str
    messages: int


class QueueState(msgspec.Struct, frozen=True):
    """How the queue is. oldest: seconds for which the message has been waiting that waits longest, without those on
    hold; its last error and recipient, "" where it was not tried.
    """

    messages: int
    held: int
    oldest: float = 0.0
    recipient: str = ""
    error: str = ""
    blocks: list[Blocked] = []
    stopped: list[StoppedSender] = []


class Running(msgspec.Struct, frozen=True):
    """``doctor state``: what the running server says about itself.

    tasks: those that are down, by name, with what is wrong. orders: what is wrong with certificates by ACME. faults:
    all else that keeps it from being well. accounts: those out of service, with the reason. queue: None while there is
    none. last_backup: seconds UTC of the newest scheduled backup, 0 where there is none. update: a newer version, or
    "".
    """

    version: str
    tasks: dict[str, str] = {}
    orders: list[str] = []
    faults: list[str] = []
    accounts: dict[str, str] = {}
    queue: QueueState | None = None
    last_backup: float = 0.0
    update: str = ""


class SendMail(Request, frozen=True):
    """``doctor mail``: a message in and read, and with `send_to` another one out."""

    send_to: str = ""


class Sent(msgspec.Struct):
    """What came of it: steps that were done, in words, and what went wrong."""

    steps: list[str] = []
    findings: list[Finding] = []

    def fail(self, grade: Grade, code: Code, text: str, *commands: str) -> None:
        """Note what went wrong."""
        self.findings.append(Finding(grade=grade, code=code, about="mail", text=text, commands=commands))


class Waiting(msgspec.Struct, frozen=True):
    """A message in the queue: how many attempts there were, and the last one's error."""

    attempts: int
    error: str


LookUp = Callable[[str], Awaitable[Waiting | None]]
"""The message with a Message-ID in the queue; None when it has left it."""


class Told(msgspec.Struct, frozen=True):
    """``doctor nightly``: what has come and what has gone since the last night; which channels took it, and what was
    wrong with the others.
    """

    new: list[Finding]
    gone: list[Finding]
    channels: list[str]
    problems: list[str]
