"""What all views and streams of one user share (WEBMAIL-34)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    import trio

    from moxlite.compose.reply import Own
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.live.changes import SharedChanges
    from moxlite.web.webmail.reading.views import Views


class Facts(msgspec.Struct, frozen=True):
    """Values of the stream's first event, besides the mailboxes."""

    login_address: str
    addresses: list[str]
    rejects_mailbox: str
    introbox: str
    account_path: str
    version: str
    capabilities: list[str]


class Context(msgspec.Struct, frozen=True, eq=False):
    """The account of a stream and what is shared with other streams.

    `shared` are the account's changes, encoded once. `searching` limits the account's searches that work at the same
    time. `views` is shared by all accounts. `own`: the user's addresses in the configuration of this moment.
    """

    account: str
    home: Holder
    facts: Facts
    shared: SharedChanges
    searching: trio.CapacityLimiter
    views: Views
    own: Callable[[], Own]
