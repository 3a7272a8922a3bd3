"""The result of a script: actions on a message, in order. Performing them does not belong here."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class KeepAction(msgspec.Struct, frozen=True, kw_only=True):
    """Keep the message where it would be without a script. `implicit`: no command asked for it (RFC 5228 §2.10.2)."""

    flags: tuple[str, ...] = ()
    implicit: bool = False


class FileAction(msgspec.Struct, frozen=True, kw_only=True):
    """File the message into a mailbox.

    Attributes:
      flags: IMAP flags and keywords. copy: beside other actions (RFC 3894). create: make the mailbox if it is missing.
    """

    mailbox: str
    flags: tuple[str, ...] = ()
    copy: bool = False
    create: bool = False


class RedirectAction(msgspec.Struct, frozen=True, kw_only=True):
    """Send the message on to an address."""

    address: str
    copy: bool = False


class DiscardAction(msgspec.Struct, frozen=True):
    """Keep nothing, unless another action does."""


class RejectAction(msgspec.Struct, frozen=True, kw_only=True):
    """Refuse the message with a text for its sender. `early`: in the SMTP session (ereject)."""

    text: str
    early: bool = False


class AnswerAction(msgspec.Struct, frozen=True, kw_only=True):
    """Answer the sender once in a time (RFC 5230).

    Attributes:
      text: of the answer; with `mime` a MIME entity with its header.
      subject, sender: "" where the script gives none. addresses: further addresses of the owner.
      handle: answers with the same handle count as one; "" where the script gives none.
      seconds: time until the same sender gets another one; None where the script gives none.
    """

    text: str
    subject: str = ""
    sender: str = ""
    addresses: tuple[str, ...] = ()
    mime: bool = False
    handle: str = ""
    seconds: int | None = None


Action: TypeAlias = KeepAction | FileAction | RedirectAction | DiscardAction | RejectAction | AnswerAction


class Tracked(msgspec.Struct, frozen=True):
    """An id to be remembered by ``duplicate`` tests of later messages, for `seconds` (RFC 7352 §3)."""

    id: bytes
    seconds: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The actions on one message.

    Attributes:
      actions: at least one.
      tracked: to be remembered when the actions are performed.
      error: "" or the error at run time, after which the message is only kept. script, line: where it happened;
        `script` is "" for the one that was run.
    """

    actions: tuple[Action, ...]
    tracked: tuple[Tracked, ...] = ()
    error: str = ""
    script: str = ""
    line: int = 0


def described(action: Action) -> dict[str, object]:
    """An action as JSON tells it: `action` and what applies to it."""
    match action:
        case KeepAction():
            said: dict[str, object] = {"action": "keep", "flags": sorted(action.flags)}
            return {**said, "implicit": True} if action.implicit else said
        case FileAction():
            return {
                "action": "fileinto",
                "mailbox": action.mailbox,
                "flags": sorted(action.flags),
                "copy": action.copy,
                "create": action.create,
            }
        case RedirectAction():
            return {"action": "redirect", "address": action.address, "copy": action.copy}
        case DiscardAction():
            return {"action": "discard"}
        case RejectAction():
            return {"action": "ereject" if action.early else "reject", "text": action.text}
        case AnswerAction():
            return {
                "action": "vacation",
                "text": action.text,
                "subject": action.subject,
                "from": action.sender,
                "addresses": list(action.addresses),
                "handle": action.handle,
                "seconds": action.seconds,
                "mime": action.mime,
            }
