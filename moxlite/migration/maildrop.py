"""Mail of a linked server that has POP3 alone, fetched into the link's Inbox (LINK-18).

Theory of operation
-------------------
Each look is a session: the ids of all messages there are compared with ``pop3_seen``, and those without a row are
fetched. The row is written with the message, in one unit, so a look that was cut off is repeated without harm. A
message is removed there only by its row, days after that unit. Rows stay: a server that lists a message again after its
removal does not bring it back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Final

from moxlite.acceptance.linked import LinkSorter, deliver_linked
from moxlite.migration.linkstate import LinkState, Phase
from moxlite.net.imapclient.transport import BrokenServer, Refused
from moxlite.net.pop3client import MaildropEntry, POP3Client
from moxlite.operations.copies import Event, MailboxStep, Note
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import FileInto
from moxlite.store.delivery.perform import DeliveryResult
from moxlite.store.errors import BadMessage, LimitExceeded
from moxlite.store.imports.items import MAX_MEMBER
from moxlite.store.mail.links import FIRST_LOOK, MAX_SEEN, Link, add_seen, seen_before, seen_ids
from moxlite.store.names import INBOX, SEPARATOR
from moxlite.store.options import DAY
from moxlite.wording import worded

POLL: Final = 300.0
"""Seconds between two looks: some providers refuse log-ins that come sooner."""

REMOVED: Final = 200
"""Messages removed there in one look: a session that is lost has removed none, so it should not be long."""


class Maildrop:
    """The mailbox of a linked server with POP3, as `Mirror` for IMAP.

    Args:
      tell: hears how far the look is, and of messages that are left out.
      tmp: folder for messages.
      sorter: decides about new mail (LINK-31).
    """

    def __init__(
        self,
        account: Account,
        link: Link,
        *,
        state: LinkState,
        entered: Callable[[Phase], None],
        tell: Callable[[Event], Awaitable[None]],
        tmp: Path,
        sorter: LinkSorter | None = None,
    ) -> None:
        self._account = account
        self._link = link
        self._state = state
        self._entered = entered
        self._tell = tell
        self._tmp = tmp
        self._sorter = sorter
        self._name = f"{link.name}{SEPARATOR}{INBOX}"

    async def look(self, client: POP3Client, now: int) -> None:
        """Fetch what is new, and remove what has been here long enough; `now`: µs UTC. Raises IMAPClientError,
        StoreError, OSError.
        """
        listed = await client.list()
        known = await self._account.scan(lambda r: seen_ids(r, self._link.id), op="link")
        # An id twice in the list would be fetched twice, and the second one refused by its row.
        new = list({one.uidl: one for one in listed if one.uidl not in known}.values())
        if len(known) + len(new) > MAX_SEEN:
            raise BrokenServer(worded("the server has listed more than {n} messages", n=MAX_SEEN))
        if new and self._state.phase != "copying":
            self._entered("copying")
        # The mail of years must not be sorted by today's rules, nor be answered by a script: not by the looks either
        # that go on with a first one whose connection broke.
        sorter = self._sorter if FIRST_LOOK in known else None
        for done, one in enumerate(new):
            self._account.check_space()
            await self._tell(MailboxStep(INBOX, done, len(new)))
            await self._fetch(client, one, sorter)
        if FIRST_LOOK not in known:
            await self._account.write(lambda tx: add_seen(tx, self._link.id, FIRST_LOOK, kept=False))
        await self._remove(client, listed, now)
        self._entered("current")

    async def _fetch(self, client: POP3Client, one: MaildropEntry, sorter: LinkSorter | None) -> None:
        with Spool(self._tmp) as spool:
            try:
                # Twice: the dots that are doubled on the way (RFC 1939 §3), and what is read ahead.
                async with aclosing(client.retrieve(one.number, 2 * MAX_MEMBER)) as pieces:
                    async for piece in pieces:
                        if spool.size + len(piece) > MAX_MEMBER:
                            raise _TooLarge(worded("the message is larger than {n} bytes", n=MAX_MEMBER))
                        await spool.write(piece)
                await spool.finish()
                ready = await prepare(spool)
                files = FileInto(mailbox=self._name)
                fetched = partial(_fetched, link_id=self._link.id, uidl=one.uidl)
                await deliver_linked(self._account, ready, files, sorter, fetched)
            except (Refused, BadMessage, LimitExceeded, _TooLarge) as error:
                place = worded("{mailbox}, message with UID {uid}", mailbox=INBOX, uid=one.uidl)
                await self._tell(Note(worded("skipped {place}: {reason}", place=place, reason=error)))
                if not isinstance(error, Refused):  # else it may be had the next time
                    await self._account.write(lambda tx: add_seen(tx, self._link.id, one.uidl, kept=False))
                if isinstance(error, _TooLarge):
                    raise

    async def _remove(self, client: POP3Client, listed: Sequence[MaildropEntry], now: int) -> None:
        days = self._link.keep_days
        if days is None:
            return
        # By the time at which it came here: nothing is removed there that this account has not had for so long.
        old = await self._account.scan(lambda r: seen_before(r, self._link.id, now - days * DAY), op="link")
        for one in [one for one in listed if one.uidl in old][:REMOVED]:
            await client.delete(one.number)


class _TooLarge(BrokenServer):
    """A message is too large. Its rest cannot be passed over, so the next connection goes on with the next message."""


def _fetched(tx: AccountTx, performed: DeliveryResult, *, link_id: int, uidl: str) -> None:
    """Write the row of a message in the unit of its delivery, so that it is delivered and sorted once."""
    del performed
    add_seen(tx, link_id, uidl, kept=True)
