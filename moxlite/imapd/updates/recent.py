r"""``\Recent`` (RFC 3501 §2.3.2; IMAP-72a): the session that shows it for a message.

The store has for each mailbox the UID up to which messages were claimed. They are claimed in memory, by the first
session that selects the mailbox or gets them while it is selected: a transaction would cost an fsync for each delivery,
and let SELECT wait for the disk. Claims are stored when the account's last session ends. After a crash, messages look
new once more, which does no harm.
"""

from __future__ import annotations

import logging
from array import array
from bisect import bisect_left
from typing import Final

import trio

from moxlite.imapd.session.state import Session
from moxlite.imapd.session.view import View
from moxlite.proto.imap.seqset import normalize
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import NoSuchMailbox, StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.mailboxes import claim_recent
from moxlite.store.rows.messages import vanished
from moxlite.store.types import Mailbox, MailboxID

logger = logging.getLogger("moxlite.imapd")

COUNT: Final = "SELECT count(*) FROM message WHERE mailbox_id = ? AND uid >= ? AND uid < ?"

MANY: Final = 5_000
"""Number of UIDs above which messages are counted in a thread: an index counts 10,000 in a millisecond (STORE-3)."""

PATIENCE: Final = 3.0
"""Seconds that the end of a session waits for claims to be stored: as long as shutdown waits for it (IMAP-21)."""


async def claim_selected(session: Session, view: View, box: Mailbox) -> None:
    """Claim all unclaimed messages for a session that selects `box`, in memory: opening a mailbox waits for no disk."""
    if session.extensions.rev2 or view.seat.guest:  # the owner sees what is new, guests do not
        return
    if view.access.read_only:
        await _show_unclaimed(view, box)
        return
    _claim(view, max(box.recent_uid, view.seat.share.recent.get(box.id, 0)))
    await _count_told(view)


async def _show_unclaimed(view: View, box: Mailbox) -> None:
    """Show unclaimed messages as recent, without claiming them, as EXAMINE does (RFC 3501 §6.3.2)."""
    _show(view, max(box.recent_uid, view.seat.share.recent.get(box.id, 0)))
    await _count_told(view)


async def _count_told(view: View) -> None:
    if view.counted and view.recent.uids:
        low, account = view.recent.uids[0][0], view.seat.account
        view.recent.told = await _count(account, view.mailbox_id, low, view.uidnext, since=view.modseqs.since)


async def _count(account: Account, mailbox_id: MailboxID, low: int, below: int, *, since: int | None = None) -> int:
    """Number of messages from UID `low` on, below `below`; with `since` including messages removed after this
    modseq.
    """

    def read(r: Reader) -> int:
        here: int = r.value(COUNT, mailbox_id, low, below)
        return here if since is None else here + len(vanished(r, mailbox_id, since, low, below - 1))

    if below - low <= MANY:
        return await account.read(read, op="imap-recent")
    return await account.scan(read, op="imap-recent")


def claim_told(session: Session, view: View, uids: array[int]) -> bool:
    """Claim the messages among `uids`, at the end of the view, that no session has claimed; after EXAMINE only show
    them. Returns whether there are any.
    """
    if session.extensions.rev2 or view.seat.guest:
        return False
    first = max(uids[0], view.seat.share.recent.get(view.mailbox_id, 0))
    recent = len(uids) - bisect_left(uids, first)
    if recent:
        view.recent.told += recent
        if view.access.read_only:
            _show(view, first)
        else:
            _claim(view, first)
    return bool(recent)


def _show(view: View, first: int) -> None:
    """Show ``\\Recent`` for messages from UID `first` on."""
    if first < view.uidnext:
        view.recent.uids = normalize([*view.recent.uids, (first, view.uidnext - 1)])


def _claim(view: View, first: int) -> None:
    r"""Show ``\Recent`` from UID `first` on, and let no other session do so."""
    _show(view, first)
    if first < view.uidnext:
        view.seat.share.recent[view.mailbox_id] = view.uidnext
        view.seat.share.unwritten.add(view.mailbox_id)


async def unclaimed(session: Session, box: Mailbox) -> int:
    """Number of messages that no session has claimed, for STATUS RECENT."""
    first = max(box.recent_uid, session.home.share.recent.get(box.id, 0))
    if session.extensions.rev2 or first >= box.uidnext:
        return 0
    return await _count(session.home.account, box.id, first, box.uidnext)


async def write_claims(session: Session) -> None:
    """Store the claims that are in memory only, as the account's last session has ended. Takes at most `PATIENCE`
    seconds.
    """
    share = session.home.share
    claims = [(MailboxID(mailbox_id), share.recent[mailbox_id]) for mailbox_id in share.unwritten]
    if not claims:
        return

    def unit(tx: AccountTx) -> None:
        for mailbox_id, below in claims:
            try:
                claim_recent(tx, mailbox_id, below)
            except NoSuchMailbox:
                continue

    # A lost claim only shows messages as recent once more, so a slow disk does not delay the end of the session.
    with trio.move_on_after(PATIENCE):
        try:
            await session.home.account.write(unit)
        except StoreError as error:
            logger.warning("failed to claim recent messages", extra={"kv": {"account": share.name, "err": str(error)}})
