"""The calls about accounts and their addresses (WEB-81)."""

from __future__ import annotations

from typing import Annotated, Final

import trio
from msgspec import Meta

from moxlite.admin.accounts import looking_alike
from moxlite.config.domains import Account
from moxlite.config.snapshot import Snapshot
from moxlite.operations import description
from moxlite.operations.access import SetPassword
from moxlite.operations.accounts import AddAccount, DisableAccount
from moxlite.operations.queue import CountOutgoing, Outgoing
from moxlite.proto.address import Address
from moxlite.store.auth.credentials import generate_password
from moxlite.store.auth.loginattempts import RecordedAttempt
from moxlite.store.changelog.account import Account as StoreAccount
from moxlite.store.changelog.origin import origin
from moxlite.store.errors import StoreError
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.admin.types import (
    AccountDetail,
    AccountPage,
    AccountRemains,
    AccountRow,
    AccountUse,
    AddressRow,
    Attempt,
)
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors, NotFound
from moxlite.web.types import Credential

Word = Annotated[str, Meta(max_length=320)]
Count = Annotated[int, Meta(ge=1, le=200)]

SHARED: Final = "This mailbox is shared. Log in with your own account."
"""Error for a login to a shared mailbox."""

MOST_AT_ONCE: Final = 50
"""Accounts whose use one call tells."""


class AccountCalls(AdminCalls):
    """Accounts: list, page, addresses, passwords, log-ins."""

    @call()
    async def accounts(self, caller: Caller, search: Word = "", after: Word = "", count: Count = 50) -> AccountPage:
        """A page of the accounts whose name, address or text contains `search`, behind the account `after`."""
        await trio.lowlevel.checkpoint()
        snapshot, broken = self._server.config(), self._server.accounts.broken()
        found = sorted(
            name for name, one in snapshot.domains.accounts.items() if _matches(name, one, search.casefold())
        )
        page = [name for name in found if name > after][:count]
        return AccountPage([_row(snapshot, name, broken.get(name, "")) for name in page], len(found))

    @call()
    async def account_uses(
        self, caller: Caller, names: Annotated[list[Word], Meta(max_length=MOST_AT_ONCE)]
    ) -> list[AccountUse]:
        """Octets that accounts use, and the last log-in of each."""
        known = [name for name in names if self._server.config().account(name) is not None]
        logins = await self._logins(known)
        return [await self._use(name, logins) for name in known]

    @call()
    async def account(self, caller: Caller, name: Word) -> AccountDetail:
        """An account with its addresses."""
        snapshot = self._server.config()
        settings = self._settings(name)
        others = looking_alike(snapshot, settings.destinations, name)
        return AccountDetail(
            row=_row(snapshot, name, self._server.accounts.broken().get(name, "")),
            domain=settings.domain.unicode,
            use=await self._use(name, await self._logins([name])),
            addresses=[
                _address(snapshot, address, destination.mailbox, others.get(address, ""))
                for address, destination in settings.destinations.items()
            ],
            domains=sorted(snapshot.domains.domains),
        )

    @call(secret=True)
    async def account_add(self, caller: Caller, name: Word, address: Word, shared: bool = False) -> str:
        """Add an account with an address; returns the password that was made for it. ``shared``: one without
        a login and password.
        """
        needed = (("name", name, "enter an account name"), ("address", address, "enter an address"))
        problems = [FieldError(key, text) for key, value, text in needed if not value]
        if problems:
            raise FieldErrors(problems)
        if not await self._was_added(name, address):
            await self._perform(AddAccount(account=name, address=address), account="name")
        if shared:
            await self._perform(DisableAccount(account=name, message=SHARED), account="name")
            return ""
        return await self._set_password(name, generate_password())

    async def _was_added(self, name: str, address: str) -> bool:
        """Whether this repeats a call that added the account, whose password is still unused."""
        settings = self._server.config().account(name) if origin().again else None
        return settings is not None and address in settings.destinations and not await self._logins([name])

    @call()
    async def account_remains(self, caller: Caller, name: Word) -> AccountRemains:
        """Numbers of messages and mailboxes that would go with an account."""
        settings = self._settings(name)
        aliases = {
            str(alias_recipient.canonical) for alias_recipient in self._server.config().derived.aliases_of.get(name, ())
        }
        outgoing = await self._outgoing(name)
        try:
            async with self._server.accounts.use(name) as account:
                boxes = await account.read(mailbox_rows.mailboxes, op="admin_account")
        except StoreError:
            boxes = []
        return AccountRemains(
            messages=sum(box.total for box in boxes),
            octets=sum(box.size for box in boxes),
            mailboxes=sum(not box.system for box in boxes),
            addresses=len(settings.destinations),
            aliases=sorted(aliases),
            queued=outgoing.waiting,
            held=outgoing.held,
        )

    @call(confirm=True, secret=True)
    async def account_password(self, caller: Caller, name: Word, password: Credential = "") -> str:
        """Set the password of an account, or without one a password that is made and returned. Ends its sessions."""
        return await self._set_password(name, password or generate_password())

    @call()
    async def attempts(self, caller: Caller, account: Word = "", count: Count = 50) -> list[Attempt]:
        """The latest log-in attempts to an account, or to all and to the admin app."""
        recorded_attempts = await self._server.auth.attempts.newest(account or None, limit=count)
        return [attempt_of(recorded_attempt) for recorded_attempt in recorded_attempts]

    def _settings(self, name: str) -> Account:
        found = self._server.config().account(name)
        if found is None:
            raise NotFound(f"Account not found: {name!r}")
        return found

    async def _set_password(self, name: str, password: str) -> str:
        await self._perform(SetPassword(name, password))
        return password

    async def _logins(self, names: list[str]) -> dict[str, tuple[int, str]]:
        try:
            return await self._server.auth.attempts.last_logins(names)
        except StoreError:
            return {}

    async def _use(self, name: str, logins: dict[str, tuple[int, str]]) -> AccountUse:
        last, protocol = logins.get(name, (0, ""))
        try:
            async with self._server.accounts.use(name) as account:
                return AccountUse(name, await _size(account), last, protocol, "")
        except StoreError as error:
            return AccountUse(name, 0, last, protocol, str(error))

    async def _outgoing(self, name: str) -> Outgoing:
        """Numbers of an account's outgoing messages; 0 while no queue runs."""
        if description(CountOutgoing).name not in await self._server.commands():
            return Outgoing(0, 0)
        return await self._perform(CountOutgoing(name))


