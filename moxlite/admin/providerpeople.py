"""Which account a person of the login provider logs in to (WEB-181, WEB-185), or gets (WEB-186), and which shared
mailboxes (WEB-190).

Issuer and subject decide. An address decides once, at the first log-in, and only where the administrator says that the
provider alone gives out a domain's addresses: after that it may change hands there, and opens nothing.
"""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Final

import trio

from moxlite.config.checks.accounts import account_name_problem
from moxlite.config.snapshot import AccountRecipient, AliasRecipient, UnknownLocalpart
from moxlite.config.toml.decode import encode
from moxlite.lazyimport import load
from moxlite.net.control.server import CommandFailed
from moxlite.operations.access import DelegateRemove, DelegateSet
from moxlite.proto.address import Address, AddressError, Domain, Localpart
from moxlite.proto.oidc import ProviderAway
from moxlite.store.auth.providerbindings import BoundElsewhere
from moxlite.store.changelog.origin import Origin, acting_as
from moxlite.store.errors import LimitExceeded, StorageBroken, StorageBusy, StorageFull, StoreError
from moxlite.store.mail.delegates import Delegate, delegates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from moxlite.admin.factors import FactorChanges
    from moxlite.admin.shares import ShareCommands
    from moxlite.config.holder import ConfigHolder
    from moxlite.config.provider import OIDC
    from moxlite.config.snapshot import Snapshot
    from moxlite.logins.logins import Logins
    from moxlite.logins.provider import LoginProvider, VerifiedClaims
    from moxlite.store.accounts.access import Forget
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.auth.authdb import AuthDB

logger = logging.getLogger("moxlite.admin.logins")

RESERVED: Final = frozenset(
    (
        *("abuse", "admin", "administrator", "dmarc", "ftp", "help", "hostmaster", "info", "mailerdaemon", "marketing"),
        *("moxlite", "news", "noc", "noreply", "postmaster", "root", "sales", "security", "ssladmin", "sslwebmaster"),
        *("support", "sysadmin", "tlsrpt", "usenet", "uucp", "webmaster", "www"),
    )
)
"""Localparts that speak for a domain (RFC 2142), get its certificates (CA/Browser Forum BR 3.2.2.4.4) or look as if.
Compared without separators: ``no-reply`` is ``noreply``.
"""

SEPARATORS: Final = re.compile("[._-]")

POSTMASTER: Final = Localpart("postmaster")

ACTOR: Final = "(login provider)"
"""The actor of these changes in the audit log."""


