"""Commands of the control socket about shared mailboxes and delegates (IMAP-157), and the meaning of a guest's name."""

import datetime as dt
import logging
import time
from collections.abc import Collection, Mapping

from moxlite.admin.commandedits import named_account
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.net.control.server import Command
from moxlite.operations import access as operations
from moxlite.operations.performing import commands
from moxlite.operations.store import ListMailboxes, MailboxInfo
from moxlite.proto.sasl.plain import normalize_username
from moxlite.store.accounts.access import publish_shares
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import BadMailboxName, NoSuchMailbox
from moxlite.store.forms import LAST, BadForm
from moxlite.store.mail.acl import RIGHTS, all_acls, set_rights
from moxlite.store.mail.delegates import Delegate, delegates, remove_delegate, set_delegate
from moxlite.store.mail.sharenotices import ANYONE
from moxlite.store.names import check_name, is_below
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes
from moxlite.wording import worded

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
    if not text.strip():
        raise BadForm("guest", "enter an address or account")
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


def delegate_info(delegate: Delegate) -> operations.DelegateInfo:
    """A delegate as programs and pages see it."""
    ends = dt.datetime.fromtimestamp(min(delegate.ends, LAST) // 1_000_000, dt.UTC) if delegate.ends else None
    return operations.DelegateInfo(delegate.guest, delegate.sends, ends, delegate.whole)


class ShareCommands:
    """``moxlite account share`` and ``account delegate``."""

    def __init__(self, config: ConfigHolder, accounts: Accounts, auth: AuthDB) -> None:
        self._config = config
        self._accounts = accounts
        self._auth = auth

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            ListMailboxes.bind(self.mailboxes),
            operations.ListShares.bind(self.list),
            operations.ShareSet.bind(lambda args: self.set(args, args.rights)),
            operations.ShareRemove.bind(lambda args: self.set(args, "")),
            operations.ListDelegates.bind(self.delegates),
            operations.DelegateSet.bind(self.let_send),
            operations.DelegateRemove.bind(self.stop_sending),
        )

    async def delegates(self, args: operations.ListDelegates) -> list[operations.DelegateInfo]:
        """List who may send from an account's addresses."""
        named_account(self._config, args.account)
        async with self._accounts.use(args.account) as account:
            found = await account.read(delegates, op="shares")
        return [delegate_info(delegate) for delegate in found]

    async def mailboxes(self, args: ListMailboxes) -> list[MailboxInfo]:
        """List an account's mailboxes."""
        named_account(self._config, args.account)
        async with self._accounts.use(args.account) as account:
            boxes = await account.read(mailboxes, op="shares")
        return [MailboxInfo(box.name, box.exists, box.unread) for box in boxes]

    async def list(self, args: operations.ListShares) -> list[operations.ShareInfo]:
        """List the shares of an account, by mailbox and guest."""
        named_account(self._config, args.account)
        async with self._accounts.use(args.account) as account:
            found = await account.read(all_acls, op="shares")
        return [operations.ShareInfo(*row) for row in found]

    async def set(self, args: operations.ShareSet | operations.ShareRemove, rights: str) -> None:
        """Set or remove rights."""
        guest = self._guest(args)
        if set(rights) - set(RIGHTS) or (rights and "l" not in rights):
            raise BadForm("rights", worded("must be letters from {letters}, including l", letters=RIGHTS))
        async with self._accounts.use(args.account) as account:
            try:
                await share(account, self._auth, args.mailbox, guest, rights, below=args.below)
            except (NoSuchMailbox, BadMailboxName):
                raise BadForm("mailbox", "no longer exists") from None

    async def let_send(self, args: operations.DelegateSet) -> None:
        """Let another account send from an account's addresses."""
        guest = self._guest(args)
        if guest == ANYONE:
            raise BadForm("guest", "choose a single account; you can't let everyone send as you")
        if args.ends and args.ends <= time.time_ns() // 1000:
            raise BadForm("ends", "must be in the future")
        delegate = Delegate(guest, args.sends, args.ends, args.whole)
        async with self._accounts.use(args.account) as account:
            await account.write(lambda tx: set_delegate(tx, delegate))
            await publish_shares(self._auth, account)

    async def stop_sending(self, args: operations.DelegateRemove) -> None:
        """Take the right to send from an account's addresses."""
        guest = self._guest(args)
        async with self._accounts.use(args.account) as account:
            if not await account.write(lambda tx: remove_delegate(tx, guest)):
                raise BadForm("guest", "doesn't have permission to send from this account's addresses")
            await publish_shares(self._auth, account)

    def _guest(
        self, args: operations.ShareSet | operations.ShareRemove | operations.DelegateSet | operations.DelegateRemove
    ) -> str:
        """The identifier of another account, or of all of them."""
        named_account(self._config, args.account)
        return guest_for(self._config.current, args.account, args.guest)
