"""SMTP replies for errors of the store, also for use in notices."""

from __future__ import annotations

from typing import Final

from moxlite.proto.smtp.replies import OwnFault, Response
from moxlite.store.delivery.outgoing import OutgoingLimitExceeded
from moxlite.store.delivery.submission import FromIDTaken, QueueFull, SendingStopped
from moxlite.store.errors import (
    AccountRemoved,
    AccountUnknown,
    LimitExceeded,
    NoLease,
    OverQuota,
    StorageBroken,
    StorageBusy,
    StorageFull,
    StoreError,
)

BUSY: Final = OwnFault(451, "4.3.0", ("the server is busy; try again in a moment",))
INTERNAL: Final = OwnFault(451, "4.3.0", ("server error; try again later",))
STORAGE_FULL: Final = OwnFault(452, "4.3.1", ("out of storage space; try again later",))
UNKNOWN_USER: Final = Response(550, "5.1.1", ("no such user",))

# The first class that fits counts. Texts name no account, mailbox or file.
STORE_ERRORS: Final[tuple[tuple[type[StoreError], Response], ...]] = (
    (OverQuota, Response(452, "4.2.2", ("mailbox full",))),
    (StorageFull, STORAGE_FULL),
    (NoLease, OwnFault(451, "4.3.2", ("the server can't accept changes right now; try again later",))),
    (StorageBusy, BUSY),
    (StorageBroken, INTERNAL),
    (QueueFull, Response(452, "4.3.1", ("you have too many messages in the queue",))),
    (FromIDTaken, Response(554, "5.1.7", ("this sender ID was already used",))),
    (LimitExceeded, Response(452, "4.2.2", ("mailbox full",))),
    (AccountUnknown, UNKNOWN_USER),
    (AccountRemoved, UNKNOWN_USER),
    (StoreError, INTERNAL),
)


def store_reply(error: StoreError) -> Response:
    """The reply for an error of the store."""
    if isinstance(error, OutgoingLimitExceeded | SendingStopped):
        # names the limit and its setting (SMTP-116), or says what to do (SMTP-170)
        return Response.of(451, "4.7.1", str(error))
    return next(response for kind, response in STORE_ERRORS if isinstance(error, kind))
