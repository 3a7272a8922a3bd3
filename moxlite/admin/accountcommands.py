"""Commands of the control socket about accounts and their addresses (ADMIN-15)."""

import contextlib
from collections.abc import Iterable, Mapping
from functools import partial

import trio

from moxlite.admin import accounts as changes
from moxlite.admin.commandedits import change_file, named_account
from moxlite.config.checks.accounts import account_name_problem
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import AccountRecipient
from moxlite.logins.logins import Logins
from moxlite.net.control.server import Command, CommandFailed
from moxlite.operations.accounts import (
    AccountInfo,
    AddAccount,
    AddAddress,
    AddressInfo,
    DisableAccount,
    EnableAccount,
    FindAddress,
    ListAccounts,
    ListAddresses,
    ListSettings,
    RemoveAccount,
    RemoveAddress,
    SetQuota,
    SetSetting,
    SettingInfo,
)
from moxlite.operations.performing import commands
from moxlite.proto.address import Address, AddressError
from moxlite.store.accounts.access import Forget, forget_shares
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.errors import AccountUnknown, StoreError
from moxlite.store.mail.masked import masked_key


async def finish_removal(accounts: Accounts, auth: AuthDB, forgetters: Iterable[Forget], name: str) -> None:
    """Delete the files of an account that is marked as removed, and its name elsewhere, then the mark; repeated at
    start after a crash (STORE-140).
    """
    # First the files: when they are gone, sessions and tasks of the account have ended, and add nothing more.
    with contextlib.suppress(AccountUnknown):  # it was never used, or the files are gone already
        await accounts.remove(name)
    await _forget(accounts, auth, forgetters, name)


async def _forget(accounts: Accounts, auth: AuthDB, forgetters: Iterable[Forget], name: str) -> None:
    """Take the name of an account out of all places of `TRACES`."""
    # All before the mark goes: a later account of that name must not have its rights, nor its mail.
    await forget_shares(accounts, auth, name)
    for forget in forgetters:
        await forget(name)
    await auth.end_removal(name)


class AccountCommands:
    """The commands for accounts and their addresses."""

    def __init__(
        self, config: ConfigHolder, accounts: Accounts, auth: AuthDB, logins: Logins, forgetters: Iterable[Forget]
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._auth = auth
        self._logins = logins
        self._forgetters = forgetters

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        change = partial(change_file, self._config)
        return commands(
            ListAccounts.bind(self.account_list),
            ListAddresses.bind(self.account_addresses),
            AddAccount.bind(self.account_add),
            RemoveAccount.bind(self.account_rm),
            DisableAccount.bind(lambda args: change(changes.disable_account, args.account, args.message)),
            EnableAccount.bind(lambda args: change(changes.enable_account, args.account)),
            ListSettings.bind(self.account_settings),
            SetSetting.bind(lambda args: change(changes.set_setting, args.account, args.key, args.value)),
            SetQuota.bind(lambda args: change(changes.set_quota, args.account, args.size)),
            AddAddress.bind(self.address_add),
            RemoveAddress.bind(lambda args: change(changes.remove_address, args.address)),
            FindAddress.bind(self.address_account),
        )

    async def account_list(self, args: ListAccounts) -> list[AccountInfo]:
        """All accounts with their addresses, by name."""
        found = sorted(self._config.current.domains.accounts.items())
        return [
            AccountInfo(name, account.description, account.login_disabled or "", list(account.destinations))
            for name, account in found
        ]

    async def account_addresses(self, args: ListAddresses) -> list[AddressInfo]:
        """The addresses of one account."""
        account = named_account(self._config, args.account)
        return [AddressInfo(address, args.account) for address in account.destinations]

    async def account_settings(self, args: ListSettings) -> list[SettingInfo]:
        """The settings of one account, in the order of the reference."""
        return changes.settings_of(named_account(self._config, args.account))

    async def account_add(self, args: AddAccount) -> None:
        """Add an account with the usual settings."""
        await self.add(args.account, args.address)

    async def add(self, name: str, address: str, settings: Mapping[str, object] | None = None) -> None:
        """Add an account to the file, with further settings in its form, and make its database. Raises
        CommandFailed.
        """
        await self.check_new(name)
        await self.check_address(address, "address")
        await change_file(self._config, changes.add_account, name, address, settings)
        await self.make(name)

    async def address_add(self, args: AddAddress) -> None:
        """Give an account one more address."""
        await self.check_address(args.address, "address")
        await change_file(self._config, changes.add_address, args.address, args.account)

    async def check_address(self, text: str, field: str) -> None:
        """Raise CommandFailed for an address that an account gives away (MASK-5a): its mail would change hands."""
        try:
            address = Address.parse(text)
        except AddressError:
            return  # the change says what is wrong with it
        owner = await self._auth.masked.account_of(masked_key(address))
        if owner is not None:
            text = (
                f'"{text}" is a masked address of account "{owner}"; to delete it, run: moxlite address rm'
                f" {owner} {text}"
            )
            raise CommandFailed("refused", text, field)

    async def check_new(self, name: str) -> None:
        """Raise CommandFailed if no account of this name can be created now."""
        if not name:
            raise CommandFailed("refused", "enter an account name", "account")
        problem = account_name_problem(name)
        if problem is not None:
            raise CommandFailed("refused", f'"{name}" {problem}', "account")
        if name in self._config.current.domains.accounts:
            raise CommandFailed("refused", f'account "{name}" already exists', "account")
        removed = name in await self._auth.removals()
        if not removed and self._accounts.exists(name):
            text = f"found files from a deleted account in {self._accounts.path(name)}; move them first"
            raise CommandFailed("refused", text, "account")
        if removed:  # it failed: the next start would take the new account away
            await self._finish_removal(name)
        else:  # an account may have been taken out of the file by hand
            await _forget(self._accounts, self._auth, self._forgetters, name)

    async def make(self, name: str) -> None:
        """Make the database of an account that is configured."""
        try:
            await self._accounts.create(name)
        except StoreError as error:  # it's made at its first use, once that is possible
            raise CommandFailed("failed", f"account added, but couldn't create its database: {error}") from None

    async def account_rm(self, args: RemoveAccount) -> None:
        """Remove an account from the file, and delete all its data (ADMIN-15). The client may disconnect meanwhile."""
        with trio.CancelScope(shield=True):  # bounded: a file and a unit
            # The file first: from then on no mail comes and no one logs in, so nothing is added to what is deleted.
            await change_file(self._config, changes.remove_account, args.account)
            self._logins.forget(args.account)
            await self._auth.begin_removal(args.account)
        await self._finish_removal(args.account)

    async def _finish_removal(self, name: str) -> None:
        with trio.CancelScope(shield=True):  # bounded: users of the account are asked to leave, with a deadline
            await finish_removal(self._accounts, self._auth, self._forgetters, name)

    async def address_account(self, args: FindAddress) -> AddressInfo:
        """Return the account that gets the mail of an address."""
        try:
            address = Address.parse(args.address)
        except AddressError as error:
            raise CommandFailed("badRequest", f'"{args.address}" isn\'t a valid address: {error}') from None
        found = self._config.current.lookup(address)
        if not isinstance(found, AccountRecipient):
            raise CommandFailed("notFound", f'"{args.address}" doesn\'t belong to an account')
        return AddressInfo(str(found.canonical), found.account)
