"""Text for people in a notice about their mail (QUEUE-102): message, outcome by recipient, advice, reply of the other
server, and times of retries.
"""

from collections.abc import Sequence
from typing import Final

from moxlite.proto.address import Domain
from moxlite.proto.dsn import Action
from moxlite.proto.mime.dates import format_date
from moxlite.queue.bounces.table import Cause
from moxlite.queue.data.rows import Message, Result
from moxlite.queue.data.status import meaning_of

MAX_SHOWN: Final = 50
"""Recipients described in the text; the machine-readable part has all of them."""

SUBJECTS: Final = {
    Action.FAILED: "mail delivery failed",
    Action.DELAYED: "mail delivery delayed",
    Action.DELIVERED: "mail delivered",
    Action.RELAYED: "mail passed on",
}
TO_ONE: Final = {
    Action.FAILED: "Your message to {} could not be delivered. It will not be tried again.",
    Action.DELAYED: "Your message to {} has not been delivered yet. It will be tried again.",
    Action.DELIVERED: "Your message to {} was delivered.",
    Action.RELAYED: "Your message to {} was passed on to a server that does not tell of deliveries.",
}
TO_MANY: Final = {
    Action.FAILED: "Your message could not be delivered to {} recipients. It will not be tried again.",
    Action.DELAYED: "Your message has not been delivered to {} recipients yet. It will be tried again.",
    Action.DELIVERED: "Your message was delivered to {} recipients.",
    Action.RELAYED: "Your message was delivered, or passed on, to {} recipients.",
}


def subject_of(actions: Sequence[Action]) -> str:
    """The subject of a notice about recipients with these outcomes."""
    return SUBJECTS[_common(actions)]


def _common(actions: Sequence[Action]) -> Action:
    """The action that is true of all: RELAYED if one of the recipients was relayed, else their common action."""
    return Action.RELAYED if Action.RELAYED in actions else actions[0]


def notice_text(
    messages: Sequence[Message], actions: Sequence[Action], retries: Sequence[int], hostname: Domain
) -> str:
    """The text of a notice, with CRLF. `retries`: times of the first message's remaining attempts, µs UTC."""
    first, action = messages[0], _common(actions)
    one = len(messages) == 1
    introduction = TO_ONE[action].format(first.recipient_address) if one else TO_MANY[action].format(len(messages))
    lines = [f"This is the mail server {hostname.unicode}.", "", introduction, ""]
    if first.subject:
        lines += [f"Subject: {first.subject}"]
    lines += [f"Queued:  {format_date(first.queued)}"]
    lines += [f"Attempts made: {first.attempts}"] if one else []
    lines += [""]
    for message, what in zip(messages[:MAX_SHOWN], actions, strict=False):
        if not one:
            lines += [f"{message.recipient_address}", ""]
        if message.last_result is not None:
            lines += _arrival(message.last_result, what) if message.last_result.success else _failure(message)
    if len(messages) > MAX_SHOWN:
        lines += [f"{len(messages) - MAX_SHOWN} more recipients are in the second part of this message.", ""]
    if retries:
        lines += ["Next attempts:", "", *[f"    {format_date(when)}" for when in retries], ""]
    return "\r\n".join(lines)


def _arrival(result: Result, action: Action) -> list[str]:
    if action is Action.DELIVERED:
        return ["    It is in the recipient's account on this server.", ""]
    server = f"{result.host} ({result.ip})" if result.ip else result.host
    lines = [f"    {server} has taken it; whether it was delivered from there will not be told."]
    return [*lines, *[f"    {line}" for line in result.reply.split("\n") if line], ""]


def _failure(message: Message) -> list[str]:
    result = message.last_result
    assert result is not None
    found = meaning_of(result)
    lines: list[str] = []
    if found.meaning:
        lines += ["What happened:", "", f"    {found.meaning}", ""]
    if found.advice:
        lines += ["What you can do:", "", f"    {found.advice}", ""]
    if found.admin and found.cause is not Cause.SUPPRESSED:  # the sender has no such command
        lines += ["For the administrator:", "", f"    {found.admin}", ""]
    if result.error:
        lines += ["Error of the last attempt:", "", f"    {result.error}", ""]
    if result.reply:
        server = f"{result.host} ({result.ip})" if result.ip else result.host
        lines += [f"Reply of {server or 'the server'}:", "", *[f"    {line}" for line in result.reply.split("\n")], ""]
    return lines