class ProviderPeople:
    """The people of the login provider, and their accounts. Methods raise StoreError."""

    def __init__(
        self,
        settings: OIDC,
        provider: LoginProvider,
        *,
        config: ConfigHolder,
        accounts: Accounts,
        auth: AuthDB,
        logins: Logins,
        factors: FactorChanges,
        forgetters: Iterable[Forget],
    ) -> None:
        self.provider: Final = provider
        self._settings = settings
        self._config = config
        self._accounts = accounts
        self._auth = auth
        self._logins = logins
        self._factors = factors
        self._forgetters = forgetters
        self._turn = trio.Lock()

    async def recipient_of(self, claims: VerifiedClaims, *, app: str, remote: str) -> AccountRecipient | None:
        """The account of a person who logs in to an app now, from this address, or None. The first log-in may connect
        the person with one. Raises ProviderAway: the claim that decides about that can't be had now.
        """
        account = await self._account_of(claims, app, remote)
        if account is None:
            return None
        if self._settings.shared_mailboxes:
            with acting_as(Origin(ACTOR, app, remote)):
                await self._share(account, claims)
        return self._config.current.login_of(account)

    async def _share(self, account: str, claims: VerifiedClaims) -> None:
        """Give an account the shared mailboxes of its person's groups, and take away the others (WEB-190). Nothing
        changes if the provider doesn't tell the groups.
        """
        try:
            groups = await claims.memberships()
        except ProviderAway as error:  # log-ins go on
            logger.warning("login provider failed", extra={"kv": {"account": account, "err": str(error)}})
            return
        if groups is None:
            logger.info("login provider sent no groups", extra={"kv": {"account": account}})
            return
        await load("moxlite.admin.shares")
        from moxlite.admin.shares import ShareCommands

        commands = ShareCommands(self._config, self._accounts, self._auth)
        for owner, group in self._settings.shared_mailboxes.items():
            try:
                if group in groups:
                    await self._let_use(commands, owner, account)
                else:
                    await self._stop_using(commands, owner, account)
            except (StoreError, CommandFailed) as error:  # log-ins go on
                kv = {"mailbox": owner, "account": account, "err": str(error)}
                logger.warning("shared mailbox not changed by group", extra={"kv": kv})

    async def _let_use(self, commands: ShareCommands, owner: str, account: str) -> None:
        now, pause = time.time_ns() // 1000, self._settings.pause_app_passwords
        ends = 0 if pause is None else now + round(pause * 1e6)
        delegate = await self._delegate(owner, account)
        sends = "as" if delegate is None else delegate.sends
        change = DelegateSet(guest=account, sends=sends, ends=ends, whole=True, account=owner)
        if delegate is None or not delegate.whole or 0 < delegate.ends <= now:
            async with self._auth.audit.recording("account delegate set", owner, {"guest": account}):
                await commands.let_send(change)
        elif delegate.ends != ends:  # with each log-in: no change for the log
            await commands.let_send(change)

    async def _stop_using(self, commands: ShareCommands, owner: str, account: str) -> None:
        if await self._delegate(owner, account) is not None:
            async with self._auth.audit.recording("account delegate rm", owner, {"guest": account}):
                await commands.stop_sending(DelegateRemove(guest=account, account=owner))

    async def _delegate(self, owner: str, account: str) -> Delegate | None:
        async with self._accounts.use(owner) as opened:
            shares = await opened.read(delegates, op="shares")
        return next((one for one in shares if one.guest == account), None)

    async def _account_of(self, claims: VerifiedClaims, app: str, remote: str) -> str | None:
        bindings = self._auth.bindings
        account = await bindings.account_of(claims.token.iss, claims.token.sub)
        if account is None:
            with acting_as(Origin(ACTOR, app, remote)):
                async with self._turn:  # another tab of the person may have been first
                    known = await bindings.account_of(claims.token.iss, claims.token.sub)
                    return known or await self._first_login(claims, remote)
        try:
            await bindings.note_login(claims.token.iss, claims.token.sub)
        except (StorageFull, StorageBusy, StorageBroken) as error:  # log-ins go on (STORE-105a)
            logger.warning("failed to record provider login", extra={"kv": {"account": account, "err": str(error)}})
        return account

    async def _first_login(self, claims: VerifiedClaims, remote: str) -> str | None:
        address = await self._trusted(claims)
        if address is None:
            return None
        account = self._owner(address)
        created = account is None and (account := await self._create(address, claims)) is not None
        if account is None:
            return None
        detail = {"subject": claims.token.sub, "address": str(address)}
        try:
            async with self._auth.audit.recording("account provider connect", account, detail):
                added = await self._auth.bindings.add_first(claims.token.iss, claims.token.sub, account)
        except (BoundElsewhere, LimitExceeded):
            added = False
        if not added:
            kv = {"account": account, "subject": claims.token.sub}
            logger.warning("login provider sent a connected account's address for another user", extra={"kv": kv})
            return None
        if not created:
            await self._factors.provider_connected(account, claims.token.sub, where=remote)
        return account

    async def _create(self, address: Address, claims: VerifiedClaims) -> str | None:
        """Create the account of a new person; its name, or None where that isn't wanted, or the address isn't free."""
        snapshot = self._config.current
        settings = snapshot.domain(address.domain)
        localpart = str(address.localpart)
        # An address with a recipient of any kind is taken, and one that ever had a recipient stays taken.
        if (
            settings is None
            or settings.new_accounts is None
            or not isinstance(snapshot.lookup(address), UnknownLocalpart)
            or account_name_problem(localpart) is not None  # ASCII alone: others may look like another's
            or SEPARATORS.sub("", localpart) in RESERVED
            or address != snapshot.canonical(address)
            or await self._auth.addresses.has(f"{localpart}@{address.domain.ascii}")
        ):
            return None
        taken = localpart in snapshot.domains.accounts or self._accounts.exists(localpart)
        name = f"{localpart}.{address.domain.ascii}" if taken else localpart
        detail = {"subject": claims.token.sub, "address": str(address)}
        await load("moxlite.admin.accountcommands")
        from moxlite.admin.accountcommands import AccountCommands

        commands = AccountCommands(self._config, self._accounts, self._auth, self._logins, self._forgetters)
        try:
            async with self._auth.audit.recording("config account add", name, detail):
                await commands.add(name, str(address), encode(settings.new_accounts))
        except CommandFailed as error:
            logger.warning("account creation failed", extra={"kv": {"account": name, "err": str(error)}})
            return None
        logger.info("account created at first login", extra={"kv": {"account": name, "address": str(address)}})
        return name

    async def _trusted(self, claims: VerifiedClaims) -> Address | None:
        """The address of a person, if it may decide. Raises ProviderAway."""
        if not self._settings.trust_addresses:
            return None
        try:
            address = Address.parse(await claims.address())
        except AddressError:
            return None
        return self._config.current.folded(address) if address.domain in self._settings.trust_addresses else None

    def _owner(self, address: Address) -> str | None:
        """The account with this very address that may be connected by it: no alias, no catch-all, no text after a
        separator, and no account that gets mail for postmaster, which opens more than mail.
        """
        snapshot = self._config.current
        recipient = snapshot.lookup_configured(address)
        if not isinstance(recipient, AccountRecipient) or recipient.reports is not None:
            return None
        settings = snapshot.account(recipient.account)
        if settings is None or settings.login_disabled or gets_postmaster(snapshot, recipient.account):
            return None
        return recipient.account if address == recipient.canonical else None


def gets_postmaster(snapshot: Snapshot, account: str) -> bool:
    """Whether the file names an account for the mail of postmaster, here or at a domain, also as an alias."""
    if account == snapshot.static.postmaster.account:
        return True
    for domain in snapshot.derived.domains:
        match snapshot.lookup_configured(Address(POSTMASTER, Domain.parse(domain))):
            case AccountRecipient(account=owner) if owner == account:
                return True
            case AliasRecipient() as alias if alias in snapshot.derived.aliases_of.get(account, ()):
                return True
    return False
