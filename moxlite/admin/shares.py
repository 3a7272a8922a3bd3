"""Commands of the control socket about shared mailboxes (IMAP-157), and the meaning of a guest's name."""

import logging
from collections.abc import Mapping

from moxlite.admin.accounts import Refused, require_account
from moxlite.admin.requests import AccountName, ShareInfo, ShareSet
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.logins.logins import Logins
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.shares import publish_shares
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import BadMailboxName, NoSuchMailbox, StoreError
from moxlite.store.mail.acl import ANYONE, RIGHTS, all_acls, set_rights
from moxlite.store.names import check_name, is_below
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes

__all__ = ["ShareCommands", "guest_of", "share"]

logger = logging.getLogger("moxlite.admin.shares")


def guest_of(snapshot: Snapshot, logins: Logins, text: str) -> str | None:
    """The identifier for an account's name, an address, or ``anyone``; None for any other text."""
    text = text.lower()
    if text == ANYONE:
        return ANYONE
    if "@" in text:
        recipient = logins.login(text)
        return None if recipient is None else recipient.account
    return None if snapshot.account(text) is None else text


async def share(account: Account, auth: AuthDB, mailbox: str, guest: str, rights: str, *, below: bool, by: str) -> None:
    """Give an identifier just these rights on a mailbox of an account, "" for none.

    Args:
      guest: as `guest_of` returns it.
      below: also on the mailboxes below.
      by: account that does this, for the log.

    Raises BadMailboxName, NoSuchMailbox, LimitExceeded, MailboxNotAllowed: the system's mailbox.
    """

    def unit(tx: AccountTx) -> list[str]:
        box = mailbox_by_name(tx, check_name(mailbox))
        if box is None:
            raise NoSuchMailbox(mailbox)
        boxes = [box, *(one for one in mailboxes(tx) if below and is_below(one.name, box.name))]
        return [one.name for one in boxes if set_rights(tx, one.id, guest, rights)]

    for name in await account.write(unit):
        kv = {"account": account.name, "mailbox": name, "for": guest, "rights": rights, "by": by}
        logger.info("rights changed", extra={"kv": kv})
    await publish_shares(auth, account)


class ShareCommands:
    """``moxlite account share``."""

    def __init__(self, config: ConfigHolder, accounts: Accounts, auth: AuthDB, logins: Logins) -> None:
        self._config = config
        self._accounts = accounts
        self._auth = auth
        self._logins = logins

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {
            "account share list": Command(AccountName, self.list),
            "account share set": Command(ShareSet, self.set),
            "account share rm": Command(ShareSet, self.set),
        }

    async def list(self, args: AccountName, exchange: Exchange) -> list[ShareInfo]:
        """List the shares of an account, by mailbox and guest."""
        self._require(args.account)
        try:
            async with self._accounts.use(args.account) as account:
                found = await account.read(all_acls, op="shares")
        except StoreError as error:
            raise CommandFailed("failed", str(error)) from None
        return [ShareInfo(*row) for row in found]

    async def set(self, args: ShareSet, exchange: Exchange) -> None:
        """Set or remove rights."""
        self._require(args.account)
        guest = guest_of(self._config.current, self._logins, args.guest)
        if guest is None:
            raise CommandFailed("notFound", f'there is no account "{args.guest}"')
        if any(letter not in RIGHTS for letter in args.rights):
            raise CommandFailed("badRequest", f'"{args.rights}" are no rights')

        try:
            async with self._accounts.use(args.account) as account:
                await share(account, self._auth, args.mailbox, guest, args.rights, below=args.below, by="(cli)")
        except (NoSuchMailbox, BadMailboxName):
            raise CommandFailed("notFound", f'{args.account} has no mailbox "{args.mailbox}"') from None
        except StoreError as error:
            raise CommandFailed("refused", str(error)) from None

    def _require(self, name: str) -> None:
        try:
            require_account(self._config.current, name)
        except Refused as error:
            raise CommandFailed("notFound", str(error)) from None
