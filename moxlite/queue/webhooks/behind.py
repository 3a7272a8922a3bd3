"""Notice to the owner of a web server that is too far behind with its calls (QUEUE-90)."""

from functools import partial
from typing import Final

from moxlite.admin.notices import notify_account
from moxlite.proto.address import Address
from moxlite.queue.context import Context
from moxlite.queue.webhooks.keeping import MAX_HOOKS, MAX_OCTETS, is_behind
from moxlite.store.errors import AccountRemoved, AccountUnknown
from moxlite.store.file.database import Database

__all__ = ["tell_if_behind"]

SUBJECT: Final = "your web server does not take the calls about your mail"
TEXT: Final = f"""\
Your web server gets a call about each event of your mail: outgoing_webhook and incoming_webhook in your settings.
It has not answered for some time. {MAX_HOOKS} calls or {MAX_OCTETS >> 20} MiB wait, and no more are kept: newer events
are listed as failed, "receiver too far behind", and are not told to it.

Your mail itself is not affected. When your web server answers again, the calls that wait are made.
The administrator sees them with: moxlite queue webhook list, moxlite queue webhook retired list
"""


async def tell_if_behind(ctx: Context, database: Database, account: str) -> None:
    """Store a notice in the account's Inbox if no more calls are kept for it; once in 7 days. Raises StoreError."""
    if not await database.read(partial(is_behind, account=account), op="webhook room"):
        return
    snapshot = ctx.config.current
    settings = snapshot.account(account)
    own = next((one for one in settings.destinations if not one.startswith("@")), None) if settings else None
    if own is None:
        return
    once = f"webhooks behind {account}"
    try:
        await notify_account(ctx.accounts, snapshot, account, Address.parse(own), SUBJECT, TEXT, once=once)
    except (AccountUnknown, AccountRemoved):
        return