def attempt_of(recorded_attempt: RecordedAttempt) -> Attempt:
    """A log-in attempt as pages show it."""
    return Attempt(
        account=recorded_attempt.account,
        address=recorded_attempt.address,
        remote_ip=recorded_attempt.remote_ip,
        protocol=recorded_attempt.protocol,
        mechanism=recorded_attempt.mechanism,
        user_agent=recorded_attempt.user_agent,
        result=recorded_attempt.result,
        tls=recorded_attempt.tls,
        first=recorded_attempt.first,
        last=recorded_attempt.last,
        count=recorded_attempt.count,
    )


async def _size(account: StoreAccount) -> int:
    return (await account.read(mailbox_rows.state, op="admin_account")).total_size


def _matches(name: str, account: Account, search: str) -> bool:
    if not search:
        return True
    texts = (name, account.description, account.full_name, *account.destinations)
    return any(search in text.casefold() for text in texts)


def _row(snapshot: Snapshot, name: str, broken: str) -> AccountRow:
    account = snapshot.domains.accounts[name]
    quota = account.quota_message_size if account.quota_message_size is not None else snapshot.static.quota_message_size
    return AccountRow(
        name=name,
        description=account.description,
        full_name=account.full_name,
        disabled=account.login_disabled or "",
        broken=broken,
        first_address=next(iter(account.destinations), ""),
        addresses=len(account.destinations),
        limit=max(0, quota),
    )


def _address(snapshot: Snapshot, address: str, mailbox: str, other: str) -> AddressRow:
    aliases: list[str] = []
    if not address.startswith("@"):
        own = snapshot.canonical(Address.parse(address))
        aliases = [
            f"{localpart}@{domain}"
            for domain, settings in snapshot.domains.domains.items()
            for localpart, alias in settings.aliases.items()
            if any(snapshot.canonical(member) == own for member in alias.addresses)
        ]
    return AddressRow(address, address.startswith("@"), mailbox, aliases, other)
