"""How messages of a linked server come here: few one by one, many as a job (LINK-5); new mail of Inbox is sorted
(LINK-31).
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.acceptance.linked import LinkSorter, deliver_linked
from moxlite.migration.fetching import Feed
from moxlite.migration.names import Place
from moxlite.migration.problems import Transfer
from moxlite.migration.pull import Pull
from moxlite.migration.upstream import ResentMessages
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import PreparedMessage, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import FileInto
from moxlite.store.delivery.perform import DeliveryResult
from moxlite.store.errors import BadMessage, LimitExceeded, NoSuchMailbox, StoreError
from moxlite.store.imports.adding import add_messages
from moxlite.store.imports.items import Mail, Progress
from moxlite.store.mail import remotes
from moxlite.store.rows.mailboxes import mailbox
from moxlite.store.types import MailboxID
from moxlite.wording import worded

PORTION: Final = 500
"""Messages fetched at a time: ten seconds at 2 MB/s, after which what is urgent comes first."""

FEW: Final = 20
"""New messages that are delivered one by one; more are a job, which appears at once."""

GAP: Final = 1 << 14
"""Ids left for deliveries during a portion: a minute of 270 a second. 32 bits hold 260,000 portions."""


class Survey(msgspec.Struct):
    """Findings of a look at a mailbox: state there, UIDs of new messages, and of those that are gone."""

    place: Place
    target: str
    remote: remotes.Remote
    exists: int
    uidnext: int
    modseq: int
    new: array[int]
    gone: array[int]

    def is_like(self, status: Mapping[str, int]) -> bool:
        """Whether nothing has come or gone since. An unknown number of messages is left at that."""
        return self.exists < 0 or (self.exists, self.uidnext) == (status.get("MESSAGES"), status.get("UIDNEXT"))


class _NewMailSorter:
    """Tells new mail of Inbox, which is sorted, from the first copy (LINK-31).

    Attributes:
      now: set while new mail of Inbox is added.
    """

    def __init__(self, sorter: LinkSorter | None) -> None:
        self._sorter = sorter
        self.now: LinkSorter | None = None
        self._began: dict[int, int] = {}
        """UIDNEXT of Inbox, by its UIDVALIDITY, when it was first opened: what came since is not of the first copy."""

    def portion(self, survey: Survey, left: int) -> array[int]:
        """The UIDs that are fetched next, of the first `left` ones: new mail of Inbox that is sorted comes apart."""
        portion = survey.new[max(left - PORTION, 0) : left]
        self.now = None
        if self._sorter is None or survey.place.box.name.upper() != "INBOX":
            return portion
        since = survey.remote.uidnext or self._began.setdefault(survey.remote.uidvalidity, survey.uidnext)
        fresh = array("I", [uid for uid in portion if uid >= since])
        if fresh:
            self.now = self._sorter
        return fresh or portion


class LinkPull(Pull):
    """A pull that delivers few messages one by one.

    Attributes:
      began: when the connection did, in Trio's time.
    """

    role: remotes.Role = "link"

    def __init__(self, transfer: Transfer, sorter: LinkSorter | None, resent: ResentMessages) -> None:
        super().__init__(transfer)
        self.sorting = _NewMailSorter(sorter)
        self.resent = resent
        self.began = trio.current_time()

    async def _add(self, feed: Feed, progress: Progress, count: int, remote: remotes.Remote) -> int:
        # The mailbox may get another name here meanwhile: under the old one a mailbox would be made, here and there.
        home = remote.mailbox_id
        if count > FEW and self.sorting.now is None:
            return await add_messages(
                self._account, self._accounts, feed.items(), progress, self._tmp, gap=GAP, home=home
            )
        added = 0
        while (mail := await feed.get()) is not None:
            spool = Spool(self._tmp)
            with spool:
                while (piece := await trio.to_thread.run_sync(next, mail.pieces, None)) is not None:
                    await spool.write(piece)
                await spool.finish()
                try:
                    ready = await prepare(spool)
                    done = False
                    while not done:
                        with suppress(NoSuchMailbox):  # it is made again
                            name = (await self._account.read(partial(mailbox, mailbox_id=home), op="link")).name
                            mail = msgspec.structs.replace(mail, mailbox=name)
                        done = await self._deliver(mail, ready, home)
                except (BadMessage, LimitExceeded) as error:
                    await self.problems.add(worded("skipped {place}: {reason}", place=mail.place, reason=error))
                    continue
            added += 1
        return added

    async def _deliver(self, mail: Mail, ready: PreparedMessage, home: MailboxID) -> bool:
        """Deliver a message; returns False, and delivers nothing, if its mailbox has another name here."""
        flags, keywords = remotes.parsed_flags(mail.words)
        files = FileInto(mailbox=mail.mailbox, flags=int(flags), keywords=tuple(sorted(keywords)))
        also = partial(_linked, mail=mail, ready=ready, home=home)
        received, offset = mail.received, mail.offset
        try:
            await deliver_linked(self._account, ready, files, self.sorting.now, also, received=received, offset=offset)
        except _MailboxRenamed:
            return False
        return True


class _MailboxRenamed(StoreError):
    """The mailbox got another name here on the way of a message."""


def _linked(tx: AccountTx, performed: DeliveryResult, *, mail: Mail, ready: PreparedMessage, home: MailboxID) -> None:
    """Write the row of a message in the unit of its delivery, so that it is delivered and sorted once. Raises
    _MailboxRenamed.
    """
    with suppress(NoSuchMailbox):
        if mailbox(tx, home).name != mail.mailbox:
            raise _MailboxRenamed
    origin, added = mail.origin, performed.added
    assert origin is not None
    assert added is not None
    remotes.link(tx, origin, added.message_id, remotes.copy_key(ready.thread.messageid, origin.size, origin.received))
