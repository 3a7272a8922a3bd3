"""Failures of commands, and the one place that translates errors of the store into responses (IMAP-153)."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from moxlite.proto.imap.responses import Code
from moxlite.store import errors as store
from moxlite.store.forms import BadForm

logger = logging.getLogger("moxlite.imapd")


class Refused(Exception):
    """The command ends with a tagged NO or BAD."""

    def __init__(self, condition: Literal["NO", "BAD"], text: str, code: Code | None = None) -> None:
        super().__init__(text)
        self.condition = condition
        self.text = text
        self.code = code


class Disconnect(Exception):
    """The session ends with ``* BYE [code] text``."""

    def __init__(self, text: str, code: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = Code(code) if code else None


def no(text: str, code: str | None = None, argument: bytes = b"") -> Refused:
    """An exception for ``NO [code argument] text``."""
    return Refused("NO", text, Code(code, argument) if code else None)


def bad(text: str, code: str | None = None) -> Refused:
    """An exception for ``BAD [code] text``."""
    return Refused("BAD", text, Code(code) if code else None)


# RFC 9051 §7.1 and RFC 5530 §3 name the codes. A subclass comes before its base.
_TABLE: Final[Mapping[type[store.StoreError], Callable[[Any], Refused]]] = {
    store.OverQuota: lambda e: no("over quota", "OVERQUOTA"),
    store.StorageFull: lambda e: no("the disk is full; no changes made", "UNAVAILABLE"),
    store.NoLease: lambda e: no("the server can't accept changes right now; try again later", "UNAVAILABLE"),
    store.StorageBusy: lambda e: no("the server is out of resources; try again in a moment", "UNAVAILABLE"),
    store.StorageBroken: lambda e: no("the mailbox file isn't available right now", "UNAVAILABLE"),
    store.ReadInterrupted: lambda e: no("reading timed out; try again", "UNAVAILABLE"),
    store.Closed: lambda e: no("the account is closing; try again", "UNAVAILABLE"),
    store.ChunkDamaged: lambda e: no("stored message is damaged", "CORRUPTION"),
    store.UidsExhausted: lambda e: no("the mailbox has run out of UIDs", "LIMIT"),
    store.LimitExceeded: lambda e: no(str(e), "LIMIT"),
    store.NoSuchMailbox: lambda e: no("no such mailbox", "NONEXISTENT"),
    store.NoRight: lambda e: no(str(e), "NOPERM"),
    store.MailboxExists: lambda e: no("mailbox already exists", "ALREADYEXISTS"),
    store.MailboxHasChildren: lambda e: no("the mailbox has submailboxes", "HASCHILDREN"),
    store.BadMailboxName: lambda e: no(f"mailbox name not allowed: {e}", "CANNOT"),
    store.MailboxNotAllowed: lambda e: no(str(e), "CANNOT"),
    BadForm: lambda e: no(str(e), "CANNOT"),
    store.BadKeyword: lambda e: Refused("BAD", f"keyword not allowed: {e}"),
    store.BadMessage: lambda e: no(str(e)),
    store.NoSuchMessage: lambda e: no("the message no longer exists", "EXPUNGEISSUED"),
    store.AccountUnknown: lambda e: no("the account was deleted", "UNAVAILABLE"),
    store.AccountRemoved: lambda e: no("the account is being deleted", "UNAVAILABLE"),
    store.LoginDisabled: lambda e: Refused("NO", e.text),
}


def refusal(error: store.StoreError) -> Refused:
    """The response for an error of the store; damage is logged."""
    if isinstance(error, store.ChunkDamaged | store.StorageBroken):
        logger.error("storage error during command", extra={"kv": {"err": error}})
    for kind, response in _TABLE.items():
        if isinstance(error, kind):
            return response(error)
    logger.error("unhandled store error", exc_info=error)
    return no("server error", "SERVERBUG")
