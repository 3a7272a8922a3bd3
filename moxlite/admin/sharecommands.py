"""The commands ``moxlite account share``."""

from collections.abc import Mapping

from moxlite.admin.edits import named_account
from moxlite.admin.requests import AccountName, ShareInfo, ShareSet
from moxlite.admin.shares import guest_of, share
from moxlite.config.holder import ConfigHolder
from moxlite.logins.logins import Logins
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.errors import BadMailboxName, NoSuchMailbox, StoreError
from moxlite.store.mail.acl import RIGHTS, all_acls


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
        named_account(self._config, args.account)
        try:
            async with self._accounts.use(args.account) as account:
                found = await account.read(all_acls, op="shares")
        except StoreError as error:
            raise CommandFailed("failed", str(error)) from None
        return [ShareInfo(*row) for row in found]

    async def set(self, args: ShareSet, exchange: Exchange) -> None:
        """Set or remove rights."""
        named_account(self._config, args.account)
        guest = guest_of(self._config.current, self._logins, args.guest)
        if guest is None:
            raise CommandFailed("notFound", self._config.current.no_account(args.guest))
        if any(letter not in RIGHTS for letter in args.rights):
            raise CommandFailed("badRequest", f'"{args.rights}" are no rights')

        try:
            async with self._accounts.use(args.account) as account:
                await share(account, self._auth, args.mailbox, guest, args.rights, below=args.below, by="(cli)")
        except (NoSuchMailbox, BadMailboxName):
            raise CommandFailed("notFound", f'{args.account} has no mailbox "{args.mailbox}"') from None
        except StoreError as error:
            raise CommandFailed("refused", str(error)) from None
