"""HTTP answers to errors of the store (WEB-55, STORE-158a): one table, for calls and for pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from moxlite.acceptance.sieve.keeping import BadScriptName
from moxlite.admin.factors import LinkUsed
from moxlite.store import errors as store
from moxlite.store.auth.apppasswords import AppPasswordRefused
from moxlite.store.auth.factors import FactorRefused
from moxlite.store.content.uploads import NoSuchUpload
from moxlite.store.delivery.outgoing import NotHeld, OutgoingLimitExceeded
from moxlite.store.delivery.scripts import NoSuchScript, ScriptActive, ScriptExists, TooManyScripts
from moxlite.store.delivery.submission import SendingStopped
from moxlite.store.forms import BadForm, FormChanged
from moxlite.store.groupware.contacts import ContactChanged
from moxlite.store.groupware.groups import GroupExists
from moxlite.store.mail.links import LinkRefused, NoSuchLink
from moxlite.store.mail.masked import MaskedRefused, NoSuchMasked
from moxlite.store.people.templates import NoSuchTemplate, TemplateChanged, TemplateNameTaken
from moxlite.web.errors import (
    APIError,
    Conflict,
    FieldError,
    FieldErrors,
    Gone,
    NotAllowed,
    NotFound,
    ServerFailed,
    StorageRefused,
    Unavailable,
    UserError,
)
from moxlite.web.http.errors import HTTPError
from moxlite.wording import reason_of, sentence, worded

RETRY_AFTER: Final = ("retry-after", "60")
"""Header field with seconds: the shorter window of the limits (WEBMAIL-17), and enough time to repair a disk."""

BUSY_RETRY_AFTER: Final = ("retry-after", "5")
"""Header field with seconds until file descriptors and memory are likely to be free again."""

LEASE: Final = "your mail is read-only right now; try again in a minute"

DAMAGED: Final = "this account's storage isn't working properly"

UNITS: Final = ("octets", "KiB", "MiB", "GiB", "TiB")
"""Units of the sizes in error messages, each 1,024 times the one before."""


def _full(error: store.OverQuota) -> str:
    """The error message with both sizes in the unit of the limit (WEBMAIL-117)."""
    power = min(max(error.limit.bit_length() - 1, 0) // 10, len(UNITS) - 1)
    used, limit = (f"{size / 1024**power:.{1 if power else 0}f}" for size in (error.used, error.limit))
    return worded("not enough space: {used} of {limit} {unit} used", used=used, limit=limit, unit=UNITS[power])


_TAKE: Final = worded("you don't have permission to move messages out of this folder")
_RIGHTS: Final = {
    "s": worded("you don't have permission to mark messages as read or unread in this folder"),
    "w": worded("you don't have permission to change flags or labels in this folder"),
    "i": worded("you don't have permission to add messages to this folder"),
    "t": _TAKE,
    "e": _TAKE,
}
"""Errors for actions that need a right (RFC 4314 §2.1)."""


def _missing(error: store.NoRight) -> str:
    return _RIGHTS.get(error.right, worded("you don't have permission to do this in this folder"))


def _at_field(error: BadForm | LinkRefused | MaskedRefused) -> APIError:
    return FieldErrors([FieldError(error.field, reason_of(error))], reason_of(error))


_TABLE: Final[Mapping[type[store.StoreError], Callable[[Any], APIError]]] = {
    FactorRefused: lambda e: UserError(reason_of(e)),
    LinkUsed: lambda e: Gone(reason_of(e)),
    AppPasswordRefused: lambda e: UserError(reason_of(e)),
    store.BadPassword: lambda e: UserError(reason_of(e)),
    store.NoSuchMessage: lambda e: NotFound(reason_of(e)),
    store.NoSuchMailbox: lambda e: NotFound(reason_of(e)),
    NoSuchUpload: lambda e: UserError(worded("attachments: {reason}", reason=e)),
    NotHeld: lambda e: Conflict(reason_of(e)),
    OutgoingLimitExceeded: lambda e: UserError(reason_of(e)),
    SendingStopped: lambda e: UserError(reason_of(e)),
    NoSuchScript: lambda e: NotFound(reason_of(e)),
    ContactChanged: lambda e: Conflict(reason_of(e)),
    GroupExists: lambda e: Conflict(reason_of(e)),
    LinkRefused: lambda e: (
        FieldErrors([FieldError(e.field, reason_of(e))], reason_of(e)) if e.field else UserError(reason_of(e))
    ),
    NoSuchLink: lambda e: NotFound(reason_of(e)),
    MaskedRefused: lambda e: _at_field(e),
    NoSuchMasked: lambda e: NotFound(reason_of(e)),
    NoSuchTemplate: lambda e: NotFound(reason_of(e)),
    TemplateChanged: lambda e: Conflict(reason_of(e)),
    TemplateNameTaken: lambda e: Conflict(reason_of(e)),
    ScriptExists: lambda e: Conflict(reason_of(e)),
    ScriptActive: lambda e: Conflict(reason_of(e)),
    TooManyScripts: lambda e: UserError(reason_of(e)),
    BadScriptName: lambda e: UserError(reason_of(e)),
    BadForm: lambda e: _at_field(e),
    FormChanged: lambda e: Conflict(reason_of(e)),
    store.AccountUnknown: lambda e: NotFound(reason_of(e)),
    store.AccountRemoved: lambda e: NotFound(reason_of(e)),
    store.LoginDisabled: lambda e: NotAllowed(e.text),
    store.NoRight: lambda e: NotAllowed(_missing(e)),
    store.MailboxExists: lambda e: Conflict(reason_of(e)),
    store.MailboxHasChildren: lambda e: Conflict(reason_of(e)),
    store.BadMailboxName: lambda e: UserError(reason_of(e)),
    store.BadKeyword: lambda e: UserError(reason_of(e)),
    store.MailboxNotAllowed: lambda e: UserError(reason_of(e)),
    store.LimitExceeded: lambda e: UserError(reason_of(e)),
    store.OverQuota: lambda e: StorageRefused(_full(e)),
    store.StorageFull: lambda e: StorageRefused("the server's disk is full"),
    store.NoLease: lambda e: Unavailable(LEASE, BUSY_RETRY_AFTER),
    store.StorageBusy: lambda e: Unavailable("the server is busy; try again in a moment", BUSY_RETRY_AFTER),
    store.StorageBroken: lambda e: Unavailable(DAMAGED, RETRY_AFTER),
    store.Closed: lambda e: Unavailable(DAMAGED, BUSY_RETRY_AFTER),
    store.ReadInterrupted: lambda e: Unavailable("reading timed out; try again", BUSY_RETRY_AFTER),
    store.ChunkDamaged: lambda e: ServerFailed(DAMAGED),
}
"""Answers by class of error. The first matching class counts, so a subclass comes before its base class."""


def api_error(error: store.StoreError) -> APIError | None:
    """The answer of a call. None for an error that no caller can cause: a bug."""
    for kind, answer in _TABLE.items():
        if isinstance(error, kind):
            return answer(error)
    return None


def page_error(error: store.StoreError) -> HTTPError | None:
    """The answer to a request that is not an API call; None as for `api_error`."""
    answer = api_error(error)
    if answer is None:
        return None
    return HTTPError(answer.status, sentence(answer.text), answer.headers, words=answer.text)
