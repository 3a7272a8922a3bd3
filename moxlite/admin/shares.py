"""Commands of the control socket about shared mailboxes (IMAP-157), and the meaning of a guest's name."""

import logging
from collections.abc import Collection

from moxlite.config.snapshot import Snapshot
from moxlite.proto.sasl.plain import normalize_username
from moxlite.store.accounts.access import publish_shares
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.forms import BadForm
from moxlite.store.mail.acl import set_rights
from moxlite.store.mail.sharenotices import ANYONE
from moxlite.store.names import check_name, is_below
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes

logger = logging.getLogger("moxlite.admin.shares")


def guest_of(snapshot: Snapshot, text: str) -> str | None:
    """The identifier for an account's name, an address, or ``anyone``; None for any other text."""
    text = text.strip().lower()
    if "@" in text:
        recipient = snapshot.login(normalize_username(text))
        # Otherwise, a misspelled address would share with the account of the catchall.
        return None if recipient is None or recipient.catchall else recipient.account
    return text if text == ANYONE or snapshot.account(text) is not None else None


def guest_for(snapshot: Snapshot, account: str, text: str, known: Collection[str] = ()) -> str:
    """`guest_of`, for an account that shares something. `known`: guests whose accounts may be gone. Raises BadForm."""
    guest = text if text in known else guest_of(snapshot, text)
    if guest is None:
        raise BadForm("guest", "isn't an account on this server; you can only share with accounts")
    if guest == account:
        raise BadForm("guest", "is your own account, which already has full access")
    return guest


async def share(account: Account, auth: AuthDB, mailbox: str, guest: str, rights: str, *, below: bool) -> None:
    """Give an identifier just these rights on a mailbox of an account, "" for none.

    Args:
      guest: as `guest_of` returns it.
      below: also on the mailboxes below.

    Raises BadMailboxName, NoSuchMailbox, LimitExceeded, MailboxNotAllowed: the system's mailbox.
    """

    def unit(tx: AccountTx) -> list[str]:
        box = mailbox_by_name(tx, check_name(mailbox))
        if box is None:
            raise NoSuchMailbox(mailbox)
        boxes = [box, *(one for one in mailboxes(tx) if below and is_below(one.name, box.name))]
        return [one.name for one in boxes if set_rights(tx, one.id, guest, rights)]

    for name in await account.write(unit):
        kv = {"account": account.name, "mailbox": name, "for": guest, "rights": rights}
        logger.info("permissions changed", extra={"kv": kv})
    await publish_shares(auth, account)
